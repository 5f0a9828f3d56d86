/* buf_io_test.c - iovecs and descriptors. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <weir/testing.h>
#include <weir/testing/buf_kinds.h>

/* ---- iovecs ----------------------------------------------------------------------------------- */

static size_t gather(const struct iovec *vecs, size_t count, uint8_t *out) {
    size_t len = 0;
    for (size_t i = 0; i < count; i++) {
        expect(vecs[i].iov_len > 0);
        memcpy(out + len, vecs[i].iov_base, vecs[i].iov_len);
        len += vecs[i].iov_len;
    }
    return len;
}

static void check_iovecs(weir_buf *buf, weir_bytes content) {
    struct iovec vecs[64];
    uint8_t bytes[64];
    for (size_t at = 0; at <= content.len; at++) {
        for (size_t len = 0; at + len <= content.len; len++) {
            size_t covered = 99;
            size_t count = weir_buf_iovecs(buf, at, len, vecs, 64, &covered);
            expect_eq(covered, len);
            expect_same_bytes(weir_bytes_of(bytes, gather(vecs, count, bytes)),
                              weir_bytes_sub(content, at, len));
        }
    }
    size_t covered = 99;
    expect_eq(weir_buf_iovecs(buf, 0, content.len, vecs, 0, &covered), 0u);
    expect_eq(covered, 0u);
    expect_eq(weir_buf_iovecs(buf, 1, content.len - 1, vecs, 1, &covered), 1u);
    expect_same_bytes(weir_bytes_of(vecs[0].iov_base, vecs[0].iov_len), weir_bytes_sub(content, 1, covered));
    expect_eq(weir_buf_readable(buf), content.len);
    expect_abort(weir_buf_iovecs(buf, 1, content.len, vecs, 64, NULL), "readable ones");
}

WEIR_TEST(buf_io, iovecs_cover_any_range_as_far_as_they_reach) {
    weir_buf_kinds_each(WEIR_BUF_KIND_ANY, weir_bytes_str("iovecs of me"), check_iovecs);
}

/* ---- descriptors ------------------------------------------------------------------------------ */

static void check_writing(weir_buf *buf, weir_bytes content) {
    int ends[2];
    require(pipe(ends) == 0);
    uint8_t bytes[64];

    expect_eq(weir_buf_write_fd(buf, ends[1]), (ssize_t)content.len);
    expect_eq(weir_buf_readable(buf), 0u);
    expect_eq(weir_buf_write_fd(buf, ends[1]), 0);

    expect_eq(read(ends[0], bytes, sizeof bytes), (ssize_t)content.len);
    expect_same_bytes(weir_bytes_of(bytes, content.len), content);
    close(ends[0]);
    close(ends[1]);
}

WEIR_TEST(buf_io, a_buf_is_written_to_a_descriptor) {
    weir_buf_kinds_each(WEIR_BUF_KIND_ANY, weir_bytes_str("to a pipe"), check_writing);
}

static void check_reading(weir_buf *buf, weir_bytes content) {
    int ends[2];
    require(pipe(ends) == 0);
    expect_eq(write(ends[1], "from a pipe", 11), 11);
    close(ends[1]);

    expect_eq(weir_buf_read_fd(buf, ends[0], 4), 4);
    expect_eq(weir_buf_read_fd(buf, ends[0], 1000), 7);
    expect_eq(weir_buf_read_fd(buf, ends[0], 1000), 0);

    expect(weir_buf_skip(buf, content.len));
    expect(weir_buf_equal_bytes(buf, weir_bytes_str("from a pipe")));
    close(ends[0]);
}

WEIR_TEST(buf_io, what_a_descriptor_has_is_appended) {
    weir_buf_kinds_each(WEIR_BUF_KIND_GROWS, weir_bytes_str("before"), check_reading);
}

WEIR_TEST(buf_io, a_descriptor_with_nothing_now_says_so) {
    int ends[2];
    require(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0);
    weir_buf *buf = weir_buf_new(16), *big = weir_buf_new(0);

    expect_status((weir_status)weir_buf_read_fd(buf, ends[0], 16), -EAGAIN);
    expect_status(weir_buf_status(buf), WEIR_OK);

    weir_buf_write_fill(big, 'x', 16 * 1024 * 1024);
    ssize_t taken = weir_buf_write_fd(big, ends[1]);
    expect(taken > 0 && taken < 16 * 1024 * 1024);
    expect_eq(weir_buf_readable(big), 16u * 1024 * 1024 - (size_t)taken);
    expect_status((weir_status)weir_buf_write_fd(big, ends[1]), -EAGAIN);

    weir_buf_release(buf);
    weir_buf_release(big);
    close(ends[0]);
    close(ends[1]);
}

WEIR_TEST(buf_io, failures_are_answered_and_do_not_stick) {
    weir_buf *full = weir_buf_new_limited(4, 4), *buf = weir_buf_new(4);
    weir_buf_write_str(full, "full");
    int zero = open("/dev/zero", O_RDONLY);

    expect_status((weir_status)weir_buf_read_fd(full, zero, 10), WEIR_E_FULL);
    expect_status((weir_status)weir_buf_read_fd(buf, -1, 4), -EBADF);
    expect_status((weir_status)weir_buf_write_fd(full, -1), -EBADF);
    expect_eq(weir_buf_read_fd(buf, zero, 0), 0);
    weir_tracking_alloc_fail_from(weir_test_alloc(), 0);
    expect_status((weir_status)weir_buf_read_fd(buf, zero, 5), WEIR_E_NO_MEMORY);
    weir_tracking_alloc_fail_never(weir_test_alloc());
    expect_status(weir_buf_status(full), WEIR_OK);
    expect_status(weir_buf_status(buf), WEIR_OK);
    expect_bytes(weir_buf_peek(full), "full");

    weir_buf_release(full);
    weir_buf_release(buf);
    close(zero);
}

/* ---- signals: the first only interrupts, the second lets the call go on ---- */

static int interrupted_pipe[2];
static volatile sig_atomic_t signals;

static void feed_at_second(int number) {
    (void)number;
    if (++signals == 2 && write(interrupted_pipe[1], "x", 1) != 1) abort();
}

static void drain_at_second(int number) {
    char sink[65536];
    (void)number;
    if (++signals == 2 && read(interrupted_pipe[0], sink, sizeof sink) <= 0) abort();
}

static void interrupt_by(void (*handler)(int)) {
    struct sigaction action = {.sa_handler = handler}; /* without SA_RESTART: calls end with EINTR */
    struct itimerval every = {{0, 20000}, {0, 20000}};
    signals = 0;
    require(pipe(interrupted_pipe) == 0);
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &every, NULL);
}

static void interrupt_no_more(void) {
    struct itimerval never = {{0, 0}, {0, 0}};
    setitimer(ITIMER_REAL, &never, NULL);
    signal(SIGALRM, SIG_DFL);
    close(interrupted_pipe[0]);
    close(interrupted_pipe[1]);
}

WEIR_TEST(buf_io, a_read_that_a_signal_interrupts_is_tried_again) {
    weir_buf *buf = weir_buf_new(16);
    interrupt_by(feed_at_second);
    expect_eq(weir_buf_read_fd(buf, interrupted_pipe[0], 16), 1);
    expect(signals >= 2);
    interrupt_no_more();
    expect_bytes(weir_buf_peek(buf), "x");
    weir_buf_release(buf);
}

WEIR_TEST(buf_io, a_write_that_a_signal_interrupts_is_tried_again) {
    weir_buf *full = weir_buf_new(65536), *buf = weir_buf_new(16);
    weir_buf_write_fill(full, 'f', 65536);
    weir_buf_write_str(buf, "more");
    interrupt_by(drain_at_second);
    fcntl(interrupted_pipe[1], F_SETPIPE_SZ, 65536);
    expect_eq(weir_buf_write_fd(full, interrupted_pipe[1]), 65536);
    expect_eq(weir_buf_write_fd(buf, interrupted_pipe[1]), 4);
    expect(signals >= 2);
    interrupt_no_more();
    weir_buf_release(full);
    weir_buf_release(buf);
}

WEIR_TEST(buf_io, a_read_stops_at_the_maximum) {
    weir_buf *buf = weir_buf_new_limited(0, 6);
    int zero = open("/dev/zero", O_RDONLY);
    expect_eq(weir_buf_read_fd(buf, zero, 100), 6);
    expect_status((weir_status)weir_buf_read_fd(buf, zero, 100), WEIR_E_FULL);
    close(zero);
    weir_buf_release(buf);
}

/* More parts than one system call takes: 1024 go each time. */
WEIR_TEST(buf_io, more_parts_than_iovecs_go_in_several_calls) {
    int ends[2];
    require(pipe(ends) == 0);
    weir_buf *composite = weir_buf_composite_new();
    for (int i = 0; i < 2500; i++) {
        expect_status(weir_buf_composite_append(composite, weir_buf_wrap_const("x", 1)), WEIR_OK);
    }

    expect_eq(weir_buf_write_fd(composite, ends[1]), 1024);
    expect_eq(weir_buf_write_fd(composite, ends[1]), 1024);
    expect_eq(weir_buf_write_fd(composite, ends[1]), 452);

    weir_buf_release(composite);
    close(ends[0]);
    close(ends[1]);
}
