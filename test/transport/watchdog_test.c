/* watchdog_test.c - a callback that does not come back is told of while it hangs, by name. */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <weir/core/log.h>
#include <weir/testing.h>

#include "loop/loop_internal.h"
#include "loop/watchdog.h"
#include "wires.h"

enum {
    HELD_MS = 300 /* long enough for a busy machine to get from the loop's waking to where it hangs */
};

/* Lines of the watchdog; whoever is held waits here for one of them. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static char stuck[400], turn[400];
static unsigned stuck_lines, turn_lines;

static void keep_line(void *arg, weir_log_level level, const char *subject, const char *text) {
    (void)arg;
    pthread_mutex_lock(&lock);
    if (level >= WEIR_LOG_INFO && strcmp(subject, "loop") == 0) {
        bool of_turn = strstr(text, "for one turn") != NULL;
        snprintf(of_turn ? turn : stuck, sizeof stuck, "%s", text);
        ++*(of_turn ? &turn_lines : &stuck_lines);
        pthread_cond_broadcast(&changed);
    }
    pthread_mutex_unlock(&lock);
}

/* Holds the calling thread until the watchdog has complained since listen_in, twenty seconds at most. */
static void hang(void) {
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 20;
    pthread_mutex_lock(&lock);
    int late = 0;
    while (stuck_lines == 0 && late == 0) late = pthread_cond_timedwait(&changed, &lock, &until);
    pthread_mutex_unlock(&lock);
}

static void listen_in(void) {
    stuck[0] = turn[0] = '\0';
    stuck_lines = turn_lines = 0;
    weir_log_set_sink(keep_line, NULL);
    weir_log_set_level(WEIR_LOG_INFO);
}

static weir_loop_group *watched_group(unsigned limit_ms) {
    weir_loop_group *group = weir_loop_group_new_with(
        &(weir_loop_group_options){.count = 1, .name = "held", .loop = {.slow_callback_ms = limit_ms}});
    require(group != NULL);
    return group;
}

/* ---- what is not in a pipeline ---- */

static void hang_in_task(void *arg) {
    hang();
    weir_promise_complete(arg, WEIR_OK);
}

static void run_task(weir_loop *loop, weir_task_fn *fn) {
    weir_promise *promise = weir_promise_new(loop);
    expect_status(weir_loop_post(loop, fn, weir_promise_retain(promise)), WEIR_OK);
    expect_status(weir_promise_wait(promise, 30000), WEIR_OK);
    weir_promise_release(promise);
}

WEIR_TEST(watchdog, names_a_task_while_it_hangs_and_counts_its_turn_afterwards) {
    listen_in();
    weir_loop_group *group = watched_group(HELD_MS);
    run_task(weir_loop_group_at(group, 0), hang_in_task);
    expect(strstr(stuck, "\"held-0\" has been stuck for ") == stuck);
    expect(strstr(stuck, "last entered: a posted task (") != NULL);
    expect(strstr(stuck, "channel") == NULL);
    expect_eq(stuck_lines, 1);
    weir_loop_stats stats = {0};
    for (int i = 0; i < 10000 && stats.slow_turns == 0; i++) {
        wait_ms(1);
        weir_loop_group_get_stats(group, &stats);
    }
    expect_eq(stats.slow_turns, 1);
    weir_loop_group_free(group);
    expect(strstr(turn, "\"held-0\" took ") == turn);
    weir_log_set_sink(NULL, NULL);
}

typedef struct alarm_clock {
    weir_ticker ticker;
    weir_loop *loop;
    weir_promise *promise;
} alarm_clock;

static void hang_in_beat(weir_ticker *ticker) {
    alarm_clock *self = WEIR_CONTAINER(ticker, alarm_clock, ticker);
    weir_ticker_stop(ticker);
    hang();
    weir_promise_complete(self->promise, WEIR_OK);
}

static void start_clock(void *arg) {
    alarm_clock *self = arg;
    weir_ticker_init(&self->ticker, hang_in_beat, NULL);
    weir_ticker_start(&self->ticker, self->loop, 1, 1000);
}

WEIR_TEST(watchdog, names_a_timer) {
    listen_in();
    weir_loop_group *group = watched_group(HELD_MS);
    alarm_clock clock = {.loop = weir_loop_group_at(group, 0)};
    clock.promise = weir_promise_new(clock.loop);
    weir_promise *rung = weir_promise_retain(clock.promise);
    weir_loop_post(clock.loop, start_clock, &clock);
    expect_status(weir_promise_wait(rung, 30000), WEIR_OK);
    weir_promise_release(rung);
    expect(strstr(stuck, "last entered: a timer (") != NULL);
    weir_loop_group_free(group);
    weir_log_set_sink(NULL, NULL);
}

static void hear_and_hang(void *arg, weir_status status) {
    (void)arg;
    (void)status;
    hang();
}

static void complete_heard(void *arg) {
    weir_promise_listen(arg, hear_and_hang, NULL);
    weir_promise_complete(arg, WEIR_OK);
}

WEIR_TEST(watchdog, names_the_listener_of_a_promise) {
    listen_in();
    weir_loop_group *group = watched_group(HELD_MS);
    run_task(weir_loop_group_at(group, 0), complete_heard);
    weir_loop_group_free(group); /* waits for the listener */
    expect(strstr(stuck, "last entered: a promise's listener (") != NULL);
    weir_log_set_sink(NULL, NULL);
}

/* ---- handlers ---- */

static _Atomic uint64_t held_id;

static void pass_read(weir_ctx *ctx, weir_obj *msg) {
    weir_ctx_fire_read(ctx, msg);
}

static void hear(void *arg, weir_status status) {
    (void)arg;
    expect_status(status, WEIR_OK);
}

/* What it calls outward changes nothing, not even a listener that runs inside: it is still the one that was
 * entered. */
static void hang_in_read(weir_ctx *ctx, weir_obj *msg) {
    atomic_store(&held_id, weir_channel_id(weir_ctx_channel(ctx)));
    weir_promise *promise = weir_promise_new(weir_ctx_loop(ctx));
    weir_promise_listen(promise, hear, NULL);
    weir_ctx_write_flush(ctx, msg, promise);
    hang();
}

static const weir_handler passer = {.name = "passer", .read = pass_read};
static const weir_handler hanger = {.name = "hanger", .read = hang_in_read};

static weir_status build_hanger(weir_pipeline *pipeline, void *arg) {
    (void)arg;
    weir_status status = weir_pipeline_add_last(pipeline, &passer, NULL);
    return status == WEIR_OK ? weir_pipeline_add_last(pipeline, &hanger, NULL) : status;
}

WEIR_TEST(watchdog, names_handler_slot_and_channel) {
    listen_in();
    weir_loop_group *group = watched_group(HELD_MS);
    weir_server *server;
    require(weir_server_start(&server, &(weir_server_options){.loops = group, .build = build_hanger}) ==
            WEIR_OK);
    int fd = plain_connect(weir_addr_port(weir_server_addr(server)));
    require(fd >= 0 && send(fd, "x", 1, 0) == 1);
    char back, expected[100];
    expect_eq(recv(fd, &back, 1, 0), 1);
    weir_server_free(server);
    weir_loop_group_free(group);
    close(fd);
    snprintf(expected, sizeof expected, "last entered: handler \"hanger\" (read) of channel %" PRIu64,
             atomic_load(&held_id));
    expect(strstr(stuck, expected) != NULL);
    expect_eq(stuck_lines, 1);
    weir_log_set_sink(NULL, NULL);
}

/* ---- when it says nothing ---- */

static void hold_shortly(void *arg) {
    wait_ms(100);
    weir_promise_complete(arg, WEIR_OK);
}

WEIR_TEST(watchdog, says_nothing_of_a_loop_it_is_not_to_look_at) {
    listen_in();
    weir_loop_group *off = watched_group(WEIR_LOOP_NEVER);
    run_task(weir_loop_group_at(off, 0), hold_shortly);
    weir_loop_stats stats;
    weir_loop_group_get_stats(off, &stats);
    weir_loop_group_free(off);
    expect_eq(stats.slow_turns, 0);
    expect_eq(stuck_lines, 0);
    weir_log_set_sink(NULL, NULL);
}

WEIR_TEST(watchdog, knows_a_loop_that_sleeps_from_one_that_hangs) {
    weir_loop_group *group = watched_group(1000);
    weir_loop *loop = weir_loop_group_at(group, 0);
    weir_promise *awake = weir_promise_new(loop);
    expect_status(weir_loop_post(loop, hold_shortly, weir_promise_retain(awake)), WEIR_OK);
    expect_status(weir_promise_wait(awake, 10000), WEIR_OK);
    for (int i = 0; i < 10000 && atomic_load(&loop->awake); i++) wait_ms(1);
    expect(!atomic_load(&loop->awake));
    weir_promise_release(awake);
    weir_loop_group_free(group);
}

/* Woken for the first time, and nothing counted yet. */
WEIR_TEST(watchdog, counts_from_when_it_first_saw_a_loop_awake) {
    listen_in();
    uint64_t began = loop_clock_ns();
    weir_loop *loop = weir_loop_new(&(weir_loop_options){.slow_callback_ms = HELD_MS});
    atomic_store(&loop->awake, true);
    watchdog_add(loop);
    hang();
    watchdog_remove(loop);
    atomic_store(&loop->awake, false);
    const char *ms = strstr(stuck, "has been stuck for ");
    require(ms != NULL);
    expect(strtoull(ms + strlen("has been stuck for "), NULL, 10) <= (loop_clock_ns() - began) / 1000000);
    weir_loop_free(loop);
    weir_log_set_sink(NULL, NULL);
}

WEIR_TEST(watchdog, comes_and_goes_with_its_loops) {
    for (unsigned i = 0; i < 50; i++) {
        weir_loop_group *group = weir_loop_group_new(1 + i % 3);
        weir_loop *loop = weir_loop_new(NULL);
        weir_loop_turn(loop);
        weir_loop_group_free(group);
        weir_loop_free(loop);
    }
}
