/* <weir/buffer/buf_composite.h> - many bufs shown as one, without copying.
 *
 *     part 0        part 1     part 2
 *    [ header ]  [ body ......... ]  [ trailer ]      <- one weir_buf; rp..wp is the part being read
 *
 * In short: append takes a buf and makes its readable bytes readable here, O(1). Adding a composite adds
 * its parts, so nesting never deepens. Nothing is ever consolidated behind your back: weir_buf_coalesce
 * does it when asked. Integers, bytes, search, slices and iovecs work across parts. Writing appends: to
 * a private tail part that the composite makes when it needs one.
 *
 * Layer: buffer. Needs buf.h. One buf, one thread at a time.
 */
#ifndef WEIR_BUFFER_BUF_COMPOSITE_H
#define WEIR_BUFFER_BUF_COMPOSITE_H

#include <weir/buffer/buf.h>

WEIR_BEGIN_DECLS

/* An empty composite. Gives: a new buf, or NULL when out of memory. */
WEIR_API WEIR_MUST_USE weir_buf *weir_buf_composite_new(void);

/* Adds the readable bytes of `part` at the end. An empty part is released and adds nothing.
 * Takes: part (released also on failure; NULL fails with WEIR_E_NO_MEMORY). Borrows: buf.
 * Requires: a composite. Fails: WEIR_E_NO_MEMORY, WEIR_E_FULL; the failure also sticks to `buf`, and so
 * does one that `part` carries. */
WEIR_API weir_status weir_buf_composite_append(weir_buf *buf, weir_buf *part);

/* How many parts there are. Borrows: buf. Requires: a composite. */
WEIR_API size_t weir_buf_composite_count(const weir_buf *buf);

/* Part `i` as a borrowed view; it starts at absolute position `*at` (may be NULL).
 * Borrows: buf. Requires: a composite, i < count. Until: the next call that changes `buf`. */
WEIR_API weir_bytes weir_buf_composite_part(const weir_buf *buf, size_t i, size_t *at);

/* Releases the parts that are read completely; positions shift by what was dropped. No byte moves.
 * Borrows: buf. Requires: a composite. */
WEIR_API void weir_buf_composite_drop_read(weir_buf *buf);

/* Makes the first `n` readable bytes lie together, copying only if they do not yet, and gives them.
 * Works on any buf. Borrows: buf. Until: the next call that moves, writes or releases `buf`.
 * An empty view (ptr NULL) when fewer than n are readable, or out of memory (which sticks). */
WEIR_API weir_bytes weir_buf_coalesce(weir_buf *buf, size_t n);

WEIR_END_DECLS

#endif
