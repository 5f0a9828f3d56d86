/* <weir/codec/length_field_framer.h> - bytes to frames that carry their own length, as a pure function.
 *
 *          length_field_offset    length_field_length     length + length_adjustment
 *         +--------------------+-----------------------+------------------------------+
 *         |      header        |        length         |            body              |
 *         +--------------------+-----------------------+------------------------------+
 *         |<- initial_bytes_to_strip ->|<------------- what you get ----------------->|
 *
 * In short: the frame ends length_adjustment bytes after where its length, counted from behind the length
 * field, says. The adjustment makes up for what the protocol counts differently:
 *
 *     the length is that of the body                             0
 *     the length is that of the whole frame                      -(length_field_offset + length_field_length)
 *     n more bytes of header between the length and the body     n
 *
 * A frame is a slice of what came. All sums are checked. A length that contradicts itself (negative,
 * before the end of its own field) is WEIR_E_FRAME_CORRUPT and always ends the stream, for nobody
 * knows where the next frame starts; one beyond max_frame_length is WEIR_E_FRAME_TOO_LONG. Both are told
 * as soon as the length is known. The error carries the length, the limit, and where the frame starts.
 *
 * Layer: codec, pure. Needs decode.h. A value; one thread.
 */
#ifndef WEIR_CODEC_LENGTH_FIELD_FRAMER_H
#define WEIR_CODEC_LENGTH_FIELD_FRAMER_H

#include <weir/codec/decode.h>

WEIR_BEGIN_DECLS

/* Where the length stands, what it counts, and how long a frame may be. */
typedef struct weir_length_field_options {
    size_t max_frame_length;       /* needed: longest frame, all of it */
    size_t length_field_offset;    /* bytes in front of the length */
    unsigned length_field_length;  /* needed: 1, 2, 3, 4 or 8 bytes, unsigned (of 8: below 2^63) */
    int64_t length_adjustment;     /* added to the length */
    size_t initial_bytes_to_strip; /* dropped from the front; a shorter frame is WEIR_E_FRAME_CORRUPT */
    bool little_endian;            /* byte order of the length; false: big endian */
    bool fail_late;                /* a frame refused is told when all of it has passed; false: at once */
    bool recover;                  /* then go on with the next frame; false: the stream is over */
    weir_decoder_options decoder;
} weir_length_field_options;

typedef struct weir_length_field_framer {
    weir_length_field_options options;
    weir_status refusal;   /* inside a frame that is refused: why; else WEIR_OK */
    uint64_t refused;      /* its length */
    uint64_t discard_left; /* bytes of it still to come */
} weir_length_field_framer;

/* Borrows: options. Fails: WEIR_E_INVALID for another width, when max_frame_length is less than the end
 * of the length field, or than what is stripped. */
WEIR_API weir_status weir_length_field_framer_init(weir_length_field_framer *self,
                                                   const weir_length_field_options *options);

/* ---- weir_decode_fn's of a weir_length_field_framer. Borrows: all; `*out` Gives a weir_buf ---- */

WEIR_API weir_decode weir_length_field_framer_decode(void *self, weir_buf *in, weir_obj **out,
                                                     weir_error *error);
WEIR_API weir_decode weir_length_field_framer_decode_last(void *self, weir_buf *in, weir_obj **out,
                                                          weir_error *error);

WEIR_END_DECLS

#endif
