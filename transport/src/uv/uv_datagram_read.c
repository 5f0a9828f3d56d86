/* uv_datagram_read.c - the one read loop of datagrams: bufs from the pool, filled many at once, handed in, then
 * read_complete.
 *
 *     recvmmsg:  [datagram][datagram][ run of three ]      a run (GRO) is one buf;
 *     read:      [datagram][datagram][slice][slice][slice]  each slice is a datagram
 *
 * Room is made for as many as came last time and half as many more, so that neither an idle channel holds bufs
 * nor a quiet one takes bufs to give them back. A call that does not fill its room ends the burst.
 */
#include <weir/buffer/buf_bytes.h>
#include <weir/buffer/buf_view.h>

#include "uv/sys.h"
#include "uv/uv_datagram.h"

/* A datagram this much shorter than its buf moves to a smaller one: 60 bytes in a queue must not hold 64 KiB. */
#define WASTE_RATIO 16
#define SMALLEST_WASTE 4096

typedef struct arrivals {
    unsigned room;
    unsigned delivered;
    weir_datagram *datagrams[DATAGRAM_BATCH];
    struct iovec iov[DATAGRAM_BATCH];
    datagram_control control[DATAGRAM_BATCH];
    struct mmsghdr headers[DATAGRAM_BATCH];
} arrivals;

/* ---- making room ---- */

static bool make_room(uv_datagram *self, arrivals *in) {
    weir_loop *loop = self->uv.channel.loop;
    unsigned i = in->room;
    weir_datagram *datagram = datagram_get(loop, weir_pool_get(loop->pool, self->buffer_size));
    if (datagram == NULL) return false;
    in->datagrams[i] = datagram;
    in->iov[i] = (struct iovec){datagram->content->wp, self->buffer_size};
    in->headers[i].msg_hdr = (struct msghdr){
        .msg_name = &datagram->remote.as,
        .msg_namelen = sizeof datagram->remote.as,
        .msg_iov = &in->iov[i],
        .msg_iovlen = 1,
        .msg_control = &in->control[i],
        .msg_controllen = sizeof in->control[i],
    };
    in->room++;
    return true;
}

static void note_arrivals(uv_datagram *self, unsigned came, unsigned room) {
    unsigned batch = self->plan.options.batch;
    unsigned next = came == room ? room * 2 : came + came / 2 + 1;
    if (next < 2) next = 2;
    self->expected = next < batch ? next : batch;
}

/* ---- handing in ---- */

/* Takes: datagram. */
static void hand_in(uv_datagram *self, arrivals *in, weir_datagram *datagram) {
    weir_channel *channel = &self->uv.channel;
    size_t len = weir_buf_readable(datagram->content), most = self->plan.options.max_size;
    if (len > most) datagram->truncated = true;
    if (datagram->truncated) self->stats.truncated++;
    bool keeps = !datagram->truncated || self->plan.options.keep_truncated;
    if (!keeps || !channel_is_open(channel) || channel->close_wanted) {
        weir_datagram_release(datagram);
        return;
    }
    if (len > most && !weir_buf_set_positions(datagram->content, 0, most)) WEIR_UNREACHABLE();
    self->stats.received++;
    in->delivered++;
    channel->stats.bytes_read += weir_buf_readable(datagram->content);
    channel_wire_read(channel, &datagram->obj);
}

static void move_if_wasteful(uv_datagram *self, weir_datagram *datagram) {
    size_t len = weir_buf_readable(datagram->content);
    if (self->buffer_size < SMALLEST_WASTE || len > self->buffer_size / WASTE_RATIO) return;
    weir_buf *small = weir_pool_get(self->uv.channel.loop->pool, len);
    if (small == NULL) return; /* it works as it is */
    weir_buf_write_bytes(small, datagram->content->rp, len);
    weir_buf_release(datagram->content);
    datagram->content = small;
}

/* Takes: run. */
static void hand_in_run(uv_datagram *self, arrivals *in, weir_datagram *run, size_t segment) {
    weir_loop *loop = self->uv.channel.loop;
    size_t len = weir_buf_readable(run->content);
    for (size_t at = 0; at < len; at += segment) {
        size_t n = len - at < segment ? len - at : segment;
        weir_datagram *part = datagram_get(loop, weir_buf_slice(run->content, at, n));
        if (part == NULL) {
            self->stats.dropped++;
            continue;
        }
        part->remote = run->remote;
        part->local = run->local;
        part->interface = run->interface;
        part->ecn = run->ecn;
        self->stats.coalesced++;
        hand_in(self, in, part);
    }
    weir_datagram_release(run);
}

static void hand_in_arrival(uv_datagram *self, arrivals *in, unsigned i) {
    weir_datagram *datagram = in->datagrams[i];
    struct msghdr *header = &in->headers[i].msg_hdr;
    weir_buf_commit(datagram->content, in->headers[i].msg_len);
    datagram->remote.len = header->msg_namelen;
    datagram->truncated = (header->msg_flags & MSG_TRUNC) != 0;
    size_t segment = uv_datagram_read_control(datagram, header);
    if (segment != 0 && segment < in->headers[i].msg_len) {
        hand_in_run(self, in, datagram, segment);
    } else {
        move_if_wasteful(self, datagram);
        hand_in(self, in, datagram);
    }
}

/* ---- reading ---- */

/* No memory to receive into: the oldest one goes, as it would from a full socket. */
static ssize_t drop_one(uv_datagram *self) {
    char byte;
    struct iovec iov = {&byte, 1};
    struct mmsghdr header = {.msg_hdr = {.msg_iov = &iov, .msg_iovlen = 1}};
    ssize_t came = sys_recvmmsg(self->uv.watch.fd, &header, 1, MSG_DONTWAIT);
    if (came > 0) self->stats.dropped++;
    return came;
}

/* One system call and what it brought; the count of messages, or -errno. */
static ssize_t read_once(uv_datagram *self, arrivals *in, bool *full) {
    unsigned want = self->expected;
    for (in->room = 0; in->room < want && make_room(self, in);) continue;
    ssize_t came;
    do {
        came = in->room > 0 ? sys_recvmmsg(self->uv.watch.fd, in->headers, in->room, MSG_DONTWAIT)
                            : drop_one(self);
    } while (WEIR_UNLIKELY(came == -EINTR));
    unsigned filled = in->room > 0 && came > 0 ? (unsigned)came : 0;
    for (unsigned i = filled; i < in->room; i++) weir_datagram_release(in->datagrams[i]);
    *full = came > 0 && (in->room == 0 || filled == in->room);
    if (filled == 0) return came;
    note_arrivals(self, filled, in->room);
    self->uv.channel.stats.reads++;
    self->stats.receive_calls++;
    for (unsigned i = 0; i < filled; i++) hand_in_arrival(self, in, i);
    return came;
}

void uv_datagram_read_burst(uv_datagram *self) {
    weir_channel *channel = &self->uv.channel;
    unsigned turns = channel->options->reads_per_turn;
    uint64_t dropped = self->stats.dropped;
    arrivals in;
    in.delivered = 0;
    ssize_t came = 0;
    bool full = true;
    for (unsigned i = 0; i < turns && full && (i == 0 || channel_wants_reading(channel)); i++) {
        came = read_once(self, &in, &full);
    }
    if (in.delivered > 0) channel_wire_read_complete(channel);
    if (came < 0 && came != -EAGAIN) uv_datagram_report(self, (weir_status)came, "read");
    if (self->stats.dropped != dropped) uv_datagram_report(self, WEIR_E_NO_MEMORY, "read");
}
