/* <weir/transport/loop_stats.h> - what a loop has done, and how it keeps up.
 *
 * In short: the loop writes plain counters, so counting costs it next to nothing; anyone may read them at
 * any time. Two numbers show trouble first: `busy_ns / total_ns` near 1 means the thread is full, and a
 * `late_ms` that grows to the right means that something holds it up.
 *
 * Histograms are of powers of two: slot 0 counts what took less than 1 (us, ms), slot i what took less than
 * 2^i and not less than half of that, the last slot also everything longer.
 *
 * Layer: transport. Needs loop_group.h. Any thread; a moment's truth, each number for itself.
 */
#ifndef WEIR_TRANSPORT_LOOP_STATS_H
#define WEIR_TRANSPORT_LOOP_STATS_H

#include <stdio.h>

#include <weir/transport/loop_group.h>

WEIR_BEGIN_DECLS

/* Slots of a histogram. */
#define WEIR_LOOP_BUCKETS 20

/* Counts are since the loop was made. An embedded loop does not measure its turns. */
typedef struct weir_loop_stats {
    uint64_t loops;                      /* that are summed here */
    uint64_t turns;                      /* times it woke, did what there was, and slept again */
    uint64_t events;                     /* readiness of descriptors, signals and wake-ups */
    uint64_t tasks;                      /* posted ones that ran */
    uint64_t timers;                     /* fired */
    uint64_t flushes;                    /* channels that were sent at the end of a turn */
    uint64_t jobs;                       /* offloaded work whose end was told */
    uint64_t canceled_jobs;              /* of them: never begun */
    uint64_t slow_turns;                 /* that took slow_callback_ms or longer */
    uint64_t trims;                      /* times its idle cache was given back */
    uint64_t channels;                   /* now: open */
    uint64_t waiting_tasks;              /* now: posted and not yet run */
    uint64_t waiting_jobs;               /* now: offloaded and not yet told */
    uint64_t busy_ns;                    /* in turns, nanoseconds */
    uint64_t total_ns;                   /* since the loops were made, nanoseconds, theirs added up */
    uint64_t longest_turn_ns;            /* of any */
    uint64_t turn_us[WEIR_LOOP_BUCKETS]; /* how long turns took, microseconds */
    uint64_t late_ms[WEIR_LOOP_BUCKETS]; /* how late timers fired, milliseconds */
} weir_loop_stats;

/* Borrows: loop, out. */
WEIR_API void weir_loop_get_stats(const weir_loop *loop, weir_loop_stats *out);

/* The sum over its loops; of `longest_turn_ns` the largest. Borrows: group, out. */
WEIR_API void weir_loop_group_get_stats(const weir_loop_group *group, weir_loop_stats *out);

/* The stats as a few lines for people. Borrows: stats, out. */
WEIR_API void weir_loop_stats_dump(const weir_loop_stats *stats, FILE *out);

/* The stats as one JSON object on a line, under the names above. Borrows: stats, out. */
WEIR_API void weir_loop_stats_dump_json(const weir_loop_stats *stats, FILE *out);

WEIR_END_DECLS

#endif
