/* <weir/codec/line_framer.h> - bytes to lines, as a pure function.
 *
 *     "first\r\nsecond\nthi"   ->   "first", "second"; "thi" waits
 *
 * In short: a line ends at LF or CR LF; a CR elsewhere is part of it. A line is a slice of what came.
 * The framer remembers how far it has searched: bytes that drip in are looked at once each.
 *
 * A line of more than max_length bytes (its end not counted) is WEIR_E_FRAME_TOO_LONG. The error carries
 * its length as far as it is known, the limit, and where in the stream the line starts.
 *
 * Layer: codec, pure. Needs decode.h. A value; one thread.
 */
#ifndef WEIR_CODEC_LINE_FRAMER_H
#define WEIR_CODEC_LINE_FRAMER_H

#include <weir/codec/decode.h>

WEIR_BEGIN_DECLS

/* How long a line may be, and what counts as one. */
typedef struct weir_line_options {
    size_t max_length;   /* needed: longest line, without its end */
    bool keep_delimiter; /* lines come with their LF or CR LF */
    bool accept_last;    /* bytes behind the last end are a line too when the stream ends */
    bool fail_late;      /* a line too long is told at its end, with its whole length; false: at once */
    bool recover;        /* then go on with the next line; false: the stream is over */
    weir_decoder_options decoder;
} weir_line_options;

typedef struct weir_line_framer {
    weir_line_options options;
    size_t searched;    /* readable bytes known to hold no LF */
    uint64_t discarded; /* of a line that is too long: bytes let go so far, 0 when not inside one */
    bool ended_in_cr;   /* the last of them was a CR */
} weir_line_framer;

/* Borrows: options. Fails: WEIR_E_INVALID without a max_length. */
WEIR_API weir_status weir_line_framer_init(weir_line_framer *self, const weir_line_options *options);

/* ---- weir_decode_fn's of a weir_line_framer. Borrows: all; `*out` Gives a weir_buf ---- */

WEIR_API weir_decode weir_line_framer_decode(void *self, weir_buf *in, weir_obj **out, weir_error *error);
WEIR_API weir_decode weir_line_framer_decode_last(void *self, weir_buf *in, weir_obj **out,
                                                  weir_error *error);

WEIR_END_DECLS

#endif
