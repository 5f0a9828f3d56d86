/* buf_memory.c - how much memory a buf pins, copying out of it, and copying before a change in place. */
#include <weir/buffer/buf_memory.h>

#include <weir/buffer/buf_bytes.h>

#include "buf_parts.h"
#include "buf_room.h"

/* A buf may have this much however little is in it. */
enum {
    SMALL_CHANGE = 64
};

/* ---- how much --------------------------------------------------------------------------------- */

/* A root whose window moved on holds its old memory, for the views that look at it, and the new. */
static size_t pinned_by_root(weir_buf *root) {
    size_t size = buf_root_of(root)->store.size;
    return root->root == root ? size : size + buf_root_of(root->root)->store.size;
}

static size_t pinned_by_parts(const buf_composite *parts) {
    size_t size = 0;
    const weir_buf *neighbour = NULL;
    for (size_t i = 0; i < parts->count; i++) {
        weir_buf *root = weir_parts_at(parts, i)->root;
        if (root != neighbour) size += pinned_by_root(root);
        neighbour = root;
    }
    return parts->pen == NULL || parts->pen == neighbour ? size : size + pinned_by_root(parts->pen);
}

size_t weir_buf_pinned(const weir_buf *buf) {
    if (weir_buf_is_composite(buf)) return pinned_by_parts(weir_composite_of(buf));
    bool is_view = (buf->obj.bits & WEIR_BUF_VIEW) != 0;
    return pinned_by_root(is_view ? buf->root : (weir_buf *)(uintptr_t)buf);
}

/* ---- copies ----------------------------------------------------------------------------------- */

static weir_buf *root_of(const weir_buf *buf) {
    if (!weir_buf_is_composite(buf)) return buf->root;
    const buf_composite *parts = weir_composite_of(buf);
    return parts->count == 0 ? weir_buf_empty() : weir_parts_at(parts, 0)->root;
}

/* Bytes `at` to the writer index, with what is left of the reader index, in memory of the same kind. */
static weir_buf *copy_from(const weir_buf *buf, size_t at) {
    size_t n = weir_buf_writer_index(buf) - at;
    weir_buf *copy = weir_buf_another(root_of(buf), n);
    if (copy == NULL) return NULL;
    weir_buf_get_bytes(buf, at, copy->base, n);
    copy->rp = copy->base + (weir_buf_reader_index(buf) - at);
    copy->wp = copy->base + n;
    buf_root_alter(copy);
    copy->max = buf->max;
    copy->ep = weir_buf_memory_end(copy);
    return copy;
}

weir_buf *weir_buf_compact_if(weir_buf *buf, size_t ratio) {
    WEIR_CHECK(ratio > 0, "a ratio of 0 would copy everything");
    if (buf == NULL || weir_buf_status(buf) != WEIR_OK) return buf;
    size_t readable = weir_buf_readable(buf);
    size_t fair = readable > SMALL_CHANGE ? readable : SMALL_CHANGE;
    if (weir_buf_pinned(buf) / ratio <= fair) return buf;
    weir_buf *copy = copy_from(buf, weir_buf_reader_index(buf));
    if (copy == NULL) return buf;
    if (weir_buf_is_read_only(buf)) weir_buf_set_read_only(copy);
    weir_buf_release(buf);
    return copy;
}

/* ---- unsharing -------------------------------------------------------------------------------- */

static bool own_part(buf_part *part) {
    if (part->flags == 0 && weir_obj_is_unshared(part->root)) return true;
    weir_buf *fresh = weir_buf_another(part->root, part->len);
    if (fresh == NULL) return false;
    memcpy(fresh->base, part->ptr, part->len);
    weir_buf_release(part->root);
    part->root = fresh;
    part->ptr = fresh->base;
    part->flags = 0;
    return true;
}

/* Without the pen: it would hold a reference on a part. */
static bool own_parts(buf_composite *parts) {
    uint64_t reader = weir_parts_reader(parts);
    weir_parts_settle(parts);
    weir_buf_release(parts->pen);
    parts->pen = NULL;
    bool has_all = true;
    for (size_t i = 0; i < parts->count && has_all; i++) has_all = own_part(weir_parts_at(parts, i));
    weir_parts_seek(parts, reader);
    return has_all;
}

/* A header of one's own over the same parts. */
static weir_buf *own_header(weir_buf *buf) {
    if (weir_obj_is_unshared(buf)) {
        buf->obj.bits &= ~(uint32_t)WEIR_BUF_READ_ONLY;
        return buf;
    }
    buf_composite *parts = weir_composite_of(buf);
    uint64_t begin = weir_parts_begin(parts);
    weir_buf *twin = weir_composite_view(parts, begin, weir_parts_end(parts), buf->max);
    if (twin != NULL) {
        weir_parts_seek(weir_composite_of(twin), weir_parts_reader(parts) - begin);
        twin->obj.bits &= ~(uint32_t)WEIR_BUF_READ_ONLY;
    }
    weir_buf_release(buf);
    return twin;
}

static weir_buf *unshare_composite(weir_buf *buf) {
    weir_buf *own = own_header(buf);
    if (own == NULL || own_parts(weir_composite_of(own))) return own;
    weir_buf_release(own);
    return NULL;
}

static weir_buf *unshare_plain(weir_buf *buf) {
    if (weir_buf_is_unshared(buf) && !weir_buf_is_read_only(buf)) return buf;
    weir_buf *own = copy_from(buf, 0);
    weir_buf_release(buf);
    return own;
}

weir_buf *weir_buf_unshare(weir_buf *buf) {
    if (buf == NULL) return NULL;
    weir_status status = weir_buf_status(buf);
    weir_buf *own = weir_buf_is_composite(buf) ? unshare_composite(buf) : unshare_plain(buf);
    if (own != NULL && status != WEIR_OK) weir_buf_fail(own, status);
    return own;
}
