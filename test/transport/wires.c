/* wires.c - see wires.h. */
#include "wires.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <weir/testing.h>

#include "channel/channel_internal.h"

const wire_traits wire_traits_of[WIRE_KINDS] = {
    [WIRE_EMBEDDED] = {.name = "embedded", .by_hand = true, .any_object = true, .has_reset = true},
    [WIRE_LOCAL] = {.name = "local", .any_object = true, .has_reset = true},
    [WIRE_LOCAL_HOP] = {.name = "local_hop", .any_object = true, .is_asked = true, .has_reset = true},
    [WIRE_ACCEPTED] = {.name = "accepted", .is_socket = true, .has_reset = true},
    [WIRE_CONNECTED] = {.name = "connected", .is_socket = true, .has_reset = true},
    [WIRE_ACCEPTED_V6] = {.name = "accepted_v6", .is_socket = true, .has_reset = true},
    [WIRE_ACCEPTED_UNIX] = {.name = "accepted_unix", .is_socket = true},
    [WIRE_ADOPTED] = {.name = "adopted", .is_socket = true},
};

enum {
    PATIENCE_MS = 10000
};

void wait_ms(long ms) {
    struct timespec moment = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&moment, NULL);
}

/* ---- plain sockets ---- */

static struct sockaddr_in loopback(unsigned port) {
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static void bound_waiting(int fd) {
    struct timeval patience = {PATIENCE_MS / 1000, 0};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
}

int plain_connect_to(const weir_addr *addr) {
    int fd = socket(addr->as.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    require(fd >= 0);
    bound_waiting(fd);
    if (connect(fd, &addr->as.sa, addr->len) == 0) return fd;
    close(fd);
    return -1;
}

int plain_connect(unsigned port) {
    weir_addr addr;
    require(weir_addr_parse(&addr, "127.0.0.1", port) == WEIR_OK);
    return plain_connect_to(&addr);
}

bool wire_is_here(wire_kind kind) {
    if (kind != WIRE_ACCEPTED_V6) return true;
    struct sockaddr_in6 at = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool here = fd >= 0 && bind(fd, (struct sockaddr *)(void *)&at, sizeof at) == 0;
    if (fd >= 0) close(fd);
    return here;
}

int plain_listen(unsigned *port, int backlog) {
    struct sockaddr_in at = loopback(0);
    socklen_t len = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    require(fd >= 0);
    bound_waiting(fd);
    require(bind(fd, (struct sockaddr *)(void *)&at, sizeof at) == 0 && listen(fd, backlog) == 0);
    require(getsockname(fd, (struct sockaddr *)(void *)&at, &len) == 0);
    *port = ntohs(at.sin_port);
    return fd;
}

void plain_reset(int fd) {
    struct linger now = {.l_onoff = 1, .l_linger = 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(fd);
}

/* ---- opening ---- */

static weir_status build_and_note(weir_pipeline *pipeline, void *arg) {
    wire_end *self = arg;
    weir_status status = self->build == NULL ? WEIR_OK : self->build(pipeline, self->arg);
    atomic_store(&self->channel, weir_channel_retain(weir_pipeline_channel(pipeline)));
    return status;
}

static bool is_active(void *arg) {
    wire_end *self = arg;
    return weir_channel_is_active(atomic_load(&self->channel));
}

static void open_accepted(wire_end *self, const weir_channel_options *options) {
    weir_server_options with = {.loops = self->group, .build = build_and_note, .build_arg = self};
    if (options != NULL) with.channel = *options;
    if (self->kind == WIRE_ACCEPTED_V6) with.host = "::1";
    char name[64];
    snprintf(name, sizeof name, "unix:@weir-wires-%d", (int)getpid());
    if (self->kind == WIRE_ACCEPTED_UNIX) with.host = name;
    require(weir_server_start(&self->server, &with) == WEIR_OK);
    self->far = plain_connect_to(weir_server_addr(self->server));
    require(self->far >= 0);
    for (int i = 0; i < PATIENCE_MS && atomic_load(&self->channel) == NULL; i++) wait_ms(1);
}

static void open_connected(wire_end *self, const weir_channel_options *options) {
    unsigned port;
    int listener = plain_listen(&port, 1);
    weir_client_options with = {
        .loop = self->loop, .host = "127.0.0.1", .port = port, .build = build_and_note, .build_arg = self};
    if (options != NULL) with.channel = *options;
    weir_promise *promise = weir_promise_new(self->loop);
    weir_channel_release(weir_client_connect(&with, weir_promise_retain(promise)));
    expect_status(weir_promise_wait(promise, PATIENCE_MS), WEIR_OK);
    weir_promise_release(promise);
    self->far = accept(listener, NULL, NULL);
    require(self->far >= 0);
    bound_waiting(self->far);
    close(listener);
}

static void open_adopted(wire_end *self, const weir_channel_options *options) {
    int ends[2];
    require(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    self->far = ends[1];
    bound_waiting(self->far);
    weir_promise *promise = weir_promise_new(self->loop);
    weir_channel_release(
        weir_channel_adopt(self->loop, ends[0], options, build_and_note, self, weir_promise_retain(promise)));
    expect_status(weir_promise_wait(promise, PATIENCE_MS), WEIR_OK);
    weir_promise_release(promise);
}

static void open_local(wire_end *self, const weir_channel_options *options) {
    size_t loops = weir_loop_group_count(self->group);
    weir_local_end near = {.loop = self->loop, .build = build_and_note, .build_arg = self};
    if (options != NULL) near.channel = *options;
    self->local = calloc(1, sizeof *self->local);
    require(self->local != NULL);
    weir_local_end far = far_local_init(self->local, weir_loop_group_at(self->group, loops - 1));
    weir_channel *channel;
    require(weir_local_pair(&near, &far, &channel, &self->local->channel) == WEIR_OK);
    weir_channel_release(channel);
    for (int i = 0; i < PATIENCE_MS && atomic_load(&self->channel) == NULL; i++) wait_ms(1);
}

void wire_open(wire_end *self, wire_kind kind, const weir_channel_options *options, weir_build_fn *build,
               void *arg) {
    memset(self, 0, sizeof *self);
    weir_test_context("%s", wire_traits_of[kind].name);
    self->kind = kind;
    self->build = build;
    self->arg = arg;
    self->far = -1;
    if (kind == WIRE_EMBEDDED) {
        self->embedded = weir_embedded_new(options, build_and_note, self);
        require(self->embedded != NULL);
        self->loop = weir_embedded_loop(self->embedded);
        return;
    }
    self->group = weir_loop_group_new(kind == WIRE_LOCAL_HOP ? 2 : 1);
    require(self->group != NULL);
    self->loop = weir_loop_group_at(self->group, 0);
    if (kind == WIRE_LOCAL || kind == WIRE_LOCAL_HOP) {
        open_local(self, options);
    } else if (kind == WIRE_CONNECTED) {
        open_connected(self, options);
    } else if (kind == WIRE_ADOPTED) {
        open_adopted(self, options);
    } else {
        open_accepted(self, options);
    }
    require(wire_until(self, is_active, self));
}

void wire_shut(wire_end *self) {
    weir_channel *channel = atomic_load(&self->channel);
    weir_channel_abort(channel, WEIR_E_CANCELED);
    expect(wire_until_gone(self));
    weir_channel_release(channel);
    wire_free(self);
}

static void free_far_end(wire_end *self) {
    if (self->far >= 0) close(self->far);
    if (self->local != NULL) far_local_clear(self->local);
    free(self->local);
}

void wire_free(wire_end *self) {
    free_far_end(self);
    weir_server_free(self->server);
    weir_loop_group_free(self->group);
    weir_embedded_free(self->embedded);
}

void wire_stop_loops(wire_end *self) {
    weir_channel *channel = atomic_load(&self->channel);
    require(self->server == NULL);
    if (self->group != NULL) { /* ours first: a far end on another loop would reset this one */
        weir_loop_stop(self->loop);
        for (int i = 0; i < PATIENCE_MS && !channel_is_gone(channel); i++) wait_ms(1);
    }
    weir_loop_group_free(self->group);
    weir_embedded_free(self->embedded);
    expect(channel_is_gone(channel));
    weir_channel_release(channel);
    free_far_end(self);
}

/* ---- on the loop ---- */

typedef struct errand {
    weir_promise *promise;
    void (*fn)(void *arg);
    bool (*ask)(void *arg);
    void *arg;
    bool answer;
} errand;

static void run_errand(void *arg) {
    errand *self = arg;
    if (self->fn != NULL) self->fn(self->arg);
    if (self->ask != NULL) self->answer = self->ask(self->arg);
    weir_promise_complete(self->promise, WEIR_OK);
}

static bool send_errand(wire_end *self, errand *it) {
    if (self->embedded != NULL) {
        weir_embedded_run(self->embedded);
        if (it->fn != NULL) it->fn(it->arg);
        if (it->ask != NULL) it->answer = it->ask(it->arg);
        weir_embedded_run(self->embedded);
        return it->answer;
    }
    it->promise = weir_promise_new(self->loop);
    weir_promise *done = weir_promise_retain(it->promise);
    require(weir_loop_post(self->loop, run_errand, it) == WEIR_OK);
    require(weir_promise_wait(done, PATIENCE_MS) == WEIR_OK);
    weir_promise_release(done);
    return it->answer;
}

void wire_do(wire_end *self, void (*fn)(void *arg), void *arg) {
    errand it = {.fn = fn, .arg = arg};
    send_errand(self, &it);
}

bool wire_ask(wire_end *self, bool (*fn)(void *arg), void *arg) {
    errand it = {.ask = fn, .arg = arg};
    return send_errand(self, &it);
}

bool wire_until(wire_end *self, bool (*fn)(void *arg), void *arg) {
    for (int i = 0; i < PATIENCE_MS; i++) {
        if (wire_ask(self, fn, arg)) return true;
        if (self->embedded == NULL) wait_ms(1);
        if (self->embedded != NULL && i > 100) return false;
    }
    return false;
}

static bool is_off_its_loop(void *arg) {
    wire_end *self = arg;
    return channel_is_gone(atomic_load(&self->channel));
}

bool wire_until_gone(wire_end *self) {
    return wire_until(self, is_off_its_loop, self);
}

void wire_write(wire_end *self, void *msg, weir_promise *promise) {
    weir_channel_write(atomic_load(&self->channel), msg, promise);
    if (self->embedded != NULL) weir_embedded_run(self->embedded);
}

/* ---- the far end ---- */

void far_send(wire_end *self, const void *bytes, size_t n) {
    if (self->embedded != NULL) {
        weir_embedded_feed_bytes(self->embedded, bytes, n);
    } else if (self->local != NULL) {
        far_local_send(self->local, bytes, n);
    } else {
        expect_eq(send(self->far, bytes, n, MSG_NOSIGNAL), (ssize_t)n);
    }
}

void far_finish(wire_end *self) {
    if (self->embedded != NULL) {
        weir_embedded_feed_end(self->embedded);
    } else if (self->local != NULL) {
        weir_channel_shutdown(self->local->channel, NULL);
    } else {
        shutdown(self->far, SHUT_WR);
    }
}

void far_reset(wire_end *self) {
    if (self->embedded != NULL) {
        weir_embedded_break(self->embedded, -ECONNRESET);
    } else if (self->local != NULL) {
        weir_channel_abort(self->local->channel, WEIR_E_CANCELED);
    } else {
        plain_reset(self->far);
        self->far = -1;
    }
}

void far_take(wire_end *self, bool takes) {
    if (self->embedded != NULL) weir_embedded_stall(self->embedded, !takes);
    if (self->local != NULL) far_local_take(self->local, takes);
}

static size_t receive_embedded(wire_end *self, uint8_t *dst, size_t n) {
    weir_buf *all = weir_embedded_take_all(self->embedded);
    require(all != NULL);
    size_t got = weir_buf_readable(all);
    expect(got <= n);
    weir_buf_read_bytes(all, dst, got);
    weir_buf_release(all);
    self->far_ended = weir_embedded_is_shut(self->embedded);
    self->far_broken = weir_embedded_aborted(self->embedded) != WEIR_OK;
    return got;
}

size_t far_receive(wire_end *self, void *dst, size_t n) {
    size_t got = 0;
    if (self->embedded != NULL) return receive_embedded(self, dst, n);
    if (self->local != NULL)
        return far_local_receive(self->local, dst, n, &self->far_ended, &self->far_broken);
    while (got < n) {
        ssize_t once = recv(self->far, (uint8_t *)dst + got, n - got, 0);
        if (once <= 0) {
            self->far_ended = once == 0;
            self->far_broken = once < 0 && errno == ECONNRESET;
            break;
        }
        got += (size_t)once;
    }
    return got;
}

bool far_sees_end(wire_end *self) {
    char byte;
    return far_receive(self, &byte, 1) == 0 && self->far_ended && !self->far_broken;
}

bool far_sees_reset(wire_end *self) {
    char byte;
    bool nothing = far_receive(self, &byte, 1) == 0;
    return nothing &&
           (wire_traits_of[self->kind].has_reset ? self->far_broken : self->far_ended || self->far_broken);
}
