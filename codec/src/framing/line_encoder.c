/* line_encoder.c - the end of a line behind each buf written.
 */
#include <weir/buffer/buf_bytes.h>
#include <weir/buffer/buf_composite.h>
#include <weir/buffer/buf_dump.h>
#include <weir/buffer/buf_scan.h>
#include <weir/buffer/buf_text.h>
#include <weir/buffer/buf_view.h>
#include <weir/codec/line_encoder.h>
#include <weir/core/alloc.h>
#include <weir/transport/promise.h>

#define END_MAX 2

static bool goes_behind(weir_buf *line, const weir_bytes *end) {
    if (weir_buf_is_composite(line) || weir_buf_is_read_only(line) || !weir_buf_is_unshared(line))
        return false;
    if (weir_buf_writable(line) < end->len) return false;
    weir_buf_write_bytes(line, end->ptr, end->len);
    return true;
}

/* Takes: line. Gives: one buf for both, or NULL. */
static weir_buf *join(weir_buf *line, const weir_bytes *end) {
    weir_buf *both = weir_buf_composite_new();
    if (both == NULL) {
        weir_buf_release(line);
        return NULL;
    }
    weir_status status = weir_buf_composite_append(both, line);
    if (weir_buf_composite_append(both, weir_buf_wrap_const(end->ptr, end->len)) == WEIR_OK &&
        status == WEIR_OK)
        return both;
    weir_buf_release(both);
    return NULL;
}

static void refuse(weir_ctx *ctx, weir_obj *msg, weir_promise *promise) {
    weir_obj_release(msg);
    if (promise == NULL) {
        weir_ctx_fail(ctx, WEIR_E_INVALID, "line with an end inside");
    } else {
        weir_promise_complete(promise, WEIR_E_INVALID);
    }
}

static void write_line(weir_ctx *ctx, weir_obj *msg, weir_promise *promise) {
    const weir_line_encoder_options *options = weir_ctx_state(ctx);
    weir_buf *line = weir_buf_from(msg);
    if (line == NULL || weir_buf_status(line) != WEIR_OK) {
        weir_ctx_write(ctx, msg, promise); /* a failed buf is refused by the channel */
        return;
    }
    if (!options->allow_ends && weir_buf_find_in(line, 0, &weir_byte_set_crlf) != WEIR_NOT_FOUND) {
        refuse(ctx, msg, promise);
        return;
    }
    weir_bytes end = weir_bytes_str(options->crlf ? "\r\n" : "\n");
    weir_ctx_write(ctx, goes_behind(line, &end) ? line : join(line, &end), promise);
}

static void free_options(weir_ctx *ctx) {
    weir_alloc_release(NULL, weir_ctx_state(ctx));
}

const weir_handler weir_line_encoder = {
    .name = "line_encoder",
    .removed = free_options,
    .write = write_line,
};

weir_status weir_line_encoder_add(weir_pipeline *pipeline, const weir_line_encoder_options *options) {
    weir_line_encoder_options *state = weir_alloc_zeroed(NULL, 1, sizeof *state);
    if (state == NULL) return WEIR_E_NO_MEMORY;
    if (options != NULL) *state = *options;
    weir_status status = weir_pipeline_add_last(pipeline, &weir_line_encoder, state);
    if (status != WEIR_OK) weir_alloc_release(NULL, state);
    return status;
}

void weir_line_write(weir_ctx *ctx, weir_bytes text, weir_promise *promise) {
    weir_buf *line = weir_ctx_get_buf(ctx, text.len + END_MAX);
    if (line != NULL) weir_buf_write_bytes(line, text.ptr, text.len);
    weir_ctx_write(ctx, line, promise);
}

void weir_line_printf(weir_ctx *ctx, const char *format, ...) {
    weir_buf *line = weir_ctx_get_buf(ctx, 128);
    va_list values;
    va_start(values, format);
    if (line != NULL) weir_buf_vprintf(line, format, values);
    va_end(values);
    weir_ctx_write(ctx, line, NULL);
}
