/* <weir/transport/region.h> - bytes that are not in memory yet: a range of a file, or of anything.
 *
 * In short: write a region to a channel as you would a buf. It can always be *read* into memory, and
 * perhaps *sent* to a descriptor without passing through user space (sendfile). The transport sends
 * it when it can; a handler that must see the bytes reads them. A region is never "unsupported".
 *
 *     small (up to region_join_max)   read and joined to its neighbours in one gathered write
 *     warm file                       sendfile, straight from the page cache
 *     cold file                       filled on the thread pool first, so that the loop never waits for a disk
 *     in memory (a buf, maps)         gathered from where it lies, in one write with its neighbours
 *     neither sent nor in memory      read in pieces of 64 KiB through one pooled buf
 *
 * A region that came in by `read` (channel option read_by_splice) is a pipe's content: written on, it goes from
 * socket to socket without user space. Its bytes can be taken once and in order, whole or in slices; what asks
 * for another position, or a second time, fails with -ESPIPE.
 *
 * The length is fixed when it is made. A source that ends before it fails the write with
 * WEIR_E_TRUNCATED and the channel is aborted: the peer was promised more.
 *
 * Layer: transport. Needs buf.h. Retain and release from any thread; immutable, so any number of
 * channels may send the same one at once (but for a pipe's content: one).
 */
#ifndef WEIR_TRANSPORT_REGION_H
#define WEIR_TRANSPORT_REGION_H

#include <sys/types.h>
#include <sys/uio.h>

#include <weir/buffer/buf.h>

WEIR_BEGIN_DECLS

typedef struct weir_region weir_region;

/* What a region can do. `static const`, one per kind. Positions are relative to the region. */
typedef struct weir_region_ops {
    const char *name;
    /* Up to `n` bytes at `at` into `dst`: the count, 0 when the source ended early, or a negative status;
     * -EAGAIN when it would have to wait for a device and may not; after -EINTR it is called again. Any thread; the transport lets it wait on
     * the thread pool only. Needed. */
    ssize_t (*read)(weir_region *region, uint64_t at, void *dst, size_t n, bool may_wait);
    /* Up to `n` bytes at `at` to the non-blocking socket `fd`: the count, 0 when the source ended early, or a
     * negative status (-EAGAIN: the socket is full). On the loop, for what `read` found at hand or has waited
     * for: a source that keeps nothing of it has no `send`. NULL: can only be read. */
    ssize_t (*send)(weir_region *region, uint64_t at, size_t n, int fd);
    /* Where up to `n` bytes at `at` lie in memory, as iovecs: how many bytes they cover, or as `read` answers. With
     * `may_wait` false they cover nothing that would have to be waited for. `*count` is how many there is room
     * for, at least one, and becomes how many there are. They stay until the region goes. NULL: its bytes are
     * not in memory. Used where `send` is not. */
    ssize_t (*view)(weir_region *region, uint64_t at, size_t n, bool may_wait, struct iovec *vecs,
                    size_t *count);
    /* True: its bytes are in memory or a pipe, so that no read ever waits for a device; none is made to find out. */
    bool never_waits;
    /* True: not bytes of the stream but something said to the socket in their order, as a record of TLS that the kernel
     * frames: always sent, by a `send` that is given all of it at once, and never read (`read` answers -EOPNOTSUPP),
     * neither to be joined nor for region_copy. */
    bool only_sent;
    /* The last reference is gone: free it, whichever thread this is. Needed. */
    void (*free)(weir_region *region);
} weir_region_ops;

/* The first member of every kind of region; readable. */
struct weir_region {
    weir_obj obj;
    const weir_region_ops *ops;
    uint64_t length;
};

/* What all regions are to weir_obj_is. */
WEIR_API extern const weir_obj_type weir_region_type;

/* For kinds of your own: makes the first member of your struct a living region. Borrows: ops, for good. */
WEIR_API void weir_region_init(weir_region *region, const weir_region_ops *ops, uint64_t length);

/* A whole regular file, opened now; its length is what it is now. Borrows: path. `*out` Gives a region.
 * Fails: -errno of open(2), WEIR_E_UNSUPPORTED when it is not a regular file, WEIR_E_NO_MEMORY. */
WEIR_API weir_status weir_region_open(weir_region **out, const char *path);

/* `length` bytes at `offset` of an open file, 64 bit. Takes: fd when `own` is true (closed with the last
 * reference, and also when this fails); else it must stay open that long. Gives: a region, or NULL when out of
 * memory. Requires: offset + length does not overflow. */
WEIR_API WEIR_MUST_USE weir_region *weir_region_file(int fd, bool own, uint64_t offset, uint64_t length);

/* The readable bytes of a buf, composites too: a header and hundreds of slices leave in one write, none of them
 * copied. What is mapped is looked after as a file is: pages that are not in memory are fetched on the thread pool
 * first, which a buf written by itself is not. Takes: buf; its bytes must not change any more.
 * Gives: a region, or NULL when out of memory or when `buf` carries a failure (or is NULL). */
WEIR_API WEIR_MUST_USE weir_region *weir_region_buf(weir_buf *buf);

/* Part of a region. Borrows: region (the part holds a reference). Gives: a region, or NULL when out of memory.
 * Requires: at + length <= region->length. */
WEIR_API WEIR_MUST_USE weir_region *weir_region_slice(weir_region *region, uint64_t at, uint64_t length);

/* Reads all of `n` bytes at `at` into `dst`, which may wait for the disk. Borrows: region. Any thread.
 * Requires: at + n <= length. Fails: WEIR_E_TRUNCATED, -errno. */
WEIR_API weir_status weir_region_read(weir_region *region, uint64_t at, void *dst, size_t n);

/* Gives: one more reference; returns its argument, which may be NULL. Any thread. */
static inline weir_region *weir_region_retain(weir_region *region) {
    return (weir_region *)weir_obj_retain(region);
}

/* Takes: region, or NULL. Any thread. */
static inline void weir_region_release(weir_region *region) {
    weir_obj_release(region);
}

/* `obj` as a region when it is one, else NULL. Borrows: obj, and so the answer. */
static inline weir_region *weir_region_from(weir_obj *obj) {
    return weir_obj_is(obj, &weir_region_type) ? (weir_region *)obj : NULL;
}

WEIR_END_DECLS

#endif
