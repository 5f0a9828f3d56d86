/* <weir/core/obj.h> - the counted object: everything that flows through a pipeline is one.
 *
 *     struct weir_obj { type --> "buf", how to free ;  count ;  bits }
 *
 * Rules
 *   1. An object is born with one reference, owned by whoever called `new`.
 *   2. A parameter documented "Takes" is consumed always, on success and on failure.
 *   3. Every other parameter is borrowed for the duration of the call; to keep it, retain.
 *   4. The last release frees; using an object after that is a bug that stops the program.
 *
 * The type pointer is also the magic: a released object's is marked, and every entry checks it.
 * Retain and release are safe from any thread; an object's contents belong to one thread at a time.
 *
 * Layer: core. Needs check.h. Any thread.
 */
#ifndef WEIR_CORE_OBJ_H
#define WEIR_CORE_OBJ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/core/check.h>
#include <weir/core/leak.h>

WEIR_BEGIN_DECLS

typedef struct weir_obj weir_obj;
typedef struct weir_obj_type weir_obj_type;

/* What an object is. One `static const` of these per type. */
struct weir_obj_type {
    const char *name;
    /* Called once, by the last release, on whichever thread that is; gives the memory back. */
    void (*free)(weir_obj *self);
    /* Bytes this object stands for in a queue (a buf's readable bytes); NULL means 0. */
    uint64_t (*size)(const weir_obj *self);
    /* Counts living objects of this type; NULL where something else counts them. */
    weir_leak_counter *live;
};

/* Readable by anyone, writable by none but the functions here; `bits` is the type's own. */
struct weir_obj {
    const weir_obj_type *type;
    uint32_t count;
    uint32_t bits;
};

/* Objects with this bit in their count are never freed, and retain and release leave them unwritten:
 * constants such as the empty buf. */
#define WEIR_OBJ_IMMORTAL 0x80000000u

/* The out-of-line halves of what follows; do not call them. Borrows / Takes as their callers. */
WEIR_API void weir_obj_release_last(weir_obj *self);
WEIR_API void weir_obj_release_shared(weir_obj *self);
WEIR_API void *weir_obj_retain_slowly(weir_obj *self);
WEIR_API void weir_obj_init_tracked(weir_obj *self);
WEIR_API WEIR_NORETURN WEIR_COLD void weir_obj_misused(const void *self, const char *verb);

/* The least of what makes an object alive: neither counted nor tracked, and `bits` as they are. For a type that
 * sees to both. Requires: nobody else knows the object yet. */
static inline void weir_obj_mark_alive(weir_obj *self, const weir_obj_type *type) {
    self->type = type;
    __atomic_store_n(&self->count, 1, __ATOMIC_RELAXED);
}

/* Makes `self`, the first member of a new object, alive with one reference. Any thread. */
static inline void weir_obj_init(weir_obj *self, const weir_obj_type *type) {
    weir_obj_mark_alive(self, type);
    self->bits = 0;
    if (type->live != NULL) weir_leak_count(type->live, 1);
    if (WEIR_UNLIKELY(weir_leak_is_tracking())) weir_obj_init_tracked(self);
}

/* One more reference; returns its argument, which may be NULL. Gives: that reference.
 * One comparison sorts out counts that must not grow: 0, the highest, and the immortal ones. */
static inline void *weir_obj_retain(void *obj) {
    weir_obj *self = (weir_obj *)obj;
    if (self == NULL) return NULL;
    uint32_t before = __atomic_load_n(&self->count, __ATOMIC_RELAXED);
    bool is_usual = before - 1 < WEIR_OBJ_IMMORTAL - 2 && !weir_leak_is_tracking();
    if (WEIR_UNLIKELY(!is_usual)) return weir_obj_retain_slowly(self);
    __atomic_fetch_add(&self->count, 1, __ATOMIC_RELAXED);
    return self;
}

/* What the last release does first: from here on the object reads as dead. For a type whose own release takes a
 * short cut. Requires: a living object nobody else holds. */
static inline void weir_obj_mark_dead(weir_obj *self) {
    self->type = (const weir_obj_type *)(const void *)((const char *)self->type + 1);
    __atomic_store_n(&self->count, 0, __ATOMIC_RELAXED);
}

/* One reference less; the last one frees. Takes: `obj`, which may be NULL.
 * The only owner needs no read-modify-write: nobody else can touch the count (2.5 ns against 8.4). */
static inline void weir_obj_release(void *obj) {
    weir_obj *self = (weir_obj *)obj;
    if (self == NULL) return;
    if (WEIR_LIKELY(__atomic_load_n(&self->count, __ATOMIC_ACQUIRE) == 1)) {
        weir_obj_release_last(self);
    } else {
        weir_obj_release_shared(self);
    }
}

/* True when nobody else holds a reference. Borrows: obj. */
static inline bool weir_obj_is_unshared(const void *obj) {
    return __atomic_load_n(&((const weir_obj *)obj)->count, __ATOMIC_ACQUIRE) == 1;
}

/* True when `obj` is a living object of `type`. Borrows: obj, which may be NULL. */
static inline bool weir_obj_is(const void *obj, const weir_obj_type *type) {
    return obj != NULL && ((const weir_obj *)obj)->type == type;
}

/* Bytes `obj` stands for in a queue. Borrows: obj. */
static inline uint64_t weir_obj_size(const weir_obj *obj) {
    return obj->type->size == NULL ? 0 : obj->type->size(obj);
}

WEIR_END_DECLS

#endif
