/* uv_listen.c - a listening socket in the loop's set; when and what is accepted is the acceptor's affair. */
#include <sys/socket.h>
#include <unistd.h>

#include "uv/uv_internal.h"

struct net_listener {
    acceptor acceptor;
    uv_watch watch;
};

/* Not when the pause began while the event was waiting for its turn. */
static void on_connections(uv_watch *watch, uint32_t events) {
    net_listener *self = WEIR_CONTAINER(watch, net_listener, watch);
    (void)events;
    loop_note_event(self->acceptor.loop, 0);
    if (watch->events != 0) acceptor_ready(&self->acceptor);
}

static int accept_one(acceptor *base, weir_addr *peer) {
    net_listener *self = WEIR_CONTAINER(base, net_listener, acceptor);
    peer->len = sizeof peer->as;
    return accept4(self->watch.fd, &peer->as.sa, &peer->len, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

static void watch(acceptor *base, bool on) {
    net_listener *self = WEIR_CONTAINER(base, net_listener, acceptor);
    weir_status status = uv_watch_set(&self->watch, driver_of(base->loop), on ? EPOLLIN : 0);
    if (status != WEIR_OK) weir_timer_start(&base->rest, base->loop, base->rest_ms); /* then again */
}

static const acceptor_source socket_source = {.accept = accept_one, .watch = watch};

net_listener *net_listener_open(weir_loop *loop, int fd, const acceptor_events *events, void *arg) {
    net_listener *self = weir_alloc_zeroed(loop->alloc, 1, sizeof *self);
    if (self == NULL) {
        close(fd);
        return NULL;
    }
    uv_watch_init(&self->watch, fd, on_connections);
    acceptor_init(&self->acceptor, loop, &socket_source, events, arg);
    return self;
}

void net_listener_resume(net_listener *listener) {
    acceptor_resume(&listener->acceptor);
}

static void on_closed(uv_watch *watch) {
    net_listener *self = WEIR_CONTAINER(watch, net_listener, watch);
    const acceptor closed = self->acceptor;
    weir_alloc_release(closed.loop->alloc, self);
    closed.events->closed(closed.arg);
}

void net_listener_close(net_listener *listener) {
    acceptor_clear(&listener->acceptor);
    uv_watch_close(&listener->watch, driver_of(listener->acceptor.loop), on_closed);
    close(listener->watch.fd);
}
