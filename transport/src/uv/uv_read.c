/* uv_read.c - the one read loop: bufs from the pool, filled and handed in, then read_complete.
 *
 * A buf is taken only when there is something to read, so an idle connection holds none. A read that does not
 * fill its buf ends the burst: asking again would only be told EAGAIN.
 */
#include <errno.h>

#include "uv/sys.h"
#include "uv/uv_internal.h"

typedef enum read_outcome {
    READ_MORE,
    READ_ENOUGH,
    READ_NOTHING,
    READ_END,
    READ_BROKEN
} read_outcome;

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

void uv_read_burst(uv_channel *self) {
    weir_channel *channel = &self->channel;
    weir_status status = WEIR_OK;
    read_outcome outcome = READ_MORE;
    bool any = false;
    bool failed_socket = self->armed == 0; /* after POLLERR go on until the error itself is read */
    for (unsigned i = channel->options->reads_per_turn; i > 0 && outcome == READ_MORE; i--) {
        if (i < channel->options->reads_per_turn && !channel_wants_reading(channel)) break;
        outcome = read_once(self, &status);
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
