/* datagrams.c - see datagrams.h. */
#include "datagrams.h"

#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <weir/testing.h>

/* ---- the handler ---- */

static void on_active(weir_ctx *ctx) {
    ((datagrams *)weir_ctx_state(ctx))->active++;
}

static void on_read(weir_ctx *ctx, weir_obj *msg) {
    datagrams *self = weir_ctx_state(ctx);
    self->reads++;
    self->bytes += (size_t)weir_obj_size(msg);
    if (self->closes_at_once) weir_ctx_close(ctx, NULL);
    if (self->echoes) {
        weir_ctx_write(ctx, msg, NULL);
    } else if (self->keeps && self->kept_count < DATAGRAMS_KEPT) {
        self->kept[self->kept_count++] = weir_datagram_from(msg);
    } else {
        weir_obj_release(msg);
    }
}

static void on_read_complete(weir_ctx *ctx) {
    ((datagrams *)weir_ctx_state(ctx))->read_completes++;
    weir_ctx_flush(ctx);
}

static void on_error(weir_ctx *ctx, const weir_error *error) {
    datagrams *self = weir_ctx_state(ctx);
    self->errors++;
    self->error = error->status;
    if (self->at_error != NULL) self->at_error(weir_test_alloc());
    atomic_store(&self->told, true);
    if (!self->takes_errors) weir_ctx_fire_error(ctx, error);
}

static void on_inactive(weir_ctx *ctx) {
    ((datagrams *)weir_ctx_state(ctx))->inactive++;
}

static void on_removed(weir_ctx *ctx) {
    ((datagrams *)weir_ctx_state(ctx))->removed++;
}

static const weir_handler handler = {
    .name = "datagrams",
    .active = on_active,
    .read = on_read,
    .read_complete = on_read_complete,
    .error = on_error,
    .inactive = on_inactive,
    .removed = on_removed,
};

static weir_status build(weir_pipeline *pipeline, void *arg) {
    return weir_pipeline_add_last(pipeline, &handler, arg);
}

/* ---- life ---- */

int plain_udp(const char *host, weir_addr *bound) {
    weir_addr addr;
    struct timeval patience = {.tv_sec = 10};
    require(weir_addr_parse(&addr, host, 0) == WEIR_OK);
    int fd = socket(addr.as.sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    require(fd >= 0 && bind(fd, &addr.as.sa, addr.len) == 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    int receive_buffer = 1 << 20; /* as far as the system allows */
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    if (bound != NULL) {
        bound->len = sizeof bound->as;
        require(getsockname(fd, &bound->as.sa, &bound->len) == 0);
    }
    return fd;
}

static void learn_port(datagrams *self) {
    weir_addr addr;
    weir_channel_local_addr(self->channel, &addr);
    self->port = weir_addr_port(&addr);
}

void datagrams_open(datagrams *self, weir_datagram_options options, bool connected) {
    const char *host = options.host != NULL ? options.host : "127.0.0.1";
    const char *far_host = strchr(host, ':') != NULL ? "::1" : "127.0.0.1";
    self->wire = (wire_end){.kind = WIRE_CONNECTED, .far = -1};
    self->wire.group = weir_loop_group_new(1);
    require(self->wire.group != NULL);
    self->wire.loop = weir_loop_group_at(self->wire.group, 0);
    self->far = plain_udp(far_host, &self->far_addr);
    options.loop = self->wire.loop;
    options.host = host;
    options.build = build;
    options.build_arg = self;
    if (connected) {
        options.remote_host = far_host;
        options.remote_port = weir_addr_port(&self->far_addr);
    }
    weir_promise *promise = weir_promise_new(self->wire.loop);
    self->channel = weir_datagram_open(&options, weir_promise_retain(promise));
    atomic_store(&self->wire.channel, self->channel);
    self->opened = weir_promise_wait(promise, 10000);
    weir_promise_release(promise);
    if (self->opened != WEIR_OK) return;
    datagrams_do(self, learn_port);
    weir_addr to;
    require(weir_addr_parse(&to, far_host, self->port) == WEIR_OK);
    require(connect(self->far, &to.as.sa, to.len) == 0);
}

void datagrams_shut(datagrams *self) {
    if (self->channel != NULL) weir_channel_abort(self->channel, WEIR_E_CANCELED);
    weir_channel_release(self->channel);
    weir_loop_group_free(self->wire.group);
    close(self->far);
    expect_eq(self->active, self->opened == WEIR_OK ? 1u : 0u);
    expect_eq(self->inactive, self->active);
    if (self->channel != NULL) expect_eq(self->removed, 1u);
}

void datagrams_release_kept(datagrams *self) {
    for (unsigned i = 0; i < self->kept_count; i++) weir_datagram_release(self->kept[i]);
    self->kept_count = 0;
}

/* ---- on the loop ---- */

typedef struct errand {
    datagrams *self;
    void (*fn)(datagrams *self);
    bool (*ask)(datagrams *self);
} errand;

static void run_errand(void *arg) {
    errand *it = arg;
    it->fn(it->self);
}

static bool ask_errand(void *arg) {
    errand *it = arg;
    return it->ask(it->self);
}

void datagrams_do(datagrams *self, void (*fn)(datagrams *self)) {
    wire_do(&self->wire, run_errand, &(errand){.self = self, .fn = fn});
}

bool datagrams_until(datagrams *self, bool (*fn)(datagrams *self)) {
    return wire_until(&self->wire, ask_errand, &(errand){.self = self, .ask = fn});
}

typedef struct count {
    datagrams *self;
    unsigned n;
} count;

static bool has_read(void *arg) {
    count *it = arg;
    return it->self->reads >= it->n;
}

bool datagrams_until_read(datagrams *self, unsigned n) {
    count it = {self, n};
    if (!wire_until(&self->wire, has_read, &it)) return false;
    it.n = n + 1;
    return !wire_ask(&self->wire, has_read, &it);
}

typedef struct look {
    datagrams *self;
    weir_datagram_stats stats;
} look;

static void get_stats(void *arg) {
    look *it = arg;
    weir_datagram_get_stats(it->self->channel, &it->stats);
}

weir_datagram_stats datagrams_stats(datagrams *self) {
    look it = {.self = self};
    wire_do(&self->wire, get_stats, &it);
    return it.stats;
}

/* ---- bytes ---- */

weir_buf *datagrams_fill(char byte, size_t n) {
    weir_buf *buf = weir_buf_new(n);
    require(buf != NULL);
    weir_buf_write_fill(buf, (uint8_t)byte, n);
    return buf;
}

weir_datagram *datagrams_to_far(datagrams *self, char byte, size_t n) {
    return weir_datagram_new(self->wire.loop, datagrams_fill(byte, n), &self->far_addr);
}

ssize_t plain_receive(int fd, void *room, size_t n, int ms) {
    struct pollfd watched = {.fd = fd, .events = POLLIN};
    return poll(&watched, 1, ms) == 1 ? recv(fd, room, n, 0) : -1;
}

weir_status datagrams_wait_for(weir_promise *promise) {
    weir_status status = weir_promise_wait(promise, 10000);
    weir_promise_release(promise);
    return status;
}

weir_status datagrams_write_out(datagrams *self, void *msg) {
    weir_promise *promise = weir_promise_new(self->wire.loop);
    weir_channel_write(self->channel, msg, weir_promise_retain(promise));
    return datagrams_wait_for(promise);
}
