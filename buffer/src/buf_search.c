/* buf_search.c - finding and comparing, run by run with libc's memchr, memrchr, memmem and memcmp. */
#include <weir/buffer/buf_search.h>

#include "buf_walk.h"
#include "two_way.h"

/* The readable bytes at or after `from`; none when that is behind them. */
static buf_walk walk_rest(const weir_buf *buf, size_t from) {
    size_t readable = weir_buf_readable(buf);
    if (from > readable) from = readable;
    return weir_walk_readable(buf, from, readable - from);
}

/* ---- one byte --------------------------------------------------------------------------------- */

size_t weir_buf_find(const weir_buf *buf, size_t from, uint8_t byte) {
    buf_walk walk = walk_rest(buf, from);
    buf_run run;
    for (size_t at = from; weir_walk_next(&walk, &run); at += run.len) {
        const uint8_t *hit = memchr(run.ptr, byte, run.len);
        if (hit != NULL) return at + (size_t)(hit - run.ptr);
    }
    return WEIR_NOT_FOUND;
}

static size_t find_last_in_parts(const buf_composite *parts, uint8_t byte) {
    uint64_t reader = weir_parts_reader(parts);
    for (size_t i = parts->count; i-- > 0;) {
        weir_bytes bytes = weir_parts_bytes(parts, i);
        uint64_t start = weir_parts_at(parts, i)->start;
        size_t read = reader <= start ? 0 : (size_t)(reader - start);
        if (read >= bytes.len) break;
        const uint8_t *hit = memrchr(bytes.ptr + read, byte, bytes.len - read);
        if (hit != NULL) return (size_t)(start - reader) + (size_t)(hit - bytes.ptr);
    }
    return WEIR_NOT_FOUND;
}

size_t weir_buf_find_last(const weir_buf *buf, uint8_t byte) {
    if (weir_buf_is_composite(buf)) return find_last_in_parts(weir_composite_of(buf), byte);
    const uint8_t *hit = memrchr(buf->rp, byte, (size_t)(buf->wp - buf->rp));
    return hit == NULL ? WEIR_NOT_FOUND : (size_t)(hit - buf->rp);
}

size_t weir_buf_find_any(const weir_buf *buf, size_t from, weir_bytes set) {
    bool wanted[256] = {false};
    for (size_t i = 0; i < set.len; i++) wanted[set.ptr[i]] = true;
    buf_walk walk = walk_rest(buf, from);
    buf_run run;
    for (size_t at = from; weir_walk_next(&walk, &run); at += run.len) {
        for (size_t i = 0; i < run.len; i++) {
            if (wanted[run.ptr[i]]) return at + i;
        }
    }
    return WEIR_NOT_FOUND;
}

/* ---- many bytes ------------------------------------------------------------------------------- */

static size_t find_in_run(buf_run run, weir_bytes needle) {
    const uint8_t *hit = memmem(run.ptr, run.len, needle.ptr, needle.len);
    return hit == NULL ? WEIR_NOT_FOUND : (size_t)(hit - run.ptr);
}

/* Runs as long as the needle are memmem's. The starts in between, from which the needle would reach into
 * the next run, are looked at together when the next long run is known: each start once, no memory. */
static size_t find_across_parts(const weir_buf *buf, size_t from, weir_bytes needle) {
    two_way seams = two_way_over(weir_composite_of(buf), needle);
    size_t next = from; /* no occurrence starts before it */
    buf_walk walk = walk_rest(buf, from);
    buf_run run;
    for (size_t at = from; weir_walk_next(&walk, &run); at += run.len) {
        if (run.len < needle.len) continue;
        size_t hit = two_way_find(&seams, next, at);
        if (hit != WEIR_NOT_FOUND) return hit;
        hit = find_in_run(run, needle);
        if (hit != WEIR_NOT_FOUND) return at + hit;
        next = at + run.len - needle.len + 1;
    }
    return two_way_find(&seams, next, weir_buf_readable(buf) - needle.len + 1);
}

size_t weir_buf_find_bytes(const weir_buf *buf, size_t from, weir_bytes needle) {
    size_t readable = weir_buf_readable(buf);
    if (from > readable || needle.len > readable - from) return WEIR_NOT_FOUND;
    if (needle.len == 0) return from;
    if (weir_buf_is_composite(buf)) return find_across_parts(buf, from, needle);
    size_t hit = find_in_run((buf_run){buf->rp + from, readable - from}, needle);
    return hit == WEIR_NOT_FOUND ? hit : from + hit;
}

bool weir_buf_visit(const weir_buf *buf, size_t at, size_t len, weir_buf_visit_fn *visit, void *arg) {
    buf_walk walk = weir_walk_readable(buf, at, len);
    buf_run run;
    while (weir_walk_next(&walk, &run)) {
        if (!visit(arg, weir_bytes_of(run.ptr, run.len))) return false;
    }
    return true;
}

/* ---- comparing -------------------------------------------------------------------------------- */

/* Two walks side by side, cut into stretches that lie together in both. */
static int compare_walks(buf_walk *walk, buf_walk *other) {
    buf_run a = {NULL, 0}, b = {NULL, 0};
    for (;;) {
        if (a.len == 0 && !weir_walk_next(walk, &a)) return 0;
        if (b.len == 0 && !weir_walk_next(other, &b)) return 0;
        size_t n = a.len < b.len ? a.len : b.len;
        int order = memcmp(a.ptr, b.ptr, n);
        if (order != 0) return order;
        a = (buf_run){a.ptr + n, a.len - n};
        b = (buf_run){b.ptr + n, b.len - n};
    }
}

int weir_buf_compare(const weir_buf *buf, const weir_buf *other) {
    buf_walk walk = walk_rest(buf, 0), other_walk = walk_rest(other, 0);
    size_t len = walk.left, other_len = other_walk.left;
    int order = compare_walks(&walk, &other_walk);
    return order != 0 ? order : (len > other_len) - (len < other_len);
}

bool weir_buf_equal(const weir_buf *buf, const weir_buf *other) {
    return weir_buf_readable(buf) == weir_buf_readable(other) && weir_buf_compare(buf, other) == 0;
}

bool weir_buf_equal_bytes(const weir_buf *buf, weir_bytes bytes) {
    if (weir_buf_readable(buf) != bytes.len) return false;
    buf_walk walk = walk_rest(buf, 0);
    buf_run run;
    for (const uint8_t *at = bytes.ptr; weir_walk_next(&walk, &run); at += run.len) {
        if (memcmp(run.ptr, at, run.len) != 0) return false;
    }
    return true;
}

uint64_t weir_buf_hash(const weir_buf *buf) {
    uint64_t hash = 0xcbf29ce484222325u; /* FNV-1a: offset basis and prime */
    buf_walk walk = walk_rest(buf, 0);
    buf_run run;
    while (weir_walk_next(&walk, &run)) {
        for (size_t i = 0; i < run.len; i++) hash = (hash ^ run.ptr[i]) * 0x100000001b3u;
    }
    return hash;
}
