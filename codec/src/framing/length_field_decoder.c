/* length_field_decoder.c - the length-field framer as a handler.
 */
#include <weir/codec/length_field_decoder.h>
#include <weir/core/alloc.h>

static void free_framer(void *framer) {
    weir_alloc_release(NULL, framer);
}

const weir_decoder_ops weir_length_field_decoder = {
    .handler = {.name = "length_field_decoder", WEIR_DECODER_SLOTS},
    .decode = weir_length_field_framer_decode,
    .decode_last = weir_length_field_framer_decode_last,
    .free = free_framer,
};

weir_status weir_length_field_decoder_add(weir_pipeline *pipeline, const weir_length_field_options *options) {
    weir_length_field_framer framer;
    weir_status status = weir_length_field_framer_init(&framer, options);
    if (status != WEIR_OK) return status;
    weir_length_field_framer *state = weir_alloc_acquire(NULL, sizeof *state);
    if (state == NULL) return WEIR_E_NO_MEMORY;
    *state = framer;
    return weir_decoder_add(pipeline, &weir_length_field_decoder, state, &options->decoder);
}
