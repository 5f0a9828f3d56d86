/* ends.c - both ends of every pipeline, which are one context: inward, what happens to what nobody took; outward, where
 * messages become queue entries. */
#include <errno.h>
#include <inttypes.h>

#include <weir/core/log.h>
#include <weir/transport/event.h>

#include "channel/channel_internal.h"
#include "pipeline/pipeline_internal.h"

/* ---- the tail ---- */

static void tail_active(weir_ctx *ctx) {
    (void)ctx;
}

static void tail_read(weir_ctx *ctx, weir_obj *msg) {
    weir_log(WEIR_LOG_DEBUG, "channel", "%" PRIu64 ": no handler took a message of type \"%s\": released",
             weir_ctx_channel(ctx)->id, msg->type->name);
    weir_obj_release(msg);
}

static void tail_read_complete(weir_ctx *ctx) {
    (void)ctx;
}

static void tail_event(weir_ctx *ctx, weir_obj *event) {
    bool ends_stream = event == &weir_event_peer_closed.obj || event == &weir_event_stopping.obj;
    weir_obj_release(event);
    if (ends_stream) weir_channel_close(weir_ctx_channel(ctx), NULL);
}

static void tail_writable_changed(weir_ctx *ctx) {
    (void)ctx;
}

/* Of an error that closes nothing anybody may cause any number. */
static weir_log_level level_of(const weir_error *error, bool closes) {
    if (!closes) return WEIR_LOG_DEBUG;
    return error->status == -ECONNRESET || error->status == -EPIPE ? WEIR_LOG_INFO : WEIR_LOG_WARN;
}

static void tail_error(weir_ctx *ctx, const weir_error *error) {
    weir_channel *channel = weir_ctx_channel(ctx);
    weir_addr addr;
    char peer[WEIR_ADDR_TEXT];
    bool closes = !channel->wire->outlives_errors;
    weir_channel_remote_addr(channel, &addr);
    weir_log(level_of(error, closes), "channel", "%" PRIu64 " %s: %s%s%s%s", channel->id,
             weir_addr_format(&addr, peer), error->what != NULL ? error->what : "",
             error->what != NULL ? ": " : "", weir_status_text(error->status), closes ? ": closing" : "");
    if (closes) weir_channel_close(channel, NULL);
}

static void tail_inactive(weir_ctx *ctx) {
    (void)ctx;
}

/* ---- the head ---- */

static WEIR_HOT void head_write(weir_ctx *ctx, weir_obj *msg, weir_promise *promise) {
    channel_write(channel_of(ctx->pipeline), msg, promise);
}

static WEIR_HOT void head_flush(weir_ctx *ctx) {
    channel_flush(channel_of(ctx->pipeline));
}

static void head_pull(weir_ctx *ctx) {
    channel_pull(channel_of(ctx->pipeline));
}

static void head_shutdown(weir_ctx *ctx, weir_promise *promise) {
    channel_shutdown(channel_of(ctx->pipeline), promise);
}

static void head_close(weir_ctx *ctx, weir_promise *promise) {
    channel_close(channel_of(ctx->pipeline), promise);
}

static void head_abort(weir_ctx *ctx, weir_status why) {
    channel_abort_now(channel_of(ctx->pipeline), why);
}

const weir_handler pipeline_ends = {
    .name = "ends",
    .active = tail_active,
    .read = tail_read,
    .read_complete = tail_read_complete,
    .event = tail_event,
    .writable_changed = tail_writable_changed,
    .error = tail_error,
    .inactive = tail_inactive,
    .write = head_write,
    .flush = head_flush,
    .pull = head_pull,
    .shutdown = head_shutdown,
    .close = head_close,
    .abort = head_abort,
};
