/* decoder_test.c - the contract at the top of decoder.h, sentence by sentence. The protocol is lines. */
#include <errno.h>

#include <weir/buffer.h>
#include <weir/codec/decoder.h>
#include <weir/codec/line_decoder.h>
#include <weir/core/alloc.h>
#include <weir/core/log.h>
#include <weir/testing.h>
#include <weir/testing/recorder.h>
#include <weir/transport/channel.h>
#include <weir/transport/ctx.h>
#include <weir/transport/embedded.h>
#include <weir/transport/event.h>

/* In front of the decoder: an outer recorder, and a place to fire events from while a callback runs.
 * Behind it: the recorder. */
typedef struct rig {
    weir_embedded *embedded;
    weir_recorder *outer, *recorder;
    weir_ctx *upstream;
    weir_line_options options;
    int left; /* for callbacks that do a thing some times */
    bool in_callback;
} rig;

static void keep_ctx(weir_ctx *ctx) {
    rig *self = weir_ctx_state(ctx);
    self->upstream = ctx;
}

static const weir_handler upstream = {.name = "upstream", .added = keep_ctx};

static weir_status build(weir_pipeline *pipeline, void *arg) {
    rig *self = arg;
    weir_status status = weir_recorder_add_passing(self->outer, pipeline);
    if (status == WEIR_OK) status = weir_pipeline_add_last(pipeline, &upstream, self);
    if (status == WEIR_OK) status = weir_line_decoder_add(pipeline, &self->options);
    if (status == WEIR_OK) status = weir_recorder_add(self->recorder, pipeline);
    return status;
}

static bool open_rig(rig *self, const weir_channel_options *options) {
    if (self->options.max_length == 0) self->options.max_length = 64;
    self->outer = weir_recorder_new();
    self->recorder = weir_recorder_new();
    self->embedded = weir_embedded_new(options, build, self);
    weir_recorder_clear(self->outer);
    return self->embedded != NULL;
}

static void close_rig(rig *self) {
    weir_embedded_free(self->embedded);
    weir_recorder_free(self->outer);
    weir_recorder_free(self->recorder);
}

static weir_ctx *decoder_in(rig *self) {
    return weir_pipeline_find(weir_embedded_pipeline(self->embedded), &weir_line_decoder.handler);
}

static void feed(rig *self, const char *text) {
    (void)weir_embedded_feed_bytes(self->embedded, text, strlen(text));
}

/* As if a handler in front of the decoder had more, while a callback runs. */
static void inject(rig *self, const char *text) {
    weir_buf *buf = weir_buf_new(strlen(text));
    require(buf != NULL);
    weir_buf_write_str(buf, text);
    weir_ctx_fire_read(self->upstream, &buf->obj);
    weir_ctx_fire_read_complete(self->upstream);
}

static bool is_line(const weir_obj *msg, const char *text) {
    return weir_buf_equal_bytes((const weir_buf *)(const void *)msg, weir_bytes_str(text));
}

/* ---- messages ---- */

WEIR_TEST(decoder, passes_on_each_message_and_then_the_end_of_the_burst) {
    rig self = {0};
    require(open_rig(&self, NULL));
    feed(&self, "one\ntwo\nth");
    feed(&self, "ree\n");
    expect(weir_recorder_saw(self.recorder, "active\nread 3 \"one\"\nread 3 \"two\"\nread_complete\n"
                                            "read 5 \"three\"\nread_complete\n"));
    close_rig(&self);
}

WEIR_TEST(decoder, lets_objects_pass_that_are_not_bufs) {
    static weir_event object = WEIR_EVENT_CONSTANT("object");
    rig self = {0};
    require(open_rig(&self, NULL));
    feed(&self, "on");
    expect_status(weir_embedded_feed(self.embedded, &object), WEIR_OK);
    feed(&self, "e\n");
    expect(weir_recorder_saw(self.recorder, "active\nread_complete\nread event\nread_complete\n"
                                            "read 3 \"one\"\nread_complete\n"));
    close_rig(&self);
}

WEIR_TEST(decoder, tells_what_it_has_done) {
    rig self = {.options.decoder.contiguous = true};
    require(open_rig(&self, NULL));
    feed(&self, "one\ntwo\nth");
    feed(&self, "ree\nfo");
    weir_decoder_stats stats;
    weir_decoder_get_stats(decoder_in(&self), &stats);
    expect_eq(stats.messages, 3);
    expect_eq(stats.bytes, 14);
    expect_eq(stats.waiting, 2);
    expect_eq(stats.copied, 6); /* the small second read, behind the first: its line is in one piece */
    close_rig(&self);
}

/* ---- reentrance ---- */

static void inject_two_more(void *arg, weir_ctx *ctx, const weir_obj *msg) {
    (void)ctx;
    rig *self = arg;
    expect(!self->in_callback);
    self->in_callback = true;
    if (is_line(msg, "one")) inject(self, "three\nfo");
    if (is_line(msg, "two")) inject(self, "ur\n");
    weir_recorder_note(self->recorder, "done");
    self->in_callback = false;
}

WEIR_TEST(decoder, keeps_input_that_comes_while_it_delivers_behind_what_is_there) {
    rig self = {0};
    require(open_rig(&self, NULL));
    weir_recorder_on_read(self.recorder, inject_two_more, &self);
    feed(&self, "one\ntwo\n");
    expect(weir_recorder_saw(self.recorder, "active\n"
                                            "read 3 \"one\"\ndone\nread 3 \"two\"\ndone\n"
                                            "read 5 \"three\"\ndone\nread 4 \"four\"\ndone\n"
                                            "read_complete\nread_complete\n"));
    close_rig(&self);
}

static void inject_one_more(void *arg, weir_ctx *ctx, const weir_obj *msg) {
    (void)ctx, (void)msg;
    rig *self = arg;
    if (self->left-- > 0) inject(self, "more\n");
}

WEIR_TEST(decoder, does_not_nest_however_often_a_callback_causes_input) {
    rig self = {.left = 100000}; /* as many frames on the stack would not fit */
    require(open_rig(&self, NULL));
    weir_recorder_on_read(self.recorder, inject_one_more, &self);
    feed(&self, "first\n");
    expect_eq(weir_recorder_count(self.recorder, "read 4"), 100000);
    close_rig(&self);
}

static void end_stream_in_callback(void *arg, weir_ctx *ctx, const weir_obj *msg) {
    (void)ctx;
    rig *self = arg;
    if (!is_line(msg, "one")) return;
    inject(self, "three\nrest");
    weir_ctx_fire_event(self->upstream, &weir_event_peer_closed.obj);
}

WEIR_TEST(decoder, delivers_all_that_came_before_the_end_of_the_stream) {
    rig self = {.options.accept_last = true};
    require(open_rig(&self, NULL));
    weir_recorder_on_read(self.recorder, end_stream_in_callback, &self);
    feed(&self, "one\ntwo\n");
    expect(weir_recorder_saw(self.recorder, "active\nread 3 \"one\"\nread 3 \"two\"\nread 5 \"three\"\n"
                                            "read 4 \"rest\"\nread_complete\nevent peer_closed\nclose\n"
                                            "read_complete\ninactive\nremoved\n"));
    close_rig(&self);
}

static void break_in_callback(void *arg, weir_ctx *ctx, const weir_obj *msg) {
    (void)ctx;
    rig *self = arg;
    if (is_line(msg, "one")) weir_ctx_fire_inactive(self->upstream);
}

WEIR_TEST(decoder, delivers_all_messages_before_inactive) {
    rig self = {0};
    require(open_rig(&self, NULL));
    weir_recorder_on_read(self.recorder, break_in_callback, &self);
    feed(&self, "one\ntwo\nrest");
    expect(weir_recorder_saw(self.recorder,
                             "active\nread 3 \"one\"\nread 3 \"two\"\ninactive\nread_complete\n"));
    close_rig(&self);
}

static void close_in_callback(void *arg, weir_ctx *ctx, const weir_obj *msg) {
    (void)arg, (void)msg;
    weir_channel *channel = weir_ctx_channel(ctx);
    weir_channel_close(channel, NULL);
}

WEIR_TEST(decoder, survives_a_channel_that_is_closed_while_it_delivers) {
    rig self = {0};
    require(open_rig(&self, NULL));
    weir_recorder_on_read(self.recorder, close_in_callback, &self);
    feed(&self, "one\ntwo\nrest");
    expect(!weir_embedded_is_open(self.embedded));
    expect_eq(weir_recorder_count(self.recorder, "read 3"), 2);
    expect_eq(weir_recorder_count(self.recorder, "removed"), 1);
    expect_eq(weir_recorder_count(self.recorder, "error"), 0);
    close_rig(&self);
}

/* ---- removal ---- */

static void remove_decoder(void *arg, weir_ctx *ctx, const weir_obj *msg) {
    (void)ctx;
    rig *self = arg;
    if (!is_line(msg, "switch")) return;
    weir_pipeline_remove(decoder_in(self));
    weir_recorder_note(self->recorder, "done");
}

WEIR_TEST(decoder, hands_on_what_is_left_when_removed_from_inside_a_callback) {
    rig self = {0};
    require(open_rig(&self, NULL));
    weir_recorder_on_read(self.recorder, remove_decoder, &self);
    feed(&self, "one\nswitch\nnot\na line");
    feed(&self, " at all");
    expect(weir_recorder_saw(self.recorder,
                             "active\nread 3 \"one\"\nread 6 \"switch\"\ndone\nread 10 \"not\\na line\"\n"
                             "read_complete\nread_complete\nread 7 \" at all\"\nread_complete\n"));
    close_rig(&self);
}

static void inject_and_remove(void *arg, weir_ctx *ctx, const weir_obj *msg) {
    rig *self = arg;
    if (is_line(msg, "switch")) inject(self, "injected\n");
    remove_decoder(arg, ctx, msg);
}

WEIR_TEST(decoder, hands_on_what_came_during_the_callback_that_removed_it) {
    rig self = {0};
    require(open_rig(&self, NULL));
    weir_recorder_on_read(self.recorder, inject_and_remove, &self);
    feed(&self, "switch\nrest,");
    expect(weir_recorder_saw(self.recorder, "active\nread 6 \"switch\"\ndone\nread 14 \"rest,injected\\n\"\n"
                                            "read_complete\nread_complete\n"));
    close_rig(&self);
}

WEIR_TEST(decoder, hands_on_what_is_left_when_removed_from_outside) {
    rig self = {0};
    require(open_rig(&self, NULL));
    feed(&self, "one\npart");
    weir_pipeline_remove(decoder_in(&self));
    feed(&self, "ial\n");
    expect(weir_recorder_saw(self.recorder, "active\nread 3 \"one\"\nread_complete\nread 4 \"part\"\n"
                                            "read_complete\nread 4 \"ial\\n\"\nread_complete\n"));
    close_rig(&self);
}

WEIR_TEST(decoder, leaves_silently_when_there_is_nothing_left) {
    rig self = {0};
    require(open_rig(&self, NULL));
    feed(&self, "one\n");
    weir_recorder_clear(self.recorder);
    weir_pipeline_remove(decoder_in(&self));
    expect(weir_recorder_saw(self.recorder, ""));
    close_rig(&self);
}

static void upgrade(void *arg, weir_ctx *ctx, const weir_obj *msg) {
    (void)msg;
    weir_ctx *old = decoder_in(arg);
    void *next = weir_alloc_acquire(NULL, sizeof(weir_line_framer));
    require(next != NULL);
    require(weir_line_framer_init(next, &(weir_line_options){.max_length = 9, .keep_delimiter = true}) ==
            WEIR_OK);
    void *decoder = weir_decoder_new(&weir_line_decoder, next, NULL);
    require(decoder != NULL);
    require(weir_pipeline_add_after(old, &weir_line_decoder.handler, decoder) == WEIR_OK);
    weir_pipeline_remove(old);
    weir_recorder_on_read(weir_ctx_state(ctx), NULL, NULL);
}

WEIR_TEST(decoder, gives_what_is_left_to_the_decoder_put_in_its_place) {
    rig self = {0};
    require(open_rig(&self, NULL));
    weir_recorder_on_read(self.recorder, upgrade, &self);
    feed(&self, "upgrade\none\ntwo\nth");
    feed(&self, "ree\n");
    expect(weir_recorder_saw(
        self.recorder, "active\nread 7 \"upgrade\"\nread 4 \"one\\n\"\nread 4 \"two\\n\"\nread_complete\n"
                       "read_complete\nread 6 \"three\\n\"\nread_complete\n"));
    close_rig(&self);
}

/* ---- the end ---- */

WEIR_TEST(decoder, tells_of_a_stream_that_ends_inside_a_frame_before_it_passes_the_end_on) {
    rig self = {0};
    require(open_rig(&self, NULL));
    feed(&self, "one\npart");
    weir_recorder_clear(self.recorder);
    weir_embedded_feed_end(self.embedded);
    expect(weir_recorder_saw(self.recorder, "error WEIR_E_EOF actual=4 maximum=0 offset=4\n"
                                            "event peer_closed\nclose\ninactive\nremoved\n"));
    close_rig(&self);
}

WEIR_TEST(decoder, lets_a_stream_end_inside_a_frame_when_asked) {
    rig self = {.options.decoder.ignore_partial = true};
    require(open_rig(&self, NULL));
    feed(&self, "one\npart");
    weir_embedded_feed_end(self.embedded);
    expect_eq(weir_recorder_count(self.recorder, "error"), 0);
    expect_eq(weir_recorder_count(self.recorder, "event peer_closed"), 1);
    close_rig(&self);
}

WEIR_TEST(decoder, says_nothing_of_a_partial_frame_when_the_connection_broke) {
    rig self = {0};
    require(open_rig(&self, NULL));
    feed(&self, "one\npart");
    weir_recorder_clear(self.recorder);
    weir_embedded_break(self.embedded, -ECONNRESET);
    expect(weir_recorder_saw(self.recorder,
                             "error ECONNRESET actual=0 maximum=0 offset=0\ninactive\nremoved\n"));
    close_rig(&self);
}

WEIR_TEST(decoder, drops_what_is_left_when_the_channel_is_inactive) {
    rig self = {0};
    require(open_rig(&self, NULL));
    feed(&self, "one\npart");
    weir_ctx_fire_inactive(self.upstream);
    weir_pipeline_remove(decoder_in(&self));
    expect(weir_recorder_saw(self.recorder, "active\nread 3 \"one\"\nread_complete\ninactive\n"));
    close_rig(&self);
}

/* ---- failure ---- */

WEIR_TEST(decoder, tells_of_a_failure_once_and_decodes_nothing_after_it) {
    rig self = {.options.max_length = 5};
    require(open_rig(&self, NULL));
    feed(&self, "one\ntoo long\nnever\n");
    feed(&self, "never\n");
    weir_embedded_feed_end(self.embedded);
    expect(weir_recorder_saw(
        self.recorder, "active\nread 3 \"one\"\nerror WEIR_E_FRAME_TOO_LONG actual=8 maximum=5 offset=4\n"
                       "read_complete\nread_complete\nevent peer_closed\nclose\ninactive\nremoved\n"));
    close_rig(&self);
}

WEIR_TEST(decoder, goes_on_after_a_refused_frame_when_its_framer_can) {
    rig self = {.options = {.max_length = 5, .recover = true}};
    require(open_rig(&self, NULL));
    feed(&self, "too long\none\nlonger than that\ntwo\n");
    expect(weir_recorder_saw(
        self.recorder, "active\nerror WEIR_E_FRAME_TOO_LONG actual=8 maximum=5 offset=0\nread 3 \"one\"\n"
                       "error WEIR_E_FRAME_TOO_LONG actual=16 maximum=5 offset=13\nread 3 \"two\"\n"
                       "read_complete\n"));
    close_rig(&self);
}

static weir_status build_alone(weir_pipeline *pipeline, void *arg) {
    return weir_line_decoder_add(pipeline, arg);
}

WEIR_TEST(decoder, closes_the_channel_by_an_error_that_nobody_takes) {
    weir_embedded *embedded = weir_embedded_new(NULL, build_alone, &(weir_line_options){.max_length = 2});
    require(embedded != NULL);
    weir_log_set_level(WEIR_LOG_OFF);
    expect_status(weir_embedded_feed_bytes(embedded, "long", 4), WEIR_OK);
    expect(!weir_embedded_is_open(embedded));
    weir_embedded_free(embedded);
}

/* ---- pulling ---- */

WEIR_TEST(decoder, repeats_a_pull_until_it_has_a_message) {
    rig self = {0};
    require(open_rig(&self, &(weir_channel_options){.manual_read = true}));
    feed(&self, "par");
    expect(weir_recorder_saw(self.outer, ""));
    weir_channel_pull(weir_embedded_channel(self.embedded));
    weir_embedded_run(self.embedded);
    expect(weir_recorder_saw(self.outer, "pull\nread 3 \"par\"\nread_complete\npull\n"));
    feed(&self, "tial\none mo");
    expect(weir_recorder_saw(self.outer, "read 11 \"tial\\none mo\"\nread_complete\n"));
    feed(&self, "re\n");
    expect(weir_recorder_saw(self.outer, ""));
    expect(
        weir_recorder_saw(self.recorder, "active\npull\nread_complete\nread 7 \"partial\"\nread_complete\n"));

    weir_channel_pull(weir_embedded_channel(self.embedded)); /* for the next message, which is there */
    weir_embedded_run(self.embedded);
    expect(weir_recorder_saw(self.outer, "pull\nread 3 \"re\\n\"\nread_complete\n"));
    weir_channel_pull(weir_embedded_channel(self.embedded)); /* for the one after it */
    feed(&self, "la");
    feed(&self, "st\n");
    expect(weir_recorder_saw(self.outer, "pull\nread 2 \"la\"\nread_complete\npull\n"
                                         "read 3 \"st\\n\"\nread_complete\n"));
    close_rig(&self);
}

static void pull_for_more(void *arg, weir_ctx *ctx, const weir_obj *msg) {
    (void)arg, (void)msg;
    weir_ctx_pull(ctx);
}

WEIR_TEST(decoder, repeats_a_pull_that_came_with_the_last_message_too) {
    rig self = {0};
    require(open_rig(&self, &(weir_channel_options){.manual_read = true}));
    weir_recorder_on_read(self.recorder, pull_for_more, &self);
    weir_channel_pull(weir_embedded_channel(self.embedded));
    feed(&self, "one\n");
    feed(&self, "par");
    feed(&self, "tial\n");
    expect_eq(weir_recorder_count(self.recorder, "read 7"), 1);
    close_rig(&self);
}

WEIR_TEST(decoder, does_not_pull_unless_it_was_asked_to) {
    rig self = {0};
    require(open_rig(&self, NULL));
    feed(&self, "par");
    feed(&self, "tial\n");
    expect_eq(weir_recorder_count(self.outer, "pull"), 0);
    close_rig(&self);
}

/* ---- a decoder of one's own ---- */

static void write_shout(weir_ctx *ctx, weir_obj *msg, weir_promise *promise) {
    unsigned *written = weir_decoder_state(ctx);
    ++*written;
    weir_ctx_write(ctx, msg, promise);
}

static const weir_decoder_ops both_ways = {
    .handler = {.name = "both_ways", WEIR_DECODER_SLOTS, .write = write_shout},
    .decode = weir_line_framer_decode,
};

static weir_status build_both_ways(weir_pipeline *pipeline, void *written) {
    return weir_decoder_add(pipeline, &both_ways, written, NULL);
}

WEIR_TEST(decoder, may_have_other_slots_of_its_own) {
    unsigned written = 0;
    weir_embedded *embedded = weir_embedded_new(NULL, build_both_ways, &written);
    require(embedded != NULL);
    expect(weir_pipeline_find_name(weir_embedded_pipeline(embedded), "both_ways") != NULL);
    weir_channel_write(weir_embedded_channel(embedded), weir_buf_new(0), NULL);
    expect_eq(written, 1);
    weir_embedded_free(embedded);
}

static const weir_decoder_ops without_slots = {
    .handler = {.name = "without_slots"},
    .decode = weir_line_framer_decode,
};

WEIR_TEST(decoder, aborts_when_its_table_lacks_the_slots) {
    expect_abort({ weir_decoder_free(weir_decoder_new(&without_slots, NULL, NULL)); },
                 "decoder \"without_slots\" has no decode function, or not the slots of a decoder");
}

/* ---- out of memory ---- */

static bool converse(void *contiguous) {
    rig self = {.options = {.decoder.contiguous = contiguous != NULL, .accept_last = true}};
    bool is_whole = open_rig(&self, NULL);
    if (is_whole) {
        feed(&self, "one\ntwo\nth");
        feed(&self, "ree\n");
        feed(&self, "and some");
        if (weir_embedded_is_open(self.embedded)) weir_embedded_feed_end(self.embedded);
        is_whole = weir_recorder_count(self.recorder, "read ") == 4;
    }
    close_rig(&self);
    return is_whole;
}

WEIR_TEST(decoder, survives_every_failing_allocation) {
    weir_log_set_level(WEIR_LOG_OFF);
    expect(weir_oom_sweep(converse, NULL) > 0);
    expect(weir_oom_sweep(converse, "contiguous") > 0);
}
