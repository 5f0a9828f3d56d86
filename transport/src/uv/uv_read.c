/* uv_read.c - the one read loop: bufs from the pool, filled and handed in, then read_complete.
 *
 * A buf is taken only when there is something to read, so an idle connection holds none. A read that does not
 * fill its buf ends the burst: asking again would only be told EAGAIN.
 */
#include <errno.h>

#include "uv/sys.h"
#include "uv/uv_fds.h"
#include "uv/uv_internal.h"

typedef enum read_outcome {
    READ_MORE,
    READ_ENOUGH,
    READ_NOTHING,
    READ_END,
    READ_BROKEN
} read_outcome;

/* Hands `got` bytes in, or what else that says. Takes: buf. */
static inline read_outcome hand_in(uv_channel *self, weir_buf *buf, size_t room, ssize_t got,
                                   weir_status *status) {
    weir_channel *channel = &self->channel;
    if (WEIR_UNLIKELY(got <= 0)) {
        *status = (weir_status)got;
        weir_buf_release(buf);
        return got == 0 ? READ_END : *status == -EAGAIN ? READ_NOTHING : READ_BROKEN;
    }
    weir_buf_commit(buf, (size_t)got);
    read_sizer_note(&channel->sizer, (size_t)got, room);
    channel->stats.reads++;
    channel->stats.bytes_read += (uint64_t)got;
    channel_wire_read(channel, &buf->obj);
    return (size_t)got < room ? READ_ENOUGH : READ_MORE;
}

/* One read(2) into a new buf, which goes in at the head. A failure is in *status. */
static read_outcome read_once(uv_channel *self, weir_status *status) {
    weir_channel *channel = &self->channel;
    weir_buf *buf = weir_pool_get(channel->loop->pool, channel->sizer.size);
    if (WEIR_UNLIKELY(buf == NULL)) {
        *status = WEIR_E_NO_MEMORY;
        return READ_BROKEN;
    }
    size_t room = weir_buf_writable(buf);
    ssize_t got;
    do {
        got = sys_read(self->fd, buf->wp, room);
    } while (WEIR_UNLIKELY(got == -EINTR));
    return hand_in(self, buf, room, got, status);
}

/* The same with recvmsg(2), for the descriptors that come along: they go in before the bytes. A read that brought some
 * is short, whatever its size: the kernel stops behind them. */
static read_outcome receive_once(uv_channel *self, weir_status *status) {
    weir_channel *channel = &self->channel;
    weir_buf *buf = weir_pool_get(channel->loop->pool, channel->sizer.size);
    if (buf == NULL) {
        *status = WEIR_E_NO_MEMORY;
        return READ_BROKEN;
    }
    uv_fds_room control;
    size_t room = weir_buf_writable(buf);
    struct iovec iov = {buf->wp, room};
    struct msghdr header = {.msg_iov = &iov, .msg_iovlen = 1};
    uv_fds_expect(channel, &header, &control);
    ssize_t got;
    do {
        got = sys_recvmsg(self->fd, &header, MSG_CMSG_CLOEXEC);
    } while (got == -EINTR);
    if (got > 0) *status = uv_fds_hand_in(channel, &header);
    if (*status != WEIR_OK || !channel_is_open(channel)) {
        weir_buf_release(buf);
        return READ_BROKEN;
    }
    bool brought = header.msg_controllen > 0;
    read_outcome outcome = hand_in(self, buf, room, got, status);
    return brought && outcome == READ_ENOUGH ? READ_MORE : outcome;
}

/* Inlined into each, so that the choice costs a plain socket nothing. */
static inline __attribute__((always_inline)) void burst(uv_channel *self,
                                                        read_outcome (*once)(uv_channel *, weir_status *)) {
    weir_channel *channel = &self->channel;
    weir_status status = WEIR_OK;
    read_outcome outcome = READ_MORE;
    bool any = false;
    bool failed_socket = self->armed == 0; /* after POLLERR go on until the error itself is read */
    for (unsigned i = channel->options->reads_per_turn; i > 0 && outcome == READ_MORE; i--) {
        if (i < channel->options->reads_per_turn && !channel_wants_reading(channel)) break;
        outcome = once(self, &status);
        any = any || outcome <= READ_ENOUGH;
        if (outcome == READ_ENOUGH && failed_socket) outcome = READ_MORE;
    }
    if (any) channel_wire_read_complete(channel);
    if (!channel_is_open(channel)) return;
    if (outcome == READ_END) {
        channel_wire_peer_closed(channel);
    } else if (outcome == READ_BROKEN) {
        channel_wire_broken(channel, status, "read");
    }
    if (failed_socket) uv_channel_arm(self);
}

void uv_read_burst(uv_channel *self) {
    burst(self, read_once);
}

void uv_receive_burst(uv_channel *self) {
    burst(self, receive_once);
}
