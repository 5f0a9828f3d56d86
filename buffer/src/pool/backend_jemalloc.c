/* backend_jemalloc.c - blocks from jemalloc: one arena and one explicit cache per store.
 *
 * An arena asked for huge pages or locked memory gets hooks of ours in front of jemalloc's own: its address
 * space comes in pieces of 2 MiB then, and goes back to the system when it is free.
 *
 * An explicit cache of jemalloc belongs to no arena: whatever is freed into it comes out again for any
 * arena. So a block is only ever freed into the cache of its own store, and the cache is flushed before
 * its arena goes.
 *
 * The build gives this file a private copy of jemalloc under other names, so the process keeps its malloc;
 * then the options below are ours alone. Where the shared library had to do, its options are the host's.
 */
#include "backend.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>

#include <weir/core/log.h>
#include <weir/core/status.h>

#include <jemalloc/jemalloc.h>

#ifdef WEIR_JEMALLOC_PRIVATE
/* Every thread that comes by would get an automatic cache and arena that nobody here uses. */
const char *malloc_conf = "narenas:1,tcache:false";
#endif

enum {
    HUGE_PAGE = 2 << 20,
    ROOM_TO_BEGIN = 4 * HUGE_PAGE
};

static bool control(const char *format, unsigned index, void *out, size_t out_size) {
    char name[64];
    (void)snprintf(name, sizeof name, format, index);
    return mallctl(name, out, out == NULL ? NULL : &out_size, NULL, 0) == 0;
}

static bool set(const char *format, unsigned index, void *value, size_t size) {
    char name[64];
    (void)snprintf(name, sizeof name, format, index);
    return mallctl(name, NULL, NULL, value, size) == 0;
}

/* ---- pages of our own ------------------------------------------------------------------------- */

static const extent_hooks_t *plain_hooks; /* the same for every arena */

/* Why this thread's last attempt to lock memory failed. */
static _Thread_local __attribute__((tls_model("initial-exec"))) int lock_error;

/* A hint: memory that cannot be huge is memory all the same. */
static void *map_huge(extent_hooks_t *hooks, void *at, size_t size, size_t alignment, bool *zero,
                      bool *commit, unsigned arena) {
    if (at == NULL && size >= HUGE_PAGE && alignment < HUGE_PAGE) alignment = HUGE_PAGE;
    void *mem = plain_hooks->alloc(hooks, at, size, alignment, zero, commit, arena);
    if (mem != NULL) (void)madvise(mem, size, MADV_HUGEPAGE);
    return mem;
}

static void *locked(void *mem, size_t size) {
    if (mem == NULL || mlock(mem, size) == 0) return mem;
    lock_error = errno;
    (void)munmap(mem, size);
    return NULL;
}

static void *map_locked(extent_hooks_t *hooks, void *at, size_t size, size_t alignment, bool *zero,
                        bool *commit, unsigned arena) {
    return locked(plain_hooks->alloc(hooks, at, size, alignment, zero, commit, arena), size);
}

static void *map_huge_locked(extent_hooks_t *hooks, void *at, size_t size, size_t alignment, bool *zero,
                             bool *commit, unsigned arena) {
    return locked(map_huge(hooks, at, size, alignment, zero, commit, arena), size);
}

/* jemalloc's own would keep the address space, and with it the locks. */
static bool unmap(extent_hooks_t *hooks, void *mem, size_t size, bool committed, unsigned arena) {
    (void)hooks;
    (void)committed;
    (void)arena;
    return munmap(mem, size) != 0;
}

static extent_hooks_t huge_hooks, locked_hooks, huge_locked_hooks;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* Locked pages cannot be purged, so nobody tries: they are unmapped. */
static void make_hooks(void) {
    if (!control("arena.%u.extent_hooks", 0, (void *)&plain_hooks, sizeof(void *))) return;
    huge_hooks = locked_hooks = *plain_hooks;
    huge_hooks.alloc = map_huge;
    locked_hooks.alloc = map_locked;
    locked_hooks.dalloc = unmap;
    locked_hooks.purge_lazy = NULL;
    locked_hooks.purge_forced = NULL;
    huge_locked_hooks = locked_hooks;
    huge_locked_hooks.alloc = map_huge_locked;
}

/* After the arena was made: so its own tables lie in plain memory. */
static bool hook_in(const backend_store *store) {
    const backend_settings *settings = store->settings;
    if (!settings->locked && !settings->huge_pages) return true;
    pthread_once(&once, make_hooks);
    extent_hooks_t *hooks = !settings->locked      ? &huge_hooks
                            : settings->huge_pages ? &huge_locked_hooks
                                                   : &locked_hooks;
    size_t piece = HUGE_PAGE;
    return plain_hooks != NULL && set("arena.%u.retain_grow_limit", store->arena, &piece, sizeof piece) &&
           set("arena.%u.extent_hooks", store->arena, (void *)&hooks, sizeof(void *));
}

/* ---- a store ---------------------------------------------------------------------------------- */

static bool set_up(const backend_store *store) {
    ssize_t decay = store->settings->decay_ms;
    return hook_in(store) && set("arena.%u.dirty_decay_ms", store->arena, &decay, sizeof decay);
}

/* While it sets itself up, jemalloc 5.3 crashes when it gets no page for a check of its own: so it does not begin
 * where there is not room enough for that. */
static bool can_begin(void) {
    static atomic_bool has_begun;
    if (atomic_load_explicit(&has_begun, memory_order_relaxed)) return true;
    void *room =
        mmap(NULL, ROOM_TO_BEGIN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (room == MAP_FAILED) return false;
    (void)munmap(room, ROOM_TO_BEGIN);
    atomic_store_explicit(&has_begun, true, memory_order_relaxed);
    return true;
}

static bool open_store(backend_store *store) {
    if (!can_begin() || !control("arenas.create", 0, &store->arena, sizeof store->arena)) return false;
    if (set_up(store) && control("tcache.create", 0, &store->cache, sizeof store->cache)) return true;
    (void)control("arena.%u.destroy", store->arena, NULL, 0);
    return false;
}

static int cache_flag(const backend_store *store, bool cached) {
    return cached ? MALLOCX_TCACHE(store->cache) : MALLOCX_TCACHE_NONE;
}

/* One line a store is enough. */
static WEIR_COLD void tell_locking_failed(backend_store *store) {
    if (lock_error == 0 || store->told) return;
    store->told = true;
    weir_log(WEIR_LOG_ERROR, "pool", "memory could not be locked: %s; RLIMIT_MEMLOCK counts it",
             weir_status_text(weir_status_from_errno(lock_error)));
}

static void *acquire(backend_store *store, size_t size, size_t alignment, bool cached) {
    lock_error = 0;
    void *mem =
        mallocx(size, MALLOCX_ARENA(store->arena) | cache_flag(store, cached) | MALLOCX_ALIGN(alignment));
    if (mem == NULL) tell_locking_failed(store);
    return mem;
}

/* dallocx and not sdallocx: it costs the same here, and has no size to get wrong. */
static void release(backend_store *store, void *mem, size_t size, bool cached) {
    (void)size;
    dallocx(mem, cache_flag(store, cached));
}

static void flush(backend_store *store) {
    (void)mallctl("tcache.flush", NULL, NULL, &store->cache, sizeof store->cache);
}

static void purge(backend_store *store) {
    (void)control("arena.%u.purge", store->arena, NULL, 0);
}

static void refresh(void) {
    uint64_t epoch = 1;
    (void)mallctl("epoch", NULL, NULL, &epoch, sizeof epoch);
}

static uint64_t resident(const backend_store *store) {
    size_t bytes = 0;
    (void)control("stats.arenas.%u.resident", store->arena, &bytes, sizeof bytes);
    return bytes;
}

static void close_store(backend_store *store) {
    (void)mallctl("tcache.destroy", NULL, NULL, &store->cache, sizeof store->cache);
    (void)control("arena.%u.destroy", store->arena, NULL, 0);
}

const pool_backend backend_jemalloc = {
    .name = "jemalloc",
    .open = open_store,
    .acquire = acquire,
    .release = release,
    .flush = flush,
    .purge = purge,
    .refresh = refresh,
    .resident = resident,
    .close = close_store,
};
