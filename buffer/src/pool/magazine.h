/* magazine.h - one thread's ready bufs of one pool, and the stack on which others return its bufs.
 *
 *     shelves   per class: ready roots, header and block bound together, last in first out
 *     returned  bufs of this magazine that other threads released: pushed by compare-and-swap,
 *               taken all at once by the owner when a shelf is empty
 *
 * The owner alone touches shelves, room and quarantine. A magazine without an owner is *sealed*: nothing
 * can be pushed on it, what comes back is disposed of under the pool's lock, and it holds nothing ready.
 * Counters have one writer each, so reading them from elsewhere costs the owner nothing.
 */
#ifndef WEIR_POOL_MAGAZINE_H
#define WEIR_POOL_MAGAZINE_H

#include <stdalign.h>
#include <stdatomic.h>

#include <weir/buffer/pool.h>

#include "backend.h"
#include "buf_root.h"
#include "size_class.h"

enum {
    CACHE_LINE = 64
};

typedef _Atomic uint64_t pool_counter;

static inline uint64_t counter_get(const pool_counter *self) {
    return atomic_load_explicit(self, memory_order_relaxed);
}

/* For its only writer: moves and an add, no locked instruction. */
static inline void counter_set(pool_counter *self, uint64_t n) {
    atomic_store_explicit(self, n, memory_order_relaxed);
}
static inline void counter_add(pool_counter *self, uint64_t n) {
    counter_set(self, counter_get(self) + n);
}

/* What happened to bufs of one class. */
typedef struct magazine_tally {
    pool_counter gets;
    pool_counter returns;  /* released by the thread that owns their magazine */
    pool_counter foreign;  /* released by the counting thread, of another's magazine */
    pool_counter drained;  /* came in from the return stack */
    pool_counter acquired; /* blocks taken from the backend */
    pool_counter disposed; /* blocks given back to it */
} magazine_tally;

/* A shelf has places, granted out of the magazine's room one by one and taken away when that is used up; so
 * between two full shelves nobody counts bytes. `quota` is the places as a release sees them: there is a free one
 * while `returns - gets` is below it. What comes and goes otherwise moves it along. */
typedef struct magazine_shelf {
    alignas(CACHE_LINE) buf_root *top;
    int64_t quota;
    magazine_tally tally;
} magazine_shelf;

static inline bool magazine_shelf_has_place(const magazine_shelf *self, uint64_t returns) {
    return (int64_t)(returns - counter_get(&self->tally.gets)) < self->quota;
}

/* Bytes have no class where blocks have any size. Both may wrap: only sums over all mean something. */
typedef struct magazine_bytes {
    pool_counter requested;
    pool_counter large;
} magazine_bytes;

typedef struct magazine magazine;

struct magazine {
    /* Read by every thread that releases. */
    weir_pool *pool;
    _Atomic(const void *)
        owner; /* the slots of its thread, or the byte after for who only counts here; NULL: none */
    magazine *next;
    backend_store store;
    bool has_store;
    void *block;

    alignas(CACHE_LINE) _Atomic(buf_root *) returned;

    alignas(CACHE_LINE) size_t room; /* bytes that may be kept ready and are no shelf's yet */
    magazine_bytes bytes;
    buf_root *oldest, *newest; /* quarantine */
    size_t quarantined;
    magazine_shelf shelves[SIZE_CLASS_COUNT + 1];
};

/* Where a root of a magazine belongs, and what class that is. */
static inline magazine_shelf *magazine_shelf_of(const buf_root *root) {
    return (magazine_shelf *)root->store.detail;
}
static inline unsigned magazine_class_of(const buf_root *root) {
    return (unsigned)(magazine_shelf_of(root) - ((magazine *)root->store.owner)->shelves);
}

/* Sealed and empty. Gives: a magazine for magazine_free, or NULL when out of memory. */
magazine *magazine_new(weir_pool *pool);

/* Takes: a sealed magazine, nothing of which is out. */
void magazine_free(magazine *self);

/* The calling thread owns it from here on. Requires: sealed, the pool's lock. */
void magazine_adopt(magazine *self, const void *owner);

/* Everything ready goes back to the backend; it has no owner then. Requires: the pool's lock, and that the
 * owner is the caller or not running in it. */
void magazine_retire(magazine *self);

/* ---- for the owner ---------------------------------------------------------------------------- */

/* A ready root of `index` from the shelf, the return stack or the backend; NULL when there is none. */
buf_root *magazine_take(magazine *self, unsigned index, size_t size);

/* A root comes back to its shelf, or goes further when there is no room for it. */
void magazine_put(magazine *self, buf_root *root);

/* Everything ready goes back to the backend, and that lets go of it. */
void magazine_trim(magazine *self);

/* ---- for everyone ----------------------------------------------------------------------------- */

/* Pushes a released root on the return stack; false when the magazine is sealed. */
bool magazine_return(magazine *self, buf_root *root);

/* Gives block and header back. `cached`: the caller may use the store's cache. */
void magazine_dispose(magazine *self, buf_root *root, bool cached);

/* A root with a new block that is charged already; NULL when out of memory. Requires: an open store. */
buf_root *magazine_make(magazine *self, unsigned index, size_t size, bool cached);

/* Opens the store, once. Requires: the pool's lock. False: out of memory. */
bool magazine_open_store(magazine *self);

#endif
