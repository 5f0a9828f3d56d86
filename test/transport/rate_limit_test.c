/* rate_limit_test.c - so many a second, whatever the pattern in which they come. */
#include <pthread.h>

#include <weir/testing.h>

#include "bootstrap/rate_limit.h"

static int taken_at_once(rate_limit *limit, uint64_t now) {
    int taken = 0;
    while (taken < 100000 && rate_limit_take(limit, now) == 0) taken++;
    return taken;
}

WEIR_TEST(rate_limit, allows_all_when_there_is_none) {
    rate_limit limit;
    rate_limit_init(&limit, 0, 0);
    expect_eq(taken_at_once(&limit, 0), 100000);
}

WEIR_TEST(rate_limit, allows_a_burst_and_then_one_for_each_part_of_a_second) {
    rate_limit limit;
    rate_limit_init(&limit, 10, 3);
    expect_eq(taken_at_once(&limit, 5000), 3);
    expect_eq(rate_limit_take(&limit, 5000), 100);
    expect_eq(rate_limit_take(&limit, 5099), 1);
    expect_eq(rate_limit_take(&limit, 5100), 0);
    expect_eq(rate_limit_take(&limit, 5100), 100);
}

WEIR_TEST(rate_limit, saves_no_more_than_a_burst_in_a_quiet_time) {
    rate_limit limit;
    rate_limit_init(&limit, 10, 3);
    expect_eq(taken_at_once(&limit, 0), 3);
    expect_eq(taken_at_once(&limit, 3600000), 3);
}

WEIR_TEST(rate_limit, has_a_burst_of_one_second_when_not_told) {
    rate_limit limit;
    rate_limit_init(&limit, 50, 0);
    expect_eq(taken_at_once(&limit, 1000), 50);
}

WEIR_TEST(rate_limit, keeps_the_rate_over_a_long_time_asked_each_millisecond) {
    static const unsigned rates[] = {1, 3, 7, 999, 1000};
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
        rate_limit limit;
        unsigned taken = 0;
        rate_limit_init(&limit, rates[i], 1);
        for (uint64_t now = 0; now < 20000; now++) taken += rate_limit_take(&limit, now) == 0;
        expect(taken >= rates[i] * 20 - rates[i] / 50 && taken <= rates[i] * 20 + 1);
    }
}

WEIR_TEST(rate_limit, takes_back_what_was_not_needed) {
    rate_limit limit;
    rate_limit_init(&limit, 1, 1);
    for (uint64_t now = 0; now < 100; now++) {
        expect_eq(rate_limit_take(&limit, now), 0);
        rate_limit_give_back(&limit);
    }
    expect_eq(taken_at_once(&limit, 100), 1);
}

enum {
    THREADS = 4
};

typedef struct taker {
    rate_limit *limit;
    int taken;
} taker;

static void *take_many(void *arg) {
    taker *self = arg;
    while (rate_limit_take(self->limit, 0) == 0) self->taken++;
    return NULL;
}

WEIR_TEST(rate_limit, is_exact_over_several_threads) {
    rate_limit limit;
    pthread_t threads[THREADS];
    taker takers[THREADS];
    int taken = 0;
    rate_limit_init(&limit, 1000, 20000);
    for (int i = 0; i < THREADS; i++) {
        takers[i] = (taker){&limit, 0};
        require(pthread_create(&threads[i], NULL, take_many, &takers[i]) == 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        taken += takers[i].taken;
    }
    expect_eq(taken, 20000);
}
