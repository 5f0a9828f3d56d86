/* <weir/codec/json_framer.h> - bytes to JSON objects and arrays, whole, as a pure function.
 *
 *     {"a":"}"} [1,2]  {"b"    ->    {"a":"}"}   [1,2]    and {"b" waits
 *
 * In short: a value ends where its brackets balance; brackets in strings do not count. White space between
 * values is dropped; anything else there is WEIR_E_FRAME_CORRUPT and ends the stream. With `stream_array` the
 * elements of arrays at the top come one by one, scalars too:
 *
 *     [12, "a]", {"b":[]}]     ->    12   "a]"   {"b":[]}
 *
 * This is framing, not parsing: that a value makes sense, and that [ is closed by ] and not by }, is for the
 * parser that gets it. A value of more than max_length bytes is WEIR_E_FRAME_TOO_LONG. A value is a slice
 * of what came; bytes are looked at once. Text is UTF-8 (RFC 8259, 8.1).
 *
 * Layer: codec, pure. Needs decode.h. A value; one thread.
 */
#ifndef WEIR_CODEC_JSON_FRAMER_H
#define WEIR_CODEC_JSON_FRAMER_H

#include <weir/codec/decode.h>

WEIR_BEGIN_DECLS

/* How long a value may be, and whether arrays are taken apart. */
typedef struct weir_json_options {
    size_t max_length; /* needed: longest value */
    bool stream_array; /* the elements of an array at the top are the values */
    bool fail_late;    /* a value too long is told at its end, with its whole length; false: at once */
    bool recover;      /* then go on with the next value; false: the stream is over */
    weir_decoder_options decoder;
} weir_json_options;

/* What may come next between values. */
typedef enum weir_json_place {
    WEIR_JSON_TOP,     /* an object or an array */
    WEIR_JSON_FIRST,   /* behind the [ of a streamed array: an element or the end */
    WEIR_JSON_ELEMENT, /* behind a comma: an element */
    WEIR_JSON_COMMA,   /* behind an element: a comma or the end */
} weir_json_place;

typedef struct weir_json_framer {
    weir_json_options options;
    weir_json_place place;
    size_t depth; /* brackets open in the value at hand */
    bool in_string, is_escaped;
    bool is_inside;     /* a value is at hand */
    size_t searched;    /* readable bytes of it that were looked at */
    uint64_t discarded; /* of a value that is too long: bytes let go so far, 0 when not inside one */
} weir_json_framer;

/* Borrows: options. Fails: WEIR_E_INVALID without a max_length. */
WEIR_API weir_status weir_json_framer_init(weir_json_framer *self, const weir_json_options *options);

/* ---- weir_decode_fn's of a weir_json_framer. Borrows: all; `*out` Gives a weir_buf ---- */

WEIR_API weir_decode weir_json_framer_decode(void *self, weir_buf *in, weir_obj **out, weir_error *error);
WEIR_API weir_decode weir_json_framer_decode_last(void *self, weir_buf *in, weir_obj **out,
                                                  weir_error *error);

WEIR_END_DECLS

#endif
