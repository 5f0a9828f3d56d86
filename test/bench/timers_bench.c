/* timers_bench.c - weir's timers, as rows (common/rows.h), on a loop with a clock of its own. */
#include <stdlib.h>

#include <weir/transport.h>

static weir_embedded *timer_embedded;
static weir_loop *timer_loop;
static weir_timer *timers;

static void fired(weir_timer *timer) {
    (void)timer;
}

static void make_timers(size_t count) {
    timer_embedded = weir_embedded_new(NULL, NULL, NULL);
    timers = calloc(count, sizeof *timers);
    if (timer_embedded == NULL || timers == NULL) abort();
    timer_loop = weir_embedded_loop(timer_embedded);
    for (size_t i = 0; i < count; i++) weir_timer_init(&timers[i], fired, NULL);
}

static void free_timers(size_t count) {
    (void)count;
    weir_embedded_free(timer_embedded);
    free(timers);
}

static inline void start_timer(size_t i, unsigned ms) {
    weir_timer_start(&timers[i], timer_loop, ms);
}

static inline void stop_timer(size_t i) {
    weir_timer_stop(&timers[i], timer_loop);
}

/* Its clock moves when told to: a timer of no time needs a millisecond. */
static inline void run_due(unsigned ms) {
    weir_embedded_advance(timer_embedded, ms + 1);
}

#include "common/timer_rows.h"

static const bench_row rows[] = {TIMER_ROWS, {0}};

int main(int argc, char **argv) {
    return bench_rows(rows, argc, argv);
}
