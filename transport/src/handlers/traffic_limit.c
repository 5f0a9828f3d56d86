/* traffic_limit.c - see traffic_limit.h. */
#include "handlers/traffic_limit.h"

#include <weir/core/alloc.h>

#define NS_A_MS UINT64_C(1000000)
#define NS_A_SECOND UINT64_C(1000000000)
#define LEAST_PIECE 64u
#define MOST_PIECE (1024u * 1024u)

/* How long `bytes` take, to the nanosecond, without overflow in the middle. */
static uint64_t duration(uint64_t bytes, uint64_t rate) {
    uint64_t seconds = bytes / rate, rest = bytes % rate;
    uint64_t part =
        rest <= UINT64_MAX / NS_A_SECOND ? rest * NS_A_SECOND / rate : rest / (rate / NS_A_SECOND);
    return seconds < UINT64_MAX / NS_A_SECOND / 2 ? seconds * NS_A_SECOND + part : UINT64_MAX / 4;
}

static void set_rate(traffic_rate *rate, uint64_t bytes_a_second, uint64_t burst) {
    atomic_store(&rate->rate, bytes_a_second);
    uint64_t saved = burst == 0 || bytes_a_second == 0 ? NS_A_SECOND / 10 : duration(burst, bytes_a_second);
    atomic_store(&rate->burst, saved);
}

void traffic_rates_set(traffic_rates *rates, const weir_traffic_options *options) {
    set_rate(&rates->read, options->read_rate, options->burst);
    set_rate(&rates->write, options->write_rate, options->burst);
}

static uint64_t until(uint64_t time, uint64_t now) {
    return time <= now ? 0 : (time - now + NS_A_MS - 1) / NS_A_MS;
}

/* As many bytes as `time` brought them at another rate. */
static uint64_t at_rate(uint64_t time, uint64_t now, uint64_t was, uint64_t is) {
    if (time <= now) return time;
    if (is == 0) return 0;
    double left = (double)(time - now) * ((double)was / (double)is);
    return left < (double)(UINT64_MAX / 4) ? now + (uint64_t)left : UINT64_MAX / 4;
}

/* The rate; what was paid for is reckoned by it. */
static uint64_t current_rate(traffic_rate *rate, uint64_t now) {
    uint64_t is = atomic_load(&rate->rate), was = atomic_load(&rate->paid_rate);
    if (WEIR_LIKELY(is == was) || !atomic_compare_exchange_strong(&rate->paid_rate, &was, is)) return is;
    uint64_t paid = atomic_load(&rate->paid);
    while (!atomic_compare_exchange_weak(&rate->paid, &paid, at_rate(paid, now, was, is))) {
    }
    return is;
}

uint64_t traffic_rate_wait(traffic_rate *rate, uint64_t now_ms) {
    uint64_t now = now_ms * NS_A_MS;
    return current_rate(rate, now) == 0 ? 0 : until(atomic_load(&rate->paid), now);
}

uint64_t traffic_rate_pay(traffic_rate *rate, uint64_t now_ms, uint64_t bytes) {
    uint64_t now = now_ms * NS_A_MS, bytes_a_second = current_rate(rate, now);
    if (bytes_a_second == 0) return 0;
    uint64_t cost = duration(bytes, bytes_a_second), burst = atomic_load(&rate->burst);
    uint64_t earliest = now > burst ? now - burst : 0;
    uint64_t paid = atomic_load(&rate->paid), next;
    do {
        next = (paid > earliest ? paid : earliest) + cost;
    } while (!atomic_compare_exchange_weak(&rate->paid, &paid, next));
    return until(paid, now);
}

uint64_t traffic_rate_piece(const traffic_rate *rate) {
    uint64_t bytes_a_second = atomic_load(&rate->rate), piece = bytes_a_second / 20;
    if (bytes_a_second == 0 || piece > MOST_PIECE) return MOST_PIECE;
    return piece > LEAST_PIECE ? piece : LEAST_PIECE;
}

/* ---- a limit that is shared ---- */

static void free_limit(weir_obj *obj) {
    weir_alloc_release(NULL, obj);
}

static weir_leak_counter living = {.name = "traffic_limit"};
static const weir_obj_type limit_type = {.name = "traffic_limit", .free = free_limit, .live = &living};

weir_traffic_limit *weir_traffic_limit_new(const weir_traffic_options *options) {
    weir_traffic_limit *limit = weir_alloc_zeroed(NULL, 1, sizeof *limit);
    if (limit == NULL) return NULL;
    weir_obj_init(&limit->obj, &limit_type);
    traffic_rates_set(&limit->rates, options);
    return limit;
}

void weir_traffic_limit_set(weir_traffic_limit *limit, const weir_traffic_options *options) {
    traffic_rates_set(&limit->rates, options);
}

weir_traffic_limit *weir_traffic_limit_retain(weir_traffic_limit *limit) {
    return weir_obj_retain(limit);
}

void weir_traffic_limit_release(weir_traffic_limit *limit) {
    weir_obj_release(limit);
}
