/* <weir/codec/line_encoder.h> - a handler that ends each buf written as a line, and lines written in one call.
 *
 *     weir_line_encoder_add(pipeline, &(weir_line_encoder_options){.crlf = true});
 *     weir_line_printf(ctx, "250 %s", host);                     ->   "250 example.org\r\n"
 *
 * In short: each buf written is a line, without its end; the end goes into the room behind it when nobody
 * else holds the buf, else both are written as one composite: no byte of the line is copied. A line that has
 * an end inside would be several to whoever reads it (and lets a peer smuggle in commands): it fails its write
 * with WEIR_E_INVALID, unless allowed. Objects that are not bufs pass by.
 *
 * Layer: codec. Needs pipeline.h, ctx.h.
 */
#ifndef WEIR_CODEC_LINE_ENCODER_H
#define WEIR_CODEC_LINE_ENCODER_H

#include <stdarg.h>

#include <weir/core/bytes.h>
#include <weir/transport/ctx.h>
#include <weir/transport/pipeline.h>

WEIR_BEGIN_DECLS

/* How lines end. */
typedef struct weir_line_encoder_options {
    bool crlf;       /* CR LF; false: LF */
    bool allow_ends; /* CR and LF inside a line pass */
} weir_line_encoder_options;

/* Named "line_encoder". */
WEIR_API extern const weir_handler weir_line_encoder;

/* Next to the tail. Borrows: pipeline, options (NULL: defaults). Fails: as weir_pipeline_add_last. */
WEIR_API weir_status weir_line_encoder_add(weir_pipeline *pipeline, const weir_line_encoder_options *options);

/* Writes a copy of `text`, with room for a line's end behind it. Borrows: ctx, text. Takes: promise, or NULL.
 * Fails: as weir_ctx_write. */
WEIR_API void weir_line_write(weir_ctx *ctx, weir_bytes text, weir_promise *promise);

/* The same for what printf would make; a failure is an `error` event. Borrows: ctx, format. */
WEIR_API void weir_line_printf(weir_ctx *ctx, const char *format, ...) WEIR_PRINTF(2, 3);

WEIR_END_DECLS

#endif
