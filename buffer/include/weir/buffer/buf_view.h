/* <weir/buffer/buf_view.h> - looking at part of a buf without copying, and foreign memory as a buf.
 *
 * In short: a view is a weir_buf with indices of its own over memory that it holds a reference on. The
 * original may be released first. There is no view that does not retain. A view of a view holds the
 * root, so one count is enough however deep. For a view without any count see weir_buf_peek.
 *
 * Writing through a view is visible to every buf sharing the memory. A view of a read-only buf is
 * read-only. Any view of a composite is a composite of views.
 *
 * Layer: buffer. Needs buf.h. One buf, one thread at a time; the memory's count is atomic.
 */
#ifndef WEIR_BUFFER_BUF_VIEW_H
#define WEIR_BUFFER_BUF_VIEW_H

#include <weir/buffer/buf.h>

WEIR_BEGIN_DECLS

/* `len` readable bytes starting `at` bytes after the reader index of `buf`. It cannot grow.
 * Borrows: buf. Gives: a new buf, or NULL when out of memory.
 * Requires: at + len <= weir_buf_readable(buf). */
WEIR_API WEIR_MUST_USE weir_buf *weir_buf_slice(weir_buf *buf, size_t at, size_t len);

/* The next `len` readable bytes as a slice; `buf` moves past them.
 * Borrows: buf. Gives: a new buf, or NULL when out of memory (then nothing moved).
 * Requires: len <= weir_buf_readable(buf). */
WEIR_API WEIR_MUST_USE weir_buf *weir_buf_read_slice(weir_buf *buf, size_t len);

/* All of `buf`, with the same positions to begin with and the same limits.
 * Borrows: buf. Gives: a new buf, or NULL when out of memory. */
WEIR_API WEIR_MUST_USE weir_buf *weir_buf_duplicate(weir_buf *buf);

/* The readable bytes in memory of their own, on the heap.
 * Borrows: buf. Gives: a new buf, or NULL when out of memory. */
WEIR_API WEIR_MUST_USE weir_buf *weir_buf_copy(const weir_buf *buf);

/* Called once when the last view of wrapped memory is gone, on whichever thread that is. */
typedef void weir_buf_free_fn(void *arg, void *ptr, size_t len);

/* Foreign memory as a buf: `len` readable bytes at `ptr`, writable in place, unable to grow.
 * Takes: the memory, which `free_fn` gets back (also when this fails). With a NULL free_fn the memory is
 * the caller's and must outlive every view. Gives: a new buf, or NULL when out of memory. */
WEIR_API WEIR_MUST_USE weir_buf *weir_buf_wrap(void *ptr, size_t len, weir_buf_free_fn *free_fn, void *arg);

/* Constant memory, such as a string literal, that outlives every view: a read-only buf.
 * Borrows: ptr, for good. Gives: a new buf, or NULL when out of memory. */
WEIR_API WEIR_MUST_USE weir_buf *weir_buf_wrap_const(const void *ptr, size_t len);

WEIR_END_DECLS

#endif
