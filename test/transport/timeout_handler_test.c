/* timeout_handler_test.c - peers that stop sending or taking, on a clock that moves by hand. */
#include <weir/testing.h>

#include "life.h"
#include "loop/loop_internal.h"

typedef struct timed {
    life life;
    weir_timeout_options options;
} timed;

static void begin(timed *self, const weir_channel_options *options, weir_timeout_options timeouts) {
    life_begin(&self->life, options);
    self->life.h.when = ACTOR_SLOTS;
    expect_eq(weir_timeout_handler_add(weir_embedded_pipeline(self->life.embedded), &timeouts), WEIR_OK);
}

static bool is_open_after(timed *self, uint64_t ms) {
    weir_embedded_advance(self->life.embedded, ms);
    return weir_embedded_is_open(self->life.embedded);
}

static void feed(timed *self) {
    weir_embedded_feed(self->life.embedded, life_bytes(1));
}

WEIR_TEST(timeout_handler, ends_a_peer_that_sends_no_more) {
    timed t;
    begin(&t, NULL, (weir_timeout_options){.read_ms = 100});
    expect(is_open_after(&t, 99));
    feed(&t);
    expect(is_open_after(&t, 99));
    t.life.trail.length = 0;
    expect(!is_open_after(&t, 1));
    expect(trail_is(&t.life.trail, "h.error\nh.close\nh.abort\nh.inactive\nh.removed\n"));
    life_end(&t.life);
}

WEIR_TEST(timeout_handler, leaves_a_peer_alone_that_nobody_reads_from) {
    timed t;
    begin(&t, NULL, (weir_timeout_options){.read_ms = 100});
    weir_channel_set_reading(t.life.channel, false);
    expect(is_open_after(&t, 1000));
    weir_channel_set_reading(t.life.channel, true);
    expect(is_open_after(&t, 99));
    expect(!is_open_after(&t, 101));
    life_end(&t.life);
}

WEIR_TEST(timeout_handler, counts_no_pause_of_reading_however_short) {
    timed t;
    begin(&t, NULL, (weir_timeout_options){.read_ms = 100});
    expect(is_open_after(&t, 10));
    weir_channel_set_reading(t.life.channel, false);
    expect(is_open_after(&t, 80));
    weir_channel_set_reading(t.life.channel, true);
    expect(is_open_after(&t, 50)); /* with a look at it */
    weir_channel_hold_reading(t.life.channel);
    expect(is_open_after(&t, 1000));
    weir_channel_let_read(t.life.channel);
    expect(is_open_after(&t, 39));
    expect(!is_open_after(&t, 100));
    life_end(&t.life);
}

WEIR_TEST(timeout_handler, ends_a_peer_that_takes_nothing) {
    timed t;
    begin(&t, NULL, (weir_timeout_options){.write_ms = 100});
    expect(is_open_after(&t, 1050));
    weir_embedded_stall(t.life.embedded, true);
    life_write(&t.life, 10, "lost");
    expect(is_open_after(&t, 99));
    t.life.trail.length = 0;
    expect(!is_open_after(&t, 101));
    expect(
        trail_is(&t.life.trail, "h.error\nh.close\nh.abort\nlost=WEIR_E_TIMEOUT\nh.inactive\nh.removed\n"));
    life_end(&t.life);
}

WEIR_TEST(timeout_handler, lets_a_slow_peer_take_its_time) {
    timed t;
    begin(&t, NULL, (weir_timeout_options){.write_ms = 100});
    for (int i = 0; i < 50; i++) {
        weir_embedded_stall(t.life.embedded, true);
        life_write(&t.life, 10, NULL);
        expect(is_open_after(&t, 90));
        weir_embedded_stall(t.life.embedded, false);
    }
    expect(is_open_after(&t, 10000));
    life_end(&t.life);
}

WEIR_TEST(timeout_handler, stops_when_it_is_removed_and_may_be_off) {
    timed t;
    begin(&t, NULL, (weir_timeout_options){0});
    expect(is_open_after(&t, UINT64_C(1) << 40));
    weir_pipeline *pipeline = weir_embedded_pipeline(t.life.embedded);
    weir_timeout_options soon = {.read_ms = 100, .write_ms = UINT64_MAX};
    expect_eq(weir_timeout_handler_add(pipeline, &soon), WEIR_OK);
    expect(is_open_after(&t, 50));
    weir_pipeline_remove(weir_pipeline_find(pipeline, &weir_timeout_handler));
    expect(is_open_after(&t, 1000));
    life_end(&t.life);
}

static bool add_one(void *arg) {
    weir_timeout_options soon = {.read_ms = 1};
    weir_embedded *embedded = weir_embedded_new(NULL, NULL, NULL);
    (void)arg;
    bool ok =
        embedded != NULL && weir_timeout_handler_add(weir_embedded_pipeline(embedded), &soon) == WEIR_OK;
    weir_embedded_free(embedded);
    return ok;
}

WEIR_TEST(timeout_handler, loses_nothing_when_memory_runs_out) {
    weir_oom_sweep(add_one, NULL);
}

/* ---- between two turns of a host ---- */

static uint64_t clock_ns, step_ms;

/* In the place of weir's: each look at it takes its time, as when others have the processor. */
uint64_t loop_clock_ns(void) {
    return clock_ns += step_ms * LOOP_NS_A_MS;
}

WEIR_TEST(timeout_handler, looks_also_when_the_time_is_over_before_its_first_look_is_set) {
    weir_loop *loop = weir_loop_new(NULL);
    weir_local_end end = {.loop = loop};
    weir_channel *one, *other;
    weir_loop_turn(loop);
    require(weir_local_pair(&end, &end, &one, &other) == WEIR_OK);
    for (int i = 0; i < 10 && !weir_channel_is_active(one); i++) weir_loop_turn(loop);
    step_ms = 10;
    expect_eq(weir_timeout_handler_add(weir_channel_pipeline(one), &(weir_timeout_options){.read_ms = 5}),
              WEIR_OK);
    expect(weir_channel_is_active(one));
    for (int i = 0; i < 10; i++) weir_loop_turn(loop);
    expect(!weir_channel_is_active(one));
    weir_loop_free(loop);
    weir_channel_release(one);
    weir_channel_release(other);
}
