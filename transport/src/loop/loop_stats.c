/* loop_stats.c - the counters of loops, added up and printed. */
#include <weir/transport/loop_stats.h>

#include <inttypes.h>

#include "loop/loop_internal.h"

static void add_stats(const weir_loop *loop, weir_loop_stats *out) {
    const loop_counts *counts = &loop->counts;
    out->loops++;
    out->turns += loop_counted(&counts->turns);
    out->events += loop_counted(&counts->events);
    out->tasks += loop_counted(&counts->tasks);
    out->timers += loop_counted(&counts->timers);
    out->flushes += loop_counted(&counts->flushes);
    out->jobs += loop_counted(&counts->jobs);
    out->canceled_jobs += loop_counted(&counts->canceled_jobs);
    out->slow_turns += loop_counted(&counts->slow_turns);
    out->trims += loop_counted(&counts->trims);
    out->channels += weir_loop_channels(loop);
    out->waiting_tasks += loop_waiting_tasks(loop);
    out->waiting_jobs += atomic_load_explicit(&loop->jobs, memory_order_relaxed);
    out->busy_ns += loop_counted(&counts->busy_ns);
    out->total_ns += loop_clock_ns() - loop->made_at;
    uint64_t longest = loop_counted(&counts->longest_turn_ns);
    if (longest > out->longest_turn_ns) out->longest_turn_ns = longest;
    for (unsigned i = 0; i < WEIR_LOOP_BUCKETS; i++) {
        out->turn_us[i] += loop_counted(&counts->turn_us[i]);
        out->late_ms[i] += loop_counted(&counts->late_ms[i]);
    }
}

void weir_loop_get_stats(const weir_loop *loop, weir_loop_stats *out) {
    *out = (weir_loop_stats){0};
    add_stats(loop, out);
}

void weir_loop_group_get_stats(const weir_loop_group *group, weir_loop_stats *out) {
    *out = (weir_loop_stats){0};
    for (size_t i = 0; i < weir_loop_group_count(group); i++) add_stats(weir_loop_group_at(group, i), out);
}

/* ---- lines ---- */

static void dump_histogram(const char *name, const char *unit, const uint64_t *counts, FILE *out) {
    fprintf(out, "  %s:", name);
    for (unsigned i = 0; i < WEIR_LOOP_BUCKETS; i++) {
        if (counts[i] == 0) continue;
        if (i == WEIR_LOOP_BUCKETS - 1) {
            fprintf(out, " longer %" PRIu64, counts[i]);
        } else {
            fprintf(out, " <%u %s %" PRIu64, 1u << i, unit, counts[i]);
        }
    }
    fputc('\n', out);
}

void weir_loop_stats_dump(const weir_loop_stats *stats, FILE *out) {
    double busy = stats->total_ns > 0 ? 100.0 * (double)stats->busy_ns / (double)stats->total_ns : 0;
    fprintf(out, "loops: %" PRIu64 ", busy %.1f %%, channels %" PRIu64 "\n", stats->loops, busy,
            stats->channels);
    fprintf(out,
            "  turns %" PRIu64 " (slow %" PRIu64 ", longest %.3f ms), events %" PRIu64 ", flushes %" PRIu64
            ", trims %" PRIu64 "\n",
            stats->turns, stats->slow_turns, (double)stats->longest_turn_ns / 1e6, stats->events,
            stats->flushes, stats->trims);
    fprintf(out,
            "  tasks %" PRIu64 " (waiting %" PRIu64 "), timers %" PRIu64 ", jobs %" PRIu64
            " (canceled %" PRIu64 ", waiting %" PRIu64 ")\n",
            stats->tasks, stats->waiting_tasks, stats->timers, stats->jobs, stats->canceled_jobs,
            stats->waiting_jobs);
    dump_histogram("turns took", "us", stats->turn_us, out);
    dump_histogram("timers were late by", "ms", stats->late_ms, out);
}

/* ---- JSON ---- */

static const struct {
    const char *name;
    size_t offset;
} numbers[] = {
#define NUMBER(field)                                                                                        \
    { #field, offsetof(weir_loop_stats, field) }
    NUMBER(loops),        NUMBER(turns),   NUMBER(events),   NUMBER(tasks),
    NUMBER(timers),       NUMBER(flushes), NUMBER(jobs),     NUMBER(canceled_jobs),
    NUMBER(slow_turns),   NUMBER(trims),   NUMBER(channels), NUMBER(waiting_tasks),
    NUMBER(waiting_jobs), NUMBER(busy_ns), NUMBER(total_ns), NUMBER(longest_turn_ns),
#undef NUMBER
};

static void print_histogram(const char *name, const uint64_t *counts, FILE *out) {
    fprintf(out, ",\"%s\":[", name);
    for (unsigned i = 0; i < WEIR_LOOP_BUCKETS; i++) fprintf(out, "%s%" PRIu64, i == 0 ? "" : ",", counts[i]);
    fputc(']', out);
}

void weir_loop_stats_dump_json(const weir_loop_stats *stats, FILE *out) {
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        uint64_t value = *(const uint64_t *)(const void *)((const char *)stats + numbers[i].offset);
        fprintf(out, "%s\"%s\":%" PRIu64, i == 0 ? "{" : ",", numbers[i].name, value);
    }
    print_histogram("turn_us", stats->turn_us, out);
    print_histogram("late_ms", stats->late_ms, out);
    fputs("}\n", out);
}
