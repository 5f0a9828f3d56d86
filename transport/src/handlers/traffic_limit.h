/* traffic_limit.h - private: a rate as the time at which everything let through so far is paid for.
 *
 * That time (GCRA's "theoretical arrival time") is one number, so a limit that threads share needs no lock. Who wants
 * to pass pays first, which moves it on, and waits until the time it was before: so those who wait are in line,
 * and nobody starves. It lags behind now by the burst at most: that is what a pause saves.
 *
 * Where the rate changes, what was paid for and has not passed yet is owed in bytes: that time moves to where the new
 * rate brings them, when it is next asked for and now is known.
 */
#ifndef WEIR_TRAFFIC_LIMIT_H
#define WEIR_TRAFFIC_LIMIT_H

#include <stdatomic.h>

#include <weir/transport/traffic_shaper.h>

typedef struct traffic_rate {
    _Atomic uint64_t paid;      /* nanoseconds of the loops' clock */
    _Atomic uint64_t rate;      /* bytes a second; 0: no limit */
    _Atomic uint64_t burst;     /* nanoseconds */
    _Atomic uint64_t paid_rate; /* at which `paid` was reckoned */
} traffic_rate;

typedef struct traffic_rates {
    traffic_rate read, write;
} traffic_rates;

struct weir_traffic_limit {
    weir_obj obj;
    traffic_rates rates;
};

void traffic_rates_set(traffic_rates *rates, const weir_traffic_options *options);

/* Milliseconds until the next piece may pass; 0: now. */
uint64_t traffic_rate_wait(traffic_rate *rate, uint64_t now_ms);

/* Pays for so many bytes: how many milliseconds until they may pass. */
uint64_t traffic_rate_pay(traffic_rate *rate, uint64_t now_ms, uint64_t bytes);

/* The most that passes in one piece: what fifty milliseconds bring, 64 B to 1 MiB. */
uint64_t traffic_rate_piece(const traffic_rate *rate);

#endif
