/* tls_handler_read.c - the handshake, records of the peer, the peer's end. */
#include <errno.h>

#include "tls/tls_engine_state.h"
#include "tls/tls_handler_state.h"

/* Most plaintext in one buf that is passed on. */
#define READ_MOST (64 * 1024)

/* The peer was told why, by an alert. */
static bool is_refusal(weir_status status) {
    return status == WEIR_E_TLS || status == WEIR_E_UNTRUSTED;
}

/* A socket that is closed with unread bytes resets the connection, and the peer may lose the alert: a client that sends its
 * request behind a certificate we do not trust. So our side is ended first, and what comes is dropped for a while. */
static void end_after_failure(tls_handler *self) {
    if (!self->lingers) {
        tls_handler_finish_close(self);
        return;
    }
    weir_timer_start(&self->timer, weir_ctx_loop(self->ctx), self->close_ms);
    weir_ctx_shutdown(self->ctx, NULL);
    weir_ctx_pull(self->ctx);
}

void tls_handler_fail(tls_handler *self, weir_status status, const char *what) {
    if (self->failed) return;
    weir_ctx *ctx = self->ctx;
    tls_handler_hold(self);
    tls_handler_send(self, NULL);
    self->failed = true;
    weir_timer_stop(&self->timer, weir_ctx_loop(ctx));
    tls_handler_drop(self, status);
    if (weir_channel_is_active(weir_ctx_channel(ctx))) weir_ctx_flush(ctx); /* who hears of it may abort */
    self->lingers = is_refusal(status) && !self->close_wanted && !self->peer_ended && !self->removed;
    if (weir_channel_is_active(weir_ctx_channel(ctx)))
        weir_ctx_fire_error(ctx, &(weir_error){.status = status, .what = what});
    if (weir_channel_is_active(weir_ctx_channel(ctx))) end_after_failure(self);
    tls_handler_let_go(self);
}

static void fail_by_engine(tls_handler *self, weir_status status) {
    const char *why = weir_tls_engine_why(self->engine);
    tls_handler_fail(self, status, why[0] != 0 ? why : "TLS");
}

/* ---- the handshake ---- */

static void tell_ready(tls_handler *self) {
    bool tells_active = self->holds_active;
    weir_timer_stop(&self->timer, weir_ctx_loop(self->ctx));
    self->done = true;
    self->holds_active = false;
    if (tells_active) weir_ctx_fire_active(self->ctx);
    if (tls_handler_is_alive(self)) weir_ctx_fire_event(self->ctx, &weir_tls_event_ready.obj);
    if (tls_handler_is_alive(self)) tls_handler_pump(self);
}

static void shake_hands(tls_handler *self) {
    weir_status status = weir_tls_engine_handshake(self->engine);
    tls_handler_send(self, NULL);
    if (!tls_handler_is_alive(self)) return;
    if (status == WEIR_OK) {
        tell_ready(self);
    } else if (status == -EAGAIN) {
        weir_ctx_flush(self->ctx);
        if (!tls_engine_is_stalled(self->engine)) weir_ctx_pull(self->ctx);
    } else {
        fail_by_engine(self, status);
    }
}

/* ---- the peer's end ---- */

static void tell_peer_closed(tls_handler *self) {
    bool told = self->told;
    self->told = false;
    if (told) weir_ctx_fire_read_complete(self->ctx);
    if (tls_handler_is_alive(self)) weir_ctx_fire_event(self->ctx, &weir_event_peer_closed.obj);
}

static void on_close_notify(tls_handler *self) {
    if (self->peer_ended) return;
    self->peer_ended = true;
    if (self->close_wanted) {
        tls_handler_pump(self);
        return;
    }
    tell_peer_closed(self);
    if (tls_handler_is_alive(self) && self->shut_done && !self->close_wanted) tls_handler_finish_close(self);
}

/* What waited before the end has failed, or whoever got it has removed us: then the end is told to who is behind. */
static void end_after_rest(tls_handler *self) {
    bool is_open = weir_channel_is_active(weir_ctx_channel(self->ctx));
    if (self->lingers && !self->close_done) {
        tls_handler_finish_close(self);
    } else if (is_open && !self->failed && !self->peer_ended) {
        weir_ctx_fire_event(self->ctx, &weir_event_peer_closed.obj);
    }
}

void tls_handler_peer_closed(tls_handler *self) {
    tls_handler_hold(self);
    tls_handler_open_rest(self);
    if (!tls_handler_is_alive(self)) {
        end_after_rest(self);
    } else if (!self->done) {
        tls_handler_fail(self, WEIR_E_CUT_SHORT, "TLS handshake: the peer ended the connection");
    } else if (self->close_wanted) {
        self->peer_ended = true;
        tls_handler_pump(self);
    } else if (!self->peer_ended) {
        self->peer_ended = true;
        weir_ctx_fail(self->ctx, WEIR_E_CUT_SHORT, "TLS");
        if (tls_handler_is_alive(self) && !self->close_wanted) tell_peer_closed(self);
    }
    tls_handler_let_go(self);
}

/* ---- records ---- */

static void give(tls_handler *self, weir_buf *plain) {
    if (self->close_wanted) {
        weir_buf_release(plain);
        return;
    }
    self->told = true;
    self->pulled = false;
    weir_ctx_fire_read(self->ctx, (weir_obj *)plain);
}

/* Answers whether there may be more. */
static weir_status open_some(tls_handler *self) {
    weir_buf *plain;
    weir_status status = weir_tls_engine_read(self->engine, READ_MOST, &plain);
    if (plain != NULL) {
        give(self, plain);
    } else if (status == WEIR_OK) {
        on_close_notify(self);
        status = -EAGAIN;
    }
    return status;
}

static void open_records(tls_handler *self) {
    weir_status status = WEIR_OK;
    while (status == WEIR_OK && tls_handler_is_alive(self) && !self->close_done) status = open_some(self);
    if (!tls_handler_is_alive(self)) return;
    if (status == WEIR_OK || status == -EAGAIN) {
        tls_handler_send(self, NULL);
    } else {
        fail_by_engine(self, status);
    }
}

static void advance(tls_handler *self, uint64_t share) {
    if (self->opening) return;
    tls_handler_hold(self);
    self->opening = true;
    tls_engine_begin_share(self->engine, share);
    if (!self->done) shake_hands(self);
    if (self->done) open_records(self);
    bool has_more = tls_engine_is_stalled(self->engine) && tls_handler_is_alive(self) && !self->close_done;
    if (has_more) weir_yield_wait(&self->yield, self->ctx);
    self->opening = false;
    tls_handler_let_go(self);
}

void tls_handler_advance(tls_handler *self) {
    advance(self, weir_channel_messages_per_turn(weir_ctx_channel(self->ctx)));
}

void tls_handler_go_on(weir_yield *yield) {
    tls_handler *self = tls_handler_hold(WEIR_CONTAINER(yield, tls_handler, yield));
    if (tls_handler_is_alive(self)) tls_handler_advance(self);
    tls_handler_end_burst(self);
    tls_handler_let_go(self);
}

void tls_handler_open_rest(tls_handler *self) {
    if (!weir_yield_is_waiting(&self->yield)) return;
    weir_yield_stop(&self->yield);
    tls_handler_hold(self);
    if (tls_handler_is_alive(self)) {
        advance(self, UINT64_MAX);
    } else {
        tls_engine_begin_share(self->engine, UINT64_MAX);
        while (self->done && !self->removed && !self->failed && open_some(self) == WEIR_OK) continue;
    }
    tls_handler_end_burst(self);
    tls_handler_let_go(self);
}

/* Records in part, the handshake and the wait for the peer's end go on by themselves where reading is by pulls. */
void tls_handler_end_burst(tls_handler *self) {
    bool told = self->told;
    bool misses = self->failed ? self->lingers : self->pulled || !self->done || self->close_wanted;
    bool may_pull = misses && !self->removed && !weir_yield_is_waiting(&self->yield);
    self->told = false;
    if (may_pull) weir_ctx_pull(self->ctx);
    if (told) weir_ctx_fire_read_complete(self->ctx);
}
