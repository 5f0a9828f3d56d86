/* <weir/codec/length_field_decoder.h> - a handler that passes on frames that carry their length: each a
 * weir_buf.
 *
 *     weir_length_field_decoder_add(pipeline, &(weir_length_field_options){.max_frame_length = 1 << 20,
 *                                                                          .length_field_length = 4,
 *                                                                          .initial_bytes_to_strip = 4});
 *
 * The options are explained in length_field_framer.h, what a decoder does in decoder.h.
 *
 * Layer: codec. Needs decoder.h, length_field_framer.h.
 */
#ifndef WEIR_CODEC_LENGTH_FIELD_DECODER_H
#define WEIR_CODEC_LENGTH_FIELD_DECODER_H

#include <weir/codec/decoder.h>
#include <weir/codec/length_field_framer.h>

WEIR_BEGIN_DECLS

/* Named "length_field_decoder"; to find it in a pipeline by &weir_length_field_decoder.handler. */
WEIR_API extern const weir_decoder_ops weir_length_field_decoder;

/* Next to the tail. Borrows: pipeline, options. Fails: WEIR_E_INVALID, and as weir_pipeline_add_last. */
WEIR_API weir_status weir_length_field_decoder_add(weir_pipeline *pipeline,
                                                   const weir_length_field_options *options);

WEIR_END_DECLS

#endif
