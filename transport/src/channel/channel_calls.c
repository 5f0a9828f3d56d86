/* channel_calls.c - the calls that any thread may make: done at once on the loop, posted from elsewhere.
 *
 * The bytes of a posted write count against the channel from the call on, so a producer on another thread sees
 * the channel become unwritable before its writes have even arrived.
 *
 * A call that cannot be posted is told all the same: by its promise, else by one `error` event, however many there
 * were since the last. That needs neither memory nor room among the tasks, of which there is none then: the status stays in
 * the channel, and one task that every loop has for this looks for such channels.
 */

#include <weir/core/log.h>
#include <weir/transport/event.h>

#include "channel/channel_internal.h"
#include "loop/promise_internal.h"

typedef struct posted_call posted_call;
typedef void call_fn(posted_call *call);

struct posted_call {
    weir_task task;
    call_fn *run;
    weir_channel *channel; /* held */
    weir_obj *msg;
    weir_promise *promise;
    uint64_t size;
    weir_status status;
};

static weir_ctx *tail_of(weir_channel *channel) {
    return &channel->pipeline.ends;
}

static void run_posted(weir_task *task) {
    posted_call *posted = WEIR_CONTAINER(task, posted_call, task);
    posted_call call = *posted;
    weir_alloc_release(call.channel->loop->alloc, posted);
    atomic_fetch_sub_explicit(&call.channel->off_loop, call.size, memory_order_relaxed);
    call.run(&call);
    weir_channel_release(call.channel);
}

/* ---- calls that could not be posted ---- */

void channel_tell_lost_calls(weir_channel *channel) {
    weir_status status = atomic_exchange_explicit(&channel->lost_calls, WEIR_OK, memory_order_seq_cst);
    if (status == WEIR_OK || !channel_is_open(channel)) return;
    weir_ctx_fire_error(&channel->pipeline.ends, &(weir_error){.status = status, .what = "posted call"});
}

/* Each is back in the list before it is told: whatever its handlers end leaves the list whole. */
static void run_lost(weir_task *task) {
    weir_loop *loop = WEIR_CONTAINER(task, weir_loop, lost_calls);
    weir_list all;
    atomic_store_explicit(&loop->lost_calls_posted, false, memory_order_seq_cst);
    weir_list_init(&all);
    weir_list_splice(&all, &loop->channels);
    for (weir_list *link = weir_list_pop_front(&all); link != NULL; link = weir_list_pop_front(&all)) {
        weir_list_push_back(&loop->channels, link);
        channel_tell_lost_calls(WEIR_CONTAINER(link, weir_channel, siblings));
    }
}

/* A loop that has ended can tell nobody: the flag stays set, and its log line is the only one. */
static void note_lost(weir_channel *channel, weir_status status) {
    weir_loop *loop = channel->loop;
    weir_status none = WEIR_OK;
    if (channel_is_gone(channel)) return;
    atomic_compare_exchange_strong_explicit(&channel->lost_calls, &none, status, memory_order_seq_cst,
                                            memory_order_relaxed);
    if (atomic_exchange_explicit(&loop->lost_calls_posted, true, memory_order_seq_cst)) return;
    loop->lost_calls.run = run_lost;
    if (loop_post_own(loop, &loop->lost_calls) == WEIR_OK) return;
    weir_log(WEIR_LOG_WARN, "channel",
             "%llu: a call from another thread came too late: loop \"%s\" has ended",
             (unsigned long long)channel->id, loop->name);
}

/* Takes: call.msg, call.promise. */
static void post(weir_channel *channel, posted_call call) {
    weir_loop *loop = channel->loop;
    weir_status status = WEIR_E_NO_MEMORY;
    posted_call *posted = weir_alloc_acquire(loop->alloc, sizeof *posted);
    if (posted != NULL) {
        *posted = call;
        posted->task.run = run_posted;
        posted->channel = weir_channel_retain(channel);
        atomic_fetch_add_explicit(&channel->off_loop, call.size, memory_order_relaxed);
        status = weir_loop_post_task(loop, &posted->task);
        if (status == WEIR_OK) return;
        atomic_fetch_sub_explicit(&channel->off_loop, call.size, memory_order_relaxed);
        weir_channel_release(channel);
        weir_alloc_release(loop->alloc, posted);
    }
    weir_obj_release(call.msg);
    if (call.promise == NULL) note_lost(channel, status);
    promise_complete_anywhere(call.promise, status);
}

/* ---- the calls ---- */

static void run_write(posted_call *call) {
    weir_ctx_write(tail_of(call->channel), call->msg, call->promise);
}
static void run_flush(posted_call *call) {
    weir_ctx_flush(tail_of(call->channel));
}
static void run_pull(posted_call *call) {
    weir_ctx_pull(tail_of(call->channel));
}
static void run_shutdown(posted_call *call) {
    weir_ctx_shutdown(tail_of(call->channel), call->promise);
}
static void run_close(posted_call *call) {
    weir_ctx_close(tail_of(call->channel), call->promise);
}
static void run_abort(posted_call *call) {
    weir_ctx_abort(tail_of(call->channel), call->status);
}
static void run_event(posted_call *call) {
    channel_fire_event(call->channel, call->msg);
}
static void run_refused(posted_call *call) {
    channel_write_failed(call->channel, call->promise, call->status);
}
static void run_set_reading(posted_call *call) {
    weir_channel_set_reading(call->channel, call->status != 0);
}

void weir_channel_write(weir_channel *channel, void *msg, weir_promise *promise) {
    if (loop_is_current(channel->loop)) {
        weir_ctx_write(tail_of(channel), msg, promise);
        return;
    }
    uint64_t size = msg == NULL ? 0 : weir_obj_size(msg) + OUTBOUND_OVERHEAD;
    uint64_t ahead = atomic_load_explicit(&channel->off_loop, memory_order_relaxed);
    if (channel_is_gone(channel)) {
        weir_obj_release(msg);
        promise_complete_anywhere(promise, WEIR_E_CLOSED);
    } else if (!weir_obj_is(msg, &weir_region_type) && ahead + size > channel->write_cap) {
        weir_obj_release(msg);
        post(channel, (posted_call){.run = run_refused, .promise = promise, .status = WEIR_E_BACKPRESSURE});
    } else {
        post(channel, (posted_call){.run = run_write, .msg = msg, .promise = promise, .size = size});
    }
}

void weir_channel_flush(weir_channel *channel) {
    if (loop_is_current(channel->loop)) {
        weir_ctx_flush(tail_of(channel));
    } else {
        post(channel, (posted_call){.run = run_flush});
    }
}

void weir_channel_pull(weir_channel *channel) {
    if (loop_is_current(channel->loop)) {
        weir_ctx_pull(tail_of(channel));
    } else {
        post(channel, (posted_call){.run = run_pull});
    }
}

void weir_channel_shutdown(weir_channel *channel, weir_promise *promise) {
    if (loop_is_current(channel->loop)) {
        weir_ctx_shutdown(tail_of(channel), promise);
    } else {
        post(channel, (posted_call){.run = run_shutdown, .promise = promise});
    }
}

void weir_channel_close(weir_channel *channel, weir_promise *promise) {
    if (loop_is_current(channel->loop)) {
        weir_ctx_close(tail_of(channel), promise);
    } else {
        post(channel, (posted_call){.run = run_close, .promise = promise});
    }
}

void weir_channel_abort(weir_channel *channel, weir_status why) {
    if (loop_is_current(channel->loop)) {
        weir_ctx_abort(tail_of(channel), why);
    } else {
        post(channel, (posted_call){.run = run_abort, .status = why});
    }
}

void weir_channel_fire_event(weir_channel *channel, weir_obj *event) {
    if (loop_is_current(channel->loop)) {
        channel_fire_event(channel, event);
    } else {
        post(channel, (posted_call){.run = run_event, .msg = event});
    }
}

void weir_channel_set_reading(weir_channel *channel, bool reading) {
    if (!loop_is_current(channel->loop)) {
        post(channel, (posted_call){.run = run_set_reading, .status = reading});
        return;
    }
    bool is_news = reading && channel->manual && channel_state_of(channel) == CHANNEL_ACTIVE;
    channel->manual = !reading;
    channel_update_reading(channel);
    if (is_news) channel_fire_event(channel, &weir_event_reading_on.obj);
}

void weir_channel_hold_reading(weir_channel *channel) {
    loop_check_current(channel->loop, __func__);
    WEIR_CHECK(channel->holds != UINT16_MAX, "reading is held more often than can be counted");
    channel->holds++;
    channel_update_reading(channel);
}

void weir_channel_let_read(weir_channel *channel) {
    loop_check_current(channel->loop, __func__);
    WEIR_CHECK(channel->holds != 0, "nobody holds the channel's reading");
    channel->holds--;
    channel_update_reading(channel);
}

/* ---- questions ---- */

bool weir_channel_is_reading(const weir_channel *channel) {
    return !channel->manual;
}

bool weir_channel_can_read(const weir_channel *channel) {
    return channel_wants_reading(channel);
}

uint64_t weir_channel_reading_ms(const weir_channel *channel) {
    uint64_t clock = channel->reading_clock;
    return channel->reads ? weir_loop_now(channel->loop) - clock : clock;
}

bool weir_channel_is_choked(const weir_channel *channel) {
    return channel->choked;
}

unsigned weir_channel_messages_per_turn(const weir_channel *channel) {
    return channel->options->messages_per_turn;
}

uint64_t weir_channel_pending_bytes(const weir_channel *channel) {
    return outbound_queue_pending(&channel->queue) +
           atomic_load_explicit(&channel->off_loop, memory_order_relaxed);
}

/* What is posted and not here yet counts for those who post. On the loop it does not: there whoever stops waits for
 * `writable_changed`, and what arrives when the queue is shorter again may never bring one. */
static uint64_t bytes_ahead(const weir_channel *channel) {
    return loop_is_current(channel->loop) ? outbound_queue_pending(&channel->queue)
                                          : weir_channel_pending_bytes(channel);
}

bool weir_channel_is_writable(const weir_channel *channel) {
    return channel_is_open(channel) && atomic_load_explicit(&channel->writable, memory_order_relaxed) &&
           (atomic_load_explicit(&channel->off_loop, memory_order_relaxed) == 0 ||
            bytes_ahead(channel) <= channel->high_water);
}

size_t weir_channel_bytes_before_unwritable(const weir_channel *channel) {
    if (!weir_channel_is_writable(channel)) return 0;
    uint64_t pending = bytes_ahead(channel) + OUTBOUND_OVERHEAD;
    size_t high = channel->high_water;
    return pending < high ? high - (size_t)pending : 0;
}

bool weir_channel_is_active(const weir_channel *channel) {
    return channel_state_of(channel) == CHANNEL_ACTIVE;
}

uint64_t weir_channel_id(const weir_channel *channel) {
    return channel->id;
}

weir_loop *weir_channel_loop(const weir_channel *channel) {
    return channel->loop;
}

weir_pipeline *weir_channel_pipeline(weir_channel *channel) {
    return &channel->pipeline;
}

int weir_channel_fd(const weir_channel *channel) {
    return channel_is_open(channel) ? channel->wire->fd(channel) : -1;
}
