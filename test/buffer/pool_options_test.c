/* pool_options_test.c - what a pool asks of the system: decay, huge pages, locked memory, direct I/O. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <weir/buffer.h>
#include <weir/core/log.h>
#include <weir/testing.h>

#include "pool/guard.h"

enum {
    MANY = 64,
    BLOCK = 64 << 10
};

static char lines[4000];

static void keep_line(void *arg, weir_log_level level, const char *subject, const char *text) {
    (void)arg;
    (void)level;
    size_t used = strlen(lines);
    snprintf(lines + used, sizeof lines - used, "%s: %s\n", subject, text);
}

/* What weir_pool_new answers; what it says is in `lines`. */
static weir_pool *new_listening(const weir_pool_options *options) {
    lines[0] = '\0';
    weir_log_set_sink(keep_line, NULL);
    weir_pool *pool = weir_pool_new(options);
    weir_log_set_sink(NULL, NULL);
    return pool;
}

static bool has_jemalloc(void) {
    weir_pool *pool = new_listening(&(weir_pool_options){.backend = WEIR_POOL_BACKEND_JEMALLOC});
    weir_pool_free(pool);
    return pool != NULL;
}

static weir_pool_stats stats_of(weir_pool *pool) {
    weir_pool_stats stats;
    weir_pool_get_stats(pool, &stats);
    return stats;
}

/* ---- decay ------------------------------------------------------------------------------------ */

static uint64_t resident_after_a_burst(int decay_ms) {
    weir_pool *pool = weir_pool_new(&(weir_pool_options){
        .backend = WEIR_POOL_BACKEND_JEMALLOC, .cache_bytes = SIZE_MAX, .decay_ms = decay_ms});
    require(pool != NULL);
    weir_buf *bufs[MANY];
    for (int i = 0; i < MANY; i++) {
        require((bufs[i] = weir_pool_get(pool, BLOCK)) != NULL);
        memset(weir_buf_reserve(bufs[i], BLOCK), 1, BLOCK);
    }
    for (int i = 0; i < MANY; i++) weir_buf_release(bufs[i]);
    for (int i = 0; i < 10; i++) {
        nanosleep(&(struct timespec){.tv_nsec = 2 * 1000 * 1000}, NULL);
        for (int n = 0; n < 1100; n++) weir_buf_release(weir_pool_get(pool, BLOCK));
    }
    uint64_t resident = stats_of(pool).resident;
    weir_pool_free(pool);
    return resident;
}

WEIR_TEST(pool_options, free_pages_go_back_after_the_decay_time_or_never) {
    if (!has_jemalloc()) {
        expect(strstr(lines, "left out of this build") != NULL);
        return;
    }
    uint64_t bytes = (uint64_t)MANY * BLOCK;
    uint64_t never = resident_after_a_burst(-1);
    expect(never >= bytes);
    expect(resident_after_a_burst(1) <= never - bytes / 2);
    expect(resident_after_a_burst(0) >= bytes / 2);
}

/* ---- options that contradict each other ------------------------------------------------------- */

WEIR_TEST(pool_options, what_cannot_be_is_refused_with_the_reason) {
    static weir_pool_source source = {.name = "never asked"};
    static const struct {
        weir_pool_options options;
        const char *reason;
    } cases[] = {
        {{.alignment = 96}, "power of two"},
        {{.decay_ms = -2}, "decay_ms is -1 or more"},
        {{.source = &source, .decay_ms = 5}, "its own business"},
        {{.source = &source, .lock_memory = true}, "its own business"},
        {{.source = &source, .huge_pages = true}, "its own business"},
        {{.source = &source, .backend = WEIR_POOL_BACKEND_MALLOC}, "its own business"},
        {{.backend = WEIR_POOL_BACKEND_MALLOC, .lock_memory = true}, "malloc has no"},
        {{.backend = WEIR_POOL_BACKEND_MALLOC, .huge_pages = true}, "malloc has no"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        weir_test_context("case %zu", i);
        expect(new_listening(&cases[i].options) == NULL);
        expect(strstr(lines, "pool: no pool: ") == lines);
        expect(strstr(lines, cases[i].reason) != NULL);
    }
}

/* ---- huge pages ------------------------------------------------------------------------------- */

/* Whether the mapping `address` lies in is marked for huge pages. */
static bool is_marked_huge(const void *address) {
    FILE *maps = fopen("/proc/self/smaps", "r");
    require(maps != NULL);
    char line[1000];
    bool inside = false, marked = false;
    while (fgets(line, sizeof line, maps) != NULL) {
        char *rest;
        uintptr_t from = strtoul(line, &rest, 16);
        if (*rest == '-' && rest != line) {
            uintptr_t to = strtoul(rest + 1, NULL, 16);
            inside = from <= (uintptr_t)address && (uintptr_t)address < to;
        }
        if (inside && strncmp(line, "VmFlags:", 8) == 0) marked = strstr(line, " hg") != NULL;
    }
    (void)fclose(maps);
    return marked;
}

WEIR_TEST(pool_options, huge_pages_are_asked_for_or_it_is_said_that_there_are_none) {
    bool jemalloc = has_jemalloc();
    weir_pool *pool = new_listening(&(weir_pool_options){.huge_pages = true});
    expect_eq(pool != NULL, jemalloc);
    if (pool == NULL) return;
    bool has = stats_of(pool).huge_pages;
    expect_eq(strstr(lines, "no transparent huge pages") == NULL, has);
    weir_buf *buf = weir_pool_get(pool, 8 << 20);
    require(buf != NULL);
    memset(weir_buf_reserve(buf, 8 << 20), 1, 8 << 20);
    expect_eq(is_marked_huge(buf->base), has);
    weir_buf_release(buf);
    weir_pool_free(pool);
    pool = weir_pool_new(NULL);
    expect(!stats_of(pool).huge_pages);
    weir_pool_free(pool);
}

/* ---- locked memory ---------------------------------------------------------------------------- */

WEIR_TEST(pool_options, a_pool_of_locked_memory_works_like_any_other) {
    bool jemalloc = has_jemalloc();
    weir_pool *pool = new_listening(&(weir_pool_options){.lock_memory = true});
    expect_eq(pool != NULL, jemalloc);
    if (pool == NULL) return;
    expect(stats_of(pool).locked);
    weir_buf *buf = weir_pool_get(pool, 100);
    for (uint32_t i = 0; i < 4000; i++) weir_buf_write_u32(buf, i);
    expect_status(weir_buf_status(buf), WEIR_OK);
    uint32_t value = 0, wrong = 0;
    for (uint32_t i = 0; i < 4000; i++) wrong += !weir_buf_read_u32(buf, &value) || value != i;
    expect_eq(wrong, 0u);
    weir_buf_release(buf);
    weir_pool_free(pool);
}

#if !GUARD_SANITIZER /* which make mlock do nothing */
static size_t locked_bytes(void) {
    FILE *status = fopen("/proc/self/status", "r");
    require(status != NULL);
    char line[200];
    size_t kib = 0;
    while (fgets(line, sizeof line, status) != NULL) {
        if (strncmp(line, "VmLck:", 6) == 0) kib = strtoul(line + 6, NULL, 10);
    }
    (void)fclose(status);
    return kib * 1024;
}

WEIR_TEST(pool_options, what_is_taken_is_locked_and_what_is_given_back_is_not) {
    if (!has_jemalloc()) return;
    size_t before = locked_bytes();
    weir_pool *pool = weir_pool_new(&(weir_pool_options){.lock_memory = true});
    require(pool != NULL);
    expect_eq(locked_bytes(), before);
    weir_buf *buf = weir_pool_get(pool, 16 << 10);
    require(buf != NULL);
    expect(locked_bytes() >= before + (16 << 10));
    weir_buf_release(buf);
    weir_pool_free(pool);
    expect_eq(locked_bytes(), before);
}

/* As a user who may lock `limit` bytes. */
static void become_limited(rlim_t limit) {
    struct rlimit most = {limit, limit};
    if (setrlimit(RLIMIT_MEMLOCK, &most) != 0) _exit(100);
    if (geteuid() == 0 && setresuid(65534, 65534, 65534) != 0) _exit(101);
}

static int run_limited(rlim_t limit, int (*body)(void)) {
    pid_t pid = fork();
    require(pid >= 0);
    if (pid == 0) {
        become_limited(limit);
        _exit(body());
    }
    int ended = 0;
    while (waitpid(pid, &ended, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(ended) ? WEXITSTATUS(ended) : -1;
}

static int is_refused(void) {
    weir_pool *pool = new_listening(&(weir_pool_options){.lock_memory = true});
    return pool == NULL && strstr(lines, "memory may not be locked") != NULL ? 0 : 1;
}

static int fails_at_the_limit_only(void) {
    weir_log_set_sink(keep_line, NULL);
    weir_pool *pool = weir_pool_new(&(weir_pool_options){.lock_memory = true});
    if (pool == NULL) return 1;
    weir_buf *small = weir_pool_get(pool, 4096);
    if (small == NULL || lines[0] != '\0') return 2;
    if (weir_pool_get(pool, 4 << 20) != NULL) return 3;
    if (weir_pool_get(pool, 4 << 20) != NULL) return 4;
    const char *said = strstr(lines, "memory could not be locked");
    if (said == NULL || strstr(said + 1, "memory could not be locked") != NULL) return 5;
    if (stats_of(pool).failures != 2) return 6;
    weir_buf_release(small);
    weir_pool_free(pool);
    return 0;
}

WEIR_TEST(pool_options, where_nothing_may_be_locked_there_is_no_pool) {
    if (has_jemalloc()) expect_eq(run_limited(0, is_refused), 0);
}

WEIR_TEST(pool_options, a_get_over_the_memory_lock_limit_fails_and_says_so_once) {
    if (!has_jemalloc()) return;
    lines[0] = '\0';
    expect_eq(run_limited(1 << 20, fails_at_the_limit_only), 0);
}
#endif

/* ---- direct I/O ------------------------------------------------------------------------------- */

/* A new file beside the test that goes past the page cache; -1 where its file system has none such. */
static int open_direct(void) {
    char path[] = "weir_direct_XXXXXX";
    int fd = mkstemp(path);
    require(fd >= 0);
    (void)close(fd);
    fd = open(path, O_RDWR | O_DIRECT | O_CLOEXEC);
    if (fd < 0) printf("no O_DIRECT on this file system: %s\n", strerror(errno));
    unlink(path);
    return fd;
}

static void write_and_read_directly(int fd, size_t alignment, size_t size) {
    weir_test_context("alignment %zu, %zu bytes", alignment, size);
    weir_pool *pool = weir_pool_new(&(weir_pool_options){.alignment = alignment});
    weir_buf *out = weir_pool_get(pool, size), *in = weir_pool_get(pool, size);
    require(out != NULL && in != NULL);
    for (size_t i = 0; i < size / 4; i++) weir_buf_write_u32(out, (uint32_t)i);
    expect_eq(lseek(fd, 0, SEEK_SET), 0);
    expect_eq(weir_buf_write_fd(out, fd), (ssize_t)size);
    expect_eq(lseek(fd, 0, SEEK_SET), 0);
    expect_eq(weir_buf_read_fd(in, fd, size), (ssize_t)size);
    uint32_t value = 0, wrong = 0;
    for (size_t i = 0; i < size / 4; i++) wrong += !weir_buf_read_u32(in, &value) || value != i;
    expect_eq(wrong, 0u);
    weir_buf_release(out);
    weir_buf_release(in);
    weir_pool_free(pool);
}

WEIR_TEST(pool_options, aligned_bufs_serve_direct_reads_and_writes) {
    int fd = open_direct();
    if (fd < 0) {
        expect_eq(errno, EINVAL);
        return;
    }
    write_and_read_directly(fd, 4096, 4096);
    write_and_read_directly(fd, 4096, 64 << 10);
    write_and_read_directly(fd, 2 << 20, 2 << 20);
    close(fd);
}
