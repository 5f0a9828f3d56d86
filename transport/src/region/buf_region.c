/* buf_region.c - the bytes of a buf as a region: shown where they lie, and not before they are in memory.
 *
 * Touching a page of a map that is not in memory waits for the disk, in a system call as well as here. So a map
 * is asked about (mincore) before it is shown to somebody who must not wait. The kernel answers honestly to the
 * owner of the file and to who may write it; to others it says that all is there.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <weir/buffer/buf_io.h>
#include <weir/buffer/buf_map.h>
#include <weir/buffer/buf_view.h>
#include <weir/core/alloc.h>
#include <weir/transport/region.h>

/* Pages asked about at a time, and pieces copied at a time. */
#define PAGES_AT_ONCE 256
#define PIECES_AT_ONCE 16

typedef struct buf_region {
    weir_region region;
    weir_buf *buf;
} buf_region;

static weir_buf *buf_of(weir_region *region) {
    return WEIR_CONTAINER(region, buf_region, region)->buf;
}

/* ---- pages ---- */

static uintptr_t start_of(const struct iovec *vec) {
    return (uintptr_t)vec->iov_base;
}

static uintptr_t end_of(const struct iovec *vec) {
    return (uintptr_t)vec->iov_base + vec->iov_len;
}

static uintptr_t page_of(uintptr_t address) {
    return address & ~((uintptr_t)sysconf(_SC_PAGESIZE) - 1);
}

/* The address of the first page that is not in memory; beyond `to` when all are. */
static uintptr_t resident_until(uintptr_t from, uintptr_t to) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    unsigned char pages[PAGES_AT_ONCE];
    from = page_of(from);
    while (from < to) {
        size_t n = (to - from + page - 1) / page;
        if (n > PAGES_AT_ONCE) n = PAGES_AT_ONCE;
        if (mincore((void *)from, n * page, pages) != 0) return from; /* it does not say: rather wait */
        for (size_t i = 0; i < n; i++) {
            if ((pages[i] & 1) == 0) return from + i * page;
        }
        from += n * page;
    }
    return UINTPTR_MAX;
}

/* `next` begins in the page in which `vec` ends, or in the one behind it: no page lies between them. */
static bool goes_on_in(const struct iovec *vec, const struct iovec *next) {
    uintptr_t last = page_of(end_of(vec) - 1), first = page_of(start_of(next));
    return start_of(next) >= end_of(vec) && first - last <= (uintptr_t)sysconf(_SC_PAGESIZE);
}

/* Cuts off what begins with the first byte that is not in memory: how many pieces are left. Pieces that follow
 * each other in memory, as slices of a log do, are asked about together. */
static size_t keep_resident(struct iovec *vecs, size_t count) {
    for (size_t i = 0; i < count;) {
        size_t next = i + 1;
        while (next < count && goes_on_in(&vecs[next - 1], &vecs[next])) next++;
        uintptr_t until = resident_until(start_of(&vecs[i]), end_of(&vecs[next - 1]));
        for (; i < next; i++) {
            if (end_of(&vecs[i]) <= until) continue;
            if (start_of(&vecs[i]) >= until) return i;
            vecs[i].iov_len = until - start_of(&vecs[i]);
            return i + 1;
        }
    }
    return count;
}

/* ---- the ops ---- */

static ssize_t view_memory(weir_region *region, uint64_t at, size_t n, bool may_wait, struct iovec *vecs,
                           size_t *count) {
    size_t covered;
    (void)may_wait;
    *count = weir_buf_iovecs(buf_of(region), (size_t)at, n, vecs, *count, &covered);
    return (ssize_t)covered;
}

static ssize_t view_maps(weir_region *region, uint64_t at, size_t n, bool may_wait, struct iovec *vecs,
                         size_t *count) {
    ssize_t covered = view_memory(region, at, n, may_wait, vecs, count);
    if (may_wait || n == 0) return covered;
    *count = keep_resident(vecs, *count);
    covered = 0;
    for (size_t i = 0; i < *count; i++) covered += (ssize_t)vecs[i].iov_len;
    return covered == 0 ? -EAGAIN : covered;
}

static ssize_t read_buf(weir_region *region, uint64_t at, void *dst, size_t n, bool may_wait) {
    struct iovec vecs[PIECES_AT_ONCE];
    size_t count = PIECES_AT_ONCE;
    ssize_t covered = region->ops->view(region, at, n, may_wait, vecs, &count);
    uint8_t *to = dst;
    for (size_t i = 0; covered > 0 && i < count; i++) {
        memcpy(to, vecs[i].iov_base, vecs[i].iov_len);
        to += vecs[i].iov_len;
    }
    return covered;
}

static void free_buf(weir_region *region) {
    weir_buf_release(buf_of(region));
    weir_alloc_release(NULL, WEIR_CONTAINER(region, buf_region, region));
}

static const weir_region_ops in_memory = {
    .name = "buf", .read = read_buf, .view = view_memory, .never_waits = true, .free = free_buf};
static const weir_region_ops in_maps = {
    .name = "mapped buf", .read = read_buf, .view = view_maps, .free = free_buf};

/* Takes: buf. Gives: one whose indices nobody else moves. */
static weir_buf *own_view(weir_buf *buf) {
    if (weir_obj_is_unshared(buf)) return buf;
    weir_buf *twin = weir_buf_duplicate(buf);
    weir_buf_release(buf);
    return twin;
}

weir_region *weir_region_buf(weir_buf *buf) {
    bool has_failed = buf == NULL || weir_buf_status(buf) != WEIR_OK;
    buf_region *self = has_failed ? NULL : weir_alloc_acquire(NULL, sizeof *self);
    weir_buf *own = self == NULL ? NULL : own_view(buf);
    if (own == NULL) {
        if (self == NULL) weir_buf_release(buf);
        weir_alloc_release(NULL, self);
        return NULL;
    }
    self->buf = own;
    weir_region_init(&self->region, weir_buf_is_mapped(own) ? &in_maps : &in_memory, weir_buf_readable(own));
    return &self->region;
}
