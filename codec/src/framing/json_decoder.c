/* json_decoder.c - the JSON framer as a handler.
 */
#include <weir/codec/json_decoder.h>

#include "framing/framer_decoder.h"

const weir_decoder_ops weir_json_decoder = {
    .handler = {.name = "json_decoder", WEIR_DECODER_SLOTS},
    .decode = weir_json_framer_decode,
    .decode_last = weir_json_framer_decode_last,
    .free = framer_free,
};

weir_status weir_json_decoder_add(weir_pipeline *pipeline, const weir_json_options *options) {
    weir_json_framer framer;
    weir_status status = weir_json_framer_init(&framer, options);
    return framer_add(pipeline, &weir_json_decoder, status, &framer, sizeof framer, &options->decoder);
}
