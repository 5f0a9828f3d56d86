/* varint32_decoder.c - the varint framer as a handler.
 */
#include <weir/codec/varint32_decoder.h>

#include "framing/framer_decoder.h"

const weir_decoder_ops weir_varint32_decoder = {
    .handler = {.name = "varint32_decoder", WEIR_DECODER_SLOTS},
    .decode = weir_varint32_framer_decode,
    .decode_last = weir_varint32_framer_decode_last,
    .free = framer_free,
};

weir_status weir_varint32_decoder_add(weir_pipeline *pipeline, const weir_varint32_options *options) {
    weir_varint32_framer framer;
    weir_status status = weir_varint32_framer_init(&framer, options);
    return framer_add(pipeline, &weir_varint32_decoder, status, &framer, sizeof framer, &options->decoder);
}
