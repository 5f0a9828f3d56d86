/* backend_jemalloc.c - blocks from jemalloc: one arena and one explicit cache per store.
 *
 * An explicit cache of jemalloc belongs to no arena: whatever is freed into it comes out again for any
 * arena. So a block is only ever freed into the cache of its own store, and the cache is flushed before
 * its arena goes.
 *
 * The build gives this file a private copy of jemalloc under other names, so the process keeps its malloc;
 * then the options below are ours alone. Where the shared library had to do, its options are the host's.
 */
#include "backend.h"

#include <stdio.h>

#include <jemalloc/jemalloc.h>

#ifdef WEIR_JEMALLOC_PRIVATE
/* Every thread that comes by would get an automatic cache and arena that nobody here uses. */
const char *malloc_conf = "narenas:1,tcache:false";
#endif

static bool control(const char *format, unsigned index, void *out, size_t out_size) {
    char name[64];
    (void)snprintf(name, sizeof name, format, index);
    return mallctl(name, out, out == NULL ? NULL : &out_size, NULL, 0) == 0;
}

static bool open_store(backend_store *store) {
    if (!control("arenas.create", 0, &store->arena, sizeof store->arena)) return false;
    if (control("tcache.create", 0, &store->cache, sizeof store->cache)) return true;
    (void)control("arena.%u.destroy", store->arena, NULL, 0);
    return false;
}

static int cache_flag(const backend_store *store, bool cached) {
    return cached ? MALLOCX_TCACHE(store->cache) : MALLOCX_TCACHE_NONE;
}

static void *acquire(backend_store *store, size_t size, size_t alignment, bool cached) {
    return mallocx(size, MALLOCX_ARENA(store->arena) | cache_flag(store, cached) | MALLOCX_ALIGN(alignment));
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
