/* http_server_read.c - requests in, one exchange after the other. */
#include <weir/buffer/buf_bytes.h>

#include "http/http_server_state.h"

/* Of what a peer sends that is told to stop: more than sockets hold, so that who reads our answer can. */
#define LINGER_BYTES (16u << 20)

/* ---- bytes ---- */

/* At the end of the stream `in` may be the empty buf that all loops share: that is not written to. */
static weir_decode discard(http_server *self, weir_buf *in) {
    size_t n = weir_buf_readable(in);
    if (n != 0) weir_buf_skip(in, n);
    bool is_too_much = n > LINGER_BYTES - self->discarded;
    self->discarded = is_too_much ? LINGER_BYTES : self->discarded + (uint32_t)n;
    if (is_too_much) weir_ctx_abort(self->out.ctx, WEIR_E_LIMIT);
    return WEIR_DECODE_MORE;
}

/* From the first byte of a request on. */
static __attribute__((noinline)) weir_decode decode_first(http_server *self, weir_buf *in, weir_obj **out,
                                                          weir_error *error) {
    self->reading = http_shared_lend(self->shared);
    if (self->reading == NULL) return weir_decode_fail(error, WEIR_E_NO_MEMORY, "request", 0, 0);
    weir_decode answer = weir_http_parser_decode(&self->reading->parser, in, out, error);
    if (answer == WEIR_DECODE_MORE) http_server_mark(self);
    return answer;
}

weir_decode http_server_decode(void *state, weir_buf *in, weir_obj **out, weir_error *error) {
    http_server *self = state;
    if (self->ending) return discard(self, in);
    if (self->asked == HTTP_ASKED_WHOLE) { /* the next request, or the next protocol: it waits */
        weir_decoder_pause(self->out.ctx);
        return WEIR_DECODE_MORE;
    }
    if (self->reading == NULL) return decode_first(self, in, out, error);
    return weir_http_parser_decode(&self->reading->parser, in, out, error);
}

weir_decode http_server_decode_last(void *state, weir_buf *in, weir_obj **out, weir_error *error) {
    http_server *self = state;
    if (self->ending) return discard(self, in);
    if (self->reading == NULL) return WEIR_DECODE_MORE;
    return weir_http_parser_end(&self->reading->parser, in, out, error);
}

/* ---- 100 Continue (RFC 9110 10.1.1) ---- */

void http_server_continued(http_server *self) {
    if (self->waits_continue) http_server_mark(self);
    self->waits_continue = false;
}

void http_server_send_continue(http_server *self) {
    static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
    http_server_continued(self);
    weir_buf *buf = weir_ctx_get_buf(self->out.ctx, sizeof text - 1);
    if (buf != NULL) weir_buf_write_bytes(buf, text, sizeof text - 1);
    weir_ctx_write(self->out.ctx, buf, NULL);
}

void http_server_continue_if_asked(http_server *self) {
    bool wanted = self->waits_continue && !self->by_hand && self->answer == HTTP_ANSWER_NONE;
    if (wanted && !self->ending && weir_channel_is_reading(weir_ctx_channel(self->out.ctx)))
        http_server_send_continue(self);
}

/* ---- messages ---- */

static void begin_exchange(http_server *self, const weir_http_request *request) {
    const weir_http_head *head = &request->head;
    self->asked = HTTP_ASKED_HEAD;
    self->answer = HTTP_ANSWER_NONE;
    self->method = (uint8_t)request->method;
    self->minor = head->minor;
    self->reading->length = head->framing == WEIR_HTTP_CHUNKED ? UINT64_MAX : head->length;
    self->reading->drained = 0;
    self->waits_continue = head->expect_continue;
    self->by_hand = self->shared->options.manual_continue;
    self->closing = !head->keep_alive || --self->requests_left == 0;
    if (head->framing != WEIR_HTTP_NO_BODY) http_server_mark(self);
}

static void begin_next(http_server *self) {
    self->asked = HTTP_ASKED_NOTHING;
    http_server_mark_idle(self);
    if (weir_decoder_is_paused(self->out.ctx)) weir_decoder_resume(self->out.ctx);
}

static void end_exchange(http_server *self) {
    if (self->leaving) {
        weir_pipeline_remove(self->out.ctx);
    } else if (self->switched) {
        return;
    } else if (self->closing) {
        http_server_close(self);
    } else {
        begin_next(self);
    }
}

bool http_server_would_drain(const http_server *self) {
    if (self->asked == HTTP_ASKED_WHOLE) return true;
    const http_reading *reading = self->reading;
    bool is_known = reading != NULL && reading->length != UINT64_MAX;
    bool too_long = is_known && reading->length - reading->parser.body > self->shared->options.drain_max;
    return !self->waits_continue && !too_long;
}

static bool is_only_end_due(const http_server *self) {
    return self->reading != NULL && self->reading->length == self->reading->parser.body;
}

void http_server_answered(http_server *self) {
    if (self->asked == HTTP_ASKED_WHOLE) {
        end_exchange(self);
    } else if (!self->switched && !is_only_end_due(self) &&
               (self->closing || !http_server_would_drain(self))) {
        http_server_close(self);
    }
}

/* Behind the answer. Takes: message. */
static void drop(http_server *self, weir_obj *message) {
    http_reading *reading = self->reading;
    reading->drained += weir_obj_size(message);
    weir_obj_release(message);
    if (reading->drained > self->shared->options.drain_max) {
        http_server_close(self);
    } else if (!weir_channel_is_reading(weir_ctx_channel(self->out.ctx))) {
        weir_ctx_pull(self->out.ctx);
    }
}

/* The request is whole. Takes: end. */
static void take_end(http_server *self, weir_obj *end) {
    self->asked = HTTP_ASKED_WHOLE;
    http_shared_take_back(self->shared, self->reading);
    self->reading = NULL;
    if (self->answer == HTTP_ANSWER_DONE) {
        weir_obj_release(end);
        end_exchange(self);
    } else {
        weir_ctx_fire_read(self->out.ctx, end);
    }
}

void http_server_message(weir_ctx *ctx, weir_obj *message) {
    http_server *self = http_server_of(ctx);
    if (self->asked == HTTP_ASKED_NOTHING) {
        begin_exchange(self, weir_http_request_from(message));
        weir_ctx_fire_read(ctx, message);
        http_server_continue_if_asked(self);
    } else if (weir_http_end_from(message) != NULL) {
        take_end(self, message);
    } else if (self->answer == HTTP_ANSWER_DONE) {
        drop(self, message);
    } else {
        weir_ctx_fire_read(ctx, message);
    }
}
