/* idle_handler.c - notes the time of reads and writes; one lazy timer looks at the notes. */
#include <weir/transport/idle_handler.h>

#include <weir/transport/channel.h>
#include <weir/transport/ctx.h>
#include <weir/transport/timer.h>

#include "pipeline/pipeline_internal.h"

weir_event weir_event_idle_read = WEIR_EVENT_CONSTANT("idle_read");
weir_event weir_event_idle_write = WEIR_EVENT_CONSTANT("idle_write");
weir_event weir_event_idle_all = WEIR_EVENT_CONSTANT("idle_all");

enum {
    READ,
    WRITE,
    ALL,
    KINDS
};

static weir_event *const events[KINDS] = {&weir_event_idle_read, &weir_event_idle_write,
                                          &weir_event_idle_all};

/* Small, because every connection has one. */
typedef struct idle {
    weir_timer timer;      /* its arg is the context */
    uint64_t since[KINDS]; /* when it last came, or its absence was told */
    uint64_t written;      /* bytes that had left when the timer looked last */
    uint32_t limit[KINDS]; /* 0: not asked for */
    bool close;
} idle;

static uint64_t due(const idle *self, int kind) {
    return self->since[kind] + self->limit[kind];
}

static void note(weir_ctx *ctx, int kind) {
    idle *self = weir_ctx_state(ctx);
    self->since[kind] = self->since[ALL] = weir_loop_now(weir_ctx_loop(ctx));
}

static void look_again(weir_ctx *ctx) {
    idle *self = weir_ctx_state(ctx);
    weir_loop *loop = weir_ctx_loop(ctx);
    uint64_t next = UINT64_MAX, now = weir_loop_now(loop);
    for (int kind = 0; kind < KINDS; kind++) {
        if (self->limit[kind] != 0 && due(self, kind) < next) next = due(self, kind);
    }
    if (next != UINT64_MAX) weir_timer_start(&self->timer, loop, next > now ? next - now : 1);
}

/* A slow peer that takes a little now and then is not idle: bytes that left count as a write. */
static void note_progress(weir_ctx *ctx) {
    idle *self = weir_ctx_state(ctx);
    weir_channel_stats stats;
    weir_channel_get_stats(weir_ctx_channel(ctx), &stats);
    bool still_sending = weir_channel_pending_bytes(weir_ctx_channel(ctx)) != 0;
    if (stats.bytes_written != self->written && still_sending) note(ctx, WRITE);
    self->written = stats.bytes_written;
}

static void on_timer(weir_timer *timer) {
    weir_ctx *ctx = timer->arg;
    idle *self = weir_ctx_state(ctx);
    uint64_t now = weir_loop_now(weir_ctx_loop(ctx));
    bool is_idle[KINDS];
    note_progress(ctx);
    for (int kind = 0; kind < KINDS; kind++) {
        is_idle[kind] = self->limit[kind] != 0 && due(self, kind) <= now;
        if (is_idle[kind]) self->since[kind] = now;
    }
    look_again(ctx);
    bool close = self->close;
    for (int kind = 0; kind < KINDS && !ctx->removed; kind++) { /* whoever is told may remove this handler */
        if (!is_idle[kind]) continue;
        if (close) {
            weir_channel_close(weir_ctx_channel(ctx), NULL);
        } else {
            weir_ctx_fire_event(ctx, &events[kind]->obj);
        }
    }
}

static void idle_added(weir_ctx *ctx) {
    idle *self = weir_ctx_state(ctx);
    weir_timer_init(&self->timer, on_timer, ctx);
    note(ctx, READ);
    note(ctx, WRITE);
    look_again(ctx);
}

static void idle_removed(weir_ctx *ctx) {
    idle *self = weir_ctx_state(ctx);
    weir_timer_stop(&self->timer, weir_ctx_loop(ctx));
    weir_alloc_release(NULL, self);
}

static void idle_active(weir_ctx *ctx) {
    note(ctx, READ);
    note(ctx, WRITE);
    weir_ctx_fire_active(ctx);
}

static void idle_read(weir_ctx *ctx, weir_obj *msg) {
    note(ctx, READ);
    weir_ctx_fire_read(ctx, msg);
}

static void idle_write(weir_ctx *ctx, weir_obj *msg, weir_promise *promise) {
    note(ctx, WRITE);
    weir_ctx_write(ctx, msg, promise);
}

const weir_handler weir_idle_handler = {
    .name = "idle",
    .added = idle_added,
    .removed = idle_removed,
    .active = idle_active,
    .read = idle_read,
    .write = idle_write,
};

static uint32_t at_most_49_days(uint64_t ms) {
    return ms < UINT32_MAX ? (uint32_t)ms : UINT32_MAX;
}

weir_status weir_idle_handler_add(weir_pipeline *pipeline, const weir_idle_options *options) {
    idle *self = weir_alloc_zeroed(NULL, 1, sizeof *self);
    if (self == NULL) return WEIR_E_NO_MEMORY;
    self->limit[READ] = at_most_49_days(options->read_ms);
    self->limit[WRITE] = at_most_49_days(options->write_ms);
    self->limit[ALL] = at_most_49_days(options->all_ms);
    self->close = options->close;
    weir_status status = weir_pipeline_add_first(pipeline, &weir_idle_handler, self);
    if (status != WEIR_OK) weir_alloc_release(NULL, self);
    return status;
}
