/* uv_datagram.h - private: a datagram socket as a wire.
 *
 *     uv_datagram_open.c    resolve, bind, connect: the beginning
 *     uv_datagram.c         what it is polled for, how it goes
 *     uv_datagram_read.c    recvmmsg, runs cut into slices
 *     uv_datagram_drain.c   sendmmsg, neighbours joined into runs
 *     uv_datagram_control.c what goes beside the bytes, both ways
 */
#ifndef WEIR_UV_DATAGRAM_H
#define WEIR_UV_DATAGRAM_H

#include "bootstrap/datagram_socket.h"
#include "channel/datagram_internal.h"
#include "uv/uv_opening.h"

enum {
    DATAGRAM_BATCH = 64,  /* messages in one system call */
    DATAGRAM_RUN = 65507, /* bytes in one run */
};

/* What goes beside a message: an address (40 bytes), ECN and the length of segments (24 each). */
typedef union datagram_control {
    size_t align;
    unsigned char room[96];
} datagram_control;

typedef struct uv_datagram {
    uv_channel uv; /* first: it is freed through it */
    weir_channel_options options;
    datagram_plan plan;
    weir_promise *promise; /* of opening */
    uv_opening opening;
    weir_resolution *resolution; /* under way */
    weir_timer retry;            /* the kernel had no memory for what we sent */
    bool failed;                 /* to open, of its own, not because someone closed it */
    bool retrying;               /* the timer runs */
    unsigned expected;           /* messages to make room for in the next recvmmsg */
    size_t buffer_size;          /* room for each */
    size_t run_segment;          /* the longest segment the kernel may still be asked to cut; 0: none */
    weir_datagram_stats stats;
} uv_datagram;

static inline uv_datagram *uv_datagram_of(uv_channel *self) {
    return WEIR_CONTAINER(self, uv_datagram, uv);
}

static inline uv_datagram *uv_datagram_of_channel(weir_channel *channel) {
    return uv_datagram_of(uv_channel_of(channel));
}

extern const wire_ops uv_datagram_wire;

/* An error that ends nothing. Afterwards the channel may be closed. */
void uv_datagram_report(uv_datagram *self, weir_status status, const char *what);

/* Reads until short, empty, or the turn's budget. Afterwards the channel may be closed. */
void uv_datagram_read_burst(uv_datagram *self);

void uv_datagram_drain(weir_channel *channel);

/* Into the datagram's fields; answers how long the segments of a run are, 0: it is none. */
size_t uv_datagram_read_control(weir_datagram *datagram, struct msghdr *header);

/* Behind what is in header->msg_control, which has room. */
void uv_datagram_add_control(const uv_datagram *self, struct msghdr *header, const weir_datagram *datagram);
void uv_datagram_add_segment(struct msghdr *header, uint16_t segment);

/* What is still promised of opening ends now. */
void uv_datagram_settle(uv_datagram *self, weir_status status);
/* For a channel that never had a socket: calls channel_wire_closed soon. */
void uv_datagram_close_unopened(uv_datagram *self);

#endif
