/* uv_channel.c - a stream socket as a wire: what it is polled for, and how it goes. */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "uv/uv_fds.h"
#include "uv/uv_internal.h"

weir_status uv_socket_error(int fd) {
    int err = 0;
    socklen_t len = sizeof err;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) != 0) err = errno;
    return err == 0 ? WEIR_OK : weir_status_from_errno(err);
}

/* ---- polling ---- */

/* Nothing is watched any more; what really happened is read from the socket. */
static WEIR_COLD void on_socket_failed(uv_channel *self, void (*read_burst)(uv_channel *)) {
    weir_channel *channel = &self->channel;
    if (channel_wants_reading(channel)) { /* what came before the error is still there to read */
        self->failed = true;
        read_burst(self);
        self->failed = false;
        return;
    }
    weir_status status = uv_socket_error(self->watch.fd);
    if (status != WEIR_OK) {
        channel_wire_broken(channel, status, "socket");
    } else {
        uv_channel_arm(self);
    }
}

static void serve_rarer(uv_channel *self, uint32_t events, void (*read_burst)(uv_channel *)) {
    weir_channel *channel = &self->channel;
    if (events == EPOLLERR) {
        on_socket_failed(self, read_burst);
        return;
    }
    if ((events & EPOLLOUT) != 0) {
        self->blocked = false;
        channel_wire_drained(channel);
        uv_channel_arm(self);
        if (!channel_is_open(channel)) return;
    }
    if ((events & (EPOLLIN | EPOLLRDHUP)) != 0) {
        if (channel_wants_reading(channel)) {
            read_burst(self);
        } else if ((events & EPOLLRDHUP) != 0 && !self->peer_ending) {
            self->peer_ending = true;
            uv_channel_arm(self);
            channel_wire_peer_ending(channel);
        }
    }
    if (events == EPOLLPRI) { /* so a hang-up is told that nobody asked for */
        self->hung_up = true;
        uv_channel_arm(self);
    }
}

/* Inlined into each of the two below: what a plain socket does must not ask what it reads. */
static inline __attribute__((always_inline)) void serve(uv_watch *watch, uint32_t events,
                                                        void (*read_burst)(uv_channel *)) {
    uv_channel *self = WEIR_CONTAINER(watch, uv_channel, watch);
    weir_channel *channel = &self->channel;
    loop_note_event(channel->loop, channel->id);
    if (WEIR_LIKELY(events == EPOLLIN && channel_wants_reading(channel))) {
        read_burst(self);
    } else {
        serve_rarer(self, events, read_burst);
    }
}

static WEIR_HOT void on_poll(uv_watch *watch, uint32_t events) {
    serve(watch, events, uv_read_burst);
}

static void on_poll_with_fds(uv_watch *watch, uint32_t events) {
    serve(watch, events, uv_receive_burst);
}

static void on_poll_by_splice(uv_watch *watch, uint32_t events) {
    serve(watch, events, uv_splice_burst);
}

/* Once the peer's end is known its level-triggered report would never stop; an error still shows then. The
 * same goes for a hang-up. */
static uint32_t wanted_events(const uv_channel *self) {
    uint32_t wanted = 0;
    if (self->blocked) wanted |= EPOLLOUT;
    if (channel_wants_reading(&self->channel)) wanted |= EPOLLIN;
    if (!self->peer_ending && !self->channel.peer_closed) wanted |= EPOLLRDHUP;
    return wanted == 0 && !self->hung_up ? EPOLLPRI : wanted;
}

void uv_channel_arm(uv_channel *self) {
    if (!channel_is_open(&self->channel) || self->watch.fd < 0 || wanted_events(self) == self->watch.events)
        return;
    if (!weir_list_is_empty(&self->watch.rearm)) return;
    uv_driver *driver = driver_of(self->channel.loop);
    weir_list_push_back(&driver->rearm, &self->watch.rearm);
    driver->loop.driver->continues(&driver->loop); /* or a host's run may end before the turn */
}

void uv_channel_rearm(uv_channel *self) {
    weir_status status = uv_watch_set(&self->watch, driver_of(self->channel.loop), wanted_events(self));
    if (status != WEIR_OK) channel_wire_broken(&self->channel, status, "epoll");
}

static void update_reading(weir_channel *channel) {
    uv_channel_arm(uv_channel_of(channel));
}

/* ---- ending ---- */

static void on_closed(uv_watch *watch) {
    uv_channel *self = WEIR_CONTAINER(watch, uv_channel, watch);
    if (self->is_client) uv_connect_closed(self);
    channel_wire_closed(&self->channel);
}

static void shut(weir_channel *channel) {
    shutdown(uv_channel_of(channel)->watch.fd, SHUT_WR);
}

/* Unread bytes would turn our close into a reset, which can overtake what the peer has not read yet. */
static void discard_unread(int fd) {
    char dropped[4096];
    shutdown(fd, SHUT_WR);
    for (int i = 0; i < 64; i++) {
        if (recv(fd, dropped, sizeof dropped, MSG_DONTWAIT) <= 0) return;
    }
}

/* The job that warms a region for a socket does not touch the socket, so the descriptor can go at once. */
static void close_wire(weir_channel *channel, bool abort) {
    uv_channel *self = uv_channel_of(channel);
    if (self->watch.fd < 0) {
        if (self->is_client) {
            uv_connect_close_unopened(self);
        } else {
            uv_adopt_close_unopened(self);
        }
        return;
    }
    if (abort) {
        uv_reset_on_close(self->watch.fd);
    } else {
        discard_unread(self->watch.fd);
    }
    uv_watch_close(&self->watch, driver_of(channel->loop), on_closed);
    close(self->watch.fd);
    self->watch.fd = -1;
}

static int fd_of(const weir_channel *channel) {
    return ((const uv_channel *)(const void *)channel)->watch.fd;
}

static const wire_ops uv_wire = {
    .name = "socket",
    .drain = uv_drain,
    .update_reading = update_reading,
    .shutdown = shut,
    .close = close_wire,
    .fd = fd_of,
};

static const wire_ops unix_wire = {
    .name = "unix socket",
    .takes = uv_fds_takes,
    .drain = uv_drain,
    .update_reading = update_reading,
    .shutdown = shut,
    .close = close_wire,
    .fd = fd_of,
};

/* ---- beginning ---- */

void uv_channel_init(uv_channel *self, weir_loop *loop, int family, const weir_channel_options *options,
                     channel_owner *owner) {
    uv_watch_init(&self->watch, -1, NULL);
    channel_init(&self->channel, loop, family == AF_UNIX ? &unix_wire : &uv_wire, options, owner);
}

static bool receives_fds(const uv_channel *self) {
    return self->channel.wire->takes != NULL && self->channel.options->receive_fds != 0;
}

void uv_channel_attach(uv_channel *self, int fd) {
    uv_watch_init(&self->watch, fd, on_poll);
    if (self->is_datagram) {
        self->watch.ready = uv_datagram_ready;
    } else if (receives_fds(self)) {
        self->watch.ready = on_poll_with_fds; /* a splice would leave descriptors that come along behind */
    } else if (self->channel.options->read_by_splice) {
        self->watch.ready = on_poll_by_splice;
    }
}

weir_channel *net_channel_new(weir_loop *loop, int fd, const struct sockaddr *peer,
                              const weir_channel_options *options, channel_owner *owner) {
    uv_channel *self = weir_alloc_zeroed(loop->alloc, 1, sizeof *self);
    if (self == NULL) {
        close(fd);
        return NULL;
    }
    uv_channel_init(self, loop, peer->sa_family, options, owner);
    uv_channel_attach(self, fd);
    self->is_fresh = true;
    channel_note_remote(&self->channel, peer);
    return &self->channel;
}
