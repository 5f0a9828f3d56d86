/* traffic_shaper.c - pieces of what is written, when two rates allow; reading that pauses when it was too much. */
#include <weir/transport/traffic_shaper.h>
#include <weir/transport/waiting_line.h>

#include "channel/channel_internal.h"
#include "handlers/traffic_limit.h"

/* A shared limit may be changed meanwhile: who waits for longer looks again after so long. */
#define LOOK_AGAIN_MS 1000

typedef struct shaper {
    traffic_rates own;
    weir_traffic_limit *shared; /* held, or NULL */
    weir_waiting_line line;
    weir_timer timer; /* its arg is the context */
    uint64_t paid;    /* bytes of the first that waits; 0: not yet */
    uint64_t due;     /* when they may go */
    bool holds_reading;
    bool pumping;
    bool removed; /* while pumping, which frees it */
} shaper;

static uint64_t larger(uint64_t a, uint64_t b) {
    return a > b ? a : b;
}

static uint64_t smaller(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

static uint64_t wait_to_write(shaper *self, uint64_t now) {
    uint64_t wait = traffic_rate_wait(&self->own.write, now);
    return self->shared == NULL ? wait : larger(wait, traffic_rate_wait(&self->shared->rates.write, now));
}

static uint64_t wait_to_read(shaper *self, uint64_t now) {
    uint64_t wait = traffic_rate_wait(&self->own.read, now);
    return self->shared == NULL ? wait : larger(wait, traffic_rate_wait(&self->shared->rates.read, now));
}

static uint64_t pay_to_write(shaper *self, uint64_t now, uint64_t bytes) {
    uint64_t wait = traffic_rate_pay(&self->own.write, now, bytes);
    return self->shared == NULL ? wait
                                : larger(wait, traffic_rate_pay(&self->shared->rates.write, now, bytes));
}

static uint64_t piece_size(const shaper *self) {
    uint64_t own = traffic_rate_piece(&self->own.write);
    uint64_t shared = self->shared != NULL ? traffic_rate_piece(&self->shared->rates.write) : own;
    return smaller(own, shared);
}

static void wake_in(shaper *self, weir_loop *loop, uint64_t ms) {
    if (self->shared != NULL && ms > LOOK_AGAIN_MS) ms = LOOK_AGAIN_MS;
    if (!weir_timer_is_running(&self->timer) || self->timer.due > loop->now + ms)
        weir_timer_start(&self->timer, loop, ms);
}

/* ---- writing ---- */

static bool can_be_cut(const weir_obj *msg) {
    return weir_obj_is(msg, &weir_buf_type) || weir_obj_is(msg, &weir_region_type);
}

/* Pays for the first piece of what waits, unless that is done; whether it may go now. */
static bool may_go(shaper *self, weir_loop *loop, const weir_waiting *first) {
    uint64_t now = weir_loop_now(loop), piece = piece_size(self);
    if (first->size == 0) return true;
    if (self->paid == 0) {
        self->paid = first->size <= piece || !can_be_cut(first->msg) ? first->size : piece;
        self->due = now + pay_to_write(self, now, self->paid);
    }
    self->due = smaller(self->due, now + wait_to_write(self, now)); /* a rate has become higher */
    if (self->due <= now) return true;
    wake_in(self, loop, self->due - now);
    return false;
}

/* False when there is no memory to cut it: some of it may have left, and the peer was promised the rest. */
static bool send_piece(weir_ctx *ctx, shaper *self, const weir_waiting *first) {
    uint64_t n = self->paid;
    self->paid = 0;
    return n == first->size ? weir_waiting_line_pass(&self->line, ctx)
                            : weir_waiting_line_pass_part(&self->line, ctx, n);
}

static void pump(weir_ctx *ctx) {
    shaper *self = weir_ctx_state(ctx);
    weir_channel *channel = weir_ctx_channel(ctx);
    if (self->pumping) return;
    self->pumping = true;
    const weir_waiting *first;
    while (!self->removed && channel_is_open(channel) &&
           (first = weir_waiting_line_first(&self->line)) != NULL && may_go(self, channel->loop, first)) {
        if (!send_piece(ctx, self, first)) weir_ctx_abort(ctx, WEIR_E_NO_MEMORY);
    }
    self->pumping = false;
    if (self->removed) weir_alloc_release(NULL, self);
}

static void shaper_write(weir_ctx *ctx, weir_obj *msg, weir_promise *promise) {
    shaper *self = weir_ctx_state(ctx);
    uint64_t size = weir_obj_size(msg), now = weir_loop_now(weir_ctx_loop(ctx));
    bool goes_now = weir_waiting_line_first(&self->line) == NULL && size <= piece_size(self) &&
                    wait_to_write(self, now) == 0;
    if (goes_now) {
        pay_to_write(self, now, size);
        weir_ctx_write(ctx, msg, promise);
    } else if (weir_waiting_line_push(&self->line, ctx, WEIR_WAITING_WRITE, msg, promise)) {
        pump(ctx);
    }
}

static void shaper_shutdown(weir_ctx *ctx, weir_promise *promise) {
    shaper *self = weir_ctx_state(ctx);
    weir_waiting_line_shutdown(&self->line, ctx, promise);
}

static void shaper_close(weir_ctx *ctx, weir_promise *promise) {
    shaper *self = weir_ctx_state(ctx);
    weir_waiting_line_close(&self->line, ctx, promise);
}

/* ---- reading ---- */

static void hold_reading(shaper *self, weir_channel *channel, bool holds) {
    if (self->holds_reading == holds) return;
    self->holds_reading = holds;
    if (holds) {
        weir_channel_hold_reading(channel);
    } else {
        weir_channel_let_read(channel);
    }
}

static void pace_reading(shaper *self, weir_channel *channel) {
    uint64_t wait = wait_to_read(self, weir_loop_now(channel->loop));
    hold_reading(self, channel, wait != 0);
    if (wait != 0) wake_in(self, channel->loop, wait);
}

static void shaper_read(weir_ctx *ctx, weir_obj *msg) {
    shaper *self = weir_ctx_state(ctx);
    weir_channel *channel = weir_ctx_channel(ctx);
    uint64_t size = weir_obj_size(msg), now = weir_loop_now(channel->loop);
    traffic_rate_pay(&self->own.read, now, size);
    if (self->shared != NULL) traffic_rate_pay(&self->shared->rates.read, now, size);
    pace_reading(self, channel);
    weir_ctx_fire_read(ctx, msg);
}

static void on_timer(weir_timer *timer) {
    weir_ctx *ctx = timer->arg;
    pace_reading(weir_ctx_state(ctx), weir_ctx_channel(ctx));
    pump(ctx);
}

/* ---- life ---- */

static void shaper_added(weir_ctx *ctx) {
    shaper *self = weir_ctx_state(ctx);
    weir_timer_init(&self->timer, on_timer, ctx);
}

/* What waits goes out now: nothing that was accepted is lost because the limit is lifted. */
static void shaper_removed(weir_ctx *ctx) {
    shaper *self = weir_ctx_state(ctx);
    weir_channel *channel = weir_ctx_channel(ctx);
    weir_timer_stop(&self->timer, channel->loop);
    hold_reading(self, channel, false);
    while (channel_is_open(channel) && weir_waiting_line_first(&self->line) != NULL) {
        if (!weir_waiting_line_pass(&self->line, ctx)) weir_ctx_abort(ctx, WEIR_E_NO_MEMORY);
    }
    weir_waiting_line_fail(&self->line, ctx, WEIR_E_CLOSED);
    weir_traffic_limit_release(self->shared);
    self->shared = NULL;
    self->removed = true;
    if (!self->pumping) weir_alloc_release(NULL, self);
}

static void shaper_inactive(weir_ctx *ctx) {
    shaper *self = weir_ctx_state(ctx);
    self->paid = 0;
    weir_waiting_line_fail(&self->line, ctx, WEIR_E_CLOSED);
    weir_ctx_fire_inactive(ctx);
}

const weir_handler weir_traffic_shaper_handler = {
    .name = "traffic_shaper",
    .added = shaper_added,
    .removed = shaper_removed,
    .read = shaper_read,
    .inactive = shaper_inactive,
    .write = shaper_write,
    .shutdown = shaper_shutdown,
    .close = shaper_close,
};

weir_status weir_traffic_shaper_add(weir_pipeline *pipeline, const weir_traffic_options *own,
                                    weir_traffic_limit *shared) {
    shaper *self = weir_alloc_zeroed(NULL, 1, sizeof *self);
    if (self == NULL) return WEIR_E_NO_MEMORY;
    weir_waiting_line_init(&self->line);
    if (own != NULL) traffic_rates_set(&self->own, own);
    self->shared = weir_traffic_limit_retain(shared);
    weir_status status = weir_pipeline_add_first(pipeline, &weir_traffic_shaper_handler, self);
    if (status == WEIR_OK) return WEIR_OK;
    weir_traffic_limit_release(shared);
    weir_alloc_release(NULL, self);
    return status;
}
