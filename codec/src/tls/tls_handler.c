/* tls_handler.c - a session in a pipeline: its life, the slots, the timer. */
#include "tls/tls_handler_state.h"

#include <weir/codec/decoder.h>
#include <weir/core/alloc.h>

#define HANDSHAKE_MS 10000
#define CLOSE_MS 3000
/* A close waits for what was written; when nothing leaves for so long, it does no longer. */
#define STUCK_MS 30000
#define CHUNK (64 * 1024)

weir_event weir_tls_event_ready = WEIR_EVENT_CONSTANT("tls_ready");

/* ---- life ---- */

static void free_session(tls_handler *self) {
    weir_tls_engine_free(self->engine);
    tls_kernel_free(self->kernel);
    weir_alloc_release(NULL, self);
}

void tls_handler_let_go(tls_handler *self) {
    if (--self->holds == 0) free_session(self);
}

/* Bytes that have left or are left, whichever is known; 0: there is nothing to wait for. What the kernel is to encrypt
 * waits in the channel, not in line. */
static uint64_t look_at_progress(const tls_handler *self) {
    weir_tls_stats stats;
    if (tls_kernel_is_on(self->kernel)) return weir_channel_pending_bytes(weir_ctx_channel(self->ctx));
    weir_tls_engine_get_stats(self->engine, &stats);
    return weir_waiting_line_first(&self->line) != NULL ? stats.plain_written + 1 : 0;
}

static void on_timer(weir_timer *timer) {
    tls_handler *self = tls_handler_hold(timer->arg);
    uint64_t progress = look_at_progress(self);
    if (self->lingers) {
        tls_handler_finish_close(self);
    } else if (!self->done) {
        tls_handler_fail(self, WEIR_E_TIMEOUT, "TLS handshake");
    } else if (progress == 0) {
        tls_handler_finish_close(self);
    } else if (progress == self->progress) {
        weir_ctx_abort(self->ctx, WEIR_E_TIMEOUT);
    } else {
        self->progress = progress;
        weir_timer_start(&self->timer, weir_ctx_loop(self->ctx), STUCK_MS);
    }
    tls_handler_let_go(self);
}

static void begin(tls_handler *self) {
    if (self->began) return;
    self->began = true;
    weir_timer_start(&self->timer, weir_ctx_loop(self->ctx), self->handshake_ms);
    tls_handler_offer(self);
    tls_handler_advance(self);
}

static void tls_added(weir_ctx *ctx) {
    tls_handler *self = weir_ctx_state(ctx);
    self->ctx = ctx;
    weir_timer_init(&self->timer, on_timer, self);
    if (!weir_channel_is_active(weir_ctx_channel(ctx))) return;
    tls_handler_hold(self);
    if (self->is_late) weir_ctx_fire_event(ctx, &weir_decoder_event_boundary.obj);
    if (tls_handler_is_alive(self)) begin(self);
    tls_handler_let_go(self);
}

/* Who is behind it has never spoken plaintext to this peer, and does not begin now. */
static void leave_unprotected(tls_handler *self) {
    self->failed = true;
    weir_ctx_abort(self->ctx, WEIR_E_CANCELED);
    if (self->holds_active) weir_ctx_fire_active(self->ctx);
}

static void tls_removed(weir_ctx *ctx) {
    tls_handler *self = weir_ctx_state(ctx);
    weir_timer_stop(&self->timer, weir_ctx_loop(ctx));
    bool keeps_pull = self->pulled && weir_yield_is_waiting(&self->yield);
    weir_yield_stop(&self->yield);
    if (keeps_pull) weir_ctx_pull(ctx);
    if (self->done && tls_handler_is_alive(self)) tls_handler_seal(self);
    self->removed = true;
    bool is_between = !self->done || tls_kernel_is_on(self->kernel);
    if (is_between && weir_channel_is_active(weir_ctx_channel(ctx))) leave_unprotected(self);
    tls_handler_drop(self, WEIR_E_CANCELED);
    if ((self->lingers || self->close_wanted) && !self->close_done) tls_handler_finish_close(self);
    self->lingers = false;
    tls_handler_let_go(self);
}

/* ---- inward ---- */

static void tls_active(weir_ctx *ctx) {
    tls_handler *self = weir_ctx_state(ctx);
    if (self->done) {
        weir_ctx_fire_active(ctx);
        return;
    }
    self->holds_active = true;
    begin(self);
}

/* A region comes where reading is by splice. Takes: region. Gives: its bytes, or NULL. */
static weir_buf *read_region(weir_ctx *ctx, weir_region *region) {
    weir_buf *bytes = weir_ctx_get_buf(ctx, (size_t)region->length);
    if (bytes != NULL && weir_region_read(region, 0, bytes->wp, (size_t)region->length) == WEIR_OK) {
        weir_buf_commit(bytes, (size_t)region->length);
    } else {
        weir_buf_release(bytes);
        bytes = NULL;
    }
    weir_region_release(region);
    return bytes;
}

/* Takes: msg. */
static weir_status feed(tls_handler *self, weir_obj *msg) {
    weir_region *region = weir_region_from(msg);
    weir_buf *wire = region != NULL ? read_region(self->ctx, region) : weir_buf_from(msg);
    if (wire != NULL) return weir_tls_engine_feed(self->engine, wire);
    if (region != NULL) return WEIR_E_NO_MEMORY;
    weir_obj_release(msg);
    return WEIR_E_UNSUPPORTED;
}

static void tls_read(weir_ctx *ctx, weir_obj *msg) {
    tls_handler *self = weir_ctx_state(ctx);
    if (self->failed || self->close_done) {
        weir_obj_release(msg);
        return;
    }
    weir_status status = feed(self, msg);
    if (status != WEIR_OK) {
        tls_handler_fail(self, status, "TLS read");
    } else if (!weir_yield_is_waiting(&self->yield)) {
        tls_handler_advance(self);
    }
}

static void tls_read_complete(weir_ctx *ctx) {
    tls_handler_end_burst(weir_ctx_state(ctx));
}

static void tls_event(weir_ctx *ctx, weir_obj *event) {
    tls_handler *self = weir_ctx_state(ctx);
    bool is_end = event == &weir_event_peer_closed.obj;
    if (is_end && self->lingers && !self->close_done) {
        weir_obj_release(event);
        tls_handler_finish_close(self);
    } else if (!is_end || self->failed || self->close_done) {
        weir_ctx_fire_event(ctx, event);
    } else {
        weir_obj_release(event);
        tls_handler_peer_closed(self);
    }
}

static void tls_error(weir_ctx *ctx, const weir_error *error) {
    tls_handler *self = weir_ctx_state(ctx);
    if (self->writing) self->refused = error->status;
    weir_ctx_fire_error(ctx, error);
}

/* What nobody saw begin does not end. */
static void tls_inactive(weir_ctx *ctx) {
    tls_handler *self = weir_ctx_state(ctx);
    weir_timer_stop(&self->timer, weir_ctx_loop(ctx));
    tls_handler_open_rest(self);
    tls_handler_drop(self, WEIR_E_CLOSED);
    if (!self->holds_active) weir_ctx_fire_inactive(ctx);
}

/* ---- outward; what is written is in tls_handler_write.c ---- */

static void tls_write(weir_ctx *ctx, weir_obj *msg, weir_promise *promise) {
    tls_handler_write(weir_ctx_state(ctx), msg, promise);
}

static void tls_flush(weir_ctx *ctx) {
    tls_handler *self = tls_handler_hold(weir_ctx_state(ctx));
    tls_handler_seal(self);
    weir_ctx_flush(ctx);
    tls_handler_let_go(self);
}

/* What waits may answer it. */
static void tls_pull(weir_ctx *ctx) {
    tls_handler *self = weir_ctx_state(ctx);
    self->pulled = true;
    if (!weir_yield_is_waiting(&self->yield)) weir_ctx_pull(ctx);
}

static void tls_shutdown(weir_ctx *ctx, weir_promise *promise) {
    tls_handler *self = weir_ctx_state(ctx);
    bool is_over = self->began && !weir_channel_is_active(weir_ctx_channel(ctx));
    if (self->failed || self->shut_done || self->close_wanted || is_over) {
        weir_ctx_shutdown(ctx, promise);
        return;
    }
    weir_promise_join(&self->shut_promise, promise);
    self->shut_wanted = true;
    tls_handler_pump(self);
}

/* Before the handshake is done a close gives it up, as it does with a connection that is not made yet. After a failure it is
 * on its way. */
static void tls_close(weir_ctx *ctx, weir_promise *promise) {
    tls_handler *self = tls_handler_hold(weir_ctx_state(ctx));
    bool passes = self->failed || self->close_done || !weir_channel_is_active(weir_ctx_channel(ctx));
    if (!passes && !self->done) {
        passes = self->failed = true;
        weir_timer_stop(&self->timer, weir_ctx_loop(ctx));
        tls_handler_drop(self, WEIR_E_CANCELED);
    }
    if (self->lingers && !self->close_done) {
        weir_promise_join(&self->close_promise, promise);
    } else if (passes) {
        weir_ctx_close(ctx, promise);
    } else {
        weir_promise_join(&self->close_promise, promise);
        if (!self->close_wanted) {
            self->close_wanted = true;
            weir_timer_start(&self->timer, weir_ctx_loop(ctx), STUCK_MS);
            tls_handler_pump(self);
        }
    }
    tls_handler_let_go(self);
}

const weir_handler weir_tls_handler = {
    .name = "tls",
    .added = tls_added,
    .removed = tls_removed,
    .active = tls_active,
    .read = tls_read,
    .read_complete = tls_read_complete,
    .event = tls_event,
    .error = tls_error,
    .inactive = tls_inactive,
    .write = tls_write,
    .flush = tls_flush,
    .pull = tls_pull,
    .shutdown = tls_shutdown,
    .close = tls_close,
};

/* ---- adding ---- */

static unsigned or_default(unsigned value, unsigned usual) {
    return value != 0 ? value : usual;
}

weir_status weir_tls_handler_add(weir_pipeline *pipeline, weir_tls_context *context,
                                 const weir_tls_handler_options *options) {
    static const weir_tls_handler_options defaults;
    if (options == NULL) options = &defaults;
    weir_loop *loop = weir_channel_loop(weir_pipeline_channel(pipeline));
    tls_handler *self = weir_alloc_zeroed(NULL, 1, sizeof *self);
    if (self == NULL) return WEIR_E_NO_MEMORY;
    self->holds = 1;
    weir_waiting_line_init(&self->line);
    weir_yield_init(&self->yield, tls_handler_go_on);
    self->handshake_ms = or_default(options->handshake_timeout_ms, HANDSHAKE_MS);
    self->close_ms = or_default(options->close_timeout_ms, CLOSE_MS);
    self->is_late = self->told = options->starttls; /* the burst under way has given something */
    self->chunk = options->chunk != 0 ? options->chunk : CHUNK;
    weir_status status = weir_tls_engine_new(&self->engine, context, &options->engine, weir_loop_pool(loop));
    if (status == WEIR_OK) {
        status = options->starttls ? weir_pipeline_add_first(pipeline, &weir_tls_handler, self)
                                   : weir_pipeline_add_last(pipeline, &weir_tls_handler, self);
    }
    if (status != WEIR_OK) free_session(self);
    return status;
}

/* ---- asking ---- */

static tls_handler *done_session(weir_pipeline *pipeline) {
    const weir_ctx *ctx = weir_pipeline_find(pipeline, &weir_tls_handler);
    tls_handler *self = ctx != NULL ? weir_ctx_state(ctx) : NULL;
    return self != NULL && self->done ? self : NULL;
}

bool weir_tls_get_info(weir_pipeline *pipeline, weir_tls_info *out) {
    tls_handler *self = done_session(pipeline);
    if (self != NULL) weir_tls_engine_get_info(self->engine, out);
    return self != NULL;
}

bool weir_tls_get_stats(weir_pipeline *pipeline, weir_tls_stats *out) {
    const tls_handler *self = done_session(pipeline);
    if (self == NULL) return false;
    weir_tls_engine_get_stats(self->engine, out);
    out->copied_bytes += self->gather_copied;
    out->region_read_bytes = self->region_read;
    if (tls_kernel_is_on(self->kernel)) {
        out->ktls_send = true;
        out->plain_written += self->kernel->plain;
        out->region_sent_bytes = self->kernel->regions;
    }
    return true;
}

weir_status weir_tls_update_keys(weir_pipeline *pipeline) {
    tls_handler *self = done_session(pipeline);
    if (self == NULL || tls_kernel_is_on(self->kernel)) return WEIR_E_UNSUPPORTED;
    if (!tls_handler_is_alive(self) || self->shut_done || self->close_wanted) return WEIR_E_CLOSED;
    tls_handler_seal(self);
    weir_status status = weir_tls_engine_update_keys(self->engine);
    if (status == WEIR_OK) tls_handler_send(self, NULL);
    return status;
}
