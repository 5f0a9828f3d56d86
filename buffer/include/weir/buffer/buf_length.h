/* <weir/buffer/buf_length.h> - lengths in front of what they measure: filled in later, or read first.
 *
 *     weir_buf_length body = weir_buf_begin_length(buf, WEIR_BUF_LENGTH_U32);
 *     write_body(buf);                          however long that turns out
 *     weir_buf_end_length(buf, body);           goes back and fills the four bytes in
 *
 *     [ length: 4 bytes ][ body .............. ]
 *       begin                                 end
 *
 * In short: begin, write, end; nested as deep as wanted, in any buf. The other way round, a block is read only
 * when all of it is there. A length counts the bytes behind it, not itself.
 *
 * Layer: buffer. Needs buf_varint.h. One buf, one thread at a time.
 */
#ifndef WEIR_BUFFER_BUF_LENGTH_H
#define WEIR_BUFFER_BUF_LENGTH_H

#include <weir/buffer/buf_varint.h>

WEIR_BEGIN_DECLS

/* How a length is written. */
typedef enum weir_buf_length_kind {
    WEIR_BUF_LENGTH_U8,
    WEIR_BUF_LENGTH_U16,
    WEIR_BUF_LENGTH_U24,
    WEIR_BUF_LENGTH_U32,
    WEIR_BUF_LENGTH_U64,
    WEIR_BUF_LENGTH_U16_LE,
    WEIR_BUF_LENGTH_U24_LE,
    WEIR_BUF_LENGTH_U32_LE,
    WEIR_BUF_LENGTH_U64_LE,
    WEIR_BUF_LENGTH_VARINT, /* a varint u64: its width is not known beforehand, so it is not for begin */
} weir_buf_length_kind;

/* A length that waits to be filled in. */
typedef struct weir_buf_length {
    size_t at; /* the absolute position of its first byte */
    weir_buf_length_kind kind;
} weir_buf_length;

/* ---- writing ---------------------------------------------------------------------------------- */

/* Appends room for a length. Borrows: buf. Requires: not VARINT.
 * Until: the bytes move to other positions (weir_buf_compact, weir_buf_clear, weir_buf_composite_drop_read) or
 * the writer index goes back before it. */
WEIR_API weir_buf_length weir_buf_begin_length(weir_buf *buf, weir_buf_length_kind kind);

/* Fills it in with the count of the bytes written since, and answers how `buf` is. Borrows: buf.
 * Fails: WEIR_E_FRAME_TOO_LONG when the count does not fit, which sticks; whatever stuck before. */
WEIR_API weir_status weir_buf_end_length(weir_buf *buf, weir_buf_length length);

/* Appends the length of `block` and its bytes. One too long for its kind of length sticks
 * WEIR_E_FRAME_TOO_LONG and appends nothing. Borrows: buf; block, which is not in memory of `buf`. */
WEIR_API void weir_buf_write_block(weir_buf *buf, weir_buf_length_kind kind, weir_bytes block);

/* ---- reading ---------------------------------------------------------------------------------- */

/* Looks whether a length and all the bytes it counts are readable: then `*head` is how many bytes the length
 * itself takes and `*len` how many are behind it. BROKEN when it is more than `max`, or no right varint.
 * Nothing moves. Borrows: buf. */
WEIR_API weir_buf_got weir_buf_peek_length(const weir_buf *buf, weir_buf_length_kind kind, uint64_t max,
                                           size_t *head, size_t *len);

/* Reads a length and the block behind it as a slice. Borrows: buf. Gives: *slice, a new buf; NULL, though GOT,
 * when out of memory, and then nothing moved. */
WEIR_API weir_buf_got weir_buf_read_block(weir_buf *buf, weir_buf_length_kind kind, uint64_t max,
                                          weir_buf **slice);

/* The same as a borrowed view, its bytes copied together if they lie in several parts. Its ptr is NULL when
 * that failed for want of memory, which sticks; then nothing moved. Borrows: buf. Until: the next call that
 * writes, compacts or releases `buf`. */
WEIR_API weir_buf_got weir_buf_read_block_view(weir_buf *buf, weir_buf_length_kind kind, uint64_t max,
                                               weir_bytes *view);

WEIR_END_DECLS

#endif
