/* pool_source_test.c - blocks from the user's own memory, and who is told when memory comes back. */
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <weir/buffer.h>
#include <weir/core/log.h>
#include <weir/testing.h>

/* ---- a source over shared memory -------------------------------------------------------------- */

enum {
    REGION = 1 << 20
};

/* Blocks are cut off one after the other; the region is whole again when all are back. */
typedef struct shared_source {
    weir_pool_source source;
    uint8_t *region;
    size_t used;
    int out, closed;
    size_t skew;
} shared_source;

static void *cut_off(weir_pool_source *source, size_t size, size_t alignment) {
    shared_source *self = (shared_source *)source;
    size_t at = (self->used + alignment - 1) & ~(alignment - 1);
    if (size > REGION - at) return NULL;
    self->used = at + size;
    self->out++;
    return self->region + at + self->skew;
}

static void join_again(weir_pool_source *source, void *mem, size_t size) {
    shared_source *self = (shared_source *)source;
    memset(mem, 0, size); /* the block is ours again, whatever guarded it */
    if (--self->out == 0) self->used = 0;
}

static void note_closed(weir_pool_source *source) {
    ((shared_source *)source)->closed++;
}

static void open_source(shared_source *self) {
    *self = (shared_source){.source = {"shared memory", cut_off, join_again, note_closed}};
    void *region = mmap(NULL, REGION, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    require(region != MAP_FAILED);
    self->region = region;
}

static void close_source(shared_source *self) {
    expect_eq(self->out, 0);
    munmap(self->region, REGION);
}

static bool is_of(const shared_source *self, const weir_buf *buf) {
    return buf->base >= self->region && buf->ep <= self->region + REGION;
}

WEIR_TEST(pool_source, every_block_is_of_the_source_and_goes_back_to_it) {
    shared_source shared;
    open_source(&shared);
    weir_pool *pool = weir_pool_new(&(weir_pool_options){.source = &shared.source, .alignment = 4096});
    require(pool != NULL);
    expect_str(weir_pool_backend_name(pool), "shared memory");
    weir_buf *buf = weir_pool_get(pool, 100);
    require(buf != NULL);
    expect(is_of(&shared, buf));
    for (uint32_t i = 0; i < 20000; i++) weir_buf_write_u32(buf, i);
    expect_status(weir_buf_status(buf), WEIR_OK);
    expect(is_of(&shared, buf));
    expect_eq((uintptr_t)buf->base % 4096, 0u);
    weir_buf_release(buf);
    expect(shared.out > 0);
    weir_pool_trim(pool);
    expect_eq(shared.out, 0);
    expect_eq(shared.closed, 0);
    weir_pool_free(pool);
    expect_eq(shared.closed, 1);
    close_source(&shared);
}

WEIR_TEST(pool_source, bytes_written_by_another_process_are_in_the_buf) {
    shared_source shared;
    open_source(&shared);
    weir_pool *pool = weir_pool_new(&(weir_pool_options){.source = &shared.source});
    weir_buf *buf = weir_pool_get(pool, 1000);
    require(buf != NULL);
    uint8_t *room = weir_buf_reserve(buf, 5);
    pid_t pid = fork();
    require(pid >= 0);
    if (pid == 0) {
        memcpy(room, "hello", 5);
        _exit(0);
    }
    int ended = 0;
    while (waitpid(pid, &ended, 0) < 0 && errno == EINTR) {
    }
    weir_buf_commit(buf, 5);
    expect_bytes(weir_buf_peek(buf), "hello");
    weir_buf_release(buf);
    weir_pool_free(pool);
    close_source(&shared);
}

WEIR_TEST(pool_source, an_empty_source_fails_the_get_after_what_is_cached_went_back) {
    shared_source shared;
    open_source(&shared);
    weir_pool *pool = weir_pool_new(&(weir_pool_options){.source = &shared.source});
    weir_buf *first = weir_pool_get(pool, REGION / 2), *second = weir_pool_get(pool, REGION / 2);
    require(first != NULL && second != NULL);
    expect(weir_pool_get(pool, 64) == NULL);
    weir_buf_release(first);
    weir_buf_release(second);
    weir_buf *whole = weir_pool_get(pool, REGION);
    expect(whole != NULL);
    weir_buf_release(whole);
    weir_pool_free(pool);
    close_source(&shared);
}

WEIR_TEST(pool_source, a_source_is_in_use_until_the_last_buf_is_released) {
    shared_source shared;
    open_source(&shared);
    weir_pool *pool = weir_pool_new(&(weir_pool_options){.source = &shared.source});
    weir_buf *buf = weir_pool_get(pool, 100);
    weir_log_set_level(WEIR_LOG_OFF);
    weir_pool_free(pool);
    weir_log_set_level(WEIR_LOG_WARN);
    expect_eq(shared.closed, 0);
    weir_buf_release(buf);
    expect_eq(shared.closed, 1);
    close_source(&shared);
}

WEIR_TEST(pool_source, a_block_that_is_not_aligned_is_a_bug_of_the_source) {
    shared_source shared;
    open_source(&shared);
    shared.skew = 8;
    weir_pool *pool = weir_pool_new(&(weir_pool_options){.source = &shared.source});
    expect_abort({ (void)!weir_pool_get(pool, 100); }, "source shared memory gave");
    weir_pool_free(pool);
    close_source(&shared);
}

/* ---- who is told ------------------------------------------------------------------------------ */

typedef struct witness {
    int releases;
    size_t bytes;
    char first[8]; /* the first bytes of the last one */
    pthread_t thread;
    weir_pool *pool; /* not NULL: a buf is taken from here meanwhile */
} witness;

static void see_release(void *arg, const void *mem, size_t size) {
    witness *self = arg;
    self->releases++;
    self->bytes += size;
    self->thread = pthread_self();
    memcpy(self->first, mem, sizeof self->first);
    weir_pool *pool = self->pool;
    self->pool = NULL;
    if (pool != NULL) weir_buf_release(weir_pool_get(pool, 4000));
}

static void *release_it(void *buf) {
    weir_buf_release(buf);
    return NULL;
}

WEIR_TEST(pool_release, the_observer_sees_the_bytes_before_they_are_wiped) {
    witness seen = {0};
    weir_pool *pool = weir_pool_new(
        &(weir_pool_options){.zero_on_release = true, .on_release = see_release, .on_release_arg = &seen});
    weir_buf *buf = weir_pool_get(pool, 1000);
    weir_buf_write_str(buf, "secret!");
    weir_buf *view = weir_buf_slice(buf, 0, 3);
    weir_buf_release(buf);
    expect_eq(seen.releases, 0);
    weir_buf_release(view);
    expect_eq(seen.releases, 1);
    expect_eq(seen.bytes, 1024u);
    expect(memcmp(seen.first, "secret!", 7) == 0);
    expect(pthread_equal(seen.thread, pthread_self()) != 0);
    weir_pool_free(pool);
    expect_eq(seen.releases, 1);
}

WEIR_TEST(pool_release, the_observer_is_called_on_the_thread_that_released) {
    witness seen = {0};
    weir_pool *pool = weir_pool_new(&(weir_pool_options){.on_release = see_release, .on_release_arg = &seen});
    pthread_t thread;
    require(pthread_create(&thread, NULL, release_it, weir_pool_get(pool, 100)) == 0);
    pthread_join(thread, NULL);
    expect_eq(seen.releases, 1);
    expect(pthread_equal(seen.thread, thread) != 0);
    weir_pool_free(pool);
}

WEIR_TEST(pool_release, growing_and_large_bufs_and_late_ones_are_seen_too) {
    witness seen = {0};
    weir_pool *pool = weir_pool_new(&(weir_pool_options){.on_release = see_release, .on_release_arg = &seen});
    weir_buf *buf = weir_pool_get(pool, 64), *late = weir_pool_get(pool, 64);
    expect_eq(weir_buf_ensure_writable(buf, 100, false), WEIR_BUF_ROOM_GREW);
    expect_eq(seen.releases, 1);
    expect_eq(seen.bytes, 64u);
    weir_buf_release(buf);
    expect_eq(seen.bytes, 64u + 128);
    weir_buf_release(weir_pool_get(pool, 3 << 20));
    expect_eq(seen.bytes, 64u + 128 + (3 << 20));
    weir_log_set_level(WEIR_LOG_OFF);
    weir_pool_free(pool);
    weir_log_set_level(WEIR_LOG_WARN);
    weir_buf_release(late);
    expect_eq(seen.releases, 4);
}

WEIR_TEST(pool_release, the_observer_may_use_the_pool) {
    witness seen = {0};
    weir_pool *pool = weir_pool_new(&(weir_pool_options){.on_release = see_release, .on_release_arg = &seen});
    seen.pool = pool;
    weir_buf_release(weir_pool_get(pool, 100));
    expect_eq(seen.releases, 2);
    weir_pool_stats stats;
    weir_pool_get_stats(pool, &stats);
    expect_eq(stats.releases, 2u);
    expect_eq(stats.live, 0u);
    weir_pool_free(pool);
}
