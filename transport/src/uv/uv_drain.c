/* uv_drain.c - the one drain loop: the front of the queue into the socket, by gathered writes and sendfile.
 *
 *     [buf][buf][small region] | [large region] | [buf]
 *      one sendmsg, MSG_MORE      sendfile ...     next sendmsg
 *
 * What goes in one call: bufs, regions in memory, small regions read into a pooled buf, and one piece of a region
 * that must be read.
 * A header before a sendfile goes with MSG_MORE, so that both leave in one segment; whenever the
 * sendfile does not follow at once, the header is pushed out, or the kernel would sit on it for 200 ms.
 * In the same way the last bytes before our end leave in one segment with it.
 */
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <weir/buffer/buf_io.h>
#include <weir/transport/fd_message.h>

#include "region/region_internal.h"
#include "uv/sys.h"
#include "uv/uv_fds.h"
#include "uv/uv_internal.h"

#define PIECE (64 * 1024)
/* So much of a region in memory goes into one write. */
#define VIEW_MOST (1024 * 1024)
/* A cold region is filled by so much at a time on the thread pool. */
#define COLD_STEP (256 * 1024)

typedef enum outcome {
    SENT,    /* go on */
    DONE,    /* nothing left that may be sent */
    BLOCKED, /* the socket is full */
    COLD,    /* the disk would have to be waited for */
    FAILED,  /* told; the channel is ending */
} outcome;

/* ---- regions that are read ---- */

static bool must_be_read(const weir_channel *channel, const outbound_entry *entry,
                         const weir_region *region) {
    if (region->ops->only_sent) return false;
    return entry->piece != NULL || region->ops->send == NULL || channel->options->region_copy ||
           entry->size <= channel->options->region_join_max;
}

/* The region's next bytes into its piece; 0, or why not. */
static weir_status fill_piece(weir_channel *channel, outbound_entry *entry, weir_region *region) {
    uint64_t left = entry->size - entry->sent;
    size_t n = left < PIECE ? (size_t)left : PIECE;
    if (entry->piece != NULL && weir_buf_is_readable(entry->piece)) return WEIR_OK;
    if (entry->piece == NULL) entry->piece = weir_pool_get(channel->loop->pool, n);
    if (entry->piece == NULL) return WEIR_E_NO_MEMORY;
    weir_buf_clear(entry->piece);
    ssize_t got = region_read_some(region, entry->sent, entry->piece->wp, n, false);
    if (got < 0) return (weir_status)got;
    if (got == 0) return WEIR_E_TRUNCATED;
    weir_buf_commit(entry->piece, (size_t)got);
    channel->rare->copied_bytes += (uint64_t)got;
    return WEIR_OK;
}

static bool is_cold_at(weir_region *region, uint64_t at) {
    uint8_t byte;
    return region_read_some(region, at, &byte, 1, false) == -EAGAIN;
}

/* Asks the last byte of what is to be sent, and the first when much lies between: 0.75 us each against 60 ms of a
 * cold disk. An end of file or an error shows when it is sent. */
static weir_status check_warm(outbound_entry *entry, weir_region *region, size_t n) {
    if (entry->warm > entry->sent || region->ops->never_waits) return WEIR_OK;
    if (is_cold_at(region, entry->sent + n - 1)) return -EAGAIN;
    if (n > COLD_STEP && is_cold_at(region, entry->sent)) return -EAGAIN;
    entry->warm = entry->sent + n;
    return WEIR_OK;
}

/* ---- gathering: each answers whether the next entry may follow in the same write ---- */

static inline bool add_bytes(uv_batch *batch, const weir_buf *buf, size_t at, size_t len) {
    size_t covered = len;
    if (WEIR_LIKELY(!weir_buf_is_composite(buf))) {
        batch->iov[batch->count++] = (struct iovec){buf->rp + at, len};
    } else {
        batch->count +=
            weir_buf_iovecs(buf, at, len, batch->iov + batch->count, MOST_IOVECS - batch->count, &covered);
    }
    batch->bytes += covered;
    return covered == len && batch->count < MOST_IOVECS;
}

/* A region in memory, from where it lies. What was found to be there need not be asked for again. */
static bool add_view(uv_batch *batch, outbound_entry *entry, weir_region *region) {
    uint64_t left = entry->size - entry->sent;
    bool is_warm = entry->warm > entry->sent;
    uint64_t most = is_warm ? entry->warm - entry->sent : VIEW_MOST;
    size_t count = MOST_IOVECS - batch->count;
    ssize_t covered = region->ops->view(region, entry->sent, left < most ? (size_t)left : (size_t)most,
                                        is_warm, batch->iov + batch->count, &count);
    batch->cold = covered == -EAGAIN;
    if (covered <= 0) {
        batch->failure = covered == 0 ? (weir_status)WEIR_E_TRUNCATED : (weir_status)covered;
        return false;
    }
    batch->count += count;
    batch->bytes += (size_t)covered;
    if (!is_warm) entry->warm = entry->sent + (uint64_t)covered;
    return (uint64_t)covered == left && batch->count < MOST_IOVECS;
}

static bool add_region(weir_channel *channel, uv_batch *batch, outbound_entry *entry) {
    weir_region *region = weir_region_from(entry->msg);
    if (region == NULL) return false; /* a descriptor, which goes with what is behind it */
    if (entry->size == 0) return true;
    if (!must_be_read(channel, entry, region)) {
        batch->more = true;
        return false;
    }
    if (region->ops->view != NULL && entry->piece == NULL && !channel->options->region_copy)
        return add_view(batch, entry, region);
    weir_status status = fill_piece(channel, entry, region);
    batch->cold = status == -EAGAIN;
    batch->failure = status;
    if (status != WEIR_OK) return false;
    size_t len = weir_buf_readable(entry->piece);
    return add_bytes(batch, entry->piece, 0, len) && len == entry->size - entry->sent;
}

/* From `first` on. */
static inline __attribute__((always_inline)) void gather(weir_channel *channel, uv_batch *batch,
                                                         outbound_entry *first) {
    const outbound_entry *end = channel->queue.unflushed;
    bool more = true;
    batch->count = batch->bytes = 0;
    batch->more = batch->cold = false;
    batch->failure = WEIR_OK;
    for (outbound_entry *entry = first; more && entry != end; entry = entry->next) {
        const weir_buf *buf = weir_buf_from(entry->msg);
        more = buf != NULL ? add_bytes(batch, buf, entry->sent, entry->size - entry->sent)
                           : add_region(channel, batch, entry);
    }
    if (WEIR_UNLIKELY(channel->finishes) && more && end == NULL) batch->more = true;
}

/* ---- sending ---- */

static void push_out(uv_channel *self) {
    int on = 1, off = 0;
    if (!self->corked) return;
    self->corked = false;
    if (channel_is_unix(&self->channel)) return; /* it keeps nothing back */
    setsockopt(self->watch.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (self->channel.options->delay) setsockopt(self->watch.fd, IPPROTO_TCP, TCP_NODELAY, &off, sizeof off);
}

static ssize_t send_iovecs(uv_channel *self, uv_batch *batch) {
    int flags = MSG_NOSIGNAL | (batch->more ? MSG_MORE : 0);
    ssize_t sent;
    do {
        if (WEIR_LIKELY(batch->count == 1)) {
            sent = sys_send(self->watch.fd, batch->iov[0].iov_base, batch->iov[0].iov_len, flags);
        } else {
            struct msghdr header = {.msg_iov = batch->iov, .msg_iovlen = batch->count};
            sent = sys_sendmsg(self->watch.fd, &header, flags);
        }
    } while (WEIR_UNLIKELY(sent == -EINTR));
    return sent;
}

static outcome fail(uv_channel *self, weir_status status, const char *what) {
    channel_wire_broken(&self->channel, status, what);
    return FAILED;
}

static inline outcome note_sent(uv_channel *self, ssize_t sent, size_t wanted, const char *what) {
    weir_channel *channel = &self->channel;
    if (WEIR_UNLIKELY(sent < 0)) {
        if (sent != -EAGAIN) return fail(self, (weir_status)sent, what);
        channel_note_full(channel);
        return BLOCKED;
    }
    channel->stats.bytes_written += (uint64_t)sent;
    outbound_queue_advance(&channel->queue, channel->loop, (uint64_t)sent);
    if (!channel_is_open(channel)) return FAILED;
    if (WEIR_LIKELY((size_t)sent == wanted))
        return outbound_queue_front(&channel->queue) == NULL ? DONE : SENT;
    channel_note_full(channel); /* taken in part: full, asking again would only confirm it */
    return BLOCKED;
}

/* ---- descriptors ---- */

/* The first entry that may be sent and has bytes, or NULL: behind descriptors and empty messages. */
static outbound_entry *first_with_bytes(const weir_channel *channel) {
    outbound_entry *entry = channel->queue.head;
    while (entry != channel->queue.unflushed &&
           (entry->size == 0 || weir_fd_message_from(entry->msg) != NULL)) {
        entry = entry->next;
    }
    return entry != channel->queue.unflushed ? entry : NULL;
}

/* No byte will follow the descriptor at the front. */
static outcome give_back_descriptor(uv_channel *self) {
    weir_channel *channel = &self->channel;
    weir_promise *promise;
    weir_obj_release(outbound_queue_pop(&channel->queue, channel->loop, &promise));
    channel_write_failed(channel, promise, WEIR_E_INVALID);
    if (!channel_is_open(channel)) return FAILED;
    return outbound_queue_front(&channel->queue) == NULL ? DONE : SENT;
}

/* A carrier that is a region is read, not sent: sendfile takes no descriptors along. */
static weir_status gather_carrier(weir_channel *channel, uv_batch *batch, outbound_entry *carrier) {
    size_t n = carrier->size < PIECE ? (size_t)carrier->size : PIECE;
    if (weir_region_from(carrier->msg) != NULL && carrier->piece == NULL) {
        carrier->piece = weir_pool_get(channel->loop->pool, n);
        if (carrier->piece == NULL) return WEIR_E_NO_MEMORY;
    }
    gather(channel, batch, carrier);
    return batch->bytes > 0 ? WEIR_OK : batch->failure;
}

/* Those at the front go with what is behind them. */
static outcome send_descriptors(uv_channel *self, uv_batch *batch) {
    weir_channel *channel = &self->channel;
    outbound_entry *carrier = first_with_bytes(channel);
    struct msghdr header = {.msg_iov = batch->iov};
    uv_fds_room control;
    if (carrier == NULL)
        return channel->close_wanted || channel->shut_wanted ? give_back_descriptor(self) : DONE;
    size_t count = uv_fds_collect(&channel->queue, carrier, &header, &control);
    if (count > MOST_FDS) return fail(self, WEIR_E_LIMIT, "descriptors");
    weir_status status = gather_carrier(channel, batch, carrier);
    if (status != WEIR_OK) return status == -EAGAIN ? COLD : fail(self, status, "region");
    header.msg_iovlen = batch->count;
    channel->stats.writev_calls++;
    ssize_t sent;
    do {
        sent = sys_sendmsg(self->watch.fd, &header, MSG_NOSIGNAL);
    } while (sent == -EINTR);
    if (sent > 0) {
        channel->stats.bytes_written -= count; /* in the queue only they are bytes */
        sent += (ssize_t)count;
    }
    return note_sent(self, sent, batch->bytes + count, "write");
}

static outcome send_without_bytes(uv_channel *self, uv_batch *batch) {
    if (batch->cold) return COLD;
    if (batch->failure != WEIR_OK) return fail(self, batch->failure, "region");
    if (weir_fd_message_from(self->channel.queue.head->msg) != NULL) return send_descriptors(self, batch);
    return note_sent(self, 0, 0, "write"); /* only empty messages */
}

static inline outcome send_gathered(uv_channel *self, uv_batch *batch) {
    weir_channel *channel = &self->channel;
    if (WEIR_UNLIKELY(batch->bytes == 0)) return send_without_bytes(self, batch);
    channel->stats.writev_calls++;
    self->corked = batch->more;
    return note_sent(self, send_iovecs(self, batch), batch->bytes, "write");
}

/* The region at the front by sendfile, up to what is left of the turn's budget. */
static outcome send_region(uv_channel *self, outbound_entry *entry, size_t *budget) {
    weir_channel *channel = &self->channel;
    weir_region *region = weir_region_from(entry->msg);
    uint64_t left = entry->size - entry->sent;
    bool is_whole = left < *budget || region->ops->only_sent;
    size_t n = is_whole ? (size_t)left : *budget;
    if (entry->warm > entry->sent && entry->warm - entry->sent < n) n = (size_t)(entry->warm - entry->sent);
    if (check_warm(entry, region, n) != WEIR_OK) return COLD;
    ssize_t sent;
    do {
        sent = region->ops->send(region, entry->sent, n, self->watch.fd);
    } while (WEIR_UNLIKELY(sent == -EINTR));
    bool is_unable = sent == -EINVAL || sent == -ENOSYS || sent == -EOPNOTSUPP;
    if (is_unable && !region->ops->only_sent) { /* not this file: read it instead */
        entry->piece = weir_pool_get(channel->loop->pool, left < PIECE ? (size_t)left : PIECE);
        return entry->piece != NULL ? SENT : fail(self, WEIR_E_NO_MEMORY, "region");
    }
    if (sent == 0) return fail(self, WEIR_E_TRUNCATED, "region");
    self->corked = false;
    if (region->ops->only_sent) {
        channel->stats.writev_calls++;
    } else if (sent > 0) {
        channel->rare->sendfile_calls++;
        channel->rare->sendfile_bytes += (uint64_t)sent;
        *budget -= (size_t)sent;
    }
    return note_sent(self, sent, n, "sendfile");
}

/* ---- cold regions: the thread pool reads them, into the piece that waits for them or, when they are sent from
 * the page cache or shown in memory, to be thrown away ---- */

typedef struct warming {
    weir_channel *channel; /* held */
    weir_region *region;   /* held */
    uint64_t at;
    size_t n;
    weir_buf *piece; /* the entry's; NULL: thrown away */
    ssize_t got;     /* into the piece */
} warming;

static void read_through(warming *job) {
    uint8_t dropped[16 * 1024];
    for (size_t done = 0; done < job->n;) {
        size_t n = job->n - done < sizeof dropped ? job->n - done : sizeof dropped;
        ssize_t got = region_read_some(job->region, job->at + done, dropped, n, true);
        if (got <= 0) return; /* shows again, and is told, when it is sent */
        done += (size_t)got;
    }
}

static void warm(void *arg) {
    warming *job = arg;
    if (job->piece == NULL) read_through(job);
    if (job->piece != NULL) job->got = region_read_some(job->region, job->at, job->piece->wp, job->n, true);
}

/* Gives the front, which stayed the front while it was cold, what it waits for. Takes: job->piece. */
static weir_status give_front(warming *job, weir_status status) {
    outbound_entry *front = first_with_bytes(job->channel);
    front->piece = job->piece;
    if (job->piece == NULL) {
        front->warm = job->at + job->n;
        return WEIR_OK;
    }
    if (status != WEIR_OK || job->got < 0) return status != WEIR_OK ? status : (weir_status)job->got;
    if (job->got == 0) return WEIR_E_TRUNCATED;
    weir_buf_commit(job->piece, (size_t)job->got);
    job->channel->rare->copied_bytes += (uint64_t)job->got;
    return WEIR_OK;
}

static void warmed(void *arg, weir_status status) {
    warming job = *(warming *)arg;
    uv_channel *self = uv_channel_of(job.channel);
    weir_alloc_release(job.channel->loop->alloc, arg);
    self->cold = false;
    if (channel_is_open(job.channel)) {
        status = give_front(&job, status);
        if (status != WEIR_OK) {
            fail(self, status, "region");
        } else {
            channel_wire_drained(job.channel);
            uv_channel_arm(self);
        }
    } else {
        weir_buf_release(job.piece);
    }
    weir_region_release(job.region);
    weir_channel_release(job.channel);
}

static void warm_front(uv_channel *self) {
    weir_channel *channel = &self->channel;
    outbound_entry *entry = first_with_bytes(channel);
    uint64_t left = entry->size - entry->sent;
    size_t most = entry->piece != NULL ? PIECE : COLD_STEP;
    weir_status status = WEIR_E_NO_MEMORY;
    warming *job = weir_alloc_acquire(channel->loop->alloc, sizeof *job);
    if (job != NULL) {
        *job = (warming){
            .channel = weir_channel_retain(channel),
            .region = weir_region_retain(weir_region_from(entry->msg)),
            .at = entry->sent,
            .n = left < most ? (size_t)left : most,
            .piece = entry->piece,
        };
        self->cold = true;
        channel->rare->cold_reads++;
        status = weir_loop_offload(channel->loop, warm, warmed, job);
        if (status == WEIR_OK) {
            entry->piece = NULL; /* on the thread pool, whatever becomes of the entry */
            return;
        }
        self->cold = false;
        weir_region_release(job->region);
        weir_channel_release(job->channel);
        weir_alloc_release(channel->loop->alloc, job);
    }
    fail(self, status, "region");
}

/* ---- the loop ---- */

static outcome send_front(uv_channel *self, size_t *budget) {
    weir_channel *channel = &self->channel;
    outbound_entry *front = outbound_queue_front(&channel->queue);
    if (front == NULL) return DONE;
    weir_region *region = weir_region_from(front->msg);
    if (region != NULL && region->length != 0 && !must_be_read(channel, front, region)) {
        return send_region(self, front, budget);
    }
    uv_batch *batch = &driver_of(channel->loop)->batch;
    gather(channel, batch, channel->queue.head);
    return send_gathered(self, batch);
}

/* `result` is that of the send before, and `sends` are left of the turn. */
static __attribute__((noinline)) void drain_on(uv_channel *self, outcome result, unsigned sends) {
    weir_channel *channel = &self->channel;
    size_t budget = channel->options->region_bytes_per_turn;
    for (; result == SENT && sends > 0 && budget > 0; sends--) {
        result = send_front(self, &budget);
    }
    if (result == FAILED) return;
    if (result != DONE) push_out(self); /* else our end follows */
    self->corked = false;
    if (result == SENT) channel_send_next_turn(channel);
    if (result == COLD) warm_front(self);
    if (result == BLOCKED && channel_is_open(channel)) {
        self->blocked = true;
        uv_channel_arm(self);
    }
}

/* One plain buf is mostly all there is: nothing to gather. What is run when it is out may write and flush, but that
 * makes the channel call again. */
WEIR_HOT void uv_drain(weir_channel *channel) {
    uv_channel *self = uv_channel_of(channel);
    outbound_entry *only = outbound_queue_only_buf(&channel->queue);
    if (WEIR_UNLIKELY(self->blocked || self->cold)) return;
    if (WEIR_UNLIKELY(only == NULL || self->corked || channel->finishes)) {
        drain_on(self, SENT, channel->options->writes_per_turn);
        return;
    }
    weir_buf *buf = (weir_buf *)(void *)only->msg;
    size_t wanted = only->size - only->sent;
    ssize_t sent = sys_send(self->watch.fd, buf->rp + only->sent, wanted, MSG_NOSIGNAL);
    if (WEIR_LIKELY(sent == (ssize_t)wanted)) {
        channel->stats.writev_calls++;
        channel->stats.bytes_written += wanted;
        outbound_queue_finish_only(&channel->queue, channel->loop, only, buf, wanted);
    } else if (sent == -EINTR) {
        drain_on(self, SENT, channel->options->writes_per_turn);
    } else {
        channel->stats.writev_calls++;
        drain_on(self, note_sent(self, sent, wanted, "write"), channel->options->writes_per_turn - 1);
    }
}
