/* <weir/codec/cumulation.h> - bytes that came and are not decoded yet, and the loop's one step over them.
 *
 *     add ->  [ chunk being read ] [ chunk ] [ chunk ]  -> next -> object, object, ...
 *
 * In short: a chain of counted chunks. Bytes that came are never moved. While there is one chunk it is
 * decoded in place; a frame inside it is a slice, a frame across chunks a composite of slices, and behind
 * that frame the last chunk is decoded in place again. A chunk read to its end is let go at once; it lives
 * on only as long as frames of it do. A chunk of less than WEIR_CUMULATION_SMALL bytes behind others is
 * copied behind them (into room nobody else sees): cheaper than a link, and a peer that drips byte by
 * byte cannot pin a read buffer per byte.
 *
 * Without the transport this is all a program needs to decode what its own I/O reads:
 *
 *     weir_cumulation_add(&bytes, buf);
 *     while ((answer = weir_cumulation_next(&bytes, weir_line_framer_decode, &lines, &out, &error)) !=
 *            WEIR_DECODE_MORE) ...
 *
 * It also holds decode functions to their contract: progress without consuming is WEIR_E_DECODER_STUCK,
 * and after a failure nothing more is decoded or kept.
 *
 * Layer: codec, pure. Needs decode.h. Fields are readable, not writable. One thread.
 */
#ifndef WEIR_CODEC_CUMULATION_H
#define WEIR_CODEC_CUMULATION_H

#include <weir/codec/decode.h>

WEIR_BEGIN_DECLS

#define WEIR_CUMULATION_SMALL 256

typedef struct weir_cumulation {
    weir_buf *in;     /* what is not decoded yet; NULL when there is nothing */
    weir_buf *newest; /* NULL, or: `in` is a chain of our own and this is its last chunk, unread */
    uint64_t offset;  /* where in the stream `in` starts */
    uint64_t copied;  /* bytes copied so far: small chunks, and messages made contiguous */
    weir_decoder_options options;
    bool chained; /* `in` is a composite of our own */
    bool later;   /* the last answer was LATER */
    bool stopped; /* failed or ended: whatever is added is released */
} weir_cumulation;

/* Borrows: options, which may be NULL. */
WEIR_API void weir_cumulation_init(weir_cumulation *self, const weir_decoder_options *options);

/* Releases what is there and stops. Twice is harmless. */
WEIR_API void weir_cumulation_clear(weir_cumulation *self);

/* More bytes of the stream. Takes: buf (NULL fails with WEIR_E_NO_MEMORY).
 * Fails: WEIR_E_NO_MEMORY, and what `buf` carries: the stream then has a hole, so it is stopped. */
WEIR_API weir_status weir_cumulation_add(weir_cumulation *self, weir_buf *buf);

/* One step: the answer of `decode`, held to the contract. `*out` (Gives) is an object or NULL; `*error` is
 * set with SKIPPED and FAILED. After FAILED the answer is MORE for good. Borrows: all. */
WEIR_API weir_decode weir_cumulation_next(weir_cumulation *self, weir_decode_fn *decode, void *state,
                                          weir_obj **out, weir_error *error);

/* The same at the orderly end of the stream, when `next` has answered MORE; `decode_last` may be NULL, may
 * make an object out of nothing, and once it has no more to give, what is left is WEIR_E_EOF (unless
 * ignore_partial). Call it until it answers MORE. Borrows: all. `*out` Gives an object or NULL. */
WEIR_API weir_decode weir_cumulation_end(weir_cumulation *self, weir_decode_fn *decode_last, void *state,
                                         weir_obj **out, weir_error *error);

/* What is not decoded, to be given to somebody else. Gives: a buf, or NULL when there is nothing. */
WEIR_API WEIR_MUST_USE weir_buf *weir_cumulation_take(weir_cumulation *self);

WEIR_END_DECLS

#endif
