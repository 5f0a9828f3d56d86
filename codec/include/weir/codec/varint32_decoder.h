/* <weir/codec/varint32_decoder.h> - a handler that passes on messages behind a varint that is their length: each a weir_buf.
 *
 *     weir_varint32_decoder_add(pipeline, &(weir_varint32_options){.max_frame_length = 1 << 20});
 *
 * The options are explained in varint32_framer.h, what a decoder does in decoder.h.
 *
 * Layer: codec. Needs decoder.h, varint32_framer.h.
 */
#ifndef WEIR_CODEC_VARINT32_DECODER_H
#define WEIR_CODEC_VARINT32_DECODER_H

#include <weir/codec/decoder.h>
#include <weir/codec/varint32_framer.h>

WEIR_BEGIN_DECLS

/* Named "varint32_decoder"; to find it in a pipeline by &weir_varint32_decoder.handler. */
WEIR_API extern const weir_decoder_ops weir_varint32_decoder;

/* Next to the tail. Borrows: pipeline, options. Fails: WEIR_E_INVALID, and as weir_pipeline_add_last. */
WEIR_API weir_status weir_varint32_decoder_add(weir_pipeline *pipeline, const weir_varint32_options *options);

WEIR_END_DECLS

#endif
