/* <weir/transport/timer.h> - call me later, on this loop.
 *
 * In short: a timer is a member of your own struct; starting and stopping it allocates nothing and takes
 * a few nanoseconds, whatever number there is. Resolution is one millisecond; it fires at its time or
 * a little after, never before. Timers of one millisecond fire in the order they were started.
 *
 * Everything runs on the loop (checked). A running timer must be stopped before its memory goes.
 *
 * Layer: transport. Needs list.h.
 */
#ifndef WEIR_TRANSPORT_TIMER_H
#define WEIR_TRANSPORT_TIMER_H

#include <stdint.h>

#include <weir/core/list.h>
#include <weir/transport/handler.h>

WEIR_BEGIN_DECLS

typedef struct weir_timer weir_timer;
typedef void weir_timer_fn(weir_timer *timer);

/* Readable; written by the functions here. */
struct weir_timer {
    weir_list link;
    uint64_t due; /* loop milliseconds */
    weir_timer_fn *fn;
    void *arg;
};

/* Borrows: timer; it is stopped. `fn` finds its struct by WEIR_CONTAINER or through `arg`. */
WEIR_API void weir_timer_init(weir_timer *timer, weir_timer_fn *fn, void *arg);

/* Fires once, `delay_ms` from now (weir_loop_now); a running one is moved. Borrows: both. */
WEIR_API void weir_timer_start(weir_timer *timer, weir_loop *loop, uint64_t delay_ms);

/* A stopped one stays stopped. Borrows: both. */
WEIR_API void weir_timer_stop(weir_timer *timer, weir_loop *loop);

/* True from start until it fires or is stopped. Borrows: timer. */
static inline bool weir_timer_is_running(const weir_timer *timer) {
    return !weir_list_is_empty(&timer->link);
}

WEIR_END_DECLS

#endif
