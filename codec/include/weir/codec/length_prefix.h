/* <weir/codec/length_prefix.h> - the length in front of a message, as a pure function: the other side of
 * length_field_framer.h.
 *
 * Layer: codec, pure. Any thread.
 */
#ifndef WEIR_CODEC_LENGTH_PREFIX_H
#define WEIR_CODEC_LENGTH_PREFIX_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/core/status.h>

WEIR_BEGIN_DECLS

typedef struct weir_length_prefix_options {
    unsigned length_field_length; /* needed: 1, 2, 3, 4 or 8 bytes */
    int64_t length_adjustment;    /* added to the length that is written */
    bool includes_length;         /* the length counts its own field too */
    bool little_endian;           /* byte order of the length; false: big endian */
} weir_length_prefix_options;

/* Fails: WEIR_E_INVALID for another width. Borrows: options. */
WEIR_API weir_status weir_length_prefix_check(const weir_length_prefix_options *options);

/* Writes length_field_length bytes for a message of `length` bytes to `out`. Borrows: options, out.
 * Fails: WEIR_E_FRAME_TOO_LONG when the number does not fit into the field (of 8 bytes: below 2^63),
 * WEIR_E_INVALID when the adjustment makes it negative; `out` is then left alone. */
WEIR_API weir_status weir_length_prefix_write(const weir_length_prefix_options *options, uint64_t length,
                                              uint8_t *out);

WEIR_END_DECLS

#endif
