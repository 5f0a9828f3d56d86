/* embedded.c - a wire made of two lists: what was fed and not read yet, what was written and not taken yet. */
#include <weir/transport/embedded.h>

#include <weir/buffer/buf_bytes.h>
#include <weir/buffer/buf_view.h>

#include "channel/channel_internal.h"
#include "embedded/embedded_loop.h"

/* A turn ends when nothing is left to do, or after so many rounds of handlers that keep each other busy. */
#define MOST_ROUNDS 10000

typedef struct parcel {
    weir_list link;
    weir_obj *msg;
} parcel;

struct weir_embedded {
    weir_loop *loop;
    weir_channel_options options;
    weir_channel *channel; /* held */
    weir_list inbox, outbox;
    bool ended; /* the peer's stream ends after the inbox */
    bool end_told;
    bool ending_told;
    bool stalled;
    bool in_turn;
    bool is_shut;
    bool closing; /* the wire was told to close and has not answered */
    bool aborted;
};

typedef struct embedded_channel {
    weir_channel channel; /* first: it is freed through it */
    weir_embedded *embedded;
} embedded_channel;

static weir_embedded *embedded_of(weir_channel *channel) {
    return WEIR_CONTAINER(channel, embedded_channel, channel)->embedded;
}

/* ---- lists of messages ---- */

/* Takes: msg. */
static bool put(weir_embedded *self, weir_list *list, weir_obj *msg) {
    parcel *made = weir_alloc_acquire(self->loop->alloc, sizeof *made);
    if (made == NULL) {
        weir_obj_release(msg);
        return false;
    }
    made->msg = msg;
    weir_list_push_back(list, &made->link);
    return true;
}

static weir_obj *get(weir_embedded *self, weir_list *list) {
    weir_list *link = weir_list_pop_front(list);
    if (link == NULL) return NULL;
    parcel *taken = WEIR_CONTAINER(link, parcel, link);
    weir_obj *msg = taken->msg;
    weir_alloc_release(self->loop->alloc, taken);
    return msg;
}

static void drop_all(weir_embedded *self, weir_list *list) {
    for (weir_obj *msg = get(self, list); msg != NULL; msg = get(self, list)) weir_obj_release(msg);
}

/* ---- the wire ---- */

static void drain(weir_channel *channel) {
    weir_embedded *self = embedded_of(channel);
    while (!self->stalled && channel_is_open(channel) && outbound_queue_front(&channel->queue) != NULL) {
        weir_promise *promise;
        uint64_t size = outbound_queue_front(&channel->queue)->size;
        weir_obj *msg = outbound_queue_pop(&channel->queue, channel->loop, &promise);
        bool arrived = put(self, &self->outbox, msg);
        channel->stats.bytes_written += size;
        weir_promise_complete(promise, arrived ? WEIR_OK : (weir_status)WEIR_E_NO_MEMORY);
        if (!arrived) channel_wire_broken(channel, WEIR_E_NO_MEMORY, "write");
    }
}

static void update_reading(weir_channel *channel) {
    (void)channel; /* the turn looks */
}

static void shut(weir_channel *channel) {
    embedded_of(channel)->is_shut = true;
}

static void close_wire(weir_channel *channel, bool abort) {
    weir_embedded *self = embedded_of(channel);
    self->is_shut = true;
    self->aborted = abort;
    self->closing = true;
}

static int no_fd(const weir_channel *channel) {
    (void)channel;
    return -1;
}

static bool takes_anything(const weir_obj *msg) {
    (void)msg;
    return true;
}

static const wire_ops embedded_wire = {
    .name = "embedded",
    .takes = takes_anything,
    .drain = drain,
    .update_reading = update_reading,
    .shutdown = shut,
    .close = close_wire,
    .fd = no_fd,
};

/* ---- turns ---- */

/* The end is also seen while nothing is read, as on a socket. */
static bool tell_ending(weir_embedded *self) {
    if (!self->ended || self->end_told || self->ending_told || !channel_is_open(self->channel)) return false;
    self->ending_told = true;
    channel_wire_peer_ending(self->channel);
    return true;
}

static bool deliver(weir_embedded *self) {
    weir_channel *channel = self->channel;
    if (!channel_wants_reading(channel)) return tell_ending(self);
    weir_obj *msg = get(self, &self->inbox);
    if (msg != NULL) {
        loop_note_event(self->loop, channel->id);
        channel->stats.reads++;
        channel->stats.bytes_read += weir_obj_size(msg);
        channel_wire_read(channel, msg);
        channel_wire_read_complete(channel);
        return true;
    }
    if (!self->ended || self->end_told) return false;
    self->end_told = true;
    channel_wire_peer_closed(channel);
    return true;
}

static bool finish_closing(weir_embedded *self) {
    if (!self->closing) return false;
    self->closing = false;
    channel_wire_closed(self->channel);
    return true;
}

static bool has_tasks(const weir_loop *loop) {
    return atomic_load_explicit(&loop->posted, memory_order_relaxed) != NULL ||
           !weir_list_is_empty(&loop->dirty) || loop_has_yields(loop);
}

static void take_turn(weir_embedded *self) {
    bool busy = true;
    for (int round = 0; busy && round < MOST_ROUNDS; round++) {
        loop_run_tasks(self->loop);
        busy = deliver(self);
        busy =
            finish_closing(self) || busy || loop_has_yields(self->loop); /* who went on may let it be read */
        loop_end_turn(self->loop);
        loop_count(&self->loop->counts.turns);
        busy = busy || self->closing || has_tasks(self->loop);
    }
}

/* What calls handlers stands between these two, so that a call from inside one of them takes no turn of its own:
 * a turn ends by freeing what callbacks up the stack may still look at. */
static bool enter_turn(weir_embedded *self) {
    bool outermost = !self->in_turn;
    self->in_turn = true;
    return outermost;
}

static void leave_turn(weir_embedded *self, bool outermost) {
    if (!outermost) return;
    take_turn(self);
    self->in_turn = false;
}

void weir_embedded_run(weir_embedded *embedded) {
    bool outermost = enter_turn(embedded);
    loop_run_timers(embedded->loop, embedded->loop->now);
    leave_turn(embedded, outermost);
}

void weir_embedded_advance(weir_embedded *embedded, uint64_t ms) {
    weir_loop *loop = embedded->loop;
    uint64_t until = loop->now + ms;
    bool outermost = enter_turn(embedded);
    if (outermost) take_turn(embedded);
    for (uint64_t next = timer_wheel_next(&loop->wheel); next <= until;
         next = timer_wheel_next(&loop->wheel)) {
        loop_run_timers(loop, next);
        if (outermost) take_turn(embedded);
    }
    loop_run_timers(loop, until);
    leave_turn(embedded, outermost);
}

/* ---- life ---- */

static weir_channel *new_channel(weir_embedded *self) {
    embedded_channel *made = weir_alloc_zeroed(self->loop->alloc, 1, sizeof *made);
    if (made == NULL) return NULL;
    made->embedded = self;
    channel_init(&made->channel, self->loop, &embedded_wire, &self->options, NULL);
    return weir_channel_retain(&made->channel);
}

static bool begin(weir_embedded *self, weir_build_fn *build, void *arg) {
    bool outermost = enter_turn(self);
    bool built = channel_open(self->channel, build, arg) == WEIR_OK;
    if (built && channel_is_open(self->channel)) channel_wire_active(self->channel);
    leave_turn(self, outermost);
    return built;
}

weir_embedded *weir_embedded_new(const weir_channel_options *options, weir_build_fn *build, void *arg) {
    weir_embedded *self = weir_alloc_zeroed(NULL, 1, sizeof *self);
    if (self == NULL) return NULL;
    weir_list_init(&self->inbox);
    weir_list_init(&self->outbox);
    weir_status status = channel_options_resolve(options, &self->options);
    self->loop = status == WEIR_OK ? embedded_loop_new() : NULL;
    self->channel = self->loop != NULL ? new_channel(self) : NULL;
    if (self->channel == NULL || !begin(self, build, arg)) {
        weir_embedded_free(self);
        return NULL;
    }
    return self;
}

void weir_embedded_free(weir_embedded *embedded) {
    if (embedded == NULL) return;
    if (embedded->channel != NULL) {
        bool outermost = enter_turn(embedded);
        channel_abort_now(embedded->channel, WEIR_E_CLOSED);
        loop_abort_channels(embedded->loop, WEIR_E_STOPPED); /* ends of local connections that live here */
        leave_turn(embedded, outermost);
        drop_all(embedded, &embedded->inbox);
        drop_all(embedded, &embedded->outbox);
        weir_channel_release(embedded->channel);
    }
    if (embedded->loop != NULL) embedded_loop_free(embedded->loop);
    weir_alloc_release(NULL, embedded);
}

weir_channel *weir_embedded_channel(weir_embedded *embedded) {
    return embedded->channel;
}

weir_pipeline *weir_embedded_pipeline(weir_embedded *embedded) {
    return &embedded->channel->pipeline;
}

weir_loop *weir_embedded_loop(weir_embedded *embedded) {
    return embedded->loop;
}

/* ---- the far end ---- */

weir_status weir_embedded_feed(weir_embedded *embedded, void *msg) {
    if (msg == NULL) return WEIR_E_NO_MEMORY;
    if (!channel_is_open(embedded->channel) || embedded->ended) {
        weir_obj_release(msg);
        return WEIR_E_CLOSED;
    }
    if (!put(embedded, &embedded->inbox, msg)) return WEIR_E_NO_MEMORY;
    leave_turn(embedded, enter_turn(embedded));
    return WEIR_OK;
}

weir_status weir_embedded_feed_bytes(weir_embedded *embedded, const void *bytes, size_t n) {
    weir_buf *buf = weir_pool_get(embedded->loop->pool, n);
    if (buf == NULL) return WEIR_E_NO_MEMORY;
    weir_buf_write_bytes(buf, bytes, n);
    return weir_embedded_feed(embedded, buf);
}

void weir_embedded_feed_end(weir_embedded *embedded) {
    embedded->ended = true;
    leave_turn(embedded, enter_turn(embedded));
}

void weir_embedded_break(weir_embedded *embedded, weir_status why) {
    bool outermost = enter_turn(embedded);
    channel_wire_broken(embedded->channel, why, "wire");
    leave_turn(embedded, outermost);
}

weir_obj *weir_embedded_take(weir_embedded *embedded) {
    leave_turn(embedded, enter_turn(embedded));
    return get(embedded, &embedded->outbox);
}

static void append_bytes(weir_buf *all, weir_obj *msg) {
    weir_buf *buf = weir_buf_from(msg);
    weir_region *region = weir_region_from(msg);
    if (buf != NULL) {
        weir_buf *twin = weir_buf_duplicate(buf); /* the message may be in the outbox twice */
        if (twin == NULL || !weir_buf_write_buf(all, twin, weir_buf_readable(twin)))
            weir_buf_fail(all, WEIR_E_NO_MEMORY);
        weir_buf_release(twin);
    } else if (region != NULL) {
        size_t n = (size_t)region->length;
        uint8_t *room = weir_buf_reserve(all, n);
        if (room == NULL) return;
        weir_status status = weir_region_read(region, 0, room, n);
        if (status == WEIR_OK) {
            weir_buf_commit(all, n);
        } else {
            weir_buf_fail(all, status);
        }
    }
}

weir_buf *weir_embedded_take_all(weir_embedded *embedded) {
    weir_buf *all = weir_buf_new(0);
    for (weir_obj *msg = weir_embedded_take(embedded); msg != NULL; msg = weir_embedded_take(embedded)) {
        if (all != NULL) append_bytes(all, msg);
        weir_obj_release(msg);
    }
    if (all == NULL || weir_buf_status(all) == WEIR_OK) return all;
    weir_buf_release(all);
    return NULL;
}

void weir_embedded_stall(weir_embedded *embedded, bool stalled) {
    bool outermost = enter_turn(embedded);
    embedded->stalled = stalled;
    if (!stalled) channel_wire_drained(embedded->channel);
    leave_turn(embedded, outermost);
}

bool weir_embedded_is_open(const weir_embedded *embedded) {
    return channel_is_open(embedded->channel);
}

bool weir_embedded_is_shut(const weir_embedded *embedded) {
    return embedded->is_shut;
}

weir_status weir_embedded_aborted(const weir_embedded *embedded) {
    return embedded->aborted ? embedded->channel->cause : WEIR_OK;
}
