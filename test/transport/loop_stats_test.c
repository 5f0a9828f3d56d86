/* loop_stats_test.c - what loops count, the cache an idle one gives back, and how the numbers are printed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/testing.h>

#include "loop/loop_internal.h"
#include "wires.h"

static weir_loop_stats stats_of(const weir_loop *loop) {
    weir_loop_stats stats;
    weir_loop_get_stats(loop, &stats);
    return stats;
}

static void nothing(void *arg) {
    (void)arg;
}

static void on_timer(weir_timer *timer) {
    (void)timer;
}

static uint64_t sum(const uint64_t *counts) {
    uint64_t all = 0;
    for (unsigned i = 0; i < WEIR_LOOP_BUCKETS; i++) all += counts[i];
    return all;
}

static void echo_read(weir_ctx *ctx, weir_obj *msg) {
    weir_ctx_write(ctx, msg, NULL);
}

static const weir_handler echo = {.name = "echo", .read = echo_read};

static weir_status build_echo(weir_pipeline *pipeline, void *arg) {
    (void)arg;
    return weir_pipeline_add_last(pipeline, &echo, NULL);
}

WEIR_TEST(loop_stats, counts_tasks_timers_events_and_flushes) {
    weir_embedded *e = weir_embedded_new(NULL, build_echo, NULL);
    weir_loop *loop = weir_embedded_loop(e);
    weir_timer timer;
    weir_timer_init(&timer, on_timer, NULL);
    weir_timer_start(&timer, loop, 10);
    for (int i = 0; i < 3; i++) expect_status(weir_loop_post(loop, nothing, NULL), WEIR_OK);
    expect_eq(stats_of(loop).waiting_tasks, 3);
    weir_embedded_run(e);
    weir_embedded_feed_bytes(e, "abc", 3);
    weir_embedded_advance(e, 10);
    weir_loop_stats stats = stats_of(loop);
    expect_eq(stats.loops, 1);
    expect_eq(stats.tasks, 3);
    expect_eq(stats.waiting_tasks, 0);
    expect_eq(stats.events, 1);
    expect_eq(stats.flushes, 1);
    expect_eq(stats.timers, 1);
    expect_eq(stats.late_ms[0], 1);
    expect_eq(stats.channels, 1);
    expect(stats.turns > 0);
    weir_embedded_free(e);
}

WEIR_TEST(loop_stats, puts_each_value_into_the_slot_of_its_power_of_two) {
    expect_eq(loop_bucket(0), 0);
    expect_eq(loop_bucket(1), 1);
    expect_eq(loop_bucket(2), 2);
    expect_eq(loop_bucket(3), 2);
    expect_eq(loop_bucket(4), 3);
    expect_eq(loop_bucket((1u << 18) - 1), 18);
    expect_eq(loop_bucket(1u << 18), 19);
    expect_eq(loop_bucket(UINT64_MAX), WEIR_LOOP_BUCKETS - 1);
}

static void hold_20_ms(void *arg) {
    (void)arg;
    wait_ms(20);
}

WEIR_TEST(loop_stats, measures_turns_and_what_share_of_the_time_they_take) {
    weir_loop *loop = weir_loop_new(NULL);
    weir_loop_turn(loop);
    weir_loop_post(loop, hold_20_ms, NULL);
    weir_loop_turn(loop);
    wait_ms(20);
    weir_loop_stats stats = stats_of(loop);
    expect(stats.busy_ns >= 20000000);
    expect(stats.longest_turn_ns >= 20000000);
    expect(stats.longest_turn_ns <= stats.busy_ns);
    expect(stats.total_ns >= stats.busy_ns + 20000000); /* asleep meanwhile */
    expect_eq(sum(stats.turn_us), stats.turns);
    weir_loop_free(loop);
}

static void settle(void *arg) {
    weir_promise_complete(arg, WEIR_OK);
}

WEIR_TEST(loop_stats, adds_up_the_loops_of_a_group_while_they_run) {
    weir_loop_group *group = weir_loop_group_new(2);
    for (size_t i = 0; i < 2; i++) {
        weir_loop *loop = weir_loop_group_at(group, i);
        weir_promise *promise = weir_promise_new(loop);
        for (int k = 0; k < 99; k++) expect_status(weir_loop_post(loop, nothing, NULL), WEIR_OK);
        expect_status(weir_loop_post(loop, settle, weir_promise_retain(promise)), WEIR_OK);
        expect_status(weir_promise_wait(promise, 10000), WEIR_OK);
        weir_promise_release(promise);
    }
    weir_loop_stats all;
    weir_loop_group_get_stats(group, &all);
    expect_eq(all.loops, 2);
    expect_eq(all.tasks, 200);
    weir_loop_group_free(group);
}

/* ---- idle trimming ---- */

static uint64_t cached(weir_loop *loop) {
    weir_pool_stats stats;
    weir_pool_get_stats(weir_loop_pool(loop), &stats);
    return stats.cached;
}

WEIR_TEST(loop_stats, an_idle_loop_gives_its_cache_back_once) {
    weir_embedded *e = weir_embedded_new(NULL, build_echo, NULL);
    weir_loop *loop = weir_embedded_loop(e);
    weir_embedded_feed_bytes(e, "abc", 3);
    weir_buf_release(weir_embedded_take_all(e));
    weir_embedded_advance(e, 9000);
    expect(cached(loop) > 0);
    weir_embedded_feed_bytes(e, "abc",
                             3); /* not idle yet: the ten seconds begin anew, at the latest when they end */
    weir_buf_release(weir_embedded_take_all(e));
    weir_embedded_advance(e, 9000);
    expect_eq(stats_of(loop).trims, 0);
    weir_embedded_advance(e, 11000);
    expect_eq(stats_of(loop).trims, 1);
    expect_eq(cached(loop), 0);
    weir_embedded_advance(e, 3600000);
    expect_eq(stats_of(loop).trims, 1);
    expect_eq(timer_wheel_next(&loop->wheel), UINT64_MAX); /* nothing wakes it any more */
    weir_embedded_feed_bytes(e, "abc", 3);
    weir_buf_release(weir_embedded_take_all(e));
    weir_embedded_advance(e, 30000);
    expect_eq(stats_of(loop).trims, 2);
    weir_embedded_free(e);
}

WEIR_TEST(loop_stats, a_loop_on_a_real_clock_trims_after_its_time_or_never) {
    static const unsigned times[] = {5, WEIR_LOOP_NEVER};
    for (unsigned i = 0; i < 2; i++) {
        weir_loop *loop = weir_loop_new(&(weir_loop_options){.trim_idle_ms = times[i]});
        weir_loop_post(loop, nothing, NULL);
        weir_loop_turn(loop);
        expect_eq(weir_loop_timeout(loop) == -1, times[i] == WEIR_LOOP_NEVER);
        weir_buf_release(weir_pool_get(weir_loop_pool(loop), 1000));
        for (int k = 0; k < 5000 && weir_loop_timeout(loop) != -1; k++) {
            wait_ms(1);
            weir_loop_turn(loop);
        }
        expect_eq(stats_of(loop).trims, times[i] == WEIR_LOOP_NEVER ? 0 : 1);
        expect_eq(cached(loop) == 0, times[i] != WEIR_LOOP_NEVER);
        weir_loop_free(loop);
    }
}

/* ---- printing ---- */

static void print(char **text, void (*dump)(const weir_loop_stats *, FILE *), const weir_loop_stats *stats) {
    size_t size;
    FILE *out = open_memstream(text, &size);
    require(out != NULL);
    dump(stats, out);
    fclose(out);
}

WEIR_TEST(loop_stats, prints_lines_and_json) {
    char *text;
    weir_loop_stats stats = {.loops = 2, .turns = 7, .busy_ns = 250, .total_ns = 1000, .waiting_jobs = 3};
    stats.turn_us[3] = 5;
    stats.late_ms[WEIR_LOOP_BUCKETS - 1] = 4;
    print(&text, weir_loop_stats_dump, &stats);
    expect(strstr(text, "loops: 2, busy 25.0 %") != NULL);
    expect(strstr(text, "turns took: <8 us 5\n") != NULL);
    expect(strstr(text, "timers were late by: longer 4\n") != NULL);
    free(text);
    print(&text, weir_loop_stats_dump_json, &stats);
    expect_str(text,
               "{\"loops\":2,\"turns\":7,\"events\":0,\"tasks\":0,\"timers\":0,\"flushes\":0,\"jobs\":0,"
               "\"canceled_jobs\":0,\"slow_turns\":0,\"trims\":0,\"channels\":0,\"waiting_tasks\":0,"
               "\"waiting_jobs\":3,\"busy_ns\":250,\"total_ns\":1000,\"longest_turn_ns\":0,"
               "\"turn_us\":[0,0,0,5,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0],"
               "\"late_ms\":[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,4]}\n");
    free(text);
}
