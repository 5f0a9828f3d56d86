/* loop_test.c - posting, offloading, timers and the end of a loop, mostly seen from other threads. */
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include <weir/testing.h>
#include <weir/transport.h>

#include "loop/loop_internal.h"

static void sleep_ms(long ms) {
    struct timespec moment = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&moment, NULL);
}

static uint64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Everything posted before has run. */
static void settle_promise(void *arg) {
    weir_promise_complete(arg, WEIR_OK);
}

static void drain_loop(weir_loop *loop) {
    weir_promise *promise = weir_promise_new(loop);
    require(weir_loop_post(loop, settle_promise, weir_promise_retain(promise)) == WEIR_OK);
    expect_status(weir_promise_wait(promise, 20000), WEIR_OK);
    weir_promise_release(promise);
}

/* ---- order ---- */

enum {
    POSTERS = 4,
    POSTS = 20000
};

typedef struct post_record {
    struct poster *poster;
    unsigned number;
} post_record;

typedef struct poster {
    pthread_t thread;
    weir_loop *loop;
    unsigned next; /* on the loop: the number expected */
    unsigned wrong;
    post_record records[POSTS];
} poster;

static void run_record(void *arg) {
    post_record *self = arg;
    if (self->number != self->poster->next++) self->poster->wrong++;
}

static void *post_all(void *arg) {
    poster *self = arg;
    for (unsigned i = 0; i < POSTS; i++) {
        self->records[i] = (post_record){self, i};
        expect_status(weir_loop_post(self->loop, run_record, &self->records[i]), WEIR_OK);
    }
    return NULL;
}

WEIR_TEST(loop, runs_tasks_of_each_thread_in_the_order_they_were_posted) {
    weir_loop_group *group = weir_loop_group_new(1);
    static poster posters[POSTERS];
    for (int i = 0; i < POSTERS; i++) {
        posters[i].loop = weir_loop_group_at(group, 0);
        posters[i].next = posters[i].wrong = 0;
        require(pthread_create(&posters[i].thread, NULL, post_all, &posters[i]) == 0);
    }
    for (int i = 0; i < POSTERS; i++) pthread_join(posters[i].thread, NULL);
    drain_loop(weir_loop_group_at(group, 0));
    weir_loop_group_free(group);
    for (int i = 0; i < POSTERS; i++) {
        expect_eq(posters[i].next, POSTS);
        expect_eq(posters[i].wrong, 0);
    }
}

/* ---- limits and ends ---- */

static void count(void *arg) {
    ++*(int *)arg;
}

WEIR_TEST(loop, refuses_posts_beyond_max_tasks_until_some_have_run) {
    weir_loop *loop = weir_loop_new(&(weir_loop_options){.max_tasks = 5});
    int ran = 0;
    for (int i = 0; i < 5; i++) expect_status(weir_loop_post(loop, count, &ran), WEIR_OK);
    expect_status(weir_loop_post(loop, count, &ran), WEIR_E_LIMIT);
    weir_loop_stop(loop);
    weir_loop_run(loop);
    weir_loop_free(loop);
    expect_eq(ran, 5);
}

typedef struct rush {
    weir_loop *loop;
    atomic_uint accepted, limited;
    int *ran;
} rush;

static void *rush_in(void *arg) {
    rush *self = arg;
    for (int i = 0; i < 5000; i++) {
        weir_status status = weir_loop_post(self->loop, count, self->ran);
        if (status != WEIR_OK) expect_status(status, WEIR_E_LIMIT);
        atomic_fetch_add(status == WEIR_OK ? &self->accepted : &self->limited, 1);
    }
    return NULL;
}

WEIR_TEST(loop, lets_exactly_max_tasks_wait_whoever_posts) {
    int ran = 0;
    rush all = {.loop = weir_loop_new(&(weir_loop_options){.max_tasks = 1000}), .ran = &ran};
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) require(pthread_create(&threads[i], NULL, rush_in, &all) == 0);
    for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
    expect_eq(atomic_load(&all.accepted), 1000);
    expect_eq(atomic_load(&all.limited), 19000);
    weir_loop_free(all.loop);
    expect_eq(ran, 1000);
}

WEIR_TEST(loop, runs_what_it_accepted_and_refuses_posts_after_its_end) {
    weir_loop *loop = weir_loop_new(NULL);
    weir_promise *keeper = weir_promise_new(loop); /* the loop's memory stays as long */
    int ran = 0;
    expect_status(weir_loop_post(loop, count, &ran), WEIR_OK);
    weir_loop_free(loop);
    expect_eq(ran, 1);
    expect_status(weir_loop_post(loop, count, &ran), WEIR_E_STOPPED);
    expect_eq(ran, 1);
    weir_promise_release(keeper);
}

typedef struct storm {
    weir_loop *loop;
    atomic_uint accepted, refused, ran;
    atomic_bool over;
} storm;

static void count_storm(void *arg) {
    atomic_fetch_add(&((storm *)arg)->ran, 1);
}

static void *post_until_stopped(void *arg) {
    storm *self = arg;
    while (!atomic_load(&self->over)) {
        weir_status status = weir_loop_post(self->loop, count_storm, self);
        atomic_fetch_add(status == WEIR_OK ? &self->accepted : &self->refused, 1);
        if (status == WEIR_E_STOPPED) break;
    }
    return NULL;
}

WEIR_TEST(loop, runs_each_accepted_post_of_a_storm_that_blows_while_it_closes) {
    for (int round = 0; round < 10; round++) {
        weir_loop_group *group = weir_loop_group_new(1);
        storm rain = {.loop = weir_loop_group_at(group, 0)};
        weir_promise *keeper = weir_promise_new(rain.loop);
        pthread_t threads[3];
        for (int i = 0; i < 3; i++) {
            require(pthread_create(&threads[i], NULL, post_until_stopped, &rain) == 0);
        }
        sleep_ms(5);
        weir_loop_group_free(group);
        atomic_store(&rain.over, true);
        for (int i = 0; i < 3; i++) pthread_join(threads[i], NULL);
        expect_eq(atomic_load(&rain.ran), atomic_load(&rain.accepted));
        weir_promise_release(keeper);
    }
}

static void stop_own(void *arg) {
    weir_loop_stop(arg);
}

WEIR_TEST(loop, returns_from_run_when_stopped_from_inside_or_before) {
    weir_loop *loop = weir_loop_new(NULL);
    weir_loop_stop(loop);
    weir_loop_run(loop);
    weir_loop_post(loop, stop_own, loop);
    weir_loop_run(loop);
    expect(!weir_loop_is_current(loop));
    weir_loop_free(loop);
    weir_loop_free(NULL);
}

/* ---- offload ---- */

typedef struct offload {
    weir_loop *loop;
    atomic_int worked, worked_on_loop, done;
    weir_status status;
    bool done_on_loop;
    weir_promise *promise;
    int left;
} offload;

static void work(void *arg) {
    offload *self = arg;
    if (weir_loop_is_current(self->loop)) atomic_fetch_add(&self->worked_on_loop, 1);
    atomic_fetch_add(&self->worked, 1);
    sleep_ms(2);
}

static void done(void *arg, weir_status status) {
    offload *self = arg;
    self->status = status;
    self->done_on_loop = weir_loop_is_current(self->loop);
    atomic_fetch_add(&self->done, 1);
    if (--self->left == 0) weir_promise_complete(self->promise, WEIR_OK);
}

static void begin_offload(void *arg) {
    offload *self = arg;
    expect_status(weir_loop_offload(self->loop, work, done, self), WEIR_OK);
}

WEIR_TEST(loop, offloads_work_to_a_pool_thread_and_tells_the_end_on_the_loop) {
    weir_loop_group *group = weir_loop_group_new(1);
    offload job = {.loop = weir_loop_group_at(group, 0), .left = 1};
    job.promise = weir_promise_new(job.loop);
    weir_promise *finished = weir_promise_retain(job.promise);
    weir_loop_post(job.loop, begin_offload, &job);
    expect_status(weir_promise_wait(finished, 10000), WEIR_OK);
    expect(job.done_on_loop);
    expect_eq(atomic_load(&job.worked), 1);
    expect_eq(atomic_load(&job.worked_on_loop), 0);
    expect_status(job.status, WEIR_OK);
    weir_promise_release(finished);
    weir_loop_group_free(group);
}

static void begin_many(void *arg) {
    for (int i = 0; i < 50; i++) begin_offload(arg);
}

WEIR_TEST(loop, tells_the_end_of_all_offloaded_work_also_when_it_is_stopped_meanwhile) {
    weir_loop_group *group = weir_loop_group_new(1);
    offload job = {.loop = weir_loop_group_at(group, 0), .left = 1000};
    weir_loop_post(job.loop, begin_many, &job);
    drain_loop(job.loop);
    weir_loop_group_free(group);
    expect_eq(atomic_load(&job.done), 50);
    expect(atomic_load(&job.worked) <= 50);
}

/* ---- timers on a real clock ---- */

typedef struct alarm_clock {
    weir_loop *loop;
    weir_timer timer;
    weir_promise *promise;
    uint64_t delay, started_at, fired_at, worked_until;
} alarm_clock;

static void ring(weir_timer *timer) {
    alarm_clock *self = timer->arg;
    self->fired_at = now_ms();
    weir_promise_complete(self->promise, WEIR_OK);
}

static void set_alarm(void *arg) {
    alarm_clock *self = arg;
    weir_timer_init(&self->timer, ring, self);
    self->started_at = weir_loop_now(self->loop);
    weir_timer_start(&self->timer, self->loop, self->delay);
}

WEIR_TEST(loop, fires_a_timer_at_its_time_and_never_before) {
    weir_loop_group *group = weir_loop_group_new(1);
    static const uint64_t delays[] = {0, 1, 20, 150};
    for (size_t i = 0; i < sizeof delays / sizeof delays[0]; i++) {
        alarm_clock clock = {.loop = weir_loop_group_at(group, 0), .delay = delays[i]};
        clock.promise = weir_promise_new(clock.loop);
        weir_promise *rung = weir_promise_retain(clock.promise);
        sleep_ms(30); /* the loop sleeps when the task comes */
        weir_loop_post(clock.loop, set_alarm, &clock);
        expect_status(weir_promise_wait(rung, 10000), WEIR_OK);
        expect(clock.fired_at + 1 >= clock.started_at + clock.delay); /* both clocks cut to a millisecond */
        weir_promise_release(rung);
    }
    weir_loop_group_free(group);
}

static void set_alarm_after_work(void *arg, weir_status status) {
    (void)status;
    set_alarm(arg);
}

static void sleep_long(void *arg) {
    alarm_clock *self = arg;
    sleep_ms(200);
    self->worked_until = now_ms();
}

static void begin_long_work(void *arg) {
    alarm_clock *self = arg;
    expect_status(weir_loop_offload(self->loop, sleep_long, set_alarm_after_work, self), WEIR_OK);
}

WEIR_TEST(loop, counts_a_delay_from_now_also_when_it_slept_long_before_the_callback) {
    weir_loop_group *group = weir_loop_group_new(1);
    alarm_clock clock = {.loop = weir_loop_group_at(group, 0), .delay = 100};
    clock.promise = weir_promise_new(clock.loop);
    weir_promise *rung = weir_promise_retain(clock.promise);
    weir_loop_post(clock.loop, begin_long_work, &clock);
    expect_status(weir_promise_wait(rung, 10000), WEIR_OK);
    expect(clock.started_at + 1 >= clock.worked_until);
    expect(clock.fired_at + 1 >= clock.started_at + clock.delay);
    weir_promise_release(rung);
    weir_loop_group_free(group);
}

WEIR_TEST(loop, stops_the_program_when_a_timer_is_started_from_another_thread) {
    weir_loop *loop = weir_loop_new(NULL);
    weir_timer timer;
    weir_timer_init(&timer, ring, NULL);
    expect_abort(weir_timer_start(&timer, loop, 1), "outside the thread of its loop");
    expect_abort(weir_timer_stop(&timer, loop), "outside the thread of its loop");
    expect_abort(weir_loop_offload(loop, count, NULL, NULL), "outside the thread of its loop");
    weir_loop_free(loop);
}
