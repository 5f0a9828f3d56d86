/* websocket_write.c - messages to frames. */
#include <weir/buffer/buf_bytes.h>
#include <weir/buffer/buf_composite.h>
#include <weir/buffer/buf_view.h>
#include <weir/core/alloc.h>
#include <weir/transport/loop.h>
#include <weir/transport/promise.h>

#include "websocket/frame_out.h"
#include "websocket/message_new.h"
#include "websocket/session.h"

static weir_pool *pool_of(const websocket_session *self) {
    return weir_loop_pool(weir_ctx_loop(self->ctx));
}

/* Who is told may remove this handler: nothing of `self` is touched after it. Takes: msg, promise. */
static void refuse(websocket_session *self, void *msg, weir_promise *promise, weir_status status) {
    weir_obj_release(msg);
    if (promise != NULL) {
        weir_promise_complete(promise, status);
    } else {
        weir_ctx_fail(self->ctx, status, "websocket write");
    }
}

/* ---- one frame ---- */

static weir_websocket_header new_header(unsigned opcode, bool final, bool compressed) {
    return (weir_websocket_header){
        .opcode = (uint8_t)opcode, .final = final, .reserved = compressed ? WEIR_WEBSOCKET_COMPRESSED : 0};
}

/* Takes: payload. `headroom`: what lies in front of it is known to be its own. Gives: a frame, or NULL. */
static weir_buf *encode(websocket_session *self, weir_websocket_header header, weir_buf *payload,
                        bool headroom) {
    if (payload == NULL) return NULL;
    if (self->keys == NULL && headroom) {
        header.length = weir_buf_readable(payload);
        return websocket_frame_in_headroom(&header, payload, true, pool_of(self));
    }
    if (self->keys != NULL) {
        header.masked = true;
        if (weir_websocket_keys_next(self->keys, header.mask) != WEIR_OK) {
            weir_buf_release(payload);
            return NULL;
        }
    }
    return weir_websocket_frame(&header, payload, pool_of(self));
}

/* A long payload in frames of `fragment` bytes, all in one buf. Takes: payload. */
static weir_buf *encode_fragments(websocket_session *self, weir_websocket_header header, weir_buf *payload) {
    weir_buf *all = weir_buf_composite_new();
    bool final = header.final;
    weir_status status = all == NULL ? WEIR_E_NO_MEMORY : WEIR_OK;
    while (status == WEIR_OK && weir_buf_is_readable(payload)) {
        size_t left = weir_buf_readable(payload);
        size_t n = left < self->options.fragment ? left : self->options.fragment;
        header.final = final && n == left;
        weir_buf *piece = weir_buf_read_slice(payload, n);
        status = weir_buf_composite_append(all, encode(self, header, piece, false));
        header.opcode = WEIR_WEBSOCKET_CONTINUATION;
        header.reserved = 0;
    }
    weir_buf_release(payload);
    if (status == WEIR_OK) return all;
    weir_buf_release(all);
    return NULL;
}

/* ---- data ---- */

typedef struct outgoing {
    weir_buf *payload;
    uint8_t opcode;
    bool first, last;
    bool headroom;
} outgoing;

/* True when nothing failed. */
static bool compress(websocket_session *self, outgoing *out) {
    if (self->in_doubt > 0) weir_websocket_deflater_forget(self->deflater);
    weir_buf *smaller = weir_websocket_deflate(self->deflater, out->payload, out->last);
    weir_buf_release(out->payload);
    out->payload = smaller;
    out->headroom = true;
    return smaller != NULL;
}

static bool wants_compression(const websocket_session *self, const outgoing *out) {
    return self->deflater != NULL && (weir_buf_readable(out->payload) >= self->threshold || !out->last);
}

/* What out.payload failed with; a piece of no message, and a message inside of another, nobody could read. */
static weir_status check_data(const websocket_session *self, const outgoing *out) {
    if (weir_buf_status(out->payload) != WEIR_OK) return weir_buf_status(out->payload);
    return out->first == self->streams ? WEIR_E_INVALID : WEIR_OK;
}

/* Takes: out->payload. Gives: its frames, or NULL when out of memory. */
static weir_buf *encode_data(websocket_session *self, outgoing *out) {
    if (out->first) self->compresses = wants_compression(self, out);
    if (self->compresses && !compress(self, out)) return NULL;
    weir_websocket_header header = new_header(out->first ? out->opcode : WEIR_WEBSOCKET_CONTINUATION,
                                              out->last, out->first && self->compresses);
    bool is_long = self->options.fragment != 0 && weir_buf_readable(out->payload) > self->options.fragment;
    return is_long ? encode_fragments(self, header, out->payload)
                   : encode(self, header, out->payload, out->headroom);
}

/* The peer never gets what was encoded: the next message must not point back to it, and half a message cannot be taken
 * back. */
static void was_lost(websocket_session *self, bool is_whole, weir_status why) {
    if (self->deflater != NULL) weir_websocket_deflater_forget(self->deflater);
    if (!is_whole) weir_ctx_abort(self->ctx, why);
}

/* Sees whether the channel refuses it (out of memory, over its cap). Takes: frames, promise. */
static void write_watched(websocket_session *self, weir_buf *frames, bool is_whole, weir_promise *promise) {
    weir_promise *watched =
        promise != NULL ? weir_promise_retain(promise) : weir_promise_new(weir_ctx_loop(self->ctx));
    if (watched == NULL) {
        was_lost(self, is_whole, WEIR_E_NO_MEMORY);
        refuse(self, frames, NULL, WEIR_E_NO_MEMORY);
        return;
    }
    websocket_enter(self);
    self->in_doubt++; /* the promise may have messages written before it is known here */
    weir_ctx_write(self->ctx, frames, promise != NULL ? promise : weir_promise_retain(watched));
    self->in_doubt--;
    weir_status status = weir_promise_is_done(watched) ? weir_promise_status(watched) : WEIR_OK;
    weir_promise_release(watched);
    if (status != WEIR_OK && status != WEIR_E_CLOSED && !self->removed) {
        was_lost(self, is_whole, status);
        if (promise == NULL) weir_ctx_fail(self->ctx, status, "websocket write");
    }
    websocket_leave(self);
}

/* Takes: out.payload, promise. */
static void write_data(websocket_session *self, outgoing out, weir_promise *promise) {
    weir_status status = check_data(self, &out);
    if (status != WEIR_OK) {
        refuse(self, out.payload, promise, status);
        return;
    }
    bool is_whole = out.first && out.last;
    weir_buf *frames = encode_data(self, &out);
    if (frames == NULL) {
        was_lost(self, is_whole, WEIR_E_NO_MEMORY);
        refuse(self, NULL, promise, WEIR_E_NO_MEMORY);
        return;
    }
    self->streams = !out.last;
    if (is_whole && !self->compresses) {
        weir_ctx_write(self->ctx, frames, promise);
    } else {
        write_watched(self, frames, is_whole, promise);
    }
}

/* Takes: message. Its payload leaves with the headroom only if nobody else can send it. */
static outgoing take_payload(weir_websocket_message *message) {
    outgoing out = {.payload = message->payload,
                    .opcode = message->opcode,
                    .first = message->first,
                    .last = message->last};
    if (weir_obj_is_unshared(message)) {
        out.headroom = message->has_headroom && weir_obj_is_unshared(out.payload);
        message->payload = NULL;
    } else {
        weir_buf_retain(out.payload);
    }
    weir_obj_release(message);
    return out;
}

/* Takes: prepared, promise. */
static void write_prepared(websocket_session *self, weir_websocket_prepared *prepared,
                           weir_promise *promise) {
    if (self->streams) {
        refuse(self, NULL, promise, WEIR_E_INVALID);
    } else if (self->role == WEIR_WEBSOCKET_SERVER) {
        weir_ctx_write(self->ctx, weir_buf_duplicate(prepared->frame), promise);
    } else {
        size_t n = weir_buf_readable(prepared->frame) - prepared->header;
        weir_buf *payload = weir_buf_slice(prepared->frame, prepared->header, n);
        weir_websocket_header header = new_header(prepared->opcode, true, false);
        weir_ctx_write(self->ctx, encode(self, header, payload, false), promise);
    }
    weir_obj_release(prepared);
}

/* ---- control ---- */

weir_buf *websocket_control_payload(websocket_session *self) {
    return websocket_get_payload(pool_of(self), WEIR_WEBSOCKET_CONTROL_MOST);
}

void websocket_send_control(websocket_session *self, unsigned opcode, weir_buf *payload,
                            weir_promise *promise) {
    weir_ctx_write(self->ctx, encode(self, new_header(opcode, true, false), payload, false), promise);
}

void websocket_send_close(websocket_session *self, unsigned code, weir_bytes reason, weir_promise *promise) {
    if (self->close_sent) {
        refuse(self, NULL, promise, WEIR_E_CLOSED);
        return;
    }
    weir_buf *payload = websocket_control_payload(self);
    if (payload != NULL) weir_websocket_close_write(payload, code, reason);
    self->close_sent = true;
    weir_timer_start(&self->timer, weir_ctx_loop(self->ctx), self->options.close_timeout_ms);
    websocket_send_control(self, WEIR_WEBSOCKET_CLOSE, payload, promise);
}

/* Takes: message, promise. */
static void write_control(websocket_session *self, weir_websocket_message *message, weir_promise *promise) {
    weir_buf *payload = weir_buf_retain(message->payload);
    unsigned opcode = message->opcode;
    weir_obj_release(message);
    if (weir_buf_readable(payload) > WEIR_WEBSOCKET_CONTROL_MOST) {
        refuse(self, payload, promise, WEIR_E_INVALID);
        return;
    }
    if (opcode == WEIR_WEBSOCKET_CLOSE) {
        self->close_sent = true;
        weir_timer_start(&self->timer, weir_ctx_loop(self->ctx), self->options.close_timeout_ms);
    }
    websocket_send_control(self, opcode, payload, promise);
}

/* ---- the slot ---- */

void websocket_write(weir_ctx *ctx, weir_obj *msg, weir_promise *promise) {
    websocket_session *self = weir_ctx_state(ctx);
    weir_websocket_message *message = weir_websocket_message_from(msg);
    weir_websocket_prepared *prepared = message == NULL ? weir_websocket_prepared_from(msg) : NULL;
    weir_buf *buf = weir_buf_from(msg);
    if (message == NULL && prepared == NULL && buf == NULL) {
        weir_ctx_write(ctx, msg, promise);
    } else if (self->close_sent) {
        refuse(self, msg, promise, WEIR_E_CLOSED);
    } else if (prepared != NULL) {
        write_prepared(self, prepared, promise);
    } else if (buf != NULL) {
        write_data(self, (outgoing){buf, WEIR_WEBSOCKET_BINARY, true, true, false}, promise);
    } else if (weir_websocket_is_control(message->opcode)) {
        write_control(self, message, promise);
    } else {
        write_data(self, take_payload(message), promise);
    }
}
