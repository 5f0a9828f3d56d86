/* uv_watch_test.c - the epoll set of a loop: what is told, and what of a batch is told no more.
 *
 * The set is asked by hand (uv_watch_wait), outside of the loop's turns. epoll_ctl is our own here: it counts, and
 * fails when told to.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <weir/testing.h>

#include "uv/uv_internal.h"
#include "wires.h"

enum {
    MOST_SEEN = 16,
    CROWD = MOST_EVENTS + 88
};

/* ---- a set that counts ---- */

static int ctl_calls, ctl_failure; /* an errno, or 0 */

/* What the library finds by that name. */
int count_ctl(int set, int op, int fd, struct epoll_event *event) __asm__("epoll_ctl");

int count_ctl(int set, int op, int fd, struct epoll_event *event) {
    ctl_calls++;
    if (ctl_failure != 0 && op != EPOLL_CTL_DEL) {
        errno = ctl_failure;
        return -1;
    }
    return (int)syscall(SYS_epoll_ctl, set, op, fd, event);
}

/* ---- watches that note, and then do what they are told to ---- */

typedef struct noted noted;
struct noted {
    uv_watch watch;
    uint32_t seen[MOST_SEEN];
    int count, closed;
    void (*then)(noted *self);
    noted *other;
};

static uv_driver *driver;

static void note_ready(uv_watch *watch, uint32_t events) {
    noted *self = WEIR_CONTAINER(watch, noted, watch);
    require(self->count < MOST_SEEN);
    self->seen[self->count++] = events;
    if (self->then != NULL) self->then(self);
}

static void note_closed(uv_watch *watch) {
    WEIR_CONTAINER(watch, noted, watch)->closed++;
}

static weir_loop *begin(void) {
    weir_loop *loop = weir_loop_new(NULL);
    require(loop != NULL);
    expect(weir_loop_turn(loop)); /* the thread is the loop's from here on */
    driver = driver_of(loop);
    ctl_calls = 0;
    return loop;
}

static void watch(noted *self, int fd, uint32_t events) {
    uv_watch_init(&self->watch, fd, note_ready);
    expect_status(uv_watch_set(&self->watch, driver, events), WEIR_OK);
}

static void drop(noted *self) {
    uv_watch_close(&self->watch, driver, note_closed);
    close(self->watch.fd);
}

static int rung(void) {
    int fd = eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC);
    require(fd >= 0);
    return fd;
}

static void open_pair(int ends[2]) {
    require(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
}

/* ---- what is told ---- */

WEIR_TEST(uv_watch, what_nobody_takes_is_told_again_at_every_wait) {
    noted one = {0};
    uint64_t taken;
    weir_loop *loop = begin();
    watch(&one, rung(), EPOLLIN);
    for (int i = 1; i <= 3; i++) {
        expect_eq(uv_watch_wait(driver, 0), 1);
        expect_eq(one.count, i);
        expect_eq(one.seen[i - 1], EPOLLIN);
    }
    expect_eq(read(one.watch.fd, &taken, sizeof taken), (int)sizeof taken);
    expect_eq(uv_watch_wait(driver, 0), 0);
    drop(&one);
    weir_loop_free(loop);
}

WEIR_TEST(uv_watch, a_hang_up_that_comes_alone_is_told_as_what_was_asked_for) {
    noted reader = {0}, paused = {0};
    int fds[2], ends[2];
    weir_loop *loop = begin();
    require(pipe(fds) == 0);
    open_pair(ends);
    watch(&reader, fds[0], EPOLLIN);
    watch(&paused, ends[0], EPOLLPRI);
    close(fds[1]);
    close(ends[1]);
    expect_eq(uv_watch_wait(driver, 0), 2);
    expect_eq(reader.seen[0], EPOLLIN);
    expect_eq(paused.seen[0], EPOLLPRI);
    drop(&reader);
    drop(&paused);
    weir_loop_free(loop);
}

/* The writing end of a pipe nobody reads has an error, and nothing else when it is full. */
static int broken_pipe(void) {
    static const char filling[4096];
    int fds[2];
    require(pipe(fds) == 0);
    for (int i = 0; i < 16; i++) require(write(fds[1], filling, sizeof filling) == sizeof filling);
    close(fds[0]);
    return fds[1];
}

WEIR_TEST(uv_watch, an_error_is_told_as_such_and_once_whatever_was_asked_for) {
    static const uint32_t asked[] = {EPOLLOUT, EPOLLPRI, EPOLLIN | EPOLLRDHUP};
    weir_loop *loop = begin();
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
        noted one = {0};
        watch(&one, broken_pipe(), asked[i]);
        expect_eq(uv_watch_wait(driver, 0), 1);
        expect_eq(one.count, 1);
        expect_eq(one.seen[0], EPOLLERR);
        expect_eq(one.watch.events, 0);
        expect_eq(driver->watched, 0);
        expect_eq(uv_watch_wait(driver, 0), 0);
        expect_status(uv_watch_set(&one.watch, driver, asked[i]),
                      WEIR_OK); /* who wants to hear it again may */
        expect_eq(uv_watch_wait(driver, 0), 1);
        expect_eq(one.count, 2);
        drop(&one);
        uv_watch_tell_closed(driver);
    }
    weir_loop_free(loop);
}

WEIR_TEST(uv_watch, what_does_not_fit_into_one_batch_comes_with_the_next) {
    noted *crowd = calloc(CROWD, sizeof *crowd);
    weir_loop *loop = begin();
    int ears = 0;
    require(crowd != NULL);
    for (int i = 0; i < CROWD; i++) watch(&crowd[i], rung(), EPOLLIN);
    expect_eq(uv_watch_wait(driver, 0), MOST_EVENTS);
    expect_eq(uv_watch_wait(driver, 0), MOST_EVENTS);
    for (int i = 0; i < CROWD; i++) ears += crowd[i].count > 0;
    expect_eq(ears, CROWD);
    for (int i = 0; i < CROWD; i++) drop(&crowd[i]);
    weir_loop_free(loop);
    free(crowd);
}

/* ---- asking ---- */

WEIR_TEST(uv_watch, a_change_costs_one_call_and_none_where_nothing_changes) {
    static const struct {
        uint32_t asked;
        int calls, watched;
    } steps[] = {{0, 0, 0},       {EPOLLIN, 1, 1}, {EPOLLIN, 0, 1}, {EPOLLOUT, 1, 1},
                 {0, 1, 0},       {0, 0, 0},       {EPOLLIN, 1, 1}, {EPOLLIN | EPOLLRDHUP, 1, 1},
                 {EPOLLPRI, 1, 1}};
    noted one = {0};
    weir_loop *loop = begin();
    uv_watch_init(&one.watch, rung(), note_ready);
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        ctl_calls = 0;
        expect_status(uv_watch_set(&one.watch, driver, steps[i].asked), WEIR_OK);
        expect_eq(ctl_calls, steps[i].calls);
        expect_eq(driver->watched, steps[i].watched);
    }
    drop(&one);
    expect_eq(driver->watched, 0);
    weir_loop_free(loop);
}

WEIR_TEST(uv_watch, what_cannot_be_watched_is_refused_and_changes_nothing) {
    noted one = {0}, twin = {0}, file = {0};
    char name[] = "/tmp/weir-watch-XXXXXX";
    weir_loop *loop = begin();
    int fd = mkstemp(name);
    require(fd >= 0 && unlink(name) == 0);
    uv_watch_init(&file.watch, fd, note_ready);
    expect_status(uv_watch_set(&file.watch, driver, EPOLLIN), -EPERM);
    expect_eq(driver->watched, 0);
    watch(&one, rung(), EPOLLIN);
    uv_watch_init(&twin.watch, one.watch.fd, note_ready);
    expect_status(uv_watch_set(&twin.watch, driver, EPOLLIN), -EEXIST);
    ctl_failure = ENOMEM;
    expect_status(uv_watch_set(&one.watch, driver, EPOLLOUT), -ENOMEM);
    ctl_failure = 0;
    expect_eq(driver->watched, 1);
    expect_eq(uv_watch_wait(driver, 0), 1); /* as it was */
    expect_eq(one.seen[0], EPOLLIN);
    drop(&one);
    close(fd);
    weir_loop_free(loop);
}

/* ---- in a callback ---- */

static void ask_for_nothing(noted *self) {
    expect_status(uv_watch_set(&self->watch, driver, 0), WEIR_OK);
}

static void ask_for_room(noted *self) {
    expect_status(uv_watch_set(&self->watch, driver, EPOLLOUT), WEIR_OK);
    self->then = ask_for_nothing;
}

WEIR_TEST(uv_watch, a_callback_may_ask_for_other_events_or_for_none) {
    noted one = {.then = ask_for_room};
    weir_loop *loop = begin();
    watch(&one, rung(), EPOLLIN);
    for (int i = 0; i < 4; i++) uv_watch_wait(driver, 0);
    expect_eq(one.count, 2);
    expect_eq(one.seen[0], EPOLLIN);
    expect_eq(one.seen[1], EPOLLOUT);
    drop(&one);
    weir_loop_free(loop);
}

static void watch_another(noted *self) {
    self->then = NULL;
    watch(self->other, rung(), EPOLLIN);
}

WEIR_TEST(uv_watch, what_a_callback_adds_is_told_with_the_next_batch) {
    noted added = {0}, one = {.then = watch_another, .other = &added};
    weir_loop *loop = begin();
    watch(&one, rung(), EPOLLIN);
    expect_eq(uv_watch_wait(driver, 0), 1);
    expect_eq(added.count, 0);
    expect_eq(uv_watch_wait(driver, 0), 2);
    expect_eq(added.count, 1);
    drop(&one);
    drop(&added);
    weir_loop_free(loop);
}

static void drop_other(noted *self) {
    noted *other = self->other;
    self->then = other->then = NULL;
    drop(other);
}

/* Whichever of the two comes first closes the other, whose event is in the batch already. */
WEIR_TEST(uv_watch, one_that_was_closed_is_not_told_of_what_has_come_before) {
    noted one = {.then = drop_other}, other = {.then = drop_other, .other = &one};
    one.other = &other;
    weir_loop *loop = begin();
    watch(&one, rung(), EPOLLIN);
    watch(&other, rung(), EPOLLIN);
    expect_eq(uv_watch_wait(driver, 0), 2);
    expect_eq(one.count + other.count, 1);
    noted *closed = one.count == 0 ? &one : &other;
    expect_eq(closed->closed, 0); /* told outside of any callback */
    uv_watch_tell_closed(driver);
    expect_eq(closed->closed, 1);
    expect_eq(driver->watched, 1);
    drop(closed->other);
    weir_loop_free(loop);
}

/* The same with an error, and the closed one's descriptor is not opened to anybody else. */
WEIR_TEST(uv_watch, an_error_of_one_that_was_closed_is_not_told_either) {
    noted one = {.then = drop_other}, other = {.then = drop_other, .other = &one};
    one.other = &other;
    weir_loop *loop = begin();
    watch(&one, broken_pipe(), EPOLLOUT);
    watch(&other, broken_pipe(), EPOLLOUT);
    expect_eq(uv_watch_wait(driver, 0), 2);
    expect_eq(one.count + other.count, 1);
    expect_eq(driver->watched, 0);
    drop(one.count == 0 ? &other : &one);
    weir_loop_free(loop);
    expect_eq(one.closed + other.closed, 2);
}

/* Closes the other and gives its number to a new descriptor, of which nothing has come. */
static noted heir;

static void inherit_number(noted *self) {
    int number = self->other->watch.fd, quiet = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    drop_other(self);
    require(quiet >= 0 && dup2(quiet, number) == number);
    close(quiet);
    heir = (noted){0};
    watch(&heir, number, EPOLLIN);
}

WEIR_TEST(uv_watch, an_event_does_not_go_to_who_has_the_descriptors_number_next) {
    noted one = {.then = inherit_number}, other = {.then = inherit_number, .other = &one};
    uint64_t ring = 1;
    one.other = &other;
    weir_loop *loop = begin();
    watch(&one, rung(), EPOLLIN);
    watch(&other, rung(), EPOLLIN);
    expect_eq(uv_watch_wait(driver, 0), 2);
    expect_eq(one.count + other.count, 1);
    expect_eq(heir.count, 0);
    expect_eq(uv_watch_wait(driver, 0), 1); /* the first one still is ready */
    expect_eq(heir.count, 0);
    expect_eq(write(heir.watch.fd, &ring, sizeof ring), (int)sizeof ring);
    expect_eq(uv_watch_wait(driver, 0), 2);
    expect_eq(heir.count, 1);
    drop(&heir);
    drop(one.count == 0 ? &other : &one);
    weir_loop_free(loop);
}

/* ---- closing ---- */

static void drop_self(noted *self) {
    drop(self);
}

static void close_other_too(uv_watch *watch) {
    noted *self = WEIR_CONTAINER(watch, noted, watch);
    self->closed++;
    drop(self->other);
}

WEIR_TEST(uv_watch, closing_is_told_once_and_what_is_closed_meanwhile_is_told_next) {
    noted other = {0}, one = {.other = &other};
    weir_loop *loop = begin();
    watch(&one, rung(), EPOLLIN);
    watch(&other, rung(), EPOLLIN);
    uv_watch_close(&one.watch, driver, close_other_too);
    close(one.watch.fd);
    uv_watch_tell_closed(driver);
    expect_eq(one.closed, 1);
    expect_eq(other.closed, 0);
    expect_eq(weir_loop_timeout(loop), 0); /* so the loop does not sleep on it */
    expect(weir_loop_turn(loop));
    expect_eq(one.closed, 1);
    expect_eq(other.closed, 1);
    weir_loop_free(loop);
}

WEIR_TEST(uv_watch, a_hosts_run_goes_on_while_something_is_watched_and_until_closing_is_told) {
    noted one = {.then = drop_self};
    uv_loop_t host;
    require(uv_loop_init(&host) == 0);
    weir_loop *loop = weir_loop_new(&(weir_loop_options){.host = &host});
    require(loop != NULL);
    driver = driver_of(loop);
    expect_eq(uv_run(&host, UV_RUN_NOWAIT), 0); /* weir's own keep nothing alive */
    watch(&one, rung(), EPOLLIN);
    uv_run(&host, UV_RUN_DEFAULT);
    expect_eq(one.count, 1);
    expect_eq(one.closed, 1);
    weir_loop_free(loop);
    expect_eq(uv_loop_close(&host), 0);
}

/* ---- a set that is full ---- */

static weir_status told; /* by the error event */

static void echo_read(weir_ctx *ctx, weir_obj *msg) {
    weir_ctx_write(ctx, msg, NULL);
}

static void note_error(weir_ctx *ctx, const weir_error *error) {
    told = error->status;
    weir_ctx_fire_error(ctx, error);
}

static const weir_handler echo = {.name = "echo", .read = echo_read, .error = note_error};

static weir_status build_echo(weir_pipeline *pipeline, void *arg) {
    (void)arg;
    return weir_pipeline_add_last(pipeline, &echo, NULL);
}

static int adopt_one(weir_loop *loop) {
    int ends[2];
    open_pair(ends);
    weir_channel *channel = weir_channel_adopt(loop, ends[0], NULL, build_echo, NULL, NULL);
    require(channel != NULL);
    weir_channel_release(channel);
    return ends[1];
}

/* What comes back for a byte: 1, -1 nothing, 0 an end. */
static ssize_t ask(weir_loop *loop, int far) {
    char byte;
    (void)send(far, "x", 1, MSG_NOSIGNAL);
    for (int i = 0; i < 4; i++) expect(weir_loop_turn(loop));
    return recv(far, &byte, 1, MSG_DONTWAIT);
}

WEIR_TEST(uv_watch, a_set_that_takes_no_more_ends_the_new_connection_and_no_other) {
    weir_loop *loop = begin();
    int old = adopt_one(loop);
    expect_eq(ask(loop, old), 1);
    expect_eq(driver->watched, 1);
    ctl_failure = ENOSPC;
    int refused = adopt_one(loop);
    for (int i = 0; i < 4; i++) expect(weir_loop_turn(loop));
    ctl_failure = 0;
    expect_status(told, -ENOSPC);
    expect(ask(loop, refused) != 1);
    expect_eq(driver->watched, 1);
    expect_eq(ask(loop, old), 1);
    int next = adopt_one(loop);
    expect_eq(ask(loop, next), 1);
    weir_loop_free(loop);
    close(old);
    close(refused);
    close(next);
}

WEIR_TEST(uv_watch, a_connection_whose_socket_cannot_be_watched_says_why) {
    weir_loop *loop = begin();
    unsigned port;
    int listener = plain_listen(&port, 1);
    weir_promise *promise = weir_promise_new(loop);
    require(promise != NULL);
    weir_client_options options = {.loop = loop, .host = "127.0.0.1", .port = port, .build = build_echo};
    ctl_failure = ENOSPC;
    weir_channel *channel = weir_client_connect(&options, weir_promise_retain(promise));
    for (int i = 0; i < 1000 && !weir_promise_is_done(promise); i++) {
        expect(weir_loop_turn(loop));
        usleep(1000);
    }
    ctl_failure = 0;
    expect_status(weir_promise_status(promise), -ENOSPC);
    expect_eq(driver->watched, 0);
    weir_channel_release(channel);
    weir_promise_release(promise);
    weir_loop_free(loop);
    close(listener);
}
