/* <weir/buffer/buf_gather.h> - many pieces into one buf: copied or referred to, and room in pieces for readv.
 *
 * Copying beats referring for what is small (a part of a composite costs a slot, an iovec and a reference),
 * referring beats copying for what is big. weir_buf_append_ref_or_copy chooses by size.
 *
 * Layer: buffer. Needs buf_composite.h. One buf, one thread at a time.
 */
#ifndef WEIR_BUFFER_BUF_GATHER_H
#define WEIR_BUFFER_BUF_GATHER_H

#include <sys/uio.h>

#include <weir/buffer/buf_composite.h>

WEIR_BEGIN_DECLS

/* Adds the readable bytes of `part` at the end: fewer than `threshold` by copying, the rest as a part.
 * Takes: part (released also on failure; NULL fails with WEIR_E_NO_MEMORY). Borrows: buf.
 * Requires: a composite. Fails: as weir_buf_composite_append, and sticks. */
WEIR_API weir_status weir_buf_append_ref_or_copy(weir_buf *buf, weir_buf *part, size_t threshold);

/* Appends the bytes of `count` iovecs, all or none. Borrows: buf; the iovecs and their bytes, which are not
 * in memory of `buf`. */
WEIR_API void weir_buf_write_iovecs(weir_buf *buf, const struct iovec *vecs, size_t count);

/* Room to write in up to two pieces, for readv and recvmsg. */
typedef struct weir_buf_scatter {
    struct iovec vecs[2];
    size_t count;
    weir_buf *more; /* owns the second piece until it is committed */
} weir_buf_scatter;

/* Room for `n` bytes: what `buf` has at its end, and for the rest of a composite a new block, so that nothing
 * is wasted and nothing moves. A plain buf grows and has one piece. False when it cannot: the failure sticks.
 * Borrows: buf. Until: weir_buf_commit_scatter, which must be the next call on `buf`. Requires: n > 0. */
WEIR_API bool weir_buf_reserve_scatter(weir_buf *buf, size_t n, weir_buf_scatter *scatter);

/* "I filled the first n of them", also 0. What was not filled goes back. Borrows: buf. Takes: the memory that
 * `scatter` holds. Requires: n <= what was reserved. */
WEIR_API void weir_buf_commit_scatter(weir_buf *buf, weir_buf_scatter *scatter, size_t n);

WEIR_END_DECLS

#endif
