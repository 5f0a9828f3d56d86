/* common/pattern.h - an endless stream of bytes that repeats after a prime number of them, so that any
 * stretch is contiguous in memory and a byte lost, doubled or swapped shows in one memcmp. */
#ifndef BENCH_PATTERN_H
#define BENCH_PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    PATTERN_MAX = 1 << 20 /* the longest stretch */
};

void pattern_init(void);

/* At least PATTERN_MAX bytes of the stream from `offset`. */
const uint8_t *pattern_at(uint64_t offset);

#endif
