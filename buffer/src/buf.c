/* buf.c - the life of a buf and where its indices stand.
 *
 * Rule: whoever takes writes away from a buf (read-only, a failure) moves `ep` to `wp`, so that the
 * inline writes miss and the slow path finds out why.
 */
#include <weir/buffer/buf.h>

#include "buf_parts.h"
#include "buf_room.h"
#include "view.h"

uint8_t weir_buf_nothing[1];

/* ---- life ------------------------------------------------------------------------------------- */

static void free_root(weir_buf *buf) {
    if (buf->root != buf) weir_buf_release(buf->root);
    buf_root *root = buf_root_of(buf);
    root->store.maker->give_back(root);
}

static void free_buf(weir_obj *self) {
    weir_buf *buf = (weir_buf *)self;
    if (buf->obj.bits == WEIR_BUF_PRISTINE) {
        pool_take_back(buf_root_of(buf));
    } else if ((buf->obj.bits & WEIR_BUF_VIEW) != 0) {
        weir_view_free(buf);
    } else if (weir_buf_is_composite(buf)) {
        weir_composite_free(buf);
    } else {
        free_root(buf);
    }
}

static uint64_t readable_size(const weir_obj *self) {
    return weir_buf_readable((const weir_buf *)self);
}

const weir_obj_type weir_buf_type = {
    .name = "buf",
    .free = free_buf,
    .size = readable_size,
    .live = NULL, /* the makers count: each knows its kind */
};

void weir_buf_release_unpooled(weir_buf *buf) {
    if (WEIR_UNLIKELY(weir_leak_is_tracking())) {
        weir_obj_release_last(&buf->obj);
    } else {
        weir_obj_mark_dead(&buf->obj);
        free_buf(&buf->obj);
    }
}

/* ---- the empty one ---------------------------------------------------------------------------- */

static void keep(buf_root *root) {
    (void)root;
}

static const buf_maker empty_maker = {.name = "empty", .another = NULL, .give_back = keep};

buf_root weir_buf_empty_root = {
    .buf = {.obj = {&weir_buf_type, WEIR_OBJ_IMMORTAL, WEIR_BUF_READ_ONLY},
            .rp = weir_buf_nothing,
            .wp = weir_buf_nothing,
            .ep = weir_buf_nothing,
            .base = weir_buf_nothing,
            .root = &weir_buf_empty_root.buf,
            .max = 0},
    .store = {.maker = &empty_maker, .mem = weir_buf_nothing, .size = 0, .owner = NULL, .detail = 0},
};

weir_buf *weir_buf_empty(void) {
    return &weir_buf_empty_root.buf;
}

/* ---- questions -------------------------------------------------------------------------------- */

size_t weir_buf_readable_slow(const weir_buf *buf) {
    const buf_composite *parts = weir_composite_of(buf);
    return (size_t)(weir_parts_end(parts) - weir_parts_reader(parts));
}

size_t weir_buf_reader_index_slow(const weir_buf *buf) {
    const buf_composite *parts = weir_composite_of(buf);
    return (size_t)(weir_parts_reader(parts) - weir_parts_begin(parts));
}

size_t weir_buf_capacity_slow(const weir_buf *buf) {
    const buf_composite *parts = weir_composite_of(buf);
    return (size_t)(weir_parts_end(parts) - weir_parts_begin(parts));
}

size_t weir_buf_writable_slow(const weir_buf *buf) {
    return weir_buf_takes_writes(buf) ? weir_composite_writable(weir_composite_of(buf)) : 0;
}

weir_bytes weir_buf_peek_slow(const weir_buf *buf) {
    const buf_composite *parts = weir_composite_of(buf);
    if (parts->cur + 1 >= parts->count) return weir_bytes_of(buf->rp, 0);
    return weir_parts_bytes(parts, parts->cur + 1);
}

size_t weir_buf_max_writable(const weir_buf *buf) {
    size_t used = weir_buf_writer_index(buf);
    return weir_buf_takes_writes(buf) && buf->max > used ? buf->max - used : 0;
}

bool weir_buf_is_unshared(const weir_buf *buf) {
    if (!weir_obj_is_unshared(buf)) return false;
    if (weir_buf_is_composite(buf)) return weir_parts_are_unshared(weir_composite_of(buf));
    return buf->root == buf || weir_obj_is_unshared(buf->root);
}

/* ---- positions -------------------------------------------------------------------------------- */

bool weir_buf_skip_slow(weir_buf *buf, size_t n) {
    if (weir_buf_readable(buf) < n) return false;
    buf_composite *parts = weir_composite_of(buf);
    weir_parts_seek(parts, weir_parts_reader(parts) + n);
    return true;
}

bool weir_buf_set_positions(weir_buf *buf, size_t reader, size_t writer) {
    if (reader > writer || writer > weir_buf_capacity(buf)) return false;
    if (weir_buf_is_composite(buf)) {
        weir_composite_set_positions(weir_composite_of(buf), reader, writer);
        return true;
    }
    buf->rp = buf->base + reader;
    buf->wp = buf->base + writer;
    if (!weir_buf_takes_writes(buf)) buf->ep = buf->wp;
    return true;
}

bool weir_buf_prepend(weir_buf *buf, size_t n) {
    REQUIRE_WRITABLE(buf);
    size_t reader = weir_buf_reader_index(buf);
    if (n > reader) return false;
    return weir_buf_set_positions(buf, reader - n, weir_buf_writer_index(buf));
}

void weir_buf_clear(weir_buf *buf) {
    if (buf == weir_buf_empty()) return;
    buf->obj.bits &= 0xffffu;
    if (weir_buf_is_composite(buf)) {
        weir_composite_clear(weir_composite_of(buf));
        return;
    }
    buf->rp = buf->wp = buf->base;
    buf->ep = weir_buf_takes_writes(buf) ? weir_buf_memory_end(buf) : buf->wp;
}

/* ---- no more writes --------------------------------------------------------------------------- */

static void end_writes(weir_buf *buf) {
    if (weir_buf_is_composite(buf)) weir_parts_settle(weir_composite_of(buf));
    buf->ep = buf->wp;
}

void weir_buf_set_read_only(weir_buf *buf) {
    if (weir_buf_is_read_only(buf)) return;
    end_writes(buf);
    buf->obj.bits |= WEIR_BUF_READ_ONLY;
}

void weir_buf_fail(weir_buf *buf, weir_status status) {
    WEIR_CHECK(status < 0 && status >= -0xffff, "a buf cannot fail with status %d", status);
    WEIR_CHECK(buf != weir_buf_empty(), "the empty buf is read-only, it cannot fail");
    if (weir_buf_status(buf) != WEIR_OK) return;
    end_writes(buf);
    buf->obj.bits |= (uint32_t)-status << 16;
}
