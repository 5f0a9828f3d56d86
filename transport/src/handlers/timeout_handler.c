/* timeout_handler.c - notes when something last came; one lazy timer looks at the notes and at what has left.
 *
 * What came is noted on the channel's clock of reading, which stands while nothing is read: to see only now and then
 * whether it reads would count a pause between two looks as silence.
 */
#include <weir/transport/timeout_handler.h>

#include <weir/transport/timer.h>

#include "channel/channel_internal.h"

typedef struct timeout {
    weir_timer timer; /* its arg is the context */
    weir_timeout_options after;
    uint64_t read;       /* for how long it had read when something came last, ms */
    uint64_t left;       /* when something had left, or nothing waited, last */
    uint64_t left_bytes; /* how much that was */
} timeout;

static uint64_t sooner(uint64_t next, uint64_t past, uint64_t after) {
    if (after == 0) return next;
    uint64_t left = past < after ? after - past : 0;
    return left < next ? left : next;
}

/* While nothing is read the time that is left does not run. */
static uint64_t silence(const timeout *self, const weir_channel *channel) {
    return weir_channel_can_read(channel) ? weir_channel_reading_ms(channel) - self->read : 0;
}

/* None of the two was over; between turns of a host one may be by now. */
static void look_again(timeout *self, const weir_channel *channel) {
    uint64_t next = sooner(UINT64_MAX, silence(self, channel), self->after.read_ms);
    next = sooner(next, weir_loop_now(channel->loop) - self->left, self->after.write_ms);
    if (next != UINT64_MAX) weir_timer_start(&self->timer, channel->loop, next);
}

/* What is only seen by looking. */
static void note_now(timeout *self, const weir_channel *channel) {
    uint64_t now = weir_loop_now(channel->loop);
    if (channel->queue.head == NULL || channel->stats.bytes_written != self->left_bytes) self->left = now;
    self->left_bytes = channel->stats.bytes_written;
}

static bool is_over(uint64_t past, uint64_t after) {
    return after != 0 && past >= after;
}

static void on_timer(weir_timer *timer) {
    weir_ctx *ctx = timer->arg;
    timeout *self = weir_ctx_state(ctx);
    weir_channel *channel = weir_ctx_channel(ctx);
    note_now(self, channel);
    bool read_over = is_over(silence(self, channel), self->after.read_ms);
    bool write_over = is_over(weir_loop_now(channel->loop) - self->left, self->after.write_ms);
    if (!read_over && !write_over) {
        look_again(self, channel);
    } else {
        weir_channel_retain(channel);
        weir_ctx_fail(ctx, WEIR_E_TIMEOUT, read_over ? "read" : "write");
        weir_channel_abort(channel, WEIR_E_TIMEOUT);
        weir_channel_release(channel);
    }
}

static void timeout_begin(weir_ctx *ctx) {
    timeout *self = weir_ctx_state(ctx);
    const weir_channel *channel = weir_ctx_channel(ctx);
    self->read = weir_channel_reading_ms(channel);
    self->left = weir_loop_now(channel->loop);
    look_again(self, channel);
}

static void timeout_added(weir_ctx *ctx) {
    timeout *self = weir_ctx_state(ctx);
    weir_timer_init(&self->timer, on_timer, ctx);
    if (weir_channel_is_active(weir_ctx_channel(ctx))) timeout_begin(ctx);
}

static void timeout_removed(weir_ctx *ctx) {
    timeout *self = weir_ctx_state(ctx);
    weir_timer_stop(&self->timer, weir_ctx_loop(ctx));
    weir_alloc_release(NULL, self);
}

static void timeout_active(weir_ctx *ctx) {
    timeout_begin(ctx);
    weir_ctx_fire_active(ctx);
}

static void timeout_read(weir_ctx *ctx, weir_obj *msg) {
    timeout *self = weir_ctx_state(ctx);
    self->read = weir_channel_reading_ms(weir_ctx_channel(ctx));
    weir_ctx_fire_read(ctx, msg);
}

static void timeout_write(weir_ctx *ctx, weir_obj *msg, weir_promise *promise) {
    timeout *self = weir_ctx_state(ctx);
    if (weir_ctx_channel(ctx)->queue.head == NULL) self->left = weir_loop_now(weir_ctx_loop(ctx));
    weir_ctx_write(ctx, msg, promise);
}

const weir_handler weir_timeout_handler = {
    .name = "timeout",
    .added = timeout_added,
    .removed = timeout_removed,
    .active = timeout_active,
    .read = timeout_read,
    .write = timeout_write,
};

weir_status weir_timeout_handler_add(weir_pipeline *pipeline, const weir_timeout_options *options) {
    timeout *self = weir_alloc_zeroed(NULL, 1, sizeof *self);
    if (self == NULL) return WEIR_E_NO_MEMORY;
    self->after = *options;
    weir_status status = weir_pipeline_add_first(pipeline, &weir_timeout_handler, self);
    if (status != WEIR_OK) weir_alloc_release(NULL, self);
    return status;
}
