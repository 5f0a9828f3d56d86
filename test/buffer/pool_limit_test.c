/* pool_limit_test.c - a pool at its limit, without memory, and on a backend that fails. */
#include <stdlib.h>

#include <weir/buffer.h>
#include <weir/testing.h>

#include "pool/pool_inside.h"

static weir_pool_stats stats_of(weir_pool *pool) {
    weir_pool_stats stats;
    weir_pool_get_stats(pool, &stats);
    return stats;
}

/* ---- the limit -------------------------------------------------------------------------------- */

WEIR_TEST(pool_limit, a_get_over_the_limit_fails_and_the_next_release_makes_it_possible) {
    weir_pool *pool = weir_pool_new(&(weir_pool_options){.limit = 8 * 4096});
    weir_buf *bufs[8];
    for (int i = 0; i < 8; i++) require((bufs[i] = weir_pool_get(pool, 4096)) != NULL);
    expect(weir_pool_get(pool, 1) == NULL);
    weir_pool_stats stats = stats_of(pool);
    expect_eq(stats.failures, 1u);
    expect_eq(stats.active, 8u * 4096);
    expect_eq(stats.limit, 8u * 4096);
    weir_buf_release(bufs[3]);
    bufs[3] = weir_pool_get(pool, 4096);
    expect(bufs[3] != NULL);
    for (int i = 0; i < 8; i++) weir_buf_release(bufs[i]);
    expect_eq(stats_of(pool).peak, 8u * 4096);
    weir_pool_free(pool);
}

WEIR_TEST(pool_limit, what_is_cached_of_other_sizes_goes_before_a_get_fails) {
    weir_pool *pool = weir_pool_new(&(weir_pool_options){.limit = 16 * 4096});
    weir_buf *bufs[16];
    for (int i = 0; i < 16; i++) require((bufs[i] = weir_pool_get(pool, 4096)) != NULL);
    for (int i = 0; i < 16; i++) weir_buf_release(bufs[i]);
    expect_eq(stats_of(pool).cached, 16u * 4096);
    weir_buf *big = weir_pool_get(pool, 10 * 4096);
    require(big != NULL);
    weir_pool_stats stats = stats_of(pool);
    expect_eq(stats.cached, 6u * 4096);
    expect_eq(stats.active, 10u * 4096);
    expect(stats.peak <= 16 * 4096);
    weir_buf_release(big);
    big = weir_pool_get(pool, 16 * 4096);
    expect(big != NULL);
    expect_eq(stats_of(pool).cached, 0u);
    weir_buf_release(big);
    weir_pool_free(pool);
}

WEIR_TEST(pool_limit, growth_at_the_limit_sticks_to_the_buf_and_loses_nothing) {
    weir_pool *pool = weir_pool_new(&(weir_pool_options){.limit = 4096});
    weir_buf *buf = weir_pool_get(pool, 2048);
    require(buf != NULL);
    for (int i = 0; i < 2048; i++) weir_buf_write_u8(buf, 7);
    weir_buf_write_u8(buf, 8);
    expect_status(weir_buf_status(buf), WEIR_E_NO_MEMORY);
    expect_eq(weir_buf_readable(buf), 2048u);
    expect_eq(stats_of(pool).live, 1u);
    weir_buf_release(buf);
    expect_eq(stats_of(pool).live, 0u);
    weir_pool_free(pool);
}

WEIR_TEST(pool_limit, large_bufs_count_too) {
    weir_pool *pool = weir_pool_new(&(weir_pool_options){.limit = 5 << 20});
    weir_buf *buf = weir_pool_get(pool, 3 << 20);
    require(buf != NULL);
    expect(weir_pool_get(pool, 3 << 20) == NULL);
    weir_buf_release(buf);
    buf = weir_pool_get(pool, 5 << 20);
    expect(buf != NULL);
    expect(weir_pool_get(pool, (size_t)INT64_MAX) == NULL);
    weir_buf_release(buf);
    weir_pool_free(pool);
}

/* ---- no memory for headers and tables --------------------------------------------------------- */

static bool live_a_life(void *arg) {
    weir_pool *pool = weir_pool_new(arg);
    if (pool == NULL) return false;
    weir_buf *first = weir_pool_get(pool, 100);
    weir_buf *second = weir_pool_get(pool, 2000000);
    bool grew = first != NULL && weir_buf_ensure_writable(first, 5000, false) == WEIR_BUF_ROOM_GREW;
    weir_buf_release(first);
    weir_buf *third = weir_pool_get(pool, 100);
    bool all = grew && second != NULL && third != NULL;
    weir_buf_release(third);
    weir_buf_release(second);
    weir_pool_free(pool);
    return all;
}

WEIR_TEST(pool_limit, every_allocation_may_fail) {
    expect(weir_oom_sweep(live_a_life, NULL) >= 5);
    weir_pool_options uncached = {.cache_bytes = SIZE_MAX};
    expect(weir_oom_sweep(live_a_life, &uncached) >= 6);
}

/* ---- a backend that fails --------------------------------------------------------------------- */

static int gives_left, is_open, is_out, purges;

static bool flaky_open(backend_store *store) {
    (void)store;
    if (gives_left == 0) return false;
    gives_left--;
    is_open++;
    return true;
}

static void *flaky_acquire(backend_store *store, size_t size, size_t alignment, bool cached) {
    (void)store;
    (void)cached;
    if (gives_left == 0) return NULL;
    gives_left--;
    is_out++;
    return aligned_alloc(alignment, size);
}

static void flaky_release(backend_store *store, void *mem, size_t size, bool cached) {
    (void)store;
    (void)size;
    (void)cached;
    is_out--;
    gives_left++;
    free(mem);
}

static void flaky_purge(backend_store *store) {
    (void)store;
    purges++;
}

static void flaky_close(backend_store *store) {
    (void)store;
    is_open--;
}

static const pool_backend flaky = {
    .name = "flaky",
    .open = flaky_open,
    .acquire = flaky_acquire,
    .release = flaky_release,
    .purge = flaky_purge,
    .close = flaky_close,
};

WEIR_TEST(pool_limit, a_backend_without_a_store_fails_the_get_only) {
    gives_left = is_open = is_out = 0;
    static const weir_pool_options options;
    weir_pool *pool = pool_new_over(&flaky, &options);
    expect(weir_pool_get(pool, 100) == NULL);
    expect_eq(is_open, 0);
    gives_left = 2;
    weir_buf *buf = weir_pool_get(pool, 100);
    expect(buf != NULL);
    weir_buf_release(buf);
    weir_pool_free(pool);
    expect_eq(is_open, 0);
    expect_eq(is_out, 0);
}

WEIR_TEST(pool_limit, a_backend_out_of_memory_gets_back_what_is_cached_and_is_asked_again) {
    gives_left = 4;
    is_open = is_out = purges = 0;
    weir_pool *pool = pool_new_over(&flaky, NULL);
    weir_buf *bufs[3];
    for (int i = 0; i < 3; i++) require((bufs[i] = weir_pool_get(pool, 100)) != NULL);
    expect(weir_pool_get(pool, 1000) == NULL);
    expect_eq(stats_of(pool).active, stats_of(pool).peak);
    weir_buf_release(bufs[0]);
    bufs[0] = weir_pool_get(pool, 1000);
    expect(bufs[0] != NULL);
    expect(purges > 0);
    for (int i = 0; i < 3; i++) weir_buf_release(bufs[i]);
    weir_pool_free(pool);
    expect_eq(is_out, 0);
}
