/* fuzz_http_server.c - a whole exchange: any bytes from the peer, a handler that answers as it likes, and all that was
 * written judged by our own parser of responses.
 *
 * The first byte is how the rest is cut, the next four decide what the handler does with one request after the
 * other: answer whole, in chunks, by length, with an interim response first, at the head, at the end, later. What the
 * peer gets must be responses, in whole and in order, one at most for each request seen and one to refuse; nothing
 * behind one that closes.
 */
#include <weir/buffer.h>
#include <weir/codec/cumulation.h>
#include <weir/codec/http_server.h>
#include <weir/core/log.h>
#include <weir/transport/embedded.h>

#include "fuzz/fuzz.h"

enum {
    HEADER = 5,
    SIZE_MOST = 1 << 15,
    REQUESTS_MOST = 4096
};

typedef struct exchange {
    weir_ctx *ctx;
    uint32_t choices; /* two bits a request, again and again */
    size_t requests, answers;
    bool is_open; /* a request was seen whose answer is not written */
    uint8_t methods[REQUESTS_MOST];
} exchange;

static unsigned choice_of(const exchange *self) {
    return self->choices >> (self->answers % 8 * 4) & 15;
}

static weir_buf *some_bytes(size_t n) {
    weir_buf *buf = weir_buf_new(n);
    MUST(buf != NULL);
    weir_buf_write_fill(buf, 'x', n);
    return buf;
}

static void answer(exchange *self) {
    weir_ctx *ctx = self->ctx;
    unsigned choice = choice_of(self);
    self->is_open = false;
    self->answers++;
    if ((choice & 4) != 0) weir_ctx_write(ctx, weir_http_response_new(103), NULL);
    weir_http_response *response = weir_http_response_new((choice & 3) == 3 ? 204 : 200);
    MUST(response != NULL);
    if ((choice & 3) == 0) {
        weir_http_server_respond(ctx, response, some_bytes(5), NULL);
        return;
    }
    if ((choice & 3) == 1)
        MUST(weir_http_fields_add_number(&response->head.fields, WEIR_HTTP_CONTENT_LENGTH, 603) == WEIR_OK);
    weir_ctx_write(ctx, response, NULL);
    weir_ctx_write(ctx, some_bytes(600), NULL);
    weir_ctx_write(ctx, some_bytes(3), NULL);
    weir_ctx_write(ctx, &weir_http_end_plain, NULL);
}

static void on_added(weir_ctx *ctx) {
    exchange *self = weir_ctx_state(ctx);
    self->ctx = ctx;
}

static void on_removed(weir_ctx *ctx) {
    exchange *self = weir_ctx_state(ctx);
    self->ctx = NULL;
}

static void on_read(weir_ctx *ctx, weir_obj *msg) {
    exchange *self = weir_ctx_state(ctx);
    const weir_http_request *request = weir_http_request_from(msg);
    bool is_end = weir_http_end_from(msg) != NULL;
    if (request != NULL) {
        MUST(!self->is_open && self->requests < REQUESTS_MOST);
        self->methods[self->requests++] = (uint8_t)request->method;
        self->is_open = true;
    }
    MUST(self->is_open);
    weir_obj_release(msg);
    bool at_head = (choice_of(self) & 8) != 0;
    if (self->is_open && (at_head || (is_end && self->answers % 3 != 2))) answer(self);
}

static void on_error(weir_ctx *ctx, const weir_error *error) {
    (void)error;
    exchange *self = weir_ctx_state(ctx);
    self->is_open = false;
    weir_ctx_fire_error(ctx, error);
}

static const weir_handler handler = {
    .name = "fuzz", .added = on_added, .removed = on_removed, .read = on_read, .error = on_error};

static weir_status build(weir_pipeline *pipeline, void *arg) {
    weir_http_server_options options = {.limits = {.line = 200, .fields = 400, .body = 3000},
                                        .drain_max = 500};
    weir_status status = weir_http_server_add(pipeline, &options);
    return status != WEIR_OK ? status : weir_pipeline_add_last(pipeline, &handler, arg);
}

/* ---- judging ---- */

typedef struct judge {
    weir_http_parser parser;
    weir_cumulation bytes;
    size_t finals;
    bool is_interim, closes;
} judge;

static void note(judge *self, weir_obj *out) {
    const weir_http_response *response = weir_http_response_from(out);
    if (response != NULL) {
        MUST(!self->closes);
        self->is_interim = response->status < 200 && response->status != 101;
        if (!self->is_interim) self->closes = !response->head.keep_alive || self->parser.upgraded;
    } else if (weir_http_end_from(out) != NULL && !self->is_interim) {
        self->finals++;
    }
    weir_obj_release(out);
}

/* `stream` (taken) is responses to the requests that were seen, and perhaps one that refuses. */
static void judge_stream(const exchange *seen, weir_buf *stream, bool was_aborted) {
    judge self = {0};
    weir_obj *out;
    weir_error error;
    weir_http_parser_init(&self.parser, WEIR_HTTP_RESPONSES, NULL);
    weir_cumulation_init(&self.bytes, NULL);
    weir_http_parser_next(&self.parser, (weir_http_method)seen->methods[0]);
    MUST(weir_cumulation_add(&self.bytes, stream) == WEIR_OK);
    for (weir_decode answer;
         (answer = weir_cumulation_next(&self.bytes, weir_http_parser_decode, &self.parser, &out, &error)) !=
         WEIR_DECODE_MORE;) {
        MUST(answer == WEIR_DECODE_AGAIN);
        note(&self, out);
        if (self.parser.between && !self.parser.upgraded && self.finals < REQUESTS_MOST)
            weir_http_parser_next(&self.parser, (weir_http_method)seen->methods[self.finals]);
    }
    bool until_close = weir_cumulation_end(&self.bytes, weir_http_parser_end, &self.parser, &out, &error) ==
                       WEIR_DECODE_AGAIN;
    if (until_close) note(&self, out);
    MUST(self.bytes.in == NULL);
    MUST(self.finals <= seen->requests + 1);
    MUST(was_aborted || self.finals >= seen->answers || !seen->is_open);
    weir_http_parser_clear(&self.parser);
    weir_cumulation_clear(&self.bytes);
}

/* A handler's late answers, in a turn of their own. */
static void answer_late(exchange *self, weir_embedded *embedded) {
    for (unsigned i = 0; i < REQUESTS_MOST && self->is_open && self->ctx != NULL; i++) {
        answer(self);
        weir_embedded_run(embedded);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static exchange self;
    if (size < HEADER || size > SIZE_MOST) return 0;
    weir_log_set_level(WEIR_LOG_OFF);
    memset(&self, 0, sizeof self);
    memcpy(&self.choices, data + 1, 4);
    weir_embedded *embedded = weir_embedded_new(NULL, build, &self);
    MUST(embedded != NULL);
    size_t step = data[0] == 0 ? size : data[0];
    for (size_t at = HEADER; at < size; at += step) {
        size_t n = size - at < step ? size - at : step;
        (void)weir_embedded_feed_bytes(embedded, data + at, n);
        answer_late(&self, embedded);
    }
    weir_embedded_feed_end(embedded);
    answer_late(&self, embedded);
    weir_embedded_advance(embedded, 120 * 1000);
    MUST(!weir_embedded_is_open(embedded));
    bool was_aborted = weir_embedded_aborted(embedded) != WEIR_OK;
    weir_buf *all = weir_embedded_take_all(embedded);
    MUST(all != NULL);
    judge_stream(&self, all, was_aborted);
    weir_embedded_free(embedded);
    return 0;
}
