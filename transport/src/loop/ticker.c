/* ticker.c - a timer that starts itself again, before its callback, at the next beat that is still to come. */
#include <weir/transport/ticker.h>

#include "loop/loop_internal.h"

static void beat(weir_timer *timer) {
    weir_ticker *self = WEIR_CONTAINER(timer, weir_ticker, timer);
    uint64_t late = self->loop->now - timer->due;
    self->missed += late / self->every;
    weir_timer_start(timer, self->loop, self->every - late % self->every);
    loop_enter_function((uintptr_t)self->fn);
    self->fn(self);
}

void weir_ticker_init(weir_ticker *ticker, weir_ticker_fn *fn, void *arg) {
    *ticker = (weir_ticker){.fn = fn, .arg = arg};
    weir_timer_init(&ticker->timer, beat, NULL);
}

void weir_ticker_start(weir_ticker *ticker, weir_loop *loop, uint64_t delay_ms, uint64_t every_ms) {
    ticker->loop = loop;
    ticker->every = every_ms != 0 ? every_ms : 1;
    ticker->missed = 0;
    weir_timer_start(&ticker->timer, loop, delay_ms);
}

void weir_ticker_stop(weir_ticker *ticker) {
    if (weir_ticker_is_running(ticker)) weir_timer_stop(&ticker->timer, ticker->loop);
}
