/* http_out.c - parts of a message to the wire. */
#include "http/http_out.h"

#include <weir/buffer/buf_bytes.h>
#include <weir/transport/promise.h>

/* Bodies up to this are copied behind their head, or into their chunk: cheaper than one more part of a write. */
#define SMALL 512

bool http_out_delays_free(http_out *self) {
    self->is_freed = true;
    if (self->busy != 0) return true;
    weir_buf_release(self->held);
    self->held = NULL;
    return false;
}

void http_out_error(http_out *self, const weir_error *error) {
    if (self->writing && self->refused == WEIR_OK) {
        self->refused = error->status; /* told when the write has returned */
    } else {
        weir_ctx_fire_error(self->ctx, error);
    }
}

void http_out_refuse(weir_ctx *ctx, weir_obj *msg, weir_promise *promise, weir_status status) {
    weir_obj_release(msg);
    if (promise != NULL) {
        weir_promise_complete(promise, status);
    } else if (status != WEIR_E_CLOSED) {
        weir_ctx_fail(ctx, status, "message");
    }
}

/* ---- parts ---- */

static bool pass_on(http_out *self, void *msg, weir_promise *promise) {
    weir_ctx *ctx = self->ctx;
    weir_promise *watched = weir_promise_retain(promise);
    http_out_enter(self);
    self->writing = true;
    self->refused = WEIR_OK;
    weir_ctx_write(ctx, msg, promise);
    self->writing = false;
    weir_status status = watched == NULL ? self->refused : weir_promise_status(watched);
    weir_promise_release(watched);
    if (!http_out_leave(self)) return false;
    if (WEIR_LIKELY(status == WEIR_OK)) return true;
    self->broken = true;
    if (status == WEIR_E_CLOSED) return false;
    weir_ctx_abort(ctx, status);
    if (promise == NULL) weir_ctx_fail(ctx, status, "write");
    return false;
}

bool http_out_release(http_out *self) {
    weir_buf *held = self->held;
    self->held = NULL;
    self->gathering = false;
    return held == NULL || pass_on(self, held, NULL);
}

/* A small one in one piece. */
static bool fits_behind(const weir_buf *held, weir_obj *msg) {
    const weir_buf *buf = weir_buf_from(msg);
    if (held == NULL || buf == NULL || weir_buf_status(buf) != WEIR_OK) return false;
    size_t n = weir_buf_readable(buf);
    return n <= SMALL && n <= weir_buf_writable(held) && weir_buf_peek(buf).len == n;
}

static bool gather(http_out *self, void *msg, weir_promise *promise) {
    if (fits_behind(self->held, msg)) {
        weir_buf_write_view(self->held, weir_buf_peek(msg));
        weir_buf_release(msg);
        if (promise == NULL) return true;
        msg = self->held;
        self->held = NULL;
        self->gathering = false;
    } else if (self->held == NULL && promise == NULL && weir_obj_is(msg, &weir_buf_type)) {
        self->held = msg;
        return true;
    }
    weir_ctx *ctx = self->ctx;
    if (http_out_release(self)) return pass_on(self, msg, promise);
    http_out_refuse(ctx, msg, promise, WEIR_E_CLOSED);
    return false;
}

bool http_out_put(http_out *self, void *msg, weir_promise *promise) {
    return self->gathering && msg != NULL ? gather(self, msg, promise) : pass_on(self, msg, promise);
}

size_t http_out_room(const http_out *self, const http_body *body) {
    return self->gathering && body->framing == WEIR_HTTP_LENGTH && body->left <= SMALL ? (size_t)body->left
                                                                                       : 0;
}

/* ---- bodies ---- */

/* Takes: msg, promise. */
static bool contradict(http_out *self, weir_obj *msg, weir_promise *promise, weir_status status) {
    weir_ctx *ctx = self->ctx;
    self->broken = true;
    weir_ctx_abort(ctx, status);
    http_out_refuse(ctx, msg, promise, status);
    return false;
}

/* Nothing to send, but a promise to keep behind what was sent. */
static bool keep_promise(http_out *self, weir_promise *promise) {
    return promise == NULL || http_out_put(self, weir_buf_empty(), promise);
}

static weir_buf *line_end(weir_ctx *ctx) {
    weir_buf *buf = weir_ctx_get_buf(ctx, 2);
    if (buf != NULL) weir_buf_write_bytes(buf, "\r\n", 2);
    return buf;
}

static bool put_chunk(http_out *self, weir_obj *msg, uint64_t n, weir_promise *promise) {
    weir_ctx *ctx = self->ctx;
    weir_buf *small = n <= SMALL ? weir_buf_from(msg) : NULL;
    weir_buf *line = http_encoder_chunk(ctx, n, small);
    if (small != NULL) {
        weir_obj_release(msg);
        return http_out_put(self, line, promise);
    }
    if (http_out_put(self, line, NULL))
        return http_out_put(self, msg, promise) && http_out_put(self, line_end(ctx), NULL);
    http_out_refuse(ctx, msg, promise, WEIR_E_CLOSED);
    return false;
}

bool http_out_piece(http_out *self, weir_obj *msg, weir_promise *promise) {
    uint64_t n = weir_obj_size(msg);
    weir_buf *buf = weir_buf_from(msg);
    weir_status sticky = buf == NULL ? WEIR_OK : weir_buf_status(buf);
    if (sticky != WEIR_OK) return contradict(self, msg, promise, sticky);
    if (self->framing == WEIR_HTTP_NO_BODY || n == 0) {
        weir_obj_release(msg);
        return keep_promise(self, promise);
    }
    if (self->framing == WEIR_HTTP_CHUNKED) return put_chunk(self, msg, n, promise);
    if (self->framing == WEIR_HTTP_LENGTH) {
        if (n > self->left) return contradict(self, msg, promise, WEIR_E_INVALID);
        self->left -= n;
    }
    return http_out_put(self, msg, promise);
}

bool http_out_end(http_out *self, weir_http_end *end, weir_promise *promise) {
    if (self->framing == WEIR_HTTP_LENGTH && self->left != 0)
        return contradict(self, &end->obj, promise, WEIR_E_TRUNCATED);
    bool is_chunked = self->framing == WEIR_HTTP_CHUNKED;
    weir_buf *last = is_chunked ? http_encoder_last_chunk(self->ctx, &end->trailers) : NULL;
    weir_obj_release(end);
    bool goes_on = is_chunked ? http_out_put(self, last, promise) : keep_promise(self, promise);
    return goes_on && http_out_release(self);
}
