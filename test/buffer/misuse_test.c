/* misuse_test.c - each bug one can have with bufs, planted in a child process: what is said of it there. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <weir/buffer.h>
#include <weir/testing.h>

#include "pool/guard.h"

/* Every bug is in a pool made while leaks are tracked. */
static weir_pool *tracked_pool(void) {
    weir_leak_track(true);
    weir_pool *pool = weir_pool_new(&(weir_pool_options){.name = "pond"});
    require(pool != NULL);
    return pool;
}

/* Sanitizers see the read of freed memory before tracking can say what it knows. */
#if defined(__has_feature)
#define HAS_FEATURE(name) __has_feature(name)
#else
#define HAS_FEATURE(name) 0
#endif
#if GUARD_ASAN || defined(__SANITIZE_THREAD__) || HAS_FEATURE(thread_sanitizer)
#include <sanitizer/common_interface_defs.h>
#define TOLD_BY_SANITIZER
#define TOLD_BY "heap-use-after-free"
#else
#define TOLD_BY "released now at:"
#endif

/* So that a sentence of a sanitizer ends in an abort too. */
static void die_loudly(void) {
#ifdef TOLD_BY_SANITIZER
    __sanitizer_set_death_callback(abort);
#endif
}

/* The signal that ends a child which does `bug` to a new buf; 0: it went unnoticed. */
static int signal_after(void (*bug)(weir_buf *buf)) {
    weir_pool *pool = tracked_pool();
    fflush(NULL);
    pid_t pid = fork();
    require(pid >= 0);
    if (pid == 0) {
        signal(SIGSEGV, SIG_DFL);
        die_loudly();
        (void)!freopen("/dev/null", "w", stderr);
        bug(weir_pool_get(pool, 1000));
        _exit(0);
    }
    int ended = 0;
    while (waitpid(pid, &ended, 0) < 0 && errno == EINTR) {
    }
    weir_pool_free(pool);
    return WIFSIGNALED(ended) ? WTERMSIG(ended) : 0;
}

/* ---- too few releases ------------------------------------------------------------------------- */

static char *report(void) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    require(out != NULL);
    (void)weir_leak_report(out);
    (void)fclose(out);
    return text;
}

WEIR_TEST(misuse, a_leak_is_in_the_report_with_where_it_was_acquired_and_who_touched_it) {
    bool was_on = weir_leak_is_tracking();
    weir_pool *pool = tracked_pool();
    weir_buf *leaked = weir_pool_get(pool, 1000);
    weir_leak_touched(leaked, "the_careless_handler");
    char *text = report();
    char head[100];
    snprintf(head, sizeof head, "%p, alive\n  acquired at:\n", (void *)leaked);
    expect(strstr(text, "pooled buf: 1\n") != NULL);
    expect(strstr(text, head) != NULL);
    expect(strstr(text, "touched by the_careless_handler at:\n") != NULL);
    free(text);
    weir_buf_release(leaked);
    text = report();
    expect(strstr(text, "pooled buf") == NULL);
    free(text);
    weir_pool_free(pool);
    weir_leak_track(was_on);
}

/* ---- too many releases ------------------------------------------------------------------------ */

WEIR_TEST(misuse, a_second_release_shows_where_it_was_acquired_and_both_releases) {
    static const char *const parts[] = {
        "acquired at:", "released at:", "released now at:", "released after its last release"};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        bool was_on = weir_leak_is_tracking();
        weir_pool *pool = tracked_pool();
        expect_abort(
            {
                weir_buf *buf = weir_pool_get(pool, 1000);
                weir_buf_release(buf);
                weir_buf_release(buf);
            },
            parts[i]);
        weir_pool_free(pool);
        weir_leak_track(was_on);
    }
}

WEIR_TEST(misuse, a_second_release_names_the_buf_also_without_tracking) {
    bool was_on = weir_leak_is_tracking();
    weir_leak_track(false);
    weir_pool *pool = weir_pool_new(NULL);
    expect_abort(
        {
            weir_buf *buf = weir_pool_get(pool, 1000);
            weir_buf_release(buf);
            weir_buf_release(buf);
        },
        "weir_obj_misused: buf 0x");
    weir_pool_free(pool);
    weir_leak_track(was_on);
}

WEIR_TEST(misuse, a_second_release_of_a_view_is_found_whatever_became_of_its_memory) {
    bool was_on = weir_leak_is_tracking();
    weir_pool *pool = tracked_pool();
    expect_abort(
        {
            die_loudly();
            weir_buf *buf = weir_pool_get(pool, 1000);
            weir_buf_write_u32(buf, 1);
            weir_buf *view = weir_buf_slice(buf, 0, 4);
            weir_buf_release(view);
            weir_buf_release(view);
        },
        TOLD_BY);
    weir_pool_free(pool);
    weir_leak_track(was_on);
}

WEIR_TEST(misuse, one_release_too_many_is_found_when_the_last_view_lets_go) {
    bool was_on = weir_leak_is_tracking();
    weir_pool *pool = tracked_pool();
    expect_abort(
        {
            weir_buf *buf = weir_pool_get(pool, 1000);
            weir_buf_write_u32(buf, 1);
            weir_buf *view = weir_buf_slice(buf, 0, 4);
            weir_buf_release(buf);
            weir_buf_release(buf);
            weir_buf_release(view);
        },
        "weir: buf ");
    weir_pool_free(pool);
    weir_leak_track(was_on);
}

WEIR_TEST(misuse, more_references_than_fit_stop_the_program_with_the_name_of_the_buf) {
    weir_pool *pool = weir_pool_new(NULL);
    expect_abort(
        {
            weir_buf *buf = weir_pool_get(pool, 1000);
            buf->obj.count = WEIR_OBJ_IMMORTAL - 1; /* two thousand million retains later */
            (void)weir_buf_retain(buf);
        },
        "was retained with as many references as fit");
    weir_pool_free(pool);
}

/* ---- after the release ------------------------------------------------------------------------ */

static volatile uint32_t seen; /* so that no read is optimised away */

static void read_released(weir_buf *buf) {
    weir_buf_write_u32(buf, 42);
    weir_buf_release(buf);
    uint32_t value = 0;
    (void)weir_buf_read_u32(buf, &value);
    seen = value;
}

static void write_released(weir_buf *buf) {
    weir_buf_release(buf);
    weir_buf_write_u32(buf, 42);
}

static void find_in_released(weir_buf *buf) {
    weir_buf_release(buf);
    (void)!weir_buf_find(buf, 0, '\n');
}

static void use_well(weir_buf *buf) {
    uint32_t value = 0;
    weir_buf_write_u32(buf, 42);
    (void)weir_buf_read_u32(buf, &value);
    weir_buf_release(buf);
}

WEIR_TEST(misuse, a_released_buf_of_a_tracked_pool_faults_at_the_first_byte) {
    bool was_on = weir_leak_is_tracking();
    int expected = GUARD_ASAN ? SIGABRT : SIGSEGV;
    expect_eq(signal_after(use_well), 0);
    expect_eq(signal_after(read_released), expected);
    expect_eq(signal_after(write_released), expected);
    expect_eq(signal_after(find_in_released), expected);
    weir_leak_track(was_on);
}

#if GUARD_ASAN
static weir_buf *released(weir_pool *pool) {
    weir_buf *buf = weir_pool_get(pool, 1000);
    weir_buf_write_u32(buf, 42);
    weir_buf_release(buf);
    return buf;
}

WEIR_TEST(misuse, asan_sees_a_read_and_a_write_of_a_cached_block) {
    bool was_on = weir_leak_is_tracking();
    weir_leak_track(false); /* the shelf as in production, no quarantine */
    weir_pool *pool = weir_pool_new(NULL);
    expect_abort(
        {
            die_loudly();
            uint32_t value = 0;
            (void)weir_buf_read_u32(released(pool), &value);
            seen = value;
        },
        "use-after-poison");
    expect_abort(
        {
            die_loudly();
            weir_buf *buf = weir_pool_get(pool, 1000);
            volatile uint8_t *mem = buf->base;
            weir_buf_release(buf);
            mem[7] = 1;
        },
        "WRITE of size 1");
    weir_pool_free(pool);
    weir_leak_track(was_on);
}
#endif

/* ---- writing where one may not ---------------------------------------------------------------- */

WEIR_TEST(misuse, writing_a_read_only_buf_stops_the_program) {
    weir_pool *pool = weir_pool_new(NULL);
    weir_buf *buf = weir_pool_get(pool, 1000);
    weir_buf_write_u32(buf, 1);
    weir_buf_set_read_only(buf);
    expect_abort({ weir_buf_write_u8(buf, 1); }, "read-only");
    expect_abort({ weir_buf_set_u8(buf, 0, 1); }, "read-only");
    weir_buf_release(buf);
    weir_pool_free(pool);
}
