/* <weir/transport/promise.h> - the result of something that ends later, told exactly once.
 *
 * In short: make one, listen, hand it over (a write takes it). It completes once, on its loop, with a
 * status; listeners run there. Whoever wants to look at it later keeps a reference of its own.
 *
 * Listen before handing it over, or on the loop. Waiting is for other threads: on the promise's own
 * loop it would never end, and is a bug that stops the program.
 *
 * Layer: transport. Needs obj.h.
 */
#ifndef WEIR_TRANSPORT_PROMISE_H
#define WEIR_TRANSPORT_PROMISE_H

#include <weir/transport/handler.h>

WEIR_BEGIN_DECLS

typedef void weir_promise_fn(void *arg, weir_status status);

/* A promise that completes on `loop`. Borrows: loop. Gives: a promise, or NULL when out of memory; passing
 * NULL on is then allowed everywhere: it means nobody listens. Any thread. */
WEIR_API WEIR_MUST_USE weir_promise *weir_promise_new(weir_loop *loop);

/* Takes: promise, or NULL. Any thread. */
WEIR_API void weir_promise_release(weir_promise *promise);

/* Gives: one more reference; returns its argument, which may be NULL. Any thread. */
WEIR_API weir_promise *weir_promise_retain(weir_promise *promise);

/* `fn(arg, status)` once, on the loop: when it completes, or at once when it has. Borrows: promise.
 * Fails: WEIR_E_NO_MEMORY (only from the second listener on). */
WEIR_API weir_status weir_promise_listen(weir_promise *promise, weir_promise_fn *fn, void *arg);

/* How far a write is: `done` of `total` bytes are with the kernel. */
typedef void weir_progress_fn(void *arg, uint64_t done, uint64_t total);

/* `fn(arg, done, total)` on the loop each time a part of the write is out, but not when the last is: that completes
 * it. What goes out in one call, and what a handler on the way took apart, has no parts to tell of, unless that
 * handler tells them. One function; the next takes its place. Borrows: promise. */
WEIR_API void weir_promise_on_progress(weir_promise *promise, weir_progress_fn *fn, void *arg);

/* Tells it, when anybody wants to know; for handlers that write in parts. Borrows: promise, which may be NULL and
 * is not done. On its loop only. */
WEIR_API void weir_promise_progress(weir_promise *promise, uint64_t done, uint64_t total);

/* Completes it; the first call counts and answers true. Takes: promise, or NULL. On its loop only. */
WEIR_API bool weir_promise_complete(weir_promise *promise, weir_status status);

/* `promise` waits for the same as what is in `*place`: put there when that is NULL, else completed as it is, after it.
 * Takes: promise, or NULL. Borrows: place. On its loop only. */
WEIR_API void weir_promise_join(weir_promise **place, weir_promise *promise);

/* Borrows: promise. Any thread. */
WEIR_API bool weir_promise_is_done(const weir_promise *promise);

/* What it completed with; WEIR_OK before that. Borrows: promise. Any thread. */
WEIR_API weir_status weir_promise_status(const weir_promise *promise);

/* Blocks until it is done, at most `timeout_ms` milliseconds (negative: without end).
 * Answers what it completed with, or WEIR_E_TIMEOUT. Borrows: promise. Any thread but the loop's (checked); the one
 * that runs the loop whenever it waits (loop_group.h) does so meanwhile. */
WEIR_API weir_status weir_promise_wait(weir_promise *promise, int timeout_ms);

WEIR_END_DECLS

#endif
