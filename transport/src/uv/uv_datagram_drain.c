/* uv_datagram_drain.c - the one drain loop of datagrams: the front of the queue into the socket by sendmmsg.
 *
 *     [100 to A][100 to A][60 to A] [100 to B] [5000 to B, segment 1000]
 *      one message, cut by the       message    one message, cut by
 *      kernel at 100: a run                     the kernel at 1000
 *      ------------------- one system call -------------------------
 *
 * Where the kernel will not cut, the same goes out as single messages. What it refuses fails its own entry.
 */
#include <string.h>

#include <weir/buffer/buf_bytes.h>
#include <weir/buffer/buf_io.h>

#include "uv/sys.h"
#include "uv/uv_datagram.h"

/* The kernel had no memory: the least time after which asking again may help. */
#define RETRY_MS 1
/* UDP_MAX_SEGMENTS of older kernels. */
#define MOST_SEGMENTS 64

typedef enum outcome {
    SENT,    /* go on */
    DONE,    /* nothing left that may be sent */
    BLOCKED, /* the socket is full */
    LATER,   /* the kernel has no memory */
} outcome;

/* One message of the system call: whole entries, or a piece of the front one. */
typedef struct shipment {
    const weir_datagram *datagram; /* the first one: where to; NULL for a bare buf */
    unsigned entries;              /* whole ones; 0: a piece */
    unsigned datagrams;
    size_t bytes;
    size_t segment; /* of a run: how long each is but the last */
    bool closed;    /* no more may join */
    size_t iov_from, iov_count;
} shipment;

typedef struct departures {
    unsigned count;
    size_t iovecs;
    struct iovec *iov; /* of MOST_IOVECS */
    shipment shipments[DATAGRAM_BATCH];
    datagram_control control[DATAGRAM_BATCH];
    struct mmsghdr headers[DATAGRAM_BATCH];
} departures;

/* ---- entries ---- */

static const weir_buf *content_of(const outbound_entry *entry) {
    if (entry->piece != NULL) return entry->piece;
    weir_datagram *datagram = weir_datagram_from(entry->msg);
    return datagram != NULL ? datagram->content : weir_buf_from(entry->msg);
}

static weir_status trouble_with(const outbound_entry *entry) {
    const weir_buf *content = content_of(entry);
    return content != NULL ? weir_buf_status(content) : (weir_status)WEIR_E_UNSUPPORTED;
}

static void fail_front(uv_datagram *self, weir_status status) {
    weir_channel *channel = &self->uv.channel;
    weir_promise *promise;
    weir_obj_release(outbound_queue_pop(&channel->queue, channel->loop, &promise));
    self->stats.send_failed++;
    channel_write_failed(channel, promise, status);
}

static void complete_front(weir_channel *channel) {
    weir_promise *promise;
    weir_obj_release(outbound_queue_pop(&channel->queue, channel->loop, &promise));
    if (promise != NULL) weir_promise_complete(promise, WEIR_OK);
}

/* How much of its content is out already. A piece has only what is not. */
static size_t start_of(const outbound_entry *entry) {
    return entry->piece != NULL ? 0 : (size_t)entry->sent;
}

/* Into one piece, what is left and has more parts than a message may have. */
static bool flatten(weir_channel *channel, outbound_entry *entry) {
    const weir_buf *content = content_of(entry);
    size_t size = (size_t)(entry->size - entry->sent), at = start_of(entry);
    if (entry->piece != NULL || channel_need_rare(channel) == NULL) return false;
    weir_buf *piece = weir_pool_get(channel->loop->pool, size);
    if (piece == NULL) return false;
    if (!weir_buf_get_bytes(content, weir_buf_reader_index(content) + at, piece->wp, size))
        WEIR_UNREACHABLE();
    weir_buf_commit(piece, size);
    entry->piece = piece;
    channel->rare->copied_bytes += size;
    return true;
}

/* ---- gathering: each answers whether the next entry may follow in the same call ---- */

/* All of it, or nothing. */
static bool add_bytes(departures *out, const weir_buf *content, size_t at, size_t len) {
    size_t covered = len, room = MOST_IOVECS - out->iovecs;
    if (len == 0) return true;
    if (WEIR_UNLIKELY(weir_buf_is_composite(content))) {
        size_t count = weir_buf_iovecs(content, at, len, out->iov + out->iovecs, room, &covered);
        if (covered == len) out->iovecs += count;
        return covered == len;
    }
    if (room == 0) return false;
    out->iov[out->iovecs++] = (struct iovec){content->rp + at, len};
    return true;
}

static bool is_same(const weir_addr *addr, const weir_addr *other) {
    return addr->len == other->len && memcmp(addr->as.room, other->as.room, addr->len) == 0;
}

static bool go_the_same_way(const weir_datagram *one, const weir_datagram *other) {
    if (one == NULL || other == NULL) return one == other;
    return is_same(&one->remote, &other->remote) && is_same(&one->local, &other->local) &&
           one->interface == other->interface && one->ecn == other->ecn;
}

static bool may_join(const uv_datagram *self, const shipment *last, const weir_datagram *datagram,
                     size_t size) {
    return !last->closed && size > 0 && size <= last->segment && last->segment <= self->run_segment &&
           last->datagrams < MOST_SEGMENTS && last->bytes + size <= DATAGRAM_RUN &&
           go_the_same_way(last->datagram, datagram);
}

static bool begin_shipment(const uv_datagram *self, departures *out, const shipment *made,
                           const weir_buf *content, size_t at) {
    size_t from = out->iovecs;
    if (out->count == self->plan.options.batch || !add_bytes(out, content, at, made->bytes)) return false;
    shipment *next = &out->shipments[out->count++];
    *next = *made;
    next->iov_from = from;
    next->iov_count = out->iovecs - from;
    return true;
}

/* A datagram that says itself where it is to be cut. */
static bool add_pieces(const uv_datagram *self, departures *out, const outbound_entry *entry,
                       const weir_datagram *datagram) {
    size_t segment = datagram->segment_size, in_one = 1;
    if (segment <= self->run_segment) in_one = DATAGRAM_RUN / segment;
    if (in_one > MOST_SEGMENTS) in_one = MOST_SEGMENTS;
    size_t at = start_of(entry), end = at + (size_t)(entry->size - entry->sent);
    while (at < end) {
        size_t left = end - at, n = left < in_one * segment ? left : in_one * segment;
        shipment piece = {.datagram = datagram,
                          .datagrams = (unsigned)((n + segment - 1) / segment),
                          .bytes = n,
                          .segment = segment,
                          .closed = true};
        if (!begin_shipment(self, out, &piece, content_of(entry), at)) return false;
        at += n;
    }
    return true;
}

static bool add_entry(const uv_datagram *self, departures *out, const outbound_entry *entry) {
    const weir_datagram *datagram = weir_datagram_from(entry->msg);
    size_t size = (size_t)entry->size;
    if (trouble_with(entry) != WEIR_OK) return false;
    if (datagram != NULL && datagram->segment_size != 0 && datagram->segment_size < size)
        return add_pieces(self, out, entry, datagram);
    shipment *last = out->count > 0 ? &out->shipments[out->count - 1] : NULL;
    if (last != NULL && may_join(self, last, datagram, size)) {
        if (!add_bytes(out, content_of(entry), 0, size)) return false;
        last->iov_count = out->iovecs - last->iov_from;
        last->entries++;
        last->datagrams++;
        last->bytes += size;
        last->closed = size < last->segment;
        return true;
    }
    shipment whole = {.datagram = datagram, .entries = 1, .datagrams = 1, .bytes = size, .segment = size};
    return begin_shipment(self, out, &whole, content_of(entry), 0);
}

static void gather(uv_datagram *self, departures *out) {
    outbound_queue *queue = &self->uv.channel.queue;
    out->count = 0;
    out->iovecs = 0;
    out->iov = driver_of(self->uv.channel.loop)->batch.iov;
    for (outbound_entry *entry = queue->head; entry != queue->unflushed; entry = entry->next) {
        if (!add_entry(self, out, entry)) return;
    }
}

/* ---- sending ---- */

static void address(const uv_datagram *self, departures *out, unsigned i) {
    const shipment *from = &out->shipments[i];
    const weir_datagram *datagram = from->datagram;
    struct msghdr *header = &out->headers[i].msg_hdr;
    *header = (struct msghdr){
        .msg_iov = out->iov + from->iov_from, .msg_iovlen = from->iov_count, .msg_control = &out->control[i]};
    if (datagram != NULL) {
        if (datagram->remote.len != 0) {
            header->msg_name = (void *)(uintptr_t)&datagram->remote.as;
            header->msg_namelen = datagram->remote.len;
        }
        uv_datagram_add_control(self, header, datagram);
    }
    if (from->datagrams > 1) uv_datagram_add_segment(header, (uint16_t)from->segment);
}

static bool means_no_run(weir_status status) {
    return status == -EIO || status == -EOPNOTSUPP || status == -ENOPROTOOPT;
}

/* The first message was refused. */
static outcome refused(uv_datagram *self, const shipment *first, weir_status status) {
    if (status == -EAGAIN) {
        channel_note_full(&self->uv.channel);
        return BLOCKED;
    }
    if (status == -ENOBUFS || status == -ENOMEM) return LATER;
    if (status == -ECONNREFUSED) { /* an earlier one was, which the kernel says instead of sending this */
        uv_datagram_report(self, status, "socket");
        return SENT;
    }
    if (first->datagrams > 1 && (means_no_run(status) || status == -EINVAL || status == -EMSGSIZE)) {
        self->stats.gso_refused++; /* perhaps for its length: shorter ones may still do */
        self->run_segment = means_no_run(status) ? 0 : first->segment - 1;
        return SENT;
    }
    fail_front(self, status);
    return SENT;
}

/* Whatever the promises run: what was sent is at the front until it is taken out here. */
static void complete(uv_datagram *self, const shipment *sent) {
    weir_channel *channel = &self->uv.channel;
    for (unsigned i = 0; i < sent->entries; i++) complete_front(channel);
    if (sent->entries != 0) return;
    const outbound_entry *front = channel->queue.head;
    if (front->sent + sent->bytes < front->size) {
        outbound_queue_advance(&channel->queue, channel->loop, sent->bytes);
    } else {
        complete_front(channel);
    }
}

static void note_sent(uv_datagram *self, const departures *out, unsigned sent) {
    self->uv.channel.stats.writev_calls++;
    self->stats.send_calls++;
    for (unsigned i = 0; i < sent; i++) {
        const shipment *done = &out->shipments[i];
        self->uv.channel.stats.bytes_written += done->bytes;
        self->stats.sent += done->datagrams;
        if (done->datagrams > 1) self->stats.segmented += done->datagrams;
    }
}

static outcome send_gathered(uv_datagram *self, departures *out) {
    ssize_t sent;
    for (unsigned i = 0; i < out->count; i++) address(self, out, i);
    do {
        sent = sys_sendmmsg(self->uv.watch.fd, out->headers, out->count, MSG_NOSIGNAL | MSG_DONTWAIT);
    } while (WEIR_UNLIKELY(sent == -EINTR));
    if (WEIR_UNLIKELY(sent < 0)) return refused(self, &out->shipments[0], (weir_status)sent);
    note_sent(self, out, (unsigned)sent);
    for (unsigned i = 0; i < (unsigned)sent; i++) complete(self, &out->shipments[i]);
    return SENT; /* why the rest was not taken the next call tells */
}

static outcome send_front(uv_datagram *self) {
    weir_channel *channel = &self->uv.channel;
    outbound_entry *front = outbound_queue_front(&channel->queue);
    if (front == NULL || !channel_is_open(channel)) return DONE;
    weir_status trouble = trouble_with(front);
    departures out;
    if (trouble == WEIR_OK) {
        gather(self, &out);
        if (WEIR_LIKELY(out.count > 0)) return send_gathered(self, &out);
        if (flatten(channel, front)) return SENT;
        trouble = WEIR_E_NO_MEMORY;
    }
    fail_front(self, trouble);
    return SENT;
}

void uv_datagram_drain(weir_channel *channel) {
    uv_datagram *self = uv_datagram_of_channel(channel);
    if (self->uv.blocked || self->retrying) return;
    outcome result = SENT;
    for (unsigned i = 0; result == SENT && i < channel->options->writes_per_turn; i++) {
        result = send_front(self);
    }
    if (!channel_is_open(channel)) return;
    if (result == SENT && outbound_queue_front(&channel->queue) != NULL) channel_send_next_turn(channel);
    if (result == BLOCKED) {
        self->uv.blocked = true;
        uv_channel_arm(&self->uv);
    } else if (result == LATER) {
        self->retrying = true;
        weir_timer_start(&self->retry, channel->loop, RETRY_MS);
    }
}
