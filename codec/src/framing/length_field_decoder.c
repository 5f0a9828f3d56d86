/* length_field_decoder.c - the length-field framer as a handler.
 */
#include <weir/codec/length_field_decoder.h>

#include "framing/framer_decoder.h"

const weir_decoder_ops weir_length_field_decoder = {
    .handler = {.name = "length_field_decoder", WEIR_DECODER_SLOTS},
    .decode = weir_length_field_framer_decode,
    .decode_last = weir_length_field_framer_decode_last,
    .free = framer_free,
};

weir_status weir_length_field_decoder_add(weir_pipeline *pipeline, const weir_length_field_options *options) {
    weir_length_field_framer framer;
    weir_status status = weir_length_field_framer_init(&framer, options);
    return framer_add(pipeline, &weir_length_field_decoder, status, &framer, sizeof framer,
                      &options->decoder);
}
