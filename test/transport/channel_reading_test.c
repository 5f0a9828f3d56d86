/* channel_reading_test.c - reading switched by one and held by many, who hears of it, and the clock of it. */
#include <weir/testing.h>

#include "life.h"

WEIR_TEST(channel_reading, tells_handlers_when_reading_is_switched_on_again) {
    life l;
    life_begin(&l, NULL);
    weir_channel_set_reading(l.channel, true);
    weir_channel_set_reading(l.channel, false);
    weir_channel_set_reading(l.channel, false);
    expect_eq(l.h.seen[ACTOR_EVENT], 0);
    weir_channel_set_reading(l.channel, true);
    weir_channel_set_reading(l.channel, true);
    expect_eq(l.h.seen[ACTOR_EVENT], 1);
    weir_channel_hold_reading(l.channel); /* which is no switch */
    weir_channel_let_read(l.channel);
    expect_eq(l.h.seen[ACTOR_EVENT], 1);
    weir_channel_set_reading(l.channel, false);
    weir_embedded_break(l.embedded, WEIR_E_CLOSED);
    weir_channel_set_reading(l.channel, true); /* nobody is left to be told */
    expect_eq(l.h.seen[ACTOR_EVENT], 1);
    life_end(&l);
}

WEIR_TEST(channel_reading, reads_nothing_until_it_is_let_as_often_as_it_was_held) {
    life l;
    life_begin(&l, NULL);
    weir_channel_hold_reading(l.channel);
    weir_channel_hold_reading(l.channel);
    weir_channel_pull(l.channel);
    weir_embedded_feed_bytes(l.embedded, "x", 1);
    weir_channel_let_read(l.channel);
    weir_embedded_run(l.embedded);
    expect(l.h.seen[ACTOR_READ] == 0 && !weir_channel_can_read(l.channel));
    weir_channel_let_read(l.channel);
    weir_embedded_run(l.embedded);
    expect(l.h.seen[ACTOR_READ] == 1 && weir_channel_can_read(l.channel));
    life_end(&l);
}

WEIR_TEST(channel_reading, keeps_the_switch_of_reading_apart_from_who_holds_it) {
    life l;
    life_begin(&l, NULL);
    weir_channel_hold_reading(l.channel);
    expect(weir_channel_is_reading(l.channel));
    weir_channel_set_reading(l.channel, true);
    expect(!weir_channel_can_read(l.channel));
    weir_channel_set_reading(l.channel, false);
    weir_channel_let_read(l.channel);
    expect(!weir_channel_is_reading(l.channel) && !weir_channel_can_read(l.channel));
    weir_embedded_feed_bytes(l.embedded, "x", 1);
    expect_eq(l.h.seen[ACTOR_READ], 0);
    life_end(&l);
}

/* Waits 10 ms; so many of them count. */
static uint64_t reading_time(life *self) {
    uint64_t before = weir_channel_reading_ms(self->channel);
    weir_embedded_advance(self->embedded, 10);
    return weir_channel_reading_ms(self->channel) - before;
}

WEIR_TEST(channel_reading, counts_the_time_in_which_it_reads) {
    life l;
    life_begin(&l, &(weir_channel_options){.low_water = 10, .high_water = 100});
    expect_eq(weir_channel_reading_ms(l.channel), 0);
    expect_eq(reading_time(&l), 10);
    weir_channel_hold_reading(l.channel);
    expect_eq(reading_time(&l), 0);
    weir_channel_let_read(l.channel);
    expect_eq(reading_time(&l), 10);
    weir_channel_set_reading(l.channel, false);
    expect_eq(reading_time(&l), 0);
    weir_channel_pull(l.channel);
    expect_eq(reading_time(&l), 10);
    weir_embedded_feed_bytes(l.embedded, "x", 1);
    expect_eq(reading_time(&l), 0);
    weir_channel_set_reading(l.channel, true);
    weir_embedded_stall(l.embedded, true);
    life_write(&l, 200, NULL);
    expect_eq(reading_time(&l), 0);
    weir_embedded_stall(l.embedded, false);
    expect_eq(reading_time(&l), 10);
    expect_eq(weir_channel_reading_ms(l.channel), 40);
    life_end(&l);
}

WEIR_TEST(channel_reading, is_let_read_no_more_often_than_it_was_held) {
    life l;
    life_begin(&l, NULL);
    expect_abort({ weir_channel_let_read(l.channel); }, "nobody holds the channel's reading");
    life_end(&l);
}
