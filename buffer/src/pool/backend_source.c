/* backend_source.c - blocks from a source the user brought. */
#include "backend.h"

#include <weir/core/check.h>

static void *acquire(backend_store *store, size_t size, size_t alignment, bool cached) {
    (void)cached;
    weir_pool_source *source = store->settings->source;
    void *mem = source->acquire(source, size, alignment);
    WEIR_CHECK(((uintptr_t)mem & (alignment - 1)) == 0, "source %s gave %p, which is not aligned to %zu",
               source->name, mem, alignment);
    return mem;
}

static void release(backend_store *store, void *mem, size_t size, bool cached) {
    (void)cached;
    weir_pool_source *source = store->settings->source;
    source->release(source, mem, size);
}

const pool_backend backend_source = {
    .name = "source",
    .acquire = acquire,
    .release = release,
};
