/* local_channel.c - the wire between two channels of the process.
 *
 * Nothing is delivered from inside a call of the other end, but from a task on the reader's loop: so handlers that
 * answer each other go turn by turn and never deeper, and the ends may live on different loops.
 */
#include <errno.h>

#include "local/local_internal.h"

/* ---- what the ends tell each other ---- */

bool local_tell(local_channel *to, unsigned what) {
    unsigned before = atomic_fetch_or_explicit(&to->notices, what | NOTICE_POSTED, memory_order_acq_rel);
    if ((before & NOTICE_POSTED) != 0) return true;
    weir_channel_retain(&to->channel);
    if (loop_post_own(to->channel.loop, &to->notice) == WEIR_OK) return true;
    atomic_fetch_and_explicit(&to->notices, ~(unsigned)NOTICE_POSTED, memory_order_relaxed);
    weir_channel_release(&to->channel);
    return false;
}

/* Something for this end to do outside of its callbacks. */
static void post_chore(local_channel *self) {
    if (self->chore_posted) return;
    self->chore_posted = true;
    weir_channel_retain(&self->channel);
    if (loop_post_own(self->channel.loop, &self->chore) != WEIR_OK) WEIR_UNREACHABLE();
}

static void drop_unread(local_channel *self) {
    if (self->asked) return; /* the peer may be filling them, and says so */
    while (self->next < self->count) weir_obj_release(self->slots[self->next++]);
}

/* ---- sending ---- */

/* Completing a promise may end this channel, write or flush: the books are in order before. */
static unsigned fill(weir_channel *channel, weir_obj **slots) {
    unsigned n = 0;
    outbound_entry *front;
    while (n < LOCAL_SLOTS && channel_is_open(channel) &&
           (front = outbound_queue_front(&channel->queue)) != NULL) {
        weir_promise *promise;
        channel->stats.bytes_written += front->size;
        slots[n++] = outbound_queue_pop(&channel->queue, channel->loop, &promise);
        weir_promise_complete(promise, WEIR_OK);
    }
    return n;
}

static void send_batch(local_channel *self, local_channel *peer) {
    self->may_send = false;
    peer->count = fill(&self->channel, peer->slots);
    if (local_tell(peer, NOTICE_BATCH)) return;
    for (unsigned i = 0; i < peer->count; i++) weir_obj_release(peer->slots[i]);
}

static void drain(weir_channel *channel) {
    local_channel *self = local_of(channel);
    if ((channel->close_wanted || channel->shut_wanted) && !self->end_announced) {
        self->end_announced = true;
        local_tell(self->peer, NOTICE_ENDING);
    }
    if (outbound_queue_front(&channel->queue) == NULL) return;
    if (self->peer_gone) {
        channel_wire_broken(channel, -EPIPE, "write");
    } else if (self->may_send) {
        local_channel *peer = self->peer;
        weir_channel_retain(&peer->channel); /* a promise may end everything, this drain alone excepted */
        send_batch(self, peer);
        weir_channel_release(&peer->channel);
    }
}

static void shut(weir_channel *channel) {
    local_tell(local_of(channel)->peer, NOTICE_END);
}

/* ---- reading ---- */

static void ask(local_channel *self) {
    self->asked = true;
    self->next = self->count = 0;
    local_tell(self->peer, NOTICE_ASKS);
}

/* Up to a batch a turn. */
static void read_burst(local_channel *self) {
    weir_channel *channel = &self->channel;
    bool any = false;
    while (self->next < self->count && channel_wants_reading(channel)) {
        weir_obj *msg = self->slots[self->next++];
        any = true;
        channel->stats.reads++;
        channel->stats.bytes_read += weir_obj_size(msg);
        channel_wire_read(channel, msg);
    }
    if (any) channel_wire_read_complete(channel);
}

static void tell_ending(local_channel *self) {
    if (!self->peer_ending || self->ending_told || self->end_told) return;
    self->ending_told = true;
    channel_wire_peer_ending(&self->channel);
}

static void look(local_channel *self) {
    weir_channel *channel = &self->channel;
    if (self->asked) return;
    read_burst(self);
    if (!channel_is_open(channel)) return;
    if (!channel_wants_reading(channel)) {
        tell_ending(self);
    } else if (self->next < self->count) {
        post_chore(self); /* it paused and resumed meanwhile */
    } else if (!self->peer_ended) {
        ask(self);
    } else if (!self->end_told) {
        self->end_told = true;
        channel_wire_peer_closed(channel);
    }
}

static void update_reading(weir_channel *channel) {
    local_channel *self = local_of(channel);
    if (!self->asked && !self->closing) post_chore(self);
}

/* ---- ending ---- */

static void close_wire(weir_channel *channel, bool abort) {
    local_channel *self = local_of(channel);
    self->closing = true;
    drop_unread(self);
    if (self->peer != NULL) local_tell(self->peer, abort ? NOTICE_RESET : NOTICE_END | NOTICE_GONE);
    post_chore(self);
}

static void finish_closing(local_channel *self) {
    local_channel *peer = self->peer;
    self->closing = false;
    if (self->is_client) local_connect_closed(self);
    channel_wire_closed(&self->channel);
    if (peer != NULL) weir_channel_release(&peer->channel);
}

static void run_chore(weir_task *task) {
    local_channel *self = WEIR_CONTAINER(task, local_channel, chore);
    self->chore_posted = false;
    if (self->closing) {
        finish_closing(self);
    } else if (channel_is_open(&self->channel)) {
        look(self);
    }
    weir_channel_release(&self->channel);
}

/* ---- hearing ---- */

static void note(local_channel *self, unsigned told) {
    if ((told & NOTICE_BATCH) != 0) self->asked = false;
    if ((told & NOTICE_ASKS) != 0) self->may_send = true;
    if ((told & NOTICE_ENDING) != 0) self->peer_ending = true;
    if ((told & NOTICE_GONE) != 0) self->peer_gone = true;
    if ((told & NOTICE_END) != 0) {
        self->peer_ending = self->peer_ended = true;
        self->asked = false; /* and nothing came for it */
    }
}

static void run_notice(weir_task *task) {
    local_channel *self = WEIR_CONTAINER(task, local_channel, notice);
    weir_channel *channel = &self->channel;
    unsigned told = atomic_exchange_explicit(&self->notices, 0, memory_order_acq_rel);
    if ((told & NOTICE_BEGIN) != 0) local_pair_open(self);
    if ((told & (NOTICE_MET | NOTICE_REFUSED)) != 0) local_connect_answered(self, (told & NOTICE_MET) != 0);
    note(self, told);
    if (!channel_is_open(channel)) {
        drop_unread(self);
    } else if ((told & NOTICE_RESET) != 0) {
        channel_wire_broken(channel, -ECONNRESET, "read");
    } else {
        look(self);
        if ((told & (NOTICE_ASKS | NOTICE_GONE)) != 0) channel_wire_drained(channel);
    }
    weir_channel_release(channel);
}

/* ---- beginning ---- */

static int no_fd(const weir_channel *channel) {
    (void)channel;
    return -1;
}

static bool takes_anything(const weir_obj *msg) {
    (void)msg;
    return true;
}

static const wire_ops local_wire = {
    .name = "local",
    .takes = takes_anything,
    .drain = drain,
    .update_reading = update_reading,
    .shutdown = shut,
    .close = close_wire,
    .fd = no_fd,
};

void local_channel_init(local_channel *self, weir_loop *loop, const weir_channel_options *options,
                        channel_owner *owner) {
    channel_init(&self->channel, loop, &local_wire, options, owner);
    self->notice.run = run_notice;
    self->chore.run = run_chore;
}
