/* histogram.c - steps as wide as the leading bits of what falls into them. */
#include "histogram.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
    FINE = 1 << HISTOGRAM_FINE_BITS
};

/* Below FINE a value is its own step; above, the octave and the bits after its leading one are. */
static unsigned step_of(uint64_t value) {
    if (value < FINE) return (unsigned)value;
    unsigned octave = 63u - (unsigned)__builtin_clzll(value);
    unsigned shift = octave - HISTOGRAM_FINE_BITS;
    return (shift + 1) * FINE + (unsigned)(value >> shift) - FINE;
}

static uint64_t end_of(unsigned step) {
    if (step < FINE) return step;
    unsigned shift = step / FINE - 1;
    return (((uint64_t)step % FINE + FINE + 1) << shift) - 1;
}

void histogram_clear(histogram *self) {
    memset(self, 0, sizeof *self);
}

void histogram_note(histogram *self, uint64_t value) {
    self->steps[step_of(value)]++;
    self->count++;
    if (value > self->most) self->most = value;
}

uint64_t histogram_at(const histogram *self, double part) {
    uint64_t wanted = (uint64_t)ceil(part * (double)self->count), seen = 0;
    for (unsigned step = 0; step < HISTOGRAM_STEPS; step++) {
        seen += self->steps[step];
        if (seen >= wanted && seen > 0) return end_of(step) < self->most ? end_of(step) : self->most;
    }
    return 0;
}

void histogram_print(const histogram *self) {
    static const struct {
        const char *name;
        double part;
    } shown[] = {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p999", 0.999}};
    for (size_t i = 0; i < sizeof shown / sizeof shown[0]; i++) {
        printf(" %s=%" PRIu64, shown[i].name, histogram_at(self, shown[i].part));
    }
    printf(" most=%" PRIu64, self->most);
}
