/* deadline.h - private: a moment so many milliseconds from now, for pthread_cond_clockwait and CLOCK_MONOTONIC. */
#ifndef WEIR_DEADLINE_H
#define WEIR_DEADLINE_H

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

#endif
