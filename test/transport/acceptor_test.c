/* acceptor_test.c - what an accept answers is written down beforehand, and the clock moves by hand. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <weir/core/log.h>
#include <weir/testing.h>

#include "bootstrap/acceptor.h"
#include "embedded/embedded_loop.h"

enum {
    COMES = 0 /* among the answers of an accept: a connection */
};

typedef struct desk {
    acceptor acceptor;
    weir_loop *loop;
    const int *answers; /* COMES or an errno; after the last one EAGAIN */
    size_t answer_count, answered;
    uint64_t may; /* what may_accept answers */
    int asked, accepted, unused, failed, turned_away, lines;
    bool watching;
} desk;

static int answer(acceptor *base, weir_addr *peer) {
    desk *self = WEIR_CONTAINER(base, desk, acceptor);
    *peer = (weir_addr){0};
    errno = self->answered < self->answer_count ? self->answers[self->answered++] : EAGAIN;
    return errno == COMES ? open("/dev/null", O_RDONLY | O_CLOEXEC) : -1;
}

static void watch(acceptor *base, bool on) {
    WEIR_CONTAINER(base, desk, acceptor)->watching = on;
}

static const acceptor_source source = {.accept = answer, .watch = watch};

static uint64_t may_accept(void *arg) {
    ((desk *)arg)->asked++;
    return ((desk *)arg)->may;
}

static void not_accepted(void *arg) {
    ((desk *)arg)->unused++;
}

static void accepted(void *arg, int fd, const weir_addr *peer) {
    (void)peer;
    ((desk *)arg)->accepted++;
    close(fd);
}

static void failed(void *arg, bool turned_away) {
    ((desk *)arg)->failed++;
    if (turned_away) ((desk *)arg)->turned_away++;
}

static const acceptor_events events = {
    .may_accept = may_accept, .not_accepted = not_accepted, .accepted = accepted, .failed = failed};

static void count_line(void *arg, weir_log_level level, const char *subject, const char *line) {
    (void)level;
    (void)line;
    if (strcmp(subject, "server") == 0) ((desk *)arg)->lines++;
}

static void open_desk(desk *self) {
    memset(self, 0, sizeof *self);
    self->loop = embedded_loop_new();
    require(self->loop != NULL);
    weir_log_set_sink(count_line, self);
    acceptor_init(&self->acceptor, self->loop, &source, &events, self);
}

static void shut_desk(desk *self) {
    acceptor_clear(&self->acceptor);
    embedded_loop_free(self->loop);
    weir_log_set_sink(NULL, NULL);
}

static void ready(desk *self, const int *answers, size_t count) {
    self->answers = answers;
    self->answer_count = count;
    self->answered = 0;
    acceptor_ready(&self->acceptor);
}
#define READY(self, ...)                                                                                     \
    ready(self, (const int[]){__VA_ARGS__}, sizeof((const int[]){__VA_ARGS__}) / sizeof(int))

/* How long it rests, found by moving the clock until it watches again. */
static unsigned rest_of(desk *self) {
    unsigned ms = 0;
    while (!self->watching && ms < 5000) {
        ms++;
        loop_run_timers(self->loop, weir_loop_now(self->loop) + 1);
    }
    return ms;
}

WEIR_TEST(acceptor, takes_all_who_wait_and_goes_on_watching) {
    desk d;
    open_desk(&d);
    expect(d.watching);
    READY(&d, COMES, COMES, COMES);
    expect_eq(d.accepted, 3);
    expect_eq(d.asked, 4);
    expect_eq(d.unused, 1);
    expect(d.watching);
    expect_eq(d.failed, 0);
    shut_desk(&d);
}

WEIR_TEST(acceptor, leaves_the_loop_to_others_after_so_many) {
    enum {
        CROWD = 1000
    };
    static const int crowd[CROWD] = {COMES};
    desk d;
    open_desk(&d);
    ready(&d, crowd, CROWD);
    expect_eq(d.accepted, 64);
    expect(d.watching);
    shut_desk(&d);
}

WEIR_TEST(acceptor, passes_over_what_concerns_one_connection_only) {
    static const int errors[] = {ECONNABORTED, EINTR,       EPROTO,      EPERM,     ENETDOWN,
                                 EHOSTUNREACH, ENETUNREACH, ENOPROTOOPT, EHOSTDOWN, ENONET};
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        desk d;
        open_desk(&d);
        READY(&d, errors[i], COMES, errors[i], COMES);
        expect_eq(d.accepted, 2);
        expect_eq(d.unused, 3);
        expect_eq(d.failed, 0);
        expect_eq(d.lines, 0);
        expect(d.watching);
        shut_desk(&d);
    }
}

/* An errno that repeats for ever, as one of a firewall may, takes its share of a turn and no more. */
WEIR_TEST(acceptor, does_not_spin_on_an_error_that_repeats) {
    static int errors[1000];
    desk d;
    for (size_t i = 0; i < 1000; i++) errors[i] = ECONNABORTED;
    open_desk(&d);
    ready(&d, errors, 1000);
    expect_eq(d.answered, 64);
    shut_desk(&d);
}

WEIR_TEST(acceptor, rests_longer_after_each_failure_and_logs_the_first) {
    static const int errors[] = {EMFILE, ENFILE, ENOBUFS, ENOMEM, EINVAL};
    static const unsigned rests[] = {10, 20, 40, 80, 160, 320, 640, 1000, 1000};
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        desk d;
        open_desk(&d);
        for (size_t k = 0; k < sizeof rests / sizeof *rests; k++) {
            READY(&d, errors[i], EAGAIN);
            expect(!d.watching);
            expect_eq(rest_of(&d), rests[k]);
        }
        expect_eq(d.failed, 9);
        expect_eq(d.unused, 9);
        expect_eq(d.lines, 1);
        shut_desk(&d);
    }
}

WEIR_TEST(acceptor, rests_shortly_again_after_a_success) {
    desk d;
    open_desk(&d);
    READY(&d, ENOMEM);
    expect_eq(rest_of(&d), 10);
    READY(&d, ENOMEM);
    expect_eq(rest_of(&d), 20);
    READY(&d, COMES, ENOMEM);
    expect_eq(rest_of(&d), 10);
    expect_eq(d.lines, 1); /* the backlog was never emptied: still the same episode */
    READY(&d, COMES);
    READY(&d, ENOMEM);
    expect_eq(rest_of(&d), 10);
    expect_eq(d.lines, 2);
    shut_desk(&d);
}

WEIR_TEST(acceptor, turns_one_away_when_there_are_no_descriptors) {
    desk d;
    open_desk(&d);
    READY(&d, EMFILE, COMES);
    expect_eq(d.turned_away, 1);
    expect_eq(d.accepted, 0);
    expect_eq(rest_of(&d), 10);
    READY(&d, ENFILE, EAGAIN); /* it has gone meanwhile */
    expect_eq(d.turned_away, 1);
    expect_eq(rest_of(&d), 20);
    READY(&d, ENOMEM, COMES); /* a descriptor would not help */
    expect_eq(d.turned_away, 1);
    expect_eq(d.answered, 1);
    shut_desk(&d);
}

WEIR_TEST(acceptor, has_its_spare_descriptor_again_after_each_episode) {
    desk d;
    open_desk(&d);
    for (int i = 0; i < 3; i++) {
        READY(&d, EMFILE, COMES);
        expect(fcntl(d.acceptor.spare, F_GETFD) >= 0);
        expect_eq(rest_of(&d), 10 << i);
    }
    close(d.acceptor.spare); /* another thread was faster */
    d.acceptor.spare = -1;
    READY(&d, EMFILE);
    expect_eq(d.turned_away, 3);
    expect_eq(rest_of(&d), 80);
    expect(fcntl(d.acceptor.spare, F_GETFD) >= 0);
    close(d.acceptor.spare);
    d.acceptor.spare = -1;
    READY(&d, COMES);
    expect(fcntl(d.acceptor.spare, F_GETFD) >= 0);
    shut_desk(&d);
}

WEIR_TEST(acceptor, rests_as_long_as_it_is_told) {
    desk d;
    open_desk(&d);
    d.may = 250;
    READY(&d, COMES);
    expect_eq(d.accepted, 0);
    expect_eq(d.answered, 0);
    acceptor_resume(&d.acceptor); /* a rest is not cut short */
    expect(!d.watching);
    d.may = 0;
    expect_eq(rest_of(&d), 250);
    READY(&d, COMES);
    expect_eq(d.accepted, 1);
    shut_desk(&d);
}

WEIR_TEST(acceptor, waits_until_it_is_resumed) {
    desk d;
    open_desk(&d);
    d.may = ACCEPTOR_WAIT;
    READY(&d, COMES);
    expect_eq(rest_of(&d), 5000); /* as long as the test looks */
    d.may = 0;
    acceptor_resume(&d.acceptor);
    expect(d.watching);
    READY(&d, COMES);
    expect_eq(d.accepted, 1);
    shut_desk(&d);
}
