/* loop.c - the queues of a loop: posted tasks, timers, the end of a turn.
 *
 * Posting is a push on a lock-free stack; only the push that finds it empty wakes the loop, which takes the
 * whole stack at once and runs it oldest first. While it runs them it writes nothing that those who post look at.
 */
#include "loop/loop_internal.h"

#include <stdio.h>

#include "channel/channel_internal.h"
#include "channel/outbound_queue.h"

#define CLOSED_TO_POSTS (UINT64_C(1) << 63)
#define DEFAULT_MAX_TASKS 1048576u
#define DEFAULT_MAX_JOBS 65536u
#define DEFAULT_SLOW_CALLBACK_MS 5000
#define DEFAULT_TRIM_IDLE_MS 10000
/* Sending may make callbacks write again; what they write after so many rounds waits for the next turn. */
#define SEND_ROUNDS_A_TURN 4

void loop_set_thread(weir_loop *loop, const void *thread) {
    atomic_store_explicit(&loop->thread, thread, memory_order_release);
}

bool weir_loop_is_current(const weir_loop *loop) {
    return loop_is_current(loop);
}

static unsigned or_default(unsigned asked, unsigned otherwise) {
    return asked != 0 ? asked : otherwise;
}

void loop_init(weir_loop *loop, const loop_driver *driver, const weir_loop_options *options, uint64_t now) {
    loop->driver = driver;
    snprintf(loop->name, sizeof loop->name, "%s", options->name != NULL ? options->name : "loop");
    loop->alloc = options->alloc != NULL ? options->alloc : weir_alloc_default();
    loop->max_tasks = or_default(options->max_tasks, DEFAULT_MAX_TASKS);
    loop->max_jobs = or_default(options->max_jobs, DEFAULT_MAX_JOBS);
    /* A turn of a host's loop has callbacks of the host's in it, which ours should not be blamed for. */
    unsigned slow_callback_ms = options->host != NULL ? WEIR_LOOP_NEVER : DEFAULT_SLOW_CALLBACK_MS;
    loop->slow_callback_ms = or_default(options->slow_callback_ms, slow_callback_ms);
    loop->trim_idle_ms = or_default(options->trim_idle_ms, DEFAULT_TRIM_IDLE_MS);
    loop->made_at = loop_clock_ns();
    loop->now = now;
    loop->armed = UINT64_MAX;
    atomic_init(&loop->references, 1);
    timer_wheel_init(&loop->wheel, now);
    weir_list_init(&loop->channels);
    weir_list_init(&loop->dirty);
    weir_list_init(&loop->later);
    weir_list_init(&loop->yielding);
    weir_list_init(&loop->ripe);
    weir_list_init(&loop->resolutions);
    weir_list_init(&loop->under_way);
    weir_list_init(&loop->watch.link);
    loop_init_quiet(loop);
}

bool loop_init_pool(weir_loop *loop, const weir_loop_options *options) {
    loop->owns_pool = options->pool == NULL;
    loop->pool = options->pool != NULL
                     ? options->pool
                     : weir_pool_new(&(weir_pool_options){.name = loop->name, .alloc = options->alloc});
    return loop->pool != NULL;
}

void loop_retain(weir_loop *loop) {
    atomic_fetch_add_explicit(&loop->references, 1, memory_order_relaxed);
}

void loop_release(weir_loop *loop) {
    if (atomic_fetch_sub_explicit(&loop->references, 1, memory_order_acq_rel) == 1)
        loop->driver->destroy(loop);
}

/* Between two turns of a host's the last one may be long ago: what is noted or begun then is not. */
uint64_t weir_loop_now(const weir_loop *loop) {
    bool awake = atomic_load_explicit(&loop->awake, memory_order_relaxed);
    if (WEIR_UNLIKELY(!awake) && loop_is_current(loop)) loop_refresh((weir_loop *)(uintptr_t)loop);
    return loop->now;
}

weir_pool *weir_loop_pool(const weir_loop *loop) {
    return loop->pool;
}

size_t weir_loop_channels(const weir_loop *loop) {
    return atomic_load_explicit(&loop->channel_count, memory_order_relaxed);
}

/* ---- posted tasks ---- */

bool loop_is_closed(const weir_loop *loop) {
    return (atomic_load_explicit(&loop->accepted, memory_order_relaxed) & CLOSED_TO_POSTS) != 0;
}

/* It is counted. */
static inline void push(weir_loop *loop, weir_task *task) {
    weir_task *newest = atomic_load_explicit(&loop->posted, memory_order_relaxed);
    do {
        task->next = newest;
    } while (!atomic_compare_exchange_weak_explicit(&loop->posted, &newest, task, memory_order_release,
                                                    memory_order_relaxed));
    if (newest == NULL) loop->driver->wake(loop);
}

/* `run` may be newer than `before`. */
static inline bool is_full(uint64_t before, uint64_t run, uint64_t most) {
    return before >= run && before - run >= most;
}

/* How many have run is looked up, which takes the cache line from the loop, only when there seem to be too many. */
static WEIR_COLD bool is_full_now(weir_loop *loop, uint64_t before, uint64_t most) {
    uint64_t run = loop_counted(&loop->counts.tasks);
    atomic_store_explicit(&loop->known_run, run, memory_order_relaxed);
    return is_full(before, run, most);
}

static inline weir_status post_within(weir_loop *loop, weir_task *task, uint64_t most) {
    uint64_t before = atomic_fetch_add_explicit(&loop->accepted, 1, memory_order_acq_rel);
    uint64_t run = atomic_load_explicit(&loop->known_run, memory_order_relaxed);
    bool is_closed = (before & CLOSED_TO_POSTS) != 0;
    if (WEIR_LIKELY(!is_closed && (!is_full(before, run, most) || !is_full_now(loop, before, most)))) {
        push(loop, task);
        return WEIR_OK;
    }
    atomic_fetch_sub_explicit(&loop->accepted, 1, memory_order_acq_rel);
    return is_closed ? WEIR_E_STOPPED : WEIR_E_LIMIT;
}

weir_status weir_loop_post_task(weir_loop *loop, weir_task *task) {
    return post_within(loop, task, loop->max_tasks);
}

weir_status loop_post_own(weir_loop *loop, weir_task *task) {
    if (!loop_is_current(loop) || !loop_is_closed(loop)) return post_within(loop, task, CLOSED_TO_POSTS - 1);
    atomic_fetch_add_explicit(&loop->accepted, 1, memory_order_acq_rel);
    push(loop, task);
    return WEIR_OK;
}

typedef struct call_task {
    weir_task task;
    weir_alloc *alloc;
    weir_task_fn *fn;
    void *arg;
} call_task;

static void run_call(weir_task *task) {
    call_task call = *WEIR_CONTAINER(task, call_task, task);
    weir_alloc_release(call.alloc, task);
    loop_enter_function((uintptr_t)call.fn);
    call.fn(call.arg);
}

weir_status weir_loop_post(weir_loop *loop, weir_task_fn *fn, void *arg) {
    call_task *call = weir_alloc_acquire(loop->alloc, sizeof *call);
    if (call == NULL) return WEIR_E_NO_MEMORY;
    *call = (call_task){.task.run = run_call, .alloc = loop->alloc, .fn = fn, .arg = arg};
    weir_status status = weir_loop_post_task(loop, &call->task);
    if (status != WEIR_OK) weir_alloc_release(loop->alloc, call);
    return status;
}

size_t loop_waiting_tasks(const weir_loop *loop) {
    uint64_t run = loop_counted(&loop->counts.tasks);
    uint64_t accepted = atomic_load_explicit(&loop->accepted, memory_order_acquire) & ~CLOSED_TO_POSTS;
    return accepted > run ? accepted - run : 0;
}

static weir_task *oldest_first(weir_task *newest) {
    weir_task *oldest = NULL;
    while (newest != NULL) {
        weir_task *next = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    return oldest;
}

void loop_run_tasks(weir_loop *loop) {
    weir_task *task = oldest_first(atomic_exchange_explicit(&loop->posted, NULL, memory_order_acquire));
    while (task != NULL) {
        weir_task *next = task->next;
        loop_count(&loop->counts.tasks);
        loop_enter(&loop_place_task, LOOP_NO_SLOT);
        loop_enter_function((uintptr_t)task->run);
        task->run(task);
        task = next;
    }
}

void loop_close_queues(weir_loop *loop) {
    atomic_fetch_or_explicit(&loop->accepted, CLOSED_TO_POSTS, memory_order_acq_rel);
    while (loop_waiting_tasks(loop) > 0) loop_run_tasks(loop);
}

/* ---- timers ---- */

void weir_timer_init(weir_timer *timer, weir_timer_fn *fn, void *arg) {
    weir_list_init(&timer->link);
    timer->due = 0;
    timer->fn = fn;
    timer->arg = arg;
}

void weir_timer_start(weir_timer *timer, weir_loop *loop, uint64_t delay_ms) {
    loop_check_current(loop, __func__);
    weir_list_remove(&timer->link);
    if (WEIR_UNLIKELY(!atomic_load_explicit(&loop->awake, memory_order_relaxed))) loop_refresh(loop);
    if (delay_ms == 0) delay_ms = 1;
    timer->due = delay_ms < UINT64_MAX - loop->now ? loop->now + delay_ms : UINT64_MAX;
    timer_wheel_add(&loop->wheel, timer);
    if (timer->due < loop->armed) loop->driver->rearm(loop);
}

void weir_timer_stop(weir_timer *timer, weir_loop *loop) {
    loop_check_current(loop, __func__);
    weir_list_remove(&timer->link);
}

void loop_run_timers(weir_loop *loop, uint64_t now) {
    loop->now = now;
    loop->armed = 0; /* timers that start meanwhile need no rearming each */
    loop_enter_channel(0);
    for (weir_timer *timer = timer_wheel_pop(&loop->wheel, now); timer != NULL;
         timer = timer_wheel_pop(&loop->wheel, now)) {
        loop_count(&loop->counts.timers);
        loop_count(&loop->counts.late_ms[loop_bucket(now - timer->due)]);
        loop_enter(&loop_place_timer, LOOP_NO_SLOT);
        loop_enter_function((uintptr_t)timer->fn);
        timer->fn(timer);
    }
    loop->armed = UINT64_MAX;
    loop->driver->rearm(loop);
}

/* ---- the end of a turn ---- */

static void send_round(weir_loop *loop) {
    weir_list now;
    weir_list_init(&now);
    weir_list_splice(&now, &loop->dirty);
    loop_enter(&loop_place_sending, LOOP_NO_SLOT);
    loop_enter_function(0);
    for (weir_list *link = weir_list_pop_front(&now); link != NULL; link = weir_list_pop_front(&now)) {
        weir_channel *channel = WEIR_CONTAINER(link, weir_channel, dirty);
        loop_count(&loop->counts.flushes);
        loop_enter_channel(channel->id);
        channel_end_turn(channel);
    }
}

static __attribute__((noinline)) void send_dirty(weir_loop *loop) {
    for (int round = 0; round < SEND_ROUNDS_A_TURN && !weir_list_is_empty(&loop->dirty); round++) {
        send_round(loop);
    }
}

static __attribute__((noinline)) void finish_turn(weir_loop *loop) {
    if (loop_has_yields(loop)) loop_run_yields(loop);
    if (!weir_list_is_empty(&loop->dirty)) send_dirty(loop);
    if (loop->graveyard != NULL) pipeline_free_removed(loop);
    weir_list_splice(&loop->dirty, &loop->later);
    if (!weir_list_is_empty(&loop->dirty) || loop_has_yields(loop)) loop->driver->continues(loop);
}

WEIR_HOT void loop_end_turn(weir_loop *loop) {
    if (loop_has_rest(loop) || !weir_list_is_empty(&loop->later)) finish_turn(loop);
    loop_watch_for_quiet(loop);
}

/* Each is back in the list before it is told: whatever its handlers end leaves the list whole. */
void loop_abort_channels(weir_loop *loop, weir_status why) {
    weir_list all;
    weir_list_init(&all);
    weir_list_splice(&all, &loop->channels);
    for (weir_list *link = weir_list_pop_front(&all); link != NULL; link = weir_list_pop_front(&all)) {
        weir_list_push_back(&loop->channels, link);
        channel_abort_now(WEIR_CONTAINER(link, weir_channel, siblings), why);
    }
}
