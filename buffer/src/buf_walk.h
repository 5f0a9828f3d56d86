/* buf_walk.h - private: the bytes of any buf, run by run.
 *
 *     buf_walk walk = weir_walk_readable(buf, at, len);
 *     while (weir_walk_next(&walk, &run)) use(run.ptr, run.len);
 *
 * One run for a plain buf, one for each part of a composite. Runs are never empty. Nothing moves.
 */
#ifndef WEIR_BUF_WALK_H
#define WEIR_BUF_WALK_H

#include "buf_parts.h"

typedef struct buf_run {
    uint8_t *ptr;
    size_t len;
} buf_run;

typedef struct buf_walk {
    const weir_buf *buf;
    size_t part; /* of a composite: where the next run lies */
    size_t skip; /* bytes before it, in the part or from base */
    size_t left;
} buf_walk;

/* `len` bytes from position `at`. Requires: at + len <= capacity. */
static inline buf_walk weir_walk_at(const weir_buf *buf, size_t at, size_t len) {
    buf_walk walk = {buf, 0, at, len};
    if (weir_buf_is_composite(buf) && len > 0) {
        const buf_composite *parts = weir_composite_of(buf);
        uint64_t pos = weir_parts_begin(parts) + at;
        walk.part = weir_parts_find(parts, pos);
        walk.skip = (size_t)(pos - weir_parts_at(parts, walk.part)->start);
    }
    return walk;
}

/* `len` bytes that start `at` bytes after the reader index. Stops a caller that asks for more than there is. */
buf_walk weir_walk_readable(const weir_buf *buf, size_t at, size_t len);

static inline bool weir_walk_next(buf_walk *walk, buf_run *run) {
    if (walk->left == 0) return false;
    run->ptr = walk->buf->base + walk->skip;
    run->len = walk->left;
    if (weir_buf_is_composite(walk->buf)) {
        weir_bytes bytes = weir_parts_bytes(weir_composite_of(walk->buf), walk->part++);
        run->ptr = (uint8_t *)(uintptr_t)bytes.ptr + walk->skip;
        if (bytes.len - walk->skip < run->len) run->len = bytes.len - walk->skip;
        walk->skip = 0;
    }
    walk->left -= run->len;
    return true;
}

#endif
