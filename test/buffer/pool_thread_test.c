/* pool_thread_test.c - bufs that cross threads, and threads that end. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <weir/buffer.h>
#include <weir/core/log.h>
#include <weir/testing.h>

static weir_pool_stats stats_of(weir_pool *pool) {
    weir_pool_stats stats;
    weir_pool_get_stats(pool, &stats);
    return stats;
}

static pthread_t start(void *(*body)(void *), void *arg) {
    pthread_t thread;
    require(pthread_create(&thread, NULL, body, arg) == 0);
    return thread;
}

static void run(void *(*body)(void *), void *arg) {
    pthread_join(start(body, arg), NULL);
}

/* A pool that reuses at once: one made while leaks are tracked keeps bufs aside first. */
static weir_pool *reusing_pool(void) {
    bool was_on = weir_leak_is_tracking();
    weir_leak_track(false);
    weir_pool *pool = weir_pool_new(NULL);
    weir_leak_track(was_on);
    return pool;
}

/* ---- released elsewhere ----------------------------------------------------------------------- */

enum {
    BUFS = 300,
    RELEASERS = 3
};

typedef struct share {
    weir_buf **bufs;
    int count;
} share;

static void *release_share(void *arg) {
    share *self = arg;
    for (int i = 0; i < self->count; i++) weir_buf_release(self->bufs[i]);
    return NULL;
}

static void get_bufs(weir_pool *pool, weir_buf **bufs, size_t size) {
    for (int i = 0; i < BUFS; i++) require((bufs[i] = weir_pool_get(pool, size)) != NULL);
}

WEIR_TEST(pool_thread, what_another_thread_releases_comes_back_to_its_owner) {
    weir_pool *pool = reusing_pool();
    weir_buf *bufs[BUFS];
    get_bufs(pool, bufs, 1000);
    run(release_share, &(share){bufs, BUFS});
    weir_pool_stats stats = stats_of(pool);
    expect_eq(stats.foreign, (uint64_t)BUFS);
    expect_eq(stats.releases, (uint64_t)BUFS);
    expect_eq(stats.live, 0u);
    expect_eq(stats.requested, 0u);
    expect_eq(stats.cached, (uint64_t)BUFS * 1024);
    get_bufs(pool, bufs, 1000);
    expect_eq(stats_of(pool).refills, (uint64_t)BUFS);
    expect_eq(stats_of(pool).cached, 0u);
    release_share(&(share){bufs, BUFS});
    weir_pool_free(pool);
}

WEIR_TEST(pool_thread, three_threads_release_at_once_and_no_count_is_lost) {
    weir_pool *pool = weir_pool_new(NULL);
    for (int round = 0; round < 20; round++) {
        weir_buf *bufs[BUFS];
        get_bufs(pool, bufs, 64 + (size_t)round * 700);
        pthread_t threads[RELEASERS];
        share shares[RELEASERS];
        for (int i = 0; i < RELEASERS; i++) {
            shares[i] = (share){bufs + i * (BUFS / RELEASERS), BUFS / RELEASERS};
            threads[i] = start(release_share, &shares[i]);
        }
        for (int i = 0; i < RELEASERS; i++) pthread_join(threads[i], NULL);
    }
    weir_pool_stats stats = stats_of(pool);
    expect_eq(stats.gets, 20u * BUFS);
    expect_eq(stats.releases, 20u * BUFS);
    expect_eq(stats.foreign, 20u * BUFS);
    expect_eq(stats.live + stats.active + stats.requested, 0u);
    weir_pool_free(pool);
}

WEIR_TEST(pool_thread, a_large_buf_released_elsewhere_goes_back_at_once) {
    weir_pool *pool = weir_pool_new(NULL);
    weir_buf *buf = weir_pool_get(pool, 3 << 20);
    require(buf != NULL);
    run(release_share, &(share){&buf, 1});
    weir_pool_stats stats = stats_of(pool);
    expect_eq(stats.foreign, 1u);
    expect_eq(stats.live + stats.active + stats.cached, 0u);
    weir_pool_free(pool);
}

/* ---- threads that end ------------------------------------------------------------------------- */

static void *use_pool(void *pool) {
    weir_buf *bufs[BUFS];
    get_bufs(pool, bufs, 3000);
    release_share(&(share){bufs, BUFS});
    return NULL;
}

WEIR_TEST(pool_thread, what_a_thread_cached_goes_back_when_it_ends) {
    weir_pool *pool = weir_pool_new(NULL);
    run(use_pool, pool);
    weir_pool_stats stats = stats_of(pool);
    expect_eq(stats.cached, 0u);
    expect_eq(stats.peak, (uint64_t)BUFS * 3072);
    expect_eq(stats.magazines, 1u);
    weir_pool_free(pool);
}

WEIR_TEST(pool_thread, the_next_thread_takes_over_the_magazine_of_one_that_ended) {
    weir_pool *pool = weir_pool_new(NULL);
    for (int i = 0; i < 5; i++) run(use_pool, pool);
    weir_pool_stats stats = stats_of(pool);
    expect_eq(stats.magazines, 1u);
    expect_eq(stats.gets, 5u * BUFS);
    expect_eq(stats.releases, 5u * BUFS);
    expect_eq(stats.foreign, 0u);
    weir_buf_release(weir_pool_get(pool, 10));
    expect_eq(stats_of(pool).magazines, 1u);
    weir_pool_free(pool);
}

typedef struct errand {
    weir_pool *pool;
    weir_buf *bufs[BUFS];
} errand;

static void *get_and_end(void *arg) {
    errand *self = arg;
    get_bufs(self->pool, self->bufs, 500);
    return NULL;
}

WEIR_TEST(pool_thread, bufs_of_a_thread_that_ended_go_straight_back) {
    errand gone = {.pool = weir_pool_new(NULL)};
    run(get_and_end, &gone);
    expect_eq(stats_of(gone.pool).live, (uint64_t)BUFS);
    release_share(&(share){gone.bufs, BUFS});
    weir_pool_stats stats = stats_of(gone.pool);
    expect_eq(stats.live, 0u);
    expect_eq(stats.cached, 0u);
    expect_eq(stats.foreign, (uint64_t)BUFS);
    weir_pool_free(gone.pool);
}

WEIR_TEST(pool_thread, who_takes_a_magazine_over_has_the_bufs_of_it_as_its_own) {
    errand gone = {.pool = weir_pool_new(NULL)};
    run(get_and_end, &gone);
    weir_buf_release(gone.bufs[0]);
    weir_buf_release(weir_pool_get(gone.pool, 500));
    release_share(&(share){gone.bufs + 1, BUFS - 1});
    weir_pool_stats stats = stats_of(gone.pool);
    expect_eq(stats.live, 0u);
    expect_eq(stats.foreign, 1u);
    expect_eq(stats.cached, (uint64_t)BUFS * 512);
    expect_eq(stats.magazines, 1u);
    weir_pool_free(gone.pool);
}

WEIR_TEST(pool_thread, bufs_of_a_thread_that_ended_may_outlive_the_pool) {
    errand gone = {.pool = weir_pool_new(NULL)};
    run(get_and_end, &gone);
    weir_log_set_level(WEIR_LOG_OFF);
    weir_pool_free(gone.pool);
    weir_log_set_level(WEIR_LOG_WARN);
    run(release_share, &(share){gone.bufs, BUFS / 2});
    release_share(&(share){gone.bufs + BUFS / 2, BUFS / 2});
    expect_eq(weir_tracking_alloc_live(weir_test_alloc()), 0u);
}

static pthread_key_t late_key;
static weir_pool *late_pool;

/* Runs after the pool has seen this thread end, if keys are destroyed in the order they were made. */
static void come_late(void *buf) {
    weir_buf_release(buf);
    weir_buf_release(weir_pool_get(late_pool, 2000));
}

static void *leave_a_buf(void *arg) {
    weir_buf *buf = weir_pool_get(late_pool, 100);
    if (buf == NULL || pthread_setspecific(late_key, buf) != 0) abort();
    return arg;
}

WEIR_TEST(pool_thread, destructors_that_come_late_may_get_and_release) {
    late_pool = weir_pool_new(NULL);
    weir_buf_release(weir_pool_get(late_pool, 100));
    require(pthread_key_create(&late_key, come_late) == 0);
    for (int i = 0; i < 3; i++) run(leave_a_buf, NULL);
    weir_pool_stats stats = stats_of(late_pool);
    expect_eq(stats.gets, 7u);
    expect_eq(stats.releases, 7u);
    expect_eq(stats.magazines, 2u);
    pthread_key_delete(late_key);
    weir_pool_free(late_pool);
}

/* ---- freed while others release --------------------------------------------------------------- */

static void *release_slowly(void *arg) {
    share *self = arg;
    for (int i = 0; i < self->count; i++) {
        weir_buf_release(self->bufs[i]);
        if (i % 16 == 0) sched_yield();
    }
    return NULL;
}

/* Every other round the bufs are those of a thread that has ended. */
WEIR_TEST(pool_thread, a_pool_may_be_freed_while_other_threads_release_its_bufs) {
    weir_log_set_level(WEIR_LOG_OFF);
    for (int round = 0; round < 30; round++) {
        weir_pool *pool = weir_pool_new(NULL);
        errand gone = {.pool = pool};
        weir_buf **bufs = gone.bufs;
        if (round % 2 == 0) {
            run(get_and_end, &gone);
        } else {
            get_bufs(pool, bufs, round % 3 == 0 ? 2000000 : 200);
        }
        pthread_t threads[RELEASERS];
        share shares[RELEASERS];
        for (int i = 0; i < RELEASERS; i++) {
            shares[i] = (share){bufs + i * (BUFS / RELEASERS), BUFS / RELEASERS};
            threads[i] = start(release_slowly, &shares[i]);
        }
        weir_pool_free(pool);
        for (int i = 0; i < RELEASERS; i++) pthread_join(threads[i], NULL);
    }
    weir_log_set_level(WEIR_LOG_WARN);
    expect_eq(weir_tracking_alloc_live(weir_test_alloc()), 0u);
}

/* ---- everything at once ----------------------------------------------------------------------- */

enum {
    WORKERS = 4,
    STEPS = 20000,
    PLACES = 64
};

typedef struct market {
    weir_pool *pool;
    _Atomic(weir_buf *) places[PLACES];
    _Atomic int wrong;
} market;

static uint32_t next_random(uint32_t *state) {
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

static weir_buf *make_signed(weir_pool *pool, uint32_t *state) {
    size_t size = (size_t)1 << (next_random(state) % 18);
    weir_buf *buf = weir_pool_get(pool, size + next_random(state) % size);
    if (buf == NULL) return NULL;
    uint32_t signature = next_random(state);
    weir_buf_write_u32(buf, signature);
    weir_buf_write_u32(buf, ~signature);
    if (next_random(state) % 8 == 0) (void)weir_buf_ensure_writable(buf, 4 * size, false);
    return buf;
}

static bool is_signed(weir_buf *buf) {
    uint32_t signature = 0, inverted = 0;
    return weir_buf_read_u32(buf, &signature) && weir_buf_read_u32(buf, &inverted) && inverted == ~signature;
}

/* Each step leaves a buf in a random place and checks and releases the one that was there, most likely
 * another thread's. */
static void *trade(void *arg) {
    market *self = arg;
    uint32_t state = (uint32_t)(uintptr_t)&state;
    for (int step = 0; step < STEPS; step++) {
        weir_buf *buf = make_signed(self->pool, &state);
        _Atomic(weir_buf *) *place = &self->places[next_random(&state) % PLACES];
        buf = atomic_exchange_explicit(place, buf, memory_order_acq_rel);
        if (buf != NULL && !is_signed(buf)) atomic_fetch_add(&self->wrong, 1);
        weir_buf_release(buf);
        if (step % 5000 == 2500) weir_pool_trim(self->pool);
    }
    return NULL;
}

static void hold_market(const weir_pool_options *options) {
    static market square;
    memset(&square, 0, sizeof square);
    square.pool = weir_pool_new(options);
    pthread_t threads[WORKERS];
    for (int i = 0; i < WORKERS; i++) threads[i] = start(trade, &square);
    for (int i = 0; i < 50; i++) (void)stats_of(square.pool);
    for (int i = 0; i < WORKERS; i++) pthread_join(threads[i], NULL);
    for (int i = 0; i < PLACES; i++) weir_buf_release(square.places[i]);
    expect_eq(square.wrong, 0);
    weir_pool_trim(square.pool);
    weir_pool_stats stats = stats_of(square.pool);
    expect_eq(stats.gets, stats.releases);
    expect_eq(stats.live + stats.active + stats.requested, 0u);
    expect_eq(stats.cached, 0u);
    expect(stats.foreign > 0);
    if (stats.limit != 0) expect(stats.peak <= stats.limit);
    weir_pool_free(square.pool);
}

WEIR_TEST(pool_thread, four_threads_trade_bufs_at_random) {
    hold_market(NULL);
}

WEIR_TEST(pool_thread, four_threads_trade_bufs_at_the_limit) {
    hold_market(&(weir_pool_options){.limit = 4 << 20, .cache_bytes = 1 << 20});
}
