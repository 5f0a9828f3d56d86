/* backend_malloc.c - blocks from the process's malloc: what sanitizers and heap profilers can see. */
#include "backend.h"

#include <stdlib.h>

static void *acquire(backend_store *store, size_t size, size_t alignment, bool cached) {
    (void)store;
    (void)cached;
    return aligned_alloc(alignment, size);
}

static void release(backend_store *store, void *mem, size_t size, bool cached) {
    (void)store;
    (void)size;
    (void)cached;
    free(mem);
}

const pool_backend backend_malloc = {
    .name = "malloc",
    .acquire = acquire,
    .release = release,
};
