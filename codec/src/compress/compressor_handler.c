/* compressor_handler.c - slots around compress_writer.h. */
#include <weir/codec/compress_writer.h>
#include <weir/codec/compressor_handler.h>
#include <weir/transport/channel.h>
#include <weir/transport/ctx.h>
#include <weir/transport/loop.h>

static void handler_added(weir_ctx *ctx) {
    weir_compress_writer_start(weir_ctx_state(ctx), ctx);
}

static void handler_removed(weir_ctx *ctx) {
    weir_compress_writer_free(weir_ctx_state(ctx));
}

static void handler_writable_changed(weir_ctx *ctx) {
    weir_compress_writer_pump(weir_ctx_state(ctx));
    weir_ctx_fire_writable_changed(ctx);
}

static void handler_error(weir_ctx *ctx, const weir_error *error) {
    weir_compress_writer_error(weir_ctx_state(ctx), error);
    weir_ctx_fire_error(ctx, error);
}

static void handler_inactive(weir_ctx *ctx) {
    weir_compress_writer_fail(weir_ctx_state(ctx), WEIR_E_CLOSED);
    weir_ctx_fire_inactive(ctx);
}

static void handler_write(weir_ctx *ctx, weir_obj *msg, weir_promise *promise) {
    (void)weir_compress_writer_write(weir_ctx_state(ctx), msg, promise);
}

static void handler_flush(weir_ctx *ctx) {
    weir_compress_writer_flush(weir_ctx_state(ctx));
}

static void handler_shutdown(weir_ctx *ctx, weir_promise *promise) {
    weir_compress_writer_shutdown(weir_ctx_state(ctx), promise);
}

static void handler_close(weir_ctx *ctx, weir_promise *promise) {
    weir_compress_writer_close(weir_ctx_state(ctx), promise);
}

const weir_handler weir_compressor_handler = {
    .name = "compressor",
    .added = handler_added,
    .removed = handler_removed,
    .writable_changed = handler_writable_changed,
    .error = handler_error,
    .inactive = handler_inactive,
    .write = handler_write,
    .flush = handler_flush,
    .shutdown = handler_shutdown,
    .close = handler_close,
};

weir_status weir_compressor_handler_add(weir_pipeline *pipeline, weir_compression format,
                                        const weir_compressor_options *options) {
    weir_compressor_options chosen = {0};
    if (options != NULL) chosen = *options;
    weir_compressor *compressor;
    if (chosen.pool == NULL) chosen.pool = weir_loop_pool(weir_channel_loop(weir_pipeline_channel(pipeline)));
    weir_status status = weir_compressor_new(&compressor, format, &chosen);
    if (status != WEIR_OK) return status;
    weir_compress_writer *writer = weir_compress_writer_new();
    if (writer == NULL) {
        weir_compressor_free(compressor);
        return WEIR_E_NO_MEMORY;
    }
    weir_compress_writer_begin(writer, compressor);
    status = weir_pipeline_add_last(pipeline, &weir_compressor_handler, writer);
    if (status != WEIR_OK) weir_compress_writer_free(writer);
    return status;
}
