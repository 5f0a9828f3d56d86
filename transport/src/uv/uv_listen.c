/* uv_listen.c - a listening socket watched by libuv; when and what is accepted is the acceptor's affair. */
#include <sys/socket.h>
#include <unistd.h>

#include "uv/uv_internal.h"

struct net_listener {
    acceptor acceptor;
    uv_poll_t poll;
    int fd;
};

static void on_connections(uv_poll_t *poll, int status, int events) {
    net_listener *self = poll->data;
    (void)status;
    (void)events;
    note_time(self->acceptor.loop);
    acceptor_ready(&self->acceptor);
}

static int accept_one(acceptor *base, weir_addr *peer) {
    net_listener *self = WEIR_CONTAINER(base, net_listener, acceptor);
    peer->len = sizeof peer->as;
    return accept4(self->fd, &peer->as.sa, &peer->len, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

static void watch(acceptor *base, bool on) {
    net_listener *self = WEIR_CONTAINER(base, net_listener, acceptor);
    if (on) {
        uv_poll_start(&self->poll, UV_READABLE, on_connections);
    } else {
        uv_poll_stop(&self->poll);
    }
}

static const acceptor_source socket_source = {.accept = accept_one, .watch = watch};

net_listener *net_listener_open(weir_loop *loop, int fd, const acceptor_events *events, void *arg) {
    net_listener *self = weir_alloc_zeroed(loop->alloc, 1, sizeof *self);
    if (self == NULL || uv_poll_init(driver_of(loop)->uv, &self->poll, fd) != 0) {
        weir_alloc_release(loop->alloc, self);
        close(fd);
        return NULL;
    }
    self->poll.data = self;
    self->fd = fd;
    acceptor_init(&self->acceptor, loop, &socket_source, events, arg);
    return self;
}

void net_listener_resume(net_listener *listener) {
    acceptor_resume(&listener->acceptor);
}

static void on_closed(uv_handle_t *handle) {
    net_listener *self = handle->data;
    const acceptor closed = self->acceptor;
    weir_alloc_release(closed.loop->alloc, self);
    closed.events->closed(closed.arg);
}

void net_listener_close(net_listener *listener) {
    acceptor_clear(&listener->acceptor);
    uv_close((uv_handle_t *)&listener->poll, on_closed);
    close(listener->fd);
}
