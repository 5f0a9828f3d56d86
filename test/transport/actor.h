/* actor.h - a handler that writes down what it sees and does what a test tells it, in any slot.
 *
 * It acts first and passes on afterwards, so that what it did to the pipeline meets the event under way.
 * The trail of several actors is one text, a line an event: "a.read", "b.removed".
 */
#ifndef WEIR_TEST_ACTOR_H
#define WEIR_TEST_ACTOR_H

#include <weir/transport.h>

typedef enum actor_slot {
    ACTOR_ACTIVE,
    ACTOR_READ,
    ACTOR_READ_COMPLETE,
    ACTOR_EVENT,
    ACTOR_WRITABLE_CHANGED,
    ACTOR_ERROR,
    ACTOR_INACTIVE,
    ACTOR_WRITE,
    ACTOR_FLUSH,
    ACTOR_PULL,
    ACTOR_SHUTDOWN,
    ACTOR_CLOSE,
    ACTOR_ABORT,
    ACTOR_EVENTS, /* how many events there are; the two of life follow */
    ACTOR_ADDED = ACTOR_EVENTS,
    ACTOR_REMOVED,
    ACTOR_SLOTS,
} actor_slot;

extern const char *const actor_slot_names[ACTOR_SLOTS];

static inline bool actor_slot_is_inbound(actor_slot slot) {
    return slot < ACTOR_WRITE;
}

typedef struct trail {
    size_t length;
    char text[16000];
} trail;

void trail_add(trail *self, const char *format, ...) WEIR_PRINTF(2, 3);

/* The text is `expected`; else false, and both are printed. Forgets the text. */
bool trail_is(trail *self, const char *expected);

typedef struct actor actor;
typedef void actor_fn(actor *self, weir_ctx *ctx, actor_slot slot);

struct actor {
    const char *name;
    trail *trail;  /* NULL: nothing is written down */
    actor_fn *act; /* NULL: it only passes on */
    void *arg;
    actor_slot when; /* the slot to act in; ACTOR_SLOTS: each */
    bool keeps;      /* reads, events and errors go no further */
    unsigned seen[ACTOR_SLOTS];
};

/* All slots are there. `mute_handler` has none but removed. Their state is an actor of the test's. */
extern const weir_handler actor_handler;
extern const weir_handler mute_handler;

/* As weir_pipeline_add_last, required to succeed. */
void actor_add(actor *self, weir_pipeline *pipeline);

/* A promise that adds "NAME=STATUS" to the trail. `name` lives as long as the promise. */
weir_promise *trail_promise(trail *self, weir_loop *loop, const char *name);

/* One event of this kind through the whole pipeline, whatever the state of the channel. */
void fire_through(weir_pipeline *pipeline, actor_slot slot);

/* A build function; arg is an actor. */
weir_status build_with_actor(weir_pipeline *pipeline, void *arg);

#endif
