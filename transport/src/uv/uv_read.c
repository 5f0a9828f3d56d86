/* uv_read.c - the one read loop: bufs from the pool, filled and handed in, then read_complete.
 *
 * A buf is taken only when there is something to read, so an idle connection holds none. A read that does not
 * fill its buf ends the burst: asking again would only be told EAGAIN. With read_by_splice, reads that have grown
 * beyond what a drain would join by reading leave their bytes in a pipe; all else is the same.
 *
 * An accepted socket is read at the end of its turn, before it is watched: where callers speak first, most have spoken by
 * then, and one that is answered and closed at once need not be watched at all.
 */
#include <errno.h>

#include "region/pipe_region.h"
#include "uv/sys.h"
#include "uv/uv_fds.h"
#include "uv/uv_internal.h"

/* What a read came to, or, negative, why nothing came. -EAGAIN: there is no more. */
enum {
    READ_END,
    READ_ENOUGH,
    READ_MORE
};

/* `got` bytes came where `room` had been expected. Takes: msg. */
static inline int pass_in(weir_channel *channel, weir_obj *msg, size_t got, size_t room) {
    read_sizer_note(&channel->sizer, channel->options, got, room);
    channel->stats.reads++;
    channel->stats.bytes_read += (uint64_t)got;
    channel_wire_read(channel, msg);
    return got < room ? READ_ENOUGH : READ_MORE;
}

/* Hands `got` bytes in, or what else that says. Takes: buf. */
static inline int hand_in(uv_channel *self, weir_buf *buf, size_t room, ssize_t got) {
    if (WEIR_UNLIKELY(got <= 0)) {
        weir_buf_release(buf);
        return (int)got;
    }
    weir_buf_commit(buf, (size_t)got);
    return pass_in(&self->channel, &buf->obj, (size_t)got, room);
}

/* One recv(2) into a new buf, which goes in at the head. */
static inline __attribute__((always_inline)) int read_once(uv_channel *self) {
    weir_channel *channel = &self->channel;
    weir_buf *buf = weir_pool_get(channel->loop->pool, channel->sizer.size);
    if (WEIR_UNLIKELY(buf == NULL)) return WEIR_E_NO_MEMORY;
    size_t room = weir_buf_writable(buf);
    ssize_t got;
    do {
        got = sys_recv(self->watch.fd, buf->wp, room);
    } while (WEIR_UNLIKELY(got == -EINTR));
    return hand_in(self, buf, room, got);
}

/* The same into a pipe, while it is a flood that comes; where that cannot be done, into a buf. */
static int splice_once(uv_channel *self) {
    weir_channel *channel = &self->channel;
    const weir_channel_options *options = channel->options;
    weir_status status = WEIR_E_UNSUPPORTED;
    weir_region *region = NULL;
    if (channel->sizer.size > options->region_join_max && channel_need_rare(channel) != NULL)
        region = pipe_region_fill(channel->loop, self->watch.fd, options->read_pipe_size, &status);
    if (region == NULL) return status == WEIR_E_UNSUPPORTED ? read_once(self) : (int)status;
    channel->rare->spliced_reads++;
    return pass_in(channel, &region->obj, (size_t)region->length, channel->sizer.size);
}

/* The same with recvmsg(2), for the descriptors that come along: they go in before the bytes. A read that brought some
 * is short, whatever its size: the kernel stops behind them. */
static int receive_once(uv_channel *self) {
    weir_channel *channel = &self->channel;
    weir_buf *buf = weir_pool_get(channel->loop->pool, channel->sizer.size);
    if (buf == NULL) return WEIR_E_NO_MEMORY;
    uv_fds_room control;
    size_t room = weir_buf_writable(buf);
    struct iovec iov = {buf->wp, room};
    struct msghdr header = {.msg_iov = &iov, .msg_iovlen = 1};
    uv_fds_expect(channel, &header, &control);
    ssize_t got;
    do {
        got = sys_recvmsg(self->watch.fd, &header, MSG_CMSG_CLOEXEC);
    } while (got == -EINTR);
    weir_status status = got > 0 ? uv_fds_hand_in(channel, &header) : WEIR_OK;
    if (status != WEIR_OK || !channel_is_open(channel)) {
        weir_buf_release(buf);
        return status;
    }
    bool brought = header.msg_controllen > 0;
    int outcome = hand_in(self, buf, room, got);
    return brought && outcome == READ_ENOUGH ? READ_MORE : outcome;
}

static WEIR_COLD void end_burst(uv_channel *self, int outcome) {
    weir_channel *channel = &self->channel;
    if (!channel_is_open(channel)) return;
    if (outcome == READ_END) {
        channel_wire_peer_closed(channel);
    } else if (outcome < 0 && outcome != -EAGAIN) {
        channel_wire_broken(channel, (weir_status)outcome, "read");
    }
    if (self->watch.events == 0) uv_channel_arm(self);
}

/* From the second read on, or when the first brought nothing. */
static __attribute__((noinline)) void burst_on(uv_channel *self, int (*once)(uv_channel *), int outcome) {
    weir_channel *channel = &self->channel;
    bool has_failed = self->failed;
    int least = has_failed ? READ_ENOUGH : READ_MORE;
    bool any = outcome > 0;
    for (unsigned i = channel->options->reads_per_turn - 1; outcome >= least && i > 0; i--) {
        if (!channel_wants_reading(channel)) break;
        outcome = once(self);
        any = any || outcome > 0;
    }
    if (any) channel_wire_read_complete(channel);
    if (outcome <= 0 || has_failed) end_burst(self, outcome);
}

/* What follows the first read, which is mostly the end of the burst. */
static inline void go_on(uv_channel *self, int outcome, int (*once)(uv_channel *)) {
    if (WEIR_LIKELY(outcome == READ_ENOUGH && !self->failed)) {
        channel_wire_read_complete(&self->channel);
    } else {
        burst_on(self, once, outcome);
    }
}

/* Not in line. */
static int read_more(uv_channel *self) {
    return read_once(self);
}

WEIR_HOT void uv_read_burst(uv_channel *self) {
    go_on(self, read_once(self), read_more);
}

void uv_splice_burst(uv_channel *self) {
    go_on(self, splice_once(self), splice_once);
}

void uv_receive_burst(uv_channel *self) {
    go_on(self, receive_once(self), receive_once);
}

/* ---- first reads ---- */

enum {
    VAIN_MOST = 32,  /* then only a few are tried */
    VAIN_FOUND = 2,  /* what one that finds something makes up for */
    PASSED_MOST = 16 /* from one that is tried to the next */
};

static void read_first(uv_driver *driver, uv_channel *self) {
    if (driver->vain >= VAIN_MOST && ++driver->passed % PASSED_MOST != 0) return;
    self->watch.ready(&self->watch, EPOLLIN);
    if (self->channel.stats.reads == 0 && channel_is_open(&self->channel)) {
        if (driver->vain < VAIN_MOST) driver->vain++;
    } else {
        driver->vain -= driver->vain < VAIN_FOUND ? driver->vain : VAIN_FOUND;
    }
}

/* Each is back in the list before it is read: whatever its handlers end leaves the list whole. */
void uv_read_fresh(uv_driver *driver) {
    weir_list all;
    weir_list_init(&all);
    weir_list_splice(&all, &driver->rearm);
    for (weir_list *link = weir_list_pop_front(&all); link != NULL; link = weir_list_pop_front(&all)) {
        uv_channel *self = WEIR_CONTAINER(link, uv_channel, watch.rearm);
        bool is_fresh = self->is_fresh;
        self->is_fresh = false;
        weir_list_push_back(&driver->rearm, link);
        if (is_fresh && channel_wants_reading(&self->channel)) read_first(driver, self);
    }
}
