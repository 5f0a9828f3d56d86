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
    self->drained += n;
    if (self->drained > LINGER_BYTES) weir_ctx_abort(self->ctx, WEIR_E_LIMIT);
    return WEIR_DECODE_MORE;
}

weir_decode http_server_decode(void *state, weir_buf *in, weir_obj **out, weir_error *error) {
    http_server *self = state;
    if (self->ending) return discard(self, in);
    if (self->parser.between) { /* the next request, or the next protocol: it waits */
        weir_decoder_pause(self->ctx);
        return WEIR_DECODE_MORE;
    }
    weir_decode answer = weir_http_parser_decode(&self->parser, in, out, error);
    if (answer == WEIR_DECODE_MORE && self->asked == HTTP_ASKED_NOTHING && !self->head_began) {
        self->head_began = true;
        http_server_mark(self);
    }
    return answer;
}

weir_decode http_server_decode_last(void *state, weir_buf *in, weir_obj **out, weir_error *error) {
    http_server *self = state;
    if (self->ending) return discard(self, in);
    return weir_http_parser_end(&self->parser, in, out, error);
}

/* ---- 100 Continue (RFC 9110 10.1.1) ---- */

void http_server_continued(http_server *self) {
    if (self->waits_continue) http_server_mark(self);
    self->waits_continue = false;
}

void http_server_send_continue(http_server *self) {
    static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
    http_server_continued(self);
    weir_buf *buf = weir_ctx_get_buf(self->ctx, sizeof text - 1);
    if (buf != NULL) weir_buf_write_bytes(buf, text, sizeof text - 1);
    weir_ctx_write(self->ctx, buf, NULL);
}

void http_server_continue_if_asked(http_server *self) {
    bool wanted = self->waits_continue && !self->by_hand && self->answer == HTTP_ANSWER_NONE;
    if (wanted && !self->ending && weir_channel_is_reading(weir_ctx_channel(self->ctx)))
        http_server_send_continue(self);
}

/* ---- messages ---- */

static void begin_exchange(http_server *self, const weir_http_request *request) {
    const weir_http_head *head = &request->head;
    self->asked = HTTP_ASKED_HEAD;
    self->answer = HTTP_ANSWER_NONE;
    self->method = (uint8_t)request->method;
    self->minor = head->minor;
    self->length = head->framing == WEIR_HTTP_CHUNKED ? UINT64_MAX : head->length;
    self->drained = 0;
    self->head_began = false;
    self->waits_continue = head->expect_continue;
    self->by_hand = self->manual_continue;
    self->closing = !head->keep_alive || --self->requests_left == 0;
    if (head->framing != WEIR_HTTP_NO_BODY) http_server_mark(self);
}

static void begin_next(http_server *self) {
    self->asked = HTTP_ASKED_NOTHING;
    weir_http_parser_next(&self->parser, WEIR_HTTP_METHOD_OTHER);
    http_server_mark(self);
    if (weir_decoder_is_paused(self->ctx)) weir_decoder_resume(self->ctx);
}

static void end_exchange(http_server *self) {
    if (self->leaving) {
        weir_pipeline_remove(self->ctx);
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
    bool too_long = self->length != UINT64_MAX && self->length - self->parser.body > self->drain_max;
    return !self->waits_continue && !too_long;
}

void http_server_answered(http_server *self) {
    bool only_end_is_due = self->length == self->parser.body;
    if (self->asked == HTTP_ASKED_WHOLE) {
        end_exchange(self);
    } else if (!self->switched && !only_end_is_due && (self->closing || !http_server_would_drain(self))) {
        http_server_close(self);
    }
}

/* Behind the answer. Takes: message. */
static void drop(http_server *self, weir_obj *message) {
    self->drained += weir_obj_size(message);
    bool is_end = self->asked == HTTP_ASKED_WHOLE;
    weir_obj_release(message);
    if (is_end) {
        end_exchange(self);
    } else if (self->drained > self->drain_max) {
        http_server_close(self);
    } else if (!weir_channel_is_reading(weir_ctx_channel(self->ctx))) {
        weir_ctx_pull(self->ctx);
    }
}

void http_server_message(weir_ctx *ctx, weir_obj *message) {
    http_server *self = http_server_of(ctx);
    if (self->asked == HTTP_ASKED_NOTHING) {
        begin_exchange(self, weir_http_request_from(message));
        weir_ctx_fire_read(ctx, message);
        http_server_continue_if_asked(self);
        return;
    }
    if (weir_http_end_from(message) != NULL) self->asked = HTTP_ASKED_WHOLE;
    if (self->answer == HTTP_ANSWER_DONE) {
        drop(self, message);
    } else {
        weir_ctx_fire_read(ctx, message);
    }
}
