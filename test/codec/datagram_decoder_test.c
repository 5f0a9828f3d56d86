/* datagram_decoder_test.c - the line framer over datagrams, and lines back. */
#include <weir/buffer.h>
#include <weir/codec/datagram_decoder.h>
#include <weir/codec/line_framer.h>
#include <weir/testing.h>
#include <weir/testing/recorder.h>
#include <weir/transport.h>

typedef struct rig {
    weir_embedded *embedded;
    weir_line_framer lines;
    weir_addr peer;
    char log[256];
    unsigned errors;
    weir_status last_error;
    bool removes;
} rig;

static void reset_lines(void *state) {
    rig *self = state;
    weir_line_options options = {.max_length = 8, .recover = false};
    (void)weir_line_framer_init(&self->lines, &options);
}

static weir_decode decode_line(void *state, weir_buf *in, weir_obj **out, weir_error *error) {
    rig *self = state;
    return weir_line_framer_decode(&self->lines, in, out, error);
}

static weir_buf *encode_line(void *state, weir_obj *object) {
    (void)state;
    return weir_buf_from(object);
}

static const weir_datagram_codec_ops ops = {
    .decode = decode_line, .reset = reset_lines, .encode = encode_line};

static void note(weir_ctx *ctx, weir_obj *msg) {
    rig *self = weir_ctx_state(ctx);
    weir_envelope *envelope = weir_envelope_from(msg);
    expect(envelope != NULL && weir_addr_equal(&envelope->remote, &self->peer));
    weir_bytes text = weir_buf_peek(weir_buf_from(envelope->object));
    size_t at = strlen(self->log);
    snprintf(self->log + at, sizeof self->log - at, "%.*s|", (int)text.len, (const char *)text.ptr);
    if (self->removes) {
        weir_pipeline_remove(weir_pipeline_find(weir_ctx_pipeline(ctx), &weir_datagram_decoder));
    }
    weir_ctx_write(ctx, msg, NULL);
}

static void count_error(weir_ctx *ctx, const weir_error *error) {
    rig *self = weir_ctx_state(ctx);
    self->errors++;
    self->last_error = error->status;
}

static const weir_handler echo = {.name = "echo", .read = note, .error = count_error};

static weir_status build(weir_pipeline *pipeline, void *arg) {
    weir_status status = weir_datagram_decoder_add(pipeline, &ops, arg, NULL);
    return status == WEIR_OK ? weir_pipeline_add_last(pipeline, &echo, arg) : status;
}

static bool set_up(rig *self) {
    *self = (rig){0};
    expect_status(weir_addr_parse(&self->peer, "192.0.2.7", 4000), WEIR_OK);
    self->embedded = weir_embedded_new(NULL, build, self);
    return self->embedded != NULL;
}

static void feed(rig *self, const char *text) {
    weir_buf *content = weir_buf_new(strlen(text) + 1);
    if (content != NULL) weir_buf_write_str(content, text);
    weir_datagram *datagram = weir_datagram_new(weir_embedded_loop(self->embedded), content, &self->peer);
    (void)weir_embedded_feed(self->embedded, datagram);
}

WEIR_TEST(datagram_decoder, gives_each_object_with_its_sender_and_sends_back) {
    rig self;
    require(set_up(&self));
    feed(&self, "one\ntwo\n");
    feed(&self, "three\n");
    expect_str(self.log, "one|two|three|");
    for (int i = 0; i < 3; i++) {
        weir_obj *sent = weir_embedded_take(self.embedded);
        weir_datagram *datagram = weir_datagram_from(sent);
        if (expect(datagram != NULL)) {
            expect(weir_addr_equal(&datagram->remote, &self.peer));
            expect(weir_buf_equal_bytes(datagram->content,
                                        weir_bytes_str(((const char *[]){"one", "two", "three"})[i])));
        }
        weir_obj_release(sent);
    }
    expect_eq(self.errors, 0);
    weir_embedded_free(self.embedded);
}

WEIR_TEST(datagram_decoder, begins_anew_with_each_datagram) {
    rig self;
    require(set_up(&self));
    feed(&self, "one\nrest");
    expect_eq(self.errors, 1);
    expect_status(self.last_error, WEIR_E_EOF);
    feed(&self, "much too long\nlost\n");
    expect_eq(self.errors, 2);
    expect_status(self.last_error, WEIR_E_FRAME_TOO_LONG);
    feed(&self, "two\n");
    expect_str(self.log, "one|two|");
    weir_embedded_free(self.embedded);
}

WEIR_TEST(datagram_decoder, may_be_removed_by_whoever_gets_an_object) {
    rig self;
    require(set_up(&self));
    self.removes = true;
    feed(&self, "one\ntwo\n");
    expect_str(self.log, "one|");
    weir_obj_release(weir_embedded_take(self.embedded));
    weir_embedded_free(self.embedded);
}

static weir_status build_recorded(weir_pipeline *pipeline, void *arg) {
    static rig unused;
    weir_status status = weir_datagram_decoder_add(pipeline, &ops, &unused, NULL);
    return status == WEIR_OK ? weir_recorder_add(arg, pipeline) : status;
}

WEIR_TEST(datagram_decoder, lets_pass_what_is_no_datagram_and_no_envelope) {
    static weir_event object = WEIR_EVENT_CONSTANT("object");
    weir_recorder *recorder = weir_recorder_new();
    weir_embedded *embedded = weir_embedded_new(NULL, build_recorded, recorder);
    require(embedded != NULL);
    weir_recorder_clear(recorder);
    expect_status(weir_embedded_feed(embedded, &object), WEIR_OK);
    expect(weir_recorder_saw(recorder, "read event\nread_complete\n"));
    weir_channel_write(weir_embedded_channel(embedded), &object, NULL);
    weir_embedded_run(embedded);
    expect(weir_embedded_take(embedded) == &object.obj);
    weir_embedded_free(embedded);
    weir_recorder_free(recorder);
}

static bool talk(void *unused) {
    (void)unused;
    rig self;
    if (!set_up(&self)) return false;
    feed(&self, "one\ntwo\n");
    weir_obj *first = weir_embedded_take(self.embedded), *second = weir_embedded_take(self.embedded);
    bool all = first != NULL && second != NULL;
    weir_obj_release(first);
    weir_obj_release(second);
    weir_embedded_free(self.embedded);
    return all;
}

WEIR_TEST(datagram_decoder, survives_every_failing_allocation) {
    expect(weir_oom_sweep(talk, NULL) > 0);
}
