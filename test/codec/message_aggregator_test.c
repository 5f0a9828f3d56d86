/* message_aggregator_test.c - pieces to messages. A head is "<...", an end ">", a whole "(...)"; bytes are others. */
#include <weir/buffer.h>
#include <weir/codec/message_aggregator.h>
#include <weir/testing.h>
#include <weir/testing/recorder.h>
#include <weir/transport/channel.h>
#include <weir/transport/ctx.h>
#include <weir/transport/embedded.h>

typedef struct rig {
    weir_embedded *embedded;
    weir_recorder *outer, *recorder;
    bool takes_oversized;
    weir_buf *whole;
} rig;

static unsigned look(void *state, const weir_obj *msg) {
    (void)state;
    const weir_buf *buf = (const weir_buf *)(const void *)msg;
    weir_bytes text = weir_buf_peek(buf);
    if (text.len == 0 || text.ptr[0] == '#') return WEIR_PIECE_NONE;
    if (text.ptr[0] == '<') return WEIR_PIECE_START | (text.ptr[text.len - 1] == '>' ? WEIR_PIECE_END : 0);
    if (text.ptr[0] == '!') return WEIR_PIECE_START | WEIR_PIECE_BODY | WEIR_PIECE_END;
    return text.ptr[0] == '>' ? WEIR_PIECE_END : WEIR_PIECE_BODY;
}

/* head, body and end joined. */
static weir_obj *finish(void *state, weir_obj *head, weir_buf *body, weir_obj *end) {
    rig *self = state;
    weir_buf *whole = weir_buf_composite_new();
    weir_buf *parts[] = {weir_buf_from(head), body, end == NULL ? NULL : weir_buf_from(end)};
    weir_status status = whole == NULL ? WEIR_E_NO_MEMORY : WEIR_OK;
    for (size_t i = 0; i < 3; i++) {
        if (parts[i] == NULL) continue;
        if (status == WEIR_OK) {
            status = weir_buf_composite_append(whole, parts[i]);
        } else {
            weir_buf_release(parts[i]);
        }
    }
    if (status != WEIR_OK) {
        weir_buf_release(whole);
        return NULL;
    }
    weir_buf_release(self->whole);
    self->whole = weir_buf_retain(whole);
    return &whole->obj;
}

static bool oversized(weir_ctx *ctx, void *state, const weir_obj *head, const weir_error *error) {
    (void)ctx, (void)head;
    rig *self = state;
    weir_recorder_note(self->recorder, "oversized %u", (unsigned)error->actual);
    return self->takes_oversized;
}

static const weir_message_aggregator_ops ops = {
    .handler = {.name = "aggregator", WEIR_MESSAGE_AGGREGATOR_SLOTS},
    .look = look,
    .finish = finish,
    .oversized = oversized,
};

static weir_status build(weir_pipeline *pipeline, void *arg) {
    rig *self = arg;
    weir_status status = weir_recorder_add_passing(self->outer, pipeline);
    if (status == WEIR_OK) status = weir_message_aggregator_add(pipeline, &ops, self, 1000);
    return status == WEIR_OK ? weir_recorder_add(self->recorder, pipeline) : status;
}

static bool set_up(rig *self, const weir_channel_options *options) {
    *self = (rig){.outer = weir_recorder_new(), .recorder = weir_recorder_new()};
    self->embedded = weir_embedded_new(options, build, self);
    weir_recorder_clear(self->recorder);
    weir_recorder_clear(self->outer);
    return self->embedded != NULL;
}

static void tear_down(rig *self) {
    weir_buf_release(self->whole);
    weir_embedded_free(self->embedded);
    weir_recorder_free(self->outer);
    weir_recorder_free(self->recorder);
}

static void feed(rig *self, const char *text) {
    (void)weir_embedded_feed_bytes(self->embedded, text, strlen(text));
}

static size_t reads(const rig *self, const char *line) {
    return weir_recorder_count(self->recorder, line);
}

WEIR_TEST(message_aggregator, joins_the_pieces_of_each_message) {
    rig self;
    require(set_up(&self, NULL));
    feed(&self, "<a");
    feed(&self, "bc");
    feed(&self, "# passes by");
    feed(&self, "de");
    expect_eq(reads(&self, "read "), 1);
    feed(&self, ">");
    expect_eq(reads(&self, "read 7 \"<abcde>\""), 1);
    feed(&self, "<alone>");
    feed(&self, "!all in one");
    expect_eq(reads(&self, "read 7 \"<alone>\""), 1);
    expect_eq(reads(&self, "read 22 \"!all in one!all in one\""), 1);
    feed(&self, "outside");
    feed(&self, ">");
    expect_eq(reads(&self, "read 7 \"outside\""), 1);
    expect_eq(reads(&self, "read 1 \">\""), 1);
    tear_down(&self);
}

WEIR_TEST(message_aggregator, copies_no_body_of_large_pieces) {
    rig self;
    require(set_up(&self, NULL));
    static uint8_t piece[400];
    memset(piece, 'x', sizeof piece);
    feed(&self, "<");
    for (int i = 0; i < 2; i++) {
        expect_status(weir_embedded_feed(self.embedded, weir_buf_wrap(piece, sizeof piece, NULL, NULL)),
                      WEIR_OK);
    }
    feed(&self, ">");
    weir_buf_skip(self.whole, 1);
    expect(weir_buf_peek(self.whole).ptr == piece);
    weir_buf_skip(self.whole, sizeof piece);
    expect(weir_buf_peek(self.whole).ptr == piece);
    tear_down(&self);
}

static void feed_long(rig *self) {
    static uint8_t piece[600];
    memset(piece, 'x', sizeof piece);
    feed(self, "<");
    for (int i = 0; i < 3; i++) (void)weir_embedded_feed_bytes(self->embedded, piece, sizeof piece);
    feed(self, ">");
}

WEIR_TEST(message_aggregator, skips_a_message_that_is_too_long_and_goes_on) {
    for (int taken = 0; taken < 2; taken++) {
        rig self;
        require(set_up(&self, NULL));
        self.takes_oversized = taken == 1;
        feed_long(&self);
        expect_eq(reads(&self, "oversized 1200"), 1);
        expect_eq(reads(&self, "error WEIR_E_FRAME_TOO_LONG actual=1200 maximum=1000"), taken == 1 ? 0 : 1);
        expect_eq(reads(&self, "read "), 0);
        feed(&self, "<next>");
        expect_eq(reads(&self, "read 6"), 1);
        tear_down(&self);
    }
}

WEIR_TEST(message_aggregator, tells_of_a_message_inside_another) {
    rig self;
    require(set_up(&self, NULL));
    feed(&self, "<lost");
    feed(&self, "<next>");
    expect_eq(reads(&self, "error WEIR_E_FRAME_CORRUPT"), 1);
    expect_eq(reads(&self, "read 6 \"<next>\""), 1);
    tear_down(&self);
}

WEIR_TEST(message_aggregator, repeats_a_pull_until_the_message_is_whole) {
    rig self;
    require(set_up(&self, &(weir_channel_options){.manual_read = true}));
    weir_channel_pull(weir_embedded_channel(self.embedded));
    feed(&self, "<a");
    feed(&self, "b");
    feed(&self, ">");
    feed(&self, "<later>");
    expect_eq(reads(&self, "read 4"), 1);
    expect_eq(reads(&self, "read 7"), 0);
    tear_down(&self);
}

static void remove_it(void *arg, weir_ctx *ctx, const weir_obj *msg) {
    (void)msg;
    rig *self = arg;
    weir_pipeline_remove(weir_pipeline_find(weir_ctx_pipeline(ctx), &ops.handler));
    weir_recorder_on_read(self->recorder, NULL, NULL);
}

WEIR_TEST(message_aggregator, may_be_removed_by_whoever_gets_a_message) {
    rig self;
    require(set_up(&self, NULL));
    weir_recorder_on_read(self.recorder, remove_it, &self);
    feed(&self, "<a>");
    feed(&self, "<b");
    expect_eq(reads(&self, "read 2 \"<b\""), 1);
    tear_down(&self);
}

static bool converse(void *arg) {
    (void)arg;
    rig self;
    bool is_whole = set_up(&self, NULL);
    if (is_whole) {
        feed(&self, "<a");
        feed(&self, "bc");
        feed(&self, ">");
        feed(&self, "<left");
        feed(&self, "open");
        is_whole = reads(&self, "read 5 \"<abc>\"") == 1 && reads(&self, "error") == 0;
    }
    tear_down(&self);
    return is_whole;
}

WEIR_TEST(message_aggregator, survives_every_failing_allocation) {
    expect(weir_oom_sweep(converse, NULL) > 0);
}
