/* loop_clock.c - the one clock of all loops; apart, so that a test can put another in its place. */
#include <time.h>

#include "loop/loop_internal.h"

WEIR_HOT uint64_t loop_clock_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}
