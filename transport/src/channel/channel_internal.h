/* channel_internal.h - private: what a channel is, for the pipeline's ends, the loop and the wires. */
#ifndef WEIR_CHANNEL_INTERNAL_H
#define WEIR_CHANNEL_INTERNAL_H

#include <netinet/in.h>

#include <weir/transport/channel_options.h>

#include "channel/outbound_queue.h"
#include "channel/read_sizer.h"
#include "channel/wire.h"
#include "pipeline/pipeline_internal.h"

typedef enum channel_state {
    CHANNEL_OPENING, /* not connected yet; writes wait */
    CHANNEL_ACTIVE,
    CHANNEL_ENDING, /* the wire is letting go */
    CHANNEL_GONE,   /* told everyone */
} channel_state;

/* What a channel that is sending does about a flush from inside. */
typedef enum channel_drain {
    DRAIN_NOT,  /* it is not sending */
    DRAIN_ONCE, /* nobody flushed */
    DRAIN_AGAIN
} channel_drain;

/* Who made the channel and wants to know of its end (a server); NULL functions and owners are passed by. */
typedef struct channel_owner channel_owner;
struct channel_owner {
    void (*gone)(channel_owner *owner, weir_channel *channel);
};

/* An address without the room for every family; of a unix one only that it is one. */
typedef union short_addr {
    struct sockaddr sa;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
} short_addr;

/* What every channel counts, as in weir_channel_stats. */
typedef struct channel_counts {
    uint64_t bytes_read, bytes_written, reads, messages_written, writev_calls;
} channel_counts;

/* What few channels need, made when one does (channel_rare.c). */
typedef struct channel_rare {
    weir_timer close_timer;  /* runs while a close waits for the queue */
    uint64_t close_progress; /* bytes_written when it last looked */
    uint64_t spliced_reads, sendfile_calls, sendfile_bytes, copied_bytes, cold_reads, would_block;
} channel_rare;

struct weir_channel {
    weir_obj obj;
    weir_loop *loop;
    const wire_ops *wire;
    const weir_channel_options *options; /* resolved; valid until GONE */
    channel_owner *owner;
    uint64_t id;

    weir_pipeline pipeline;
    outbound_queue queue;
    size_t high_water, write_cap; /* as in the options, which other threads must not look into */

    weir_list siblings; /* in loop->channels */
    weir_list dirty;    /* in loop->dirty while there is something to send */
    weir_promise *close_promise, *shut_promise;
    attribute *attributes;
    channel_rare *rare; /* NULL until it is needed; there when a region is queued */
    channel_counts stats;

    _Atomic uint64_t off_loop;      /* bytes of writes that are posted and not here yet */
    _Atomic weir_status lost_calls; /* why calls of other threads could not be posted, until that is told */
    weir_status cause;              /* why it ended, the first one */
    uint64_t reading_clock; /* while it reads: when it began, less the ms before that; else those ms */
    read_sizer sizer;
    short_addr remote;
    uint16_t holds; /* of handlers for which nothing is read, pulls included (weir_channel_hold_reading) */
    _Atomic uint8_t state; /* a channel_state */
    atomic_bool writable;
    bool was_active : 1;
    bool close_wanted : 1; /* when the queue is out */
    bool shut_wanted : 1;
    bool shut_done : 1;
    bool peer_closed : 1;
    bool manual;        /* reading is off but for pulls */
    bool pulled;        /* one burst was asked for */
    bool choked;        /* reading pauses while unwritable */
    bool reads;         /* channel_wants_reading, kept by channel_update_reading */
    bool finishes;      /* takes no more writes: it ends, or will when the queue is out */
    uint8_t draining;   /* a channel_drain */
    bool flush_through; /* a handler gathers: this turn's end is a flush through the pipeline */
};

static inline weir_channel *channel_of(weir_pipeline *pipeline) {
    return WEIR_CONTAINER(pipeline, weir_channel, pipeline);
}

/* The options with defaults where they are zero. Fails: WEIR_E_INVALID when they contradict each other. */
weir_status channel_options_resolve(const weir_channel_options *options, weir_channel_options *out);

/* Makes `channel`, zeroed memory from loop->alloc with the channel first, alive in state OPENING with one
 * reference, which is the wire's. Any thread. */
void channel_init(weir_channel *channel, weir_loop *loop, const wire_ops *wire,
                  const weir_channel_options *options, channel_owner *owner);

/* Enters it in its loop and fills the pipeline; a failure of that ends the channel with it as the cause, and
 * is answered. On the loop. */
weir_status channel_open(weir_channel *channel, weir_build_fn *build, void *arg);

/* What few channels need; NULL when out of memory. */
channel_rare *channel_need_rare(weir_channel *channel);

/* The socket is full. */
void channel_note_full(weir_channel *channel);

/* A close waits: without progress for the close timeout, or without memory to see to that, it is aborted. */
void channel_bound_close(weir_channel *channel);

/* What the head of the pipeline does. On the loop. Takes as their public namesakes. */
void channel_write(weir_channel *channel, weir_obj *msg, weir_promise *promise);
void channel_write_failed(weir_channel *channel, weir_promise *promise, weir_status status);
void channel_flush(weir_channel *channel);
void channel_pull(weir_channel *channel);
void channel_shutdown(weir_channel *channel, weir_promise *promise);
void channel_close(weir_channel *channel, weir_promise *promise);
void channel_abort_now(weir_channel *channel, weir_status why);

/* For the server: the event goes in at the head. Takes: event. On the loop. */
void channel_fire_event(weir_channel *channel, weir_obj *event);

/* Fires the `error` that is due for them. On the loop. */
void channel_tell_lost_calls(weir_channel *channel);

/* Whose connection it is, for weir_channel_remote_addr. */
void channel_note_remote(weir_channel *channel, const struct sockaddr *peer);

/* False until it is connected. */
static inline bool channel_is_unix(const weir_channel *channel) {
    return channel->remote.sa.sa_family == AF_UNIX;
}

static inline channel_state channel_state_of(const weir_channel *channel) {
    return (channel_state)atomic_load_explicit(&channel->state, memory_order_relaxed);
}

static inline bool channel_is_gone(const weir_channel *channel) {
    return channel_state_of(channel) == CHANNEL_GONE;
}

static inline bool channel_is_open(const weir_channel *channel) {
    return channel_state_of(channel) < CHANNEL_ENDING;
}

/* Whether the wire should read now. */
static inline bool channel_wants_reading(const weir_channel *channel) {
    return channel->reads;
}

/* Something that channel_wants_reading depends on has changed: the wire is told, if that matters to it. */
void channel_update_reading(weir_channel *channel);

/* One burst was asked for and came. */
void channel_pull_ends(weir_channel *channel);

/* Of the wire, as those in wire.h. Takes: msg. */
static inline void channel_wire_read(weir_channel *channel, weir_obj *msg) {
    weir_ctx_fire_read(&channel->pipeline.ends, msg);
}

static inline void channel_wire_read_complete(weir_channel *channel) {
    if (WEIR_UNLIKELY(channel->pulled)) channel_pull_ends(channel);
    weir_ctx_fire_read_complete(&channel->pipeline.ends);
}

/* A handler keeps back (or, as differences, no longer) what was written: it counts against the watermarks and, but for
 * what is elsewhere than in memory, the cap. What goes from a handler to the queue is told as one change: held no
 * longer, written, noted. */
void channel_hold(weir_channel *channel, uint64_t bytes, uint64_t elsewhere);
void channel_note_held(weir_channel *channel);

/* The turn ends with a flush through the pipeline; and what its end does. */
void channel_flush_later(weir_channel *channel);
void channel_end_turn(weir_channel *channel);

/* More to send than the turn allowed: again at the end of the next one. */
void channel_send_next_turn(weir_channel *channel);

#endif
