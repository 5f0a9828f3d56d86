/* histogram.h - how long things took, to within 1 %, in 18 KiB whatever their number.
 *
 * Log-linear: 64 equal steps for each power of two, so a value is known to 1/64 of itself, and reported
 * as the middle of its step. Values below 64 are exact.
 */
#ifndef ECHO_CLIENT_HISTOGRAM_H
#define ECHO_CLIENT_HISTOGRAM_H

#include <stdint.h>

enum {
    HISTOGRAM_STEPS = 64,
    HISTOGRAM_DOUBLINGS = 36, /* to 2^41 ns: 36 minutes */
};

struct histogram {
    uint64_t counts[HISTOGRAM_STEPS * HISTOGRAM_DOUBLINGS];
    uint64_t total, max;
};

/* `times` values of `value`. */
void histogram_add(struct histogram *self, uint64_t value, uint64_t times);

/* Everything of `other` too. */
void histogram_merge(struct histogram *self, const struct histogram *other);

/* The value that `share` of all (0.99: 99 %) do not exceed; 0 when there are none. */
uint64_t histogram_quantile(const struct histogram *self, double share);

#endif
