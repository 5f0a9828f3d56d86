/* histogram.c - values to steps and back. */
#include "histogram.h"

#include <stddef.h>

static size_t step_of(uint64_t value) {
    if (value < HISTOGRAM_STEPS) return (size_t)value;
    unsigned doublings = 63u - (unsigned)__builtin_clzll(value) - 6; /* value >> doublings is 64 to 127 */
    size_t step = (doublings + 1) * HISTOGRAM_STEPS + (size_t)(value >> doublings) - HISTOGRAM_STEPS;
    size_t last = (size_t)HISTOGRAM_STEPS * HISTOGRAM_DOUBLINGS - 1;
    return step < last ? step : last;
}

static uint64_t middle_of(size_t step) {
    if (step < HISTOGRAM_STEPS) return step;
    unsigned doublings = (unsigned)(step / HISTOGRAM_STEPS) - 1;
    uint64_t low = (uint64_t)(step % HISTOGRAM_STEPS + HISTOGRAM_STEPS) << doublings;
    return low + ((uint64_t)1 << doublings) / 2;
}

void histogram_add(struct histogram *self, uint64_t value, uint64_t times) {
    self->counts[step_of(value)] += times;
    self->total += times;
    if (value > self->max) self->max = value;
}

void histogram_merge(struct histogram *self, const struct histogram *other) {
    for (size_t i = 0; i < sizeof self->counts / sizeof *self->counts; i++)
        self->counts[i] += other->counts[i];
    self->total += other->total;
    if (other->max > self->max) self->max = other->max;
}

uint64_t histogram_quantile(const struct histogram *self, double share) {
    uint64_t rank = (uint64_t)(share * (double)self->total), seen = 0;
    if (rank >= self->total) return self->max;
    for (size_t i = 0; i < sizeof self->counts / sizeof *self->counts; i++) {
        seen += self->counts[i];
        if (seen > rank) return middle_of(i) < self->max ? middle_of(i) : self->max;
    }
    return self->max;
}
