/* <weir/transport/ctx.h> - one handler's place in one pipeline, and all it may do from there.
 *
 * In short: fire_x passes an event inward to the next handler that implements it; write, flush, pull,
 * shutdown, close and abort go outward to the next one on the way to the wire. From the last handler's
 * point of view both start next to it; to go through the whole pipeline use weir_channel_*.
 *
 * A ctx is valid until the end of the loop turn in which its handler's `removed` was called. Everything
 * here runs on the channel's loop (checked).
 *
 * Layer: transport. Needs handler.h.
 */
#ifndef WEIR_TRANSPORT_CTX_H
#define WEIR_TRANSPORT_CTX_H

#include <weir/buffer/buf.h>
#include <weir/transport/handler.h>

WEIR_BEGIN_DECLS

/* ---- where am I: Borrows: ctx, and the answers are borrowed for its life ---- */

WEIR_API void *weir_ctx_state(const weir_ctx *ctx);
WEIR_API const weir_handler *weir_ctx_handler(const weir_ctx *ctx);
WEIR_API weir_channel *weir_ctx_channel(const weir_ctx *ctx);
WEIR_API weir_pipeline *weir_ctx_pipeline(const weir_ctx *ctx);
WEIR_API weir_loop *weir_ctx_loop(const weir_ctx *ctx);
/* Where a weir_ctx_write goes: the next place towards the wire whose handler has a `write`, or the wire's own. */
WEIR_API weir_ctx *weir_ctx_writes_to(const weir_ctx *ctx);
/* Whether it is the wire's own place, and no handler's. */
WEIR_API bool weir_ctx_is_wire(const weir_ctx *ctx);

/* A pooled buf with room for `capacity` bytes. Gives: a buf, or NULL when out of memory. */
WEIR_API WEIR_MUST_USE weir_buf *weir_ctx_get_buf(weir_ctx *ctx, size_t capacity);

/* ---- inward: to the next handler that implements the event. Borrows: ctx ---- */

WEIR_API void weir_ctx_fire_active(weir_ctx *ctx);
/* Takes: msg. What reaches the tail unread is released and logged. */
WEIR_API void weir_ctx_fire_read(weir_ctx *ctx, weir_obj *msg);
WEIR_API void weir_ctx_fire_read_complete(weir_ctx *ctx);
/* Takes: event. What an event nobody takes does is said in event.h. */
WEIR_API void weir_ctx_fire_event(weir_ctx *ctx, weir_obj *event);
WEIR_API void weir_ctx_fire_writable_changed(weir_ctx *ctx);
/* Borrows: error. One that reaches the tail is logged and closes the channel. */
WEIR_API void weir_ctx_fire_error(weir_ctx *ctx, const weir_error *error);
WEIR_API void weir_ctx_fire_inactive(weir_ctx *ctx);

/* The same for an error that is only a status. Borrows: what, for good (a literal). */
WEIR_API void weir_ctx_fail(weir_ctx *ctx, weir_status status, const char *what);

/* ---- outward: to the next handler towards the wire. Borrows: ctx ---- */

/* Queues a message; it leaves at the next flush, or by itself at the end of the loop turn.
 * Takes: msg (a weir_buf or weir_region, or what a handler on the way makes of it) and promise, which may
 * be NULL: then a failure becomes one `error` event. A NULL msg fails with WEIR_E_NO_MEMORY: the result of
 * a failed constructor can be passed on unchecked. */
WEIR_API void weir_ctx_write(weir_ctx *ctx, void *msg, weir_promise *promise);

/* Sends what is queued now, as far as the socket takes it. */
WEIR_API void weir_ctx_flush(weir_ctx *ctx);

/* This turn ends with a flush through the whole pipeline: for a handler that gathers what is written, so that it sees
 * the end of the turn in its `flush`. Again in the same turn it does nothing. */
WEIR_API void weir_ctx_flush_later(weir_ctx *ctx);

/* weir_ctx_write and then weir_ctx_flush. Takes: msg, promise. */
WEIR_API void weir_ctx_write_flush(weir_ctx *ctx, void *msg, weir_promise *promise);

/* Asks for one more burst of reads; only needed where reading is manual. */
WEIR_API void weir_ctx_pull(weir_ctx *ctx);

/* Sends what is queued, then the end of our stream (FIN); reading goes on. Takes: promise, or NULL. */
WEIR_API void weir_ctx_shutdown(weir_ctx *ctx, weir_promise *promise);

/* Sends what is queued, then closes; after the close timeout it aborts. Takes: promise, or NULL. */
WEIR_API void weir_ctx_close(weir_ctx *ctx, weir_promise *promise);

/* Closes now: what is queued fails with `why`, the peer sees a reset. */
WEIR_API void weir_ctx_abort(weir_ctx *ctx, weir_status why);

WEIR_END_DECLS

#endif
