/* <weir/buffer/buf_memory.h> - whose memory the bytes are in: how much they pin, and bytes of one's own.
 *
 *     block  [..................... 64 KiB, received ......................]
 *                   [view]        <- 40 bytes that are kept for an hour keep all of it
 *
 * In short: where a small view is put away for long, weir_buf_compact_if copies it out of a big block.
 * Before bytes are changed in place, weir_buf_unshare makes sure that nobody else sees it. Both take a buf
 * and give one, the same where nothing is to be done:
 *
 *     entry->key = weir_buf_compact_if(weir_buf_read_slice(in, n), 4);
 *
 * Layer: buffer. Needs buf.h. One buf, one thread at a time.
 */
#ifndef WEIR_BUFFER_BUF_MEMORY_H
#define WEIR_BUFFER_BUF_MEMORY_H

#include <weir/buffer/buf.h>

WEIR_BEGIN_DECLS

/* Bytes of memory that cannot go back while `buf` lives. Memory that several parts of a composite lie in
 * counts once if they are neighbours. Borrows: buf. */
WEIR_API size_t weir_buf_pinned(const weir_buf *buf);

/* When `buf` pins more than `ratio` bytes for each readable one (and each buf may have 64 of them): a copy of
 * its readable bytes from the same kind of memory, with the same limits; else, and when out of memory, `buf`
 * itself. A copy starts at position 0 and is in one piece, also that of a composite. A buf that has failed stays
 * as it is.
 * Takes: buf (NULL gives NULL). Gives: a buf with the same bytes. Requires: ratio > 0. */
WEIR_API WEIR_MUST_USE weir_buf *weir_buf_compact_if(weir_buf *buf, size_t ratio);

/* The same bytes, writable in place and seen by nobody else: `buf` itself when it is that already, else a
 * copy of what others hold or what is read-only. Positions stay. Of a composite only those parts are
 * copied that must be.
 * Takes: buf (NULL gives NULL). Gives: a buf, or NULL when out of memory. */
WEIR_API WEIR_MUST_USE weir_buf *weir_buf_unshare(weir_buf *buf);

WEIR_END_DECLS

#endif
