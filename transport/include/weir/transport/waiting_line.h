/* <weir/transport/waiting_line.h> - writes, a shutdown, a close that a handler keeps back for a while, in order.
 *
 * In short: for handlers that cannot pass on yet what is written: a handshake is under way, a limit was reached, a
 * source is being read. What waits counts against the channel's watermarks and its cap as if it had been queued
 * already: so nothing is unbounded, and writers learn that they are too fast.
 *
 *     write --> push ... push         pass, pass_part     outward as it is
 *                 [ w ][ w ][ close ]  take, take_part    for the handler to make something of it
 *
 * Layer: transport. Needs ctx.h. On the channel's loop.
 */
#ifndef WEIR_TRANSPORT_WAITING_LINE_H
#define WEIR_TRANSPORT_WAITING_LINE_H

#include <weir/core/list.h>
#include <weir/transport/ctx.h>

WEIR_BEGIN_DECLS

/* What waits: only a write has a message. */
typedef enum weir_waiting_kind {
    WEIR_WAITING_WRITE,
    WEIR_WAITING_SHUTDOWN,
    WEIR_WAITING_CLOSE,
} weir_waiting_kind;

/* One that waits. Readable, not writable. */
typedef struct weir_waiting {
    weir_list link;
    weir_waiting_kind kind;
    weir_obj *msg;
    weir_promise *promise;
    uint64_t size; /* of what is left of it */
} weir_waiting;

/* Initialised by weir_waiting_line_init; when it is empty again there is nothing to free. */
typedef struct weir_waiting_line {
    weir_list queue;
    uint64_t held; /* what waits counts so much against the watermarks */
} weir_waiting_line;

/* An empty one. Borrows: line. */
WEIR_API void weir_waiting_line_init(weir_waiting_line *line);

/* Behind the others. Takes: msg (NULL but for a write), promise. False when there is no room or memory: a write is told
 * as one of the channel that failed; an end that cannot wait comes at once, by an abort. Borrows: line, ctx. */
WEIR_API bool weir_waiting_line_push(weir_waiting_line *line, weir_ctx *ctx, weir_waiting_kind kind,
                                     weir_obj *msg, weir_promise *promise);

/* What a push of `msg` would answer now: WEIR_OK, WEIR_E_CLOSED, WEIR_E_BACKPRESSURE over the cap. Borrows: ctx, msg. */
WEIR_API weir_status weir_waiting_line_admits(const weir_ctx *ctx, const weir_obj *msg);

/* The first one, or NULL. Borrows: line, and so the answer. */
static inline weir_waiting *weir_waiting_line_first(const weir_waiting_line *line) {
    return weir_list_is_empty(&line->queue) ? NULL : WEIR_CONTAINER(line->queue.next, weir_waiting, link);
}

/* An end: behind what waits, or at once outward when nothing does. Takes: promise. Borrows: line, ctx. */
WEIR_API void weir_waiting_line_shutdown(weir_waiting_line *line, weir_ctx *ctx, weir_promise *promise);
WEIR_API void weir_waiting_line_close(weir_waiting_line *line, weir_ctx *ctx, weir_promise *promise);

/* The first one goes outward; or `n` bytes of it, a buf or region that has more. False when there is no memory to cut
 * it: then nothing has happened. Borrows: line, ctx. Requires: there is one. */
WEIR_API bool weir_waiting_line_pass(weir_waiting_line *line, weir_ctx *ctx);
WEIR_API bool weir_waiting_line_pass_part(weir_waiting_line *line, weir_ctx *ctx, uint64_t n);

/* Out of the line. Gives: its msg and promise. The same for the next `n` bytes of a buf that has more: a slice, or NULL
 * when out of memory; and for `n` bytes of a region that the handler reads itself. They count no longer, which the
 * channel is told by weir_waiting_line_note, when what came of them is written. Borrows: line, ctx. Requires: there is one. */
WEIR_API weir_waiting weir_waiting_line_take(weir_waiting_line *line, weir_ctx *ctx);
WEIR_API WEIR_MUST_USE weir_buf *weir_waiting_line_take_part(weir_waiting_line *line, weir_ctx *ctx,
                                                             size_t n);
WEIR_API void weir_waiting_line_took(weir_waiting_line *line, weir_ctx *ctx, uint64_t n);
WEIR_API void weir_waiting_line_note(weir_ctx *ctx);

/* What ended the channel; `why` when it is open or ended in order. Borrows: ctx. */
WEIR_API weir_status weir_waiting_line_cause(const weir_ctx *ctx, weir_status why);

/* All are released; their promises fail with what ended the channel, or else with `why`. Borrows: line, ctx. */
WEIR_API void weir_waiting_line_fail(weir_waiting_line *line, weir_ctx *ctx, weir_status why);

WEIR_END_DECLS

#endif
