/* http_idle_connection_test.c - what an HTTP connection costs of which nothing is asked, and that what it borrows for a
 * request is its own meanwhile: see docs/decisions/0032-idle-http-connections.md.
 *
 * The bounds are the bytes asked for on x86-64. Whoever needs more of every connection says why, and for what.
 */
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <weir/codec/http_server.h>
#include <weir/core/leak.h>
#include <weir/testing.h>
#include <weir/transport.h>

enum {
    BEFORE = 8, /* what a loop needs once is there then */
    MORE = 100, /* more than parsers are kept to be lent */
    ALL = BEFORE + MORE,
    SOCKET = 376, /* a channel and its socket: transport.idle_connection */
    PLACE = 56,   /* of a handler in a pipeline */
    DECODER = 88,
    SERVER = 136,
    IDLE = SOCKET + 2 * PLACE + DECODER + SERVER,
    OPTIONS = 176 /* of its own */
};

/* ---- a server, and connections to it ---- */

typedef struct rig {
    weir_loop_group *group;
    weir_server *server;
    weir_http_server_options kinds[8];
    unsigned used, built; /* kinds of options, which connections get in turn */
    atomic_uint opened;
    int fds[ALL];
} rig;

/* The last thing that happens to a connection of which nothing is asked. */
static void count_open(weir_ctx *ctx) {
    rig *self = weir_ctx_state(ctx);
    atomic_fetch_add(&self->opened, 1);
}

static void answer_end(weir_ctx *ctx, weir_obj *msg) {
    if (weir_http_end_from(msg) != NULL) weir_http_server_respond_text(ctx, 200, "yes");
    weir_obj_release(msg);
}

static const weir_handler last = {.name = "last", .active = count_open, .read = answer_end};

static weir_status build(weir_pipeline *pipeline, void *arg) {
    rig *self = arg;
    weir_http_server_options options = self->kinds[self->built++ % self->used]; /* gone when it is built */
    weir_status status = weir_http_server_add(pipeline, &options);
    return status == WEIR_OK ? weir_pipeline_add_last(pipeline, &last, self) : status;
}

static void begin(rig *self, unsigned kinds) {
    weir_leak_track(false); /* its records are not the server's */
    self->used = kinds;
    self->group = weir_loop_group_new(1);
    require(weir_server_start(
                &self->server,
                &(weir_server_options){.loops = self->group, .build = build, .build_arg = self}) == WEIR_OK);
}

static void end(rig *self, size_t n) {
    for (size_t i = 0; i < n; i++) close(self->fds[i]);
    weir_server_free(self->server);
    weir_loop_group_free(self->group);
}

static void call(rig *self, size_t i) {
    const weir_addr *at = weir_server_addr(self->server);
    const struct timeval patience = {.tv_sec = 20};
    self->fds[i] = socket(at->as.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    require(self->fds[i] >= 0 && connect(self->fds[i], &at->as.sa, at->len) == 0);
    setsockopt(self->fds[i], SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    struct timespec moment = {.tv_nsec = 1000000};
    for (int ms = 0; ms < 20000 && atomic_load(&self->opened) <= i; ms++) nanosleep(&moment, NULL);
    require(atomic_load(&self->opened) == i + 1);
}

static void say(const rig *self, size_t i, const char *text) {
    require(send(self->fds[i], text, strlen(text), MSG_NOSIGNAL) == (ssize_t)strlen(text));
}

/* The status of the answer, which is there whole then: it ends with its only body. */
static unsigned hear(const rig *self, size_t i) {
    char text[512] = {0};
    size_t n = 0;
    while (strstr(text, "\r\n\r\n") == NULL || text[n - 1] != '\n' || strstr(text, "\r\n\r\n")[4] == '\0') {
        ssize_t got = recv(self->fds[i], text + n, sizeof text - 1 - n, 0);
        require(got > 0);
        n += (size_t)got;
    }
    unsigned status = 0;
    require(sscanf(text, "HTTP/1.1 %u ", &status) == 1);
    return status;
}

/* ---- bytes ---- */

typedef struct look {
    weir_task task;
    size_t bytes;
    atomic_bool is_done;
} look;

static void look_now(weir_task *task) {
    look *self = WEIR_CONTAINER(task, look, task);
    self->bytes = weir_test_alloc()->live_bytes;
    atomic_store(&self->is_done, true);
}

/* Of all, when the loop has done what was asked before: what it does at the end of a turn is done in the next. */
static size_t bytes_now(const rig *self) {
    size_t bytes = 0;
    for (int i = 0; i < 2; i++) {
        look one = {.task.run = look_now};
        struct timespec moment = {.tv_nsec = 1000000};
        require(weir_loop_post_task(weir_loop_group_at(self->group, 0), &one.task) == WEIR_OK);
        while (!atomic_load(&one.is_done)) nanosleep(&moment, NULL);
        bytes = one.bytes;
    }
    return bytes;
}

typedef void visit_fn(rig *self, size_t i);

static void leave_alone(rig *self, size_t i) {
    (void)self, (void)i;
}

static void exchange(rig *self, size_t i) {
    say(self, i, "GET /a HTTP/1.1\r\nHost: a\r\n\r\n");
    expect_eq(hear(self, i), 200);
}

static void exchange_in_pieces(rig *self, size_t i) {
    say(self, i, "POST /a HTTP/1.1\r\nHost: a\r\nConte");
    (void)bytes_now(self);
    say(self, i, "nt-Length: 8\r\n\r\nfour");
    (void)bytes_now(self);
    say(self, i, "more");
    expect_eq(hear(self, i), 200);
}

static size_t bytes_of_one(unsigned kinds, visit_fn *visit) {
    rig self = {0};
    for (unsigned i = 0; i < kinds; i++) self.kinds[i].linger_ms = 1000 + i;
    begin(&self, kinds);
    for (size_t i = 0; i < BEFORE; i++) {
        call(&self, i);
        visit(&self, i);
    }
    size_t before = bytes_now(&self);
    for (size_t i = BEFORE; i < ALL; i++) {
        call(&self, i);
        visit(&self, i);
    }
    size_t after = bytes_now(&self);
    end(&self, ALL);
    return (after - before) / MORE;
}

WEIR_TEST(http_idle_connection, takes_little_before_its_first_request) {
    size_t bytes = bytes_of_one(1, leave_alone);
    expect(bytes > 0);
    expect(bytes <= IDLE);
}

WEIR_TEST(http_idle_connection, takes_no_more_after_an_exchange) {
    expect(bytes_of_one(1, exchange) <= IDLE);
    expect(bytes_of_one(1, exchange_in_pieces) <= IDLE);
}

WEIR_TEST(http_idle_connection, shares_its_options_also_where_there_are_several) {
    expect(bytes_of_one(4, leave_alone) <= IDLE);
    expect(bytes_of_one(4, exchange) <= IDLE);
}

WEIR_TEST(http_idle_connection, has_options_of_its_own_where_there_are_many) {
    size_t bytes = bytes_of_one(8, exchange);
    expect(bytes > IDLE);
    expect(bytes <= IDLE + OPTIONS);
}

/* ---- what is borrowed ---- */

WEIR_TEST(http_idle_connection, has_a_parser_of_its_own_while_a_request_comes_in) {
    rig self = {0};
    begin(&self, 1);
    for (size_t i = 0; i < ALL; i++) {
        char head[64];
        call(&self, i);
        snprintf(head, sizeof head, "POST /%zu HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n\r\n", i, i + 1);
        say(&self, i, head);
    }
    (void)bytes_now(&self);
    for (size_t i = ALL; i-- > 0;) {
        for (size_t n = 0; n <= i; n++) say(&self, i, "x"); /* exactly its own length */
        expect_eq(hear(&self, i), 200);
    }
    for (size_t i = 0; i < ALL; i++) exchange(&self, i);
    end(&self, ALL);
}

WEIR_TEST(http_idle_connection, keeps_the_limits_it_was_given_whoever_had_the_parser_before) {
    static const char request[] = "GET /a-path-of-more-than-32-characters HTTP/1.1\r\nHost: a\r\n\r\n";
    rig self = {.kinds[1].limits.line = 32};
    begin(&self, 2);
    for (size_t i = 0; i < 10; i++) {
        call(&self, i);
        exchange(&self, i);
    }
    for (size_t i = 0; i < 10; i++) {
        say(&self, i, request);
        expect_eq(hear(&self, i), i % 2 == 0 ? 200 : 414);
    }
    end(&self, 10);
}
