/* fixed_length_decoder.c - frames of one length as a handler.
 */
#include <weir/codec/fixed_length_decoder.h>

#include "framing/framer_decoder.h"

const weir_decoder_ops weir_fixed_length_decoder = {
    .handler = {.name = "fixed_length_decoder", WEIR_DECODER_SLOTS},
    .decode = weir_fixed_length_framer_decode,
    .free = framer_free,
};

weir_status weir_fixed_length_decoder_add(weir_pipeline *pipeline, const weir_fixed_length_options *options) {
    weir_fixed_length_framer framer;
    weir_status status = weir_fixed_length_framer_init(&framer, options);
    return framer_add(pipeline, &weir_fixed_length_decoder, status, &framer, sizeof framer,
                      &options->decoder);
}
