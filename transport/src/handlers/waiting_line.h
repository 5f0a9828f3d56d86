/* waiting_line.h - private: writes, a shutdown, a close that a handler keeps back for a while, in order.
 *
 * What waits counts against the channel's watermarks and its cap as if it had been queued already: so nothing is
 * unbounded, and writers learn that they are too fast.
 */
#ifndef WEIR_WAITING_LINE_H
#define WEIR_WAITING_LINE_H

#include <weir/core/list.h>

#include "channel/channel_internal.h"

typedef enum waiting_kind {
    WAITING_WRITE,
    WAITING_SHUTDOWN,
    WAITING_CLOSE,
} waiting_kind;

typedef struct waiting {
    weir_list link;
    waiting_kind kind;
    weir_obj *msg;
    weir_promise *promise;
    uint64_t size; /* as it was counted */
} waiting;

typedef struct waiting_line {
    weir_list queue;
} waiting_line;

void waiting_line_init(waiting_line *line);

/* Behind the others. Takes: msg (NULL but for a write), promise. False when there is no room or memory: a write is told
 * as one of the channel that failed; an end that cannot wait comes at once, by an abort. */
bool waiting_line_push(waiting_line *line, weir_ctx *ctx, waiting_kind kind, weir_obj *msg,
                       weir_promise *promise);

static inline waiting *waiting_line_first(const waiting_line *line) {
    return weir_list_is_empty(&line->queue) ? NULL : WEIR_CONTAINER(line->queue.next, waiting, link);
}

/* An end: behind what waits, or at once when nothing does. Takes: promise. */
void waiting_line_shutdown(waiting_line *line, weir_ctx *ctx, weir_promise *promise);
void waiting_line_close(waiting_line *line, weir_ctx *ctx, weir_promise *promise);

/* Gives: its msg and promise. Requires: there is a first one. */
waiting waiting_line_pop(waiting_line *line, weir_ctx *ctx);

/* The first one goes outward; or `n` bytes of it, a buf or region that has more. False when there is no memory to cut
 * it: then nothing has happened. */
bool waiting_line_pass(waiting_line *line, weir_ctx *ctx);
bool waiting_line_pass_part(waiting_line *line, weir_ctx *ctx, uint64_t n);

/* All are released; their promises fail with what ended the channel, or else with `why`. */
void waiting_line_fail(waiting_line *line, weir_ctx *ctx, weir_status why);

#endif
