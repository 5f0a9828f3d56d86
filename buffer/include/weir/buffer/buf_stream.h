/* <weir/buffer/buf_stream.h> - lending the memory of a buf to a parser or a serializer, stretch by stretch.
 *
 *     input    next -> [ ... lent ... ]      back_up n: "the last n were not for me"
 *     output   next -> [ room to fill ]      back_up n: "the last n stayed empty"
 *
 * In short: what ZeroCopyInputStream and ZeroCopyOutputStream are to protobuf. A library that takes bytes
 * as stretches reads any buf where it lies and writes into blocks that become the buf. Nothing is copied,
 * except what lies across a seam and must lie together.
 *
 * Layer: buffer. Needs buf.h, pool.h. One stream, one thread at a time.
 */
#ifndef WEIR_BUFFER_BUF_STREAM_H
#define WEIR_BUFFER_BUF_STREAM_H

#include <weir/buffer/buf.h>
#include <weir/buffer/pool.h>

WEIR_BEGIN_DECLS

/* ---- in --------------------------------------------------------------------------------------- */

/* A place in the readable bytes of a buf. A value: copy it to try something and come back. The indices of
 * the buf do not move: when the message is whole, weir_buf_skip(buf, weir_buf_input_count(&input)). */
typedef struct weir_buf_input {
    const weir_buf *buf;
    size_t part, skip, left; /* where the next stretch lies, and the bytes that were not lent yet */
    weir_bytes lent;         /* the last stretch */
    size_t back;             /* its bytes that came back */
} weir_buf_input;

/* At the reader index of `buf`, over all that is readable; for less, take a slice.
 * Borrows: buf, which must not change before the last use of `self`. */
WEIR_API void weir_buf_input_init(weir_buf_input *self, const weir_buf *buf);

/* The next stretch, never empty; false at the end. Borrows: self. Until: the buf is written or released. */
WEIR_API bool weir_buf_input_next(weir_buf_input *self, weir_bytes *out);

/* Takes the last `n` bytes of the last stretch back: they come again, first.
 * Borrows: self. Requires: no more than it had, and less what came back already. */
WEIR_API void weir_buf_input_back_up(weir_buf_input *self, size_t n);

/* Passes over `n` bytes; false, moving nothing, when there are fewer. Borrows: self. */
WEIR_API bool weir_buf_input_skip(weir_buf_input *self, size_t n);

/* Bytes lent or skipped, without those that came back. Borrows: self. */
WEIR_API size_t weir_buf_input_count(const weir_buf_input *self);

/* ---- out -------------------------------------------------------------------------------------- */

/* Appends to a buf. What is lent counts as filled at the next call of next or finish, unless it is backed
 * up. Between init and finish the buf belongs to the stream. */
typedef struct weir_buf_output {
    weir_buf *buf;
    weir_pool *pool;
    weir_buf *block; /* of the pool, partly filled; or NULL */
    size_t block_size, lent;
    size_t count; /* bytes that count as filled */
} weir_buf_output;

/* Appends to the end of `buf`. With a pool, `buf` is a composite and gets blocks of the pool as parts; with
 * none it grows as it does for any write. `block_size` is the least room a fresh block has, 0: 4096.
 * Borrows: buf and pool (may be NULL) until finish. */
WEIR_API void weir_buf_output_init(weir_buf_output *self, weir_buf *buf, weir_pool *pool, size_t block_size);

/* Room of `*len` bytes, at least one, to fill from its start; the stretch before it is filled to its end.
 * NULL when out of memory or over the limit: the failure sticks to the buf. Borrows: self.
 * Until: the next call on `self`. */
WEIR_API uint8_t *weir_buf_output_next(weir_buf_output *self, size_t *len);

/* The last `n` bytes of the last stretch stayed empty. Borrows: self.
 * Requires: no more than it had; once after each next. */
WEIR_API void weir_buf_output_back_up(weir_buf_output *self, size_t n);

/* Bytes filled, the last stretch included. Borrows: self. */
WEIR_API size_t weir_buf_output_count(const weir_buf_output *self);

/* The last stretch is filled and all is in the buf. Borrows: self. Fails: with what stuck to the buf. */
WEIR_API weir_status weir_buf_output_finish(weir_buf_output *self);

/* ---- by reference ----------------------------------------------------------------------------- */

/* Appends `bytes` to the composite `buf`: as a slice of `source` when they are at least `threshold` and lie
 * in its readable bytes, else by copying. For serializers that hand over pointers to what they were given:
 * a blob that came in with `source` goes out without a copy. Finding out costs a step for each part of
 * source. Failures stick to `buf`. Borrows: buf, source (may be NULL). Requires: a composite. */
WEIR_API void weir_buf_write_ref(weir_buf *buf, weir_buf *source, weir_bytes bytes, size_t threshold);

WEIR_END_DECLS

#endif
