/* uv_read.c - the one read loop: bufs from the pool, filled and handed in, then read_complete.
 *
 * A buf is taken only when there is something to read, so an idle connection holds none. A read that does not
 * fill its buf ends the burst: asking again would only be told EAGAIN. With read_by_splice, reads that have grown
 * beyond what a drain would join by reading leave their bytes in a pipe; all else is the same.
 */
#include <errno.h>

#include "region/pipe_region.h"
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

/* Nothing came, because of `status`. */
static read_outcome read_ended(weir_status status) {
    return status == WEIR_OK ? READ_END : status == -EAGAIN ? READ_NOTHING : READ_BROKEN;
}

/* `got` bytes came where `room` had been expected. Takes: msg. */
static inline read_outcome pass_in(weir_channel *channel, weir_obj *msg, size_t got, size_t room) {
    read_sizer_note(&channel->sizer, got, room);
    channel->stats.reads++;
    channel->stats.bytes_read += (uint64_t)got;
    channel_wire_read(channel, msg);
    return got < room ? READ_ENOUGH : READ_MORE;
}

/* Hands `got` bytes in, or what else that says. Takes: buf. */
static inline read_outcome hand_in(uv_channel *self, weir_buf *buf, size_t room, ssize_t got,
                                   weir_status *status) {
    if (WEIR_UNLIKELY(got <= 0)) {
        *status = (weir_status)got;
        weir_buf_release(buf);
        return read_ended(*status);
    }
    weir_buf_commit(buf, (size_t)got);
    return pass_in(&self->channel, &buf->obj, (size_t)got, room);
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
        got = sys_read(self->watch.fd, buf->wp, room);
    } while (WEIR_UNLIKELY(got == -EINTR));
    return hand_in(self, buf, room, got, status);
}

/* The same into a pipe, while it is a flood that comes; where that cannot be done, into a buf. */
static read_outcome splice_once(uv_channel *self, weir_status *status) {
    weir_channel *channel = &self->channel;
    const weir_channel_options *options = channel->options;
    if (channel->sizer.size <= options->region_join_max) return read_once(self, status);
    weir_region *region = pipe_region_fill(channel->loop, self->watch.fd, options->read_pipe_size, status);
    if (region == NULL) return *status == WEIR_E_UNSUPPORTED ? read_once(self, status) : read_ended(*status);
    channel->stats.spliced_reads++;
    return pass_in(channel, &region->obj, (size_t)region->length, channel->sizer.size);
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
        got = sys_recvmsg(self->watch.fd, &header, MSG_CMSG_CLOEXEC);
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
    bool failed_socket = self->watch.events == 0; /* after POLLERR go on until the error itself is read */
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

void uv_splice_burst(uv_channel *self) {
    burst(self, splice_once);
}

void uv_receive_burst(uv_channel *self) {
    burst(self, receive_once);
}
