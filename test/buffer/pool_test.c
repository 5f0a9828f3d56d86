/* pool_test.c - sizes, reuse, growth, options and numbers of a pool, on one thread. */
#include <dirent.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include <weir/buffer.h>
#include <weir/core/log.h>
#include <weir/testing.h>

#include "pool/size_class.h"

/* A pool that reuses at once: one made while leaks are tracked keeps bufs aside first. */
static weir_pool *reusing_pool(const weir_pool_options *options) {
    bool was_on = weir_leak_is_tracking();
    weir_leak_track(false);
    weir_pool *pool = weir_pool_new(options);
    weir_leak_track(was_on);
    return pool;
}

static weir_pool_stats stats_of(weir_pool *pool) {
    weir_pool_stats stats;
    weir_pool_get_stats(pool, &stats);
    return stats;
}

/* ---- sizes ------------------------------------------------------------------------------------ */

WEIR_TEST(pool, every_size_up_to_a_mebibyte_has_the_smallest_class_that_fits) {
    bool fits = true, is_smallest = true;
    for (size_t n = 1; n <= SIZE_CLASS_LARGEST; n++) {
        size_t last = (n - 1) | (SIZE_CLASS_ALIGNMENT - 1);
        unsigned index = size_class_of(last);
        fits = fits && index < SIZE_CLASS_COUNT && size_class_size(index) > last;
        is_smallest = is_smallest && (index == 0 || size_class_size(index - 1) <= last);
    }
    expect(fits);
    expect(is_smallest);
}

WEIR_TEST(pool, there_are_four_classes_per_doubling) {
    expect_eq(size_class_size(0), 64u);
    expect_eq(size_class_size(SIZE_CLASS_COUNT - 1), SIZE_CLASS_LARGEST);
    for (unsigned i = 4; i < SIZE_CLASS_COUNT; i++) {
        expect_eq(size_class_size(i), 2 * size_class_size(i - 4));
        expect(size_class_size(i) > size_class_size(i - 1));
    }
}

WEIR_TEST(pool, a_get_has_the_good_size) {
    weir_pool *pool = weir_pool_new(NULL);
    for (size_t n = 1; n <= 5 * SIZE_CLASS_LARGEST; n += n / 7 + 1) {
        weir_test_context("of %zu", n);
        size_t good = weir_pool_good_size(pool, n);
        weir_buf *buf = weir_pool_get(pool, n);
        require(buf != NULL);
        expect_eq(weir_buf_capacity(buf), good);
        expect(good >= n);
        expect(good - n <= n / 4 + (n > SIZE_CLASS_LARGEST ? 4096 : 64));
        expect_eq(good % 64, 0u);
        expect_eq((uintptr_t)buf->base % 64, 0u);
        weir_buf_release(buf);
    }
    weir_pool_free(pool);
}

WEIR_TEST(pool, asking_for_nothing_gives_the_smallest) {
    weir_pool *pool = weir_pool_new(NULL);
    weir_buf *buf = weir_pool_get(pool, 0);
    require(buf != NULL);
    expect_eq(weir_buf_capacity(buf), 64u);
    expect_eq(weir_pool_good_size(pool, 0), 64u);
    weir_buf_release(buf);
    weir_pool_free(pool);
}

/* ---- reuse ------------------------------------------------------------------------------------ */

WEIR_TEST(pool, what_was_released_last_is_reused_first) {
    weir_pool *pool = reusing_pool(NULL);
    weir_buf *first = weir_pool_get(pool, 1000);
    weir_buf *second = weir_pool_get(pool, 1000);
    const uint8_t *first_mem = first->base, *second_mem = second->base;
    expect(first_mem != second_mem);
    weir_buf_release(first);
    weir_buf_release(second);
    weir_buf *again = weir_pool_get(pool, 1020);
    weir_buf *again_too = weir_pool_get(pool, 1000);
    expect_eq(again->base, second_mem);
    expect_eq(again_too->base, first_mem);
    expect_eq(stats_of(pool).refills, 2u);
    weir_buf_release(again);
    weir_buf_release(again_too);
    weir_pool_free(pool);
}

WEIR_TEST(pool, a_buf_comes_back_only_when_its_last_view_is_gone) {
    weir_pool *pool = weir_pool_new(NULL);
    weir_buf *buf = weir_pool_get(pool, 100);
    weir_buf_write_u32(buf, 7);
    weir_buf *slice = weir_buf_slice(buf, 0, 4);
    require(slice != NULL);
    weir_buf_release(buf);
    expect_eq(stats_of(pool).live, 1u);
    uint32_t value = 0;
    expect(weir_buf_read_u32(slice, &value));
    expect_eq(value, 7u);
    weir_buf_release(slice);
    expect_eq(stats_of(pool).live, 0u);
    weir_pool_free(pool);
}

/* ---- growth ----------------------------------------------------------------------------------- */

static void write_numbers(weir_buf *buf, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) weir_buf_write_u32(buf, i);
}

static bool reads_numbers(weir_buf *buf, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        uint32_t value = 0;
        if (!weir_buf_read_u32(buf, &value) || value != i) return false;
    }
    return weir_buf_readable(buf) == 0;
}

WEIR_TEST(pool, a_buf_grows_from_its_pool_to_any_size) {
    weir_pool *pool = weir_pool_new(NULL);
    weir_buf *buf = weir_pool_get(pool, 64);
    write_numbers(buf, 1000000);
    expect_status(weir_buf_status(buf), WEIR_OK);
    weir_pool_stats stats = stats_of(pool);
    expect_eq(stats.live, 1u);
    expect_eq(stats.active, weir_buf_capacity(buf));
    expect(reads_numbers(buf, 1000000));
    weir_buf_release(buf);
    stats = stats_of(pool);
    expect_eq(stats.live, 0u);
    expect_eq(stats.active, 0u);
    expect_eq(stats.requested, 0u);
    weir_pool_free(pool);
}

WEIR_TEST(pool, a_shared_buf_that_grows_leaves_the_old_block_to_its_views) {
    weir_pool *pool = weir_pool_new(NULL);
    weir_buf *buf = weir_pool_get(pool, 64);
    write_numbers(buf, 16);
    weir_buf *view = weir_buf_slice(buf, 0, 64);
    require(view != NULL);
    write_numbers(buf, 100);
    expect_eq(stats_of(pool).live, 2u);
    expect(reads_numbers(view, 16));
    weir_buf_release(buf);
    weir_buf_release(view);
    weir_pool_stats stats = stats_of(pool);
    expect_eq(stats.live, 0u);
    expect_eq(stats.gets, stats.releases);
    weir_pool_free(pool);
}

WEIR_TEST(pool, no_buf_is_larger_than_max_capacity) {
    weir_pool *pool = weir_pool_new(&(weir_pool_options){.max_capacity = 1000});
    expect(weir_pool_get(pool, 1025) == NULL);
    expect_eq(weir_pool_good_size(pool, 1025), 0u);
    expect_eq(stats_of(pool).failures, 1u);
    weir_buf *buf = weir_pool_get(pool, 1000);
    expect_eq(weir_buf_capacity(buf), 1024u);
    write_numbers(buf, 256);
    expect_status(weir_buf_status(buf), WEIR_OK);
    weir_buf_write_u8(buf, 1);
    expect_status(weir_buf_status(buf), WEIR_E_FULL);
    weir_buf_release(buf);
    weir_pool_free(pool);
}

/* ---- the cache -------------------------------------------------------------------------------- */

enum {
    MANY = 64
};

static void get_and_release_many(weir_pool *pool, size_t size) {
    weir_buf *bufs[MANY];
    for (int i = 0; i < MANY; i++) require((bufs[i] = weir_pool_get(pool, size)) != NULL);
    for (int i = 0; i < MANY; i++) weir_buf_release(bufs[i]);
}

WEIR_TEST(pool, a_magazine_keeps_no_more_than_cache_bytes) {
    weir_pool *pool = weir_pool_new(&(weir_pool_options){.cache_bytes = 16 * 4096});
    get_and_release_many(pool, 4096);
    weir_pool_stats stats = stats_of(pool);
    expect(stats.cached <= 16 * 4096);
    expect(stats.cached >= 8 * 4096);
    expect_eq(stats.live, 0u);
    expect_eq(stats.peak, (uint64_t)MANY * 4096);
    weir_pool_free(pool);
}

WEIR_TEST(pool, a_full_cache_gives_way_to_another_size) {
    weir_pool *pool = reusing_pool(&(weir_pool_options){.cache_bytes = 16 * 4096});
    get_and_release_many(pool, 4096);
    weir_buf_release(weir_pool_get(pool, 32768));
    uint64_t refills = stats_of(pool).refills;
    weir_buf_release(weir_pool_get(pool, 32768));
    expect_eq(stats_of(pool).refills, refills);
    expect(stats_of(pool).cached <= 16 * 4096);
    weir_pool_free(pool);
}

WEIR_TEST(pool, what_one_size_has_no_use_for_is_kept_of_another) {
    weir_pool *pool = reusing_pool(&(weir_pool_options){.cache_bytes = 16 * 4096});
    weir_buf *bufs[16];
    for (int i = 0; i < 16; i++) bufs[i] = weir_pool_get(pool, 4096);
    for (int i = 0; i < 16; i++) weir_buf_release(bufs[i]);
    for (int i = 0; i < 16; i++) bufs[i] = weir_pool_get(pool, 4096);
    expect_eq(stats_of(pool).refills, 16u);
    get_and_release_many(pool, 1024);
    expect_eq(stats_of(pool).cached, (uint64_t)MANY * 1024);
    for (int i = 0; i < 16; i++) weir_buf_release(bufs[i]);
    expect(stats_of(pool).cached <= 16 * 4096);
    weir_pool_free(pool);
}

WEIR_TEST(pool, whatever_sizes_come_no_more_than_cache_bytes_are_kept) {
    weir_pool *pool = reusing_pool(&(weir_pool_options){.cache_bytes = 1 << 17});
    weir_buf *held[MANY] = {NULL};
    uint32_t state = 1;
    bool within = true;
    for (int step = 0; step < 20000; step++) {
        state = state * 1664525u + 1013904223u;
        weir_buf **place = &held[(state >> 8) % MANY];
        weir_buf_release(*place);
        *place = (state >> 30) != 0 ? weir_pool_get(pool, (size_t)64 << (state >> 16) % 10) : NULL;
        within = within && stats_of(pool).cached <= 1 << 17;
    }
    expect(within);
    for (int i = 0; i < MANY; i++) weir_buf_release(held[i]);
    weir_pool_stats stats = stats_of(pool);
    expect(stats.cached <= 1 << 17 && stats.cached >= 1 << 16);
    expect_eq(stats.gets, stats.releases);
    weir_pool_free(pool);
}

WEIR_TEST(pool, without_a_cache_everything_goes_straight_back) {
    weir_pool *pool = weir_pool_new(&(weir_pool_options){.cache_bytes = SIZE_MAX});
    get_and_release_many(pool, 500);
    weir_pool_stats stats = stats_of(pool);
    expect_eq(stats.cached, 0u);
    expect_eq(stats.refills, (uint64_t)MANY);
    weir_pool_free(pool);
}

WEIR_TEST(pool, bufs_over_a_mebibyte_are_whole_pages_and_not_cached) {
    weir_pool *pool = weir_pool_new(NULL);
    weir_buf *buf = weir_pool_get(pool, SIZE_CLASS_LARGEST + 1);
    require(buf != NULL);
    expect_eq(weir_buf_capacity(buf), SIZE_CLASS_LARGEST + 4096);
    expect_eq(stats_of(pool).active, SIZE_CLASS_LARGEST + 4096);
    memset(weir_buf_reserve(buf, SIZE_CLASS_LARGEST), 1, SIZE_CLASS_LARGEST);
    weir_buf_release(buf);
    weir_pool_stats stats = stats_of(pool);
    expect_eq(stats.active + stats.cached, 0u);
    weir_pool_free(pool);
}

WEIR_TEST(pool, a_trim_leaves_nothing_cached) {
    weir_pool *pool = weir_pool_new(NULL);
    get_and_release_many(pool, 65536);
    expect_eq(stats_of(pool).cached, (uint64_t)MANY * 65536);
    weir_pool_trim(pool);
    expect_eq(stats_of(pool).cached, 0u);
    get_and_release_many(pool, 65536);
    expect_eq(stats_of(pool).cached, (uint64_t)MANY * 65536);
    weir_pool_free(pool);
}

/* ---- numbers ---------------------------------------------------------------------------------- */

WEIR_TEST(pool, the_numbers_add_up) {
    weir_pool *pool = weir_pool_new(NULL);
    weir_buf *small = weir_pool_get(pool, 100);
    weir_buf *large = weir_pool_get(pool, 3000000);
    weir_buf_release(weir_pool_get(pool, 5000));
    weir_pool_stats stats = stats_of(pool);
    expect_eq(stats.gets, 3u);
    expect_eq(stats.releases, 1u);
    expect_eq(stats.foreign, 0u);
    expect_eq(stats.refills, 3u);
    expect_eq(stats.live, 2u);
    expect_eq(stats.requested, 3000100u);
    expect_eq(stats.active, 128 + weir_pool_good_size(pool, 3000000));
    expect_eq(stats.cached, 5120u);
    expect_eq(stats.peak, stats.active + stats.cached);
    expect_eq(stats.magazines, 1u);
    expect_eq(stats.limit, 0u);
    weir_buf_release(small);
    weir_buf_release(large);
    weir_pool_free(pool);
}

WEIR_TEST(pool, the_dump_says_it_in_words) {
    weir_pool *pool = weir_pool_new(&(weir_pool_options){.name = "lake", .limit = 1 << 20});
    weir_buf *buf = weir_pool_get(pool, 1000);
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    require(out != NULL);
    weir_pool_dump(pool, out);
    fclose(out);
    expect(strstr(text, "pool lake on ") != NULL);
    expect(strstr(text, "out: 1 bufs of 1024 bytes, 1000 asked for") != NULL);
    expect(strstr(text, "limit 1048576") != NULL);
    expect(strstr(text, "1024: 1 out, 0 ready, 1 gets, 1 refills") != NULL);
    free(text);
    weir_buf_release(buf);
    weir_pool_free(pool);
}

WEIR_TEST(pool, live_bufs_of_all_pools_are_in_the_leak_report) {
    int64_t before = weir_leak_report(NULL);
    weir_pool *pool = weir_pool_new(NULL), *other = weir_pool_new(NULL);
    weir_buf *buf = weir_pool_get(pool, 10), *more = weir_pool_get(other, 10);
    expect_eq(weir_leak_report(NULL), before + 2);
    weir_buf_release(buf);
    expect_eq(weir_leak_report(NULL), before + 1);
    weir_buf_release(more);
    expect_eq(weir_leak_report(NULL), before);
    weir_pool_free(pool);
    weir_pool_free(other);
}

/* ---- options and backends --------------------------------------------------------------------- */

static void check_alignment(weir_pool_backend backend, size_t alignment) {
    weir_pool *pool = weir_pool_new(&(weir_pool_options){.alignment = alignment, .backend = backend});
    for (size_t n = 1; n < 3 * alignment && n < 3000000; n = n * 5 + 1) {
        weir_test_context("alignment %zu, size %zu", alignment, n);
        weir_buf *buf = weir_pool_get(pool, n);
        require(buf != NULL);
        expect_eq((uintptr_t)buf->base % alignment, 0u);
        expect_eq(weir_buf_capacity(buf) % alignment, 0u);
        expect_eq(weir_buf_capacity(buf), weir_pool_good_size(pool, n));
        memset(weir_buf_reserve(buf, n), 1, n);
        weir_buf_release(buf);
    }
    weir_pool_free(pool);
}

static int threads_of_this_process(void) {
    DIR *tasks = opendir("/proc/self/task");
    int count = 0;
    require(tasks != NULL);
    while (readdir(tasks) != NULL) count++;
    closedir(tasks);
    return count;
}

WEIR_TEST(pool, no_thread_is_started) {
    int before = threads_of_this_process();
    weir_pool *pool = weir_pool_new(NULL);
    for (size_t size = 64; size <= 4 << 20; size *= 2) weir_buf_release(weir_pool_get(pool, size));
    weir_pool_trim(pool);
    expect_eq(threads_of_this_process(), before);
    weir_pool_free(pool);
}

WEIR_TEST(pool, blocks_are_aligned_as_asked) {
    static const size_t alignments[] = {64, 4096, 65536, 2 << 20};
    for (size_t i = 0; i < sizeof alignments / sizeof alignments[0]; i++) {
        check_alignment(WEIR_POOL_BACKEND_DEFAULT, alignments[i]);
        check_alignment(WEIR_POOL_BACKEND_MALLOC, alignments[i]);
    }
}

WEIR_TEST(pool, zero_on_release_wipes_what_was_written) {
    weir_pool *pool = reusing_pool(&(weir_pool_options){.zero_on_release = true});
    weir_buf *buf = weir_pool_get(pool, 4096);
    const uint8_t *mem = buf->base;
    memset(weir_buf_reserve(buf, 4096), 0x5a, 4096);
    weir_buf_release(buf);
    buf = weir_pool_get(pool, 4096);
    require(buf != NULL);
    expect_eq(buf->base, mem);
    bool is_zero = true;
    for (int i = 0; i < 4096; i++) is_zero = is_zero && mem[i] == 0;
    expect(is_zero);
    weir_buf_release(buf);
    weir_pool_free(pool);
}

static void count_line(void *arg, weir_log_level level, const char *subject, const char *text) {
    (void)level;
    (void)text;
    *(int *)arg += strcmp(subject, "pool") == 0;
}

WEIR_TEST(pool, options_without_sense_are_refused_with_a_line) {
    int lines = 0;
    weir_log_set_sink(count_line, &lines);
    expect(weir_pool_new(&(weir_pool_options){.alignment = 96}) == NULL);
    expect(weir_pool_new(&(weir_pool_options){.alignment = (size_t)1 << 40}) == NULL);
    expect(weir_pool_new(&(weir_pool_options){.backend = (weir_pool_backend)99}) == NULL);
    weir_log_set_sink(NULL, NULL);
    expect_eq(lines, 3);
}

WEIR_TEST(pool, the_malloc_backend_does_all_the_same) {
    weir_pool *pool = weir_pool_new(&(weir_pool_options){.backend = WEIR_POOL_BACKEND_MALLOC});
    expect_str(weir_pool_backend_name(pool), "malloc");
    weir_buf *buf = weir_pool_get(pool, 64);
    write_numbers(buf, 500000);
    expect(reads_numbers(buf, 500000));
    weir_buf_release(buf);
    get_and_release_many(pool, 300);
    weir_pool_trim(pool);
    weir_pool_stats stats = stats_of(pool);
    expect_eq(stats.live + stats.active + stats.cached + stats.resident, 0u);
    weir_pool_free(pool);
}

/* Where jemalloc was left out the default says so, and then malloc is what there is to test. */
static weir_pool *jemalloc_or_malloc_pool(void) {
    weir_log_set_level(WEIR_LOG_OFF);
    weir_pool *pool = weir_pool_new(&(weir_pool_options){.backend = WEIR_POOL_BACKEND_JEMALLOC});
    weir_log_set_level(WEIR_LOG_WARN);
    if (pool != NULL) {
        expect_str(weir_pool_backend_name(pool), "jemalloc");
        return pool;
    }
    pool = weir_pool_new(NULL);
    expect_str(weir_pool_backend_name(pool), "malloc");
    return pool;
}

static bool is_jemalloc(const weir_pool *pool) {
    return strcmp(weir_pool_backend_name(pool), "jemalloc") == 0;
}

WEIR_TEST(pool, resident_falls_when_jemalloc_is_trimmed) {
    weir_pool *pool = jemalloc_or_malloc_pool();
    uint64_t bytes = is_jemalloc(pool) ? (uint64_t)MANY * 65536 : 0;
    weir_buf *bufs[MANY];
    for (int i = 0; i < MANY; i++) {
        require((bufs[i] = weir_pool_get(pool, 65536)) != NULL);
        memset(weir_buf_reserve(bufs[i], 65536), 1, 65536);
    }
    uint64_t full = stats_of(pool).resident;
    expect(full >= bytes);
    for (int i = 0; i < MANY; i++) weir_buf_release(bufs[i]);
    expect(stats_of(pool).resident >= bytes);
    weir_pool_trim(pool);
    expect(stats_of(pool).resident <= full - bytes / 2);
    weir_pool_free(pool);
}

static size_t process_heap(void) {
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

WEIR_TEST(pool, blocks_of_jemalloc_are_not_of_the_process_heap) {
    weir_pool *pool = jemalloc_or_malloc_pool();
    size_t before = process_heap();
    weir_buf *buf = weir_pool_get(pool, 32 << 20);
    require(buf != NULL);
    size_t most = is_jemalloc(pool) ? 1 << 20 : 64 << 20;
    expect(process_heap() < before + most);
    weir_buf_release(buf);
    weir_pool_free(pool);
}
