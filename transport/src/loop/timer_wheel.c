/* timer_wheel.c - hashed hierarchical timing wheel; the picture is in the header. */
#include "loop/timer_wheel.h"

static unsigned digit_of(uint64_t time, unsigned level) {
    return (unsigned)(time >> (level * WHEEL_BITS)) & (WHEEL_SLOTS - 1);
}

static unsigned highest_differing_digit(uint64_t a, uint64_t b) {
    unsigned top_bit = 63 - (unsigned)__builtin_clzll((a ^ b) | 1);
    return top_bit / WHEEL_BITS;
}

void timer_wheel_init(timer_wheel *wheel, uint64_t now) {
    wheel->now = now;
    weir_list_init(&wheel->due);
    for (unsigned level = 0; level < WHEEL_LEVELS; level++) {
        wheel->occupied[level] = 0;
        for (unsigned slot = 0; slot < WHEEL_SLOTS; slot++) weir_list_init(&wheel->slots[level][slot]);
    }
}

void timer_wheel_add(timer_wheel *wheel, weir_timer *timer) {
    unsigned level = highest_differing_digit(timer->due, wheel->now);
    unsigned slot = digit_of(timer->due, level);
    weir_list_push_back(&wheel->slots[level][slot], &timer->link);
    wheel->occupied[level] |= UINT64_C(1) << slot;
}

/* When the first occupied slot begins, lowest wheel first; its wheel in *level. Slots that time has passed are
 * empty. */
static uint64_t next_slot(const timer_wheel *wheel, unsigned *level) {
    for (unsigned l = 0; l < WHEEL_LEVELS; l++) {
        if (wheel->occupied[l] == 0) continue;
        *level = l;
        uint64_t slots = wheel->now >> (l * WHEEL_BITS);
        uint64_t first = slots & ~(uint64_t)(WHEEL_SLOTS - 1);
        return (first + (unsigned)__builtin_ctzll(wheel->occupied[l])) << (l * WHEEL_BITS);
    }
    *level = 0;
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

/* Moves all down before any is popped: what a callback starts must stand behind them. */
static void move_down(timer_wheel *wheel, weir_list *slot) {
    for (weir_timer *timer = pop_timer(slot); timer != NULL; timer = pop_timer(slot)) {
        if (timer->due > wheel->now) {
            timer_wheel_add(wheel, timer);
        } else {
            weir_list_push_back(&wheel->due, &timer->link);
        }
    }
}

weir_timer *timer_wheel_pop(timer_wheel *wheel, uint64_t now) {
    unsigned level;
    while (weir_list_is_empty(&wheel->due)) {
        uint64_t next = next_slot(wheel, &level);
        if (next > now || next == UINT64_MAX) {
            if (now > wheel->now) wheel->now = now;
            return NULL;
        }
        weir_list slot;
        if (next > wheel->now) wheel->now = next;
        empty_slot(wheel, level, digit_of(next, level), &slot);
        move_down(wheel, &slot);
    }
    return pop_timer(&wheel->due);
}
