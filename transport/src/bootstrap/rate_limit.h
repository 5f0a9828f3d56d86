/* rate_limit.h - private: so many a second, a burst after a quiet time; for several threads without a lock.
 *
 * A token bucket kept as one number: the time at which it would be full again. Each token taken moves that
 * by the time it takes to earn one; it may lie ahead of now by what a burst is worth.
 */
#ifndef WEIR_RATE_LIMIT_H
#define WEIR_RATE_LIMIT_H

#include <stdatomic.h>
#include <stdint.h>

#define RATE_LIMIT_NS_A_MS UINT64_C(1000000)

typedef struct rate_limit {
    uint64_t token_ns; /* the time one is worth; 0: no limit */
    uint64_t ahead_ns; /* the most a full bucket allows, but for the one that is being taken */
    _Atomic uint64_t full_ns;
} rate_limit;

/* `a_second` 0: no limit. `burst` 0: as many as `a_second`. */
static inline void rate_limit_init(rate_limit *self, unsigned a_second, unsigned burst) {
    if (burst == 0) burst = a_second;
    self->token_ns = a_second == 0 ? 0 : 1000 * RATE_LIMIT_NS_A_MS / a_second;
    self->ahead_ns = a_second == 0 ? 0 : self->token_ns * (burst - 1);
    if (self->ahead_ns < RATE_LIMIT_NS_A_MS) self->ahead_ns = RATE_LIMIT_NS_A_MS; /* the clock's tick */
    atomic_init(&self->full_ns, 0);
}

/* 0 when a token was taken, else the milliseconds until there is one. */
static inline uint64_t rate_limit_take(rate_limit *self, uint64_t now_ms) {
    if (self->token_ns == 0) return 0;
    uint64_t now = now_ms * RATE_LIMIT_NS_A_MS, from;
    uint64_t full = atomic_load(&self->full_ns);
    do {
        from = full > now ? full : now;
        if (from - now > self->ahead_ns) {
            return (from - now - self->ahead_ns + RATE_LIMIT_NS_A_MS - 1) / RATE_LIMIT_NS_A_MS;
        }
    } while (!atomic_compare_exchange_weak(&self->full_ns, &full, from + self->token_ns));
    return 0;
}

/* A token that was taken was not needed. */
static inline void rate_limit_give_back(rate_limit *self) {
    if (self->token_ns != 0) atomic_fetch_sub(&self->full_ns, self->token_ns);
}

#endif
