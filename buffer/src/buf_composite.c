/* buf_composite.c - many bufs shown as one: what a caller may ask of it.
 *
 * Rule: each change is settle, change the table, seek. Writes go to the pen, memory of our own whose
 * filled stretches become parts like any other.
 */
#include <weir/buffer/buf_bytes.h>
#include <weir/buffer/buf_composite.h>

#include "buf_parts.h"
#include "buf_room.h"
#include "header_cache.h"
#include "view.h"

/* Sizes of the pen, unless more is written at once. */
enum {
    PEN_FIRST = 256,
    PEN_LARGEST = 64 * 1024
};

static buf_composite *require_composite(const weir_buf *buf) {
    WEIR_CHECK(weir_buf_is_composite(buf), "this buf is not a composite: %p", (const void *)buf);
    return weir_composite_of(buf);
}

/* ---- life ------------------------------------------------------------------------------------- */

weir_buf *weir_buf_composite_new(void) {
    weir_buf *buf = weir_header_get(HEADER_COMPOSITE);
    if (buf == NULL) return NULL;
    buf_composite *parts = weir_composite_of(buf);
    weir_obj_init(&buf->obj, &weir_buf_type);
    buf->obj.bits = WEIR_BUF_COMPOSITE;
    buf->root = buf;
    buf->max = WEIR_BUF_MAX;
    parts->first = parts->count = 0;
    parts->pen = NULL;
    parts->is_writing = false;
    weir_parts_seek(parts, 0);
    return buf;
}

void weir_composite_free(weir_buf *buf) {
    buf_composite *parts = weir_composite_of(buf);
    weir_parts_drop_front(parts, parts->count);
    weir_parts_shed(parts);
    weir_buf_release(parts->pen);
    weir_header_put(HEADER_COMPOSITE, buf);
}

weir_buf *weir_composite_view(buf_composite *from, uint64_t pos, uint64_t end, size_t max) {
    weir_buf *buf = weir_buf_composite_new();
    if (buf == NULL) return NULL;
    buf_composite *parts = weir_composite_of(buf);
    size_t count = pos == end ? 0 : weir_parts_find(from, end - 1) - weir_parts_find(from, pos) + 1;
    if (!weir_parts_reserve(parts, count)) {
        weir_buf_release(buf);
        return NULL;
    }
    weir_parts_push_range(parts, from, pos, end, false);
    weir_parts_seek(parts, 0);
    buf->max = max;
    buf->obj.bits |= from->buf.obj.bits & WEIR_BUF_READ_ONLY;
    return buf;
}

/* ---- adding ----------------------------------------------------------------------------------- */

/* Everything that can go wrong with an append, before anything is changed. */
static weir_status prepare_append(buf_composite *parts, const weir_buf *part) {
    weir_buf *buf = &parts->buf;
    if (weir_buf_status(buf) != WEIR_OK) return weir_buf_status(buf);
    if (part == NULL) return WEIR_E_NO_MEMORY;
    if (weir_buf_status(part) != WEIR_OK) return weir_buf_status(part);
    uint64_t used = weir_parts_end(parts) - weir_parts_begin(parts);
    if (weir_buf_readable(part) > buf->max - used) return WEIR_E_FULL;
    size_t count = weir_buf_is_composite(part) ? weir_composite_of(part)->count : 1;
    return weir_parts_reserve(parts, count) ? WEIR_OK : WEIR_E_NO_MEMORY;
}

static void push_parts_of(buf_composite *parts, weir_buf *part) {
    buf_composite *from = weir_composite_of(part);
    bool is_ours = weir_obj_is_unshared(part);
    weir_parts_push_range(parts, from, weir_parts_reader(from), weir_parts_end(from), is_ours);
    weir_buf_release(part);
}

static inline void push_readable(buf_composite *parts, weir_buf *part) {
    weir_bytes bytes = weir_bytes_of(part->rp, (size_t)(part->wp - part->rp));
    uint32_t flags = part->obj.bits;
    if (bytes.len == 0) {
        weir_buf_release(part);
        return;
    }
    weir_buf *root = part->root == part ? part : weir_view_take_root(part);
    weir_parts_push(parts, root, bytes, flags);
}

static __attribute__((noinline)) weir_status append_any(weir_buf *buf, weir_buf *part) {
    buf_composite *parts = require_composite(buf);
    WEIR_CHECK(part != buf, "a composite was added to itself: %p", (void *)buf);
    REQUIRE_WRITABLE(buf);
    weir_status status = prepare_append(parts, part);
    if (WEIR_UNLIKELY(status != WEIR_OK)) {
        weir_buf_fail(buf, status);
        weir_buf_release(part);
        return status;
    }
    weir_parts_settle(parts);
    if (weir_buf_is_composite(part)) {
        push_parts_of(parts, part);
    } else {
        push_readable(parts, part);
    }
    if (buf->rp == buf->wp) weir_parts_seek(parts, weir_parts_reader(parts));
    return WEIR_OK;
}

/* Bytes of one piece of memory for a composite that has a slot and no limit, and shows no room. */
static inline bool is_usual(const buf_composite *parts, const weir_buf *part) {
    const uint32_t kinds = WEIR_BUF_VIEW | WEIR_BUF_READ_ONLY | WEIR_BUF_PRISTINE;
    return parts->buf.obj.bits == WEIR_BUF_COMPOSITE && parts->buf.max == WEIR_BUF_MAX &&
           !parts->is_writing && weir_parts_reserved(parts) > 0 && part != NULL &&
           (part->obj.bits & ~kinds) == 0;
}

weir_status weir_buf_composite_append(weir_buf *buf, weir_buf *part) {
    buf_composite *parts = weir_composite_of(buf);
    if (WEIR_UNLIKELY(!is_usual(parts, part))) return append_any(buf, part);
    push_readable(parts, part);
    if (buf->rp == buf->wp) weir_parts_seek(parts, weir_parts_reader(parts));
    return WEIR_OK;
}

/* ---- the pen ---------------------------------------------------------------------------------- */

static size_t pen_room(const buf_composite *parts) {
    if (parts->pen == NULL) return 0;
    return (size_t)(parts->pen->ep - (parts->is_writing ? parts->buf.wp : parts->pen->wp));
}

size_t weir_composite_writable(const buf_composite *parts) {
    size_t room = pen_room(parts), most = weir_buf_max_writable(&parts->buf);
    return room < most ? room : most;
}

/* The pen starts again at the front when nobody looks at what it wrote. */
static void rewind_pen(buf_composite *parts) {
    if (parts->pen != NULL && weir_obj_is_unshared(parts->pen)) parts->pen->wp = parts->pen->base;
}

/* Memory comes from where that of the last part came from; each pen has twice the one before. */
static bool take_new_pen(buf_composite *parts, size_t n) {
    size_t size = parts->pen == NULL ? PEN_FIRST : 2 * weir_buf_capacity(parts->pen);
    if (size > PEN_LARGEST) size = PEN_LARGEST;
    weir_buf *like = parts->count > 0 ? weir_parts_at(parts, parts->count - 1)->root : parts->pen;
    if (like == NULL) like = weir_buf_empty();
    weir_buf *pen = weir_buf_another(like, weir_buf_growth(n > size ? n : size, WEIR_BUF_MAX));
    if (pen == NULL) return false;
    weir_buf_release(parts->pen);
    parts->pen = pen;
    return true;
}

weir_status weir_composite_make_room(buf_composite *parts, size_t n) {
    if (n > weir_buf_max_writable(&parts->buf)) return WEIR_E_FULL;
    uint64_t reader = weir_parts_reader(parts);
    weir_parts_settle(parts);
    if (parts->count == 0) rewind_pen(parts);
    bool has_room = pen_room(parts) >= n || take_new_pen(parts, n);
    has_room = has_room && weir_parts_reserve(parts, 1);
    weir_parts_seek(parts, reader);
    return has_room ? WEIR_OK : WEIR_E_NO_MEMORY;
}

uint8_t *weir_composite_room(const buf_composite *parts) {
    if (parts->is_writing) return parts->buf.wp;
    return parts->pen->wp;
}

void weir_composite_commit(buf_composite *parts, size_t n) {
    if (n == 0) return;
    if (!weir_parts_reserve(parts, 1)) {
        weir_buf_fail(&parts->buf, WEIR_E_NO_MEMORY);
        return;
    }
    uint64_t reader = weir_parts_reader(parts);
    weir_parts_settle(parts);
    if (weir_parts_end_at_pen(parts)) {
        weir_parts_at(parts, parts->count - 1)->len += n;
    } else {
        weir_parts_push(parts, weir_buf_retain(parts->pen), weir_bytes_of(parts->pen->wp, n), 0);
    }
    parts->pen->wp += n;
    weir_parts_seek(parts, reader);
}

/* ---- parts ------------------------------------------------------------------------------------ */

size_t weir_buf_composite_count(const weir_buf *buf) {
    return require_composite(buf)->count;
}

weir_bytes weir_buf_composite_part(const weir_buf *buf, size_t i, size_t *at) {
    const buf_composite *parts = require_composite(buf);
    WEIR_CHECK(i < parts->count, "part %zu of %zu was asked for", i, parts->count);
    if (at != NULL) *at = (size_t)(weir_parts_at(parts, i)->start - weir_parts_begin(parts));
    return weir_parts_bytes(parts, i);
}

void weir_buf_composite_drop_read(weir_buf *buf) {
    buf_composite *parts = require_composite(buf);
    uint64_t reader = weir_parts_reader(parts);
    weir_parts_settle(parts);
    bool has_read_all = reader == weir_parts_end(parts);
    if (parts->count > 0) {
        weir_parts_drop_front(parts, has_read_all ? parts->count : weir_parts_find(parts, reader));
    }
    weir_parts_seek(parts, parts->count == 0 ? 0 : reader);
}

void weir_composite_compact(buf_composite *parts) {
    weir_buf_composite_drop_read(&parts->buf);
    uint64_t reader = weir_parts_reader(parts);
    if (reader == weir_parts_begin(parts)) return;
    weir_parts_settle(parts);
    weir_parts_trim_front(weir_parts_at(parts, 0), (size_t)(reader - weir_parts_begin(parts)));
    weir_parts_seek(parts, reader);
}

void weir_composite_clear(buf_composite *parts) {
    weir_parts_settle(parts);
    weir_parts_drop_front(parts, parts->count);
    weir_parts_seek(parts, 0);
}

void weir_composite_set_positions(buf_composite *parts, size_t reader, size_t writer) {
    weir_parts_settle(parts);
    uint64_t begin = weir_parts_begin(parts);
    weir_parts_cut_back(parts, begin + writer);
    weir_parts_seek(parts, parts->count == 0 ? 0 : begin + reader);
}

/* ---- lying together --------------------------------------------------------------------------- */

static bool gather(buf_composite *parts, size_t n) {
    weir_buf *buf = &parts->buf;
    uint64_t reader = weir_parts_reader(parts);
    weir_parts_settle(parts);
    weir_buf *fresh = weir_buf_another(weir_parts_at(parts, parts->cur)->root, n);
    if (fresh == NULL || !weir_parts_reserve(parts, 1)) {
        weir_buf_release(fresh);
        weir_parts_seek(parts, reader);
        return false;
    }
    weir_buf_peek_bytes(buf, fresh->rp, n);
    weir_parts_replace(parts, reader, reader + n, fresh);
    weir_parts_seek(parts, reader);
    return true;
}

weir_bytes weir_buf_coalesce(weir_buf *buf, size_t n) {
    if (weir_buf_readable(buf) < n) return weir_bytes_of(NULL, 0);
    if (buf->rp == buf->wp && weir_buf_is_composite(buf)) weir_buf_skip_slow(buf, 0);
    if ((size_t)(buf->wp - buf->rp) >= n || gather(weir_composite_of(buf), n))
        return weir_bytes_of(buf->rp, n);
    weir_buf_fail(buf, WEIR_E_NO_MEMORY);
    return weir_bytes_of(NULL, 0);
}
