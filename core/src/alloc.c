/* alloc.c - malloc behind the vtable, and the process-wide choice. */
#include <weir/core/alloc.h>

#include <stdlib.h>
#include <string.h>

static void *malloc_acquire(weir_alloc *self, size_t size) {
    (void)self;
    return malloc(size);
}

static void *malloc_resize(weir_alloc *self, void *ptr, size_t size) {
    (void)self;
    return realloc(ptr, size);
}

static void malloc_release(weir_alloc *self, void *ptr) {
    (void)self;
    free(ptr);
}

static weir_alloc malloc_alloc = {"malloc", malloc_acquire, malloc_resize, malloc_release};
weir_alloc *weir_alloc_chosen = &malloc_alloc;

static weir_alloc *or_default(weir_alloc *alloc) {
    return alloc != NULL ? alloc : weir_alloc_default();
}

weir_alloc *weir_alloc_default(void) {
    return __atomic_load_n(&weir_alloc_chosen, __ATOMIC_ACQUIRE);
}

void weir_alloc_set_default(weir_alloc *alloc) {
    __atomic_store_n(&weir_alloc_chosen, alloc != NULL ? alloc : &malloc_alloc, __ATOMIC_RELEASE);
}

void *weir_alloc_acquire(weir_alloc *alloc, size_t size) {
    alloc = or_default(alloc);
    return alloc->acquire(alloc, size > 0 ? size : 1);
}

void *weir_alloc_zeroed(weir_alloc *alloc, size_t count, size_t size) {
    size_t total;
    if (__builtin_mul_overflow(count, size, &total)) return NULL;
    void *block = weir_alloc_acquire(alloc, total);
    if (block != NULL) memset(block, 0, total);
    return block;
}

void *weir_alloc_resize(weir_alloc *alloc, void *ptr, size_t size) {
    alloc = or_default(alloc);
    return alloc->resize(alloc, ptr, size > 0 ? size : 1);
}

void weir_alloc_release(weir_alloc *alloc, void *ptr) {
    alloc = or_default(alloc);
    alloc->release(alloc, ptr);
}
