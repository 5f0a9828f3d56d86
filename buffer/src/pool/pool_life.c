/* pool_life.c - pools in the registry, the threads that come and go, and the end.
 *
 * A pool that is freed while bufs are out is *closed*: its magazines are sealed, so each of those bufs
 * comes back under the pool's lock, and the last one takes the pool along. `taken` tells which is the last:
 * it counts blocks, not what anybody remembers of them.
 */
#include "pool_inside.h"

#include <string.h>

#include <weir/core/log.h>

/* ---- every pool there is ---------------------------------------------------------------------- */

static pthread_mutex_t registry_lock = PTHREAD_MUTEX_INITIALIZER;
static weir_pool *registry;
static uint64_t last_id;
static weir_leak_counter live_counter = {.name = "pooled buf", .elsewhere = pool_live_everywhere};

void pool_enter_registry(weir_pool *pool) {
    weir_leak_register(&live_counter);
    pthread_mutex_lock(&registry_lock);
    pool->id = ++last_id;
    pool->slot = pool->id % SLOTS * sizeof(magazine_slot);
    pool->next = registry;
    registry = pool;
    pthread_mutex_unlock(&registry_lock);
}

static void leave_registry(weir_pool *pool) {
    pthread_mutex_lock(&registry_lock);
    weir_pool **link = &registry;
    while (*link != pool) link = &(*link)->next;
    *link = pool->next;
    pthread_mutex_unlock(&registry_lock);
}

void pool_visit_all(void (*visit)(weir_pool *pool, void *arg), void *arg) {
    pthread_mutex_lock(&registry_lock);
    for (weir_pool *pool = registry; pool != NULL; pool = pool->next) visit(pool, arg);
    pthread_mutex_unlock(&registry_lock);
}

/* ---- threads ---------------------------------------------------------------------------------- */

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static bool has_key;

static magazine *find_magazine(const weir_pool *pool, const void *owner) {
    magazine *it = pool->magazines;
    while (it != NULL && atomic_load_explicit(&it->owner, memory_order_relaxed) != owner) it = it->next;
    return it;
}

/* Who only releases is a visitor: it counts in a magazine that stays sealed. So it never comes to own the
 * bufs of a thread that has ended, and may release while the pool is freed. */
static const void *visitor(const magazine_slot *slots) {
    return (const char *)slots + 1;
}

static void retire_magazine_of(weir_pool *pool, void *slots) {
    pthread_mutex_lock(&pool->lock);
    magazine *mine = find_magazine(pool, slots);
    if (mine == NULL) mine = find_magazine(pool, visitor(slots));
    if (mine != NULL) magazine_retire(mine);
    pthread_mutex_unlock(&pool->lock);
}

/* Other destructors of this thread may still come for bufs: they start anew, and so does this one. */
static void end_thread(void *slots) {
    memset(slots, 0, sizeof magazine_slots);
    pool_visit_all(retire_magazine_of, slots);
}

static void create_key(void) {
    has_key = pthread_key_create(&key, end_thread) == 0;
}

static bool watch_thread_end(void) {
    pthread_once(&once, create_key);
    return has_key && pthread_setspecific(key, magazine_slots) == 0;
}

static magazine *add_magazine(weir_pool *pool) {
    magazine *added = magazine_new(pool);
    if (added == NULL) return NULL;
    added->next = pool->magazines;
    pool->magazines = added;
    return added;
}

static magazine *find_or_add(weir_pool *pool) {
    if (atomic_load_explicit(&pool->closed, memory_order_relaxed)) return NULL;
    magazine *found = find_magazine(pool, magazine_slots);
    if (found == NULL) found = find_magazine(pool, visitor(magazine_slots));
    if (found == NULL) found = find_magazine(pool, NULL);
    return found != NULL ? found : add_magazine(pool);
}

static WEIR_COLD magazine *join_thread(weir_pool *pool, bool gets) {
    if (!watch_thread_end()) return NULL;
    pthread_mutex_lock(&pool->lock);
    magazine *found = find_or_add(pool);
    if (found != NULL && !magazine_is_mine(found)) {
        if (gets) {
            magazine_adopt(found, magazine_slots);
        } else {
            atomic_store_explicit(&found->owner, visitor(magazine_slots), memory_order_relaxed);
        }
    }
    pthread_mutex_unlock(&pool->lock);
    if (found != NULL) *slot_of(pool) = (magazine_slot){pool->id, found};
    return found;
}

magazine *pool_magazine(weir_pool *pool) {
    const magazine_slot *slot = slot_of(pool);
    if (slot->id == pool->id && magazine_is_mine(slot->magazine)) return slot->magazine;
    return join_thread(pool, true);
}

magazine *pool_magazine_to_count_in(weir_pool *pool) {
    const magazine_slot *slot = slot_of(pool);
    return WEIR_LIKELY(slot->id == pool->id) ? slot->magazine : join_thread(pool, false);
}

magazine *pool_magazine_if_any(weir_pool *pool) {
    pthread_mutex_lock(&pool->lock);
    magazine *mine = find_magazine(pool, magazine_slots);
    pthread_mutex_unlock(&pool->lock);
    return mine;
}

/* ---- the limit -------------------------------------------------------------------------------- */

bool pool_charge(weir_pool *pool, size_t size) {
    size_t taken = atomic_load_explicit(&pool->taken, memory_order_relaxed);
    do {
        if (pool->limit - taken < size) return false;
    } while (!atomic_compare_exchange_weak_explicit(&pool->taken, &taken, taken + size, memory_order_relaxed,
                                                    memory_order_relaxed));
    return true;
}

void pool_raise_peak(weir_pool *pool) {
    size_t taken = atomic_load_explicit(&pool->taken, memory_order_relaxed);
    size_t peak = atomic_load_explicit(&pool->peak, memory_order_relaxed);
    while (taken > peak && !atomic_compare_exchange_weak_explicit(
                               &pool->peak, &peak, taken, memory_order_relaxed, memory_order_relaxed)) {
    }
}

void pool_discharge(weir_pool *pool, size_t size) {
    atomic_fetch_sub_explicit(&pool->taken, size, memory_order_relaxed);
}

/* ---- the end ---------------------------------------------------------------------------------- */

static void pool_end(weir_pool *pool) {
    weir_pool_source *source = pool->settings.source;
    leave_registry(pool);
    while (pool->magazines != NULL) {
        magazine *first = pool->magazines;
        pool->magazines = first->next;
        magazine_free(first);
    }
    pthread_mutex_destroy(&pool->lock);
    weir_alloc_release(pool->alloc, pool->block);
    if (source != NULL && source->closed != NULL) source->closed(source);
}

/* Requires: the pool's lock. */
static bool is_finished(const weir_pool *pool) {
    return atomic_load_explicit(&pool->closed, memory_order_relaxed) &&
           atomic_load_explicit(&pool->taken, memory_order_relaxed) == 0;
}

void weir_pool_free(weir_pool *pool) {
    if (pool == NULL) return;
    pthread_mutex_lock(&pool->lock);
    atomic_store_explicit(&pool->closed, true, memory_order_release);
    for (magazine *it = pool->magazines; it != NULL; it = it->next) magazine_retire(it);
    bool finished = is_finished(pool);
    if (!finished) {
        weir_log(WEIR_LOG_WARN, "pool",
                 "%s: freed while %lld bufs of %zu bytes are out; it ends with the last of them", pool->name,
                 (long long)pool_live(pool), atomic_load_explicit(&pool->taken, memory_order_relaxed));
        pool_tell_live(pool);
    }
    pthread_mutex_unlock(&pool->lock);
    if (finished) pool_end(pool);
}

void pool_dispose(magazine *from, buf_root *root) {
    weir_pool *pool = from->pool;
    unsigned index = magazine_class_of(root);
    pthread_mutex_lock(&pool->lock);
    /* Only under the lock is a sealed magazine sure to stay so: a thread may have adopted it just now. */
    if (index == SIZE_CLASS_LARGE || !magazine_return(from, root)) {
        magazine_tally *tally = &pool->strays[index].tally;
        counter_add(&tally->drained, 1);
        counter_add(&tally->disposed, 1);
        magazine_dispose(from, root, false);
    }
    bool finished = is_finished(pool);
    pthread_mutex_unlock(&pool->lock);
    if (finished) pool_end(pool);
}
