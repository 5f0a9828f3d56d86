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
 * Editing keeps the reader at the byte it stands before. What comes in right there or behind it is
 * readable, what comes in farther in front counts as read.
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

/* ---- editing ---------------------------------------------------------------------------------- */
/* All functions of this section: Borrows: buf. Requires: a composite that is not read-only. A change costs
 * a step for each part behind it; the bytes stay where they are. */

/* Adds the readable bytes of `part` before part `i`, or at the end for i = count. As append otherwise.
 * Takes: part (NULL fails with WEIR_E_NO_MEMORY). Requires: i <= count.
 * Fails: as append, and sticks as there; then nothing has changed. */
WEIR_API weir_status weir_buf_composite_insert(weir_buf *buf, size_t i, weir_buf *part);

/* Releases `n` parts from part `i` on. A reader inside them goes to what follows them.
 * Requires: i + n <= count. */
WEIR_API void weir_buf_composite_remove(weir_buf *buf, size_t i, size_t n);

/* Puts `part` in the place of `n` parts from part `i` on. A reader inside them goes to what is new.
 * Takes: part (NULL fails with WEIR_E_NO_MEMORY). Requires: i + n <= count.
 * Fails: as append, and sticks as there; then nothing has changed. The limit must allow old and new. */
WEIR_API weir_status weir_buf_composite_replace(weir_buf *buf, size_t i, size_t n, weir_buf *part);

/* `n` bytes that lie together in front of the reader, readable at once, for the caller to fill. What has
 * been read is let go of first, so they start at position 0. When the first part is heap or pool memory that
 * nobody shares and has headroom, they go there; else a small new part holds them, with headroom for more.
 * NULL when out of memory or over the limit: the failure sticks. Until: the next call on `buf`. */
WEIR_API uint8_t *weir_buf_composite_prepend(weir_buf *buf, size_t n);

/* ---- taking apart ----------------------------------------------------------------------------- */

/* The part that holds position `at`, in O(log count); `*inside` (may be NULL) gets how far into it.
 * Borrows: buf. Requires: a composite, at < writer index. */
WEIR_API size_t weir_buf_composite_part_at(const weir_buf *buf, size_t at, size_t *inside);

/* Part `i` as a slice, with what was read of it. Borrows: buf. Requires: a composite, i < count.
 * Gives: a new buf, or NULL when out of memory. */
WEIR_API WEIR_MUST_USE weir_buf *weir_buf_composite_slice(const weir_buf *buf, size_t i);

/* The `len` readable bytes from `at` bytes after the reader index as slices, one for each part; `*count`
 * gets how many. Works on any buf. Borrows: buf. Gives: `*count` new bufs in `out`, to be released.
 * Requires: at + len <= readable. Fails, giving none: WEIR_E_LIMIT when `max` are too few, WEIR_E_NO_MEMORY. */
WEIR_API weir_status weir_buf_decompose(weir_buf *buf, size_t at, size_t len, weir_buf **out, size_t max,
                                        size_t *count);

/* ---- lying together --------------------------------------------------------------------------- */

/* Makes the first `n` readable bytes lie together, copying only if they do not yet, and gives them.
 * Works on any buf. Borrows: buf. Until: the next call that moves, writes or releases `buf`.
 * An empty view (ptr NULL) when fewer than n are readable, or out of memory (which sticks). */
WEIR_API weir_bytes weir_buf_coalesce(weir_buf *buf, size_t n);

WEIR_END_DECLS

#endif
