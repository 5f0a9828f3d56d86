/* deadline.h - private: a moment so many milliseconds from now, for pthread_cond_clockwait and CLOCK_MONOTONIC. */
#ifndef WEIR_DEADLINE_H
#define WEIR_DEADLINE_H

#include <stdint.h>
#include <time.h>

static inline struct timespec deadline_in(unsigned timeout_ms) {
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_sec += timeout_ms / 1000;
    at.tv_nsec += (long)(timeout_ms % 1000) * 1000000;
    if (at.tv_nsec >= 1000000000) {
        at.tv_sec++;
        at.tv_nsec -= 1000000000;
    }
    return at;
}

/* Whole milliseconds until then, a begun one counted; 0 when it has passed. */
static inline uint64_t deadline_left_ms(const struct timespec *at) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    int64_t ns = (int64_t)(at->tv_sec - now.tv_sec) * 1000000000 + (at->tv_nsec - now.tv_nsec);
    return ns > 0 ? (uint64_t)(ns + 999999) / 1000000 : 0;
}

#endif
