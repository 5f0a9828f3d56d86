/* <weir/codec/length_prefix.h> - the length in front of a message, as a pure function: the other side of
 * length_field_framer.h.
 *
 * Layer: codec, pure. Any thread.
 */
#ifndef WEIR_CODEC_LENGTH_PREFIX_H
#define WEIR_CODEC_LENGTH_PREFIX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/core/status.h>

WEIR_BEGIN_DECLS

/* As length_field_length: a varint of 1 to 5 bytes (buf_varint.h), in front of Protocol Buffers. */
#define WEIR_LENGTH_VARINT32 32u

/* The most bytes a length takes. */
#define WEIR_LENGTH_PREFIX_MAX 8

typedef struct weir_length_prefix_options {
    unsigned length_field_length; /* needed: 1, 2, 3, 4 or 8 bytes, or WEIR_LENGTH_VARINT32 */
    int64_t length_adjustment;    /* added to the length that is written */
    bool includes_length;         /* the length counts its own field too */
    bool little_endian;           /* byte order of the length; false: big endian */
} weir_length_prefix_options;

/* Fails: WEIR_E_INVALID for another width, and for a varint that is to count itself. Borrows: options. */
WEIR_API weir_status weir_length_prefix_check(const weir_length_prefix_options *options);

/* Writes what goes in front of a message of `length` bytes to `out`, which has room for the field or, for a
 * varint, 5 bytes; `*width` (may be NULL) says how many it were. Borrows: options, out, width.
 * Fails: WEIR_E_FRAME_TOO_LONG when the number does not fit into the field (of 8 bytes: below 2^63),
 * WEIR_E_INVALID when the adjustment makes it negative; `out` is then left alone. */
WEIR_API weir_status weir_length_prefix_write(const weir_length_prefix_options *options, uint64_t length,
                                              uint8_t *out, size_t *width);

WEIR_END_DECLS

#endif
