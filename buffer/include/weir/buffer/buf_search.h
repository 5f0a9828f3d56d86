/* <weir/buffer/buf_search.h> - finding bytes in the readable part of a buf, across parts.
 *
 * Positions are distances from the reader index; WEIR_NOT_FOUND when there is none. Nothing moves.
 * Each part is searched by memchr and friends, at their speed.
 *
 * All functions: Borrows: buf. Layer: buffer. Needs buf.h. One buf, one thread at a time.
 */
#ifndef WEIR_BUFFER_BUF_SEARCH_H
#define WEIR_BUFFER_BUF_SEARCH_H

#include <weir/buffer/buf.h>

WEIR_BEGIN_DECLS

/* The first `byte` at or after `from`. Borrows: buf. */
WEIR_API size_t weir_buf_find(const weir_buf *buf, size_t from, uint8_t byte);

/* The last `byte` of all. Borrows: buf. */
WEIR_API size_t weir_buf_find_last(const weir_buf *buf, uint8_t byte);

/* The first byte at or after `from` that is one of `set`. Borrows: buf. */
WEIR_API size_t weir_buf_find_any(const weir_buf *buf, size_t from, weir_bytes set);

/* The first occurrence of `needle` at or after `from`, also across parts; an empty needle is found at
 * `from`. Borrows: buf. */
WEIR_API size_t weir_buf_find_bytes(const weir_buf *buf, size_t from, weir_bytes needle);

/* Sees one part; answers false to stop. */
typedef bool weir_buf_visit_fn(void *arg, weir_bytes part);

/* Shows the readable bytes part by part, `len` of them from `at`. False when the visitor stopped.
 * Borrows: buf. Requires: at + len <= readable. */
WEIR_API bool weir_buf_visit(const weir_buf *buf, size_t at, size_t len, weir_buf_visit_fn *visit, void *arg);

/* The readable bytes of both are the same. Borrows: both. */
WEIR_API bool weir_buf_equal(const weir_buf *buf, const weir_buf *other);

/* The readable bytes are those of `bytes`. Borrows: buf. */
WEIR_API bool weir_buf_equal_bytes(const weir_buf *buf, weir_bytes bytes);

/* Unsigned lexicographic order of the readable bytes. Borrows: both. */
WEIR_API int weir_buf_compare(const weir_buf *buf, const weir_buf *other);

/* A hash of the readable bytes (FNV-1a, 64 bit): equal bufs hash alike however they are cut into parts.
 * Not for untrusted keys. Borrows: buf. */
WEIR_API uint64_t weir_buf_hash(const weir_buf *buf);

WEIR_END_DECLS

#endif
