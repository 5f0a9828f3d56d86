/* fixed_length_framer.c - frames of one length.
 */
#include <weir/codec/fixed_length_framer.h>

#include "frame.h"

weir_status weir_fixed_length_framer_init(weir_fixed_length_framer *self,
                                          const weir_fixed_length_options *options) {
    *self = (weir_fixed_length_framer){.options = *options};
    return options->length == 0 ? WEIR_E_INVALID : WEIR_OK;
}

weir_decode weir_fixed_length_framer_decode(void *framer, weir_buf *in, weir_obj **out, weir_error *error) {
    const weir_fixed_length_framer *self = framer;
    size_t length = self->options.length;
    if (weir_buf_readable(in) < length) return WEIR_DECODE_MORE;
    return frame_give(in, 0, length, length, out, error);
}
