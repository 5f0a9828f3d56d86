/* transfer_end_test.c - what stops a transfer, and what can be said of it then. */
#include <weir/transport/transfer.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/time.h>
#include <unistd.h>

#include <weir/testing.h>

#include "descriptors.h"

WEIR_TEST(transfer_end, says_that_the_source_was_shorter_and_how_much_there_was) {
    make_pattern();
    for (kind from = 0; from < SOURCES; from++) {
        far_end feeding;
        weir_transfer_result result;
        weir_transfer *transfer = weir_transfer_new(NULL);
        int src = open_source(from, 1000, &feeding), dst = empty_file(0);
        weir_test_context("%s", kind_names[from]);
        weir_transfer_start(transfer, dst, src, WEIR_TRANSFER_CURRENT, 1001);
        expect_status(weir_transfer_run(transfer, &result), WEIR_E_TRUNCATED);
        expect_eq(result.bytes, 1000);
        expect_status(weir_transfer_run(transfer, &result), WEIR_E_TRUNCATED);
        if (feeding.running) pthread_join(feeding.thread, NULL);
        close(src);
        close(dst);
        weir_transfer_free(transfer);
    }
}

static void expect_broken_pipe(kind to, kind from, unsigned forbid) {
    int ends[2];
    far_end feeding;
    weir_transfer_result result;
    weir_transfer *transfer = weir_transfer_new(&(weir_transfer_options){.forbid = forbid});
    weir_test_context("%s to %s, forbidden %x", kind_names[from], kind_names[to], forbid);
    int src = open_source(from, 50000, &feeding);
    if (feeding.running) pthread_join(feeding.thread, NULL);
    open_pair(to, ends);
    close(ends[0]);
    weir_transfer_start(transfer, ends[1], src, WEIR_TRANSFER_CURRENT, 50000);
    expect_status(weir_transfer_run(transfer, &result), -EPIPE); /* SIGPIPE would end this test */
    expect_eq(result.bytes, 0);
    sigset_t now;
    pthread_sigmask(SIG_SETMASK, NULL, &now);
    expect_eq(sigismember(&now, SIGPIPE), 0);
    sigpending(&now);
    expect_eq(sigismember(&now, SIGPIPE), 0);
    close(src);
    close(ends[1]);
    weir_transfer_free(transfer);
}

WEIR_TEST(transfer_end, outlives_a_reader_that_is_gone) {
    static const kind sources[] = {FILE_END, PIPE_END, UNIX_END};
    make_pattern();
    signal(SIGPIPE, SIG_DFL);
    for (size_t i = 0; i < 3; i++) {
        expect_broken_pipe(PIPE_END, sources[i], 0);
        expect_broken_pipe(UNIX_END, sources[i], 0);
        expect_broken_pipe(PIPE_END, sources[i], NOT_BY_BUFFER);
    }
}

WEIR_TEST(transfer_end, tells_a_full_disk_and_a_failing_one) {
    weir_transfer_result result;
    weir_transfer *transfer = weir_transfer_new(NULL);
    make_pattern();
    int src = patterned_file(1000), full = open("/dev/full", O_WRONLY);
    int bad = open("/proc/self/mem", O_RDONLY), null = open("/dev/null", O_WRONLY);
    require(full >= 0 && bad >= 0);
    weir_transfer_start(transfer, full, src, WEIR_TRANSFER_CURRENT, 1000);
    expect_status(weir_transfer_run(transfer, &result), -ENOSPC);
    expect_eq(result.bytes, 0);
    weir_transfer_start(transfer, null, bad, 0, 1000); /* nothing is mapped at 0 */
    expect_status(weir_transfer_run(transfer, &result), -EIO);
    weir_transfer_start(transfer, null, -1, WEIR_TRANSFER_CURRENT, 1000);
    expect_status(weir_transfer_run(transfer, &result), -EBADF);
    int all[] = {src, full, bad, null};
    for (size_t i = 0; i < 4; i++) close(all[i]);
    weir_transfer_free(transfer);
}

WEIR_TEST(transfer_end, reads_files_whose_length_only_a_read_can_tell) {
    weir_transfer_result result;
    weir_transfer *transfer = weir_transfer_new(NULL);
    int src = open("/proc/self/status", O_RDONLY), dst = empty_file(0);
    weir_transfer_start(transfer, dst, src, WEIR_TRANSFER_CURRENT, WEIR_TRANSFER_TO_END);
    expect_status(weir_transfer_run(transfer, &result), WEIR_OK);
    expect(result.bytes > 100);
    expect_eq(lseek(dst, 0, SEEK_END), result.bytes);
    close(src);
    close(dst);
    weir_transfer_free(transfer);
}

static void on_alarm(int number) {
    (void)number;
}

WEIR_TEST(transfer_end, lets_a_signal_interrupt_it_and_goes_on) {
    int ends[2];
    weir_transfer_result result;
    weir_transfer *transfer = weir_transfer_new(NULL);
    struct sigaction act = {.sa_handler = on_alarm};
    struct itimerval often = {{0, 20000}, {0, 20000}}, never = {{0, 0}, {0, 0}};
    make_pattern();
    open_pair(PIPE_END, ends);
    int dst = empty_file(0);
    sigaction(SIGALRM, &act, NULL);
    require(write(ends[1], pattern, 10) == 10);
    weir_transfer_start(transfer, dst, ends[0], WEIR_TRANSFER_CURRENT, 20);
    setitimer(ITIMER_REAL, &often, NULL);
    expect_status(weir_transfer_run(transfer, &result), -EINTR);
    setitimer(ITIMER_REAL, &never, NULL);
    expect_eq(result.bytes, 10);
    require(write(ends[1], pattern + 10, 10) == 10);
    expect_status(weir_transfer_run(transfer, &result), WEIR_OK);
    expect_eq(result.bytes, 20);
    expect(file_holds(dst, 20));
    close(ends[0]);
    close(ends[1]);
    close(dst);
    weir_transfer_free(transfer);
}

WEIR_TEST(transfer_end, refuses_when_every_way_is_forbidden) {
    weir_transfer_result result;
    weir_transfer *transfer =
        weir_transfer_new(&(weir_transfer_options){.forbid = NOT_BY_BUFFER | WEIR_TRANSFER_BUFFER});
    int src = empty_file(0), dst = empty_file(0);
    weir_transfer_start(transfer, dst, src, WEIR_TRANSFER_CURRENT, 1);
    expect_status(weir_transfer_run(transfer, &result), WEIR_E_UNSUPPORTED);
    close(src);
    close(dst);
    weir_transfer_free(transfer);
}
