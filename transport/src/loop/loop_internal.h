/* loop_internal.h - private: what a loop is, whoever drives it.
 *
 * A loop is its queues: posted tasks, timers, channels with something to send, things to be freed. A
 * driver (uv/uv_loop.c, embedded/embedded_loop.c) decides when they are looked at, by two calls:
 * loop_run_tasks when woken, loop_end_turn before it sleeps.
 */
#ifndef WEIR_LOOP_INTERNAL_H
#define WEIR_LOOP_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include <weir/core/list.h>
#include <weir/transport/loop_stats.h>

#include "loop/place.h"
#include "loop/timer_wheel.h"

typedef struct loop_driver {
    const char *name;
    void (*wake)(weir_loop *loop);      /* run my tasks soon. Any thread */
    void (*continues)(weir_loop *loop); /* do not sleep: there is work for the next turn */
    void (*rearm)(weir_loop *loop);     /* the next timer is earlier than it was */
    /* In the calling thread until something is requested; its channels live on. NULL: never in a wait */
    void (*run_meanwhile)(weir_loop *loop, const struct timespec *deadline);
    size_t job_size; /* of a weir_job and what the driver needs with it */
    weir_status (*start_job)(weir_job *job);
    bool (*cancel_job)(weir_job *job); /* true: it will never begin, and is told so */
    void (*destroy)(weir_loop *loop);  /* the last reference is gone: free the memory */
} loop_driver;

/* What makes a run return. */
enum {
    LOOP_STOP = 1,
    LOOP_INTERRUPT = 2 /* of one that goes on later (run_meanwhile) */
};

/* Written by the loop's thread alone, so a count is a load and a store. */
typedef struct loop_counts {
    _Atomic uint64_t turns, events, tasks, timers, flushes, jobs, canceled_jobs, slow_turns, trims;
    _Atomic uint64_t busy_ns, longest_turn_ns;
    _Atomic uint64_t turn_us[WEIR_LOOP_BUCKETS], late_ms[WEIR_LOOP_BUCKETS];
} loop_counts;

/* What the watchdog knows of a loop; under its lock. */
typedef struct loop_watch {
    weir_list link;
    const loop_thread *thread;
    uint64_t progress; /* sum of counts when it last looked */
    uint64_t since;    /* when it first saw that, ns */
    bool awake;        /* then */
    bool told;
} loop_watch;

typedef struct attribute attribute;

struct weir_loop {
    const loop_driver *driver;
    char name[24];
    weir_alloc *alloc;
    weir_pool *pool;
    bool owns_pool;
    _Atomic(const void *) thread; /* identity of the thread that runs it, or NULL */
    const void *waiter;           /* of the only one that may, while it waits (loop_wait); NULL: any */
    atomic_uint requests;         /* of LOOP_STOP and LOOP_INTERRUPT */
    atomic_uint references;       /* the owner's and one for each channel */
    uint64_t now;
    uint64_t armed; /* when the driver will look at the wheel */
    timer_wheel wheel;

    _Atomic(weir_task *) posted; /* newest first */
    _Atomic uint64_t accepted;   /* posted tasks, ever; the top bit: closed to posting */
    _Atomic uint64_t known_run;  /* at least so many of them have run (counts.tasks) */
    unsigned max_tasks;
    weir_task lost_calls; /* tells channels that calls could not be posted (channel_calls.c) */
    atomic_bool lost_calls_posted;

    weir_list under_way; /* offloaded jobs */
    atomic_uint jobs;    /* how many */
    unsigned max_jobs;
    bool ending; /* it ends what there is, and begins no more jobs */

    atomic_bool awake;   /* in a turn */
    uint64_t turn_began; /* ns */
    uint64_t slow_told;  /* when a slow turn was last logged, ms */
    uint64_t made_at;    /* ns */
    unsigned slow_callback_ms, trim_idle_ms;
    weir_timer quiet;     /* runs while there may be something to trim later */
    uint64_t quiet_since; /* what was counted when it was last started */
    loop_counts counts;
    loop_watch watch;

    weir_list channels; /* all that are not gone */
    atomic_size_t channel_count;
    weir_list dirty;                  /* channels with something to send at the end of the turn */
    weir_list later;                  /* those that have had their share of this turn */
    weir_list yielding, ripe;         /* handlers that have more to do, see yield.c */
    unsigned yields;                  /* how many */
    struct pipeline_place *graveyard; /* removed contexts, freed at the end of the turn */
    struct outbound_entry *entries;   /* recycled */
    unsigned entries_kept;
    struct pipe_region *pipes; /* empty, for use again */
    unsigned pipes_kept;
    weir_list resolutions;           /* names being looked up */
    struct weir_resolver *resolver;  /* of the system, made by the first who needs it */
    struct weir_datagram *datagrams; /* recycled */
    unsigned datagrams_kept;
    attribute *attributes;
};

void loop_init(weir_loop *loop, const loop_driver *driver, const weir_loop_options *options, uint64_t now);

/* The values of a list go back (attribute.c). */
void attribute_free_all(attribute **list, weir_alloc *alloc);

/* Makes its own pool when the options named none; false when out of memory. */
bool loop_init_pool(weir_loop *loop, const weir_loop_options *options);

/* Posted and not yet run. Any thread. */
size_t loop_waiting_tasks(const weir_loop *loop);

/* From now on posts fail; those that were accepted have run when it returns. */
void loop_close_queues(weir_loop *loop);
bool loop_is_closed(const weir_loop *loop);

void loop_retain(weir_loop *loop);
void loop_release(weir_loop *loop);

void loop_set_thread(weir_loop *loop, const void *thread);

static inline bool loop_is_current(const weir_loop *loop) {
    return atomic_load_explicit(&loop->thread, memory_order_relaxed) == (const void *)&loop_this_thread;
}

/* Bugs stop here: a call that belongs to the loop's thread came from another. */
static inline void loop_check_current(const weir_loop *loop, const char *function) {
    WEIR_CHECK(loop_is_current(loop), "%s was called outside the thread of its loop \"%s\"", function,
               loop->name);
}

/* ---- waiting for what a loop does (loop_wait.c) ---- */

static inline unsigned loop_requests(const weir_loop *loop) {
    return atomic_load_explicit(&loop->requests, memory_order_acquire);
}

static inline bool loop_is_stopped(const weir_loop *loop) {
    return (loop_requests(loop) & LOOP_STOP) != 0;
}

/* Any thread. */
void loop_request(weir_loop *loop, unsigned what);
void loop_forget_request(weir_loop *loop, unsigned what);

/* As pthread_cond_wait, or with a deadline of CLOCK_MONOTONIC as pthread_cond_clockwait: 0 or ETIMEDOUT, sometimes
 * for nothing. The loop's waiter runs it meanwhile; so lock nothing else. */
int loop_wait(weir_loop *loop, pthread_mutex_t *lock, pthread_cond_t *changed,
              const struct timespec *deadline);

/* As pthread_cond_broadcast to those in loop_wait. Requires: the lock. Any thread. */
void loop_tell_waiters(weir_loop *loop, pthread_cond_t *changed);

/* As weir_loop_post_task, beyond max_tasks: for the few tasks of weir's own that nothing can replace. On the
 * loop's thread also while it is being freed, which such a task still precedes.
 * Fails: WEIR_E_STOPPED. Any thread. */
weir_status loop_post_own(weir_loop *loop, weir_task *task);

/* ---- turns and counts (loop_turn.c) ---- */

#define LOOP_NS_A_MS 1000000

uint64_t loop_clock_ns(void);

/* `now` is old: nothing has happened for a while. */
void loop_refresh(weir_loop *loop);

static inline void loop_add(_Atomic uint64_t *count, uint64_t n) {
    atomic_store_explicit(count, atomic_load_explicit(count, memory_order_relaxed) + n, memory_order_relaxed);
}

static inline void loop_count(_Atomic uint64_t *count) {
    loop_add(count, 1);
}

static inline uint64_t loop_counted(const _Atomic uint64_t *count) {
    return atomic_load_explicit(count, memory_order_relaxed);
}

/* The slot of a histogram that counts `n`. */
static inline unsigned loop_bucket(uint64_t n) {
    unsigned bits = n == 0 ? 0 : 64 - (unsigned)__builtin_clzll(n);
    return bits < WEIR_LOOP_BUCKETS ? bits : WEIR_LOOP_BUCKETS - 1;
}

/* A turn begins, unless it has, and with it a new `now`; drivers call it whenever they are called. */
void loop_begin_turn(weir_loop *loop);

static inline void loop_wake_up(weir_loop *loop) {
    if (!atomic_load_explicit(&loop->awake, memory_order_relaxed)) loop_begin_turn(loop);
}

/* The turn is over: before the loop sleeps. */
void loop_rest(weir_loop *loop);

/* Something came from outside, for the channel with this id, or 0. The turn has begun. */
static inline void loop_note_event(weir_loop *loop, uint64_t channel) {
    loop_count(&loop->counts.events);
    loop_enter(&loop_place_event, LOOP_NO_SLOT);
    loop_enter_channel(channel);
}

/* Starts looking for a time without events or tasks, when the cache can go. */
void loop_watch_for_quiet(weir_loop *loop);
void loop_init_quiet(weir_loop *loop);

void loop_run_tasks(weir_loop *loop);
void loop_run_timers(weir_loop *loop, uint64_t now);

static inline bool loop_has_yields(const weir_loop *loop) {
    return loop->yields != 0;
}

/* True when loop_end_turn has something to do. */
static inline bool loop_has_rest(const weir_loop *loop) {
    return !weir_list_is_empty(&loop->dirty) || loop->graveyard != NULL || loop_has_yields(loop);
}

/* A few of those that have more to do (yield.c). */
void loop_run_yields(weir_loop *loop);

/* Sends what was written, frees what was buried. */
void loop_end_turn(weir_loop *loop);

/* Aborts every channel with `why`; they are gone some turns later. */
void loop_abort_channels(weir_loop *loop, weir_status why);

#endif
