/* <weir/core/alloc.h> - where memory that is not buffer data comes from.
 *
 * One small vtable, replaceable for the whole process or per component (an option named `alloc`).
 * The default is malloc. Tests replace it by one that counts, or that fails the n-th call.
 * Every failure is NULL; nothing here aborts.
 *
 * Layer: core. Needs compiler.h. Any thread, as long as the vtable's functions are.
 */
#ifndef WEIR_CORE_ALLOC_H
#define WEIR_CORE_ALLOC_H

#include <stdbool.h>
#include <stddef.h>

#include <weir/core/compiler.h>

WEIR_BEGIN_DECLS

typedef struct weir_alloc weir_alloc;

struct weir_alloc {
    const char *name;
    /* `size` > 0 bytes aligned for any type, or NULL. */
    void *(*acquire)(weir_alloc *self, size_t size);
    /* As realloc: `ptr` may be NULL, the old block stays valid when NULL is returned. */
    void *(*resize)(weir_alloc *self, void *ptr, size_t size);
    /* `ptr` may be NULL. */
    void (*release)(weir_alloc *self, void *ptr);
};

/* The allocator used wherever an option names none. Borrowed; never NULL. Any thread. */
WEIR_API weir_alloc *weir_alloc_default(void);

/* Reads as a plain load; do not write. */
WEIR_API extern weir_alloc *weir_alloc_chosen;

/* True when `alloc` is that one; one load. Any thread. */
static inline bool weir_alloc_is_default(const weir_alloc *alloc) {
    return alloc == __atomic_load_n(&weir_alloc_chosen, __ATOMIC_ACQUIRE);
}

/* Replace the default; NULL brings malloc back. Borrows: `alloc`, which must live until it is
 * replaced and every block it gave is released. Call it before any other weir call, or when nothing
 * of weir is alive: a block must return to the allocator that gave it. */
WEIR_API void weir_alloc_set_default(weir_alloc *alloc);

/* `size` bytes, uninitialised; a size of 0 counts as 1. NULL alloc means the default.
 * Gives: a block for weir_alloc_release, or NULL when out of memory. Any thread. */
WEIR_API WEIR_MUST_USE void *weir_alloc_acquire(weir_alloc *alloc, size_t size);

/* The same, `count` times `size` bytes filled with zeros; NULL also when the product
 * overflows. Gives: that block. Any thread. */
WEIR_API WEIR_MUST_USE void *weir_alloc_zeroed(weir_alloc *alloc, size_t count, size_t size);

/* Changes the size of a block. Gives: the block, perhaps moved; NULL leaves the old one valid. */
WEIR_API WEIR_MUST_USE void *weir_alloc_resize(weir_alloc *alloc, void *ptr, size_t size);

/* Takes: `ptr`, which `alloc` gave (or NULL: nothing happens). Any thread. */
WEIR_API void weir_alloc_release(weir_alloc *alloc, void *ptr);

WEIR_END_DECLS

#endif
