/* timer_wheel.h - private: all timers of one loop, in eleven wheels of 64 slots.
 *
 * A timer lies in the wheel of the highest digit (base 64) in which its due time differs from now, in the slot
 * of that digit. So whatever is in a lower wheel is due before anything in a higher one, starting and
 * stopping are O(1), and a timer is moved down at most once a digit. Eleven digits are all 64 bits, so no delay is
 * too long; 11 KiB.
 */
#ifndef WEIR_TIMER_WHEEL_H
#define WEIR_TIMER_WHEEL_H

#include <weir/transport/timer.h>

enum {
    WHEEL_LEVELS = 11,
    WHEEL_BITS = 6,
    WHEEL_SLOTS = 64
};

typedef struct timer_wheel {
    uint64_t now;                    /* everything due before has been popped */
    weir_list due;                   /* due now, in order, not popped yet */
    uint64_t occupied[WHEEL_LEVELS]; /* a bit a slot; may be set for one that a stop has emptied */
    weir_list slots[WHEEL_LEVELS][WHEEL_SLOTS];
} timer_wheel;

void timer_wheel_init(timer_wheel *wheel, uint64_t now);

/* Requires: timer is in no slot, timer->due > wheel->now. */
void timer_wheel_add(timer_wheel *wheel, weir_timer *timer);

/* When something must be done next: fire or move down. UINT64_MAX: nothing is there. */
uint64_t timer_wheel_next(const timer_wheel *wheel);

/* The next timer that is due at `now` or before, taken out, in order; NULL when there is none, and the wheel
 * stands at `now`. In between any timer may be started and stopped. */
weir_timer *timer_wheel_pop(timer_wheel *wheel, uint64_t now);

#endif
