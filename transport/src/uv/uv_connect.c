/* uv_connect.c - resolve, connect, give up after a while: the beginning of a client's channel.
 *
 *     net_connect -> begin (on the loop) -> [resolve on the pool] -> open_socket -> uv_connect_ready -> connected
 *                                                 any failure or the timeout -> give_up
 *
 * The channel exists from the call on; it has no socket until there is an address.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loop/promise_internal.h"
#include "uv/uv_internal.h"

#define LONGEST_HOST 256

typedef struct client {
    uv_channel uv; /* first: it is freed through it */
    weir_channel_options options;
    weir_build_fn *build;
    void *build_arg;
    weir_promise *promise;
    weir_task task; /* begin, and the end of one that never had a socket */
    weir_timer timeout;
    unsigned timeout_ms;
    unsigned port;
    weir_addr addr;
    weir_status resolved;
    bool failed; /* of its own, not because someone closed it */
    char host[LONGEST_HOST];
} client;

static client *client_of(uv_channel *self) {
    return WEIR_CONTAINER(self, client, uv);
}

static void give_up(client *self, weir_status why) {
    if (!channel_is_open(&self->uv.channel)) return;
    self->failed = true;
    channel_abort_now(&self->uv.channel, why);
}

static void on_timeout(weir_timer *timer) {
    give_up(timer->arg, WEIR_E_TIMEOUT);
}

static void settle(client *self, weir_status status) {
    weir_promise *promise = self->promise;
    self->promise = NULL;
    weir_timer_stop(&self->timeout, self->uv.channel.loop);
    if (promise != NULL) {
        weir_promise_complete(promise, status);
    } else if (self->failed) {
        weir_ctx_fire_error(&self->uv.channel.pipeline.head,
                            &(weir_error){.status = status, .what = "connect"});
    }
    self->failed = false;
}

static void connected(client *self) {
    self->uv.connecting = false;
    channel_note_remote(&self->uv.channel, &self->addr.as.sa);
    settle(self, WEIR_OK);
    if (!channel_is_open(&self->uv.channel)) return;
    channel_wire_active(&self->uv.channel);
    uv_channel_arm(&self->uv);
}

void uv_connect_ready(uv_channel *self) {
    weir_status status = uv_socket_error(self->fd);
    if (status == WEIR_OK) {
        connected(client_of(self));
    } else {
        give_up(client_of(self), status);
    }
}

void uv_connect_closed(uv_channel *self) {
    settle(client_of(self), self->channel.cause);
}

static void end_unopened(weir_task *task) {
    client *self = WEIR_CONTAINER(task, client, task);
    uv_connect_closed(&self->uv);
    channel_wire_closed(&self->uv.channel);
}

static void end_soon(client *self) {
    self->task.run = end_unopened;
    if (weir_loop_post_task(self->uv.channel.loop, &self->task) != WEIR_OK) end_unopened(&self->task);
}

void uv_connect_close_unopened(uv_channel *self) {
    end_soon(client_of(self));
}

static void open_socket(client *self) {
    weir_channel *channel = &self->uv.channel;
    int fd = socket(self->addr.as.sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        give_up(self, weir_status_from_errno(errno));
        return;
    }
    weir_status status = net_configure(fd, self->addr.as.sa.sa_family, false, channel->options);
    if (status == WEIR_OK) {
        status = uv_channel_attach(&self->uv, fd);
    } else {
        close(fd);
    }
    if (status != WEIR_OK) {
        give_up(self, status);
    } else if (connect(fd, &self->addr.as.sa, self->addr.len) == 0) {
        connected(self);
    } else if (errno == EINPROGRESS) {
        self->uv.connecting = true;
        uv_channel_arm(&self->uv);
    } else {
        give_up(self, weir_status_from_errno(errno));
    }
}

/* ---- names ---- */

static void resolve(void *arg) {
    client *self = arg;
    self->resolved = weir_addr_resolve(&self->addr, self->host, self->port);
}

static void resolved(void *arg, weir_status status) {
    client *self = arg;
    if (status == WEIR_OK) status = self->resolved;
    if (status != WEIR_OK) {
        give_up(self, status);
    } else if (channel_is_open(&self->uv.channel)) {
        open_socket(self);
    }
    weir_channel_release(&self->uv.channel);
}

static void resolve_on_pool(client *self) {
    weir_channel_retain(&self->uv.channel);
    weir_status status = weir_loop_offload(self->uv.channel.loop, resolve, resolved, self);
    if (status == WEIR_OK) return;
    give_up(self, status);
    weir_channel_release(&self->uv.channel);
}

/* ---- beginning ---- */

static void begin(client *self) {
    weir_channel *channel = &self->uv.channel;
    if (channel_open(channel, self->build, self->build_arg) != WEIR_OK) {
        self->failed = true;
        return;
    }
    if (!channel_is_open(channel)) return;
    weir_timer_start(&self->timeout, channel->loop, self->timeout_ms);
    if (self->addr.len != 0) {
        open_socket(self);
    } else {
        resolve_on_pool(self);
    }
}

static void begin_posted(weir_task *task) {
    begin(WEIR_CONTAINER(task, client, task));
}

weir_channel *net_connect(const weir_client_options *options, const weir_channel_options *resolved_options,
                          weir_promise *promise) {
    weir_loop *loop = options->loop;
    size_t host_len = strlen(options->host);
    client *self = host_len < LONGEST_HOST ? weir_alloc_zeroed(loop->alloc, 1, sizeof *self) : NULL;
    if (self == NULL) {
        promise_complete_anywhere(promise, host_len < LONGEST_HOST ? WEIR_E_NO_MEMORY : WEIR_E_INVALID);
        return NULL;
    }
    self->options = *resolved_options;
    self->build = options->build;
    self->build_arg = options->build_arg;
    self->port = options->port;
    self->timeout_ms = options->connect_timeout_ms;
    self->promise = promise;
    memcpy(self->host, options->host, host_len);
    weir_timer_init(&self->timeout, on_timeout, self);
    weir_addr_parse(&self->addr, self->host, self->port); /* what it cannot is resolved later */
    uv_channel_init(&self->uv, loop, self->addr.as.sa.sa_family, &self->options, NULL);
    self->uv.is_client = true;
    weir_channel *channel = weir_channel_retain(&self->uv.channel);
    self->task.run = begin_posted;
    weir_status status = weir_loop_post_task(loop, &self->task);
    if (status == WEIR_OK) return channel;
    weir_channel_release(channel);
    weir_channel_release(channel);
    promise_complete_anywhere(promise, status);
    return NULL;
}
