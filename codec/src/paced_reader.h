/* paced_reader.h - private: a handler that makes more of what it read, as fast as the handlers behind it take it.
 *
 *     read --> [ what waits ] --give_one--> weir_ctx_fire_read
 *                                 while reading is on, or one for a pull; what waits is at most a burst of reads
 *
 * After so many steps in a turn it is the others' turn (yield.h); so it is, before the first, when reading is switched on.
 * Rule: nothing of the owner is trusted across a call into the pipeline but that it exists; it is freed when the outermost
 * of ours has returned.
 */
#ifndef WEIR_CODEC_PACED_READER_H
#define WEIR_CODEC_PACED_READER_H

#include <weir/transport/channel.h>
#include <weir/transport/ctx.h>
#include <weir/transport/event.h>
#include <weir/transport/yield.h>

#define PACED_READER_STEPS 4 /* in a turn */

/* What the owner, of which a paced_reader is the first member, does. */
typedef struct paced_reader_ops {
    bool (*has_work)(const void *owner);
    void (*give_one)(void *owner); /* one step, by paced_reader_give */
    void (*free)(void *owner);
} paced_reader_ops;

typedef struct paced_reader {
    const paced_reader_ops *ops;
    weir_ctx *ctx;
    weir_yield yield;
    unsigned steps; /* taken of this turn's */
    unsigned depth;
    bool is_wanted; /* a pull that nothing has answered */
    bool is_pumping;
    bool is_removed;
    bool is_held; /* by who gets what is given, until it says so */
} paced_reader;

static inline void paced_reader_enter(paced_reader *self) {
    self->depth++;
}

static inline void paced_reader_leave(paced_reader *self) {
    if (--self->depth == 0 && self->is_removed) self->ops->free(self);
}

/* Takes: msg. */
static inline void paced_reader_give(paced_reader *self, weir_obj *msg) {
    self->is_wanted = false;
    weir_ctx_fire_read(self->ctx, msg);
}

static inline bool paced_reader_is_taken(const paced_reader *self) {
    return self->is_wanted || weir_channel_is_reading(weir_ctx_channel(self->ctx));
}

static inline bool paced_reader_may_give(const paced_reader *self, bool all) {
    bool may_now = !self->is_held && !weir_yield_is_waiting(&self->yield) && paced_reader_is_taken(self);
    return !self->is_removed && self->ops->has_work(self) && (all || may_now);
}

/* One step; after so many the rest waits for its turn. */
static inline void paced_reader_step(paced_reader *self) {
    self->ops->give_one(self);
    if (++self->steps < PACED_READER_STEPS) return;
    self->steps = 0;
    if (!self->is_removed && self->ops->has_work(self)) weir_yield_wait(&self->yield, self->ctx);
}

/* As much as is taken; `all` because it cannot wait. Requires: entered. True: there was something. */
static inline bool paced_reader_pump(paced_reader *self, bool all) {
    bool any = false;
    if (self->is_pumping) return false;
    self->is_pumping = true;
    while (paced_reader_may_give(self, all)) {
        any = true;
        paced_reader_step(self);
    }
    self->is_pumping = false;
    return any;
}

/* A pull that nothing has answered goes on to the wire. */
static inline void paced_reader_pull_on(paced_reader *self) {
    if (self->is_wanted && !self->is_removed && !self->ops->has_work(self)) weir_ctx_pull(self->ctx);
}

/* Outside a burst of reads: each answer to a pull is a burst of its own. */
static inline void paced_reader_pump_alone(paced_reader *self, bool all) {
    if (self->is_pumping) return;
    paced_reader_enter(self);
    while (paced_reader_pump(self, all) && !self->is_removed) {
        self->is_pumping = true; /* a pull from in here is a wish for the next round */
        weir_ctx_fire_read_complete(self->ctx);
        self->is_pumping = false;
    }
    paced_reader_pull_on(self);
    paced_reader_leave(self);
}

static inline void paced_reader_go_on(weir_yield *yield) {
    paced_reader *self = WEIR_CONTAINER(yield, paced_reader, yield);
    self->steps = 0;
    paced_reader_pump_alone(self, false);
}

/* Nothing waits any more. */
static inline void paced_reader_stop(paced_reader *self) {
    if (self->ctx == NULL) return;
    weir_yield_stop(&self->yield);
}

/* ---- for slots; what is passed on, the owner passes on ---- */

static inline void paced_reader_added(paced_reader *self, weir_ctx *ctx) {
    self->ctx = ctx;
    weir_yield_init(&self->yield, paced_reader_go_on);
}

/* The owner has dropped what it holds. It may be gone afterwards. */
static inline void paced_reader_removed(paced_reader *self) {
    paced_reader_enter(self);
    paced_reader_stop(self);
    self->is_removed = true;
    paced_reader_leave(self);
}

/* A burst that gave nothing has not answered a pull. */
static inline void paced_reader_read_complete(paced_reader *self) {
    paced_reader_enter(self);
    if (!weir_yield_is_waiting(&self->yield)) self->steps = 0;
    weir_ctx_fire_read_complete(self->ctx);
    paced_reader_pull_on(self);
    paced_reader_leave(self);
}

static inline void paced_reader_pull(paced_reader *self) {
    self->is_wanted = true;
    if (self->ops->has_work(self)) {
        paced_reader_pump_alone(self, false);
    } else {
        weir_ctx_pull(self->ctx);
    }
}

/* At weir_event_reading_on. Who is pumping sees it by itself. */
static inline void paced_reader_reading_on(paced_reader *self) {
    if (!self->is_pumping && paced_reader_may_give(self, false)) weir_yield_wait(&self->yield, self->ctx);
}

#endif
