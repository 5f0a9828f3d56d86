/* fuzz_http_client.c - a client whose server answers with any bytes: what comes to the handler is responses in order,
 * one final one at most for each request, each with its body and its end; what was written is requests in whole; each
 * promise completes once.
 *
 * The first byte is how the rest is cut, the next four decide what is asked.
 */
#include <string.h>

#include <weir/buffer.h>
#include <weir/codec/cumulation.h>
#include <weir/codec/http_client.h>
#include <weir/core/leak.h>
#include <weir/core/log.h>
#include <weir/transport/embedded.h>
#include <weir/transport/promise.h>

#include "fuzz/fuzz.h"

enum {
    HEADER = 5,
    SIZE_MOST = 1 << 14,
    REQUESTS_MOST = 20
};

typedef struct exchange {
    weir_ctx *ctx;
    uint32_t choices; /* four bits a request, again and again */
    size_t asked, answered;
    bool in_response, is_interim, is_over;
    long promises;
} exchange;

static void on_done(void *arg, weir_status status) {
    (void)status;
    ((exchange *)arg)->promises--;
}

static weir_promise *some_promise(exchange *self) {
    weir_promise *promise = weir_promise_new(weir_ctx_loop(self->ctx));
    MUST(promise != NULL && weir_promise_listen(promise, on_done, self) == WEIR_OK);
    self->promises++;
    return promise;
}

static weir_buf *some_bytes(size_t n) {
    weir_buf *buf = weir_buf_new(n);
    MUST(buf != NULL);
    weir_buf_write_fill(buf, 'x', n);
    return buf;
}

static void ask(exchange *self) {
    static const char *const methods[] = {"GET", "HEAD", "PUT", "CONNECT"};
    unsigned choice = self->choices >> (self->asked % 8 * 4) & 15;
    if (self->asked == REQUESTS_MOST || self->is_over) return;
    self->asked++;
    const char *method = methods[choice & 3];
    weir_http_request *request =
        weir_http_request_new(method, weir_bytes_str((choice & 3) == 3 ? "h:1" : "/"));
    MUST(request != NULL);
    if ((choice & 3) != 2) {
        weir_http_client_request(self->ctx, request, NULL, some_promise(self));
        return;
    }
    weir_http_fields *fields = &request->head.fields;
    weir_http_name id = (choice & 4) != 0 ? WEIR_HTTP_EXPECT : WEIR_HTTP_TRANSFER_ENCODING;
    const char *value = (choice & 4) != 0 ? "100-continue" : "chunked";
    if ((choice & 8) != 0) MUST(weir_http_fields_add(fields, id, weir_bytes_str(value)) == WEIR_OK);
    if ((choice & 8) == 0 || (choice & 4) != 0) {
        weir_http_client_request(self->ctx, request, some_bytes(9), some_promise(self));
        return;
    }
    weir_ctx_write(self->ctx, request, some_promise(self));
    weir_ctx_write(self->ctx, some_bytes(300), some_promise(self));
    weir_ctx_write(self->ctx, &weir_http_end_plain, some_promise(self));
}

static void on_added(weir_ctx *ctx) {
    ((exchange *)weir_ctx_state(ctx))->ctx = ctx;
}

static void on_removed(weir_ctx *ctx) {
    exchange *self = weir_ctx_state(ctx);
    self->ctx = NULL;
    self->is_over = true;
}

static void on_active(weir_ctx *ctx) {
    exchange *self = weir_ctx_state(ctx);
    ask(self);
    if ((self->choices & 16) != 0) ask(self);
    weir_ctx_fire_active(ctx);
}

static void on_read(weir_ctx *ctx, weir_obj *msg) {
    exchange *self = weir_ctx_state(ctx);
    const weir_http_response *response = weir_http_response_from(msg);
    MUST((response != NULL) == !self->in_response);
    if (response != NULL) {
        self->in_response = true;
        self->is_interim = response->status < 200 && response->status != 101;
        MUST(response->status >= 100 && response->status <= 999);
    } else if (weir_http_end_from(msg) != NULL) {
        self->in_response = false;
        if (!self->is_interim) MUST(++self->answered <= self->asked);
    } else {
        MUST(weir_buf_from(msg) != NULL && weir_buf_is_readable(weir_buf_from(msg)));
    }
    weir_obj_release(msg);
}

static void on_event(weir_ctx *ctx, weir_obj *event) {
    exchange *self = weir_ctx_state(ctx);
    if (event == &weir_http_event_ready.obj) {
        MUST(!self->in_response && self->answered == self->asked);
        ask(self);
    }
    weir_ctx_fire_event(ctx, event);
}

static void on_error(weir_ctx *ctx, const weir_error *error) {
    exchange *self = weir_ctx_state(ctx);
    self->is_over = true;
    weir_ctx_fire_error(ctx, error);
}

static const weir_handler handler = {.name = "fuzz",
                                     .added = on_added,
                                     .removed = on_removed,
                                     .active = on_active,
                                     .read = on_read,
                                     .event = on_event,
                                     .error = on_error};

static weir_status build(weir_pipeline *pipeline, void *arg) {
    weir_http_client_options options = {.limits = {.line = 200, .fields = 400, .body = 3000}, .host = "h"};
    weir_status status = weir_http_client_add(pipeline, &options);
    return status != WEIR_OK ? status : weir_pipeline_add_last(pipeline, &handler, arg);
}

/* ---- judging: `stream` (taken) is requests, and the last may be cut by an end ---- */

static void judge_stream(const exchange *seen, weir_buf *stream) {
    weir_http_parser parser;
    weir_cumulation bytes;
    weir_obj *out;
    weir_error error;
    size_t heads = 0;
    weir_http_parser_init(&parser, WEIR_HTTP_REQUESTS, NULL);
    weir_cumulation_init(&bytes, NULL);
    MUST(weir_cumulation_add(&bytes, stream) == WEIR_OK);
    for (weir_decode answer; (answer = weir_cumulation_next(&bytes, weir_http_parser_decode, &parser, &out,
                                                            &error)) != WEIR_DECODE_MORE;) {
        MUST(answer == WEIR_DECODE_AGAIN);
        if (out != NULL && weir_http_request_from(out) != NULL) heads++;
        weir_obj_release(out);
    }
    MUST(heads <= seen->asked);
    weir_http_parser_clear(&parser);
    weir_cumulation_clear(&bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < HEADER || size > SIZE_MOST) return 0;
    weir_log_set_level(WEIR_LOG_OFF);
    int64_t alive = weir_leak_report(NULL);
    exchange self = {0};
    memcpy(&self.choices, data + 1, 4);
    weir_embedded *embedded = weir_embedded_new(NULL, build, &self);
    MUST(embedded != NULL);
    size_t step = data[0] == 0 ? size : data[0];
    for (size_t at = HEADER; at < size; at += step) {
        (void)weir_embedded_feed_bytes(embedded, data + at, size - at < step ? size - at : step);
    }
    weir_embedded_feed_end(embedded);
    weir_embedded_advance(embedded, 120 * 1000);
    weir_buf *all = weir_embedded_take_all(embedded);
    MUST(all != NULL);
    judge_stream(&self, all);
    weir_embedded_free(embedded);
    MUST(self.promises == 0);
    MUST(weir_leak_report(NULL) == alive);
    return 0;
}
