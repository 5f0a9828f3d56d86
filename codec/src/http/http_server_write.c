/* http_server_write.c - responses out: a head once, a body as the head said, and what contradicts it refused. */
#include <time.h>

#include <weir/buffer/buf_bytes.h>
#include <weir/codec/http_date.h>

#include "http/http_server_state.h"

/* Bodies up to this are copied behind their head, or into their chunk: cheaper than one more part of a write. */
#define SMALL 512

/* ---- to the wire ---- */

void http_server_refuse_write(weir_ctx *ctx, weir_obj *msg, weir_promise *promise, weir_status status) {
    weir_obj_release(msg);
    if (promise != NULL) {
        weir_promise_complete(promise, status);
    } else if (status != WEIR_E_CLOSED) {
        weir_ctx_fail(ctx, status, "response");
    }
}

/* A part that is refused leaves a hole, and what followed would be taken for it. Takes: msg, promise. False: `self` is
 * gone, or the connection is aborted. */
static bool put_out(http_server *self, void *msg, weir_promise *promise) {
    weir_ctx *ctx = self->ctx;
    weir_promise *watched = weir_promise_retain(promise);
    http_server_enter(self);
    self->writing = true;
    self->refused = WEIR_OK;
    weir_ctx_write(ctx, msg, promise);
    self->writing = false;
    weir_status status = watched == NULL ? self->refused : weir_promise_status(watched);
    weir_promise_release(watched);
    if (!http_server_leave(self)) return false;
    if (WEIR_LIKELY(status == WEIR_OK)) return true;
    self->ending = true;
    if (status != WEIR_E_CLOSED) {
        weir_ctx_abort(ctx, status);
        if (promise == NULL) weir_ctx_fail(ctx, status, "write");
    }
    return false;
}

bool http_server_release_held(http_server *self) {
    weir_buf *held = self->held;
    self->held = NULL;
    return held == NULL || put_out(self, held, NULL);
}

static bool fits_behind(const weir_buf *held, const weir_obj *msg) {
    if (held == NULL || !weir_obj_is(msg, &weir_buf_type)) return false;
    size_t n = (size_t)weir_obj_size(msg);
    return n <= SMALL && n <= weir_buf_writable(held) &&
           weir_buf_status((const weir_buf *)(const void *)msg) == WEIR_OK;
}

/* The same, while a whole response is gathered as one part. */
static bool gather(http_server *self, void *msg, weir_promise *promise) {
    if (fits_behind(self->held, msg)) {
        weir_buf_write_buf(self->held, msg, weir_buf_readable(msg));
        weir_buf_release(msg);
        if (promise == NULL) return true;
        msg = self->held;
        self->held = NULL;
    } else if (self->held == NULL && promise == NULL && weir_obj_is(msg, &weir_buf_type)) {
        self->held = msg;
        return true;
    }
    if (self->held != NULL && !http_server_release_held(self)) {
        http_server_refuse_write(self->ctx, msg, promise, WEIR_E_CLOSED);
        return false;
    }
    return put_out(self, msg, promise);
}

static inline bool write_out(http_server *self, void *msg, weir_promise *promise) {
    return self->gathering ? gather(self, msg, promise) : put_out(self, msg, promise);
}

/* ---- heads ---- */

static weir_bytes date_line(const http_server *self, const weir_http_fields *fields) {
    static _Thread_local weir_http_date_cache cache;
    if (self->no_date || weir_http_fields_has(fields, WEIR_HTTP_DATE)) return weir_bytes_of(NULL, 0);
    return weir_http_date_line(&cache, time(NULL));
}

static bool opens_tunnel(const http_server *self, unsigned status) {
    return status == 101 || (self->method == WEIR_HTTP_METHOD_CONNECT && status >= 200 && status < 300);
}

/* How the body of a response goes out, if it may have one (RFC 9110 6.4.1, 8.6; RFC 9112 6.1). */
static weir_status frame(http_server *self, const weir_http_response *response, http_body *body,
                         http_extra *extra) {
    unsigned status = response->status;
    weir_status framed = http_encoder_frame(&response->head, self->minor != 0, false, body, extra);
    if (framed != WEIR_OK) return framed;
    bool has_no_length = status < 200 || status == 204 || opens_tunnel(self, status);
    if (has_no_length) {
        extra->drops_length = true;
        extra->writes_length = false;
    }
    if (status == 304 && body->left == 0) extra->writes_length = false;
    if (has_no_length || status == 304 || self->method == WEIR_HTTP_METHOD_HEAD)
        body->framing = WEIR_HTTP_NO_BODY;
    return WEIR_OK;
}

static void agree_on_connection(http_server *self, const weir_http_response *response, http_extra *extra) {
    const weir_http_fields *fields = &response->head.fields;
    bool has_field = weir_http_fields_has(fields, WEIR_HTTP_CONNECTION);
    bool says_close = has_field && weir_http_fields_has_token(fields, WEIR_HTTP_CONNECTION, "close");
    self->closing = self->closing || says_close || self->body.framing == WEIR_HTTP_UNTIL_CLOSE ||
                    self->waits_continue || (self->gathering && !http_server_would_drain(self));
    if (opens_tunnel(self, response->status)) return;
    extra->closes = self->closing && !says_close;
    extra->keeps = !self->closing && self->minor == 0 &&
                   !(has_field && weir_http_fields_has_token(fields, WEIR_HTTP_CONNECTION, "keep-alive"));
}

static weir_status why_not(const http_server *self) {
    if (self->ending || self->switched) return WEIR_E_CLOSED;
    if (self->asked == HTTP_ASKED_NOTHING || self->answer != HTTP_ANSWER_NONE) return WEIR_E_INVALID;
    return WEIR_OK;
}

/* Takes: response, promise. */
static void write_interim(http_server *self, weir_http_response *response, weir_promise *promise) {
    http_extra extra = {.drops_length = true, .drops_coding = true};
    http_body body = {.framing = WEIR_HTTP_NO_BODY};
    self->interim = true;
    if (response->status == 100) self->waits_continue = false;
    bool is_known = self->minor != 0; /* HTTP/1.0 has no interim responses (RFC 9110 15.2) */
    weir_buf *head =
        is_known ? http_encoder_response(self->ctx, response, &body, &extra, 0) : weir_buf_empty();
    weir_obj_release(response);
    if (head == NULL) {
        http_server_refuse_write(self->ctx, NULL, promise, WEIR_E_NO_MEMORY);
    } else {
        put_out(self, head, promise);
    }
}

/* Takes: response, promise. */
static void write_final(http_server *self, weir_http_response *response, weir_promise *promise) {
    http_extra extra = {0};
    http_body body;
    weir_status status = frame(self, response, &body, &extra);
    if (status != WEIR_OK) {
        http_server_refuse_write(self->ctx, &response->head.obj, promise, status);
        return;
    }
    self->body = body;
    agree_on_connection(self, response, &extra);
    extra.date = date_line(self, &response->head.fields);
    bool has_server = weir_http_fields_has(&response->head.fields, WEIR_HTTP_SERVER);
    if (!has_server) extra.server = self->server_name;
    size_t room = self->gathering && body.left <= SMALL ? (size_t)body.left : 0;
    weir_buf *head = http_encoder_response(self->ctx, response, &body, &extra, room);
    bool is_upgrade = opens_tunnel(self, response->status);
    weir_obj_release(response);
    if (head == NULL) {
        http_server_refuse_write(self->ctx, NULL, promise, WEIR_E_NO_MEMORY);
        return;
    }
    self->answer = HTTP_ANSWER_BEGUN;
    self->interim = self->waits_continue = false;
    self->switched = is_upgrade;
    write_out(self, head, promise);
}

/* ---- bodies ---- */

/* Nothing to send, but a promise to keep behind what was sent. */
static void keep_promise(http_server *self, weir_promise *promise) {
    if (promise != NULL) write_out(self, weir_buf_empty(), promise);
}

/* Takes: msg, promise. */
static void contradict(http_server *self, weir_obj *msg, weir_promise *promise, weir_status status) {
    weir_ctx *ctx = self->ctx;
    self->ending = true;
    weir_ctx_abort(ctx, status);
    http_server_refuse_write(ctx, msg, promise, status);
}

/* Takes: msg, promise. */
static void write_chunk(http_server *self, weir_obj *msg, uint64_t n, weir_promise *promise) {
    weir_ctx *ctx = self->ctx;
    weir_buf *small = n <= SMALL ? weir_buf_from(msg) : NULL;
    weir_buf *line = http_encoder_chunk(ctx, n, small);
    if (small != NULL) {
        weir_obj_release(msg);
        put_out(self, line, promise);
    } else if (!put_out(self, line, NULL)) {
        http_server_refuse_write(ctx, msg, promise, WEIR_E_CLOSED);
    } else if (put_out(self, msg, promise)) {
        weir_buf *behind = weir_ctx_get_buf(ctx, 2);
        if (behind != NULL) weir_buf_write_bytes(behind, "\r\n", 2);
        put_out(self, behind, NULL);
    }
}

/* Takes: msg, promise. */
static void write_piece(http_server *self, weir_obj *msg, weir_promise *promise) {
    uint64_t n = weir_obj_size(msg);
    if (self->answer != HTTP_ANSWER_BEGUN || self->ending) {
        weir_status status = why_not(self);
        http_server_refuse_write(self->ctx, msg, promise, status == WEIR_OK ? WEIR_E_INVALID : status);
    } else if (self->body.framing == WEIR_HTTP_NO_BODY || n == 0) {
        weir_obj_release(msg);
        keep_promise(self, promise);
    } else if (self->body.framing == WEIR_HTTP_CHUNKED) {
        write_chunk(self, msg, n, promise);
    } else if (self->body.framing == WEIR_HTTP_LENGTH && n > self->body.left) {
        contradict(self, msg, promise, WEIR_E_INVALID);
    } else {
        self->body.left -= self->body.framing == WEIR_HTTP_LENGTH ? n : 0;
        write_out(self, msg, promise);
    }
}

/* Takes: end, promise. What is gathered goes out with it. False: no more of `self`. */
static bool put_end(http_server *self, weir_http_end *end, weir_promise *promise) {
    bool is_chunked = self->body.framing == WEIR_HTTP_CHUNKED;
    weir_buf *last = is_chunked ? http_encoder_last_chunk(self->ctx, &end->trailers) : NULL;
    weir_obj_release(end);
    if (is_chunked) return put_out(self, last, promise);
    bool goes_on = true;
    if (promise != NULL) goes_on = write_out(self, weir_buf_empty(), promise);
    self->gathering = self->gathering && goes_on;
    return goes_on && http_server_release_held(self);
}

/* Takes: end, promise. */
static void write_end(http_server *self, weir_http_end *end, weir_promise *promise) {
    if (self->interim && self->answer == HTTP_ANSWER_NONE) {
        self->interim = false;
        weir_obj_release(end);
        put_out(self, weir_buf_empty(), promise);
    } else if (self->answer != HTTP_ANSWER_BEGUN || self->ending) {
        weir_status status = why_not(self);
        http_server_refuse_write(self->ctx, &end->obj, promise, status == WEIR_OK ? WEIR_E_INVALID : status);
    } else if (self->body.framing == WEIR_HTTP_LENGTH && self->body.left != 0) {
        contradict(self, &end->obj, promise, WEIR_E_TRUNCATED);
    } else if (put_end(self, end, promise)) {
        self->gathering = false;
        self->answer = HTTP_ANSWER_DONE;
        http_server_answered(self);
    }
}

void http_server_write(weir_ctx *ctx, weir_obj *msg, weir_promise *promise) {
    http_server *self = http_server_of(ctx);
    weir_http_response *response = weir_http_response_from(msg);
    weir_http_end *end = weir_http_end_from(msg);
    if (response != NULL) {
        weir_status status = why_not(self);
        if (status != WEIR_OK) {
            http_server_refuse_write(ctx, msg, promise, status);
        } else if (response->status < 200 && response->status != 101) {
            write_interim(self, response, promise);
        } else {
            write_final(self, response, promise);
        }
    } else if (end != NULL) {
        write_end(self, end, promise);
    } else if (weir_obj_is(msg, &weir_buf_type) || weir_obj_is(msg, &weir_region_type)) {
        write_piece(self, msg, promise);
    } else {
        http_server_refuse_write(ctx, msg, promise, WEIR_E_UNSUPPORTED);
    }
}
