/* length_prefix.c - one number, checked on its way into 1 to 8 bytes.
 */
#include <weir/buffer/buf_int.h>
#include <weir/codec/length_prefix.h>

#include "framing/length_width.h"

static bool is_varint(const weir_length_prefix_options *options) {
    return options->length_field_length == WEIR_LENGTH_VARINT32;
}

weir_status weir_length_prefix_check(const weir_length_prefix_options *options) {
    if (is_varint(options)) return options->includes_length ? WEIR_E_INVALID : WEIR_OK;
    return length_width_is_known(options->length_field_length) ? WEIR_OK : WEIR_E_INVALID;
}

/* A field of 8 bytes ends at 2^63 - 1: many readers take it for a signed number. */
static uint64_t largest_of(unsigned width) {
    if (width == WEIR_LENGTH_VARINT32) return UINT32_MAX;
    return width == 8 ? INT64_MAX : (UINT64_C(1) << (8 * width)) - 1;
}

static size_t store_varint(uint64_t number, uint8_t *out) {
    size_t n = 0;
    for (; number >= 0x80; number >>= 7) out[n++] = (uint8_t)(number | 0x80);
    out[n++] = (uint8_t)number;
    return n;
}

static size_t store(const weir_length_prefix_options *options, uint64_t number, uint8_t *out) {
    size_t width = options->length_field_length;
    if (is_varint(options)) return store_varint(number, out);
    if (options->little_endian) {
        weir_store_le(out, number, width);
    } else {
        weir_store_be(out, number, width);
    }
    return width;
}

weir_status weir_length_prefix_write(const weir_length_prefix_options *options, uint64_t length, uint8_t *out,
                                     size_t *width) {
    unsigned field = options->length_field_length;
    if (length > INT64_MAX) return WEIR_E_FRAME_TOO_LONG;
    int64_t number = (int64_t)length;
    if (__builtin_add_overflow(number, options->length_adjustment, &number) ||
        __builtin_add_overflow(number, options->includes_length ? (int64_t)field : 0, &number)) {
        return WEIR_E_FRAME_TOO_LONG;
    }
    if (number < 0) return WEIR_E_INVALID;
    if ((uint64_t)number > largest_of(field)) return WEIR_E_FRAME_TOO_LONG;
    size_t written = store(options, (uint64_t)number, out);
    if (width != NULL) *width = written;
    return WEIR_OK;
}
