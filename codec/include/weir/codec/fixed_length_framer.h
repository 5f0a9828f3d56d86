/* <weir/codec/fixed_length_framer.h> - bytes to frames of one length, as a pure function.
 *
 *     length 3:   "A" "BC" "DEFG" "HI"   ->   "ABC", "DEF", "GHI"
 *
 * A frame is a slice of what came.
 *
 * Layer: codec, pure. Needs decode.h. A value; one thread.
 */
#ifndef WEIR_CODEC_FIXED_LENGTH_FRAMER_H
#define WEIR_CODEC_FIXED_LENGTH_FRAMER_H

#include <weir/codec/decode.h>

WEIR_BEGIN_DECLS

/* How long each frame is. */
typedef struct weir_fixed_length_options {
    size_t length; /* needed: bytes */
    weir_decoder_options decoder;
} weir_fixed_length_options;

typedef struct weir_fixed_length_framer {
    weir_fixed_length_options options;
} weir_fixed_length_framer;

/* Borrows: options. Fails: WEIR_E_INVALID without a length. */
WEIR_API weir_status weir_fixed_length_framer_init(weir_fixed_length_framer *self,
                                                   const weir_fixed_length_options *options);

/* The weir_decode_fn of a weir_fixed_length_framer. Borrows: all; `*out` Gives a weir_buf. */
WEIR_API weir_decode weir_fixed_length_framer_decode(void *self, weir_buf *in, weir_obj **out,
                                                     weir_error *error);

WEIR_END_DECLS

#endif
