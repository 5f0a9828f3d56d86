/* timer_wheel_test.c - the wheel against a plain array: what fires, when, and in which order. */
#include <stdlib.h>

#include <weir/testing.h>

#include "loop/timer_wheel.h"
#include "seed.h"

enum {
    TIMERS = 200,
    STEPS = 1500000
};

/* Beside each timer what the model knows of it. */
typedef struct entry {
    weir_timer timer;
    uint64_t started; /* a number that grows with each start; 0: not running */
} entry;

typedef struct model {
    timer_wheel wheel;
    entry entries[TIMERS];
    uint64_t target; /* the loop's now: where an advance goes to */
    uint64_t starts, fired, random;
    bool busy; /* callbacks start and stop others */
} model;

static void start(model *self, entry *it, uint64_t delay) {
    weir_list_remove(&it->timer.link);
    it->timer.due = self->target + delay;
    it->started = ++self->starts;
    timer_wheel_add(&self->wheel, &it->timer);
}

static void stop(entry *it) {
    weir_list_remove(&it->timer.link);
    it->started = 0;
}

/* Small ones mostly, equal ones often, and now and then years. */
static uint64_t some_delay(model *self) {
    static const unsigned bits[] = {1, 3, 3, 6, 7, 10, 13, 19, 25, 31, 37, 40};
    unsigned most = bits[seed_below(&self->random, sizeof bits / sizeof bits[0])];
    return 1 + seed_below(&self->random, UINT64_C(1) << most);
}

static bool is_before(const entry *a, const entry *b) {
    return a->timer.due != b->timer.due ? a->timer.due < b->timer.due : a->started < b->started;
}

static const entry *first_due(const model *self) {
    const entry *first = NULL;
    for (size_t i = 0; i < TIMERS; i++) {
        const entry *it = &self->entries[i];
        if (it->started != 0 && (first == NULL || is_before(it, first))) first = it;
    }
    return first;
}

static void on_fire(weir_timer *timer) {
    model *self = timer->arg;
    entry *it = WEIR_CONTAINER(timer, entry, timer);
    require(it == first_due(self));
    require(timer->due <= self->target && timer->due == self->wheel.now);
    it->started = 0;
    self->fired++;
    if (!self->busy) return;
    uint64_t dice = seed_below(&self->random, 4);
    if (dice == 0) start(self, it, some_delay(self));
    entry *other = &self->entries[seed_below(&self->random, TIMERS)];
    if (dice == 1) start(self, other, some_delay(self));
    if (dice == 2) stop(other);
}

static void advance(timer_wheel *wheel, uint64_t now) {
    for (weir_timer *timer = timer_wheel_pop(wheel, now); timer != NULL; timer = timer_wheel_pop(wheel, now))
        timer->fn(timer);
}

static void advance_to(model *self, uint64_t now) {
    self->target = now;
    advance(&self->wheel, now);
    const entry *left = first_due(self);
    require(left == NULL || left->timer.due > now);
    require(self->wheel.now == now);
}

/* As a loop does it that looks at each of its times: to what the wheel names, again and again. */
static void step_to(model *self, uint64_t now) {
    for (;;) {
        uint64_t next = timer_wheel_next(&self->wheel);
        const entry *first = first_due(self);
        require(next > self->wheel.now);
        require(first == NULL || next <= first->timer.due);
        if (next > now) break;
        advance_to(self, next);
    }
    advance_to(self, now);
}

static void take_step(model *self) {
    entry *it = &self->entries[seed_below(&self->random, TIMERS)];
    uint64_t dice = seed_below(&self->random, 20);
    const entry *first = first_due(self);
    if (dice < 12) {
        start(self, it, some_delay(self));
    } else if (dice < 14) {
        stop(it);
    } else if (dice < 16) {
        advance_to(self, self->target + some_delay(self) % 300);
    } else if (dice == 16 && first != NULL) {
        advance_to(self, first->timer.due - 1);
    } else if (dice == 17 && first != NULL) {
        advance_to(self, first->timer.due);
    } else if (dice == 18) {
        step_to(self, self->target + some_delay(self) % 5000);
    } else if (seed_below(&self->random, 50) == 0) {
        advance_to(self, self->target + some_delay(self));
    }
}

static void run_model(uint64_t begin, int steps) {
    model *self = calloc(1, sizeof *self);
    require(self != NULL);
    self->random = seed_start();
    self->target = begin;
    timer_wheel_init(&self->wheel, begin);
    for (size_t i = 0; i < TIMERS; i++) weir_timer_init(&self->entries[i].timer, on_fire, self);
    for (int i = 0; i < steps; i++) {
        self->busy = i % 1000 < 700;
        take_step(self);
    }
    expect(self->fired > (uint64_t)steps / 10);
    free(self);
}

WEIR_TEST(timer_wheel, agrees_with_a_sorted_array_over_many_random_steps) {
    run_model(0, STEPS);
}

WEIR_TEST(timer_wheel, agrees_with_a_sorted_array_where_many_digits_change_at_once) {
    run_model((UINT64_C(1) << 36) - 20000, STEPS / 10);
    run_model((UINT64_C(3) << 36) - 1, STEPS / 10);
    run_model((UINT64_C(1) << 42) - 300, STEPS / 10);
}

/* ---- single rules ---- */

static int order[8], fired;

static void note_order(weir_timer *timer) {
    order[fired++] = *(int *)timer->arg;
}

WEIR_TEST(timer_wheel, fires_timers_of_one_millisecond_in_the_order_of_their_starts) {
    static timer_wheel wheel;
    static int numbers[4] = {0, 1, 2, 3};
    weir_timer timers[4];
    timer_wheel_init(&wheel, 0);
    fired = 0;
    for (int i = 0; i < 4; i++) weir_timer_init(&timers[i], note_order, &numbers[i]);
    for (int i = 0; i < 3; i++) { /* the same time, put down from different distances */
        timers[i].due = 5000;
        timer_wheel_add(&wheel, &timers[i]);
        advance(&wheel, (uint64_t)(i + 1) * 1660);
    }
    timers[3].due = 5000;
    timer_wheel_add(&wheel, &timers[3]);
    advance(&wheel, 5000);
    expect_eq(fired, 4);
    for (int i = 0; i < 4; i++) expect_eq(order[i], i);
}

static timer_wheel *restart_wheel;
static uint64_t restart_until;

static void restart(weir_timer *timer) {
    fired++;
    if (restart_wheel->now >= restart_until) return;
    timer->due = restart_wheel->now + 1;
    timer_wheel_add(restart_wheel, timer);
}

WEIR_TEST(timer_wheel, lets_a_timer_start_itself_again_in_its_callback) {
    static timer_wheel wheel;
    weir_timer timer;
    timer_wheel_init(&wheel, 7);
    restart_wheel = &wheel;
    restart_until = 1007;
    fired = 0;
    weir_timer_init(&timer, restart, NULL);
    timer.due = 8;
    timer_wheel_add(&wheel, &timer);
    advance(&wheel, 2000);
    expect_eq(fired, 1000);
    expect(!weir_timer_is_running(&timer));
    expect_eq(timer_wheel_next(&wheel), UINT64_MAX);
}

static void count(weir_timer *timer) {
    (void)timer;
    fired++;
}

WEIR_TEST(timer_wheel, holds_a_hundred_thousand_timers) {
    enum {
        MANY = 100000
    };
    timer_wheel *wheel = calloc(1, sizeof *wheel);
    weir_timer *timers = calloc(MANY, sizeof *timers);
    require(wheel != NULL && timers != NULL);
    timer_wheel_init(wheel, 0);
    fired = 0;
    for (uint64_t i = 0; i < MANY; i++) {
        weir_timer_init(&timers[i], count, NULL);
        timers[i].due = 1 + i * 7919 % 60000;
        timer_wheel_add(wheel, &timers[i]);
    }
    for (uint64_t i = 0; i < MANY; i += 2) weir_list_remove(&timers[i].link);
    advance(wheel, 60000);
    expect_eq(fired, MANY / 2);
    free(timers);
    free(wheel);
}

WEIR_TEST(timer_wheel, keeps_a_delay_of_ages_and_fires_it_on_time) {
    static timer_wheel wheel;
    weir_timer years, never;
    timer_wheel_init(&wheel, 123456789);
    fired = 0;
    weir_timer_init(&years, count, NULL);
    weir_timer_init(&never, count, NULL);
    years.due = UINT64_C(1000) * 365 * 86400 * 1000;
    never.due = UINT64_MAX;
    timer_wheel_add(&wheel, &never);
    timer_wheel_add(&wheel, &years);
    advance(&wheel, years.due - 1);
    expect_eq(fired, 0);
    advance(&wheel, years.due);
    expect_eq(fired, 1);
    expect(weir_timer_is_running(&never));
    weir_list_remove(&never.link);
}
