/* pool_life_test.c - pools that are freed while bufs are out, and many pools at once. */
#include <pthread.h>
#include <string.h>
#include <time.h>

#include <weir/buffer.h>
#include <weir/core/log.h>
#include <weir/testing.h>

#include "pool/pool_inside.h"

static char lines[16000];

static void keep_line(void *arg, weir_log_level level, const char *subject, const char *text) {
    (void)arg;
    size_t used = strlen(lines);
    if (level == WEIR_LOG_WARN && strcmp(subject, "pool") == 0) {
        snprintf(lines + used, sizeof lines - used, "%s\n", text);
    }
}

static void free_listening(weir_pool *pool) {
    lines[0] = '\0';
    weir_log_set_sink(keep_line, NULL);
    weir_pool_free(pool);
    weir_log_set_sink(NULL, NULL);
}

static void *release_it(void *buf) {
    weir_buf_release(buf);
    return NULL;
}

static void release_on_another_thread(weir_buf *buf) {
    pthread_t thread;
    require(pthread_create(&thread, NULL, release_it, buf) == 0);
    pthread_join(thread, NULL);
}

WEIR_TEST(pool_life, freeing_nothing_is_nothing) {
    weir_pool_free(NULL);
    weir_pool *pool = weir_pool_new(NULL);
    free_listening(pool);
    expect_str(lines, "");
}

WEIR_TEST(pool_life, bufs_that_are_out_are_told_and_stay_valid) {
    weir_pool *pool = weir_pool_new(&(weir_pool_options){.name = "pond"});
    weir_buf *buf = weir_pool_get(pool, 1000), *other = weir_pool_get(pool, 1000);
    weir_buf_release(weir_pool_get(pool, 5000));
    weir_buf_write_u32(buf, 42);
    free_listening(pool);
    expect(strstr(lines, "pond: freed while 2 bufs of 2048 bytes are out") != NULL);
    uint32_t value = 0;
    expect(weir_buf_read_u32(buf, &value));
    expect_eq(value, 42u);
    weir_buf_release(buf);
    expect(weir_tracking_alloc_live(weir_test_alloc()) > 0);
    weir_buf_release(other);
    expect_eq(weir_tracking_alloc_live(weir_test_alloc()), 0u);
}

WEIR_TEST(pool_life, a_tracked_pool_tells_each_buf_that_is_out_with_its_age_and_site) {
    bool was_on = weir_leak_is_tracking();
    weir_leak_track(true);
    weir_pool *pool = weir_pool_new(&(weir_pool_options){.name = "pond"});
    weir_buf *first = weir_pool_get(pool, 1000);
    nanosleep(&(struct timespec){.tv_nsec = 20 * 1000 * 1000}, NULL);
    weir_buf *second = weir_pool_get(pool, 60), *third = weir_pool_get(pool, 5000);
    weir_buf_release(third);
    free_listening(pool);
    char head[100];
    snprintf(head, sizeof head, "out is buf %p of 1024 bytes, 1000 asked for, 0.0", (void *)first);
    expect(strstr(lines, "freed while 2 bufs of 1088 bytes") != NULL);
    expect(strstr(lines, head) != NULL);
    expect(strstr(lines, head) < strstr(lines, "of 64 bytes, 60 asked for"));
    expect(strstr(lines, "of 5120 bytes") == NULL);
    expect(strstr(lines, "acquired at:\n    ") != NULL);
    weir_buf_release(first);
    weir_buf_release(second);
    weir_leak_track(was_on);
}

WEIR_TEST(pool_life, a_buf_made_by_growing_after_the_pool_was_freed_is_tracked_too) {
    bool was_on = weir_leak_is_tracking();
    weir_leak_track(true);
    weir_pool *pool = weir_pool_new(NULL);
    weir_buf *buf = weir_pool_get(pool, 64);
    free_listening(pool);
    for (uint32_t i = 0; i < 1000; i++) weir_buf_write_u32(buf, i);
    expect_status(weir_buf_status(buf), WEIR_OK);
    weir_buf_release(buf);
    expect_eq(weir_tracking_alloc_live(weir_test_alloc()), 0u);
    weir_leak_track(was_on);
}

WEIR_TEST(pool_life, the_last_buf_may_be_released_by_any_thread) {
    weir_pool *pool = weir_pool_new(NULL);
    weir_buf *buf = weir_pool_get(pool, 1000), *other = weir_pool_get(pool, 1000);
    free_listening(pool);
    release_on_another_thread(buf);
    release_on_another_thread(other);
    expect_eq(weir_tracking_alloc_live(weir_test_alloc()), 0u);
}

WEIR_TEST(pool_life, a_large_buf_outlives_its_pool_too) {
    weir_pool *pool = weir_pool_new(NULL);
    weir_buf *buf = weir_pool_get(pool, 2 << 20);
    free_listening(pool);
    expect(strstr(lines, "1 bufs of 2097152 bytes") != NULL);
    memset(weir_buf_reserve(buf, 2 << 20), 1, 2 << 20);
    weir_buf_release(buf);
}

WEIR_TEST(pool_life, a_view_keeps_the_pool_of_its_root_alive) {
    weir_pool *pool = weir_pool_new(NULL);
    weir_buf *buf = weir_pool_get(pool, 1000);
    weir_buf_write_u32(buf, 42);
    weir_buf *view = weir_buf_slice(buf, 0, 4);
    require(view != NULL);
    weir_buf_release(buf);
    free_listening(pool);
    uint32_t value = 0;
    expect(weir_buf_read_u32(view, &value));
    expect_eq(value, 42u);
    weir_buf_release(view);
}

WEIR_TEST(pool_life, a_buf_that_is_out_grows_within_the_limit_of_a_freed_pool) {
    weir_pool *pool = weir_pool_new(&(weir_pool_options){.limit = 8192});
    weir_buf *buf = weir_pool_get(pool, 64);
    free_listening(pool);
    for (uint32_t i = 0; i < 1000; i++) weir_buf_write_u32(buf, i);
    expect_status(weir_buf_status(buf), WEIR_OK);
    bool same = true;
    for (uint32_t i = 0; i < 1000; i++) {
        uint32_t value = 0;
        same = weir_buf_read_u32(buf, &value) && value == i && same;
    }
    expect(same);
    for (uint32_t i = 0; i < 3000; i++) weir_buf_write_u32(buf, i);
    expect_status(weir_buf_status(buf), WEIR_E_NO_MEMORY);
    weir_buf_release(buf);
    expect_eq(weir_tracking_alloc_live(weir_test_alloc()), 0u);
}

enum {
    POOLS = 3 * SLOTS
};

WEIR_TEST(pool_life, more_pools_than_slots_share_a_thread) {
    weir_pool *pools[POOLS];
    for (int i = 0; i < POOLS; i++) require((pools[i] = weir_pool_new(NULL)) != NULL);
    weir_buf *bufs[POOLS];
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < POOLS; i++) require((bufs[i] = weir_pool_get(pools[i], 100)) != NULL);
        for (int i = 0; i < POOLS; i++) weir_buf_release(bufs[i]);
    }
    for (int i = 0; i < POOLS; i++) {
        weir_pool_stats stats;
        weir_pool_get_stats(pools[i], &stats);
        expect_eq(stats.magazines, 1u);
        expect_eq(stats.gets, 3u);
        expect_eq(stats.releases, 3u);
        expect_eq(stats.foreign, 0u);
        weir_pool_trim(pools[i]);
        weir_pool_get_stats(pools[i], &stats);
        expect_eq(stats.cached, 0u);
        weir_pool_free(pools[i]);
    }
}

WEIR_TEST(pool_life, a_new_pool_at_an_old_address_starts_afresh) {
    for (int i = 0; i < 100; i++) {
        weir_pool *pool = weir_pool_new(NULL);
        weir_buf *buf = weir_pool_get(pool, 100);
        require(buf != NULL);
        weir_pool_stats stats;
        weir_pool_get_stats(pool, &stats);
        expect_eq(stats.gets, 1u);
        weir_buf_release(buf);
        weir_pool_free(pool);
    }
}
