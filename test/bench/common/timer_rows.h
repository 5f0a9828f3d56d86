/* common/timer_rows.h - timers of connections, started, moved on and stopped: the same loops over every library.
 *
 * Included once by a program, after it has defined
 *
 *     static void make_timers(size_t count);                the loop and so many timers
 *     static void free_timers(size_t count);                none runs
 *     static inline void start_timer(size_t i, unsigned ms);   a running one is moved
 *     static inline void stop_timer(size_t i);
 *     static void run_due(unsigned ms);                     lets so many milliseconds pass, if it can; fires what is due
 */
#ifndef BENCH_TIMER_ROWS_H
#define BENCH_TIMER_ROWS_H

#include "common/rows.h"

enum {
    IDLE_MS = 60000,
    TIMERS_AT_ONCE = 1024
};

static size_t timers_live;
static uint32_t timer_random;

static unsigned idle_time(void) {
    timer_random = timer_random * 1664525u + 1013904223u;
    return IDLE_MS + (timer_random >> 22); /* a second apart: traffic is not in step */
}

static void begin_timers(size_t live) {
    timers_live = live;
    make_timers(live);
    for (size_t i = 0; i < live; i++) start_timer(i, idle_time());
}

static void end_timers(size_t live) {
    for (size_t i = 0; i < live; i++) stop_timer(i);
    free_timers(live);
}

/* Any of those that run, as a read on its connection would. */
static void move_timers(size_t n, size_t live) {
    for (size_t i = 0; i < n; i++) {
        unsigned ms = idle_time();
        start_timer((size_t)((uint64_t)(timer_random & 0xffffff) * live >> 24), ms);
    }
}

/* A request's deadline that is met, while all others run. */
static void start_and_stop(size_t n, size_t live) {
    for (size_t i = 0; i < n; i++) {
        stop_timer(i % live);
        start_timer(i % live, IDLE_MS);
    }
}

static void begin_at_once(size_t live) {
    make_timers(live);
}

static void fire_at_once(size_t n, size_t live) {
    for (size_t done = 0; done < n; done += live) {
        for (size_t i = 0; i < live; i++) start_timer(i, 0);
        run_due(0);
    }
}

#define MOVE_ROW(text, live)                                                                                 \
    {                                                                                                        \
        .name = "move one of " text, .run = move_timers, .arg = (live), .counted = 16384,                    \
        .begin = begin_timers, .end = end_timers                                                             \
    }
#define TIMER_ROWS                                                                                           \
    MOVE_ROW("10", 10), MOVE_ROW("100", 100), MOVE_ROW("1000", 1000), MOVE_ROW("10000", 10000),              \
        MOVE_ROW("100000", 100000),                                                                          \
        {.name = "stop and start one of 1000",                                                               \
         .run = start_and_stop,                                                                              \
         .arg = 1000,                                                                                        \
         .counted = 16384,                                                                                   \
         .begin = begin_timers,                                                                              \
         .end = end_timers},                                                                                 \
    {                                                                                                        \
        .name = "start and fire, 1024 at once", .run = fire_at_once, .arg = TIMERS_AT_ONCE,                  \
        .counted = 16384, .begin = begin_at_once, .end = free_timers                                         \
    }

#endif
