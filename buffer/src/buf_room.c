/* buf_room.c - room to write: reserving, growing, and moving bytes to where there is some.
 *
 * Rule: memory that others look at never moves and never changes hands. Growing a shared buf leaves the
 * old memory with its views; an unshared one has its memory enlarged where the maker can do that, or
 * exchanges it with a fresh buf's, and the old goes back.
 */
#include "buf_room.h"

#include "buf_parts.h"

enum {
    SMALLEST = 64,
    DOUBLING_ENDS = 4 * 1024 * 1024
};

size_t weir_buf_growth(size_t need, size_t max) {
    size_t capacity = SMALLEST;
    if (need <= DOUBLING_ENDS) {
        while (capacity < need) capacity *= 2;
    } else if (need > SIZE_MAX - DOUBLING_ENDS) {
        capacity = need;
    } else {
        capacity = (need + DOUBLING_ENDS - 1) / DOUBLING_ENDS * DOUBLING_ENDS;
    }
    return capacity < max ? capacity : max;
}

uint8_t *weir_buf_memory_end(const weir_buf *buf) {
    const buf_store *store = &buf_root_of(buf->root)->store;
    uint8_t *end = store->mem + store->size;
    return buf->max < (size_t)(end - buf->base) ? buf->base + buf->max : end;
}

/* ---- growing ---------------------------------------------------------------------------------- */

/* Nobody else looks at the memory that came with this header, so it may change. */
static bool is_own_root(const weir_buf *buf) {
    return (buf->obj.bits & WEIR_BUF_VIEW) == 0 && weir_obj_is_unshared(buf);
}

static bool enlarge_memory(weir_buf *buf, size_t capacity) {
    buf_root *root = buf_root_of(buf);
    if (!is_own_root(buf) || buf->root != buf || root->store.maker->enlarge == NULL) return false;
    if (!root->store.maker->enlarge(root, capacity)) return false;
    buf->base = root->store.mem;
    return true;
}

static bool move_to_other_memory(weir_buf *buf, size_t capacity) {
    weir_buf *fresh = weir_buf_another(buf->root, capacity);
    if (fresh == NULL) return false;
    memcpy(fresh->base, buf->base, (size_t)(buf->wp - buf->base));
    buf->base = fresh->base;
    buf_root_alter(buf);
    weir_buf *held = buf->root == buf ? NULL : buf->root;
    if (is_own_root(buf) && buf_root_of(buf)->store.maker == buf_root_of(fresh)->store.maker) {
        buf_store old = buf_root_of(buf)->store;
        buf_root_of(buf)->store = buf_root_of(fresh)->store;
        buf_root_of(fresh)->store = old;
        buf->root = buf;
        buf_root_alter(fresh);
        weir_buf_release(fresh);
    } else {
        buf->root = fresh;
    }
    weir_buf_release(held);
    return true;
}

static weir_status grow_to(weir_buf *buf, size_t capacity) {
    size_t reader = (size_t)(buf->rp - buf->base);
    size_t writer = (size_t)(buf->wp - buf->base);
    if (!enlarge_memory(buf, capacity) && !move_to_other_memory(buf, capacity)) return WEIR_E_NO_MEMORY;
    buf->rp = buf->base + reader;
    buf->wp = buf->base + writer;
    buf->ep = weir_buf_memory_end(buf);
    return WEIR_OK;
}

weir_status weir_buf_make_room(weir_buf *buf, size_t n) {
    if (weir_buf_is_composite(buf)) return weir_composite_make_room(weir_composite_of(buf), n);
    size_t used = (size_t)(buf->wp - buf->base);
    if (n > buf->max - used) return WEIR_E_FULL;
    uint8_t *end = weir_buf_memory_end(buf);
    if (n > (size_t)(end - buf->wp)) return grow_to(buf, weir_buf_growth(used + n, buf->max));
    buf->ep = end;
    return WEIR_OK;
}

/* ---- asking for room -------------------------------------------------------------------------- */

uint8_t *weir_buf_reserve(weir_buf *buf, size_t n) {
    REQUIRE_WRITABLE(buf);
    if (weir_buf_status(buf) != WEIR_OK) return NULL;
    if ((size_t)(buf->ep - buf->wp) >= n) return buf->wp;
    weir_status status = weir_buf_make_room(buf, n);
    if (status != WEIR_OK) {
        weir_buf_fail(buf, status);
        return NULL;
    }
    return weir_buf_is_composite(buf) ? weir_composite_room(weir_composite_of(buf)) : buf->wp;
}

void weir_buf_commit_slow(weir_buf *buf, size_t n) {
    size_t room = weir_buf_writable(buf);
    WEIR_CHECK(n <= room, "committed %zu bytes to a buf with room for %zu", n, room);
    weir_composite_commit(weir_composite_of(buf), n);
}

weir_buf_room weir_buf_ensure_writable(weir_buf *buf, size_t n, bool force) {
    if (!weir_buf_takes_writes(buf)) return WEIR_BUF_ROOM_TOO_LITTLE;
    if (n <= weir_buf_writable(buf)) return WEIR_BUF_ROOM_ENOUGH;
    size_t most = weir_buf_max_writable(buf);
    if (n <= most) {
        return weir_buf_make_room(buf, n) == WEIR_OK ? WEIR_BUF_ROOM_GREW : WEIR_BUF_ROOM_TOO_LITTLE;
    }
    if (!force || weir_buf_writable(buf) == most) return WEIR_BUF_ROOM_TOO_LITTLE;
    return weir_buf_make_room(buf, most) == WEIR_OK ? WEIR_BUF_ROOM_GREW_TO_MAX : WEIR_BUF_ROOM_TOO_LITTLE;
}

void weir_buf_reserve_headroom(weir_buf *buf, size_t n) {
    WEIR_CHECK(weir_buf_writer_index(buf) == 0, "headroom is reserved in a buf that has bytes: %p",
               (void *)buf);
    if (weir_buf_reserve(buf, n) == NULL) return;
    weir_buf_commit(buf, n);
    weir_buf_skip(buf, n);
}

/* ---- changing the memory ---------------------------------------------------------------------- */

static void shrink_to(weir_buf *buf, size_t capacity) {
    uint8_t *end = buf->base + capacity;
    if (buf->rp > end) buf->rp = end;
    if (buf->wp > end) buf->wp = end;
    buf->ep = weir_buf_takes_writes(buf) ? end : buf->wp;
}

weir_status weir_buf_set_capacity(weir_buf *buf, size_t capacity) {
    if (weir_buf_is_composite(buf)) return WEIR_E_UNSUPPORTED;
    buf_root_alter(buf);
    if (capacity <= weir_buf_capacity(buf)) {
        shrink_to(buf, capacity);
        return WEIR_OK;
    }
    REQUIRE_WRITABLE(buf);
    if (weir_buf_status(buf) != WEIR_OK) return weir_buf_status(buf);
    if (capacity > buf->max) return WEIR_E_FULL;
    if (capacity > (size_t)(weir_buf_memory_end(buf) - buf->base)) {
        weir_status status = grow_to(buf, capacity);
        if (status != WEIR_OK) return status;
    }
    buf->ep = buf->base + capacity;
    return WEIR_OK;
}

weir_status weir_buf_compact(weir_buf *buf) {
    if (weir_buf_is_composite(buf)) {
        weir_composite_compact(weir_composite_of(buf));
        return WEIR_OK;
    }
    if (buf->rp == buf->base) return WEIR_OK;
    if (weir_buf_is_read_only(buf) || !weir_buf_is_unshared(buf)) return WEIR_E_SHARED;
    size_t readable = (size_t)(buf->wp - buf->rp);
    memmove(buf->base, buf->rp, readable);
    buf->rp = buf->base;
    buf->wp = buf->base + readable;
    if (!weir_buf_takes_writes(buf)) buf->ep = buf->wp;
    return WEIR_OK;
}
