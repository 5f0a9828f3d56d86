/* <weir/codec/line_decoder.h> - a handler that passes on lines: each a weir_buf.
 *
 *     weir_line_decoder_add(pipeline, &(weir_line_options){.max_length = 8192});
 *
 * What a line is stands in line_framer.h, what a decoder does in decoder.h.
 *
 * Layer: codec. Needs decoder.h, line_framer.h.
 */
#ifndef WEIR_CODEC_LINE_DECODER_H
#define WEIR_CODEC_LINE_DECODER_H

#include <weir/codec/decoder.h>
#include <weir/codec/line_framer.h>

WEIR_BEGIN_DECLS

/* Named "line_decoder"; to find it in a pipeline by &weir_line_decoder.handler. */
WEIR_API extern const weir_decoder_ops weir_line_decoder;

/* Next to the tail. Borrows: pipeline, options. Fails: WEIR_E_INVALID, and as weir_pipeline_add_last. */
WEIR_API weir_status weir_line_decoder_add(weir_pipeline *pipeline, const weir_line_options *options);

WEIR_END_DECLS

#endif
