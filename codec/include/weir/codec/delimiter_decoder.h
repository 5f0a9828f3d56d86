/* <weir/codec/delimiter_decoder.h> - a handler that passes on what stands between delimiters: each a weir_buf.
 *
 *     weir_delimiter_decoder_add(pipeline, &(weir_delimiter_options){
 *         .max_length = 8192, .delimiters = (weir_bytes[]){{"\0", 1}}, .count = 1});
 *
 * The options are explained in delimiter_framer.h, what a decoder does in decoder.h.
 *
 * Layer: codec. Needs decoder.h, delimiter_framer.h.
 */
#ifndef WEIR_CODEC_DELIMITER_DECODER_H
#define WEIR_CODEC_DELIMITER_DECODER_H

#include <weir/codec/decoder.h>
#include <weir/codec/delimiter_framer.h>

WEIR_BEGIN_DECLS

/* Named "delimiter_decoder"; to find it in a pipeline by &weir_delimiter_decoder.handler. */
WEIR_API extern const weir_decoder_ops weir_delimiter_decoder;

/* Next to the tail. Borrows: pipeline, options. Fails: WEIR_E_INVALID, and as weir_pipeline_add_last. */
WEIR_API weir_status weir_delimiter_decoder_add(weir_pipeline *pipeline,
                                                const weir_delimiter_options *options);

WEIR_END_DECLS

#endif
