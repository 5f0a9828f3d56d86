/* <weir/codec/decode.h> - one step from bytes to objects, and the five answers to it.
 *
 *     weir_decode my_decode(void *state, weir_buf *in, weir_obj **out, weir_error *error)
 *
 * A decode function looks at the readable bytes of `in`, moves past those it understood, and says how it
 * went. It is pure: no channel, no I/O, no clock. What it must remember between calls is in `state`.
 *
 *     MORE      nothing to give until more bytes come; what was skipped on the way may be consumed
 *     AGAIN     progress: consumed at least one byte, and perhaps made `*out`; call me again
 *     LATER     as AGAIN, but that was much work, or there is much more of it: whoever calls may let others go first.
 *               Neither it nor the next step, which comes also when no byte is left, need consume anything
 *     SKIPPED   as AGAIN, but a frame broke a rule: `*error` tells, and the next frame can be found
 *     FAILED    `*error` tells, and nothing after this place can be trusted: the stream is over
 *
 * Leave bytes that are not understood yet in `in`: they are there again the next time, with more behind
 * them. Cut at any place, a stream must give the same objects.
 *
 * Layer: codec, pure (core and buffer only).
 */
#ifndef WEIR_CODEC_DECODE_H
#define WEIR_CODEC_DECODE_H

#include <weir/buffer/buf.h>
#include <weir/core/error.h>
#include <weir/core/obj.h>

WEIR_BEGIN_DECLS

typedef enum weir_decode {
    WEIR_DECODE_MORE,
    WEIR_DECODE_AGAIN,
    WEIR_DECODE_LATER,
    WEIR_DECODE_SKIPPED,
    WEIR_DECODE_FAILED,
} weir_decode;

/* Borrows: state, in, error, whose offset is that of the first readable byte on entry. `*out` (NULL on entry) Gives
 * an object, with AGAIN and LATER only. */
typedef weir_decode weir_decode_fn(void *state, weir_buf *in, weir_obj **out, weir_error *error);

/* Fills in `error`, keeping its offset, and answers FAILED. Borrows: what, for good. */
static inline weir_decode weir_decode_fail(weir_error *error, weir_status status, const char *what,
                                           uint64_t actual, uint64_t maximum) {
    error->status = status;
    error->what = what;
    error->actual = actual;
    error->maximum = maximum;
    return WEIR_DECODE_FAILED;
}

/* How any decoder treats its stream. Zero means the default. */
typedef struct weir_decoder_options {
    bool contiguous;     /* a message that is a buf lies in one piece: one that came in several is copied
                            once (counted); false: it is a composite and nothing is copied */
    bool ignore_partial; /* a stream may end inside a frame: its bytes are dropped without WEIR_E_EOF */
} weir_decoder_options;

WEIR_END_DECLS

#endif
