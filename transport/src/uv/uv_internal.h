/* uv_internal.h - private: sockets and what drives a loop. The only folder that sees uv.h.
 *
 * Sockets are our own non-blocking descriptors in an epoll set of our own (uv_watch.h): a stream of libuv has no
 * "writable now", so nothing could be ordered behind a full socket, and it cannot say where a burst of reads ends.
 * libuv has the thread pool and the signals, and a host's loop can drive ours.
 */
#ifndef WEIR_UV_INTERNAL_H
#define WEIR_UV_INTERNAL_H

#include <uv.h>

#include "bootstrap/net.h"
#include "channel/channel_internal.h"
#include "uv/uv_watch.h"

enum {
    MOST_IOVECS = 1024,
    MOST_EVENTS = 512 /* of one wait; those that are left come with the next */
};

/* What goes to a socket in one gathered write. */
typedef struct uv_batch {
    size_t count;
    size_t bytes;
    bool more;           /* a sendfile or our end follows */
    bool cold;           /* the next bytes have to be waited for */
    weir_status failure; /* why the next bytes cannot be had */
    struct iovec iov[MOST_IOVECS];
} uv_batch;

struct uv_driver {
    weir_loop loop;
    uv_loop_t *uv;
    uv_loop_t own; /* what uv points to unless the host's is used */
    int epoll_fd;
    int watched;       /* descriptors in the set, but for the loop's own */
    uv_watch wake;     /* an eventfd */
    uv_watch alarm;    /* a timerfd */
    uint64_t alarm_at; /* when it is due, in the loop's ms; UINT64_MAX: never */
    uv_watch uv_ready; /* of a loop of our own: libuv's descriptor */
    bool uv_waits;     /* libuv must be run although its descriptor is silent */
    bool is_running;   /* inside of weir_loop_run or weir_loop_turn */
    uv_watch *closing, **last_closing;
    weir_list rearm;   /* watches of channels whose mask may have to change */
    unsigned vain;     /* first reads of late (uv_read_fresh) */
    unsigned passed;   /* channels that were not read first */
    uv_poll_t set;     /* on a host's loop: of epoll_fd */
    uv_prepare_t turn; /* there: the end of a turn, just before the loop sleeps */
    uv_idle_t again;   /* there: active when it must not sleep */
    int handles;       /* of libuv that are not closed yet */
    struct epoll_event events[MOST_EVENTS];
    uv_batch batch; /* of the drain that is running */
};

typedef struct uv_channel {
    weir_channel channel; /* first: it is freed through it */
    uv_watch watch;
    bool blocked;         /* the socket was full: wait until it is writable */
    bool cold;            /* the disk is being waited for on the thread pool */
    bool peer_ending;     /* seen while paused */
    bool hung_up;         /* both directions have ended: only a read has more to tell */
    bool corked;          /* bytes were sent with MSG_MORE and nothing after them yet */
    bool failed;          /* the socket has: read on until the error itself is read */
    bool is_fresh;        /* accepted, and neither read nor watched yet */
    bool is_client : 1;   /* it is the first member of a client (uv_connect.c) */
    bool is_adopted : 1;  /* it is the first member of an adopted (uv_adopt.c) */
    bool is_datagram : 1; /* of a uv_datagram (uv_datagram.h) */
} uv_channel;

static inline uv_driver *driver_of(weir_loop *loop) {
    return WEIR_CONTAINER(loop, uv_driver, loop);
}

static inline bool uv_has_host(const uv_driver *self) {
    return self->uv != &self->own;
}

static inline uv_channel *uv_channel_of(weir_channel *channel) {
    return WEIR_CONTAINER(channel, uv_channel, channel);
}

/* What the channel is polled for may have to change. That costs a system call, so it waits for the end of the turn: a
 * pause and a resume in one turn cost nothing. */
void uv_channel_arm(uv_channel *self);
void uv_channel_rearm(uv_channel *self);

/* uv_read.c: reads until short, empty, or the turn's budget. Afterwards the channel may be closed. */
void uv_read_burst(uv_channel *self);
/* The same where a flood goes into pipes (read_by_splice). */
void uv_splice_burst(uv_channel *self);
/* The same with the descriptors that come along. */
void uv_receive_burst(uv_channel *self);
/* Channels of the driver's list that were accepted in this turn are read before they are watched. */
void uv_read_fresh(uv_driver *driver);

/* uv_datagram.c: what is polled for has happened on a datagram socket. */
void uv_datagram_ready(uv_watch *watch, uint32_t events);

/* uv_drain.c */
void uv_drain(weir_channel *channel);

/* uv_connect.c: the channel's wire has let go, so what is still promised of connecting ends now. */
void uv_connect_closed(uv_channel *self);
/* For a channel that never had a socket: ends the attempts, calls channel_wire_closed soon. */
void uv_connect_close_unopened(uv_channel *self);

/* uv_adopt.c: the same. */
void uv_adopt_close_unopened(uv_channel *self);

/* Gives an accepted or new socket to the channel. Takes: fd. */
void uv_channel_attach(uv_channel *self, int fd);
/* `family` is AF_UNIX where that is known; descriptors can be written then. */
void uv_channel_init(uv_channel *self, weir_loop *loop, int family, const weir_channel_options *options,
                     channel_owner *owner);

/* socket_options.c: closing it will reset the connection. */
void uv_reset_on_close(int fd);

/* The error waiting on the socket, taken off it; WEIR_OK when there is none. */
weir_status uv_socket_error(int fd);

#endif
