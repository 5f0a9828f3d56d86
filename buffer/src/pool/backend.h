/* backend.h - where a pool's blocks come from.
 *
 * Each magazine has a store of its own. A store may keep a cache for its magazine's thread; whoever calls
 * with `cached` true must be the only one to do so at that time. Everything else is for any thread.
 * Memory is never zeroed: that costs 28 us for 64 KiB, and nobody asked.
 */
#ifndef WEIR_POOL_BACKEND_H
#define WEIR_POOL_BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/buffer/pool.h>

/* What the options of a pool ask of its backend. */
typedef struct backend_settings {
    int decay_ms;
    bool huge_pages;
    bool locked;
    weir_pool_source *source;
} backend_settings;

/* A backend's particulars for one magazine; meaningless to others, except that the magazine fills in the
 * settings. */
typedef struct backend_store {
    const backend_settings *settings;
    unsigned arena;
    unsigned cache;
    bool told; /* that memory could not be locked */
} backend_store;

/* NULL slots: nothing to do, nothing to tell. */
typedef struct pool_backend {
    const char *name;
    bool (*open)(backend_store *store);
    /* `size` bytes, a multiple of `alignment`, or NULL. */
    void *(*acquire)(backend_store *store, size_t size, size_t alignment, bool cached);
    void (*release)(backend_store *store, void *mem, size_t size, bool cached);
    /* Empties the store's cache. */
    void (*flush)(backend_store *store);
    /* Free pages go back to the system. */
    void (*purge)(backend_store *store);
    /* Makes what `resident` tells current. */
    void (*refresh)(void);
    uint64_t (*resident)(const backend_store *store);
    void (*close)(backend_store *store);
} pool_backend;

extern const pool_backend backend_malloc;
extern const pool_backend backend_source;
#ifndef WEIR_NO_JEMALLOC
extern const pool_backend backend_jemalloc;
#endif

#endif
