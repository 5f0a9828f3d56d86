/* delimiter_decoder.c - the delimiter framer as a handler.
 */
#include <weir/codec/delimiter_decoder.h>

#include "framing/framer_decoder.h"

static void free_delimiters(void *framer) {
    weir_delimiter_framer_clear(framer);
    framer_free(framer);
}

const weir_decoder_ops weir_delimiter_decoder = {
    .handler = {.name = "delimiter_decoder", WEIR_DECODER_SLOTS},
    .decode = weir_delimiter_framer_decode,
    .decode_last = weir_delimiter_framer_decode_last,
    .free = free_delimiters,
};

weir_status weir_delimiter_decoder_add(weir_pipeline *pipeline, const weir_delimiter_options *options) {
    weir_delimiter_framer *state = weir_alloc_acquire(NULL, sizeof *state);
    if (state == NULL) return WEIR_E_NO_MEMORY;
    weir_status status = weir_delimiter_framer_init(state, options);
    if (status == WEIR_OK)
        return weir_decoder_add(pipeline, &weir_delimiter_decoder, state, &options->decoder);
    framer_free(state);
    return status;
}
