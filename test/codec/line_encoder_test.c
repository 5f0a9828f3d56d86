/* line_encoder_test.c - the end of a line behind what is written. */
#include <weir/buffer.h>
#include <weir/codec/line_encoder.h>
#include <weir/testing.h>
#include <weir/testing/recorder.h>
#include <weir/transport/embedded.h>
#include <weir/transport/promise.h>

typedef struct rig {
    weir_embedded *embedded;
    weir_recorder *recorder;
    weir_line_encoder_options options;
    weir_ctx *ctx;
} rig;

static void keep_ctx(weir_ctx *ctx) {
    rig *self = weir_ctx_state(ctx);
    self->ctx = ctx;
}

static const weir_handler speaker = {.name = "speaker", .added = keep_ctx};

static weir_status build(weir_pipeline *pipeline, void *arg) {
    rig *self = arg;
    weir_status status = weir_line_encoder_add(pipeline, &self->options);
    if (status == WEIR_OK) status = weir_pipeline_add_last(pipeline, &speaker, self);
    return status == WEIR_OK ? weir_recorder_add(self->recorder, pipeline) : status;
}

static void set_up(rig *self, weir_line_encoder_options options) {
    *self = (rig){.recorder = weir_recorder_new(), .options = options};
    self->embedded = weir_embedded_new(NULL, build, self);
    require(self->embedded != NULL);
}

static void expect_sent_and_tear_down(rig *self, const char *text) {
    weir_embedded_run(self->embedded);
    weir_buf *sent = weir_embedded_take_all(self->embedded);
    expect(weir_buf_equal_bytes(sent, weir_bytes_str(text)));
    weir_buf_release(sent);
    weir_embedded_free(self->embedded);
    weir_recorder_free(self->recorder);
}

WEIR_TEST(line_encoder, ends_each_buf_as_a_line) {
    for (int crlf = 0; crlf < 2; crlf++) {
        rig self;
        set_up(&self, (weir_line_encoder_options){.crlf = crlf == 1});
        weir_ctx_write(self.ctx, weir_buf_wrap_const("one", 3), NULL);
        weir_line_write(self.ctx, weir_bytes_str("two"), NULL);
        weir_line_printf(self.ctx, "%d", 3);
        expect_sent_and_tear_down(&self, crlf ? "one\r\ntwo\r\n3\r\n" : "one\ntwo\n3\n");
    }
}

WEIR_TEST(line_encoder, copies_no_line) {
    rig self;
    set_up(&self, (weir_line_encoder_options){0});
    weir_buf *shared = weir_buf_new(8), *own = weir_buf_new(8);
    weir_buf_write_str(shared, "one");
    weir_buf_write_str(own, "two");
    const uint8_t *shared_at = shared->rp, *own_at = own->rp;
    weir_ctx_write(self.ctx, weir_buf_retain(shared), NULL);
    weir_ctx_write(self.ctx, own, NULL);
    weir_embedded_run(self.embedded);
    weir_buf *line = weir_buf_from(weir_embedded_take(self.embedded));
    expect(weir_buf_peek(line).ptr == shared_at);
    expect_eq(weir_buf_readable(shared), 3); /* whoever else holds it sees no end */
    weir_buf_release(line);
    line = weir_buf_from(weir_embedded_take(self.embedded));
    expect(weir_buf_peek(line).ptr == own_at && weir_buf_peek(line).len == 4);
    weir_buf_release(line);
    weir_buf_release(shared);
    expect_sent_and_tear_down(&self, "");
}

WEIR_TEST(line_encoder, refuses_a_line_with_an_end_inside) {
    rig self;
    set_up(&self, (weir_line_encoder_options){.crlf = true});
    weir_promise *promise = weir_promise_retain(weir_promise_new(weir_embedded_loop(self.embedded)));
    weir_line_write(self.ctx, weir_bytes_str("one\nQUIT"), promise);
    expect_status(weir_promise_status(promise), WEIR_E_INVALID);
    weir_promise_release(promise);
    weir_recorder_clear(self.recorder);
    weir_line_write(self.ctx, weir_bytes_str("one\r"), NULL);
    expect(weir_recorder_saw(self.recorder, "error WEIR_E_INVALID actual=0 maximum=0 offset=0\n"));
    expect_sent_and_tear_down(&self, "");

    set_up(&self, (weir_line_encoder_options){.allow_ends = true});
    weir_line_write(self.ctx, weir_bytes_str("one\ntwo"), NULL);
    expect_sent_and_tear_down(&self, "one\ntwo\n");
}

static bool write_lines(void *arg) {
    (void)arg;
    rig self = {.recorder = weir_recorder_new()};
    self.embedded = weir_embedded_new(NULL, build, &self);
    bool is_whole = false;
    if (self.embedded != NULL) {
        weir_ctx_write(self.ctx, weir_buf_wrap_const("one", 3), NULL);
        weir_line_printf(self.ctx, "%s", "two");
        weir_embedded_run(self.embedded);
        weir_buf *sent = weir_embedded_take_all(self.embedded);
        is_whole = sent != NULL && weir_buf_equal_bytes(sent, weir_bytes_str("one\ntwo\n"));
        weir_buf_release(sent);
    }
    weir_embedded_free(self.embedded);
    weir_recorder_free(self.recorder);
    return is_whole;
}

WEIR_TEST(line_encoder, survives_every_failing_allocation) {
    expect(weir_oom_sweep(write_lines, NULL) > 0);
}
