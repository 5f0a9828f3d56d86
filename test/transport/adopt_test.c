/* adopt_test.c - sockets from elsewhere become channels; anything else is refused, and closed. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <weir/testing.h>

#include "actor.h"
#include "wires.h"

typedef struct adoption {
    weir_loop_group *group;
    weir_loop *loop;
    trail trail;
    actor h;
    weir_promise *promise;
    weir_channel *channel;
} adoption;

static void prepare(adoption *self) {
    memset(self, 0, sizeof *self);
    self->group = weir_loop_group_new(1);
    self->loop = weir_loop_group_at(self->group, 0);
    self->h = (actor){.name = "h", .trail = &self->trail};
}

static weir_status adopt(adoption *self, int fd, const weir_channel_options *options) {
    self->promise = trail_promise(&self->trail, self->loop, "adopted");
    self->channel = weir_channel_adopt(self->loop, fd, options, build_with_actor, &self->h,
                                       weir_promise_retain(self->promise));
    return weir_promise_wait(self->promise, 10000);
}

/* Ends the loop, so that after it everything has been told. */
static void finish(adoption *self) {
    weir_loop_group_free(self->group);
    weir_promise_release(self->promise);
    weir_channel_release(self->channel);
}

static bool is_closed(int fd) {
    return fcntl(fd, F_GETFD) < 0 && errno == EBADF;
}

static void expect_exchange(adoption *self, int far) {
    char bytes[6] = {0};
    weir_buf *buf = weir_buf_new(5);
    weir_buf_write_str(buf, "hello");
    weir_channel_write(self->channel, buf, NULL);
    expect_eq(recv(far, bytes, 5, MSG_WAITALL), 5);
    expect_str(bytes, "hello");
}

static void check_adopted(int fd, int far) {
    adoption self;
    prepare(&self);
    expect_status(adopt(&self, fd, NULL), WEIR_OK);
    expect(weir_channel_fd(self.channel) == fd);
    expect((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
    expect((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
    expect_exchange(&self, far);
    finish(&self);
    expect(is_closed(fd));
    close(far);
    expect(trail_is(&self.trail, "h.added\nadopted=WEIR_OK\nh.active\nh.write\nh.inactive\nh.removed\n"));
}

WEIR_TEST(adopt, makes_a_channel_of_one_end_of_a_socketpair) {
    int ends[2];
    require(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    check_adopted(ends[0], ends[1]);
}

WEIR_TEST(adopt, makes_a_channel_of_a_tcp_connection) {
    unsigned port;
    int listener = plain_listen(&port, 1);
    int near = plain_connect(port);
    require(near >= 0);
    int far = accept(listener, NULL, NULL);
    close(listener);
    check_adopted(near, far);
}

WEIR_TEST(adopt, keeps_what_is_written_before_it_is_open) {
    adoption self;
    int ends[2];
    prepare(&self);
    require(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    self.channel = weir_channel_adopt(self.loop, ends[0], NULL, NULL, NULL, NULL);
    expect_exchange(&self, ends[1]);
    finish(&self);
    close(ends[1]);
}

/* ---- what cannot be adopted ---- */

static void check_refused(int fd, const weir_channel_options *options, weir_status expected) {
    adoption self;
    prepare(&self);
    expect_status(adopt(&self, fd, options), expected);
    expect(self.channel == NULL);
    expect(is_closed(fd));
    finish(&self);
    expect_eq(self.h.seen[ACTOR_ADDED], 0);
}

WEIR_TEST(adopt, refuses_and_closes_what_is_no_connected_stream_socket) {
    int ends[2];
    unsigned port;
    require(pipe(ends) == 0);
    check_refused(ends[0], NULL, WEIR_E_UNSUPPORTED);
    check_refused(ends[1], NULL, WEIR_E_UNSUPPORTED);
    check_refused(open("/dev/null", O_RDWR | O_CLOEXEC), NULL, WEIR_E_UNSUPPORTED);
    check_refused(socket(AF_INET, SOCK_DGRAM, 0), NULL, WEIR_E_UNSUPPORTED);
    check_refused(socket(AF_UNIX, SOCK_SEQPACKET, 0), NULL, WEIR_E_UNSUPPORTED);
    check_refused(socket(AF_INET, SOCK_STREAM, 0), NULL, -ENOTCONN);
    check_refused(plain_listen(&port, 1), NULL, WEIR_E_INVALID);
    check_refused(-1, NULL, -EBADF);
    check_refused(1 << 20, NULL, -EBADF);
    require(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    check_refused(ends[0], &(weir_channel_options){.low_water = 1 << 20}, WEIR_E_INVALID);
    close(ends[1]);
}

/* ---- ends before it began ---- */

static void adopt_and_close(void *arg) {
    adoption *self = arg;
    int ends[2];
    require(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    self->channel = weir_channel_adopt(self->loop, ends[0], NULL, build_with_actor, &self->h,
                                       weir_promise_retain(self->promise));
    weir_channel_close(self->channel, NULL);
    self->h.arg = (void *)(intptr_t)ends[1];
}

WEIR_TEST(adopt, can_be_closed_before_the_loop_has_opened_it) {
    adoption self;
    char byte;
    prepare(&self);
    self.promise = weir_promise_new(self.loop);
    require(weir_loop_post(self.loop, adopt_and_close, &self) == WEIR_OK);
    expect_status(weir_promise_wait(self.promise, 10000), WEIR_E_CANCELED);
    int far = (int)(intptr_t)self.h.arg;
    expect_eq(recv(far, &byte, 1, 0), 0);
    close(far);
    for (int i = 0; i < 10000 && weir_loop_channels(self.loop) > 0; i++) wait_ms(1);
    expect_eq(weir_loop_channels(self.loop), 0);
    finish(&self);
    expect_eq(self.h.seen[ACTOR_ADDED], 0);
}

static weir_status build_nothing(weir_pipeline *pipeline, void *arg) {
    weir_status status = build_with_actor(pipeline, arg);
    return status == WEIR_OK ? -EPROTO : status;
}

WEIR_TEST(adopt, tells_that_its_pipeline_could_not_be_built) {
    adoption self;
    int ends[2];
    char byte;
    prepare(&self);
    require(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    self.promise = weir_promise_new(self.loop);
    self.channel = weir_channel_adopt(self.loop, ends[0], NULL, build_nothing, &self.h,
                                      weir_promise_retain(self.promise));
    expect_status(weir_promise_wait(self.promise, 10000), -EPROTO);
    expect_eq(recv(ends[1], &byte, 1, 0), 0);
    finish(&self);
    close(ends[1]);
    expect_eq(self.h.seen[ACTOR_ACTIVE], 0);
    expect_eq(self.h.seen[ACTOR_INACTIVE], 0);
    expect_eq(self.h.seen[ACTOR_REMOVED], 1);
}

WEIR_TEST(adopt, ends_with_a_loop_that_never_ran) {
    adoption self;
    int ends[2];
    prepare(&self);
    weir_loop *loop = weir_loop_new(NULL);
    require(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    char byte;
    self.channel = weir_channel_adopt(loop, ends[0], NULL, build_with_actor, &self.h, NULL);
    weir_loop_free(loop);
    expect_eq(recv(ends[1], &byte, 1, 0), 0);
    close(ends[1]);
    finish(&self);
    expect_eq(self.h.seen[ACTOR_REMOVED], self.h.seen[ACTOR_ADDED]);
}

/* On a loop that never runs, so that all of it happens in this thread. */
static bool adopt_and_free(void *arg) {
    int ends[2];
    char byte;
    (void)arg;
    weir_loop *loop = weir_loop_new(NULL);
    if (loop == NULL) return false;
    require(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    weir_channel *channel = weir_channel_adopt(loop, ends[0], NULL, NULL, NULL, weir_promise_new(loop));
    bool made = channel != NULL;
    weir_channel_release(channel);
    weir_loop_free(loop);
    expect_eq(recv(ends[1], &byte, 1, MSG_DONTWAIT), 0); /* the other end is closed in any case */
    close(ends[1]);
    return made;
}

WEIR_TEST(adopt, keeps_nothing_when_memory_runs_out) {
    weir_log_set_level(WEIR_LOG_OFF);
    weir_oom_sweep(adopt_and_free, NULL);
    weir_log_set_level(WEIR_LOG_INFO);
}
