/* client_life_test.c - every way in which a client never connects, at each stage, as one trail.
 *
 * The trail holds what was told in its order: the promise of connecting, those of the writes that waited for it, that of a
 * shutdown, `removed`, that of a close; and no `active`, no `inactive`.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <weir/core/log.h>
#include <weir/testing.h>

#include "actor.h"
#include "holes.h"
#include "names.h"
#include "wires.h"

typedef enum stage {
    RESOLVING,  /* a name that nobody answers */
    CONNECTING, /* an address that nobody answers */
    KNOCKING,   /* a name in the process, whose loop is held up */
    STAGES
} stage;

static const char *const stage_names[STAGES] = {"resolving", "connecting", "knocking"};

typedef struct attempt {
    weir_loop_group *group, *servers;
    weir_loop *loop;
    weir_server *server;
    fixed_names names;
    black_hole hole;
    trail trail;
    actor h, served;
    weir_client_options options;
    weir_channel *channel;
    atomic_bool begun, held, go;
} attempt;

/* With two writes and a shutdown that wait for the connection. */
static weir_status build_waiting(weir_pipeline *pipeline, void *arg) {
    attempt *self = arg;
    weir_channel *channel = weir_pipeline_channel(pipeline);
    weir_status status = build_with_actor(pipeline, &self->h);
    weir_channel_write(channel, weir_buf_new(3), trail_promise(&self->trail, self->loop, "one"));
    weir_channel_write(channel, weir_buf_new(3), trail_promise(&self->trail, self->loop, "two"));
    weir_channel_shutdown(channel, trail_promise(&self->trail, self->loop, "shutdown"));
    self->trail.length = 0;
    atomic_store(&self->begun, true);
    return status;
}

static void prepare(attempt *self) {
    memset(self, 0, sizeof *self);
    self->group = weir_loop_group_new(1);
    self->loop = weir_loop_group_at(self->group, 0);
    self->names.resolver.ops = &fixed_names_ops;
    self->h = (actor){.name = "h", .trail = &self->trail};
    self->options = (weir_client_options){.loop = self->loop,
                                          .host = "127.0.0.1",
                                          .port = 1,
                                          .resolver = &self->names.resolver,
                                          .build = build_waiting,
                                          .build_arg = self};
}

static void start(attempt *self, bool listens) {
    weir_promise *promise = listens ? trail_promise(&self->trail, self->loop, "connect") : NULL;
    self->channel = weir_client_connect(&self->options, promise);
    require(self->channel != NULL);
}

static void wait_until_begun(attempt *self) {
    for (int i = 0; i < 10000 && !atomic_load(&self->begun); i++) wait_ms(1);
}

/* The loop ends, if it has not, so that all has been told. */
static void finish(attempt *self, const char *expected) {
    wait_until_begun(self);
    for (int i = 0; i < 10000 && self->group != NULL && weir_loop_channels(self->loop) > 0; i++) wait_ms(1);
    weir_loop_group_free(self->group);
    expect(trail_is(&self->trail, expected));
    expect_eq(self->h.seen[ACTOR_REMOVED], 1);
    weir_channel_release(self->channel);
}

/* ---- stages ---- */

static void hold_up(void *arg) {
    attempt *self = arg;
    atomic_store(&self->held, true);
    for (int i = 0; i < 10000 && !atomic_load(&self->go); i++) wait_ms(1);
}

static void serve_held_up(attempt *self) {
    self->servers = weir_loop_group_new(1);
    weir_server_options options = {.loops = self->servers,
                                   .host = "local:nobody-answers",
                                   .build = build_with_actor,
                                   .build_arg = &self->served};
    require(weir_server_start(&self->server, &options) == WEIR_OK);
    require(weir_loop_post(weir_loop_group_at(self->servers, 0), hold_up, self) == WEIR_OK);
    while (!atomic_load(&self->held)) wait_ms(1);
}

static void start_at(attempt *self, stage where, bool listens) {
    weir_test_context("%s", stage_names[where]);
    if (where == RESOLVING) self->options.host = "somewhere";
    if (where == RESOLVING) self->names.holds = true;
    if (where == CONNECTING) {
        dig(&self->hole);
        self->options.port = self->hole.port;
    } else if (where == KNOCKING) {
        serve_held_up(self);
        self->options.host = "local:nobody-answers";
    }
    start(self, listens);
    wait_until_begun(self);
}

static void leave(attempt *self, stage where) {
    if (where == CONNECTING) fill_in(&self->hole);
    if (where != KNOCKING) return;
    atomic_store(&self->go, true);
    weir_server_free(self->server);
    weir_loop_group_free(self->servers);
}

#define ALL_FAILED(why) "connect=" why "\none=" why "\ntwo=" why "\nshutdown=" why "\nh.removed\n"

/* ---- giving up ---- */

static void close_promised(void *arg) {
    attempt *self = arg;
    weir_channel_close(self->channel, trail_promise(&self->trail, self->loop, "close"));
}

static void abort_it(void *arg) {
    weir_channel_abort(((attempt *)arg)->channel, WEIR_E_LIMIT);
}

WEIR_TEST(client_life, is_closed_at_each_stage) {
    for (stage where = 0; where < STAGES; where++) {
        attempt a;
        prepare(&a);
        start_at(&a, where, true);
        require(weir_loop_post(a.loop, close_promised, &a) == WEIR_OK);
        finish(&a, "h.close\n" ALL_FAILED("WEIR_E_CANCELED") "close=WEIR_E_CANCELED\n");
        leave(&a, where);
    }
}

WEIR_TEST(client_life, is_aborted_at_each_stage) {
    for (stage where = 0; where < STAGES; where++) {
        attempt a;
        prepare(&a);
        start_at(&a, where, true);
        require(weir_loop_post(a.loop, abort_it, &a) == WEIR_OK);
        finish(&a, "h.abort\n" ALL_FAILED("WEIR_E_LIMIT"));
        leave(&a, where);
    }
}

WEIR_TEST(client_life, times_out_at_each_stage) {
    for (stage where = 0; where < STAGES; where++) {
        attempt a;
        prepare(&a);
        a.options.connect_timeout_ms = 30;
        start_at(&a, where, true);
        finish(&a, ALL_FAILED("WEIR_E_TIMEOUT"));
        leave(&a, where);
    }
}

WEIR_TEST(client_life, times_out_at_each_stage_and_nobody_listens) {
    for (stage where = 0; where < STAGES; where++) {
        attempt a;
        prepare(&a);
        a.options.connect_timeout_ms = 30;
        start_at(&a, where, false);
        finish(&a, "h.error\nh.close\none=WEIR_E_TIMEOUT\ntwo=WEIR_E_TIMEOUT\nshutdown=WEIR_E_TIMEOUT\n"
                   "h.removed\n");
        leave(&a, where);
    }
}

WEIR_TEST(client_life, ends_with_its_loop_at_each_stage) {
    for (stage where = 0; where < STAGES; where++) {
        attempt a;
        prepare(&a);
        start_at(&a, where, true);
        weir_loop_group_free(a.group);
        a.group = NULL;
        finish(&a, ALL_FAILED("WEIR_E_STOPPED"));
        leave(&a, where);
    }
}

/* ---- being told no ---- */

WEIR_TEST(client_life, is_refused_over_tcp) {
    attempt a;
    prepare(&a);
    int fd = refusing_port(&a.options.port);
    start(&a, true);
    finish(&a, ALL_FAILED("ECONNREFUSED"));
    close(fd);
}

WEIR_TEST(client_life, is_refused_over_unix_sockets_where_nobody_listens) {
    attempt a;
    char host[64];
    prepare(&a);
    snprintf(host, sizeof host, "unix:@weir-nobody-%d", (int)getpid());
    a.options.host = host;
    start(&a, true);
    finish(&a, ALL_FAILED("ECONNREFUSED"));
}

WEIR_TEST(client_life, is_told_when_the_queue_of_a_unix_socket_is_full) {
    attempt a;
    char host[64];
    weir_addr addr;
    prepare(&a);
    snprintf(host, sizeof host, "unix:@weir-full-%d", (int)getpid());
    require(weir_addr_parse(&addr, host, 0) == WEIR_OK);
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    require(bind(listener, &addr.as.sa, addr.len) == 0 && listen(listener, 0) == 0);
    int waits = plain_connect_to(&addr); /* one may */
    a.options.host = host;
    start(&a, true);
    finish(&a, ALL_FAILED("EAGAIN"));
    close(waits);
    close(listener);
}

WEIR_TEST(client_life, is_refused_inside_the_process) {
    attempt a;
    prepare(&a);
    a.options.host = "local:nobody-has-this-name";
    start(&a, true);
    finish(&a, ALL_FAILED("ECONNREFUSED"));
}

WEIR_TEST(client_life, is_told_that_its_name_has_no_address) {
    attempt a;
    prepare(&a);
    a.options.host = "somewhere";
    a.names.status = WEIR_E_RESOLVE;
    start(&a, true);
    finish(&a, ALL_FAILED("WEIR_E_RESOLVE"));
}

/* ---- reset between the handshake and the loop's look at it ---- */

/* On the loop: its connect has been made in this turn, and what became of it is looked at in the next. */
static void accept_and_reset(void *arg) {
    int *listener = arg;
    int far = accept(*listener, NULL, NULL);
    expect(far >= 0);
    plain_reset(far);
    wait_ms(20); /* for the reset to be here; without it the test passes as well */
}

WEIR_TEST(client_life, is_reset_before_its_loop_has_seen_that_it_stands) {
    attempt a;
    prepare(&a);
    int listener = plain_listen(&a.options.port, 1);
    require(weir_loop_post(a.loop, hold_up, &a) == WEIR_OK);
    while (!atomic_load(&a.held)) wait_ms(1);
    a.channel = weir_client_connect(&a.options, trail_promise(&a.trail, a.loop, "connect"));
    require(weir_loop_post(a.loop, accept_and_reset, &listener) == WEIR_OK);
    atomic_store(&a.go, true);
    finish(&a, ALL_FAILED("ECONNRESET"));
    close(listener);
}
