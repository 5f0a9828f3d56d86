/* <weir/codec/delimiter_framer.h> - bytes to what stands between delimiters, as a pure function.
 *
 *     delimiters "\0" or "||":   "one||two\0thr"   ->   "one", "two"; "thr" waits
 *
 * In short: a frame ends with the first delimiter that is complete; of several that end at the same place the longest
 * wins, so the frame is the shortest: with "\n" and "\r\n", "a\r\n" is "a". For lines line_framer.h is faster.
 * A frame is a slice of what came. Bytes are looked at once, however they drip in.
 *
 * A frame of more than max_length bytes (its delimiter not counted) is WEIR_E_FRAME_TOO_LONG, with its length
 * as far as it is known, the limit, and where in the stream it starts.
 *
 * Layer: codec, pure. Needs decode.h, buf_match.h. One thread.
 */
#ifndef WEIR_CODEC_DELIMITER_FRAMER_H
#define WEIR_CODEC_DELIMITER_FRAMER_H

#include <weir/buffer/buf_match.h>
#include <weir/codec/decode.h>

WEIR_BEGIN_DECLS

/* What ends a frame, and how long one may be. */
typedef struct weir_delimiter_options {
    size_t max_length;            /* needed: longest frame, without its delimiter */
    const weir_bytes *delimiters; /* needed: none of them empty; borrowed for the call that gets them */
    size_t count;                 /* needed: how many */
    bool keep_delimiter;          /* frames come with it */
    bool accept_last;             /* bytes behind the last delimiter are a frame too when the stream ends */
    bool fail_late; /* a frame too long is told at its end, with its whole length; false: at once */
    bool recover;   /* then go on with the next frame; false: the stream is over */
    weir_decoder_options decoder;
} weir_delimiter_options;

typedef struct weir_delimiter_framer {
    weir_delimiter_options options; /* delimiters: NULL */
    weir_matcher *matcher;          /* NULL: the delimiter is one byte, */
    uint8_t byte;                   /* this one */
    size_t longest;                 /* delimiter */
    weir_match match;
    size_t searched;    /* readable bytes known to hold no delimiter's end */
    uint64_t discarded; /* of a frame that is too long: bytes let go so far, 0 when not inside one */
} weir_delimiter_framer;

/* Borrows: options. Fails: WEIR_E_INVALID without a max_length, without delimiters, and for an empty one;
 * WEIR_E_LIMIT when they are more than 64 KiB of search tables; WEIR_E_NO_MEMORY. Nothing to clear then. */
WEIR_API weir_status weir_delimiter_framer_init(weir_delimiter_framer *self,
                                                const weir_delimiter_options *options);
WEIR_API void weir_delimiter_framer_clear(weir_delimiter_framer *self);

/* ---- weir_decode_fn's of a weir_delimiter_framer. Borrows: all; `*out` Gives a weir_buf ---- */

WEIR_API weir_decode weir_delimiter_framer_decode(void *self, weir_buf *in, weir_obj **out,
                                                  weir_error *error);
WEIR_API weir_decode weir_delimiter_framer_decode_last(void *self, weir_buf *in, weir_obj **out,
                                                       weir_error *error);

WEIR_END_DECLS

#endif
