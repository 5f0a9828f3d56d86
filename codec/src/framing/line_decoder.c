/* line_decoder.c - the line framer as a handler.
 */
#include <weir/codec/line_decoder.h>

#include "framing/framer_decoder.h"

const weir_decoder_ops weir_line_decoder = {
    .handler = {.name = "line_decoder", WEIR_DECODER_SLOTS},
    .decode = weir_line_framer_decode,
    .decode_last = weir_line_framer_decode_last,
    .free = framer_free,
};

weir_status weir_line_decoder_add(weir_pipeline *pipeline, const weir_line_options *options) {
    weir_line_framer framer;
    weir_status status = weir_line_framer_init(&framer, options);
    return framer_add(pipeline, &weir_line_decoder, status, &framer, sizeof framer, &options->decoder);
}
