/* pool_stats.c - what a pool has done and holds, summed over its magazines when somebody asks. */
#include "pool_inside.h"

#include <string.h>

/* Sums of what magazines and strays have counted. */
typedef struct pool_totals {
    uint64_t gets[SIZE_CLASS_COUNT + 1];
    uint64_t releases[SIZE_CLASS_COUNT + 1];
    uint64_t foreign[SIZE_CLASS_COUNT + 1];
    uint64_t acquired[SIZE_CLASS_COUNT + 1];
    uint64_t disposed[SIZE_CLASS_COUNT + 1];
    uint64_t requested, large;
    uint32_t magazines;
} pool_totals;

static void add_shelves(pool_totals *sum, const magazine_shelf *shelves, const magazine_bytes *bytes) {
    for (unsigned i = 0; i <= SIZE_CLASS_COUNT; i++) {
        const magazine_tally *tally = &shelves[i].tally;
        sum->gets[i] += counter_get(&tally->gets);
        sum->releases[i] += counter_get(&tally->returns) + counter_get(&tally->foreign);
        sum->foreign[i] += counter_get(&tally->foreign);
        sum->acquired[i] += counter_get(&tally->acquired);
        sum->disposed[i] += counter_get(&tally->disposed);
    }
    sum->requested += counter_get(&bytes->requested);
    sum->large += counter_get(&bytes->large);
}

/* Requires: the pool's lock. */
static void add_up(const weir_pool *pool, pool_totals *sum) {
    memset(sum, 0, sizeof *sum);
    add_shelves(sum, pool->strays, &pool->stray_bytes);
    for (const magazine *it = pool->magazines; it != NULL; it = it->next) {
        add_shelves(sum, it->shelves, &it->bytes);
        sum->magazines++;
    }
}

/* Requires: the pool's lock. Costs tens of microseconds with jemalloc. */
static uint64_t ask_resident(const weir_pool *pool) {
    const pool_backend *backend = pool->backend;
    if (backend->resident == NULL) return 0;
    if (backend->refresh != NULL) backend->refresh();
    uint64_t bytes = 0;
    for (const magazine *it = pool->magazines; it != NULL; it = it->next) {
        if (it->has_store) bytes += backend->resident(&it->store);
    }
    return bytes;
}

/* While other threads count, a difference may come out below zero for a moment. */
static uint64_t difference(uint64_t more, uint64_t less) {
    return more > less ? more - less : 0;
}

static weir_pool_class class_of(const pool_totals *totals, unsigned i) {
    uint64_t exist = totals->acquired[i] - totals->disposed[i];
    return (weir_pool_class){
        .size = i == SIZE_CLASS_LARGE ? 0 : size_class_size(i),
        .gets = totals->gets[i],
        .releases = totals->releases[i],
        .foreign = totals->foreign[i],
        .refills = totals->acquired[i],
        .live = difference(totals->gets[i], totals->releases[i]),
        .cached = difference(exist, totals->gets[i] - totals->releases[i]),
    };
}

static void add_class(weir_pool_stats *all, const weir_pool_class *class) {
    all->gets += class->gets;
    all->releases += class->releases;
    all->foreign += class->foreign;
    all->refills += class->refills;
    all->live += class->live;
    all->active += class->live * class->size;
    all->cached += class->cached * class->size;
}

static void fill_in(weir_pool *pool, const pool_totals *totals, uint64_t resident, pool_sum *sum) {
    sum->all = (weir_pool_stats){
        .failures = atomic_load_explicit(&pool->failures, memory_order_relaxed),
        .peak = atomic_load_explicit(&pool->peak, memory_order_relaxed),
        .limit = pool->limit == SIZE_MAX ? 0 : pool->limit,
        .requested = totals->requested,
        .active = totals->large,
        .resident = resident,
        .magazines = totals->magazines,
        .huge_pages = pool->settings.huge_pages,
        .locked = pool->settings.locked,
    };
    for (unsigned i = 0; i <= SIZE_CLASS_COUNT; i++) {
        sum->classes[i] = class_of(totals, i);
        add_class(&sum->all, &sum->classes[i]);
    }
}

void pool_add_up(weir_pool *pool, pool_sum *sum) {
    pool_totals totals;
    pthread_mutex_lock(&pool->lock);
    add_up(pool, &totals);
    uint64_t resident = ask_resident(pool);
    pthread_mutex_unlock(&pool->lock);
    fill_in(pool, &totals, resident, sum);
}

void weir_pool_get_stats(weir_pool *pool, weir_pool_stats *out) {
    pool_sum sum;
    pool_add_up(pool, &sum);
    *out = sum.all;
}

bool weir_pool_class_stats(weir_pool *pool, unsigned index, weir_pool_class *out) {
    if (index > SIZE_CLASS_LARGE) return false;
    pool_totals totals;
    pthread_mutex_lock(&pool->lock);
    add_up(pool, &totals);
    pthread_mutex_unlock(&pool->lock);
    *out = class_of(&totals, index);
    return true;
}

/* ---- the small questions ---------------------------------------------------------------------- */

size_t weir_pool_good_size(const weir_pool *pool, size_t n) {
    if (n > pool->max) return 0;
    unsigned index;
    size_t size = pool_block_size(pool, n == 0 ? 1 : n, &index);
    return size;
}

const char *weir_pool_backend_name(const weir_pool *pool) {
    const weir_pool_source *source = pool->settings.source;
    return source != NULL ? source->name : pool->backend->name;
}

int64_t pool_live(const weir_pool *pool) {
    pool_totals totals;
    add_up(pool, &totals);
    uint64_t live = 0;
    for (unsigned i = 0; i <= SIZE_CLASS_COUNT; i++) live += totals.gets[i] - totals.releases[i];
    return (int64_t)live;
}

static void add_live(weir_pool *pool, void *sum) {
    pthread_mutex_lock(&pool->lock);
    *(int64_t *)sum += pool_live(pool);
    pthread_mutex_unlock(&pool->lock);
}

int64_t pool_live_everywhere(void) {
    int64_t sum = 0;
    pool_visit_all(add_live, &sum);
    return sum;
}

void weir_pool_trim(weir_pool *pool) {
    magazine *mine = pool_magazine_if_any(pool);
    if (mine != NULL) magazine_trim(mine);
    const pool_backend *backend = pool->backend;
    if (backend->purge == NULL) return;
    pthread_mutex_lock(&pool->lock);
    for (magazine *it = pool->magazines; it != NULL; it = it->next) {
        if (it->has_store) backend->purge(&it->store);
    }
    pthread_mutex_unlock(&pool->lock);
}
