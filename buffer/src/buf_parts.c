/* buf_parts.c - the part table of a composite and its window. The idea is in buf_parts.h. */
#include "buf_parts.h"

#include <weir/core/alloc.h>

#include "buf_room.h"

/* A table bigger than this does not stay with a header that is recycled. */
enum {
    SLOTS_KEPT = 64
};

/* ---- looking ---------------------------------------------------------------------------------- */

/* Most look-ups are for the part in the window or the next one. */
size_t weir_parts_find(const buf_composite *parts, uint64_t pos) {
    size_t low = 0, high = parts->count; /* the answer is in [low, high) */
    if (weir_parts_at(parts, parts->cur)->start <= pos) {
        low = parts->cur;
        for (int i = 0; i < 2; i++) {
            if (low + 1 == high || weir_parts_at(parts, low + 1)->start > pos) return low;
            low++;
        }
    }
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (weir_parts_at(parts, middle)->start <= pos) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return low;
}

bool weir_parts_are_unshared(const buf_composite *parts) {
    for (size_t i = 0; i < parts->count; i++) {
        if (!weir_obj_is_unshared(weir_parts_at(parts, i)->root)) return false;
    }
    return true;
}

/* ---- slots ------------------------------------------------------------------------------------ */

static void use_table(buf_composite *parts, buf_part *table, size_t slots) {
    parts->table = table;
    parts->slots = slots;
    parts->first = 0;
}

static void move_to_front(buf_composite *parts) {
    memmove(parts->table, weir_parts_at(parts, 0), parts->count * sizeof(buf_part));
    parts->first = 0;
}

static bool enlarge_table(buf_composite *parts, size_t need) {
    size_t slots = parts->slots * 2 > need ? parts->slots * 2 : need;
    size_t size;
    if (__builtin_mul_overflow(slots, sizeof(buf_part), &size)) return false;
    buf_part *table = weir_alloc_acquire(NULL, size);
    if (table == NULL) return false;
    memcpy(table, weir_parts_at(parts, 0), parts->count * sizeof(buf_part));
    if (parts->table != parts->inline_table) weir_alloc_release(NULL, parts->table);
    use_table(parts, table, slots);
    return true;
}

/* Moving costs as many steps as parts were dropped since the last time, at least: amortised O(1). */
static WEIR_COLD bool make_slots(buf_composite *parts, size_t n) {
    size_t need;
    if (__builtin_add_overflow(parts->count, n, &need)) return false;
    if (need > parts->slots - parts->slots / 2) return enlarge_table(parts, need);
    move_to_front(parts);
    return true;
}

bool weir_parts_reserve(buf_composite *parts, size_t n) {
    return WEIR_LIKELY(weir_parts_reserved(parts) >= n) || make_slots(parts, n);
}

void weir_parts_shed(buf_composite *parts) {
    if (parts->slots <= SLOTS_KEPT) return;
    weir_alloc_release(NULL, parts->table);
    use_table(parts, parts->inline_table, PARTS_INLINE);
}

void weir_parts_made(weir_buf *header) {
    buf_composite *parts = weir_composite_of(header);
    use_table(parts, parts->inline_table, PARTS_INLINE);
}

void weir_parts_gone(weir_buf *header, weir_alloc *alloc) {
    buf_composite *parts = weir_composite_of(header);
    if (parts->table != parts->inline_table) weir_alloc_release(alloc, parts->table);
}

/* ---- parts in and out ------------------------------------------------------------------------- */

void weir_parts_push_range(buf_composite *parts, buf_composite *from, uint64_t pos, uint64_t end, bool move) {
    if (pos == end) return;
    size_t kept = weir_parts_find(from, pos);
    for (size_t i = kept; i < from->count && weir_parts_at(from, i)->start < end; i++) {
        const buf_part *part = weir_parts_at(from, i);
        weir_bytes bytes = weir_parts_bytes(from, i);
        if (end - part->start < bytes.len) bytes.len = (size_t)(end - part->start);
        if (pos > part->start) bytes = weir_bytes_sub(bytes, (size_t)(pos - part->start), bytes.len);
        weir_buf *root = move ? part->root : weir_buf_retain(part->root);
        weir_parts_push(parts, root, bytes, part->flags | from->buf.obj.bits);
    }
    if (move) from->count = kept;
}

void weir_parts_drop_front(buf_composite *parts, size_t n) {
    for (size_t i = 0; i < n; i++) weir_buf_release(weir_parts_at(parts, i)->root);
    parts->count -= n;
    parts->first = parts->count == 0 ? 0 : parts->first + n;
    parts->cur = parts->cur < n ? 0 : parts->cur - n;
}

void weir_parts_cut_back(buf_composite *parts, uint64_t end) {
    while (parts->count > 0 && weir_parts_at(parts, parts->count - 1)->start >= end) {
        weir_buf_release(weir_parts_at(parts, --parts->count)->root);
    }
    if (parts->cur >= parts->count) parts->cur = 0;
    if (parts->count == 0) return;
    buf_part *last = weir_parts_at(parts, parts->count - 1);
    if (end - last->start < last->len) last->len = (size_t)(end - last->start);
}

void weir_parts_trim_front(buf_part *part, size_t n) {
    part->ptr += n;
    part->len -= n;
    part->start += n;
}

void weir_parts_replace(buf_composite *parts, uint64_t pos, uint64_t end, weir_buf *fresh) {
    size_t from = weir_parts_find(parts, pos), to = weir_parts_find(parts, end - 1);
    uint32_t flags = 0;
    for (size_t i = from; i <= to; i++) flags |= weir_parts_at(parts, i)->flags;

    buf_part *before = weir_parts_at(parts, from), *behind = weir_parts_at(parts, to);
    if (before->start < pos) {
        before->len = (size_t)(pos - before->start);
        from++;
    }
    if (end - behind->start < behind->len) {
        weir_parts_trim_front(behind, (size_t)(end - behind->start));
    } else {
        to++;
    }
    for (size_t i = from; i < to; i++) weir_buf_release(weir_parts_at(parts, i)->root);
    buf_part *place = weir_parts_at(parts, from);
    memmove(place + 1, weir_parts_at(parts, to), (parts->count - to) * sizeof(buf_part));
    parts->count = parts->count - to + from + 1;
    *place =
        (buf_part){.root = fresh, .ptr = fresh->rp, .len = (size_t)(end - pos), .start = pos, .flags = flags};
}

/* ---- the window ------------------------------------------------------------------------------- */

void weir_parts_settle(buf_composite *parts) {
    if (!parts->is_writing) return;
    weir_parts_at(parts, parts->cur)->len = (size_t)(parts->buf.wp - parts->buf.base);
    parts->pen->wp = parts->buf.ep = parts->buf.wp;
    parts->is_writing = false;
}

bool weir_parts_end_at_pen(const buf_composite *parts) {
    if (parts->pen == NULL || parts->count == 0) return false;
    const buf_part *last = weir_parts_at(parts, parts->count - 1);
    return last->root == parts->pen && last->ptr + last->len == parts->pen->wp;
}

static void show_room(buf_composite *parts) {
    weir_buf *buf = &parts->buf;
    if (!weir_buf_takes_writes(buf) || !weir_parts_end_at_pen(parts)) return;
    size_t used = (size_t)(weir_parts_end(parts) - weir_parts_begin(parts));
    size_t most = buf->max > used ? buf->max - used : 0;
    size_t room = weir_buf_writable(parts->pen);
    buf->ep += room < most ? room : most;
    parts->is_writing = true;
}

void weir_parts_seek(buf_composite *parts, uint64_t pos) {
    weir_buf *buf = &parts->buf;
    weir_parts_settle(parts);
    if (parts->count == 0) {
        buf->base = buf->rp = buf->wp = buf->ep = weir_buf_nothing;
        parts->cur = 0;
        return;
    }
    parts->cur = weir_parts_find(parts, pos);
    const buf_part *part = weir_parts_at(parts, parts->cur);
    buf->base = part->ptr;
    buf->rp = part->ptr + (pos - part->start);
    buf->wp = buf->ep = part->ptr + part->len;
    if (parts->cur + 1 == parts->count) show_room(parts);
}
