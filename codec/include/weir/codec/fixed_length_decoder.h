/* <weir/codec/fixed_length_decoder.h> - a handler that passes on frames of one length: each a weir_buf.
 *
 *     weir_fixed_length_decoder_add(pipeline, &(weir_fixed_length_options){.length = 188});
 *
 * The options are explained in fixed_length_framer.h, what a decoder does in decoder.h.
 *
 * Layer: codec. Needs decoder.h, fixed_length_framer.h.
 */
#ifndef WEIR_CODEC_FIXED_LENGTH_DECODER_H
#define WEIR_CODEC_FIXED_LENGTH_DECODER_H

#include <weir/codec/decoder.h>
#include <weir/codec/fixed_length_framer.h>

WEIR_BEGIN_DECLS

/* Named "fixed_length_decoder"; to find it in a pipeline by &weir_fixed_length_decoder.handler. */
WEIR_API extern const weir_decoder_ops weir_fixed_length_decoder;

/* Next to the tail. Borrows: pipeline, options. Fails: WEIR_E_INVALID, and as weir_pipeline_add_last. */
WEIR_API weir_status weir_fixed_length_decoder_add(weir_pipeline *pipeline,
                                                   const weir_fixed_length_options *options);

WEIR_END_DECLS

#endif
