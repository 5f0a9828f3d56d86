/* common/histogram.h - how long things took, in a table of fixed size: each value is known to 1.6 parts in a hundred,
 * from a nanosecond to hours, and no value is ever left out. */
#ifndef BENCH_HISTOGRAM_H
#define BENCH_HISTOGRAM_H

#include <stdint.h>

enum {
    HISTOGRAM_FINE_BITS = 6, /* an octave has so many steps */
    HISTOGRAM_STEPS = (64 - HISTOGRAM_FINE_BITS + 1) << HISTOGRAM_FINE_BITS
};

typedef struct histogram {
    uint64_t count, most;
    uint64_t steps[HISTOGRAM_STEPS];
} histogram;

void histogram_clear(histogram *self);

void histogram_note(histogram *self, uint64_t value);

/* The value that `part` of all (0 to 1) do not exceed: the upper end of its step. 0 when there is none. */
uint64_t histogram_at(const histogram *self, double part);

/* " p50=NS p90=NS p99=NS p999=NS most=NS" to standard output. */
void histogram_print(const histogram *self);

#endif
