/* <weir/transport/loop.h> - one thread's event loop: channels, timers and posted tasks take turns on it.
 *
 * In short: a loop runs in one thread; whatever belongs to it (channels, timers, promises) is touched in
 * that thread only. Other threads post. At the end of each turn, everything written and not yet
 * flushed is sent, one system call a channel.
 *
 * Layer: transport. Runs on libuv, privately.
 */
#ifndef WEIR_TRANSPORT_LOOP_H
#define WEIR_TRANSPORT_LOOP_H

#include <weir/buffer/pool.h>
#include <weir/transport/handler.h>

WEIR_BEGIN_DECLS

/* Zero means the default, everywhere. */
typedef struct weir_loop_options {
    const char *name; /* for logs: "loop". Borrowed for the loop's life */
    void *host;      /* a uv_loop_t of yours to live on: run it yourself instead of weir_loop_run. Borrowed */
    weir_pool *pool; /* where channels get their bufs; NULL: one pool of the loop's own. Borrowed */
    unsigned max_tasks; /* most tasks posted and not yet run; 0: 1 048 576 */
    weir_alloc *alloc;  /* for everything but bufs; NULL: weir_alloc_default() */
} weir_loop_options;

/* Borrows: options, which may be NULL. Gives: a loop for weir_loop_free, or NULL when out of memory or
 * descriptors (a line is logged). With a host, call it in the host's thread: SIGPIPE is blocked there. */
WEIR_API WEIR_MUST_USE weir_loop *weir_loop_new(const weir_loop_options *options);

/* Runs in the calling thread, which becomes the loop's, until weir_loop_stop; then aborts the channels
 * that are left, runs their last callbacks and returns. SIGPIPE is blocked in this thread from here on.
 * Borrows: loop. */
WEIR_API void weir_loop_run(weir_loop *loop);

/* Makes weir_loop_run return after this turn. Borrows: loop. Any thread. */
WEIR_API void weir_loop_stop(weir_loop *loop);

/* Takes: loop, or NULL. Requires: weir_loop_run has returned or was never called (with a host: call it in
 * the host's thread). Channels that are left are aborted first. */
WEIR_API void weir_loop_free(weir_loop *loop);

/* Work for a loop; it runs in the loop's thread, once. */
typedef void weir_task_fn(void *arg);

/* `fn(arg)` on the loop, after what was posted before. Borrows: loop; arg is fn's own affair.
 * Fails: WEIR_E_NO_MEMORY, WEIR_E_STOPPED when the loop runs no more, WEIR_E_LIMIT when max_tasks are
 * waiting; then fn is never called. Any thread. */
WEIR_API weir_status weir_loop_post(weir_loop *loop, weir_task_fn *fn, void *arg);

/* A posted task in memory of the caller's own. */
typedef struct weir_task {
    struct weir_task *next;
    void (*run)(struct weir_task *task);
} weir_task;

/* The same without an allocation: `task` must stay until its `run` is called, which may free it.
 * Fails: WEIR_E_STOPPED, WEIR_E_LIMIT. Any thread. */
WEIR_API weir_status weir_loop_post_task(weir_loop *loop, weir_task *task);

/* Runs `work(arg)` on libuv's thread pool, then `done(arg, status)` on the loop, always: WEIR_E_CANCELED
 * when work never ran. Blocking calls go here. Borrows: loop. Fails: WEIR_E_NO_MEMORY, WEIR_E_STOPPED;
 * then neither is called. On the loop only. */
WEIR_API weir_status weir_loop_offload(weir_loop *loop, weir_task_fn *work,
                                       void (*done)(void *arg, weir_status status), void *arg);

/* True in the thread that runs `loop`. Borrows: loop. Any thread. */
WEIR_API bool weir_loop_is_current(const weir_loop *loop);

/* Milliseconds of a clock that never jumps, as of the start of this turn. Borrows: loop. */
WEIR_API uint64_t weir_loop_now(const weir_loop *loop);

/* Borrows: loop, and the answer for its life. Any thread. */
WEIR_API weir_pool *weir_loop_pool(const weir_loop *loop);

/* Channels that are open on it. Borrows: loop. Any thread; a moment's truth. */
WEIR_API size_t weir_loop_channels(const weir_loop *loop);

WEIR_END_DECLS

#endif
