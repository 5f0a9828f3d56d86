/* buf_map_test.c - files as bufs: every range, every option, and the end of the map with its last view. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <weir/testing.h>
#include <weir/testing/buf_kinds.h>

enum {
    PAGE = 4096,
    FILE_SIZE = 5 * PAGE + 123
};

static uint8_t byte_at(uint64_t at) {
    return (uint8_t)(at * 31 + at / PAGE);
}

/* A file in the working directory's file system that goes with its descriptor. */
static int open_file(size_t size) {
    char path[] = "/tmp/weir_buf_map.XXXXXX";
    int fd = mkstemp(path);
    require(fd >= 0);
    unlink(path);
    uint8_t *bytes = malloc(size + 1);
    require(bytes != NULL);
    for (size_t i = 0; i < size; i++) bytes[i] = byte_at(i);
    require(write(fd, bytes, size) == (ssize_t)size);
    free(bytes);
    return fd;
}

static weir_buf *map_range(int fd, uint64_t offset, size_t length, const weir_buf_map_options *options) {
    weir_buf *buf = NULL;
    expect_status(weir_buf_map_range(&buf, fd, offset, length, options), WEIR_OK);
    require(buf != NULL);
    return buf;
}

static bool has_bytes_of_file(const weir_buf *buf, uint64_t offset) {
    weir_bytes bytes = weir_buf_peek(buf);
    for (size_t i = 0; i < bytes.len; i++) {
        if (bytes.ptr[i] != byte_at(offset + i)) return false;
    }
    return true;
}

/* ---- what the kernel says of an address ------------------------------------------------------- */

typedef struct mapping {
    bool is_there;
    size_t size_kib, rss_kib, locked_kib;
    char flags[400]; /* "rd mr sr ", two letters each */
} mapping;

/* The entry of /proc/self/smaps that holds `address`. */
static mapping mapping_of(const void *address) {
    mapping found = {0};
    char line[400];
    bool is_it = false;
    FILE *maps = fopen("/proc/self/smaps", "r");
    require(maps != NULL);
    while (fgets(line, sizeof line, maps) != NULL) {
        uint64_t from, to;
        if (sscanf(line, "%" SCNx64 "-%" SCNx64 " ", &from, &to) == 2) {
            is_it = from <= (uintptr_t)address && (uintptr_t)address < to;
            found.is_there |= is_it;
        } else if (is_it) {
            sscanf(line, "Size: %zu", &found.size_kib);
            sscanf(line, "Rss: %zu", &found.rss_kib);
            sscanf(line, "Locked: %zu", &found.locked_kib);
            if (strncmp(line, "VmFlags:", 8) == 0) snprintf(found.flags, sizeof found.flags, "%s", line + 8);
        }
    }
    fclose(maps);
    return found;
}

static bool has_flag(const weir_buf *buf, const char *flag) {
    return strstr(mapping_of(buf->base).flags, flag) != NULL;
}

/* ---- ranges ----------------------------------------------------------------------------------- */

WEIR_TEST(buf_map, a_whole_file_is_a_read_only_buf) {
    int fd = open_file(FILE_SIZE);
    weir_buf *buf = NULL;
    expect_status(weir_buf_map_file(&buf, fd, NULL), WEIR_OK);
    close(fd);

    expect_eq(weir_buf_readable(buf), (size_t)FILE_SIZE);
    expect_eq(weir_buf_writable(buf), 0u);
    expect(weir_buf_is_read_only(buf));
    expect(has_bytes_of_file(buf, 0));
    weir_buf_release(buf);
}

WEIR_TEST(buf_map, a_range_begins_and_ends_at_any_byte) {
    static const size_t edges[] = {0, 1, 4095, 4096, 4097, 8191, 8192, FILE_SIZE - 1, FILE_SIZE};
    int fd = open_file(FILE_SIZE);
    for (size_t i = 0; i < sizeof edges / sizeof *edges; i++) {
        for (size_t k = i; k < sizeof edges / sizeof *edges; k++) {
            weir_test_context("%zu to %zu", edges[i], edges[k]);
            weir_buf *buf = map_range(fd, edges[i], edges[k] - edges[i], NULL);
            expect_eq(weir_buf_readable(buf), edges[k] - edges[i]);
            expect_eq(weir_buf_reader_index(buf), 0u);
            expect(has_bytes_of_file(buf, edges[i]));
            weir_buf_release(buf);
        }
        weir_buf *rest = map_range(fd, edges[i], WEIR_BUF_MAP_REST, NULL);
        expect_eq(weir_buf_readable(rest), FILE_SIZE - edges[i]);
        expect(has_bytes_of_file(rest, edges[i]));
        weir_buf_release(rest);
    }
    weir_test_context("%s", "");
    close(fd);
}

WEIR_TEST(buf_map, bytes_beyond_four_gibibytes_are_reached) {
    const uint64_t far = (UINT64_C(5) << 30) + 4097;
    int fd = open_file(0);
    require(ftruncate(fd, (off_t)far + 3) == 0);
    require(pwrite(fd, "far", 3, (off_t)far) == 3);

    weir_buf *end = map_range(fd, far, 3, NULL), *whole = map_range(fd, 0, WEIR_BUF_MAP_REST, NULL);
    expect_bytes(weir_buf_peek(end), "far");
    expect_eq(weir_buf_readable(whole), (size_t)far + 3);
    expect(weir_buf_skip(whole, (size_t)far));
    expect_bytes(weir_buf_peek(whole), "far");
    weir_buf_release(whole);
    weir_buf_release(end);
    close(fd);
}

WEIR_TEST(buf_map, nothing_is_an_empty_buf_and_maps_nothing) {
    int empty = open_file(0), full = open_file(10);
    weir_buf_map_options shared = {.access = WEIR_BUF_MAP_SHARED, .populate = true, .lock = true};
    weir_buf *all[] = {map_range(empty, 0, WEIR_BUF_MAP_REST, NULL), map_range(full, 10, 0, NULL),
                       map_range(full, 3, 0, &shared)};
    for (size_t i = 0; i < 3; i++) {
        expect_eq(weir_buf_readable(all[i]), 0u);
        expect_eq(weir_buf_capacity(all[i]), 0u);
        expect_status(weir_buf_map_advise(all[i], WEIR_BUF_MAP_WILLNEED), WEIR_OK);
    }
    expect_status(weir_buf_map_sync(all[2]), WEIR_OK);
    weir_buf_write_u8(all[2], 'x');
    expect_status(weir_buf_status(all[2]), WEIR_E_FULL);
    for (size_t i = 0; i < 3; i++) weir_buf_release(all[i]);
    close(empty);
    close(full);
}

/* ---- refusals --------------------------------------------------------------------------------- */

static void expect_refused(int fd, uint64_t offset, size_t length, weir_buf_map_access access,
                           weir_status expected) {
    weir_buf *buf = weir_buf_empty();
    weir_buf_map_options options = {.access = access};
    expect_status(weir_buf_map_range(&buf, fd, offset, length, &options), expected);
    expect(buf == NULL);
}

WEIR_TEST(buf_map, a_range_the_file_does_not_have_is_truncated) {
    int fd = open_file(FILE_SIZE);
    expect_refused(fd, 0, FILE_SIZE + 1, WEIR_BUF_MAP_READ_ONLY, WEIR_E_TRUNCATED);
    expect_refused(fd, FILE_SIZE + 1, 0, WEIR_BUF_MAP_READ_ONLY, WEIR_E_TRUNCATED);
    expect_refused(fd, FILE_SIZE + 1, WEIR_BUF_MAP_REST, WEIR_BUF_MAP_READ_ONLY, WEIR_E_TRUNCATED);
    expect_refused(fd, UINT64_MAX, SIZE_MAX - 1, WEIR_BUF_MAP_READ_ONLY, WEIR_E_TRUNCATED);
    expect_refused(fd, 1, SIZE_MAX - 1, WEIR_BUF_MAP_READ_ONLY, WEIR_E_TRUNCATED);
    close(fd);
}

WEIR_TEST(buf_map, what_cannot_be_mapped_is_told) {
    int fd = open_file(10), ends[2];
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    int reader = open(path, O_RDONLY);
    require(pipe(ends) == 0 && reader >= 0);
    weir_buf *buf = weir_buf_empty();

    expect_refused(reader, 0, 10, WEIR_BUF_MAP_SHARED, -EACCES);
    expect_refused(ends[0], 0, 10, WEIR_BUF_MAP_READ_ONLY, WEIR_E_UNSUPPORTED);
    expect_refused(-1, 0, 10, WEIR_BUF_MAP_READ_ONLY, -EBADF);
    expect_status(weir_buf_map_path(&buf, "/no/such/file", 0, 10, NULL), -ENOENT);
    expect(buf == NULL);
    expect_abort(weir_buf_map_file(&buf, fd, &(weir_buf_map_options){.access = (weir_buf_map_access)3}),
                 "3 is no access to a map");
    close(reader);
    close(ends[0]);
    close(ends[1]);
    close(fd);
}

WEIR_TEST(buf_map, writing_a_read_only_map_stops_the_program_with_a_sentence) {
    int fd = open_file(FILE_SIZE);
    weir_buf *buf = map_range(fd, 1, 5000, NULL), *slice = weir_buf_slice(buf, 0, 8);
    weir_buf *composite = weir_buf_composite_new();
    expect_status(weir_buf_composite_append(composite, weir_buf_retain(slice)), WEIR_OK);

    expect_abort(weir_buf_write_u8(buf, 1), "this buf is read-only");
    expect_abort(weir_buf_set_u8(buf, 0, 1), "this buf is read-only");
    expect_abort(weir_buf_set_u8(slice, 0, 1), "this buf is read-only");
    expect_abort(weir_buf_prepend(slice, 0), "this buf is read-only");
    expect_abort(weir_buf_set_u8(composite, 0, 1), "is read-only");
    expect_status(weir_buf_compact(buf), WEIR_OK);
    weir_buf_skip(buf, 1);
    expect_status(weir_buf_compact(buf), WEIR_E_SHARED);
    weir_buf_release(composite);
    weir_buf_release(slice);
    weir_buf_release(buf);
    close(fd);
}

/* ---- writing ---------------------------------------------------------------------------------- */

static uint8_t byte_in_file(int fd, off_t at) {
    uint8_t byte = 0;
    require(pread(fd, &byte, 1, at) == 1);
    return byte;
}

WEIR_TEST(buf_map, a_private_map_keeps_its_writes_to_itself) {
    int fd = open_file(FILE_SIZE);
    weir_buf *buf = map_range(fd, 4095, 10, &(weir_buf_map_options){.access = WEIR_BUF_MAP_PRIVATE});
    expect(weir_buf_set_bytes(buf, 0, "mine", 4));
    expect_bytes(weir_bytes_sub(weir_buf_peek(buf), 0, 4), "mine");
    expect_eq(byte_in_file(fd, 4095), byte_at(4095));
    expect_status(weir_buf_map_sync(buf), WEIR_E_UNSUPPORTED);

    weir_buf_write_u8(buf, 1);
    expect_status(weir_buf_status(buf), WEIR_E_FULL);
    weir_buf_release(buf);
    close(fd);
}

WEIR_TEST(buf_map, a_shared_map_writes_the_file) {
    int fd = open_file(FILE_SIZE);
    weir_buf *buf = map_range(fd, 4097, 9000, &(weir_buf_map_options){.access = WEIR_BUF_MAP_SHARED});
    weir_buf_clear(buf);
    weir_buf_write_str(buf, "ours");
    weir_buf *slice = weir_buf_slice(buf, 1, 2);
    expect_status(weir_buf_map_sync(slice), WEIR_OK);
    expect_status(weir_buf_map_sync(buf), WEIR_OK);
    weir_buf_release(slice);
    weir_buf_release(buf);

    expect_eq(byte_in_file(fd, 4096), byte_at(4096));
    expect_eq(byte_in_file(fd, 4097), (uint8_t)'o');
    expect_eq(byte_in_file(fd, 4101), byte_at(4101));
    close(fd);
}

WEIR_TEST(buf_map, a_path_is_opened_as_the_access_needs) {
    char path[] = "/tmp/weir_buf_map.XXXXXX";
    int fd = mkstemp(path);
    require(fd >= 0 && write(fd, "by path", 7) == 7);
    weir_buf *buf = NULL, *shared = NULL;
    expect_status(weir_buf_map_path(&buf, path, 3, WEIR_BUF_MAP_REST, NULL), WEIR_OK);
    expect_status(
        weir_buf_map_path(&shared, path, 0, 2, &(weir_buf_map_options){.access = WEIR_BUF_MAP_SHARED}),
        WEIR_OK);
    expect(weir_buf_set_u8(shared, 0, 'B'));
    expect_bytes(weir_buf_peek(buf), "path");
    expect_eq(byte_in_file(fd, 0), (uint8_t)'B');
    weir_buf_release(buf);
    weir_buf_release(shared);
    unlink(path);
    close(fd);
}

/* ---- options ---------------------------------------------------------------------------------- */

WEIR_TEST(buf_map, advice_reaches_the_kernel) {
    int fd = open_file(FILE_SIZE);
    weir_buf *plain = map_range(fd, 0, WEIR_BUF_MAP_REST, NULL);
    weir_buf *forward = map_range(fd, 5, 9000, &(weir_buf_map_options){.advice = WEIR_BUF_MAP_SEQUENTIAL});
    weir_buf *random = map_range(fd, 5, 9000, &(weir_buf_map_options){.advice = WEIR_BUF_MAP_RANDOM});
    weir_buf *soon = map_range(fd, 5, 9000, &(weir_buf_map_options){.advice = WEIR_BUF_MAP_WILLNEED});
    expect(has_flag(forward, " sr") && !has_flag(forward, " rr"));
    expect(has_flag(random, " rr") && !has_flag(random, " sr"));
    expect(!has_flag(plain, " sr") && !has_flag(plain, " rr"));

    expect_status(weir_buf_map_advise(random, WEIR_BUF_MAP_NORMAL), WEIR_OK);
    expect(!has_flag(random, " rr"));
    weir_buf *slice = weir_buf_slice(soon, 4096, 1);
    expect_status(weir_buf_map_advise(slice, WEIR_BUF_MAP_RANDOM), WEIR_OK);
    expect(has_flag(slice, " rr") && !has_flag(soon, " rr"));
    weir_buf_release(slice);
    weir_buf_release(plain);
    weir_buf_release(forward);
    weir_buf_release(random);
    weir_buf_release(soon);
    close(fd);
}

WEIR_TEST(buf_map, what_is_no_map_takes_no_advice) {
    weir_buf *heap = weir_buf_new(10), *composite = weir_buf_composite_new();
    expect_status(weir_buf_map_advise(heap, WEIR_BUF_MAP_RANDOM), WEIR_E_UNSUPPORTED);
    expect_status(weir_buf_map_advise(composite, WEIR_BUF_MAP_RANDOM), WEIR_E_UNSUPPORTED);
    expect_status(weir_buf_map_advise(weir_buf_empty(), WEIR_BUF_MAP_RANDOM), WEIR_E_UNSUPPORTED);
    expect_status(weir_buf_map_sync(heap), WEIR_E_UNSUPPORTED);
    expect_status(weir_buf_map_sync(composite), WEIR_E_UNSUPPORTED);
    weir_buf_release(heap);
    weir_buf_release(composite);
}

WEIR_TEST(buf_map, a_buf_is_mapped_when_any_part_of_it_is) {
    weir_buf *map;
    weir_buf *plain = weir_buf_new(10), *all = weir_buf_composite_new();
    require(weir_buf_map_path(&map, "/proc/self/exe", 0, 100, NULL) == WEIR_OK);
    weir_buf_write_fill(plain, 'x', 10);
    expect(weir_buf_is_mapped(map));
    expect(!weir_buf_is_mapped(plain));
    expect_status(weir_buf_composite_append(all, plain), WEIR_OK);
    expect(!weir_buf_is_mapped(all));
    expect_status(weir_buf_composite_append(all, weir_buf_slice(map, 5, 5)), WEIR_OK);
    expect(weir_buf_is_mapped(all));
    weir_buf_release(map);
    weir_buf_release(all);
}

WEIR_TEST(buf_map, populated_pages_are_there_before_they_are_touched) {
    int fd = open_file(64 * PAGE);
    weir_buf *lazy = map_range(fd, 1, 40 * PAGE, &(weir_buf_map_options){.advice = WEIR_BUF_MAP_RANDOM});
    weir_buf *eager = map_range(fd, 1, 40 * PAGE, &(weir_buf_map_options){.populate = true});
    expect_eq(mapping_of(lazy->base).rss_kib, 0u);
    expect_eq(mapping_of(eager->base).rss_kib, mapping_of(eager->base).size_kib);
    expect_eq(mapping_of(eager->base).size_kib, 41u * PAGE / 1024);
    weir_buf_release(lazy);
    weir_buf_release(eager);
    close(fd);
}

WEIR_TEST(buf_map, locked_pages_are_locked) {
    int fd = open_file(8 * PAGE);
    weir_buf *buf = map_range(fd, 0, 4 * PAGE, &(weir_buf_map_options){.lock = true});
    mapping pages = mapping_of(buf->base);
    expect(has_flag(buf, " lo"));
    expect_eq(pages.rss_kib, 4u * PAGE / 1024);
    expect_eq(pages.locked_kib, pages.rss_kib);
    weir_buf_release(buf);
    close(fd);
}

static weir_status lock_beyond_the_limit(int fd) {
    struct rlimit none = {0, 0};
    weir_buf *buf = NULL;
    if (setrlimit(RLIMIT_MEMLOCK, &none) != 0) return WEIR_OK;
    if (geteuid() == 0 && seteuid(65534) != 0) return WEIR_OK;
    return weir_buf_map_file(&buf, fd, &(weir_buf_map_options){.lock = true});
}

WEIR_TEST(buf_map, a_lock_that_is_refused_maps_nothing) {
    int fd = open_file(PAGE);
    expect_abort(
        {
            weir_status status = lock_beyond_the_limit(fd);
            WEIR_CHECK(status == WEIR_OK, "refused with %s", weir_status_name(status));
        },
        "refused with EPERM");
    close(fd);
}

WEIR_TEST(buf_map, huge_pages_are_wished_for_or_refused) {
    int fd = open_file(PAGE);
    require(ftruncate(fd, 8 << 20) == 0);
    weir_buf *buf = NULL;
    weir_status status = weir_buf_map_file(&buf, fd, &(weir_buf_map_options){.huge_pages = true});
    expect(status == WEIR_OK || status == WEIR_E_UNSUPPORTED);
    expect_eq(buf != NULL, status == WEIR_OK);
    if (buf != NULL) expect(has_flag(buf, " hg"));
    expect_eq(access("/sys/kernel/mm/transparent_hugepage", F_OK) != 0 && status == WEIR_OK, false);
    weir_buf_release(buf);
    close(fd);
}

/* ---- the last view ---------------------------------------------------------------------------- */

WEIR_TEST(buf_map, the_map_goes_with_its_last_view_and_all_of_it) {
    int fd = open_file(FILE_SIZE);
    weir_buf *buf = map_range(fd, 4097, 9000, NULL);
    const uint8_t *first = buf->base - 1, *last = buf->ep - 1;
    weir_buf *slice = weir_buf_slice(buf, 8999, 1), *twin = weir_buf_duplicate(slice);
    weir_buf *composite = weir_buf_composite_new();
    expect_status(weir_buf_composite_append(composite, weir_buf_slice(buf, 10, 20)), WEIR_OK);
    close(fd);

    weir_buf_release(buf);
    weir_buf_release(slice);
    weir_buf_release(composite);
    expect(mapping_of(first).is_there && mapping_of(last).is_there);
    expect(has_bytes_of_file(twin, 4097 + 8999));
    weir_buf_release(twin);
    expect(!mapping_of(first).is_there);
    expect(!mapping_of(last).is_there);
}

static void *read_and_release(void *arg) {
    weir_buf *view = arg;
    size_t sum = 0;
    uint8_t byte;
    while (weir_buf_read_u8(view, &byte)) sum += byte;
    weir_buf_release(view);
    return (void *)(uintptr_t)sum;
}

WEIR_TEST(buf_map, the_last_release_may_come_from_any_thread) {
    enum {
        THREADS = 4
    };
    int fd = open_file(FILE_SIZE);
    size_t expected = 0;
    for (size_t i = 7; i < FILE_SIZE; i++) expected += byte_at(i);
    for (int round = 0; round < 50; round++) {
        weir_buf *buf = map_range(fd, 7, WEIR_BUF_MAP_REST, NULL);
        const uint8_t *address = buf->base;
        pthread_t threads[THREADS];
        for (int i = 0; i < THREADS; i++) {
            require(pthread_create(&threads[i], NULL, read_and_release, weir_buf_duplicate(buf)) == 0);
        }
        weir_buf_release(buf);
        for (int i = 0; i < THREADS; i++) {
            void *sum = NULL;
            pthread_join(threads[i], &sum);
            expect_eq((size_t)(uintptr_t)sum, expected);
        }
        if (round == 0) expect(!mapping_of(address).is_there);
    }
    close(fd);
}

/* ---- in company ------------------------------------------------------------------------------- */

WEIR_TEST(buf_map, a_composite_over_maps_writes_on_the_heap) {
    int fd = open_file(FILE_SIZE);
    weir_buf *composite = weir_buf_composite_new();
    expect_status(weir_buf_composite_append(composite, map_range(fd, 0, 3, NULL)), WEIR_OK);
    weir_buf_write_str(composite, "behind");
    expect_eq(weir_buf_readable(composite), 9u);
    weir_bytes together = weir_buf_coalesce(composite, 9);
    expect_bytes(weir_bytes_sub(together, 3, 9), "behind");
    expect_eq(together.ptr[2], byte_at(2));
    weir_buf_release(composite);
    close(fd);
}

static bool maps_and_slices(void *arg) {
    weir_buf *buf = NULL, *slice = NULL;
    weir_status status = weir_buf_map_range(&buf, *(int *)arg, 1, 5000, NULL);
    expect(status == WEIR_OK || status == WEIR_E_NO_MEMORY);
    expect_eq(buf != NULL, status == WEIR_OK);
    if (buf != NULL) slice = weir_buf_slice(buf, 1, 10);
    bool did_all = slice != NULL;
    weir_buf_release(buf);
    weir_buf_release(slice);
    return did_all;
}

WEIR_TEST(buf_map, without_memory_for_its_header_nothing_is_mapped) {
    int fd = open_file(FILE_SIZE);
    weir_oom_sweep(maps_and_slices, &fd);
    close(fd);
}
