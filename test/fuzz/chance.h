/* chance.h - where a random test gets its choices from: a generator with a seed, or the bytes of a fuzzer.
 *
 * So one model serves both: the test runs it a million steps at random, the fuzzer looks for the run that breaks it.
 */
#ifndef WEIR_TEST_CHANCE_H
#define WEIR_TEST_CHANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct chance {
    uint64_t state;
    const uint8_t *bytes; /* NULL: the generator */
    size_t left;
} chance;

static inline chance chance_of_seed(uint64_t seed) {
    return (chance){.state = seed};
}

/* Borrows: bytes, for the life of the chance. */
static inline chance chance_of_bytes(const uint8_t *bytes, size_t n) {
    return (chance){.bytes = bytes, .left = n};
}

/* The bytes are used up: whatever is asked from here on, the answer is 0. */
static inline bool chance_is_over(const chance *self) {
    return self->bytes != NULL && self->left == 0;
}

/* splitmix64 */
static inline uint64_t chance_next_of_seed(chance *self) {
    uint64_t x = self->state += UINT64_C(0x9E3779B97F4A7C15);
    x = (x ^ x >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ x >> 27) * UINT64_C(0x94D049BB133111EB);
    return x ^ x >> 31;
}

static inline uint64_t chance_next_of_bytes(chance *self, unsigned width) {
    uint64_t value = 0;
    for (; width > 0 && self->left > 0; width--, self->left--) value = value << 8 | *self->bytes++;
    return value;
}

/* Any 64 bits. */
static inline uint64_t chance_bits(chance *self) {
    return self->bytes == NULL ? chance_next_of_seed(self) : chance_next_of_bytes(self, 8);
}

/* 0 to bound - 1, and 0 for a bound of 0. Takes as few bytes as will do, so that a fuzzer can aim. */
static inline uint64_t chance_below(chance *self, uint64_t bound) {
    if (bound < 2) return 0;
    if (self->bytes == NULL) return (chance_next_of_seed(self) >> 16) % bound;
    unsigned width = bound <= 0x100 ? 1 : bound <= 0x10000 ? 2 : 8;
    return chance_next_of_bytes(self, width) % bound;
}

#endif
