/* loop_internal.h - private: what a loop is, whoever drives it.
 *
 * A loop is its queues: posted tasks, timers, channels with something to send, things to be freed. A
 * driver (uv/uv_loop.c, embedded/embedded_loop.c) decides when they are looked at, by two calls:
 * loop_run_tasks when woken, loop_end_turn before it sleeps.
 */
#ifndef WEIR_LOOP_INTERNAL_H
#define WEIR_LOOP_INTERNAL_H

#include <stdatomic.h>

#include <weir/core/list.h>
#include <weir/transport/loop.h>

#include "loop/timer_wheel.h"

typedef struct loop_driver {
    const char *name;
    void (*wake)(weir_loop *loop);      /* run my tasks soon. Any thread */
    void (*continues)(weir_loop *loop); /* do not sleep: there is work for the next turn */
    void (*rearm)(weir_loop *loop);     /* the next timer is earlier than it was */
    weir_status (*offload)(weir_loop *loop, weir_task_fn *work, void (*done)(void *, weir_status), void *arg);
    void (*destroy)(weir_loop *loop); /* the last reference is gone: free the memory */
} loop_driver;

struct weir_loop {
    const loop_driver *driver;
    const char *name;
    weir_alloc *alloc;
    weir_pool *pool;
    bool owns_pool;
    _Atomic(const void *) thread; /* identity of the thread that runs it, or NULL */
    atomic_uint references;       /* the owner's and one for each channel */
    uint64_t now;
    uint64_t armed; /* when the driver will look at the wheel */
    timer_wheel wheel;

    _Atomic(weir_task *) posted; /* newest first */
    atomic_uint tasks;           /* posted and not run; the top bit: closed to posting */
    unsigned max_tasks;

    weir_list channels; /* all that are not gone */
    atomic_size_t channel_count;
    weir_list dirty;                /* channels with something to send at the end of the turn */
    weir_list later;                /* those that have had their share of this turn */
    weir_ctx *graveyard;            /* removed contexts, freed at the end of the turn */
    struct outbound_entry *entries; /* recycled */
    unsigned entries_kept;
    struct pipe_region *pipes; /* empty, for use again */
    unsigned pipes_kept;
    weir_list resolutions;           /* names being looked up */
    struct weir_resolver *resolver;  /* of the system, made by the first who needs it */
    struct weir_datagram *datagrams; /* recycled */
    unsigned datagrams_kept;
};

void loop_init(weir_loop *loop, const loop_driver *driver, const weir_loop_options *options, uint64_t now);

/* Makes its own pool when the options named none; false when out of memory. */
bool loop_init_pool(weir_loop *loop, const weir_loop_options *options);

/* From now on posts fail; those that were accepted have run when it returns. */
void loop_close_queues(weir_loop *loop);
bool loop_is_closed(const weir_loop *loop);

void loop_retain(weir_loop *loop);
void loop_release(weir_loop *loop);

/* Its address is this thread's alone: what `thread` is compared with. Initial-exec: one load to find it. */
extern _Thread_local char loop_this_thread __attribute__((tls_model("initial-exec"), visibility("hidden")));

void loop_set_thread(weir_loop *loop, const void *thread);

static inline bool loop_is_current(const weir_loop *loop) {
    return atomic_load_explicit(&loop->thread, memory_order_relaxed) == (const void *)&loop_this_thread;
}

/* Bugs stop here: a call that belongs to the loop's thread came from another. */
static inline void loop_check_current(const weir_loop *loop, const char *function) {
    WEIR_CHECK(loop_is_current(loop), "%s was called outside the thread of its loop \"%s\"", function,
               loop->name);
}

/* As weir_loop_post_task, beyond max_tasks: for the few tasks of weir's own that nothing can replace.
 * Fails: WEIR_E_STOPPED. Any thread. */
weir_status loop_post_own(weir_loop *loop, weir_task *task);

void loop_run_tasks(weir_loop *loop);
void loop_run_timers(weir_loop *loop, uint64_t now);

/* Sends what was written, frees what was buried. */
void loop_end_turn(weir_loop *loop);

/* Aborts every channel with `why`; they are gone some turns later. */
void loop_abort_channels(weir_loop *loop, weir_status why);

#endif
