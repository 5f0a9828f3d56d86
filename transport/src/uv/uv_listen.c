/* uv_listen.c - accepting, also when the process is out of descriptors.
 *
 * At EMFILE a spare descriptor is given up for a moment to accept and close the connection that waits, so that its
 * peer is told at once and the level-triggered poll does not spin; then accepting rests for a while.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "uv/uv_internal.h"

/* Connections taken in one go, before others have their turn. */
#define ACCEPTS_A_TURN 64
#define REST_MS 100

struct net_listener {
    uv_poll_t poll;
    weir_timer rest;
    weir_loop *loop;
    const net_listener_events *events;
    void *arg;
    int fd;
    int spare;
};

static int open_spare(void) {
    return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static int accept_one(const net_listener *self, weir_addr *peer) {
    peer->len = sizeof peer->as;
    return accept4(self->fd, &peer->as.sa, &peer->len, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

static void turn_one_away(net_listener *self) {
    if (self->spare < 0) return;
    close(self->spare);
    weir_addr peer;
    int fd = accept_one(self, &peer);
    if (fd >= 0) close(fd);
    self->spare = open_spare();
}

static bool concerns_one_connection(int err) {
    return err == ECONNABORTED || err == EINTR || err == EPROTO || err == EPERM || err == ENETDOWN ||
           err == EHOSTUNREACH || err == ENETUNREACH || err == ENOPROTOOPT || err == EHOSTDOWN ||
           err == ENONET;
}

static void on_connections(uv_poll_t *poll, int status, int events) {
    net_listener *self = poll->data;
    (void)status;
    (void)events;
    note_time(self->loop);
    for (int i = 0; i < ACCEPTS_A_TURN && self->fd >= 0; i++) {
        weir_addr peer;
        int fd = accept_one(self, &peer);
        if (fd >= 0) {
            self->events->accepted(self->arg, fd, &peer);
            continue;
        }
        int err = errno;
        if (err == EAGAIN) return;
        if (concerns_one_connection(err)) continue;
        self->events->accept_failed(self->arg, weir_status_from_errno(err));
        if (err == EMFILE || err == ENFILE) turn_one_away(self);
        uv_poll_stop(&self->poll);
        weir_timer_start(&self->rest, self->loop, REST_MS);
        return;
    }
}

static void rested(weir_timer *timer) {
    net_listener *self = timer->arg;
    if (self->spare < 0) self->spare = open_spare();
    uv_poll_start(&self->poll, UV_READABLE, on_connections);
}

net_listener *net_listener_open(weir_loop *loop, int fd, const net_listener_events *events, void *arg) {
    net_listener *self = weir_alloc_zeroed(loop->alloc, 1, sizeof *self);
    if (self == NULL || uv_poll_init(driver_of(loop)->uv, &self->poll, fd) != 0) {
        weir_alloc_release(loop->alloc, self);
        close(fd);
        return NULL;
    }
    self->poll.data = self;
    self->loop = loop;
    self->events = events;
    self->arg = arg;
    self->fd = fd;
    self->spare = open_spare();
    weir_timer_init(&self->rest, rested, self);
    uv_poll_start(&self->poll, UV_READABLE, on_connections);
    return self;
}

static void on_closed(uv_handle_t *handle) {
    net_listener *self = handle->data;
    void (*closed)(void *) = self->events->closed;
    void *arg = self->arg;
    weir_alloc_release(self->loop->alloc, self);
    closed(arg);
}

void net_listener_close(net_listener *listener) {
    weir_timer_stop(&listener->rest, listener->loop);
    uv_close((uv_handle_t *)&listener->poll, on_closed);
    close(listener->fd);
    if (listener->spare >= 0) close(listener->spare);
    listener->fd = -1;
}
