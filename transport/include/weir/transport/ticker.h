/* <weir/transport/ticker.h> - call me again and again, on this loop.
 *
 *     started, delay 30, every 100      30    130    230    330    430
 *     the loop is held from 120 to 340   x       -------------x     x
 *                                              130: fires once at 340, missed += 2
 *
 * In short: a ticker is a timer with a fixed beat. It fires at start + delay + n * every, whatever its callbacks
 * take: it does not drift. Beats that a busy loop misses are not made up for; they are counted, and
 * the next one is in time.
 *
 * Everything runs on the loop (checked). A running ticker must be stopped before its memory goes; its own
 * callback may stop or start it.
 *
 * Layer: transport. Needs timer.h.
 */
#ifndef WEIR_TRANSPORT_TICKER_H
#define WEIR_TRANSPORT_TICKER_H

#include <weir/transport/timer.h>

WEIR_BEGIN_DECLS

typedef struct weir_ticker weir_ticker;
typedef void weir_ticker_fn(weir_ticker *ticker);

/* Readable; written by the functions here. */
struct weir_ticker {
    weir_timer timer;
    weir_loop *loop; /* it was last started on */
    uint64_t every;  /* milliseconds */
    uint64_t missed; /* beats since the start that came too late to fire */
    weir_ticker_fn *fn;
    void *arg;
};

/* Borrows: ticker; it is stopped. `fn` finds its struct by WEIR_CONTAINER or through `arg`. */
WEIR_API void weir_ticker_init(weir_ticker *ticker, weir_ticker_fn *fn, void *arg);

/* Fires `delay_ms` from now (weir_loop_now) and every `every_ms` from then on; 0 counts as 1. A running one is
 * moved. Borrows: both. */
WEIR_API void weir_ticker_start(weir_ticker *ticker, weir_loop *loop, uint64_t delay_ms, uint64_t every_ms);

/* A stopped one stays stopped. Borrows: ticker. */
WEIR_API void weir_ticker_stop(weir_ticker *ticker);

/* True from start until it is stopped. Borrows: ticker. */
static inline bool weir_ticker_is_running(const weir_ticker *ticker) {
    return weir_timer_is_running(&ticker->timer);
}

WEIR_END_DECLS

#endif
