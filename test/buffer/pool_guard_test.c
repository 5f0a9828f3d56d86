/* pool_guard_test.c - bufs used after their release are seen: by the library, and by AddressSanitizer. */
#include <stdlib.h>

#include <weir/buffer.h>
#include <weir/testing.h>

#include "pool/guard.h"
#include "pool/pool_inside.h"

static weir_pool *tracked_pool(void) {
    weir_leak_track(true);
    return weir_pool_new(NULL);
}

WEIR_TEST(pool_guard, a_second_release_is_answered) {
    weir_pool *pool = weir_pool_new(NULL);
    expect_abort(
        {
            weir_buf *buf = weir_pool_get(pool, 100);
            weir_buf_release(buf);
            weir_buf_release(buf);
        },
        "after its last release");
    weir_pool_free(pool);
}

WEIR_TEST(pool_guard, a_retain_after_the_last_release_is_answered) {
    weir_pool *pool = weir_pool_new(NULL);
    expect_abort(
        {
            weir_buf *buf = weir_pool_get(pool, 100);
            weir_buf_release(buf);
            (void)weir_buf_retain(buf);
        },
        "after its last release");
    weir_pool_free(pool);
}

WEIR_TEST(pool_guard, a_tracked_pool_tells_both_sites_although_others_came_between) {
    bool was_on = weir_leak_is_tracking();
    weir_pool *pool = tracked_pool();
    expect_abort(
        {
            weir_buf *buf = weir_pool_get(pool, 100);
            weir_buf_release(buf);
            for (int i = 0; i < 500; i++) weir_buf_release(weir_pool_get(pool, 100));
            weir_buf_release(buf);
        },
        "released at");
    weir_pool_free(pool);
    weir_leak_track(was_on);
}

WEIR_TEST(pool_guard, a_tracked_pool_reuses_a_buf_after_a_thousand_others) {
    bool was_on = weir_leak_is_tracking();
    weir_pool *pool = tracked_pool();
    weir_buf *buf = weir_pool_get(pool, 100);
    const uint8_t *mem = buf->base;
    weir_buf_release(buf);
    int others = 0;
    bool seen = false;
    while (!seen && others < 2 * QUARANTINE) {
        buf = weir_pool_get(pool, 100);
        require(buf != NULL);
        seen = buf->base == mem;
        weir_buf_release(buf);
        others += !seen;
    }
    expect(seen);
    expect_eq(others, QUARANTINE);
    weir_pool_free(pool);
    weir_leak_track(was_on);
}

WEIR_TEST(pool_guard, a_quarantine_counts_as_cached_and_ends_where_the_cache_does) {
    bool was_on = weir_leak_is_tracking();
    weir_leak_track(true);
    weir_pool *pool = weir_pool_new(&(weir_pool_options){.cache_bytes = 64 * 1024, .limit = 128 * 1024});
    for (int i = 0; i < 200; i++) weir_buf_release(weir_pool_get(pool, 4096));
    weir_pool_stats stats;
    weir_pool_get_stats(pool, &stats);
    expect(stats.cached > 0);
    expect(stats.cached <= 64 * 1024);
    weir_buf *buf = weir_pool_get(pool, 128 * 1024);
    expect(buf != NULL);
    weir_buf_release(buf);
    weir_pool_trim(pool);
    weir_pool_get_stats(pool, &stats);
    expect_eq(stats.cached, 0u);
    expect_eq(stats.failures, 0u);
    weir_pool_free(pool);
    weir_leak_track(was_on);
}

#if GUARD_ASAN
WEIR_TEST(pool_guard, the_block_of_a_released_buf_is_out_of_bounds) {
    weir_pool *pool = weir_pool_new(NULL);
    expect_abort(
        {
            __sanitizer_set_death_callback(abort);
            weir_buf *buf = weir_pool_get(pool, 100);
            volatile uint8_t *mem = buf->base;
            mem[99] = 1;
            weir_buf_release(buf);
            mem[99] = 2;
        },
        "use-after-poison");
    weir_pool_free(pool);
}

WEIR_TEST(pool_guard, the_window_of_a_released_buf_is_out_of_bounds) {
    weir_pool *pool = weir_pool_new(NULL);
    expect_abort(
        {
            __sanitizer_set_death_callback(abort);
            weir_buf *buf = weir_pool_get(pool, 100);
            weir_buf_release(buf);
            weir_buf_write_u8(buf, 1);
        },
        "use-after-poison");
    weir_pool_free(pool);
}

WEIR_TEST(pool_guard, jemalloc_blocks_are_guarded_as_well) {
    weir_pool *pool = weir_pool_new(&(weir_pool_options){.backend = WEIR_POOL_BACKEND_JEMALLOC});
    require(pool != NULL);
    expect_abort(
        {
            __sanitizer_set_death_callback(abort);
            weir_buf *buf = weir_pool_get(pool, 100);
            volatile uint8_t *mem = buf->base;
            weir_buf_release(buf);
            mem[0] = 2;
        },
        "use-after-poison");
    weir_pool_free(pool);
}
#endif
