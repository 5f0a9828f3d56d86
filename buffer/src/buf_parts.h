/* buf_parts.h - private: the part table of a composite, and the window it shows.
 *
 *     table   [ free ][ part ][ part ][ part ][ free ... ]       part: {root, ptr, len, start}
 *                      first    cur ^   last
 *     window                   base rp wp=ep                     the part being read
 *     pen                              [ filled | room ]         memory for writes, private
 *
 * `start` is a position that only grows: dropping parts in front renumbers nothing. Parts are never
 * empty. When the last part ends where the room of the pen begins, and the window shows that part, the
 * window also shows the room (`is_writing`): then inline writes go there, and the table hears of them at
 * weir_parts_settle. The reader may stand at the end of a part that is not the last.
 */
#ifndef WEIR_BUF_PARTS_H
#define WEIR_BUF_PARTS_H

#include <weir/buffer/buf.h>

struct weir_alloc;

typedef struct buf_part {
    weir_buf *root; /* owns the memory; one reference */
    uint8_t *ptr;
    size_t len;
    uint64_t start;
    uint32_t flags; /* WEIR_BUF_READ_ONLY, or 0 */
} buf_part;

enum {
    PARTS_INLINE = 8
};

typedef struct buf_composite {
    weir_buf buf;
    buf_part *table;
    size_t slots, first, count;
    size_t cur; /* shown in the window; counted from `first` */
    weir_buf *pen;
    bool is_writing;
    buf_part inline_table[PARTS_INLINE];
} buf_composite;

static inline buf_composite *weir_composite_of(const weir_buf *buf) {
    return (buf_composite *)(void *)(uintptr_t)buf;
}

/* ---- looking ---------------------------------------------------------------------------------- */

static inline buf_part *weir_parts_at(const buf_composite *parts, size_t i) {
    return &parts->table[parts->first + i];
}

/* Part `i` as it is now, with what was written inline. */
static inline weir_bytes weir_parts_bytes(const buf_composite *parts, size_t i) {
    const buf_part *part = weir_parts_at(parts, i);
    bool grows = parts->is_writing && i == parts->cur;
    return weir_bytes_of(part->ptr, grows ? (size_t)(parts->buf.wp - part->ptr) : part->len);
}

/* Where the first part starts, the last ends, and the reader stands, counted as `start` is. */
static inline uint64_t weir_parts_begin(const buf_composite *parts) {
    return parts->count == 0 ? 0 : weir_parts_at(parts, 0)->start;
}
static inline uint64_t weir_parts_end(const buf_composite *parts) {
    if (parts->count == 0) return 0;
    size_t last = parts->count - 1;
    return weir_parts_at(parts, last)->start + weir_parts_bytes(parts, last).len;
}
static inline uint64_t weir_parts_reader(const buf_composite *parts) {
    if (parts->count == 0) return 0;
    return weir_parts_at(parts, parts->cur)->start + (uint64_t)(parts->buf.rp - parts->buf.base);
}

/* The part that holds `pos`: the last one that starts at or before it. Requires: at least one part. */
size_t weir_parts_find(const buf_composite *parts, uint64_t pos);

bool weir_parts_are_unshared(const buf_composite *parts);

/* ---- the table -------------------------------------------------------------------------------- */
/* These need a settled table and leave the window alone: seek afterwards, unless it still shows the reader's
 * part. */

/* Slots for `n` more parts at the end; false when out of memory. */
bool weir_parts_reserve(buf_composite *parts, size_t n);
static inline size_t weir_parts_reserved(const buf_composite *parts) {
    return parts->slots - parts->first - parts->count;
}

/* Adds a part. Takes: root. Requires: len > 0 and a reserved slot. */
static inline void weir_parts_push(buf_composite *parts, weir_buf *root, weir_bytes bytes, uint32_t flags) {
    buf_part *part = weir_parts_at(parts, parts->count);
    part->root = root;
    part->ptr = (uint8_t *)(uintptr_t)bytes.ptr;
    part->len = bytes.len;
    part->start = parts->count == 0 ? 0 : part[-1].start + part[-1].len;
    part->flags = flags & WEIR_BUF_READ_ONLY;
    parts->count++;
}

/* Adds the parts of `from` that make up its bytes from `pos` to `end`, and `flags` to each; the slots are
 * reserved. Their references are new ones; with `move` those of `from`, which loses the parts. */
void weir_parts_push_range(buf_composite *parts, buf_composite *from, uint64_t pos, uint64_t end, bool move);

/* Releases the first `n` parts / all that starts at or after `end`, cutting the one across it. */
void weir_parts_drop_front(buf_composite *parts, size_t n);
void weir_parts_cut_back(buf_composite *parts, uint64_t end);

/* Cuts `n` of its bytes off the front of `part`. */
void weir_parts_trim_front(buf_part *part, size_t n);

/* Puts one part, which owns `fresh`, in the place of the bytes from `pos` to `end`, which it holds. A part
 * across either edge keeps the rest of its bytes. Takes: fresh. Requires: one reserved slot. */
void weir_parts_replace(buf_composite *parts, uint64_t pos, uint64_t end, weir_buf *fresh);

/* ---- the window ------------------------------------------------------------------------------- */

/* Enters what was written inline into the table, and stops that: the window shows no room until the next
 * seek. Before any change of the table. */
void weir_parts_settle(buf_composite *parts);

/* Settles, and shows the part that holds `pos`, with the reader there. Requires: begin <= pos <= end. */
void weir_parts_seek(buf_composite *parts, uint64_t pos);

/* True when the last part ends where the room of the pen begins. */
bool weir_parts_end_at_pen(const buf_composite *parts);

/* ---- for others ------------------------------------------------------------------------------- */

/* Gives back the memory of a table too big to stay with a recycled header. Requires: no parts. */
void weir_parts_shed(buf_composite *parts);

/* The life of the table in memory that header_cache.c keeps. */
void weir_parts_made(weir_buf *header);
void weir_parts_gone(weir_buf *header, struct weir_alloc *alloc);

/* What buf.c, buf_room.c and buf_view.c ask of a composite. */
void weir_composite_free(weir_buf *buf);
void weir_composite_clear(buf_composite *parts);
void weir_composite_compact(buf_composite *parts);
void weir_composite_set_positions(buf_composite *parts, size_t reader, size_t writer);
weir_status weir_composite_make_room(buf_composite *parts, size_t n);
uint8_t *weir_composite_room(const buf_composite *parts); /* after make_room */
size_t weir_composite_writable(const buf_composite *parts);
void weir_composite_commit(buf_composite *parts, size_t n);
weir_buf *weir_composite_view(buf_composite *from, uint64_t pos, uint64_t end, size_t max);

#endif
