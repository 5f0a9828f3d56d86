/* magazine.c - one thread's ready bufs: taken, put back, and passed on to the backend.
 *
 * `room` is what the magazine may still grant its shelves. When it is used up, places that are free are taken
 * away, and then the class that fills most gives some back, so that a burst of one size does not lock every other
 * size out for good.
 */
#include "magazine.h"

#include <string.h>

#include "guard.h"
#include "pool_inside.h"

#define SEALED ((buf_root *)(uintptr_t)1)

/* At most this many blocks are passed on for one that comes in, and room for 1/16 of the cache is made. */
enum {
    PASSED_ON_AT_ONCE = 64,
    ROOM_SHARE = 16
};

/* ---- headers ---------------------------------------------------------------------------------- */

/* Whole cache lines, two unless bufs are tracked; where they really begin is remembered in `spare`. */
static buf_root *header_new(const weir_pool *pool) {
    size_t size = pool->quarantines ? sizeof(tracked_root) : sizeof(buf_root);
    void *block = weir_alloc_acquire(pool->alloc, size + CACHE_LINE - 1);
    if (block == NULL) return NULL;
    uintptr_t at = ((uintptr_t)block + CACHE_LINE - 1) & ~(uintptr_t)(CACHE_LINE - 1);
    buf_root *root = (buf_root *)at;
    memset(root, 0, size);
    root->spare = (uintptr_t)block;
    return root;
}

static void header_free(weir_alloc *alloc, buf_root *root) {
    weir_alloc_release(alloc, (void *)root->spare);
}

/* ---- blocks ----------------------------------------------------------------------------------- */

bool magazine_open_store(magazine *self) {
    const pool_backend *backend = self->pool->backend;
    if (!self->has_store) self->has_store = backend->open == NULL || backend->open(&self->store);
    return self->has_store;
}

buf_root *magazine_make(magazine *self, unsigned index, size_t size, bool cached) {
    weir_pool *pool = self->pool;
    buf_root *root = header_new(pool);
    if (root == NULL) return NULL;
    uint8_t *mem = pool->backend->acquire(&self->store, size, pool->mask + 1, cached);
    if (mem == NULL) {
        header_free(pool->alloc, root);
        return NULL;
    }
    uintptr_t shelf = (uintptr_t)&self->shelves[index];
    root->store = (buf_store){.maker = pool->maker, .mem = mem, .size = size, .owner = self, .detail = shelf};
    pool_raise_peak(pool);
    return root;
}

void magazine_dispose(magazine *self, buf_root *root, bool cached) {
    weir_pool *pool = self->pool;
    size_t size = root->store.size;
    if (pool->watched) guard_lift(root);
    pool->backend->release(&self->store, root->store.mem, size, cached);
    header_free(pool->alloc, root);
    pool_discharge(pool, size);
}

/* A block comes or goes otherwise than by a get or a return: there are as many places as before. */
static void count_in(magazine_shelf *shelf, pool_counter *how) {
    counter_add(how, 1);
    shelf->quota--;
}

static void count_out(magazine_shelf *shelf, pool_counter *how) {
    counter_add(how, 1);
    shelf->quota++;
}

static void pass_on(magazine *self, buf_root *root) {
    magazine_shelf *shelf = magazine_shelf_of(root);
    count_out(shelf, &shelf->tally.disposed);
    magazine_dispose(self, root, true);
}

/* ---- making room ------------------------------------------------------------------------------ */

static uint64_t ready_on(const magazine_shelf *shelf) {
    const magazine_tally *tally = &shelf->tally;
    return counter_get(&tally->acquired) + counter_get(&tally->returns) + counter_get(&tally->drained) -
           counter_get(&tally->gets) - counter_get(&tally->disposed);
}

static magazine_shelf *fullest_shelf(magazine *self) {
    magazine_shelf *fullest = NULL;
    uint64_t most = 0;
    for (unsigned i = 0; i < SIZE_CLASS_COUNT; i++) {
        if (self->shelves[i].top == NULL) continue;
        uint64_t bytes = ready_on(&self->shelves[i]) * size_class_size(i);
        if (bytes <= most) continue;
        most = bytes;
        fullest = &self->shelves[i];
    }
    return fullest;
}

static void pass_on_with_place(magazine *self, buf_root *root) {
    self->room += root->store.size;
    magazine_shelf_of(root)->quota--;
    pass_on(self, root);
}

static void pass_on_top(magazine *self, magazine_shelf *shelf) {
    buf_root *root = shelf->top;
    shelf->top = root->link;
    pass_on_with_place(self, root);
}

static buf_root *leave_quarantine(magazine *self) {
    buf_root *root = self->oldest;
    self->oldest = root->link;
    self->quarantined--;
    return root;
}

/* Passes one ready root on; false when there is none. */
static bool pass_one_on(magazine *self) {
    if (self->quarantined > 0) {
        pass_on_with_place(self, leave_quarantine(self));
        return true;
    }
    magazine_shelf *shelf = fullest_shelf(self);
    if (shelf == NULL) return false;
    pass_on_top(self, shelf);
    return true;
}

static int64_t free_places(const magazine_shelf *shelf) {
    return shelf->quota - (int64_t)(counter_get(&shelf->tally.returns) - counter_get(&shelf->tally.gets));
}

static void take_free_places(magazine *self) {
    for (unsigned i = 0; i < SIZE_CLASS_COUNT; i++) {
        int64_t n = free_places(&self->shelves[i]);
        if (n <= 0) continue;
        self->shelves[i].quota -= n;
        self->room += (size_t)n * size_class_size(i);
    }
}

static bool make_room(magazine *self, size_t size) {
    take_free_places(self);
    if (self->room >= size) return true;
    size_t share = self->pool->cache_bytes / ROOM_SHARE;
    for (unsigned n = 0; n < PASSED_ON_AT_ONCE && self->room < size + share; n++) {
        if (!pass_one_on(self)) break;
    }
    return self->room >= size;
}

/* One more place on `shelf`. */
static bool grant_place(magazine *self, magazine_shelf *shelf, size_t size) {
    if (size > self->room && !make_room(self, size)) return false;
    self->room -= size;
    shelf->quota++;
    return true;
}

static void pass_all_on(magazine *self) {
    while (self->quarantined > 0) (void)pass_one_on(self);
    for (unsigned i = 0; i < SIZE_CLASS_COUNT; i++) {
        while (self->shelves[i].top != NULL) pass_on_top(self, &self->shelves[i]);
    }
}

/* ---- in and out ------------------------------------------------------------------------------- */

/* The newcomer waits behind up to QUARANTINE others; the one that waited longest may be reused. */
static buf_root *exchange_in_quarantine(magazine *self, buf_root *root) {
    root->link = NULL;
    if (self->quarantined++ == 0) {
        self->oldest = root;
    } else {
        self->newest->link = root;
    }
    self->newest = root;
    return self->quarantined > QUARANTINE ? leave_quarantine(self) : NULL;
}

void magazine_put(magazine *self, buf_root *root) {
    magazine_shelf *shelf = magazine_shelf_of(root);
    bool is_large = magazine_class_of(root) == SIZE_CLASS_LARGE;
    if (is_large || (free_places(shelf) < 0 && !grant_place(self, shelf, root->store.size))) {
        pass_on(self, root);
        return;
    }
    if (self->pool->quarantines) {
        root = exchange_in_quarantine(self, root);
        if (root == NULL) return;
        shelf = magazine_shelf_of(root);
    }
    root->link = shelf->top;
    shelf->top = root;
}

static void put_returned(magazine *self, buf_root *root) {
    while (root != NULL) {
        buf_root *next = root->link;
        magazine_shelf *shelf = magazine_shelf_of(root);
        count_in(shelf, &shelf->tally.drained);
        magazine_put(self, root);
        root = next;
    }
}

static void drain(magazine *self) {
    if (atomic_load_explicit(&self->returned, memory_order_relaxed) == NULL) return;
    put_returned(self, atomic_exchange_explicit(&self->returned, NULL, memory_order_acquire));
}

static buf_root *pop(magazine_shelf *shelf) {
    buf_root *root = shelf->top;
    if (root != NULL) shelf->top = root->link;
    return root;
}

/* Over the limit, what is ready of other classes goes first. */
static bool charge_making_way(magazine *self, size_t size) {
    while (!pool_charge(self->pool, size)) {
        if (!pass_one_on(self)) return false;
    }
    return true;
}

static buf_root *take_new(magazine *self, unsigned index, size_t size) {
    if (!charge_making_way(self, size)) return NULL;
    buf_root *root = magazine_make(self, index, size, true);
    if (root == NULL) {
        magazine_trim(self);
        root = magazine_make(self, index, size, true);
    }
    if (root == NULL) {
        pool_discharge(self->pool, size);
    } else {
        count_in(&self->shelves[index], &self->shelves[index].tally.acquired);
    }
    return root;
}

static bool has_store(magazine *self) {
    if (self->has_store) return true;
    pthread_mutex_lock(&self->pool->lock);
    bool opened = magazine_open_store(self);
    pthread_mutex_unlock(&self->pool->lock);
    return opened;
}

buf_root *magazine_take(magazine *self, unsigned index, size_t size) {
    magazine_shelf *shelf = &self->shelves[index];
    buf_root *root = pop(shelf);
    if (root != NULL) return root;
    drain(self);
    root = pop(shelf);
    if (root != NULL) return root;
    return has_store(self) ? take_new(self, index, size) : NULL;
}

bool magazine_return(magazine *self, buf_root *root) {
    buf_root *top = atomic_load_explicit(&self->returned, memory_order_relaxed);
    do {
        if (top == SEALED) return false;
        root->link = top;
    } while (!atomic_compare_exchange_weak_explicit(&self->returned, &top, root, memory_order_release,
                                                    memory_order_relaxed));
    return true;
}

/* ---- life ------------------------------------------------------------------------------------- */

magazine *magazine_new(weir_pool *pool) {
    void *block = weir_alloc_acquire(pool->alloc, sizeof(magazine) + CACHE_LINE - 1);
    if (block == NULL) return NULL;
    magazine *self = (magazine *)(((uintptr_t)block + CACHE_LINE - 1) & ~(uintptr_t)(CACHE_LINE - 1));
    memset(self, 0, sizeof *self);
    self->block = block;
    self->pool = pool;
    self->room = pool->cache_bytes;
    self->store.settings = &pool->settings;
    atomic_init(&self->returned, SEALED);
    return self;
}

void magazine_free(magazine *self) {
    const pool_backend *backend = self->pool->backend;
    if (self->has_store && backend->close != NULL) backend->close(&self->store);
    weir_alloc_release(self->pool->alloc, self->block);
}

void magazine_adopt(magazine *self, const void *owner) {
    atomic_store_explicit(&self->returned, NULL, memory_order_relaxed);
    atomic_store_explicit(&self->owner, owner, memory_order_relaxed);
}

static void let_go(magazine *self) {
    const pool_backend *backend = self->pool->backend;
    if (!self->has_store) return;
    if (backend->flush != NULL) backend->flush(&self->store);
    if (backend->purge != NULL) backend->purge(&self->store);
}

void magazine_retire(magazine *self) {
    buf_root *returned = atomic_exchange_explicit(&self->returned, SEALED, memory_order_acquire);
    atomic_store_explicit(&self->owner, NULL, memory_order_relaxed);
    if (returned == SEALED) return;
    put_returned(self, returned);
    pass_all_on(self);
    let_go(self);
}

void magazine_trim(magazine *self) {
    drain(self);
    pass_all_on(self);
    let_go(self);
}
