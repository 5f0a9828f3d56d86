/* obj.c - the ends of an object's life, and what is said when someone comes too late. */
#include <weir/core/obj.h>

#include <dlfcn.h>
#include <stdio.h>

#include "leak_site.h"

void weir_obj_init_tracked(weir_obj *self) {
    weir_leak_acquired(self, self->type->name);
}

/* The memory of a released object may be in other hands, and what stands there means nothing: tracking knows. */
static void check_not_released(weir_obj *self, const char *verb, const char *hint) {
    if (WEIR_UNLIKELY(weir_leak_is_tracking()) && !weir_leak_touched(self, hint))
        weir_obj_misused(self, verb);
}

void *weir_obj_retain_slowly(weir_obj *self) {
    check_not_released(self, "retained", "retain");
    uint32_t count = __atomic_load_n(&self->count, __ATOMIC_RELAXED);
    if ((count & WEIR_OBJ_IMMORTAL) != 0) return self;
    if (count == 0 || count == WEIR_OBJ_IMMORTAL - 1) weir_obj_misused(self, "retained");
    __atomic_fetch_add(&self->count, 1, __ATOMIC_RELAXED);
    return self;
}

/* A dead object's type pointer has its lowest bit set: no type any more, but still a name to complain by. */
static bool is_dead(const weir_obj *obj) {
    return obj->type == NULL || ((uintptr_t)obj->type & 1) != 0;
}

/* The header reads as dead before the type sees it: a pool may keep it as it is. */
static inline void free_by_type(weir_obj *self, const weir_obj_type *type) {
    weir_obj_mark_dead(self);
    type->free(self);
}

static WEIR_COLD void release_tracked(weir_obj *self, const weir_obj_type *type) {
    if (!weir_leak_released(self)) weir_obj_misused(self, "released");
    if (type->live != NULL) weir_leak_count(type->live, -1);
    free_by_type(self, type);
}

static void release_counted(weir_obj *self, const weir_obj_type *type) {
    weir_leak_count(type->live, -1);
    free_by_type(self, type);
}

/* Every way out is a call at the very end, so the usual one saves no registers. */
void weir_obj_release_last(weir_obj *self) {
    const weir_obj_type *type = self->type;
    if (WEIR_UNLIKELY(is_dead(self))) weir_obj_misused(self, "released");
    if (WEIR_UNLIKELY(weir_leak_is_tracking())) {
        release_tracked(self, type);
    } else if (type->live != NULL) {
        release_counted(self, type);
    } else {
        free_by_type(self, type);
    }
}

void weir_obj_release_shared(weir_obj *self) {
    check_not_released(self, "released", "release");
    uint32_t before = __atomic_load_n(&self->count, __ATOMIC_RELAXED);
    if ((before & WEIR_OBJ_IMMORTAL) != 0) return;
    if (before == 0) weir_obj_misused(self, "released");
    before = __atomic_fetch_sub(&self->count, 1, __ATOMIC_ACQ_REL);
    if (before == 1) weir_obj_release_last(self);
    if (before == 0) weir_obj_misused(self, "released");
}

/* Types are static: a type pointer to anywhere else is an overwritten header. */
static const char *name_of(const weir_obj *obj) {
    Dl_info module;
    const char *place = (const char *)obj->type;
    const void *type = place != NULL && is_dead(obj) ? place - 1 : place;
    bool is_type = type != NULL && dladdr(type, &module) != 0;
    return is_type ? ((const weir_obj_type *)type)->name : "object";
}

void weir_obj_misused(const void *self, const char *verb) {
    const weir_obj *obj = (const weir_obj *)self;
    uint32_t count = __atomic_load_n(&obj->count, __ATOMIC_RELAXED);
    const char *how = count == WEIR_OBJ_IMMORTAL - 1 ? "with as many references as fit"
                      : is_dead(obj)                 ? "after its last release"
                                                     : "as what it is not, or overwritten";
    const char *advice = " (WEIR_LEAK_TRACK=1 tells by whom)";
    if (weir_leak_is_tracking()) {
        leak_site here;
        leak_site_capture(&here);
        advice = "";
        weir_leak_explain(self, stderr);
        fprintf(stderr, "  %s now at:\n", verb);
        leak_site_print(&here, stderr);
    }
    weir_check_failed(__FILE__, __LINE__, __func__, "%s %p was %s %s, its count is %u%s", name_of(obj), self,
                      verb, how, count, advice);
}
