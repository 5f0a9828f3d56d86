/* timers_uv.c - libuv's timers, as rows. */
#include <stdlib.h>
#include <uv.h>

static uv_loop_t loop;
static uv_timer_t *timers;

static void fired(uv_timer_t *timer) {
    (void)timer;
}

static void make_timers(size_t count) {
    timers = calloc(count, sizeof *timers);
    if (timers == NULL || uv_loop_init(&loop) != 0) abort();
    for (size_t i = 0; i < count; i++) uv_timer_init(&loop, &timers[i]);
}

static void free_timers(size_t count) {
    for (size_t i = 0; i < count; i++) uv_close((uv_handle_t *)&timers[i], NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_loop_close(&loop);
    free(timers);
}

static inline void start_timer(size_t i, unsigned ms) {
    uv_timer_start(&timers[i], fired, ms, 0);
}

static inline void stop_timer(size_t i) {
    uv_timer_stop(&timers[i]);
}

static void run_due(unsigned ms) {
    (void)ms;
    uv_run(&loop, UV_RUN_NOWAIT);
}

#include "common/timer_rows.h"

static const bench_row rows[] = {TIMER_ROWS, {0}};

int main(int argc, char **argv) {
    return bench_rows(rows, argc, argv);
}
