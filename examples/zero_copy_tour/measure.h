/* measure.h - rounds, medians and the clock, shared by the tables of the tour. */
#ifndef TOUR_MEASURE_H
#define TOUR_MEASURE_H

#include <stddef.h>
#include <stdint.h>

/* Nanoseconds of a clock that never jumps. */
uint64_t now_ns(void);

/* Nanoseconds of processor time this thread has used, and its page faults. */
uint64_t thread_cpu_ns(void);
uint64_t thread_faults(void);

/* The middle one; reorders `values`. */
double median(double *values, size_t count);

#endif
