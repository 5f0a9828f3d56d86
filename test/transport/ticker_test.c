/* ticker_test.c - a beat that neither drifts nor catches up. */
#include <weir/testing.h>
#include <weir/transport.h>

#include "loop/loop_internal.h"

typedef struct beats {
    weir_embedded *embedded;
    weir_loop *loop;
    weir_ticker ticker;
    unsigned count;
    uint64_t at[100];
    unsigned stop_after;    /* stops itself in this beat; 0: never */
    uint64_t restart_every; /* starts itself anew in each beat */
} beats;

static void on_beat(weir_ticker *ticker) {
    beats *self = WEIR_CONTAINER(ticker, beats, ticker);
    if (self->count < 100) self->at[self->count] = weir_loop_now(self->loop);
    self->count++;
    expect(weir_ticker_is_running(ticker)); /* in its callback too */
    if (self->restart_every != 0) weir_ticker_start(ticker, self->loop, self->restart_every, 1000);
    if (self->count == self->stop_after) weir_ticker_stop(ticker);
}

static void begin(beats *self) {
    *self = (beats){.embedded = weir_embedded_new(NULL, NULL, NULL)};
    require(self->embedded != NULL);
    self->loop = weir_embedded_loop(self->embedded);
    weir_ticker_init(&self->ticker, on_beat, self);
    expect(self->ticker.arg == self);
    expect(!weir_ticker_is_running(&self->ticker));
}

static void end(beats *self) {
    weir_ticker_stop(&self->ticker);
    weir_embedded_free(self->embedded);
}

WEIR_TEST(ticker, fires_after_the_delay_and_then_at_each_beat) {
    beats self;
    begin(&self);
    weir_ticker_start(&self.ticker, self.loop, 30, 100);
    weir_embedded_advance(self.embedded, 29);
    expect_eq(self.count, 0);
    weir_embedded_advance(self.embedded, 301);
    expect_eq(self.count, 4);
    for (unsigned i = 0; i < 4; i++) expect_eq(self.at[i], 30 + i * 100);
    expect_eq(self.ticker.missed, 0);
    end(&self);
}

/* As a callback that keeps the loop: time passes, and no timer is looked at meanwhile. */
static void hold_until(beats *self, uint64_t now) {
    self->loop->now = now;
}

WEIR_TEST(ticker, fires_once_for_missed_beats_and_is_in_time_again) {
    beats self;
    begin(&self);
    weir_ticker_start(&self.ticker, self.loop, 30, 100);
    hold_until(&self, 340); /* 30, 130, 230, 330 are over */
    weir_embedded_run(self.embedded);
    expect_eq(self.count, 1);
    expect_eq(self.ticker.missed, 3);
    weir_embedded_advance(self.embedded, 200);
    expect_eq(self.count, 3);
    expect_eq(self.at[1], 430);
    expect_eq(self.at[2], 530);
    weir_loop_stats stats;
    weir_loop_get_stats(self.loop, &stats);
    expect_eq(stats.timers, 3);
    expect_eq(stats.late_ms[9], 1); /* 310 ms */
    end(&self);
}

WEIR_TEST(ticker, stops_in_its_own_callback) {
    beats self;
    begin(&self);
    self.stop_after = 3;
    weir_ticker_start(&self.ticker, self.loop, 0, 0);
    weir_embedded_advance(self.embedded, 50);
    expect_eq(self.count, 3);
    expect_eq(self.at[2], 3); /* a zero counts as one */
    expect(!weir_ticker_is_running(&self.ticker));
    end(&self);
}

WEIR_TEST(ticker, starts_anew_in_its_own_callback_and_from_outside) {
    beats self;
    begin(&self);
    self.restart_every = 7;
    weir_ticker_start(&self.ticker, self.loop, 1, 1000);
    weir_embedded_advance(self.embedded, 22);
    expect_eq(self.count, 4); /* 1, 8, 15, 22 */
    self.restart_every = 0;
    weir_ticker_start(&self.ticker, self.loop, 50, 10);
    weir_embedded_advance(self.embedded, 60);
    expect_eq(self.count, 6);
    expect_eq(self.at[5], 82);
    end(&self);
}

WEIR_TEST(ticker, stays_stopped) {
    beats self;
    begin(&self);
    weir_ticker_stop(&self.ticker); /* never started */
    weir_ticker_start(&self.ticker, self.loop, 5, 5);
    weir_ticker_stop(&self.ticker);
    weir_ticker_stop(&self.ticker);
    weir_embedded_advance(self.embedded, 100);
    expect_eq(self.count, 0);
    end(&self);
}
