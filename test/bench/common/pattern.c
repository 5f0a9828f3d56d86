/* pattern.c - one period and the longest stretch, made once. */
#include "pattern.h"

enum {
    PERIOD = 65521
};

static uint8_t stream[PERIOD + PATTERN_MAX];

void pattern_init(void) {
    uint32_t state = 1;
    for (size_t i = 0; i < PERIOD; i++) {
        state = state * 1664525u + 1013904223u;
        stream[i] = (uint8_t)(state >> 24);
    }
    for (size_t i = PERIOD; i < sizeof stream; i++) stream[i] = stream[i - PERIOD];
}

const uint8_t *pattern_at(uint64_t offset) {
    return stream + offset % PERIOD;
}
