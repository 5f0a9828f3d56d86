/* seed.h - random numbers of a test: WEIR_SEED in the environment repeats a run. */
#ifndef WEIR_TEST_SEED_H
#define WEIR_TEST_SEED_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <weir/testing.h>

/* The state of a generator; named in every failure of the test from here on. */
static inline uint64_t seed_start(void) {
    const char *given = getenv("WEIR_SEED");
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    uint64_t seed =
        given != NULL ? strtoull(given, NULL, 0) : (uint64_t)now.tv_nsec ^ (uint64_t)now.tv_sec << 20;
    weir_test_context("WEIR_SEED=%llu", (unsigned long long)seed);
    printf("WEIR_SEED=%llu\n", (unsigned long long)seed);
    return seed * 2 + 1;
}

/* splitmix64 */
static inline uint64_t seed_next(uint64_t *state) {
    uint64_t x = *state += UINT64_C(0x9E3779B97F4A7C15);
    x = (x ^ x >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ x >> 27) * UINT64_C(0x94D049BB133111EB);
    return x ^ x >> 31;
}

static inline uint64_t seed_below(uint64_t *state, uint64_t bound) {
    return seed_next(state) % bound;
}

#endif
