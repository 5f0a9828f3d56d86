/* place.h - private: where a loop's thread is, for whoever finds it stuck there.
 *
 * One store where an event enters a handler. What is stored is the address of a constant (a handler's
 * table, or a loop_place below) with the slot in its low bits, so a reader in another thread never meets
 * memory that went away. Nothing is put back when a handler returns (that would cost the walkers their tail
 * calls): it says which handler was entered last.
 */
#ifndef WEIR_PLACE_H
#define WEIR_PLACE_H

#include <stdatomic.h>
#include <stdint.h>

typedef struct loop_thread {
    _Atomic(uintptr_t) at;       /* what begins with a name, and the slot; 0: nowhere in particular */
    _Atomic(uintptr_t) function; /* when it is no handler: what was called */
    _Atomic uint64_t channel;    /* id of the one an event came for, or 0 */
} loop_thread;

/* One a thread; its address is the thread's identity. Initial-exec: one load to find it. */
extern _Thread_local loop_thread loop_this_thread
    __attribute__((tls_model("initial-exec"), visibility("hidden")));

/* What is no handler but begins with a name too. */
typedef struct loop_place {
    const char *name;
} loop_place;

extern const loop_place loop_place_event, loop_place_task, loop_place_timer, loop_place_promise,
    loop_place_job, loop_place_sending, loop_place_yield;

enum {
    LOOP_NO_SLOT = 7 /* slots are 0 to 6: the inbound events, in the order of their EVENT_ bits */
};

static inline void loop_enter(const void *place, unsigned slot) {
    atomic_store_explicit(&loop_this_thread.at, (uintptr_t)place + slot, memory_order_relaxed);
}

/* Back in what was entered before. */
static inline void loop_thread_return(uintptr_t at) {
    atomic_store_explicit(&loop_this_thread.at, at, memory_order_relaxed);
}

static inline void loop_enter_function(uintptr_t function) {
    atomic_store_explicit(&loop_this_thread.function, function, memory_order_relaxed);
}

static inline void loop_enter_channel(uint64_t id) {
    atomic_store_explicit(&loop_this_thread.channel, id, memory_order_relaxed);
}

#endif
