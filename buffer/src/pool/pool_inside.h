/* pool_inside.h - what the files of the pool know of it.
 *
 *     pool.c          get and release
 *     pool_new.c      options understood, or refused
 *     pool_life.c     freed, outlived by its bufs; threads come and go
 *     pool_stats.c    numbers for programs
 *     pool_dump.c     numbers for people and other programs
 *     pool_track.c    which bufs are out, and what happens to who uses one too late
 *     magazine.c      one thread's ready bufs          (knows limit, cache size, guards from here)
 *
 * Lock order: the registry's, then a pool's. No lock is taken while a shelf or the return stack will do.
 */
#ifndef WEIR_POOL_INSIDE_H
#define WEIR_POOL_INSIDE_H

#include <pthread.h>

#include <weir/buffer/pool.h>
#include <weir/core/list.h>

#include "magazine.h"

/* Roots kept aside before they are reused, and the most of the cache they may fill, in pools that watch. */
enum {
    QUARANTINE = 1024
};

struct weir_pool {
    /* Read by every get. */
    size_t mask;  /* alignment - 1 */
    size_t quick; /* last offset a get off the shelf can have; 0: this pool takes care, every get is slow */
    uint64_t id;  /* never used twice in a process */
    size_t slot;  /* where a thread keeps its magazine of this pool, in bytes from its slots */
    size_t max;
    const buf_maker *maker;

    const char *name;
    const pool_backend *backend;
    weir_alloc *alloc;
    void *block;
    size_t limit, cache_bytes;
    bool wipes, watched, quarantines;
    weir_pool_release_fn *on_release;
    void *on_release_arg;
    backend_settings settings;

    alignas(CACHE_LINE) _Atomic size_t taken; /* bytes of blocks the backend has given */
    _Atomic size_t peak;
    _Atomic uint64_t failures;

    pthread_mutex_t lock; /* for what follows */
    _Atomic bool closed;  /* freed by its user, kept alive by bufs that are still out */
    magazine *magazines;
    magazine_shelf strays[SIZE_CLASS_COUNT + 1]; /* empty: the counts of who has no magazine */
    magazine_bytes stray_bytes;
    weir_list out; /* of `tracked_root`, oldest first, in pools that quarantine */

    weir_pool *next; /* in the registry */
};

/* Which magazine this thread has in which pool: a few slots found by the pool's id. A stale entry does no
 * harm, because no id comes twice. Its address is also who the thread is. */
typedef struct magazine_slot {
    uint64_t id;
    magazine *magazine;
} magazine_slot;

enum {
    SLOTS = 8
};

/* One addition to find it, also in a shared library, where the general model calls a function. */
#define POOL_TLS _Thread_local __attribute__((tls_model("initial-exec")))

extern POOL_TLS magazine_slot magazine_slots[SLOTS];

static inline magazine_slot *slot_of(const weir_pool *pool) {
    return (magazine_slot *)(void *)((char *)magazine_slots + pool->slot);
}

static inline bool magazine_is_mine(const magazine *self) {
    return atomic_load_explicit(&self->owner, memory_order_relaxed) == magazine_slots;
}

extern const buf_maker pool_maker;         /* its bufs go back on the shelf as they are */
extern const buf_maker pool_careful_maker; /* its bufs are wiped, guarded, tracked or observed */

/* The bytes a block for `capacity` has, and its class. Requires: 0 < capacity <= WEIR_BUF_MAX. */
size_t pool_block_size(const weir_pool *pool, size_t capacity, unsigned *index);

/* The calling thread's magazine; it gets one if it has none. NULL: out of memory, or the pool is closed. */
magazine *pool_magazine(weir_pool *pool);

/* The one whose counters are the calling thread's: its own, or one that is sealed. NULL as above. */
magazine *pool_magazine_to_count_in(weir_pool *pool);

/* The calling thread's magazine if it has one. */
magazine *pool_magazine_if_any(weir_pool *pool);

/* Charges `size` bytes to the pool unless that breaks the limit. */
bool pool_charge(weir_pool *pool, size_t size);
/* What is charged has become a block. */
void pool_raise_peak(weir_pool *pool);
void pool_discharge(weir_pool *pool, size_t size);

/* Takes: a counted root whose magazine is sealed, or that is too large for one. Ends a closed pool with its
 * last root. */
void pool_dispose(magazine *from, buf_root *root);

/* From here on the pool is found by its id, and its bufs are in the leak report. */
void pool_enter_registry(weir_pool *pool);

/* A pool over any backend: weir_pool_new after the choice of one. */
weir_pool *pool_new_over(const pool_backend *backend, const weir_pool_options *options);

/* Bufs that are out: of one pool, whose lock is held, and of all. */
int64_t pool_live(const weir_pool *pool);
int64_t pool_live_everywhere(void);

/* ---- in pools that quarantine ----------------------------------------------------------------- */

/* The header of their bufs. */
typedef struct tracked_root {
    buf_root root;
    weir_list link;
    uint64_t born; /* ms of the monotonic clock */
} tracked_root;

/* A buf goes out, and comes back. Not under the pool's lock; nothing where nobody tracks. */
void pool_track_out(weir_pool *pool, buf_root *root);
void pool_track_in(weir_pool *pool, buf_root *root);

/* A line for each buf that is out, and where it was acquired. Requires: the pool's lock. */
void pool_tell_live(const weir_pool *pool);

/* Reads and writes through the window of `root` fault from here on. */
void pool_bar_window(buf_root *root);

/* ---- sums ------------------------------------------------------------------------------------- */

typedef struct pool_sum {
    weir_pool_class classes[SIZE_CLASS_COUNT + 1];
    weir_pool_stats all;
} pool_sum;

/* What the pool has done and holds, by class and altogether. */
void pool_add_up(weir_pool *pool, pool_sum *sum);

/* ---- all pools -------------------------------------------------------------------------------- */

/* Calls `visit` with every pool that is not gone, under the registry's lock. */
void pool_visit_all(void (*visit)(weir_pool *pool, void *arg), void *arg);

#endif
