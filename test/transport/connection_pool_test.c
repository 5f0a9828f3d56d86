/* connection_pool_test.c - leases, limits, deadlines and ends of a pool, on a clock that moves by hand. */
#include <errno.h>

#include <weir/testing.h>

#include "actor.h"
#include "callers.h"
#include "loop/loop_internal.h"

WEIR_TEST(connection_pool, connects_for_who_asks_and_uses_what_is_given_back) {
    scene s;
    scene_begin(&s);
    expect_status(scene_ask(&s, 0), WEIR_OK);
    dials_run(&s.dials);
    scene_expect(&s, 1, 0, 0, 1);
    expect_eq(scene_stats(&s).open, 1);
    dial_succeed(&s.dials, 0);
    expect_status(s.callers[0].status, WEIR_OK);
    expect(s.callers[0].channel == s.dials.all[0].channel);
    scene_expect(&s, 0, 0, 1, 0);
    scene_give_back(&s, 0);
    scene_expect(&s, 0, 1, 0, 0);
    expect(scene_lease(&s, 1)->channel == s.dials.all[0].channel);
    scene_expect(&s, 0, 0, 1, 0);
    expect_eq(scene_stats(&s).created, 1);
    expect_eq(scene_stats(&s).reused, 1);
    expect_eq(s.dials.count, 1);
    scene_finish(&s);
    expect_eq(s.callers[0].told + s.callers[1].told, 2);
}

WEIR_TEST(connection_pool, leases_the_last_released_first) {
    scene s;
    scene_begin(&s);
    for (int i = 0; i < 3; i++) scene_lease_new(&s, i);
    weir_channel *last = s.callers[0].channel;
    scene_give_back(&s, 1);
    scene_give_back(&s, 2);
    scene_give_back(&s, 0);
    expect(scene_lease(&s, 3)->channel == last);
    scene_finish(&s);
}

WEIR_TEST(connection_pool, opens_no_more_than_allowed_and_serves_callers_in_their_order) {
    scene s;
    require(scene_prepare(&s));
    s.options.max_connections = 2;
    require(scene_start(&s));
    for (int i = 0; i < 5; i++) expect_status(scene_ask(&s, i), WEIR_OK);
    dials_run(&s.dials);
    expect_eq(s.dials.count, 2);
    scene_expect(&s, 2, 0, 0, 5);
    dial_succeed(&s.dials, 1);
    dial_succeed(&s.dials, 0);
    scene_expect(&s, 0, 0, 2, 3);
    scene_give_back(&s, 0);
    scene_give_back(&s, 1);
    scene_give_back(&s, 2);
    for (int i = 0; i < 5; i++) {
        expect_status(s.callers[i].status, WEIR_OK);
        expect_eq(s.callers[i].told, 1);
        expect_eq(s.callers[i].turn, i);
    }
    expect_eq(s.dials.count, 2);
    scene_finish(&s);
}

WEIR_TEST(connection_pool, needs_no_second_connection_for_who_was_served_by_a_release) {
    scene s;
    scene_begin(&s);
    scene_lease_new(&s, 0);
    expect_status(scene_ask(&s, 1), WEIR_OK);
    dials_run(&s.dials);
    expect_eq(s.dials.count, 2);
    scene_give_back(&s, 0);
    expect_status(s.callers[1].status, WEIR_OK);
    dial_succeed(&s.dials, 1); /* stays idle */
    scene_expect(&s, 0, 1, 1, 0);
    scene_finish(&s);
}

WEIR_TEST(connection_pool, refuses_more_callers_than_may_wait) {
    scene s;
    require(scene_prepare(&s));
    s.options.max_waiting = 2;
    require(scene_start(&s));
    expect_status(scene_ask(&s, 0), WEIR_OK);
    expect_status(scene_ask(&s, 1), WEIR_OK);
    expect_status(scene_ask(&s, 2), WEIR_E_LIMIT);
    scene_finish(&s);
    expect_eq(s.callers[2].told, 0);
}

WEIR_TEST(connection_pool, lets_nobody_wait_longer_than_allowed) {
    scene s;
    require(scene_prepare(&s));
    s.options.acquire_timeout_ms = 500;
    require(scene_start(&s));
    expect_status(scene_ask(&s, 0), WEIR_OK);
    dials_advance(&s.dials, 499);
    expect_eq(s.callers[0].told, 0);
    dials_advance(&s.dials, 1);
    expect_status(s.callers[0].status, WEIR_E_TIMEOUT);
    expect_eq(scene_stats(&s).timeouts, 1);
    dial_succeed(&s.dials, 0); /* late, and kept for the next */
    scene_expect(&s, 0, 1, 0, 0);
    expect_status(scene_lease(&s, 1)->status, WEIR_OK);
    scene_finish(&s);
}

WEIR_TEST(connection_pool, tells_a_failed_attempt_to_the_caller_that_waits_longest) {
    scene s;
    require(scene_prepare(&s));
    s.options.max_connections = 1;
    require(scene_start(&s));
    for (int i = 0; i < 3; i++) scene_ask(&s, i);
    dials_run(&s.dials);
    dial_fail(&s.dials, 0, -ECONNREFUSED);
    expect_status(s.callers[0].status, -ECONNREFUSED);
    expect_eq(s.callers[1].told, 0);
    expect_eq(s.dials.count, 2); /* for the next caller */
    dial_succeed(&s.dials, 1);
    expect_status(s.callers[1].status, WEIR_OK);
    expect_eq(scene_stats(&s).connect_failures, 1);
    expect_eq(scene_stats(&s).open, 1);
    scene_finish(&s);
    expect_status(s.callers[2].status, WEIR_E_CLOSED);
}

WEIR_TEST(connection_pool, tells_each_caller_when_connecting_cannot_even_begin) {
    scene s;
    scene_begin(&s);
    s.dials.refuses = WEIR_E_INVALID;
    for (int i = 0; i < 3; i++) scene_ask(&s, i);
    dials_run(&s.dials);
    for (int i = 0; i < 3; i++) expect_status(s.callers[i].status, WEIR_E_INVALID);
    expect_eq(scene_stats(&s).open, 0);
    scene_finish(&s);
}

static weir_status refuse_to_build(weir_pipeline *pipeline, void *arg) {
    (void)pipeline;
    (void)arg;
    return WEIR_E_LIMIT;
}

WEIR_TEST(connection_pool, tells_that_a_pipeline_could_not_be_built) {
    scene s;
    require(scene_prepare(&s));
    s.options.client.build = refuse_to_build;
    require(scene_start(&s));
    scene_ask(&s, 0);
    dials_run(&s.dials);
    dial_succeed(&s.dials, 0);
    expect_eq(s.callers[0].told, 1);
    expect_status(s.callers[0].status, WEIR_E_LIMIT);
    scene_finish(&s);
}

static void write_and_close(actor *self, weir_ctx *ctx, actor_slot slot) {
    weir_buf *buf = weir_ctx_get_buf(ctx, 4);
    (void)self;
    (void)slot;
    weir_buf_write_u32(buf, 1);
    weir_ctx_write(ctx, buf, NULL);
    weir_ctx_close(ctx, NULL);
}

WEIR_TEST(connection_pool, fails_who_waits_for_a_connection_that_its_own_handlers_close) {
    for (int stalled = 0; stalled < 2; stalled++) { /* 1: it still has something to send */
        scene s;
        actor h = {.name = "h", .act = write_and_close, .when = ACTOR_ACTIVE};
        require(scene_prepare(&s));
        s.options.client.build = build_with_actor;
        s.options.client.build_arg = &h;
        s.options.max_connections = 1;
        require(scene_start(&s));
        scene_ask(&s, 0);
        dials_run(&s.dials);
        weir_embedded_stall(s.dials.all[0].embedded, stalled);
        dial_succeed(&s.dials, 0);
        expect_eq(s.callers[0].told, stalled == 0);
        weir_embedded_stall(s.dials.all[0].embedded, false);
        dials_run(&s.dials);
        expect_status(s.callers[0].status, WEIR_E_CLOSED);
        expect_eq(s.dials.count, 1);
        scene_finish(&s);
    }
}

/* ---- idle ---- */

WEIR_TEST(connection_pool, closes_what_was_idle_for_too_long) {
    scene s;
    require(scene_prepare(&s));
    s.options.idle_timeout_ms = 1000;
    require(scene_start(&s));
    scene_lease_new(&s, 0);
    scene_lease_new(&s, 1);
    scene_give_back(&s, 0);
    dials_advance(&s.dials, 400);
    scene_give_back(&s, 1);
    dials_advance(&s.dials, 599);
    scene_expect(&s, 0, 2, 0, 0);
    dials_advance(&s.dials, 1);
    scene_expect(&s, 0, 1, 0, 0);
    expect(!dial_is_open(&s.dials, 0) && dial_is_open(&s.dials, 1));
    dials_advance(&s.dials, 400);
    scene_expect(&s, 0, 0, 0, 0);
    expect_eq(scene_stats(&s).open, 0);
    scene_lease_new(&s, 2); /* and the clock starts again with the next */
    scene_give_back(&s, 2);
    dials_advance(&s.dials, 999);
    scene_expect(&s, 0, 1, 0, 0);
    dials_advance(&s.dials, 1);
    scene_expect(&s, 0, 0, 0, 0);
    scene_finish(&s);
}

WEIR_TEST(connection_pool, keeps_no_more_idle_ones_than_allowed) {
    scene s;
    require(scene_prepare(&s));
    s.options.max_idle = 1;
    require(scene_start(&s));
    for (int i = 0; i < 3; i++) scene_lease_new(&s, i);
    for (int i = 0; i < 3; i++) scene_give_back(&s, i);
    scene_expect(&s, 0, 1, 0, 0);
    expect_eq(scene_stats(&s).open, 1);
    expect(dial_is_open(&s.dials, 0) && !dial_is_open(&s.dials, 1) && !dial_is_open(&s.dials, 2));
    scene_finish(&s);
}

WEIR_TEST(connection_pool, forgets_an_idle_connection_that_ends) {
    scene s;
    scene_begin(&s);
    scene_lease_new(&s, 0);
    scene_lease_new(&s, 1);
    scene_give_back(&s, 0);
    scene_give_back(&s, 1);
    dial_end(&s.dials, 1);
    scene_expect(&s, 0, 1, 0, 0);
    dial_break(&s.dials, 0, -ECONNRESET);
    scene_expect(&s, 0, 0, 0, 0);
    expect_eq(scene_stats(&s).open, 0);
    expect_eq(scene_stats(&s).health_failures, 0);
    scene_finish(&s);
}

/* ---- canceling and freeing ---- */

WEIR_TEST(connection_pool, tells_who_no_longer_wants_to_wait) {
    scene s;
    scene_begin(&s);
    scene_ask(&s, 0);
    scene_ask(&s, 1);
    expect(weir_connection_pool_cancel(s.pool, hear_pool, &s.callers[0]));
    expect_status(s.callers[0].status, WEIR_E_CANCELED);
    expect(!weir_connection_pool_cancel(s.pool, hear_pool, &s.callers[0]));
    expect_eq(s.callers[0].told, 1);
    expect_eq(s.callers[1].told, 0);
    scene_finish(&s);
}

WEIR_TEST(connection_pool, closes_cancels_and_tells_when_it_is_freed_but_leaves_what_is_leased) {
    scene s;
    require(scene_prepare(&s));
    s.options.max_connections = 3;
    require(scene_start(&s));
    scene_lease_new(&s, 0);
    scene_lease_new(&s, 1);
    scene_ask(&s, 2);
    scene_ask(&s, 3);
    dials_run(&s.dials);
    weir_connection_pool_cancel(s.pool, hear_pool, &s.callers[2]);
    scene_give_back(&s, 1);
    scene_give_back(&s, 3);
    scene_ask(&s, 4);
    scene_ask(&s, 5);
    dials_run(&s.dials);
    scene_give_back(&s, 4);
    scene_ask(&s, 6);
    scene_ask(&s, 7);
    weir_connection_pool_free(s.pool);
    s.pool = NULL;
    dials_run(&s.dials);
    for (int i = 6; i < 8; i++) expect_status(s.callers[i].status, WEIR_E_CLOSED);
    expect(dial_is_open(&s.dials, 0));
    expect(weir_channel_is_active(s.callers[0].channel));
    expect(!dial_is_open(&s.dials, 2)); /* was being connected */
    scene_give_back(&s, 0);
    expect(!dial_is_open(&s.dials, 0));
    scene_finish(&s);
}

static void free_pool(scene *self) {
    self->act = NULL;
    weir_connection_pool_free(self->pool);
    self->pool = NULL;
}

static void ask_once_more(scene *self) {
    self->act = NULL;
    weir_status status = weir_connection_pool_acquire(self->pool, hear_pool, &self->callers[9]);
    expect(status == WEIR_OK || status == WEIR_E_CLOSED);
}

WEIR_TEST(connection_pool, may_be_freed_by_whom_it_tells_something) {
    for (int way = 0; way < 4; way++) {
        scene s;
        weir_test_context("way %d", way);
        require(scene_prepare(&s));
        s.options.acquire_timeout_ms = 100;
        require(scene_start(&s));
        scene_ask(&s, 0);
        scene_ask(&s, 1);
        dials_run(&s.dials);
        s.act = free_pool;
        if (way == 0) dial_succeed(&s.dials, 0);
        if (way == 1) dial_fail(&s.dials, 0, -ECONNREFUSED);
        if (way == 2) dials_advance(&s.dials, 100);
        if (way == 3) weir_connection_pool_cancel(s.pool, hear_pool, &s.callers[0]);
        expect(s.pool == NULL);
        expect_eq(s.callers[0].told, 1);
        expect_eq(s.callers[1].told, 1);
        expect_status(s.callers[1].status, way == 2 ? s.callers[1].status : (weir_status)WEIR_E_CLOSED);
        scene_finish(&s);
    }
}

WEIR_TEST(connection_pool, may_be_asked_by_whom_it_tells_something) {
    scene s;
    scene_begin(&s);
    scene_ask(&s, 0);
    s.act = ask_once_more;
    dials_run(&s.dials);
    dial_succeed(&s.dials, 0);
    expect_eq(s.callers[0].told, 1);
    expect_eq(scene_stats(&s).waiting, 1);
    dial_succeed(&s.dials, 1);
    expect_eq(s.callers[9].told, 1);
    scene_ask(&s, 1);
    s.act = ask_once_more; /* told that the pool is freed, it asks again */
    scene_finish(&s);
    expect_status(s.callers[1].status, WEIR_E_CLOSED);
    expect_eq(s.callers[9].told, 1);
}

/* As who finds that there is nothing to do after all, again and again; how often is bounded for the test's sake. */
static void ask_at_once(scene *self) {
    caller *told = &self->callers[0];
    if (told->told == 1000) return;
    if (told->channel != NULL) weir_connection_pool_release(told->channel);
    told->channel = NULL;
    expect_status(weir_connection_pool_acquire(self->pool, hear_pool, told), WEIR_OK);
}

static void run_one_turn(scene *self) {
    loop_run_tasks(self->dials.loop);
}

WEIR_TEST(connection_pool, lets_others_have_their_turn_when_a_caller_asks_again_at_once) {
    for (int refuses = 0; refuses < 2; refuses++) {
        scene s;
        scene_begin(&s);
        scene_lease_new(&s, 0);
        scene_give_back(&s, 0);
        if (refuses) {
            weir_channel_close(s.dials.all[0].channel, NULL);
            dials_run(&s.dials);
            s.dials.refuses = WEIR_E_NO_MEMORY;
        }
        unsigned told = s.callers[0].told;
        s.act = ask_at_once;
        scene_ask(&s, 0);
        run_one_turn(&s);
        expect_eq(s.callers[0].told, told + 1);
        run_one_turn(&s);
        expect_eq(s.callers[0].told, told + 2);
        s.act = NULL;
        scene_finish(&s);
    }
}

WEIR_TEST(connection_pool, stops_who_releases_twice_or_what_is_not_from_a_pool) {
    scene s;
    scene_begin(&s);
    scene_lease_new(&s, 0);
    expect_abort(
        {
            weir_connection_pool_release(weir_channel_retain(s.callers[0].channel));
            weir_connection_pool_release(s.callers[0].channel);
        },
        "released twice");
    scene_finish(&s);
}

WEIR_TEST(connection_pool, is_nothing_without_a_loop) {
    expect(weir_connection_pool_new(&(weir_connection_pool_options){.client = {.host = "a", .port = 1}}) ==
           NULL);
    weir_connection_pool_free(NULL);
    weir_connection_pool_release(NULL);
}

/* ---- memory ---- */

static bool live(void *arg) {
    scene s;
    (void)arg;
    if (!scene_prepare(&s)) return false;
    s.options.acquire_timeout_ms = 100;
    if (!scene_start(&s)) return false;
    unsigned begun = 0;
    for (int i = 0; i < 2; i++) {
        begun += weir_connection_pool_acquire(s.pool, hear_pool, &s.callers[i]) == WEIR_OK;
        dials_run(&s.dials);
        if (s.dials.count > 0 && s.dials.all[s.dials.count - 1].promise != NULL)
            dial_succeed(&s.dials, s.dials.count - 1);
        dials_advance(&s.dials, 100);
        scene_give_back(&s, i);
    }
    expect_eq(s.told, begun);
    bool good = begun == 2 && s.callers[0].status == WEIR_OK && s.callers[1].status == WEIR_OK;
    scene_finish(&s);
    return good;
}

WEIR_TEST(connection_pool, may_run_out_of_memory_anywhere) {
    expect(weir_oom_sweep(live, NULL) > 8);
}
