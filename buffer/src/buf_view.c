/* buf_view.c - slices, duplicates, copies, and foreign memory as a buf. */
#include <weir/buffer/buf_view.h>

#include <weir/buffer/buf_bytes.h>

#include "buf_parts.h"
#include "buf_room.h"
#include "header_cache.h"
#include "view.h"

static weir_leak_counter views = {.name = "buf view"};
static weir_leak_counter wraps = {.name = "wrapped buf"};

/* ---- view headers ----------------------------------------------------------------------------- */

weir_buf *weir_view_new(weir_buf *root, uint8_t *ptr, size_t len, uint32_t flags) {
    weir_buf *view = weir_header_get(HEADER_VIEW);
    if (view == NULL) return NULL;
    weir_obj_init(&view->obj, &weir_buf_type);
    view->obj.bits = WEIR_BUF_VIEW | (flags & WEIR_BUF_READ_ONLY);
    view->base = view->rp = ptr;
    view->wp = view->ep = ptr + len;
    view->root = weir_buf_retain(root);
    view->max = len;
    weir_leak_count(&views, 1);
    return view;
}

void weir_view_free(weir_buf *view) {
    weir_buf_release(view->root);
    weir_leak_count(&views, -1);
    weir_header_put(HEADER_VIEW, view);
}

weir_buf *weir_view_take_root(weir_buf *buf) {
    weir_buf *root = buf->root;
    if (root == buf) return root;
    if (weir_obj_is_unshared(buf)) {
        buf->root = NULL;
    } else {
        weir_buf_retain(root);
    }
    weir_buf_release(buf);
    return root;
}

/* ---- views ------------------------------------------------------------------------------------ */

static weir_buf *slice_parts(buf_composite *parts, uint64_t pos, size_t len) {
    if (len == 0) return weir_view_new(weir_buf_empty(), weir_buf_nothing, 0, parts->buf.obj.bits);
    size_t i = weir_parts_find(parts, pos);
    const buf_part *part = weir_parts_at(parts, i);
    size_t at = (size_t)(pos - part->start);
    if (len > weir_parts_bytes(parts, i).len - at) return weir_composite_view(parts, pos, pos + len, len);
    return weir_view_new(part->root, part->ptr + at, len, part->flags | parts->buf.obj.bits);
}

weir_buf *weir_buf_slice(weir_buf *buf, size_t at, size_t len) {
    size_t readable = weir_buf_readable(buf);
    WEIR_CHECK(len <= readable && at <= readable - len, "a slice of %zu bytes at %zu of %zu readable ones",
               len, at, readable);
    if (weir_buf_is_composite(buf)) {
        buf_composite *parts = weir_composite_of(buf);
        return slice_parts(parts, weir_parts_reader(parts) + at, len);
    }
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
