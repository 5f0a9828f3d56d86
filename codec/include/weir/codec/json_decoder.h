/* <weir/codec/json_decoder.h> - a handler that passes on JSON objects and arrays, whole: each a weir_buf.
 *
 *     weir_json_decoder_add(pipeline, &(weir_json_options){.max_length = 1 << 20});
 *
 * The options are explained in json_framer.h, what a decoder does in decoder.h.
 *
 * Layer: codec. Needs decoder.h, json_framer.h.
 */
#ifndef WEIR_CODEC_JSON_DECODER_H
#define WEIR_CODEC_JSON_DECODER_H

#include <weir/codec/decoder.h>
#include <weir/codec/json_framer.h>

WEIR_BEGIN_DECLS

/* Named "json_decoder"; to find it in a pipeline by &weir_json_decoder.handler. */
WEIR_API extern const weir_decoder_ops weir_json_decoder;

/* Next to the tail. Borrows: pipeline, options. Fails: WEIR_E_INVALID, and as weir_pipeline_add_last. */
WEIR_API weir_status weir_json_decoder_add(weir_pipeline *pipeline, const weir_json_options *options);

WEIR_END_DECLS

#endif
