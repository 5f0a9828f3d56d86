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

/* For options in milliseconds whose zero means a default: off. */
#define WEIR_LOOP_NEVER 0xffffffffu

/* Zero means the default, everywhere. */
typedef struct weir_loop_options {
    const char *name; /* for logs, 23 characters of it are kept: "loop" */
    void *host;      /* a uv_loop_t of yours to live on: run it yourself instead of weir_loop_run. Borrowed */
    weir_pool *pool; /* where channels get their bufs; NULL: one pool of the loop's own. Borrowed */
    unsigned max_tasks; /* most tasks posted and not yet run; 0: 1 048 576 */
    unsigned max_jobs;  /* most offloaded jobs whose end was not told yet; 0: 65 536 */
    /* A callback or a turn that keeps the loop for so many milliseconds is told in the log: the first while it
     * still does, with its handler. 0: 5000, on a host: nobody looks; WEIR_LOOP_NEVER: nobody looks */
    unsigned slow_callback_ms;
    /* After so many milliseconds without events or tasks the pool's cache for this thread is given back, once.
     * 0: 10 000; WEIR_LOOP_NEVER: kept */
    unsigned trim_idle_ms;
    weir_alloc *alloc; /* for everything but bufs; NULL: weir_alloc_default() */
} weir_loop_options;

/* Borrows: options, which may be NULL. Gives: a loop for weir_loop_free, or NULL when out of memory or
 * descriptors (a line is logged). With a host, call it in the host's thread: SIGPIPE is blocked there. */
WEIR_API WEIR_MUST_USE weir_loop *weir_loop_new(const weir_loop_options *options);

/* Runs in the calling thread, which becomes the loop's, until weir_loop_stop; then aborts the channels
 * that are left, runs their last callbacks and returns. SIGPIPE is blocked in this thread from here on.
 * Borrows: loop, which does not run already (checked). */
WEIR_API void weir_loop_run(weir_loop *loop);

/* Makes weir_loop_run return after this turn, or at once when it is called later, and weir_loop_turn answer false.
 * Borrows: loop. Any thread; with a loop of its own also a signal's handler. */
WEIR_API void weir_loop_stop(weir_loop *loop);

/* ---- from a poll of your own ----
 *
 *     do {
 *         struct pollfd polled[] = {{weir_loop_backend_fd(loop), POLLIN}, ...yours...};
 *         poll(polled, n, weir_loop_timeout(loop));
 *         ...yours...
 *     } while (weir_loop_turn(loop));
 *
 * A loop made without a host, in a thread that polls, epolls or selects by itself. The thread of the first
 * turn is the loop's from then on, SIGPIPE is blocked there, and there it is freed. */

/* A descriptor that is readable when the loop has something to do; to be polled, nothing else. Borrows: loop,
 * and the answer for its life. Any thread. */
WEIR_API int weir_loop_backend_fd(const weir_loop *loop);

/* Milliseconds after which it needs a turn although the descriptor is silent: 0 at once, -1 never. Ask before
 * each sleep. Borrows: loop. On the loop, or before its first turn. */
WEIR_API int weir_loop_timeout(weir_loop *loop);

/* One turn, without waiting. A turn with nothing to do costs a system call. False once weir_loop_stop was
 * called: then free it. Borrows: loop. On the loop, or the first; not from inside of a callback of it (checked). */
WEIR_API bool weir_loop_turn(weir_loop *loop);

/* Takes: loop, or NULL. Requires: weir_loop_run has returned or was never called (with a host or by turns:
 * call it in that thread). Work that was offloaded and has not begun is canceled. Channels that are left are aborted first. */
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
 * when work never ran. Blocking calls go here. The pool has four threads for the whole process, or as many as
 * UV_THREADPOOL_SIZE in the environment says (1024 at most) before the first work; what they do not take yet
 * waits in one queue. Borrows: loop. Fails: WEIR_E_LIMIT at max_jobs, WEIR_E_NO_MEMORY, WEIR_E_STOPPED while a loop that
 * was stopped or is freed ends what there is; then neither is called. On the loop only. */
WEIR_API weir_status weir_loop_offload(weir_loop *loop, weir_task_fn *work,
                                       void (*done)(void *arg, weir_status status), void *arg);

/* Opaque: offloaded work whose end was not told yet. */
typedef struct weir_job weir_job;

/* The same, with a handle in `*handle` for weir_job_cancel. It is NULL again when done is called, and after a
 * failure. Borrows: loop; handle until done is called. */
WEIR_API weir_status weir_loop_offload_job(weir_loop *loop, weir_task_fn *work,
                                           void (*done)(void *arg, weir_status status), void *arg,
                                           weir_job **handle);

/* True when its work has not begun and now never will; done then gets WEIR_E_CANCELED in a later turn. False
 * when it runs or has run, which goes on as if nothing was said, and for NULL. Borrows: job. On its loop only. */
WEIR_API bool weir_job_cancel(weir_job *job);

/* True in the thread that runs `loop`. Borrows: loop. Any thread. */
WEIR_API bool weir_loop_is_current(const weir_loop *loop);

/* Milliseconds of a clock that never jumps, as of the start of this turn; between two turns, as of now. Borrows: loop. */
WEIR_API uint64_t weir_loop_now(const weir_loop *loop);

/* Borrows: loop, and the answer for its life. Any thread. */
WEIR_API weir_pool *weir_loop_pool(const weir_loop *loop);

/* Channels that are open on it. Borrows: loop. Any thread; a moment's truth. */
WEIR_API size_t weir_loop_channels(const weir_loop *loop);

WEIR_END_DECLS

#endif
