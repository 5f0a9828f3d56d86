/* ctx.c - the walkers: one short function an event, all alike.
 *
 * Inbound ones are not checked for the thread (2 ns a hop): whoever entered the pipeline was.
 */
#include <weir/core/leak.h>

#include "channel/channel_internal.h"
#include "pipeline/pipeline_internal.h"

static inline weir_ctx *next_inward(const weir_ctx *ctx, uint32_t event) {
    do {
        ctx = ctx->next;
    } while ((ctx->events & event) == 0);
    return (weir_ctx *)ctx;
}

static inline weir_ctx *next_outward(const weir_ctx *ctx, uint32_t event) {
    do {
        ctx = ctx->prev;
    } while ((ctx->events & event) == 0);
    return (weir_ctx *)ctx;
}

static inline weir_ctx *checked_next_outward(const weir_ctx *ctx, uint32_t event, const char *function) {
    loop_check_current(channel_of(ctx->pipeline)->loop, function);
    return next_outward(ctx, event);
}

/* Tracked, a message shows who had it, and one that was released before stops here. */
static inline void touch(const weir_obj *obj, const weir_ctx *by) {
    if (WEIR_UNLIKELY(weir_leak_is_tracking()) && !weir_leak_touched(obj, by->handler->name)) {
        weir_obj_misused(obj, "passed on");
    }
}

/* ---- where am I ---- */

void *weir_ctx_state(const weir_ctx *ctx) {
    return ctx->state;
}

const weir_handler *weir_ctx_handler(const weir_ctx *ctx) {
    return ctx->handler;
}

weir_pipeline *weir_ctx_pipeline(const weir_ctx *ctx) {
    return ctx->pipeline;
}

weir_channel *weir_ctx_channel(const weir_ctx *ctx) {
    return channel_of(ctx->pipeline);
}

weir_loop *weir_ctx_loop(const weir_ctx *ctx) {
    return channel_of(ctx->pipeline)->loop;
}

weir_ctx *weir_ctx_writes_to(const weir_ctx *ctx) {
    return checked_next_outward(ctx, EVENT_WRITE, __func__);
}

bool weir_ctx_is_wire(const weir_ctx *ctx) {
    return ctx == &ctx->pipeline->ends;
}

weir_buf *weir_ctx_get_buf(weir_ctx *ctx, size_t capacity) {
    return weir_pool_get(weir_ctx_loop(ctx)->pool, capacity);
}

/* ---- inward ---- */

/* Notes for the watchdog where the thread is if it does not come back. */
static inline const weir_handler *enter(const weir_ctx *ctx, uint32_t event) {
    const weir_handler *handler = ctx->handler;
    loop_enter(handler, (unsigned)__builtin_ctz(event));
    return handler;
}

void weir_ctx_fire_active(weir_ctx *ctx) {
    ctx = next_inward(ctx, EVENT_ACTIVE);
    enter(ctx, EVENT_ACTIVE)->active(ctx);
}

/* Apart, so that the ordinary walk keeps nothing across a call. */
static WEIR_COLD void read_tracked(weir_ctx *ctx, weir_obj *msg) {
    touch(msg, ctx);
    enter(ctx, EVENT_READ)->read(ctx, msg);
}

WEIR_HOT void weir_ctx_fire_read(weir_ctx *ctx, weir_obj *msg) {
    ctx = next_inward(ctx, EVENT_READ);
    if (WEIR_UNLIKELY(weir_leak_is_tracking())) {
        read_tracked(ctx, msg);
        return;
    }
    enter(ctx, EVENT_READ)->read(ctx, msg);
}

WEIR_HOT void weir_ctx_fire_read_complete(weir_ctx *ctx) {
    ctx = next_inward(ctx, EVENT_READ_COMPLETE);
    enter(ctx, EVENT_READ_COMPLETE)->read_complete(ctx);
}

void weir_ctx_fire_event(weir_ctx *ctx, weir_obj *event) {
    ctx = next_inward(ctx, EVENT_EVENT);
    touch(event, ctx);
    enter(ctx, EVENT_EVENT)->event(ctx, event);
}

void weir_ctx_fire_writable_changed(weir_ctx *ctx) {
    ctx = next_inward(ctx, EVENT_WRITABLE_CHANGED);
    enter(ctx, EVENT_WRITABLE_CHANGED)->writable_changed(ctx);
}

void weir_ctx_fire_error(weir_ctx *ctx, const weir_error *error) {
    ctx = next_inward(ctx, EVENT_ERROR);
    enter(ctx, EVENT_ERROR)->error(ctx, error);
}

void weir_ctx_fire_inactive(weir_ctx *ctx) {
    ctx = next_inward(ctx, EVENT_INACTIVE);
    enter(ctx, EVENT_INACTIVE)->inactive(ctx);
}

void weir_ctx_fail(weir_ctx *ctx, weir_status status, const char *what) {
    weir_ctx_fire_error(ctx, &(weir_error){.status = status, .what = what});
}

/* ---- outward ---- */

/* Apart, as above. */
static WEIR_COLD void write_rarer(weir_ctx *ctx, weir_obj *msg, weir_promise *promise) {
    if (msg == NULL) {
        channel_write_failed(channel_of(ctx->pipeline), promise, WEIR_E_NO_MEMORY);
    } else {
        touch(msg, ctx);
        ctx->handler->write(ctx, msg, promise);
    }
}

WEIR_HOT void weir_ctx_write(weir_ctx *ctx, void *msg, weir_promise *promise) {
    ctx = checked_next_outward(ctx, EVENT_WRITE, __func__);
    if (WEIR_UNLIKELY(msg == NULL || weir_leak_is_tracking())) {
        write_rarer(ctx, msg, promise);
        return;
    }
    ctx->handler->write(ctx, msg, promise);
}

WEIR_HOT void weir_ctx_flush(weir_ctx *ctx) {
    ctx = checked_next_outward(ctx, EVENT_FLUSH, __func__);
    ctx->handler->flush(ctx);
}

void weir_ctx_flush_later(weir_ctx *ctx) {
    channel_flush_later(channel_of(ctx->pipeline));
}

void weir_ctx_write_flush(weir_ctx *ctx, void *msg, weir_promise *promise) {
    weir_ctx_write(ctx, msg, promise);
    weir_ctx_flush(ctx);
}

void weir_ctx_pull(weir_ctx *ctx) {
    ctx = checked_next_outward(ctx, EVENT_PULL, __func__);
    ctx->handler->pull(ctx);
}

void weir_ctx_shutdown(weir_ctx *ctx, weir_promise *promise) {
    ctx = checked_next_outward(ctx, EVENT_SHUTDOWN, __func__);
    ctx->handler->shutdown(ctx, promise);
}

void weir_ctx_close(weir_ctx *ctx, weir_promise *promise) {
    ctx = checked_next_outward(ctx, EVENT_CLOSE, __func__);
    ctx->handler->close(ctx, promise);
}

void weir_ctx_abort(weir_ctx *ctx, weir_status why) {
    ctx = checked_next_outward(ctx, EVENT_ABORT, __func__);
    ctx->handler->abort(ctx, why);
}
