/* handler_memory_test.c - handlers that are added, and answers that are written, while memory runs out. */
#include <string.h>

#include <weir/codec/datagram_decoder.h>
#include <weir/codec/http_server.h>
#include <weir/codec/line_encoder.h>
#include <weir/codec/text_decoder.h>
#include <weir/codec/websocket.h>
#include <weir/core/log.h>
#include <weir/testing.h>
#include <weir/transport.h>

static void drop_line(void *arg, weir_log_level level, const char *subject, const char *line) {
    (void)arg, (void)level, (void)subject, (void)line;
}

/* ---- adding ---- */

static weir_status add_text(weir_pipeline *pipeline, void *arg) {
    (void)arg;
    return weir_text_decoder_add(pipeline, true);
}

static weir_decode decode_none(void *self, weir_buf *in, weir_obj **out, weir_error *error) {
    (void)self, (void)in, (void)out, (void)error;
    return WEIR_DECODE_MORE;
}

static weir_status add_datagrams(weir_pipeline *pipeline, void *arg) {
    static const weir_datagram_codec_ops ops = {.decode = decode_none};
    (void)arg;
    return weir_datagram_decoder_add(pipeline, &ops, NULL, NULL);
}

static weir_status add_websocket(weir_pipeline *pipeline, void *arg) {
    (void)arg;
    return weir_websocket_add(pipeline, WEIR_WEBSOCKET_SERVER, NULL, NULL, NULL);
}

static weir_build_fn *const builders[] = {add_text, add_datagrams, add_websocket};

static bool build_one(void *build) {
    weir_embedded *embedded = weir_embedded_new(NULL, *(weir_build_fn *const *)build, NULL);
    weir_embedded_free(embedded);
    return embedded != NULL;
}

static bool wrap_one(void *arg) {
    weir_addr peer;
    (void)arg;
    expect_status(weir_addr_parse(&peer, "192.0.2.7", 4000), WEIR_OK);
    weir_buf *text = weir_buf_new(8);
    weir_envelope *envelope = text != NULL ? weir_envelope_new(&text->obj, &peer) : NULL;
    weir_obj_release(envelope);
    return envelope != NULL;
}

WEIR_TEST(handler_memory, handlers_are_added_or_not) {
    weir_log_set_sink(drop_line, NULL);
    for (size_t i = 0; i < sizeof builders / sizeof *builders; i++) {
        weir_test_context("handler %zu", i);
        weir_build_fn *build = builders[i];
        expect(weir_oom_sweep(build_one, &build) > 2);
    }
    expect(weir_oom_sweep(wrap_one, NULL) > 1);
    weir_log_set_sink(NULL, NULL);
}

/* ---- answering ---- */

static void refuse(weir_ctx *ctx, weir_obj *msg) {
    if (weir_http_request_from(msg) != NULL) {
        weir_http_server_continue(ctx);
        weir_http_server_respond_text(ctx, 404, NULL);
    }
    weir_obj_release(msg);
}

static const weir_handler refuser = {.name = "refuser", .read = refuse};

static weir_status build_refuser(weir_pipeline *pipeline, void *arg) {
    weir_status status = weir_http_server_add(pipeline, NULL);
    return status == WEIR_OK ? weir_pipeline_add_last(pipeline, &refuser, arg) : status;
}

static bool answer(void *arg) {
    static const char request[] =
        "PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\nx";
    (void)arg;
    weir_embedded *embedded = weir_embedded_new(NULL, build_refuser, NULL);
    if (embedded == NULL) return false;
    bool all = weir_embedded_feed_bytes(embedded, request, sizeof request - 1) == WEIR_OK;
    weir_embedded_run(embedded);
    all = all && weir_embedded_is_open(embedded);
    weir_embedded_free(embedded);
    return all;
}

static void say_line(weir_ctx *ctx, weir_obj *msg) {
    weir_obj_release(msg);
    weir_line_write(ctx, weir_bytes_str("a line"), NULL);
}

static const weir_handler speaker = {.name = "speaker", .read = say_line};

static weir_status build_speaker(weir_pipeline *pipeline, void *arg) {
    return weir_pipeline_add_last(pipeline, &speaker, arg);
}

static bool say(void *arg) {
    (void)arg;
    weir_embedded *embedded = weir_embedded_new(NULL, build_speaker, NULL);
    if (embedded == NULL) return false;
    bool all = weir_embedded_feed_bytes(embedded, "x", 1) == WEIR_OK;
    weir_embedded_run(embedded);
    all = all && weir_embedded_is_open(embedded);
    weir_embedded_free(embedded);
    return all;
}

WEIR_TEST(handler_memory, answers_are_written_or_fail) {
    weir_log_set_sink(drop_line, NULL);
    expect(weir_oom_sweep(answer, NULL) > 5);
    expect(weir_oom_sweep(say, NULL) > 4);
    weir_log_set_sink(NULL, NULL);
}
