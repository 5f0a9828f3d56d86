/* buf_view.c - slices, duplicates, copies, and foreign memory as a buf. */
#include <weir/buffer/buf_view.h>

#include <weir/buffer/buf_bytes.h>

#include "buf_parts.h"
#include "buf_room.h"
#include "header_cache.h"
#include "view.h"

static weir_leak_counter wraps = {.name = "wrapped buf"};

/* ---- view headers ----------------------------------------------------------------------------- */

/* Somebody holds a root that is sliced, and as a rule still does when the slice goes. So its count changes without
 * a look at it first: after another change of a count a look waits for that to be done, longer than it takes. */
static inline void hold(weir_buf *root) {
    if (root == &weir_buf_empty_root.buf) return;
    uint32_t before = __atomic_fetch_add(&root->obj.count, 1, __ATOMIC_RELAXED);
    if (WEIR_LIKELY(before - 1 < WEIR_OBJ_IMMORTAL - 2)) return;
    __atomic_fetch_sub(&root->obj.count, 1, __ATOMIC_RELAXED);
    weir_obj_retain_slowly(&root->obj);
}

static inline void let_go(weir_buf *root) {
    if (root == &weir_buf_empty_root.buf) return;
    uint32_t before = __atomic_fetch_sub(&root->obj.count, 1, __ATOMIC_ACQ_REL);
    if (before == 1) weir_buf_release_last(root);
    if (WEIR_UNLIKELY(before == 0)) weir_obj_misused(root, "released");
}

static inline void open_view(weir_buf *view, weir_buf *root, uint8_t *ptr, size_t len, uint32_t flags) {
    view->obj.bits = WEIR_BUF_VIEW | (flags & WEIR_BUF_READ_ONLY);
    view->base = view->rp = ptr;
    view->wp = view->ep = ptr + len;
    view->root = root;
    view->max = len;
}

static WEIR_COLD weir_buf *make_view(weir_buf *root, uint8_t *ptr, size_t len, uint32_t flags) {
    weir_buf *view = weir_header_make(HEADER_VIEW);
    if (view == NULL) return NULL;
    weir_obj_init(&view->obj, &weir_buf_type);
    open_view(view, root, ptr, len, flags);
    weir_buf_retain(root);
    return view;
}

weir_buf *weir_view_new(weir_buf *root, uint8_t *ptr, size_t len, uint32_t flags) {
    weir_buf *view = weir_header_take(HEADER_VIEW);
    if (WEIR_UNLIKELY(view == NULL)) return make_view(root, ptr, len, flags);
    weir_obj_mark_alive(&view->obj, &weir_buf_type);
    open_view(view, root, ptr, len, flags);
    hold(root);
    return view;
}

void weir_view_free(weir_buf *view) {
    weir_buf *root = view->root;
    weir_header_put(HEADER_VIEW, view);
    if (WEIR_UNLIKELY(weir_leak_is_tracking())) {
        weir_buf_release(root);
    } else {
        let_go(root);
    }
}

weir_buf *weir_view_take_root(weir_buf *buf) {
    weir_buf *root = buf->root;
    if (weir_obj_is_unshared(buf)) {
        buf->root = weir_buf_empty();
    } else {
        weir_buf_retain(root);
    }
    weir_buf_release(buf);
    return root;
}

/* ---- views ------------------------------------------------------------------------------------ */

static inline void require_range(size_t at, size_t len, size_t readable) {
    WEIR_CHECK(len <= readable && at <= readable - len, "a slice of %zu bytes at %zu of %zu readable ones",
               len, at, readable);
}

/* Out of line, so that the slice of one stretch of memory needs no stack. */
static __attribute__((noinline)) weir_buf *slice_parts(buf_composite *parts, size_t at, size_t len) {
    require_range(at, len, weir_buf_readable(&parts->buf));
    if (len == 0) return weir_view_new(weir_buf_empty(), weir_buf_nothing, 0, parts->buf.obj.bits);
    uint64_t pos = weir_parts_reader(parts) + at;
    size_t i = weir_parts_find(parts, pos);
    const buf_part *part = weir_parts_at(parts, i);
    at = (size_t)(pos - part->start);
    if (len > weir_parts_bytes(parts, i).len - at) return weir_composite_view(parts, pos, pos + len, len);
    return weir_view_new(part->root, part->ptr + at, len, part->flags | parts->buf.obj.bits);
}

weir_buf *weir_buf_slice(weir_buf *buf, size_t at, size_t len) {
    if (weir_buf_is_composite(buf)) return slice_parts(weir_composite_of(buf), at, len);
    require_range(at, len, (size_t)(buf->wp - buf->rp));
    return weir_view_new(buf->root, buf->rp + at, len, buf->obj.bits);
}

weir_buf *weir_buf_read_slice(weir_buf *buf, size_t len) {
    weir_buf *slice = weir_buf_slice(buf, 0, len);
    if (slice != NULL) weir_buf_skip(buf, len);
    return slice;
}

static weir_buf *duplicate_parts(buf_composite *parts) {
    uint64_t begin = weir_parts_begin(parts);
    weir_buf *twin = weir_composite_view(parts, begin, weir_parts_end(parts), parts->buf.max);
    if (twin != NULL) weir_parts_seek(weir_composite_of(twin), weir_parts_reader(parts) - begin);
    return twin;
}

weir_buf *weir_buf_duplicate(weir_buf *buf) {
    if (weir_buf_is_composite(buf)) return duplicate_parts(weir_composite_of(buf));
    weir_buf *twin = weir_view_new(buf->root, buf->base, 0, buf->obj.bits);
    if (twin == NULL) return NULL;
    twin->rp = buf->rp;
    twin->wp = buf->wp;
    twin->ep = buf->ep;
    twin->max = buf->max;
    return twin;
}

weir_buf *weir_buf_copy(const weir_buf *buf) {
    size_t readable = weir_buf_readable(buf);
    weir_buf *copy = weir_buf_new(readable);
    if (copy == NULL) return NULL;
    weir_buf_peek_bytes(buf, copy->wp, readable);
    copy->wp += readable;
    return copy;
}

/* ---- foreign memory --------------------------------------------------------------------------- */

static void free_foreign(weir_buf_free_fn *free_fn, void *arg, void *ptr, size_t len) {
    if (free_fn != NULL) free_fn(arg, ptr, len);
}

static void give_foreign_back(buf_root *root) {
    const buf_store *store = &root->store;
    void *ptr = store->mem == weir_buf_nothing ? NULL : store->mem;
    free_foreign((weir_buf_free_fn *)store->detail, store->owner, ptr, store->size);
    weir_leak_count(&wraps, -1);
    weir_header_put(HEADER_ROOT, &root->buf);
}

static const buf_maker wrap_maker = {.name = "wrapped", .another = NULL, .give_back = give_foreign_back};

weir_buf *weir_buf_wrap(void *ptr, size_t len, weir_buf_free_fn *free_fn, void *arg) {
    weir_buf *buf = weir_header_get(HEADER_ROOT);
    if (buf == NULL) {
        free_foreign(free_fn, arg, ptr, len);
        return NULL;
    }
    buf_root *root = buf_root_of(buf);
    uint8_t *mem = ptr != NULL ? ptr : weir_buf_nothing;
    root->store = (buf_store){&wrap_maker, mem, len, arg, (uintptr_t)free_fn};
    buf_root_open(root, len);
    buf->wp = buf->ep;
    weir_leak_count(&wraps, 1);
    return buf;
}

weir_buf *weir_buf_wrap_const(const void *ptr, size_t len) {
    weir_buf *buf = weir_buf_wrap((void *)(uintptr_t)ptr, len, NULL, NULL);
    if (buf != NULL) buf->obj.bits |= WEIR_BUF_READ_ONLY;
    return buf;
}
