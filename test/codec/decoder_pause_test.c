/* decoder_pause_test.c - pausing, as the top of decoder.h promises it. The protocol is lines. */
#include <weir/buffer.h>
#include <weir/codec/decoder.h>
#include <weir/codec/line_decoder.h>
#include <weir/core/log.h>
#include <weir/testing.h>
#include <weir/testing/recorder.h>
#include <weir/transport/channel.h>
#include <weir/transport/ctx.h>
#include <weir/transport/embedded.h>
#include <weir/transport/event.h>

/* outer recorder, upstream (a place to fire from), lines, recorder. */
typedef struct rig {
    weir_embedded *embedded;
    weir_recorder *outer, *recorder;
    weir_ctx *upstream;
    int left;
    unsigned deepest, depth;
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
    if (status == WEIR_OK) status = weir_line_decoder_add(pipeline, &(weir_line_options){.max_length = 16});
    if (status == WEIR_OK) status = weir_recorder_add(self->recorder, pipeline);
    return status;
}

static weir_ctx *lines_of(const rig *self) {
    return weir_pipeline_find(weir_embedded_pipeline(self->embedded), &weir_line_decoder.handler);
}

static weir_channel *channel_of(const rig *self) {
    return weir_embedded_channel(self->embedded);
}

static void pause_at_stop(void *arg, weir_ctx *ctx, const weir_obj *msg) {
    (void)ctx;
    rig *self = arg;
    if (!weir_buf_equal_bytes((const weir_buf *)(const void *)msg, weir_bytes_str("stop"))) return;
    weir_decoder_pause(lines_of(self));
    weir_recorder_note(self->recorder, "paused");
}

static void set_up(rig *self, const weir_channel_options *options) {
    *self = (rig){.outer = weir_recorder_new(), .recorder = weir_recorder_new()};
    self->embedded = weir_embedded_new(options, build, self);
    require(self->embedded != NULL);
    weir_recorder_on_read(self->recorder, pause_at_stop, self);
    weir_recorder_clear(self->outer);
    weir_recorder_clear(self->recorder);
}

static void tear_down(rig *self) {
    weir_embedded_free(self->embedded);
    weir_recorder_free(self->outer);
    weir_recorder_free(self->recorder);
}

static void feed(rig *self, const char *text) {
    (void)weir_embedded_feed_bytes(self->embedded, text, strlen(text));
}

/* Past the channel, which would keep it outside while reading is off. */
static void inject(rig *self, const char *text) {
    weir_buf *buf = weir_buf_new(strlen(text));
    require(buf != NULL);
    weir_buf_write_str(buf, text);
    weir_ctx_fire_read(self->upstream, &buf->obj);
}

static void resume(rig *self) {
    weir_decoder_resume(lines_of(self));
    weir_embedded_run(self->embedded);
}

WEIR_TEST(decoder_pause, makes_no_message_and_ends_no_burst_until_the_resume) {
    rig self;
    set_up(&self, NULL);
    feed(&self, "one\nstop\ntwo\nthr");
    expect(weir_recorder_saw(self.recorder, "read 3 \"one\"\nread 4 \"stop\"\npaused\n"));
    expect(weir_decoder_is_paused(lines_of(&self)));
    inject(&self, "ee\n");
    expect(weir_recorder_saw(self.recorder, ""));
    resume(&self);
    expect(!weir_decoder_is_paused(lines_of(&self)));
    expect(weir_recorder_saw(self.recorder, "read 3 \"two\"\nread 5 \"three\"\nread_complete\n"));
    tear_down(&self);
}

WEIR_TEST(decoder_pause, stops_the_reading_of_the_channel_meanwhile) {
    rig self;
    set_up(&self, NULL);
    feed(&self, "stop\n");
    expect(!weir_channel_can_read(channel_of(&self)));
    expect(weir_channel_is_reading(channel_of(&self))); /* which is others' */
    weir_recorder_clear(self.outer);
    feed(&self, "one\n");
    expect(weir_recorder_saw(self.outer, ""));
    weir_decoder_stats stats;
    weir_decoder_get_stats(lines_of(&self), &stats);
    expect_eq(stats.waiting, 0);
    weir_recorder_clear(self.recorder);
    resume(&self);
    expect(weir_channel_can_read(channel_of(&self)));
    expect_eq(weir_recorder_count(self.recorder, "read 3 \"one\""), 1);
    tear_down(&self);
}

WEIR_TEST(decoder_pause, reads_nothing_also_when_somebody_switches_reading_on) {
    rig self;
    set_up(&self, NULL);
    weir_decoder_pause(lines_of(&self));
    weir_channel_set_reading(channel_of(&self), true);
    feed(&self, "one\n");
    expect(weir_recorder_saw(self.outer, ""));
    resume(&self);
    expect(weir_recorder_saw(self.recorder, "read 3 \"one\"\nread_complete\n"));
    tear_down(&self);
}

WEIR_TEST(decoder_pause, leaves_reading_as_others_switched_it_meanwhile) {
    rig self;
    set_up(&self, NULL);
    weir_decoder_pause(lines_of(&self));
    weir_channel_set_reading(channel_of(&self), false);
    resume(&self);
    feed(&self, "one\n");
    expect(weir_recorder_saw(self.outer, ""));
    weir_decoder_pause(lines_of(&self));
    weir_channel_set_reading(channel_of(&self), true);
    resume(&self);
    expect(weir_recorder_saw(self.recorder, "event reading_on\nread 3 \"one\"\nread_complete\n"));
    tear_down(&self);
}

WEIR_TEST(decoder_pause, leaves_manual_reading_manual) {
    rig self;
    set_up(&self, &(weir_channel_options){.manual_read = true});
    weir_decoder_pause(lines_of(&self));
    resume(&self);
    expect(!weir_channel_can_read(channel_of(&self)));
    tear_down(&self);
}

WEIR_TEST(decoder_pause, is_one_however_often_it_is_begun) {
    rig self;
    set_up(&self, NULL);
    weir_decoder_pause(lines_of(&self));
    weir_decoder_pause(lines_of(&self));
    resume(&self);
    expect(weir_channel_can_read(channel_of(&self)));
    weir_decoder_resume(lines_of(&self)); /* and what is not paused holds nothing */
    feed(&self, "one\n");
    expect(weir_recorder_saw(self.recorder, "read 3 \"one\"\nread_complete\n"));
    tear_down(&self);
}

WEIR_TEST(decoder_pause, keeps_a_pull_until_the_resume) {
    rig self;
    set_up(&self, &(weir_channel_options){.manual_read = true});
    weir_decoder_pause(lines_of(&self));
    feed(&self, "one\n");
    weir_channel_pull(channel_of(&self));
    weir_embedded_run(self.embedded);
    expect(weir_recorder_saw(self.outer, ""));
    resume(&self);
    expect(weir_recorder_saw(self.recorder, "pull\nread 3 \"one\"\nread_complete\n"));
    tear_down(&self);
}

WEIR_TEST(decoder_pause, answers_a_kept_pull_with_a_message_that_waits) {
    rig self;
    set_up(&self, &(weir_channel_options){.manual_read = true});
    weir_channel_pull(channel_of(&self));
    feed(&self, "stop\none\n");
    weir_recorder_clear(self.outer);
    weir_channel_pull(channel_of(&self));
    resume(&self);
    expect(weir_recorder_saw(self.recorder,
                             "pull\nread 4 \"stop\"\npaused\npull\nread 3 \"one\"\nread_complete\n"));
    expect(weir_recorder_saw(self.outer, "")); /* no pull for the wire */
    tear_down(&self);
}

WEIR_TEST(decoder_pause, keeps_the_end_of_the_stream_behind_what_waits) {
    rig self;
    set_up(&self, NULL);
    feed(&self, "stop\none\nrest");
    weir_ctx_fire_event(self.upstream, &weir_event_peer_closed.obj);
    expect(weir_recorder_saw(self.recorder, "read 4 \"stop\"\npaused\n"));
    weir_ctx_fire_event(self.upstream, &weir_event_stopping.obj); /* does not wait; closes */
    expect_eq(weir_recorder_count(self.recorder, "event stopping"), 1);
    tear_down(&self);

    set_up(&self, NULL);
    feed(&self, "stop\none\nstop\nrest");
    weir_ctx_fire_event(self.upstream, &weir_event_peer_closed.obj);
    weir_recorder_clear(self.recorder);
    weir_decoder_resume(lines_of(&self));
    expect(weir_recorder_saw(self.recorder, "read 3 \"one\"\nread 4 \"stop\"\npaused\n"));
    weir_decoder_resume(lines_of(&self));
    expect(weir_recorder_saw(self.recorder, "error WEIR_E_EOF actual=4 maximum=0 offset=14\nread_complete\n"
                                            "event peer_closed\nclose\n"));
    tear_down(&self);
}

static void pause_and_resume(void *arg, weir_ctx *ctx, const weir_obj *msg) {
    (void)ctx, (void)msg;
    rig *self = arg;
    if (++self->depth > self->deepest) self->deepest = self->depth;
    weir_decoder_pause(lines_of(self));
    if (self->left-- > 0) inject(self, "more\n");
    weir_decoder_resume(lines_of(self));
    self->depth--;
}

WEIR_TEST(decoder_pause, does_not_nest_when_resumed_inside_a_callback) {
    rig self;
    set_up(&self, &(weir_channel_options){.messages_per_turn = 20000});
    self.left = 10000;
    weir_recorder_on_read(self.recorder, pause_and_resume, &self);
    feed(&self, "one\ntwo\n");
    expect_eq(self.deepest, 1);
    expect_eq(weir_recorder_count(self.recorder, "read 4"), 10000);
    expect_eq(weir_recorder_count(self.recorder, "read_complete"), 1);
    expect(weir_channel_can_read(channel_of(&self)));
    tear_down(&self);
}

WEIR_TEST(decoder_pause, hands_on_what_waits_when_removed) {
    rig self;
    set_up(&self, NULL);
    feed(&self, "stop\none\ntwo");
    weir_ctx_fire_event(self.upstream, &weir_event_peer_closed.obj);
    weir_recorder_clear(self.recorder);
    weir_pipeline_remove(lines_of(&self));
    expect(
        weir_recorder_saw(self.recorder, "read 7 \"one\\ntwo\"\nread_complete\nevent peer_closed\nclose\n"));
    tear_down(&self);

    set_up(&self, NULL);
    feed(&self, "stop\n");
    weir_pipeline_remove(lines_of(&self));
    expect(weir_channel_can_read(channel_of(&self)));
    tear_down(&self);
}

static void remove_and_pause(void *arg, weir_ctx *ctx, const weir_obj *msg) {
    (void)ctx, (void)msg;
    rig *self = arg;
    weir_ctx *lines = lines_of(self);
    if (lines == NULL) return;
    weir_pipeline_remove(lines);
    weir_decoder_pause(lines); /* too late */
}

WEIR_TEST(decoder_pause, holds_nothing_any_more_when_the_decoder_is_gone) {
    rig self;
    set_up(&self, NULL);
    weir_recorder_on_read(self.recorder, remove_and_pause, &self);
    feed(&self, "one\n");
    expect(lines_of(&self) == NULL && weir_channel_can_read(channel_of(&self)));
    tear_down(&self);
}

WEIR_TEST(decoder_pause, drops_what_waits_when_the_channel_is_gone) {
    rig self;
    set_up(&self, NULL);
    feed(&self, "stop\none\n");
    weir_ctx_fire_event(self.upstream, &weir_event_peer_closed.obj);
    weir_recorder_clear(self.recorder);
    weir_embedded_break(self.embedded, WEIR_E_CLOSED);
    expect(weir_recorder_saw(self.recorder,
                             "error WEIR_E_CLOSED actual=0 maximum=0 offset=0\ninactive\nremoved\n"));
    tear_down(&self);
}

WEIR_TEST(decoder_pause, tells_of_no_end_behind_inactive) {
    rig self;
    set_up(&self, NULL);
    feed(&self, "stop\none\n");
    weir_ctx_fire_event(self.upstream, &weir_event_peer_closed.obj);
    weir_ctx_fire_inactive(self.upstream);
    weir_recorder_clear(self.recorder);
    weir_pipeline_remove(lines_of(&self));
    expect(weir_recorder_saw(self.recorder, ""));
    tear_down(&self);
}
