/* length_prefix.c - one number, checked on its way into 1 to 8 bytes.
 */
#include <weir/buffer/buf_int.h>
#include <weir/codec/length_prefix.h>

#include "framing/length_width.h"

weir_status weir_length_prefix_check(const weir_length_prefix_options *options) {
    return length_width_is_known(options->length_field_length) ? WEIR_OK : WEIR_E_INVALID;
}

/* A field of 8 bytes ends at 2^63 - 1: many readers take it for a signed number. */
static uint64_t largest_of(unsigned width) {
    return width == 8 ? INT64_MAX : (UINT64_C(1) << (8 * width)) - 1;
}

weir_status weir_length_prefix_write(const weir_length_prefix_options *options, uint64_t length,
                                     uint8_t *out) {
    unsigned width = options->length_field_length;
    if (length > INT64_MAX) return WEIR_E_FRAME_TOO_LONG;
    int64_t number = (int64_t)length;
    if (__builtin_add_overflow(number, options->length_adjustment, &number) ||
        __builtin_add_overflow(number, options->includes_length ? (int64_t)width : 0, &number)) {
        return WEIR_E_FRAME_TOO_LONG;
    }
    if (number < 0) return WEIR_E_INVALID;
    if ((uint64_t)number > largest_of(width)) return WEIR_E_FRAME_TOO_LONG;
    if (options->little_endian) {
        weir_store_le(out, (uint64_t)number, width);
    } else {
        weir_store_be(out, (uint64_t)number, width);
    }
    return WEIR_OK;
}
