/* pipeline_internal.h - private: contexts, the events they take, and the ends of the chain.
 *
 *     +--> handler 1 <--> handler 2 <--> ... <--> handler n <--+
 *     |                                                        |
 *     +------------------------> ends <------------------------+
 *
 * A walker goes to the next context whose `events` has the bit of what is passed on. The chain is a ring, and the one
 * context that closes it takes every event: inbound ones as the tail, outbound ones as the head. So a walk always ends,
 * and either kind begins there. A removed context takes nothing, but keeps its neighbours until the turn ends: a callback
 * that is still inside it can go on from there.
 */
#ifndef WEIR_PIPELINE_INTERNAL_H
#define WEIR_PIPELINE_INTERNAL_H

#include <weir/transport/ctx.h>
#include <weir/transport/pipeline.h>

#include "loop/loop_internal.h"

enum {
    EVENT_ACTIVE = 1u << 0,
    EVENT_READ = 1u << 1,
    EVENT_READ_COMPLETE = 1u << 2,
    EVENT_EVENT = 1u << 3,
    EVENT_WRITABLE_CHANGED = 1u << 4,
    EVENT_ERROR = 1u << 5,
    EVENT_INACTIVE = 1u << 6,
    EVENT_WRITE = 1u << 7,
    EVENT_FLUSH = 1u << 8,
    EVENT_PULL = 1u << 9,
    EVENT_SHUTDOWN = 1u << 10,
    EVENT_CLOSE = 1u << 11,
    EVENT_ABORT = 1u << 12,
    EVENT_ALL = (EVENT_ABORT << 1) - 1,
};

struct weir_ctx {
    weir_ctx *next; /* towards the tail */
    weir_ctx *prev; /* towards the head */
    const weir_handler *handler;
    void *state;
    weir_pipeline *pipeline;
    uint32_t events; /* the bits of the handler's slots; 0 once removed */
    bool removed;
};

/* That of a handler, which can be removed. */
typedef struct pipeline_place {
    weir_ctx ctx;
    struct pipeline_place *next_removed; /* in the loop's graveyard */
} pipeline_place;

struct weir_pipeline {
    weir_ctx ends;
};

extern const weir_handler pipeline_ends;

void pipeline_init(weir_pipeline *pipeline);

/* The name of the event with bit `bit`. */
const char *pipeline_event_name(unsigned bit);

static inline bool pipeline_is_empty(const weir_pipeline *pipeline) {
    return pipeline->ends.next == &pipeline->ends;
}

/* Removes every handler, from tail to head. */
void pipeline_clear(weir_pipeline *pipeline);

/* Whether any handler between the ends is handed what is written. */
bool pipeline_sees_writes(const weir_pipeline *pipeline);

/* The turn is over, so no callback is inside a removed context any more. */
void pipeline_free_removed(weir_loop *loop);

#endif
