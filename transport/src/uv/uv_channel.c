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

/* libuv stops a watcher at POLLERR and says EBADF; what really happened is read from the socket. */
static void on_socket_failed(uv_channel *self, void (*read_burst)(uv_channel *)) {
    weir_channel *channel = &self->channel;
    self->armed = 0;
    if (channel_wants_reading(channel)) { /* what came before the error is still there to read */
        read_burst(self);
        return;
    }
    weir_status status = uv_socket_error(self->fd);
    if (status != WEIR_OK) {
        channel_wire_broken(channel, status, "socket");
    } else {
        uv_channel_arm(self);
    }
}

/* Inlined into each of the two below: what a plain socket does must not ask what it reads. */
static inline __attribute__((always_inline)) void serve(uv_poll_t *poll, int status, int events,
                                                        void (*read_burst)(uv_channel *)) {
    uv_channel *self = poll->data;
    weir_channel *channel = &self->channel;
    note_event_of(channel->loop, channel->id);
    if (WEIR_UNLIKELY(status != 0)) {
        on_socket_failed(self, read_burst);
        return;
    }
    if ((events & UV_WRITABLE) != 0) {
        self->blocked = false;
        channel_wire_drained(channel);
        uv_channel_arm(self);
        if (!channel_is_open(channel)) return;
    }
    if ((events & (UV_READABLE | UV_DISCONNECT)) != 0) {
        if (channel_wants_reading(channel)) {
            read_burst(self);
        } else if ((events & UV_DISCONNECT) != 0 && !self->peer_ending) {
            self->peer_ending = true;
            uv_channel_arm(self);
            channel_wire_peer_ending(channel);
        }
    }
    if (WEIR_UNLIKELY(events == UV_PRIORITIZED)) { /* so libuv tells a hang-up that nobody asked for */
        self->hung_up = true;
        uv_channel_arm(self);
    }
}

static void on_poll(uv_poll_t *poll, int status, int events) {
    serve(poll, status, events, uv_read_burst);
}

static void on_poll_with_fds(uv_poll_t *poll, int status, int events) {
    serve(poll, status, events, uv_receive_burst);
}

static void on_poll_by_splice(uv_poll_t *poll, int status, int events) {
    serve(poll, status, events, uv_splice_burst);
}

/* Once the peer's end is known its level-triggered report would never stop; an error still shows then. The
 * same goes for a hang-up. */
static int wanted_events(const uv_channel *self) {
    int wanted = 0;
    if (self->blocked) wanted |= UV_WRITABLE;
    if (channel_wants_reading(&self->channel)) wanted |= UV_READABLE;
    if (!self->peer_ending && !self->channel.peer_closed) wanted |= UV_DISCONNECT;
    return wanted == 0 && !self->hung_up ? UV_PRIORITIZED : wanted;
}

void uv_channel_arm(uv_channel *self) {
    if (!channel_is_open(&self->channel) || self->fd < 0 || wanted_events(self) == self->armed) return;
    if (!weir_list_is_empty(&self->rearm)) return;
    uv_driver *driver = driver_of(self->channel.loop);
    weir_list_push_back(&driver->rearm, &self->rearm);
    if (uv_has_host(driver))
        driver->loop.driver->continues(&driver->loop); /* or its run may end before the turn */
}

static bool receives_fds(const uv_channel *self) {
    return self->channel.wire->takes != NULL && self->channel.options->receive_fds != 0;
}

/* A splice would leave descriptors that come along behind. */
static uv_poll_cb callback_of(const uv_channel *self) {
    if (self->is_datagram) return uv_datagram_ready;
    if (receives_fds(self)) return on_poll_with_fds;
    return self->channel.options->read_by_splice ? on_poll_by_splice : on_poll;
}

void uv_channel_rearm(uv_channel *self) {
    int wanted = wanted_events(self);
    if (wanted == self->armed) return;
    self->armed = (unsigned char)wanted;
    if (wanted != 0) {
        uv_poll_start(&self->poll, wanted, callback_of(self));
    } else {
        uv_poll_stop(&self->poll);
    }
}

static void update_reading(weir_channel *channel) {
    uv_channel_arm(uv_channel_of(channel));
}

/* ---- ending ---- */

static void on_closed(uv_handle_t *handle) {
    uv_channel *self = handle->data;
    if (self->is_client) uv_connect_closed(self);
    channel_wire_closed(&self->channel);
}

static void shut(weir_channel *channel) {
    shutdown(uv_channel_of(channel)->fd, SHUT_WR);
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
    if (self->fd < 0) {
        if (self->is_client) {
            uv_connect_close_unopened(self);
        } else {
            uv_adopt_close_unopened(self);
        }
        return;
    }
    if (abort) {
        uv_reset_on_close(self->fd);
    } else {
        discard_unread(self->fd);
    }
    weir_list_remove(&self->rearm);
    uv_close((uv_handle_t *)&self->poll, on_closed);
    close(self->fd);
    self->fd = -1;
}

static int fd_of(const weir_channel *channel) {
    return ((const uv_channel *)(const void *)channel)->fd;
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
    self->fd = -1;
    weir_list_init(&self->rearm);
    channel_init(&self->channel, loop, family == AF_UNIX ? &unix_wire : &uv_wire, options, owner);
}

weir_status uv_channel_attach(uv_channel *self, int fd) {
    int failed = uv_poll_init(driver_of(self->channel.loop)->uv, &self->poll, fd);
    if (failed != 0) {
        close(fd);
        return (weir_status)failed;
    }
    self->poll.data = self;
    self->fd = fd;
    return WEIR_OK;
}

weir_channel *net_channel_new(weir_loop *loop, int fd, const struct sockaddr *peer,
                              const weir_channel_options *options, channel_owner *owner) {
    uv_channel *self = weir_alloc_zeroed(loop->alloc, 1, sizeof *self);
    if (self == NULL) {
        close(fd);
        return NULL;
    }
    uv_channel_init(self, loop, peer->sa_family, options, owner);
    if (uv_channel_attach(self, fd) != WEIR_OK) {
        weir_channel_release(&self->channel);
        return NULL;
    }
    channel_note_remote(&self->channel, peer);
    return &self->channel;
}
