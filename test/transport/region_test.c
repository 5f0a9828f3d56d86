/* region_test.c - ranges of files and of anything else: reading, slicing, and who closes the descriptor. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <weir/buffer.h>
#include <weir/testing.h>
#include <weir/transport/region.h>

static const char letters[] = "abcdefghijklmnopqrstuvwxyz";

/* An unlinked temporary file with the alphabet in it. */
static int alphabet(void) {
    char path[] = "/tmp/weir-region-XXXXXX";
    int fd = mkstemp(path);
    require(fd >= 0);
    unlink(path);
    require(write(fd, letters, 26) == 26);
    return fd;
}

static bool is_open(int fd) {
    return fcntl(fd, F_GETFD) >= 0;
}

static void expect_read(weir_region *region, uint64_t at, size_t n, const char *expected) {
    char bytes[64];
    if (!expect_status(weir_region_read(region, at, bytes, n), WEIR_OK)) return;
    expect_same_bytes(weir_bytes_of(bytes, n), weir_bytes_str(expected));
}

WEIR_TEST(region, of_a_file_is_read_at_any_position_without_moving_the_file) {
    int fd = alphabet();
    off_t before = lseek(fd, 3, SEEK_SET);
    weir_region *region = weir_region_file(fd, false, 2, 20);
    expect_eq(region->length, 20);
    expect_eq(weir_obj_size(&region->obj), 20);
    expect_read(region, 0, 5, "cdefg");
    expect_read(region, 17, 3, "tuv");
    expect_read(region, 20, 0, "");
    expect_eq(lseek(fd, 0, SEEK_CUR), before);
    weir_region_release(region);
    expect(is_open(fd));
    close(fd);
}

WEIR_TEST(region, slice_of_a_slice_counts_from_its_own_start_and_keeps_the_whole_alive) {
    int fd = alphabet();
    weir_region *whole = weir_region_file(fd, true, 0, 26);
    weir_region *part = weir_region_slice(whole, 5, 15);
    weir_region *piece = weir_region_slice(part, 5, 5);
    weir_region *nothing = weir_region_slice(part, 15, 0);
    weir_region_release(whole);
    weir_region_release(part);
    expect(is_open(fd));
    expect_eq(piece->length, 5);
    expect_read(piece, 0, 5, "klmno");
    expect_read(piece, 4, 1, "o");
    expect_eq(nothing->length, 0);
    weir_region_release(nothing);
    expect(is_open(fd));
    weir_region_release(piece);
    expect(!is_open(fd));
}

WEIR_TEST(region, reaches_beyond_four_gigabytes) {
    int fd = alphabet();
    static const uint64_t far = (UINT64_C(1) << 32) + 4095;
    require(pwrite(fd, "far away", 8, (off_t)far) == 8);
    weir_region *region = weir_region_file(fd, true, 1, far + 7);
    weir_region *part = weir_region_slice(region, far - 3, 10);
    expect_read(region, far - 1, 8, "far away");
    char bytes[10];
    expect_status(weir_region_read(part, 0, bytes, 10), WEIR_OK);
    expect(memcmp(bytes, "\0\0far away", 10) == 0);
    int ends[2];
    require(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    expect_eq(part->ops->send(part, 2, 8, ends[0]), 8);
    expect_eq(read(ends[1], bytes, sizeof bytes), 8);
    expect(memcmp(bytes, "far away", 8) == 0);
    close(ends[0]);
    close(ends[1]);
    weir_region_release(part);
    weir_region_release(region);
}

WEIR_TEST(region, tells_that_its_file_became_shorter) {
    int fd = alphabet();
    char bytes[26];
    weir_region *region = weir_region_file(fd, true, 0, 26);
    require(ftruncate(fd, 10) == 0);
    expect_status(weir_region_read(region, 0, bytes, 26), WEIR_E_TRUNCATED);
    expect_status(weir_region_read(region, 10, bytes, 1), WEIR_E_TRUNCATED);
    expect_status(weir_region_read(region, 0, bytes, 10), WEIR_OK);
    expect_eq(region->ops->read(region, 10, bytes, 5, true), 0);
    weir_region_release(region);
}

WEIR_TEST(region, tells_what_the_system_says_when_reading_fails) {
    int ends[2];
    char byte;
    require(pipe(ends) == 0);
    weir_region *region = weir_region_file(ends[0], true, 0, 10); /* a pipe has no positions */
    expect_status(weir_region_read(region, 0, &byte, 1), -ESPIPE);
    weir_region_release(region);
    expect(!is_open(ends[0]));
    close(ends[1]);
}

WEIR_TEST(region, of_a_path_is_the_whole_file_as_it_is_now) {
    char path[] = "/tmp/weir-region-XXXXXX";
    int fd = mkstemp(path);
    require(fd >= 0 && write(fd, letters, 26) == 26);
    weir_region *region;
    expect_status(weir_region_open(&region, path), WEIR_OK);
    unlink(path);
    require(write(fd, "more", 4) == 4);
    close(fd);
    expect_eq(region->length, 26);
    expect_read(region, 20, 6, "uvwxyz");
    weir_region_release(region);
}

WEIR_TEST(region, of_a_path_that_is_no_regular_file_is_refused) {
    weir_region *region = (weir_region *)(uintptr_t)1;
    expect_status(weir_region_open(&region, "/tmp/weir-no-such-file"), -ENOENT);
    expect(region == NULL);
    expect_status(weir_region_open(&region, "/tmp"), WEIR_E_UNSUPPORTED);
    expect_status(weir_region_open(&region, "/dev/null"), WEIR_E_UNSUPPORTED);
    expect(region == NULL);
}

WEIR_TEST(region, closes_its_descriptor_also_when_there_is_no_memory_for_it) {
    int own = alphabet(), shared = alphabet();
    weir_tracking_alloc_fail_from(weir_test_alloc(), 0);
    expect(weir_region_file(own, true, 0, 26) == NULL);
    expect(weir_region_file(shared, false, 0, 26) == NULL);
    int next = dup(shared);
    close(next);
    weir_region *region;
    expect_status(weir_region_open(&region, "/proc/self/exe"), WEIR_E_NO_MEMORY);
    expect(!is_open(next)); /* the lowest free one: what open got is closed again */
    weir_tracking_alloc_fail_never(weir_test_alloc());
    expect(!is_open(own) || own == next);
    expect(is_open(shared));
    close(shared);
}

WEIR_TEST(region, slice_without_memory_leaves_the_whole_alone) {
    weir_region *whole = weir_region_file(alphabet(), true, 0, 26);
    weir_tracking_alloc_fail_from(weir_test_alloc(), 0);
    expect(weir_region_slice(whole, 0, 1) == NULL);
    weir_tracking_alloc_fail_never(weir_test_alloc());
    expect(weir_obj_is_unshared(whole));
    weir_region_release(whole);
}

WEIR_TEST(region, stops_the_program_when_asked_beyond_its_end) {
    weir_region *region = weir_region_file(alphabet(), true, 0, 26);
    char bytes[64];
    expect_abort(weir_region_read(region, 20, bytes, 7), "of a region of 26");
    expect_abort(weir_region_read(region, UINT64_MAX, bytes, 2), "of a region of 26");
    expect_abort(weir_region_release(weir_region_slice(region, 1, 26)), "of a region of 26");
    expect_abort(weir_region_release(weir_region_slice(region, UINT64_MAX, 2)), "of a region of 26");
    expect_abort(weir_region_release(weir_region_file(0, false, UINT64_MAX, 2)), "a file region of");
    weir_region_release(region);
}

/* ---- a kind of the user's own ---- */

typedef struct counting {
    weir_region region;
    int reads, interrupted, frees;
} counting;

/* Byte i is i; three at a time, interrupted now and then. */
static ssize_t read_counting(weir_region *region, uint64_t at, void *dst, size_t n, bool may_wait) {
    counting *self = WEIR_CONTAINER(region, counting, region);
    (void)may_wait;
    if (++self->reads % 3 == 0) {
        self->interrupted++;
        return -EINTR;
    }
    size_t most = n < 3 ? n : 3;
    for (size_t i = 0; i < most; i++) ((uint8_t *)dst)[i] = (uint8_t)(at + i);
    return (ssize_t)most;
}

static void free_counting(weir_region *region) {
    WEIR_CONTAINER(region, counting, region)->frees++;
}

WEIR_TEST(region, of_a_kind_of_ones_own_is_read_in_pieces_and_freed_once) {
    static const weir_region_ops ops = {.name = "counting", .read = read_counting, .free = free_counting};
    counting self = {.reads = 0};
    weir_region_init(&self.region, &ops, 200);
    weir_region *part = weir_region_slice(&self.region, 50, 100);
    expect(part->ops->send == NULL);
    weir_region_release(&self.region);
    uint8_t bytes[100];
    expect_status(weir_region_read(part, 0, bytes, 100), WEIR_OK);
    for (unsigned i = 0; i < 100; i++) expect_eq(bytes[i], 50 + i);
    expect(self.interrupted > 0);
    expect_eq(self.frees, 0);
    weir_region_release(part);
    expect_eq(self.frees, 1);
}

/* ---- bytes in memory ---- */

static weir_buf *text(const char *words) {
    weir_buf *buf = weir_buf_new(0);
    require(buf != NULL);
    weir_buf_write_str(buf, words);
    return buf;
}

WEIR_TEST(region, of_a_buf_shows_its_bytes_where_they_lie) {
    weir_buf *all = weir_buf_composite_new();
    weir_buf *middle = text("defg");
    const uint8_t *where = middle->rp;
    weir_buf_composite_append(all, text("abc"));
    weir_buf_composite_append(all, middle);
    weir_buf_composite_append(all, text("hi"));
    weir_region *region = weir_region_buf(all);
    expect_eq(region->length, 9);
    expect_read(region, 0, 9, "abcdefghi");
    expect_read(region, 2, 3, "cde");
    struct iovec vecs[8];
    size_t count = 8;
    expect_eq(region->ops->view(region, 4, 4, false, vecs, &count), 4);
    expect_eq(count, 2);
    expect(vecs[0].iov_base == where + 1);
    count = 1;
    expect_eq(region->ops->view(region, 4, 4, false, vecs, &count), 3);
    weir_region_release(region);
}

WEIR_TEST(region, of_a_buf_that_others_hold_stays_as_it_was) {
    weir_buf *buf = text("hello");
    weir_region *region = weir_region_buf(weir_buf_retain(buf));
    expect(weir_buf_skip(buf, 3));
    expect_read(region, 0, 5, "hello");
    weir_buf_release(buf);
    expect_read(region, 0, 5, "hello");
    weir_region_release(region);
}

WEIR_TEST(region, of_a_buf_that_failed_or_without_memory_is_none) {
    weir_buf *failed = text("x");
    weir_buf_fail(failed, WEIR_E_FULL);
    expect(weir_region_buf(failed) == NULL);
    expect(weir_region_buf(NULL) == NULL);
    weir_buf *buf = text("hello");
    weir_tracking_alloc_fail_from(weir_test_alloc(), 0);
    expect(weir_region_buf(weir_buf_retain(buf)) == NULL);
    weir_tracking_alloc_fail_never(weir_test_alloc());
    expect_eq(weir_buf_readable(buf), 5);
    weir_buf_release(buf);
}

WEIR_TEST(region, slice_of_a_slice_can_do_what_the_whole_can) {
    weir_region *kinds[] = {weir_region_buf(text("abcdefgh")), weir_region_file(alphabet(), true, 0, 26)};
    for (int i = 0; i < 2; i++) {
        weir_region *part = weir_region_slice(kinds[i], 1, 7);
        weir_region *piece = weir_region_slice(part, 2, 5);
        expect_eq(piece->ops->never_waits, kinds[i]->ops->never_waits);
        expect_eq(piece->ops->view != NULL, kinds[i]->ops->view != NULL);
        expect_eq(piece->ops->send != NULL, kinds[i]->ops->send != NULL);
        expect_read(piece, 0, 5, "defgh");
        weir_region_release(kinds[i]);
        weir_region_release(part);
        struct iovec vec;
        size_t count = 1;
        if (i == 0 && expect_eq(piece->ops->view(piece, 1, 3, false, &vec, &count), 3)) {
            expect(memcmp(vec.iov_base, "efg", 3) == 0);
        }
        weir_region_release(piece);
    }
}

/* A file of so many pages that is in no memory; false where the file system has no other place (tmpfs). */
static bool cold_file(int *out, size_t pages) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char byte;
    struct iovec vec = {&byte, 1};
    *out = alphabet();
    require(ftruncate(*out, (off_t)(pages * page)) == 0);
    for (size_t i = 0; i < pages; i++) require(pwrite(*out, &letters[i % 26], 1, (off_t)(i * page)) == 1);
    require(fsync(*out) == 0 && posix_fadvise(*out, 0, 0, POSIX_FADV_DONTNEED) == 0);
    bool is_cold = preadv2(*out, &vec, 1, (off_t)(4 * page), RWF_NOWAIT) < 0 && errno == EAGAIN;
    return is_cold && posix_fadvise(*out, 0, 0, POSIX_FADV_RANDOM) == 0;
}

WEIR_TEST(region, of_maps_shows_only_what_is_in_memory_to_who_must_not_wait) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE), count = 8;
    struct iovec vecs[8];
    int fd;
    weir_buf *map, *all = weir_buf_composite_new();
    bool is_cold = cold_file(&fd, 64);
    weir_buf_map_options random = {.advice = WEIR_BUF_MAP_RANDOM};
    require(weir_buf_map_file(&map, fd, &random) == WEIR_OK);
    weir_buf_composite_append(all, text("head"));
    weir_buf_composite_append(all, weir_buf_slice(map, 0, 10 * page));
    weir_buf_composite_append(all, weir_buf_slice(map, 20 * page + 1, 10 * page));
    weir_region *region = weir_region_buf(all);
    expect(!region->ops->never_waits);
    if (is_cold) {
        char byte;
        expect_eq(region->ops->view(region, 0, 4 + 20 * page, false, vecs, &count), 4);
        expect_eq(region->ops->read(region, 4 + page, &byte, 1, false), -EAGAIN);
        for (size_t i = 0; i < 3; i++) require(pread(fd, &byte, 1, (off_t)(i * page)) == 1);
        count = 8;
        expect_eq(region->ops->view(region, 0, 4 + 20 * page, false, vecs, &count), 4 + 3 * page);
        expect_eq(count, 2);
        count = 8;
        expect_eq(region->ops->view(region, 4 + 10 * page, page, false, vecs, &count), -EAGAIN);
    }
    count = 8;
    expect_eq(region->ops->view(region, 0, 4 + 20 * page, true, vecs, &count), 4 + 20 * page);
    expect_eq(count, 3);
    expect_read(region, 0, 5, "heada");
    expect_read(region, 4 + page, 1, "b");
    weir_region_release(region);
    weir_buf_release(map);
    close(fd);
}

WEIR_TEST(region, is_told_from_other_objects) {
    weir_region *region = weir_region_file(alphabet(), true, 0, 26);
    weir_buf *buf = weir_buf_new(0);
    expect(weir_region_from(&region->obj) == region);
    expect(weir_region_from(&buf->obj) == NULL);
    expect(weir_region_from(NULL) == NULL);
    weir_buf_release(buf);
    weir_region_release(region);
}
