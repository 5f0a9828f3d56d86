/* buf_bytes.c - runs of bytes in and out, where they are not wholly in the window. */
#include <weir/buffer/buf_bytes.h>

#include "buf_room.h"
#include "buf_walk.h"

buf_walk weir_walk_readable(const weir_buf *buf, size_t at, size_t len) {
    size_t readable = weir_buf_readable(buf);
    WEIR_CHECK(len <= readable && at <= readable - len, "%zu bytes at %zu of %zu readable ones", len, at,
               readable);
    return weir_walk_at(buf, weir_buf_reader_index(buf) + at, len);
}

static void copy_out(buf_walk walk, uint8_t *dst) {
    buf_run run;
    while (weir_walk_next(&walk, &run)) {
        memcpy(dst, run.ptr, run.len);
        dst += run.len;
    }
}

/* ---- reading ---------------------------------------------------------------------------------- */

bool weir_buf_peek_bytes(const weir_buf *buf, void *dst, size_t n) {
    if (weir_buf_readable(buf) < n) return false;
    copy_out(weir_walk_at(buf, weir_buf_reader_index(buf), n), dst);
    return true;
}

bool weir_buf_read_slow(weir_buf *buf, void *dst, size_t n) {
    return weir_buf_peek_bytes(buf, dst, n) && weir_buf_skip_slow(buf, n);
}

/* ---- writing ---------------------------------------------------------------------------------- */

void weir_buf_write_slow(weir_buf *buf, const void *src, size_t n) {
    uint8_t *room = weir_buf_reserve(buf, n);
    if (room == NULL) return;
    memcpy(room, src, n);
    weir_buf_commit(buf, n);
}

void weir_buf_write_fill(weir_buf *buf, uint8_t value, size_t n) {
    uint8_t *room = weir_buf_reserve(buf, n);
    if (room == NULL) return;
    memset(room, value, n);
    weir_buf_commit(buf, n);
}

bool weir_buf_write_buf(weir_buf *buf, weir_buf *src, size_t n) {
    if (weir_buf_readable(src) < n) return false;
    uint8_t *room = weir_buf_reserve(buf, n);
    if (room == NULL) return false;
    weir_buf_read_bytes(src, room, n);
    weir_buf_commit(buf, n);
    return true;
}

/* ---- at a position ---------------------------------------------------------------------------- */

static bool is_inside(const weir_buf *buf, size_t at, size_t n) {
    size_t capacity = weir_buf_capacity(buf);
    return n <= capacity && at <= capacity - n;
}

bool weir_buf_get_bytes(const weir_buf *buf, size_t at, void *dst, size_t n) {
    if (!is_inside(buf, at, n)) return false;
    copy_out(weir_walk_at(buf, at, n), dst);
    return true;
}

/* A composite may be writable while one of its parts is not. */
static void require_writable_parts(const weir_buf *buf, const buf_walk *walk) {
    if (!weir_buf_is_composite(buf) || walk->left == 0) return;
    const buf_composite *parts = weir_composite_of(buf);
    uint64_t end = weir_parts_at(parts, walk->part)->start + walk->skip + walk->left;
    for (size_t i = walk->part; i < parts->count && weir_parts_at(parts, i)->start < end; i++) {
        WEIR_CHECK(weir_parts_at(parts, i)->flags == 0, "part %zu of this composite is read-only: %p", i,
                   (const void *)buf);
    }
}

bool weir_buf_set_bytes(weir_buf *buf, size_t at, const void *src, size_t n) {
    REQUIRE_WRITABLE(buf);
    if (!is_inside(buf, at, n)) return false;
    buf_walk walk = weir_walk_at(buf, at, n);
    require_writable_parts(buf, &walk);
    const uint8_t *from = src;
    buf_run run;
    while (weir_walk_next(&walk, &run)) {
        memcpy(run.ptr, from, run.len);
        from += run.len;
    }
    return true;
}
