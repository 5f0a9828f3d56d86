/* <weir/buffer/buf_io.h> - a buf and the system calls: iovecs out of it, a descriptor into it.
 *
 * All functions: Borrows: buf. Layer: buffer. Needs buf.h. One buf, one thread at a time.
 */
#ifndef WEIR_BUFFER_BUF_IO_H
#define WEIR_BUFFER_BUF_IO_H

#include <sys/types.h>
#include <sys/uio.h>

#include <weir/buffer/buf.h>

WEIR_BEGIN_DECLS

/* The `len` readable bytes that start `at` bytes after the reader index, as at most `max` iovecs.
 * Answers how many were filled; `*bytes` (may be NULL) gets the bytes they cover, less than len when max
 * was too small. Borrows: buf. Requires: at + len <= readable. Until: `buf` is written or released. */
WEIR_API size_t weir_buf_iovecs(const weir_buf *buf, size_t at, size_t len, struct iovec *out, size_t max,
                                size_t *bytes);

/* One read(2) of up to `max` bytes onto the end of `buf`, which grows to take them. Borrows: buf.
 * Answers the count, 0 at the end of the file, or a negative weir_status (-EAGAIN when there is nothing
 * now). EINTR is tried again. Partial counts are normal. */
WEIR_API ssize_t weir_buf_read_fd(weir_buf *buf, int fd, size_t max);

/* One writev(2) of the readable bytes; `buf` moves past what was taken. Borrows: buf.
 * Answers the count, or a negative weir_status (-EAGAIN when the descriptor takes nothing now). EINTR is
 * tried again. Partial counts are normal. An empty buf answers 0 without a system call. */
WEIR_API ssize_t weir_buf_write_fd(weir_buf *buf, int fd);

WEIR_END_DECLS

#endif
