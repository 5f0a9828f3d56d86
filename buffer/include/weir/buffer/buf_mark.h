/* <weir/buffer/buf_mark.h> - where a buf stood, to go back to.
 *
 *     weir_buf_mark start = weir_buf_mark_at(buf);
 *     if (!parse_all_of_it(buf)) weir_buf_reset_reader(buf, start);
 *
 * A value, not state of the buf: as many at a time as wanted, nothing to undo, no cost to those who use
 * none. It holds positions, so it is good until the bytes move to others: weir_buf_compact,
 * weir_buf_clear, weir_buf_composite_drop_read.
 *
 * All functions: Borrows: buf. Layer: buffer. Needs buf.h. One buf, one thread at a time.
 */
#ifndef WEIR_BUFFER_BUF_MARK_H
#define WEIR_BUFFER_BUF_MARK_H

#include <weir/buffer/buf.h>

WEIR_BEGIN_DECLS

typedef struct weir_buf_mark {
    size_t reader, writer;
} weir_buf_mark;

/* Where `buf` stands now. Borrows: buf. Until: the bytes move to other positions. */
static inline weir_buf_mark weir_buf_mark_at(const weir_buf *buf) {
    weir_buf_mark mark = {weir_buf_reader_index(buf), weir_buf_writer_index(buf)};
    return mark;
}

/* The reader index back to where it was; false, moving nothing, when the writer index is before that.
 * Borrows: buf. */
static inline bool weir_buf_reset_reader(weir_buf *buf, weir_buf_mark mark) {
    return weir_buf_set_positions(buf, mark.reader, weir_buf_writer_index(buf));
}

/* The writer index back: what was written since is gone. False, moving nothing, when the reader index is
 * past that. A failure of the buf stays. Borrows: buf. */
static inline bool weir_buf_reset_writer(weir_buf *buf, weir_buf_mark mark) {
    return weir_buf_set_positions(buf, weir_buf_reader_index(buf), mark.writer);
}

/* Both; false, moving nothing, when the buf is shorter by now. Borrows: buf. */
static inline bool weir_buf_reset(weir_buf *buf, weir_buf_mark mark) {
    return weir_buf_set_positions(buf, mark.reader, mark.writer);
}

WEIR_END_DECLS

#endif
