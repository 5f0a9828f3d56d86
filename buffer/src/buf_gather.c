/* buf_gather.c - many pieces into one buf. */
#include <weir/buffer/buf_gather.h>

#include <weir/buffer/buf_bytes.h>

#include "buf_parts.h"
#include "buf_room.h"

weir_status weir_buf_append_ref_or_copy(weir_buf *buf, weir_buf *part, size_t threshold) {
    WEIR_CHECK(weir_buf_is_composite(buf), "this buf is not a composite: %p", (void *)buf);
    WEIR_CHECK(part != buf, "a composite was added to itself: %p", (void *)buf);
    bool is_small = part != NULL && weir_buf_readable(part) < threshold;
    if (!is_small || weir_buf_status(part) != WEIR_OK) return weir_buf_composite_append(buf, part);
    weir_buf_write_buf(buf, part, weir_buf_readable(part));
    weir_buf_release(part);
    return weir_buf_status(buf);
}

void weir_buf_write_iovecs(weir_buf *buf, const struct iovec *vecs, size_t count) {
    size_t total = 0;
    for (size_t i = 0; i < count; i++) {
        if (!__builtin_add_overflow(total, vecs[i].iov_len, &total)) continue;
        weir_buf_fail(buf, WEIR_E_FULL);
        return;
    }
    uint8_t *room = weir_buf_reserve(buf, total);
    if (room == NULL) return;
    for (size_t i = 0; i < count; i++) {
        if (vecs[i].iov_len > 0) memcpy(room, vecs[i].iov_base, vecs[i].iov_len);
        room += vecs[i].iov_len;
    }
    weir_buf_commit(buf, total);
}

/* ---- room in pieces --------------------------------------------------------------------------- */

/* A block like the memory of the last part. */
static weir_buf *another_block(const weir_buf *buf, size_t n) {
    const buf_composite *parts = weir_composite_of(buf);
    weir_buf *like = parts->count > 0 ? weir_parts_at(parts, parts->count - 1)->root : parts->pen;
    return weir_buf_another(like != NULL ? like : weir_buf_empty(), n);
}

bool weir_buf_reserve_scatter(weir_buf *buf, size_t n, weir_buf_scatter *scatter) {
    WEIR_CHECK(n > 0, "room for no bytes was asked for: %p", (void *)buf);
    REQUIRE_WRITABLE(buf);
    *scatter = (weir_buf_scatter){.count = 0};
    if (weir_buf_status(buf) != WEIR_OK) return false;
    size_t at_hand = weir_buf_writable(buf);
    if (at_hand >= n || !weir_buf_is_composite(buf)) at_hand = n;
    if (n > weir_buf_max_writable(buf)) {
        weir_buf_fail(buf, WEIR_E_FULL);
        return false;
    }
    if (at_hand > 0) {
        uint8_t *room = weir_buf_reserve(buf, at_hand);
        if (room == NULL) return false;
        scatter->vecs[scatter->count++] = (struct iovec){.iov_base = room, .iov_len = at_hand};
    }
    if (at_hand == n) return true;
    scatter->more = another_block(buf, n - at_hand);
    if (scatter->more == NULL) {
        weir_buf_fail(buf, WEIR_E_NO_MEMORY);
        return false;
    }
    scatter->vecs[scatter->count++] = (struct iovec){.iov_base = scatter->more->wp, .iov_len = n - at_hand};
    return true;
}

/* What the caller fills in the block becomes a part; the rest of it is room for what is written next. */
static void write_on_in(weir_buf *buf, weir_buf *block) {
    buf_composite *parts = weir_composite_of(buf);
    uint64_t reader = weir_parts_reader(parts);
    weir_parts_settle(parts);
    weir_buf_release(parts->pen);
    parts->pen = block;
    weir_parts_seek(parts, reader);
}

void weir_buf_commit_scatter(weir_buf *buf, weir_buf_scatter *scatter, size_t n) {
    weir_buf *more = scatter->more;
    size_t all = 0;
    for (size_t i = 0; i < scatter->count; i++) all += scatter->vecs[i].iov_len;
    size_t at_hand = more == NULL ? all : all - scatter->vecs[scatter->count - 1].iov_len;
    WEIR_CHECK(n <= all, "committed %zu bytes of the %zu that were reserved", n, all);
    *scatter = (weir_buf_scatter){.count = 0};
    weir_buf_commit(buf, n < at_hand ? n : at_hand);
    if (n <= at_hand) {
        weir_buf_release(more);
        return;
    }
    write_on_in(buf, more);
    weir_buf_commit(buf, n - at_hand);
}
