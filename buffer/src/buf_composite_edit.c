/* buf_composite_edit.c - parts in the middle of a composite and in front of it, and parts taken out.
 *
 * Rule: what is new is appended first, which decides whether it can be at all; then the table is put in
 * order, which cannot fail. Insert, remove and replace are one movement.
 */
#include <weir/buffer/buf_composite.h>
#include <weir/buffer/buf_view.h>

#include "buf_parts.h"
#include "buf_room.h"
#include "buf_walk.h"
#include "view.h"

/* The least size of a part made by prepending. */
enum {
    PREPEND_ROOM = 128
};

/* How far positions move up when one in front of the first is needed: once for very many prepends. */
static const uint64_t START_ROOM = UINT64_C(1) << 32;

static buf_composite *require_editable(const weir_buf *buf) {
    WEIR_CHECK(weir_buf_is_composite(buf), "this buf is not a composite: %p", (const void *)buf);
    REQUIRE_WRITABLE((void *)(uintptr_t)buf);
    return weir_composite_of(buf);
}

static void require_parts(const buf_composite *parts, size_t i, size_t n) {
    WEIR_CHECK(n <= parts->count && i <= parts->count - n, "%zu parts from part %zu on of %zu were meant", n,
               i, parts->count);
}

/* ---- the movement ----------------------------------------------------------------------------- */

/* Where part `i` starts; for i = count, where the last ends. */
static uint64_t start_of(const buf_composite *parts, size_t i) {
    return i < parts->count ? weir_parts_at(parts, i)->start : weir_parts_end(parts);
}

/* Numbers the parts from `i` on, as if part `i` started at `pos`. */
static void renumber(buf_composite *parts, size_t i, uint64_t pos) {
    for (; i < parts->count; i++) {
        buf_part *part = weir_parts_at(parts, i);
        part->start = pos;
        pos += part->len;
    }
}

/* Releases parts i to i + n and moves the last `added` parts into their place. Requires: settled, and as
 * many free slots behind as parts are added. */
static void move_into_place(buf_composite *parts, size_t i, size_t n, size_t added) {
    buf_part *place = weir_parts_at(parts, i);
    size_t behind = parts->count - added - i - n;
    for (size_t k = 0; k < n; k++) weir_buf_release(place[k].root);
    if (added > n) memmove(place + added, place + n, (behind + added) * sizeof *place);
    buf_part *fresh = place + (added > n ? added : n) + behind;
    memcpy(place, fresh, added * sizeof *place);
    if (added < n) memmove(place + added, place + n, behind * sizeof *place);
    parts->count -= n;
}

/* Parts i to i + n make way for the last `added` ones, and the reader goes where it belongs. */
static void exchange(buf_composite *parts, size_t i, size_t n, size_t added) {
    uint64_t reader = weir_parts_reader(parts);
    weir_parts_settle(parts);
    uint64_t from = start_of(parts, i), to = start_of(parts, i + n);
    uint64_t fresh = weir_parts_end(parts) - start_of(parts, parts->count - added);
    if (reader > from) reader = reader < to ? from : reader - (to - from) + fresh;
    move_into_place(parts, i, n, added);
    renumber(parts, i, from);
    parts->cur = 0;
    weir_parts_seek(parts, parts->count == 0 ? 0 : reader);
}

/* ---- in and out ------------------------------------------------------------------------------- */

weir_status weir_buf_composite_replace(weir_buf *buf, size_t i, size_t n, weir_buf *part) {
    buf_composite *parts = require_editable(buf);
    require_parts(parts, i, n);
    size_t count = parts->count;
    size_t most = part != NULL && weir_buf_is_composite(part) ? weir_composite_of(part)->count : 1;
    if (!weir_parts_reserve(parts, 2 * most)) weir_buf_fail(buf, WEIR_E_NO_MEMORY);
    weir_status status = weir_buf_composite_append(buf, part);
    if (status == WEIR_OK) exchange(parts, i, n, parts->count - count);
    return status;
}

weir_status weir_buf_composite_insert(weir_buf *buf, size_t i, weir_buf *part) {
    return weir_buf_composite_replace(buf, i, 0, part);
}

void weir_buf_composite_remove(weir_buf *buf, size_t i, size_t n) {
    buf_composite *parts = require_editable(buf);
    require_parts(parts, i, n);
    exchange(parts, i, n, 0);
}

/* ---- in front --------------------------------------------------------------------------------- */

/* Bytes in front of `part` that are nobody's. Foreign memory and files are not ours to fill. */
static size_t headroom_of(const buf_part *part) {
    const buf_store *store = &buf_root_of(part->root)->store;
    bool is_ours = part->flags == 0 && store->maker->another != NULL && weir_obj_is_unshared(part->root);
    return is_ours ? (size_t)(part->ptr - store->mem) : 0;
}

static bool extend_first(buf_composite *parts, size_t n) {
    if (parts->count == 0 || n > weir_buf_max_writable(&parts->buf)) return false;
    buf_part *first = weir_parts_at(parts, 0);
    if (headroom_of(first) < n) return false;
    weir_parts_settle(parts);
    if (first->start < n) renumber(parts, 0, n + START_ROOM);
    first->ptr -= n;
    first->len += n;
    first->start -= n;
    weir_parts_seek(parts, first->start);
    return true;
}

static weir_status add_first(buf_composite *parts, size_t n) {
    weir_buf *like = parts->count > 0 ? weir_parts_at(parts, 0)->root : weir_buf_empty();
    weir_buf *fresh = weir_buf_another(like, n > PREPEND_ROOM ? n : PREPEND_ROOM);
    if (fresh != NULL) {
        fresh->wp = fresh->ep;
        fresh->rp = fresh->ep - n;
    }
    return weir_buf_composite_insert(&parts->buf, 0, fresh);
}

uint8_t *weir_buf_composite_prepend(weir_buf *buf, size_t n) {
    buf_composite *parts = require_editable(buf);
    if (weir_buf_status(buf) != WEIR_OK) return NULL;
    weir_composite_compact(parts);
    if (!extend_first(parts, n) && add_first(parts, n) != WEIR_OK) return NULL;
    return buf->rp;
}

/* ---- taking apart ----------------------------------------------------------------------------- */

size_t weir_buf_composite_part_at(const weir_buf *buf, size_t at, size_t *inside) {
    WEIR_CHECK(weir_buf_is_composite(buf), "this buf is not a composite: %p", (const void *)buf);
    const buf_composite *parts = weir_composite_of(buf);
    size_t end = weir_buf_capacity(buf);
    WEIR_CHECK(at < end, "the part at position %zu of %zu was asked for", at, end);
    uint64_t pos = weir_parts_begin(parts) + at;
    size_t i = weir_parts_find(parts, pos);
    if (inside != NULL) *inside = (size_t)(pos - weir_parts_at(parts, i)->start);
    return i;
}

weir_buf *weir_buf_composite_slice(const weir_buf *buf, size_t i) {
    weir_bytes bytes = weir_buf_composite_part(buf, i, NULL);
    const buf_part *part = weir_parts_at(weir_composite_of(buf), i);
    return weir_view_new(part->root, part->ptr, bytes.len, part->flags | buf->obj.bits);
}

static weir_status slice_runs(weir_buf *buf, size_t at, buf_walk walk, weir_buf **out, size_t max,
                              size_t *count) {
    buf_run run;
    while (weir_walk_next(&walk, &run)) {
        if (*count == max) return WEIR_E_LIMIT;
        weir_buf *slice = weir_buf_slice(buf, at, run.len);
        if (slice == NULL) return WEIR_E_NO_MEMORY;
        out[(*count)++] = slice;
        at += run.len;
    }
    return WEIR_OK;
}

weir_status weir_buf_decompose(weir_buf *buf, size_t at, size_t len, weir_buf **out, size_t max,
                               size_t *count) {
    *count = 0;
    weir_status status = slice_runs(buf, at, weir_walk_readable(buf, at, len), out, max, count);
    if (status != WEIR_OK) {
        while (*count > 0) weir_buf_release(out[--*count]);
    }
    return status;
}
