/* tls_handler_state.h - private: what the handler remembers of a connection, for its parts.
 *
 *     tls_handler.c         its life, the slots, the timer
 *     tls_handler_read.c    the handshake, records of the peer, the peer's end
 *     tls_handler_write.c   what is written, and our end
 *     tls_handler_kernel.c  sending by the kernel
 *
 * Anything that calls out may remove the handler: whoever goes on afterwards holds the state meanwhile.
 */
#ifndef WEIR_CODEC_TLS_HANDLER_STATE_H
#define WEIR_CODEC_TLS_HANDLER_STATE_H

#include <weir/codec/tls_handler.h>
#include <weir/transport/channel.h>
#include <weir/transport/ctx.h>
#include <weir/transport/promise.h>
#include <weir/transport/region_reader.h>
#include <weir/transport/timer.h>
#include <weir/transport/waiting_line.h>
#include <weir/transport/yield.h>

#include "tls/tls_kernel.h"

typedef struct tls_handler {
    weir_ctx *ctx;
    weir_tls_engine *engine;
    tls_kernel *kernel;             /* that may send, or does; NULL: it cannot or must not */
    weir_waiting_line line;         /* what cannot be encrypted yet: the handshake, or chunks under way */
    weir_region_reader *reader;     /* of the region in front of the line; NULL: none is begun */
    weir_buf *gathered;             /* plaintext of the record that is being filled; NULL: none */
    weir_promise *gathered_promise; /* of all that is in it */
    weir_promise *shut_promise, *close_promise;
    weir_timer timer; /* of the handshake, then of the close */
    weir_yield yield; /* until the next share of what came is opened */
    uint64_t region_read, gather_copied;
    uint64_t progress; /* plaintext written when the timer of the close last looked */
    size_t chunk;
    unsigned handshake_ms, close_ms;
    unsigned holds;      /* the pipeline's, one for each callback inside, one for each chunk under way */
    weir_status refused; /* why the record that is being written was not taken by the channel */
    unsigned under_way;  /* chunks that were encrypted and have not left */
    bool gathered_is_own;
    bool began, done;  /* the handshake */
    bool holds_active; /* `active` came, and is told when the handshake is done */
    bool failed;       /* told; nothing is encrypted any more */
    bool lingers;      /* failed: what still comes is dropped until the peer has ended, or for a while */
    bool removed;
    bool is_late;                   /* plaintext came before it: STARTTLS */
    bool opening, pumping, writing; /* inside of it */
    bool told;                      /* something was given since the last read_complete */
    bool pulled;                    /* a pull came that nothing has answered */
    bool peer_ended;                /* its close_notify was told */
    bool shut_wanted, shut_done, close_wanted, close_done;
} tls_handler;

static inline tls_handler *tls_handler_hold(tls_handler *self) {
    self->holds++;
    return self;
}
void tls_handler_let_go(tls_handler *self);

/* Whether it goes on. */
static inline bool tls_handler_is_alive(const tls_handler *self) {
    return !self->removed && !self->failed && weir_channel_is_active(weir_ctx_channel(self->ctx));
}

/* The end of it: an alert when there is one, what waits fails, one error event, and the channel closes. */
void tls_handler_fail(tls_handler *self, weir_status status, const char *what);

/* Opens what came, as far as it goes. */
void tls_handler_advance(tls_handler *self);
/* The next share of it. */
void tls_handler_go_on(weir_yield *yield);
/* All of it, because it cannot wait any more. */
void tls_handler_open_rest(tls_handler *self);
/* A burst has ended: what was given is told, what is missing is pulled. */
void tls_handler_end_burst(tls_handler *self);
/* The peer's FIN. */
void tls_handler_peer_closed(tls_handler *self);

/* What the engine wants sent goes outward. Takes: promise. */
void tls_handler_send(tls_handler *self, weir_promise *promise);

/* Offers the sending to the kernel, unless it is known that it cannot. */
void tls_handler_offer(tls_handler *self);
/* As it is, for the kernel to encrypt. Takes: msg, promise. */
void tls_handler_pass(tls_handler *self, weir_obj *msg, weir_promise *promise);

/* Takes: msg, promise. */
void tls_handler_write(tls_handler *self, weir_obj *msg, weir_promise *promise);
void tls_handler_refuse(tls_handler *self, weir_obj *msg, weir_promise *promise, weir_status status);
/* What was gathered becomes a record. */
void tls_handler_seal(tls_handler *self);
/* What waits, as far as it may go now; then the end that was asked for. */
void tls_handler_pump(tls_handler *self);
/* Passes the close on. */
void tls_handler_finish_close(tls_handler *self);
/* The writes that did not leave, and our end. */
void tls_handler_drop(tls_handler *self, weir_status why);

#endif
