/* job_test.c - offloaded work: canceled before it begins, let finish after, told once either way. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <weir/testing.h>

#include "wires.h"

/* ---- by hand: the work begins in the next turn ---- */

typedef struct errand {
    weir_job *job;
    unsigned worked, told;
    weir_status status;
} errand;

static void work(void *arg) {
    ((errand *)arg)->worked++;
}

static void done(void *arg, weir_status status) {
    errand *self = arg;
    expect(self->job == NULL);
    self->status = status;
    self->told++;
}

static void begin_errand(errand *self, weir_loop *loop) {
    *self = (errand){0};
    expect_status(weir_loop_offload_job(loop, work, done, self, &self->job), WEIR_OK);
    expect(self->job != NULL);
}

WEIR_TEST(job, is_told_once_and_its_handle_is_gone_then) {
    weir_embedded *e = weir_embedded_new(NULL, NULL, NULL);
    errand self;
    begin_errand(&self, weir_embedded_loop(e));
    expect_eq(self.worked, 0);
    weir_embedded_run(e);
    expect_eq(self.worked, 1);
    expect_eq(self.told, 1);
    expect_status(self.status, WEIR_OK);
    expect(!weir_job_cancel(self.job));
    weir_embedded_free(e);
}

WEIR_TEST(job, canceled_before_it_begins_never_does) {
    weir_embedded *e = weir_embedded_new(NULL, NULL, NULL);
    errand self;
    weir_loop_stats stats;
    begin_errand(&self, weir_embedded_loop(e));
    expect(weir_job_cancel(self.job));
    expect(weir_job_cancel(self.job)); /* again: nothing */
    expect_eq(self.told, 0);           /* never from inside cancel */
    weir_embedded_run(e);
    expect_eq(self.worked, 0);
    expect_eq(self.told, 1);
    expect_status(self.status, WEIR_E_CANCELED);
    weir_loop_get_stats(weir_embedded_loop(e), &stats);
    expect_eq(stats.jobs, 1);
    expect_eq(stats.canceled_jobs, 1);
    expect_eq(stats.waiting_jobs, 0);
    weir_embedded_free(e);
}

static bool offload_and_run(void *arg) {
    weir_embedded *e = arg;
    errand self = {0};
    weir_status status = weir_loop_offload_job(weir_embedded_loop(e), work, done, &self, &self.job);
    if (status == WEIR_OK) {
        weir_embedded_run(e);
        expect_eq(self.told, 1);
        return true;
    }
    expect_status(status, WEIR_E_NO_MEMORY);
    expect(self.job == NULL);
    return false;
}

WEIR_TEST(job, fails_cleanly_without_memory) {
    weir_embedded *e = weir_embedded_new(NULL, NULL, NULL);
    weir_oom_sweep(offload_and_run, e);
    weir_embedded_free(e);
}

/* ---- on the thread pool, held so that it is known what runs and what waits ---- */

enum {
    POOL = 4, /* threads, unless UV_THREADPOOL_SIZE says otherwise */
    JOBS = 40
};

typedef struct crowd {
    weir_loop *loop;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned running, worked;
    bool gate_open;
    struct member {
        struct crowd *crowd;
        weir_job *job;
        unsigned told;
        weir_status status;
        bool worked;
    } members[JOBS];
} crowd;

static void wait_at_gate(void *arg) {
    struct member *self = arg;
    crowd *all = self->crowd;
    pthread_mutex_lock(&all->lock);
    all->running++;
    pthread_cond_broadcast(&all->changed);
    while (!all->gate_open) pthread_cond_wait(&all->changed, &all->lock);
    self->worked = true;
    all->worked++;
    pthread_mutex_unlock(&all->lock);
}

static void member_done(void *arg, weir_status status) {
    struct member *self = arg;
    expect(weir_loop_is_current(self->crowd->loop));
    self->status = status;
    self->told++;
}

static void wait_until_running(crowd *all, unsigned count) {
    pthread_mutex_lock(&all->lock);
    while (all->running < count) pthread_cond_wait(&all->changed, &all->lock);
    pthread_mutex_unlock(&all->lock);
}

static void open_gate(crowd *all) {
    pthread_mutex_lock(&all->lock);
    all->gate_open = true;
    pthread_cond_broadcast(&all->changed);
    pthread_mutex_unlock(&all->lock);
}

static void crowd_begin(crowd *self, const weir_loop_options *options) {
    memset(self, 0, sizeof *self);
    pthread_mutex_init(&self->lock, NULL);
    pthread_cond_init(&self->changed, NULL);
    self->loop = weir_loop_new(options);
    require(self->loop != NULL);
    weir_loop_turn(self->loop);
    for (unsigned i = 0; i < JOBS; i++) self->members[i].crowd = self;
}

static weir_status send_off(crowd *self, unsigned i) {
    return weir_loop_offload_job(self->loop, wait_at_gate, member_done, &self->members[i],
                                 &self->members[i].job);
}

static void crowd_check(crowd *self, unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        expect_eq(self->members[i].told, 1);
        expect_status(self->members[i].status,
                      self->members[i].worked ? WEIR_OK : (weir_status)WEIR_E_CANCELED);
    }
    pthread_cond_destroy(&self->changed);
    pthread_mutex_destroy(&self->lock);
}

WEIR_TEST(job, that_waits_is_canceled_and_one_that_runs_is_let_finish) {
    static crowd all;
    unsigned canceled = 0;
    crowd_begin(&all, NULL);
    for (unsigned i = 0; i < JOBS; i++) expect_status(send_off(&all, i), WEIR_OK);
    wait_until_running(&all, 1);
    for (unsigned i = 0; i < JOBS; i++) canceled += weir_job_cancel(all.members[i].job);
    expect(canceled < JOBS);
    expect(canceled >= JOBS - POOL || getenv("UV_THREADPOOL_SIZE") != NULL);
    open_gate(&all);
    weir_loop_free(all.loop);
    expect_eq(all.worked, JOBS - canceled);
    crowd_check(&all, JOBS);
}

static void *open_gate_later(void *arg) {
    wait_ms(20);
    open_gate(arg);
    return NULL;
}

WEIR_TEST(job, that_waits_when_the_loop_is_freed_is_canceled) {
    static crowd all;
    pthread_t thread;
    crowd_begin(&all, NULL);
    for (unsigned i = 0; i < JOBS; i++) expect_status(send_off(&all, i), WEIR_OK);
    wait_until_running(&all, 1);
    require(pthread_create(&thread, NULL, open_gate_later, &all) == 0);
    weir_loop_free(all.loop); /* while the pool is full: only what runs is waited for */
    pthread_join(thread, NULL);
    expect(all.worked >= 1);
    expect(all.worked <= POOL || getenv("UV_THREADPOOL_SIZE") != NULL);
    crowd_check(&all, JOBS);
}

/* One job behind the other, for as long as they are taken; how many come after the stop is bounded for the test's sake. */
typedef struct chain {
    weir_loop *loop;
    unsigned told;
    weir_status refusal;
} chain;

static void link_work(void *arg) {
    (void)arg;
}

static void link_done(void *arg, weir_status status) {
    chain *self = arg;
    (void)status;
    if (++self->told == 3) weir_loop_stop(self->loop);
    if (self->told < 1000) self->refusal = weir_loop_offload(self->loop, link_work, link_done, self);
}

static void begin_chain(void *arg) {
    link_done(arg, WEIR_OK);
}

WEIR_TEST(job, that_follows_another_keeps_no_loop_from_ending) {
    chain self = {.loop = weir_loop_new(NULL)};
    expect_status(weir_loop_post(self.loop, begin_chain, &self), WEIR_OK);
    weir_loop_run(self.loop);
    expect_status(self.refusal, WEIR_E_STOPPED);
    expect(self.told >= 3 && self.told <= 5);
    weir_loop_free(self.loop);
}

WEIR_TEST(job, beyond_max_jobs_is_refused_until_one_was_told) {
    static crowd all;
    weir_loop_stats stats;
    crowd_begin(&all, &(weir_loop_options){.max_jobs = 3});
    for (unsigned i = 0; i < 3; i++) expect_status(send_off(&all, i), WEIR_OK);
    expect_status(send_off(&all, 3), WEIR_E_LIMIT);
    expect(all.members[3].job == NULL);
    weir_loop_get_stats(all.loop, &stats);
    expect_eq(stats.waiting_jobs, 3);
    open_gate(&all);
    for (int i = 0; i < 10000 && all.members[0].told == 0; i++) {
        weir_loop_turn(all.loop);
        wait_ms(1);
    }
    expect_status(send_off(&all, 3), WEIR_OK);
    weir_loop_free(all.loop);
    crowd_check(&all, 4);
}
