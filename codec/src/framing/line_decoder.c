/* line_decoder.c - the line framer as a handler.
 */
#include <weir/codec/line_decoder.h>
#include <weir/core/alloc.h>

static void free_framer(void *framer) {
    weir_alloc_release(NULL, framer);
}

const weir_decoder_ops weir_line_decoder = {
    .handler = {.name = "line_decoder", WEIR_DECODER_SLOTS},
    .decode = weir_line_framer_decode,
    .decode_last = weir_line_framer_decode_last,
    .free = free_framer,
};

weir_status weir_line_decoder_add(weir_pipeline *pipeline, const weir_line_options *options) {
    weir_line_framer framer;
    weir_status status = weir_line_framer_init(&framer, options);
    if (status != WEIR_OK) return status;
    weir_line_framer *state = weir_alloc_acquire(NULL, sizeof *state);
    if (state == NULL) return WEIR_E_NO_MEMORY;
    *state = framer;
    return weir_decoder_add(pipeline, &weir_line_decoder, state, &options->decoder);
}
