/* buf_root.h - private: a buf that owns memory, and the few words between buf.c and what made it.
 *
 * A root is a weir_buf with its memory's particulars behind it. Four makers exist: the heap
 * (buf_heap.c), foreign memory (buf_view.c), mapped files (buf_map.c) and the pool (pool/pool.c). Whoever else needs memory asks the
 * maker of a buf at hand for "another like it".
 */
#ifndef WEIR_BUF_ROOT_H
#define WEIR_BUF_ROOT_H

#include <weir/buffer/buf.h>

typedef struct buf_root buf_root;

/* How a maker's bufs get memory and give it back. `static const`, one per maker. */
typedef struct buf_maker {
    const char *name;
    /* Another root of this kind with at least `capacity` bytes, born with one reference and
     * rp = wp = base; NULL when out of memory. NULL slot: cannot make any (foreign memory): the heap does. */
    weir_buf *(*another)(buf_root *like, size_t capacity);
    /* The last reference is gone: take memory and header back. The window may have moved elsewhere
     * (buf->root != buf); buf.c has released that already. */
    void (*give_back)(buf_root *root);
    /* Makes the memory of an unshared root bigger, perhaps by moving it; false, and nothing changed, when
     * that is not possible. NULL slot: another root and a copy will do. */
    bool (*enlarge)(buf_root *root, size_t capacity);
} buf_maker;

/* The memory a root owns; it moves as one when two roots exchange memory. */
typedef struct buf_store {
    const buf_maker *maker;
    uint8_t *mem;
    size_t size;
    void *owner;      /* the maker's: a magazine, an argument */
    uintptr_t detail; /* the maker's: a size class, a function */
} buf_store;

struct buf_root {
    weir_buf buf;
    buf_store store;
    buf_root *link;   /* the maker's: next in its free list */
    size_t requested; /* the maker's: what was asked for */
    uintptr_t spare;  /* the maker's */
};

_Static_assert(sizeof(weir_buf) == 64, "a buf header is one cache line");
_Static_assert(sizeof(buf_root) == 128, "a root is two");

/* Makes `root`, whose store is filled in, a living empty buf over all of its memory. */
static inline void buf_root_open(buf_root *root, size_t max) {
    weir_buf *buf = &root->buf;
    buf->rp = buf->wp = buf->base = root->store.mem;
    buf->ep = root->store.mem + root->store.size;
    buf->root = buf;
    buf->max = max;
    weir_obj_init(&buf->obj, &weir_buf_type);
}

/* A pristine buf comes back to its pool: onto a shelf, from which it goes out again as it is. */
void pool_take_back(buf_root *root);

/* What weir_buf_empty answers. */
extern buf_root weir_buf_empty_root;

/* The last release of a living buf that is not pristine. */
void weir_buf_release_unpooled(weir_buf *buf);

/* `buf` is about to get other memory or other limits than its maker gave it. */
static inline void buf_root_alter(weir_buf *buf) {
    buf->obj.bits &= ~(uint32_t)WEIR_BUF_PRISTINE;
}

/* The maker's particulars behind a buf that is a root. */
static inline buf_root *buf_root_of(weir_buf *buf) {
    return (buf_root *)(void *)buf;
}

#endif
