/* <weir/codec/varint32_framer.h> - bytes to messages behind a varint that is their length, as Protocol Buffers
 * are sent in a stream; as a pure function.
 *
 *     +-----------------+------------------+
 *     | length, 1 to 5  |     message      |
 *     +-----------------+------------------+
 *                       |<- what you get ->|
 *
 * In short: the length is an unsigned LEB128 of at most 32 bits (buf_varint.h). One that is longer, or has
 * an overlong form, is WEIR_E_FRAME_CORRUPT and ends the stream, for nobody knows where the next
 * message starts. A frame, its length included, beyond max_frame_length is WEIR_E_FRAME_TOO_LONG, told as soon
 * as the length is known. To write such messages: length_prepender.h, with WEIR_LENGTH_VARINT32.
 *
 * Layer: codec, pure. Needs length_field_framer.h. A value; one thread.
 */
#ifndef WEIR_CODEC_VARINT32_FRAMER_H
#define WEIR_CODEC_VARINT32_FRAMER_H

#include <weir/codec/length_field_framer.h>

WEIR_BEGIN_DECLS

/* How long a frame may be, and what of it is given. */
typedef struct weir_varint32_options {
    size_t max_frame_length; /* needed: longest frame, its length included */
    bool keep_length;        /* messages come with their length in front */
    bool fail_late;          /* a frame refused is told when all of it has passed; false: at once */
    bool recover;            /* then go on with the next frame; false: the stream is over */
    weir_decoder_options decoder;
} weir_varint32_options;

typedef struct weir_varint32_framer {
    weir_length_field_framer frames; /* told where each ends */
    bool keep_length;
} weir_varint32_framer;

/* Borrows: options. Fails: WEIR_E_INVALID without a max_frame_length. */
WEIR_API weir_status weir_varint32_framer_init(weir_varint32_framer *self,
                                               const weir_varint32_options *options);

/* ---- weir_decode_fn's of a weir_varint32_framer. Borrows: all; `*out` Gives a weir_buf ---- */

WEIR_API weir_decode weir_varint32_framer_decode(void *self, weir_buf *in, weir_obj **out, weir_error *error);
WEIR_API weir_decode weir_varint32_framer_decode_last(void *self, weir_buf *in, weir_obj **out,
                                                      weir_error *error);

WEIR_END_DECLS

#endif
