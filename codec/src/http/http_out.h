/* http_out.h - private: a message on its way out, part by part, for both sides.
 *
 * Rule: a part that is refused, or contradicts its head, leaves a hole, and what followed would be taken for it: so the
 * connection is aborted, and `broken` says so. A write may run anybody (its promise, an error event), who may remove
 * the handler: its owner is then freed when the last of our calls has returned.
 */
#ifndef WEIR_CODEC_HTTP_OUT_H
#define WEIR_CODEC_HTTP_OUT_H

#include <weir/core/error.h>

#include "http/http_encoder.h"

typedef struct http_out http_out;

struct http_out {
    weir_ctx *ctx;
    void (*free)(http_out *self); /* its owner, which it is a member of */
    weir_buf *held;               /* the beginning of a whole message, which is gathered */
    uint64_t left;                /* of the body of the message at hand, */
    uint8_t framing;              /* which is a weir_http_framing */
    bool gathering : 1;
    bool broken : 1;
    bool is_freed : 1;   /* while busy */
    bool writing : 1;    /* a write is under way, */
    uint16_t busy;       /* calls under way that look at it afterwards */
    weir_status refused; /* and this is how it failed at once */
};

/* The head of a message is made, and this is its body. */
static inline void http_out_begin(http_out *self, const http_body *body) {
    self->left = body->left;
    self->framing = (uint8_t)body->framing;
}

/* Around a call that may remove the handler. leave: false when it did. */
static inline void http_out_enter(http_out *self) {
    self->busy++;
}
static inline bool http_out_leave(http_out *self) {
    self->busy--;
    if (WEIR_LIKELY(!self->is_freed)) return true;
    if (self->busy == 0) self->free(self);
    return false;
}

/* For the owner's `free`: true when it has to wait for http_out_leave. */
bool http_out_delays_free(http_out *self);

/* For the owner's `error` slot. */
void http_out_error(http_out *self, const weir_error *error);

/* ---- all take msg and promise. False: the owner is gone, or the message broken ---- */

/* A part as it is. Gathered, it waits for the others. */
bool http_out_put(http_out *self, void *msg, weir_promise *promise);
/* What is held goes on, and gathering ends. */
bool http_out_release(http_out *self);
/* A piece of the body, as its framing wants it. */
bool http_out_piece(http_out *self, weir_obj *msg, weir_promise *promise);
/* The end of the body. Takes: end (a weir_http_end) for msg. */
bool http_out_end(http_out *self, weir_http_end *end, weir_promise *promise);

/* Fails a write that is not allowed; without a promise as an error event, unless it is WEIR_E_CLOSED. */
void http_out_refuse(weir_ctx *ctx, weir_obj *msg, weir_promise *promise, weir_status status);

/* How much of a small body is copied behind its head. */
size_t http_out_room(const http_out *self, const http_body *body);

#endif
