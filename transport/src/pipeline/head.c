/* head.c - the outward end of every pipeline: where messages become queue entries. */
#include "channel/channel_internal.h"
#include "pipeline/pipeline_internal.h"

static void head_write(weir_ctx *ctx, weir_obj *msg, weir_promise *promise) {
    channel_write(channel_of(ctx->pipeline), msg, promise);
}

static void head_flush(weir_ctx *ctx) {
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

const weir_handler pipeline_head = {
    .name = "head",
    .write = head_write,
    .flush = head_flush,
    .pull = head_pull,
    .shutdown = head_shutdown,
    .close = head_close,
    .abort = head_abort,
};
