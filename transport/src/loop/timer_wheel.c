/* timer_wheel.c - hashed hierarchical timing wheel; the picture is in the header. */
#include "loop/timer_wheel.h"

#define LONGEST_DELAY ((UINT64_C(1) << (WHEEL_LEVELS * WHEEL_BITS)) - 1)

static unsigned digit_of(uint64_t time, unsigned level) {
    return (unsigned)(time >> (level * WHEEL_BITS)) & (WHEEL_SLOTS - 1);
}

static unsigned highest_differing_digit(uint64_t a, uint64_t b) {
    unsigned top_bit = 63 - (unsigned)__builtin_clzll((a ^ b) | 1);
    return top_bit / WHEEL_BITS;
}

void timer_wheel_init(timer_wheel *wheel, uint64_t now) {
    wheel->now = now;
    for (unsigned level = 0; level < WHEEL_LEVELS; level++) {
        wheel->occupied[level] = 0;
        for (unsigned slot = 0; slot < WHEEL_SLOTS; slot++) weir_list_init(&wheel->slots[level][slot]);
    }
}

void timer_wheel_add(timer_wheel *wheel, weir_timer *timer) {
    uint64_t due = timer->due;
    unsigned level = highest_differing_digit(due, wheel->now);
    if (level >= WHEEL_LEVELS) { /* beyond the wheels: the farthest slot, looked at again from there */
        due = wheel->now | LONGEST_DELAY;
        level = highest_differing_digit(due, wheel->now);
    }
    unsigned slot = digit_of(due, level);
    weir_list_push_back(&wheel->slots[level][slot], &timer->link);
    wheel->occupied[level] |= UINT64_C(1) << slot;
}

/* The first occupied slot, lowest wheel first, from now on; its wheel in *level. */
static uint64_t next_slot(const timer_wheel *wheel, unsigned *level) {
    for (unsigned l = 0; l < WHEEL_LEVELS; l++) {
        uint64_t ahead = wheel->occupied[l] >> digit_of(wheel->now, l) << digit_of(wheel->now, l);
        if (ahead == 0) continue;
        uint64_t slot = (uint64_t)__builtin_ctzll(ahead);
        uint64_t below = (UINT64_C(1) << ((l + 1) * WHEEL_BITS)) - 1;
        *level = l;
        return (wheel->now & ~below) | slot << (l * WHEEL_BITS);
    }
    return UINT64_MAX;
}

uint64_t timer_wheel_next(const timer_wheel *wheel) {
    unsigned level;
    uint64_t next = next_slot(wheel, &level);
    return next != UINT64_MAX && next < wheel->now ? wheel->now : next;
}

static void empty_slot(timer_wheel *wheel, unsigned level, unsigned slot, weir_list *into) {
    weir_list_init(into);
    weir_list_splice(into, &wheel->slots[level][slot]);
    wheel->occupied[level] &= ~(UINT64_C(1) << slot);
}

static weir_timer *pop_timer(weir_list *from) {
    weir_list *link = weir_list_pop_front(from);
    return link == NULL ? NULL : WEIR_CONTAINER(link, weir_timer, link);
}

static void fire_or_move_down(timer_wheel *wheel, weir_list *due) {
    for (weir_timer *timer = pop_timer(due); timer != NULL; timer = pop_timer(due)) {
        if (timer->due > wheel->now) {
            timer_wheel_add(wheel, timer);
        } else {
            timer->fn(timer);
        }
    }
}

void timer_wheel_advance(timer_wheel *wheel, uint64_t now) {
    unsigned level;
    for (uint64_t next = next_slot(wheel, &level); next <= now; next = next_slot(wheel, &level)) {
        weir_list due;
        if (next > wheel->now) wheel->now = next;
        empty_slot(wheel, level, digit_of(next, level), &due);
        fire_or_move_down(wheel, &due);
        if (next == UINT64_MAX) break;
    }
    if (now > wheel->now) wheel->now = now;
}
