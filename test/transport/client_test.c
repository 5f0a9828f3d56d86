/* client_test.c - connecting, and every way in which that fails. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <weir/testing.h>

#include "actor.h"
#include "channel/channel_internal.h"
#include "holes.h"
#include "wires.h"

typedef struct attempt {
    weir_loop_group *group;
    weir_loop *loop;
    actor h;
    weir_client_options options;
    weir_promise *promise;
    weir_channel *channel;
} attempt;

static void prepare(attempt *self) {
    memset(self, 0, sizeof *self);
    self->group = weir_loop_group_new(1);
    self->loop = weir_loop_group_at(self->group, 0);
    self->h = (actor){.name = "h", .keeps = true};
    self->options = (weir_client_options){
        .loop = self->loop, .host = "127.0.0.1", .build = build_with_actor, .build_arg = &self->h};
}

static void start(attempt *self) {
    self->promise = weir_promise_new(self->loop);
    self->channel = weir_client_connect(&self->options, weir_promise_retain(self->promise));
}

/* Frees the loop, so that after it everything has been told. */
static void finish(attempt *self) {
    weir_loop_group_free(self->group);
    expect(weir_promise_is_done(self->promise));
    weir_promise_release(self->promise);
    weir_channel_release(self->channel);
}

static void expect_never_active(const attempt *self) {
    expect_eq(self->h.seen[ACTOR_ACTIVE], 0);
    expect_eq(self->h.seen[ACTOR_INACTIVE], 0);
    expect_eq(self->h.seen[ACTOR_REMOVED], self->h.seen[ACTOR_ADDED]);
}

static unsigned closed_port(void) {
    unsigned port;
    close(plain_listen(&port, 1));
    return port;
}

/* A write that waits for the connection, for certain: `early_write` is its promise. */
static weir_promise *early_write;

static weir_status write_in_build(weir_pipeline *pipeline, void *arg) {
    weir_channel_write(weir_pipeline_channel(pipeline), weir_buf_new(10), weir_promise_retain(early_write));
    return build_with_actor(pipeline, arg);
}

WEIR_TEST(client, is_told_that_nobody_listens) {
    attempt a;
    prepare(&a);
    early_write = weir_promise_new(a.loop);
    a.options.port = closed_port();
    a.options.build = write_in_build;
    start(&a);
    expect_status(weir_promise_wait(a.promise, 10000), -ECONNREFUSED);
    expect_status(weir_promise_wait(early_write, 10000), -ECONNREFUSED);
    weir_promise_release(early_write);
    finish(&a);
    expect_never_active(&a);
    expect_eq(a.h.seen[ACTOR_ERROR], 0);
}

#ifndef IP_LOCAL_PORT_RANGE
#define IP_LOCAL_PORT_RANGE 51
#endif

/* The system may pick the port that is called for our end, too; here it has no other (since Linux 6.3). */
static void call_where_it_would_meet_itself(const char *host) {
    attempt a;
    prepare(&a);
    unsigned port = closed_port();
    uint32_t range = port << 16 | port;
    weir_socket_option only = {IPPROTO_IP, IP_LOCAL_PORT_RANGE, &range, sizeof range, false};
    a.options.host = host;
    a.options.port = port;
    a.options.channel.raw = &only;
    a.options.channel.raw_count = 1;
    start(&a);
    expect_status(weir_promise_wait(a.promise, 10000), -ECONNREFUSED);
    finish(&a);
    expect_never_active(&a);
    int listener = socket(AF_INET, SOCK_STREAM, 0); /* and the port is free */
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    expect_eq(bind(listener, (struct sockaddr *)&here, sizeof here), 0);
    close(listener);
}

WEIR_TEST(client, is_told_that_nobody_listens_where_it_would_meet_itself) {
    call_where_it_would_meet_itself("127.0.0.1");
    call_where_it_would_meet_itself("0.0.0.0"); /* which is this host */
}

static void complete(void *arg) {
    weir_promise_complete(arg, WEIR_OK);
}

WEIR_TEST(client, tells_a_failure_nobody_listens_to_as_one_error) {
    attempt a;
    prepare(&a);
    a.options.port = closed_port();
    a.promise = weir_promise_new(a.loop);
    a.channel = weir_client_connect(&a.options, NULL);
    weir_loop_post(a.loop, complete,
                   weir_promise_retain(a.promise)); /* behind the attempt, which has begun then */
    expect_status(weir_promise_wait(a.promise, 10000), WEIR_OK);
    for (int i = 0; i < 10000 && weir_loop_channels(a.loop) > 0; i++) wait_ms(1);
    finish(&a);
    expect_never_active(&a);
    expect_eq(a.h.seen[ACTOR_ERROR], 1);
}

static uint64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

WEIR_TEST(client, gives_up_after_its_timeout) {
    black_hole hole;
    attempt a;
    dig(&hole);
    prepare(&a);
    a.options.port = hole.port;
    a.options.connect_timeout_ms = 200;
    uint64_t before = now_ms();
    start(&a);
    expect_status(weir_promise_wait(a.promise, 10000), WEIR_E_TIMEOUT);
    expect(now_ms() - before >= 199); /* both clocks cut to a millisecond */
    finish(&a);
    expect_never_active(&a);
    fill_in(&hole);
}

WEIR_TEST(client, may_be_closed_while_it_connects) {
    black_hole hole;
    attempt a;
    dig(&hole);
    prepare(&a);
    a.options.port = hole.port;
    start(&a);
    wait_ms(20);
    weir_promise *closed = weir_promise_new(a.loop);
    weir_channel_close(a.channel, weir_promise_retain(closed));
    expect_status(weir_promise_wait(a.promise, 10000), WEIR_E_CANCELED);
    expect_status(weir_promise_wait(closed, 10000), WEIR_E_CANCELED);
    weir_promise_release(closed);
    finish(&a);
    expect_never_active(&a);
    fill_in(&hole);
}

WEIR_TEST(client, may_be_closed_at_once) {
    unsigned port;
    int listener = plain_listen(&port, 16);
    for (int i = 0; i < 10; i++) {
        attempt a;
        prepare(&a);
        a.options.port = port;
        start(&a);
        weir_channel_close(a.channel, NULL);
        expect(weir_promise_wait(a.promise, 10000) != WEIR_E_TIMEOUT);
        finish(&a);
        expect_eq(a.h.seen[ACTOR_ACTIVE], a.h.seen[ACTOR_INACTIVE]);
        expect_eq(a.h.seen[ACTOR_REMOVED], 1);
    }
    close(listener);
}

WEIR_TEST(client, may_be_let_go_of_while_it_connects) {
    unsigned port;
    int listener = plain_listen(&port, 16);
    attempt a;
    prepare(&a);
    a.options.port = port;
    start(&a);
    weir_channel_release(a.channel);
    a.channel = NULL;
    expect_status(weir_promise_wait(a.promise, 10000), WEIR_OK);
    finish(&a);
    expect_eq(a.h.seen[ACTOR_ACTIVE], 1);
    expect_eq(a.h.seen[ACTOR_INACTIVE], 1);
    close(listener);
}

WEIR_TEST(client, is_told_that_a_name_does_not_exist) {
    attempt a;
    prepare(&a);
    a.options.host = "no such host";
    a.options.port = 1;
    start(&a);
    expect_status(weir_promise_wait(a.promise, 20000), WEIR_E_RESOLVE);
    finish(&a);
    expect_never_active(&a);
}

WEIR_TEST(client, resolves_a_name) {
    unsigned port;
    int listener = plain_listen(&port, 16);
    attempt a;
    prepare(&a);
    a.options.host = "localhost";
    a.options.port = port;
    start(&a);
    weir_status status = weir_promise_wait(a.promise, 20000);
    expect(status == WEIR_OK || status == -ECONNREFUSED); /* where localhost is ::1 first */
    finish(&a);
    close(listener);
}

WEIR_TEST(client, refuses_options_that_make_no_sense) {
    static const char *const hosts[] = {NULL, "127.0.0.1", "127.0.0.1", "127.0.0.1"};
    static const unsigned ports[] = {80, 0, 65536, 80};
    for (int i = 0; i < 4; i++) {
        attempt a;
        prepare(&a);
        a.options.host = hosts[i];
        a.options.port = ports[i];
        if (i == 3) a.options.channel.low_water = SIZE_MAX;
        start(&a);
        expect(a.channel == NULL);
        expect_status(weir_promise_wait(a.promise, 10000), WEIR_E_INVALID);
        finish(&a);
        expect_eq(a.h.seen[ACTOR_ADDED], 0);
    }
    static char long_host[400];
    attempt a;
    prepare(&a);
    memset(long_host, 'a', sizeof long_host - 1);
    a.options.host = long_host;
    a.options.port = 1;
    start(&a);
    expect(a.channel == NULL);
    expect_status(weir_promise_wait(a.promise, 10000), WEIR_E_INVALID);
    finish(&a);
}

static weir_status refuse_to_build(weir_pipeline *pipeline, void *arg) {
    build_with_actor(pipeline, arg);
    return WEIR_E_LIMIT;
}

WEIR_TEST(client, is_told_that_its_pipeline_could_not_be_built) {
    attempt a;
    prepare(&a);
    a.options.build = refuse_to_build;
    a.options.port = 1;
    start(&a);
    expect_status(weir_promise_wait(a.promise, 10000), WEIR_E_LIMIT);
    finish(&a);
    expect_never_active(&a);
}

WEIR_TEST(client, connects_and_knows_both_addresses) {
    unsigned port;
    int listener = plain_listen(&port, 16);
    attempt a;
    weir_addr addr, other;
    char text[WEIR_ADDR_TEXT];
    prepare(&a);
    a.options.port = port;
    start(&a);
    require(weir_promise_wait(a.promise, 10000) == WEIR_OK);
    weir_channel_remote_addr(a.channel, &addr);
    weir_addr_parse(&other, "127.0.0.1", port);
    expect(weir_addr_equal(&addr, &other));
    weir_channel_local_addr(a.channel, &addr);
    expect(strncmp(weir_addr_format(&addr, text), "127.0.0.1:", 10) == 0);
    expect(weir_addr_port(&addr) != 0);
    finish(&a);
    expect_eq(a.h.seen[ACTOR_ACTIVE], 1);
    expect_eq(a.h.seen[ACTOR_INACTIVE], 1);
    close(listener);
}

static int listen_v6(unsigned *port) {
    struct sockaddr_in6 at = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    socklen_t len = sizeof at;
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return -1;
    if (bind(fd, (struct sockaddr *)(void *)&at, sizeof at) != 0 || listen(fd, 4) != 0) {
        close(fd);
        return -1;
    }
    getsockname(fd, (struct sockaddr *)(void *)&at, &len);
    *port = ntohs(at.sin6_port);
    return fd;
}

WEIR_TEST(client, connects_over_ipv6_where_there_is_any_and_is_told_where_not) {
    unsigned port = 1;
    int listener = listen_v6(&port);
    attempt a;
    char text[WEIR_ADDR_TEXT];
    weir_addr addr;
    prepare(&a);
    a.options.host = "::1";
    a.options.port = port;
    start(&a);
    weir_status status = weir_promise_wait(a.promise, 10000);
    expect_eq(status == WEIR_OK, listener >= 0);
    weir_channel_remote_addr(a.channel, &addr);
    if (listener >= 0) expect(strncmp(weir_addr_format(&addr, text), "[::1]:", 6) == 0);
    finish(&a);
    if (listener >= 0) close(listener);
}

/* ---- ended in the callback that connects ---- */

typedef struct hasty {
    attempt a;
    bool aborts;
    weir_promise *closed; /* of the close */
} hasty;

static void connect_and_end(void *arg) {
    hasty *self = arg;
    start(&self->a);
    require(self->a.channel != NULL);
    if (self->aborts) {
        weir_channel_abort(self->a.channel, -EPROTO);
        weir_channel_close(self->a.channel, weir_promise_retain(self->closed));
    } else {
        weir_channel_close(self->a.channel, weir_promise_retain(self->closed));
        weir_channel_abort(self->a.channel, -EPROTO);
    }
}

static void expect_hasty_end(const char *host, unsigned port, bool aborts) {
    hasty self = {.aborts = aborts};
    weir_test_context("%s, %s", host, aborts ? "aborted" : "closed");
    prepare(&self.a);
    self.a.options.host = host;
    self.a.options.port = port;
    self.a.promise = NULL;
    self.closed = weir_promise_new(self.a.loop);
    require(weir_loop_post(self.a.loop, connect_and_end, &self) == WEIR_OK);
    weir_status why = aborts ? -EPROTO : (weir_status)WEIR_E_CANCELED;
    expect_status(weir_promise_wait(self.closed, 10000), why);
    expect_status(weir_promise_status(self.a.promise), why);
    expect(weir_promise_is_done(self.a.promise));
    weir_promise_release(self.closed);
    finish(&self.a);
    expect_never_active(&self.a);
    expect_eq(self.a.h.seen[ACTOR_ADDED], 0);
}

WEIR_TEST(client, may_be_ended_in_the_callback_that_connects) {
    unsigned port;
    int listener = plain_listen(&port, 16);
    for (int aborts = 0; aborts < 2; aborts++) {
        expect_hasty_end("127.0.0.1", port, aborts != 0);
        expect_hasty_end("unix:@weir-client-test", 0, aborts != 0);
        expect_hasty_end("localhost", port, aborts != 0);
    }
    close(listener);
}

/* ---- ended while the loop takes no posts ---- */

static weir_status end_in_build(weir_pipeline *pipeline, void *arg) {
    weir_channel *channel = weir_pipeline_channel(pipeline);
    channel->loop->max_tasks = 0;
    weir_channel_abort(channel, -EPROTO);
    return build_with_actor(pipeline, arg);
}

WEIR_TEST(client, ends_outside_of_its_callbacks_even_when_too_many_tasks_wait) {
    attempt a;
    prepare(&a);
    a.options.port = 1;
    a.options.build = end_in_build;
    start(&a);
    expect_status(weir_promise_wait(a.promise, 10000), -EPROTO);
    finish(&a);
    expect_never_active(&a);
    expect_eq(a.h.seen[ACTOR_REMOVED], 1);
}

WEIR_TEST(client, ends_outside_of_its_callbacks_when_its_loop_is_being_freed) {
    actor h = {.name = "h", .keeps = true};
    weir_loop *loop = weir_loop_new(NULL);
    weir_client_options options = {
        .loop = loop, .host = "127.0.0.1", .port = 1, .build = end_in_build, .build_arg = &h};
    weir_promise *promise = weir_promise_new(loop);
    weir_channel *channel = weir_client_connect(&options, weir_promise_retain(promise));
    weir_loop_free(loop); /* which begins it */
    expect_status(weir_promise_status(promise), -EPROTO);
    expect_eq(h.seen[ACTOR_ADDED], 1);
    expect_eq(h.seen[ACTOR_REMOVED], 1);
    weir_promise_release(promise);
    weir_channel_release(channel);
}

/* ---- letting go inside callbacks ---- */

static void release_channel(actor *self, weir_ctx *ctx, actor_slot slot) {
    (void)slot;
    self->act = NULL;
    weir_channel_release(weir_ctx_channel(ctx)); /* the reference that connecting gave */
}

static bool is_alone(void *arg) {
    return weir_loop_channels(arg) == 0;
}

WEIR_TEST(client, may_lose_the_last_reference_of_its_user_in_any_callback_of_its_life) {
    static const actor_slot slots[] = {ACTOR_ACTIVE, ACTOR_READ,     ACTOR_READ_COMPLETE,
                                       ACTOR_EVENT,  ACTOR_INACTIVE, ACTOR_REMOVED};
    for (size_t i = 0; i < sizeof slots / sizeof slots[0]; i++) {
        unsigned port;
        int listener = plain_listen(&port, 1);
        attempt a;
        weir_test_context("%s", actor_slot_names[slots[i]]);
        prepare(&a);
        a.h = (actor){.name = "h", .act = release_channel, .when = slots[i]};
        a.options.port = port;
        start(&a);
        a.channel = NULL;
        int far = accept(listener, NULL, NULL);
        expect_status(weir_promise_wait(a.promise, 10000), WEIR_OK);
        expect_eq(send(far, "x", 1, MSG_NOSIGNAL), 1);
        close(far);
        for (int wait = 0; wait < 10000 && !is_alone(a.loop); wait++) wait_ms(1);
        finish(&a);
        close(listener);
        expect_eq(a.h.seen[slots[i]] > 0, true);
        expect_eq(a.h.seen[ACTOR_REMOVED], 1);
    }
}
