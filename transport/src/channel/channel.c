/* channel.c - the life of a channel: opening, active, ending, gone.
 *
 * The end is always told from channel_wire_closed, which a wire calls outside of any callback: so no handler
 * sees its state freed under its feet. What comes before only stops the flow and tells the wire to let go.
 */
#include "channel/channel_internal.h"

#include <string.h>

#include <weir/core/log.h>
#include <weir/transport/event.h>

static atomic_uint_fast64_t last_id;

static void free_channel(weir_obj *obj) {
    weir_channel *channel = (weir_channel *)(void *)obj;
    weir_loop *loop = channel->loop;
    weir_alloc_release(loop->alloc, channel->rare);
    weir_alloc_release(loop->alloc, channel);
    loop_release(loop);
}

static weir_leak_counter living = {.name = "channel"};
static const weir_obj_type channel_type = {.name = "channel", .free = free_channel, .live = &living};

weir_channel *weir_channel_retain(weir_channel *channel) {
    return weir_obj_retain(channel);
}

void weir_channel_release(weir_channel *channel) {
    weir_obj_release(channel);
}

void channel_init(weir_channel *channel, weir_loop *loop, const wire_ops *wire,
                  const weir_channel_options *options, channel_owner *owner) {
    weir_obj_init(&channel->obj, &channel_type);
    loop_retain(loop);
    channel->loop = loop;
    channel->wire = wire;
    channel->options = options;
    channel->owner = owner;
    channel->id = atomic_fetch_add_explicit(&last_id, 1, memory_order_relaxed) + 1;
    channel->manual = options->manual_read;
    channel->high_water = options->high_water;
    channel->write_cap = options->write_cap;
    pipeline_init(&channel->pipeline);
    read_sizer_init(&channel->sizer, options);
    weir_list_init(&channel->dirty);
    weir_list_init(&channel->siblings);
    atomic_init(&channel->writable, true);
}

weir_status channel_open(weir_channel *channel, weir_build_fn *build, void *arg) {
    weir_loop *loop = channel->loop;
    weir_list_push_back(&loop->channels, &channel->siblings);
    atomic_fetch_add_explicit(&loop->channel_count, 1, memory_order_relaxed);
    weir_status status = build == NULL ? WEIR_OK : build(&channel->pipeline, arg);
    if (status != WEIR_OK) channel_abort_now(channel, status);
    channel_tell_lost_calls(channel);
    return status;
}

static bool wants_reading(const weir_channel *channel) {
    return channel_state_of(channel) == CHANNEL_ACTIVE && !channel->close_wanted && !channel->peer_closed &&
           channel->holds == 0 && (channel->pulled || (!channel->manual && !channel->choked));
}

/* The clock runs while it reads: turning it over is the same both ways. */
static void set_reads(weir_channel *channel, bool reads) {
    if (reads == channel->reads) return;
    channel->reads = reads;
    channel->reading_clock = weir_loop_now(channel->loop) - channel->reading_clock;
}

void channel_update_reading(weir_channel *channel) {
    set_reads(channel, wants_reading(channel));
    if (channel_state_of(channel) == CHANNEL_ACTIVE) channel->wire->update_reading(channel);
}

/* ---- beginning ---- */

void channel_wire_active(weir_channel *channel) {
    atomic_store_explicit(&channel->state, CHANNEL_ACTIVE, memory_order_relaxed);
    channel->was_active = true;
    set_reads(channel, wants_reading(channel));
    weir_ctx_fire_active(&channel->pipeline.ends);
    if (channel_state_of(channel) != CHANNEL_ACTIVE) return;
    channel_update_reading(channel);
    if (channel->queue.head != NULL || channel->close_wanted || channel->shut_wanted) channel_flush(channel);
}

/* ---- ending ---- */

static void end(weir_channel *channel, weir_status cause, bool abort) {
    if (!channel_is_open(channel)) return;
    if (channel->cause == WEIR_OK) channel->cause = cause;
    atomic_store_explicit(&channel->state, CHANNEL_ENDING, memory_order_relaxed);
    set_reads(channel, false);
    channel->finishes = true;
    if (channel->rare != NULL) weir_timer_stop(&channel->rare->close_timer, channel->loop);
    weir_list_remove(&channel->dirty);
    channel->wire->close(channel, abort);
}

void channel_abort_now(weir_channel *channel, weir_status why) {
    end(channel, why != WEIR_OK ? why : (weir_status)WEIR_E_CANCELED, true);
}

void channel_wire_broken(weir_channel *channel, weir_status status, const char *what) {
    if (!channel_is_open(channel)) return;
    end(channel, status, true);
    weir_ctx_fire_error(&channel->pipeline.ends, &(weir_error){.status = status, .what = what});
}

static void complete(weir_promise **promise, weir_status status) {
    weir_promise *taken = *promise;
    *promise = NULL;
    if (taken != NULL) weir_promise_complete(taken, status);
}

void channel_wire_closed(weir_channel *channel) {
    weir_status unsent = channel->cause != WEIR_OK ? channel->cause : (weir_status)WEIR_E_CLOSED;
    outbound_queue_fail(&channel->queue, channel->loop, unsent);
    complete(&channel->shut_promise,
             channel->cause); /* a close that sent everything ended our direction too */
    if (channel->was_active) weir_ctx_fire_inactive(&channel->pipeline.ends);
    atomic_store_explicit(&channel->state, CHANNEL_GONE, memory_order_relaxed);
    pipeline_clear(&channel->pipeline);
    attribute_free_all(&channel->attributes, channel->loop->alloc);
    complete(&channel->close_promise, channel->cause);
    weir_list_remove(&channel->siblings);
    atomic_fetch_sub_explicit(&channel->loop->channel_count, 1, memory_order_relaxed);
    if (channel->owner != NULL) channel->owner->gone(channel->owner, channel);
    weir_channel_release(channel);
}

/* Once all that was written is out. */
static void finish_if_sent(weir_channel *channel) {
    if (channel_state_of(channel) != CHANNEL_ACTIVE) return;
    if (channel->queue.head != NULL) {
        if (channel->close_wanted) channel_bound_close(channel);
    } else if (channel->close_wanted) {
        end(channel, WEIR_OK, false);
    } else if (channel->shut_wanted && !channel->shut_done) {
        channel->shut_done = true;
        channel->wire->shutdown(channel);
        complete(&channel->shut_promise, WEIR_OK);
        if (channel->peer_closed) end(channel, WEIR_OK, false);
    }
}

void channel_close(weir_channel *channel, weir_promise *promise) {
    if (channel_is_gone(channel) && pipeline_is_empty(&channel->pipeline)) { /* else inside a `removed` */
        complete(&promise, channel->cause);
        return;
    }
    weir_promise_join(&channel->close_promise, promise);
    if (channel->close_wanted || !channel_is_open(channel)) return;
    channel->close_wanted = true;
    channel->finishes = true;
    if (channel_state_of(channel) == CHANNEL_OPENING) {
        end(channel, WEIR_E_CANCELED, true);
        return;
    }
    channel_update_reading(channel);
    channel_flush(channel);
}

void channel_shutdown(weir_channel *channel, weir_promise *promise) {
    if (!channel_is_open(channel) || channel->close_wanted) {
        complete(&promise, WEIR_E_CLOSED);
        return;
    }
    if (channel->shut_done) {
        complete(&promise, WEIR_OK);
        return;
    }
    weir_promise_join(&channel->shut_promise, promise);
    channel->shut_wanted = true;
    channel->finishes = true;
    channel_flush(channel);
}

/* ---- writing ---- */

static WEIR_COLD void cross_watermark(weir_channel *channel, bool writable) {
    atomic_store_explicit(&channel->writable, writable, memory_order_relaxed);
    channel->choked = !writable && !channel->options->read_while_unwritable;
    if (channel_state_of(channel) != CHANNEL_ACTIVE) return;
    channel_update_reading(channel);
    weir_ctx_fire_writable_changed(&channel->pipeline.ends);
}

static inline void note_pending(weir_channel *channel) {
    uint64_t pending = channel->queue.pending;
    bool writable = atomic_load_explicit(&channel->writable, memory_order_relaxed);
    bool crossed = writable ? pending > channel->high_water : pending < channel->options->low_water;
    if (WEIR_UNLIKELY(crossed)) cross_watermark(channel, !writable);
}

void channel_hold(weir_channel *channel, uint64_t bytes, uint64_t elsewhere) {
    outbound_queue_count(&channel->queue, bytes);
    channel->queue.elsewhere += elsewhere;
}

void channel_note_held(weir_channel *channel) {
    note_pending(channel);
}

/* Takes: promise. Without one a failure becomes an error event, unless the end was told already. */
void channel_write_failed(weir_channel *channel, weir_promise *promise, weir_status status) {
    if (promise != NULL) {
        weir_promise_complete(promise, status);
    } else if (status != WEIR_E_CLOSED && channel_is_open(channel)) {
        weir_ctx_fire_error(&channel->pipeline.ends, &(weir_error){.status = status, .what = "write"});
    }
}

static weir_status refusal(const weir_channel *channel, const weir_obj *msg, uint64_t size) {
    if (WEIR_UNLIKELY(channel->finishes)) return WEIR_E_CLOSED;
    uint64_t memory = outbound_queue_memory(&channel->queue) + OUTBOUND_OVERHEAD;
    if (msg->type == &weir_buf_type) {
        weir_status sticky = weir_buf_status((const weir_buf *)(const void *)msg);
        if (sticky != WEIR_OK) return sticky;
        memory += size;
    } else if (msg->type != &weir_region_type) {
        if (channel->wire->takes == NULL || !channel->wire->takes(msg)) return WEIR_E_UNSUPPORTED;
        memory += size;
    }
    return memory > channel->write_cap ? (weir_status)WEIR_E_BACKPRESSURE : WEIR_OK;
}

static void enter_in(weir_channel *channel, weir_list *list) {
    if (weir_list_is_empty(&channel->dirty)) weir_list_push_back(list, &channel->dirty);
}

static inline void note_queued(weir_channel *channel) {
    channel->stats.messages_written++;
    enter_in(channel, &channel->loop->dirty);
}

/* Takes: msg, promise. */
static __attribute__((noinline)) void write_any(weir_channel *channel, weir_obj *msg, weir_promise *promise) {
    uint64_t size = weir_obj_size(msg);
    weir_status status = refusal(channel, msg, size);
    bool needs_rare = status == WEIR_OK && msg->type == &weir_region_type;
    if (needs_rare && channel_need_rare(channel) == NULL) status = WEIR_E_NO_MEMORY;
    if (status == WEIR_OK && outbound_queue_push(&channel->queue, channel->loop, msg, promise, size)) {
        note_queued(channel);
        note_pending(channel);
        return;
    }
    weir_obj_release(msg);
    channel_write_failed(channel, promise, status != WEIR_OK ? status : (weir_status)WEIR_E_NO_MEMORY);
}

/* What most messages are: bufs in one piece that crosses no watermark, and so not the cap. */
static inline bool is_usual(const weir_channel *channel, const weir_obj *msg, uint64_t *size) {
    const weir_buf *buf = (const weir_buf *)(const void *)msg;
    const uint32_t harmless = WEIR_BUF_VIEW | WEIR_BUF_READ_ONLY | WEIR_BUF_PRISTINE;
    if (msg->type != &weir_buf_type || (msg->bits & ~harmless) != 0) return false;
    *size = (uint64_t)(buf->wp - buf->rp);
    return !channel->finishes && channel->loop->entries != NULL &&
           atomic_load_explicit(&channel->writable, memory_order_relaxed) &&
           channel->queue.pending + *size + OUTBOUND_OVERHEAD <= channel->high_water;
}

WEIR_HOT void channel_write(weir_channel *channel, weir_obj *msg, weir_promise *promise) {
    uint64_t size;
    if (WEIR_LIKELY(is_usual(channel, msg, &size))) {
        outbound_queue_push_buf(&channel->queue, channel->loop, msg, promise, size);
        note_queued(channel);
    } else {
        write_any(channel, msg, promise);
    }
}

void channel_send_next_turn(weir_channel *channel) {
    if (channel_is_open(channel)) enter_in(channel, &channel->loop->later);
}

static inline void drain(weir_channel *channel) {
    channel->draining = DRAIN_ONCE;
    channel->wire->drain(channel);
    note_pending(channel);
}

static WEIR_COLD void drain_again(weir_channel *channel) {
    while (channel->draining == DRAIN_AGAIN && channel_state_of(channel) == CHANNEL_ACTIVE) drain(channel);
}

/* A flush inside a drain (from a promise or an event) only makes that drain go on. One that was asked to go through the
 * whole pipeline is still due: this one may have begun at the wire. */
WEIR_HOT void channel_flush(weir_channel *channel) {
    outbound_queue_flush(&channel->queue);
    if (WEIR_UNLIKELY(channel_state_of(channel) != CHANNEL_ACTIVE)) return;
    if (WEIR_UNLIKELY(channel->draining != DRAIN_NOT)) {
        channel->draining = DRAIN_AGAIN;
        return;
    }
    if (WEIR_LIKELY(!channel->flush_through)) weir_list_remove(&channel->dirty);
    drain(channel);
    if (WEIR_UNLIKELY(channel->draining == DRAIN_AGAIN)) drain_again(channel);
    channel->draining = DRAIN_NOT;
    if (WEIR_UNLIKELY(channel->finishes)) finish_if_sent(channel);
}

void channel_flush_later(weir_channel *channel) {
    channel->flush_through = true;
    enter_in(channel, &channel->loop->dirty);
}

void channel_end_turn(weir_channel *channel) {
    if (WEIR_UNLIKELY(channel->flush_through)) {
        channel->flush_through = false;
        weir_ctx_flush(&channel->pipeline.ends);
        if (channel->queue.unflushed == NULL) return; /* else a handler kept the flush */
    }
    channel_flush(channel);
}

void channel_wire_drained(weir_channel *channel) {
    if (channel_state_of(channel) == CHANNEL_ACTIVE) channel_flush(channel);
}

/* ---- reading ---- */

void channel_pull_ends(weir_channel *channel) {
    channel->pulled = false;
    channel_update_reading(channel);
}

void channel_wire_peer_ending(weir_channel *channel) {
    channel_fire_event(channel, &weir_event_peer_ending.obj);
}

void channel_wire_peer_closed(weir_channel *channel) {
    channel->peer_closed = true;
    channel_update_reading(channel);
    channel_fire_event(channel, &weir_event_peer_closed.obj);
    if (channel->shut_done) end(channel, WEIR_OK, false);
}

void channel_fire_event(weir_channel *channel, weir_obj *event) {
    if (channel_is_gone(channel)) {
        weir_obj_release(event);
        return;
    }
    weir_ctx_fire_event(&channel->pipeline.ends, event);
}

void channel_pull(weir_channel *channel) {
    if (channel->pulled) return;
    channel->pulled = true;
    channel_update_reading(channel);
}
