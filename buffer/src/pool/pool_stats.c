/* pool_stats.c - what a pool has done and holds, summed over its magazines when somebody asks. */
#include "pool_inside.h"

#include <inttypes.h>
#include <string.h>

typedef struct class_sum {
    uint64_t gets, releases, foreign, acquired, disposed;
} class_sum;

typedef struct pool_sum {
    class_sum classes[SIZE_CLASS_COUNT + 1];
    uint64_t requested, large, resident;
    uint32_t magazines;
} pool_sum;

static void add_shelves(pool_sum *sum, const magazine_shelf *shelves, const magazine_bytes *bytes) {
    for (unsigned i = 0; i <= SIZE_CLASS_COUNT; i++) {
        const magazine_tally *tally = &shelves[i].tally;
        class_sum *to = &sum->classes[i];
        to->gets += counter_get(&tally->gets);
        to->releases += counter_get(&tally->returns) + counter_get(&tally->foreign);
        to->foreign += counter_get(&tally->foreign);
        to->acquired += counter_get(&tally->acquired);
        to->disposed += counter_get(&tally->disposed);
    }
    sum->requested += counter_get(&bytes->requested);
    sum->large += counter_get(&bytes->large);
}

/* Requires: the pool's lock. */
static void add_up(const weir_pool *pool, pool_sum *sum) {
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

static uint64_t live_of(const class_sum *class) {
    return difference(class->gets, class->releases);
}

static uint64_t cached_of(const class_sum *class) {
    return difference(class->acquired - class->disposed, class->gets - class->releases);
}

static void fill_stats(weir_pool *pool, const pool_sum *sum, weir_pool_stats *out) {
    *out = (weir_pool_stats){
        .failures = atomic_load_explicit(&pool->failures, memory_order_relaxed),
        .peak = atomic_load_explicit(&pool->peak, memory_order_relaxed),
        .limit = pool->limit == SIZE_MAX ? 0 : pool->limit,
        .requested = sum->requested,
        .active = sum->large,
        .resident = sum->resident,
        .magazines = sum->magazines,
    };
    for (unsigned i = 0; i <= SIZE_CLASS_COUNT; i++) {
        const class_sum *class = &sum->classes[i];
        out->gets += class->gets;
        out->releases += class->releases;
        out->foreign += class->foreign;
        out->refills += class->acquired;
        out->live += live_of(class);
        if (i == SIZE_CLASS_LARGE) continue;
        out->active += live_of(class) * size_class_size(i);
        out->cached += cached_of(class) * size_class_size(i);
    }
}

static void look(weir_pool *pool, pool_sum *sum, weir_pool_stats *out) {
    pthread_mutex_lock(&pool->lock);
    add_up(pool, sum);
    sum->resident = ask_resident(pool);
    pthread_mutex_unlock(&pool->lock);
    fill_stats(pool, sum, out);
}

void weir_pool_get_stats(weir_pool *pool, weir_pool_stats *out) {
    pool_sum sum;
    look(pool, &sum, out);
}

static void dump_classes(const pool_sum *sum, FILE *out) {
    for (unsigned i = 0; i <= SIZE_CLASS_COUNT; i++) {
        const class_sum *class = &sum->classes[i];
        if (class->gets == 0) continue;
        if (i == SIZE_CLASS_LARGE) {
            fprintf(out, "    larger");
        } else {
            fprintf(out, "  %8zu", size_class_size(i));
        }
        fprintf(out, ": %" PRIu64 " out, %" PRIu64 " ready, %" PRIu64 " gets, %" PRIu64 " refills\n",
                live_of(class), cached_of(class), class->gets, class->acquired);
    }
}

void weir_pool_dump(weir_pool *pool, FILE *out) {
    pool_sum sum;
    weir_pool_stats stats;
    look(pool, &sum, &stats);
    fprintf(out, "pool %s on %s, magazines: %" PRIu32 "\n", pool->name, pool->backend->name, stats.magazines);
    fprintf(out, "  out: %" PRIu64 " bufs of %" PRIu64 " bytes, %" PRIu64 " asked for\n", stats.live,
            stats.active, stats.requested);
    fprintf(out, "  held: %" PRIu64 " bytes cached, %" PRIu64 " at most ever, %" PRIu64 " resident, limit ",
            stats.cached, stats.peak, stats.resident);
    if (stats.limit == 0) {
        fprintf(out, "none\n");
    } else {
        fprintf(out, "%" PRIu64 "\n", stats.limit);
    }
    fprintf(out,
            "  gets %" PRIu64 ", releases %" PRIu64 " (foreign %" PRIu64 "), refills %" PRIu64
            ", failures %" PRIu64 "\n",
            stats.gets, stats.releases, stats.foreign, stats.refills, stats.failures);
    dump_classes(&sum, out);
}

/* ---- the small questions ---------------------------------------------------------------------- */

size_t weir_pool_good_size(const weir_pool *pool, size_t n) {
    if (n > pool->max) return 0;
    unsigned index;
    size_t size = pool_block_size(pool, n == 0 ? 1 : n, &index);
    return size;
}

const char *weir_pool_backend_name(const weir_pool *pool) {
    return pool->backend->name;
}

int64_t pool_live(const weir_pool *pool) {
    pool_sum sum;
    add_up(pool, &sum);
    uint64_t live = 0;
    for (unsigned i = 0; i <= SIZE_CLASS_COUNT; i++) live += sum.classes[i].gets - sum.classes[i].releases;
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
