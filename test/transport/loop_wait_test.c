/* loop_wait_test.c - a group whose first loop has no thread but that of the caller, who runs it while waiting. */
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <weir/testing.h>

#include "house.h"

enum {
    PATIENCE_MS = 10000
};

static weir_loop_group *group_on_caller(unsigned count) {
    weir_loop_group *group =
        weir_loop_group_new_with(&(weir_loop_group_options){.count = count, .first_on_caller = true});
    require(group != NULL);
    return group;
}

/* Those of this process, by their numbers; one that was joined may still be there for a moment. */
typedef struct threads {
    long ids[64];
    size_t count;
} threads;

static threads look_at_threads(void) {
    threads self = {.count = 0};
    DIR *folder = opendir("/proc/self/task");
    for (struct dirent *entry; (entry = readdir(folder)) != NULL && self.count < 64;) {
        if (entry->d_name[0] != '.') self.ids[self.count++] = strtol(entry->d_name, NULL, 10);
    }
    closedir(folder);
    return self;
}

static bool is_among(long id, const threads *all) {
    for (size_t i = 0; i < all->count; i++) {
        if (all->ids[i] == id) return true;
    }
    return false;
}

static bool has_new(const threads *now, const threads *before) {
    for (size_t i = 0; i < now->count; i++) {
        if (!is_among(now->ids[i], before)) return true;
    }
    return false;
}

/* ---- tasks and promises ---- */

typedef struct visit {
    weir_promise *promise; /* completed by the visit */
    pthread_t thread;
    threads threads;
    int number, *last;
    bool in_order;
} visit;

static void make_visit(void *arg) {
    visit *self = arg;
    self->thread = pthread_self();
    self->threads = look_at_threads();
    self->in_order = self->last == NULL || ++*self->last == self->number;
    weir_promise_complete(self->promise, WEIR_OK);
}

/* Posted, and waited for. */
static visit visit_to(weir_loop *loop) {
    visit self = {.promise = weir_promise_new(loop)};
    weir_promise *made = weir_promise_retain(self.promise);
    expect_status(weir_loop_post(loop, make_visit, &self), WEIR_OK);
    expect_status(weir_promise_wait(made, PATIENCE_MS), WEIR_OK);
    weir_promise_release(made);
    return self;
}

WEIR_TEST(loop_wait, a_group_of_one_has_no_thread_but_the_callers) {
    threads before = look_at_threads();
    weir_loop_group *group = group_on_caller(1);
    visit seen = visit_to(weir_loop_group_at(group, 0));
    expect(pthread_equal(seen.thread, pthread_self()));
    expect(!has_new(&seen.threads, &before));
    weir_loop_group_free(group);
}

WEIR_TEST(loop_wait, a_group_of_one_is_watched_when_it_is_told_to) {
    threads before = look_at_threads();
    weir_loop_group *group = weir_loop_group_new_with(
        &(weir_loop_group_options){.count = 1, .first_on_caller = true, .loop = {.slow_callback_ms = 5000}});
    require(group != NULL);
    visit seen = visit_to(weir_loop_group_at(group, 0));
    expect(has_new(&seen.threads, &before));
    weir_loop_group_free(group);
}

WEIR_TEST(loop_wait, the_others_of_a_group_have_threads) {
    weir_loop_group *group = group_on_caller(3);
    pthread_t first = visit_to(weir_loop_group_at(group, 0)).thread;
    pthread_t second = visit_to(weir_loop_group_at(group, 1)).thread;
    pthread_t third = visit_to(weir_loop_group_at(group, 2)).thread;
    expect(pthread_equal(first, pthread_self()));
    expect(!pthread_equal(second, first) && !pthread_equal(third, first) && !pthread_equal(second, third));
    weir_loop_group_free(group);
}

WEIR_TEST(loop_wait, what_was_posted_before_is_run_in_its_order) {
    weir_loop_group *group = group_on_caller(1);
    weir_loop *loop = weir_loop_group_at(group, 0);
    static visit visits[20];
    weir_promise *last = weir_promise_new(loop);
    int count = 0;
    for (int i = 0; i < 20; i++) {
        visits[i] = (visit){.number = i + 1, .last = &count};
        if (i == 19) visits[i].promise = weir_promise_retain(last);
        expect_status(weir_loop_post(loop, make_visit, &visits[i]), WEIR_OK);
    }
    expect_eq(count, 0); /* nobody runs it */
    expect(!weir_loop_is_current(loop));
    expect_status(weir_promise_wait(last, PATIENCE_MS), WEIR_OK);
    expect_eq(count, 20);
    for (int i = 0; i < 20; i++) expect(visits[i].in_order);
    weir_promise_release(last);
    weir_loop_group_free(group);
}

WEIR_TEST(loop_wait, what_was_posted_and_never_run_is_run_when_the_group_is_freed) {
    weir_loop_group *group = group_on_caller(2);
    visit seen = {.promise = NULL};
    expect_status(weir_loop_post(weir_loop_group_at(group, 0), make_visit, &seen), WEIR_OK);
    weir_loop_group_free(group);
    expect(pthread_equal(seen.thread, pthread_self()));
}

WEIR_TEST(loop_wait, a_promise_that_nobody_keeps_times_out) {
    weir_loop_group *group = group_on_caller(1);
    weir_promise *never = weir_promise_new(weir_loop_group_at(group, 0));
    expect_status(weir_promise_wait(never, 0), WEIR_E_TIMEOUT);
    expect_status(weir_promise_wait(never, 5), WEIR_E_TIMEOUT);
    expect(pthread_equal(visit_to(weir_loop_group_at(group, 0)).thread, pthread_self())); /* it goes on */
    weir_promise_release(never);
    weir_loop_group_free(group);
}

/* ---- other threads ---- */

static void complete(void *arg) {
    weir_promise_complete(arg, WEIR_OK);
}

typedef struct asking {
    weir_loop *loop;
    weir_promise *answer;
    visit seen;
} asking;

/* Waits for the loop itself, without running it. */
static void *ask(void *arg) {
    asking *self = arg;
    self->seen = visit_to(self->loop);
    expect_status(weir_loop_post(self->loop, complete, self->answer), WEIR_OK);
    return NULL;
}

WEIR_TEST(loop_wait, others_may_wait_for_the_loop_too) {
    weir_loop_group *group = group_on_caller(1);
    asking other = {.loop = weir_loop_group_at(group, 0)};
    weir_promise *answer = weir_promise_new(other.loop);
    other.answer = weir_promise_retain(answer);
    pthread_t thread;
    require(pthread_create(&thread, NULL, ask, &other) == 0);
    expect_status(weir_promise_wait(answer, PATIENCE_MS), WEIR_OK);
    pthread_join(thread, NULL);
    expect(pthread_equal(other.seen.thread, pthread_self()));
    weir_promise_release(answer);
    weir_loop_group_free(group);
}

WEIR_TEST(loop_wait, a_loop_that_is_stopped_runs_no_more_in_waits) {
    weir_loop_group *group = group_on_caller(1);
    weir_loop *loop = weir_loop_group_at(group, 0);
    weir_promise *answer = weir_promise_new(loop);
    expect_status(weir_loop_post(loop, complete, weir_promise_retain(answer)), WEIR_OK);
    weir_loop_stop(loop);
    expect_status(weir_promise_wait(answer, 5), WEIR_E_TIMEOUT);
    weir_loop_group_free(group);
    expect(weir_promise_is_done(answer));
    weir_promise_release(answer);
}

WEIR_TEST(loop_wait, the_callers_thread_stays_as_it_is) {
    char name[16], now[16];
    cpu_set_t cpus, cpus_now;
    pthread_getname_np(pthread_self(), name, sizeof name);
    sched_getaffinity(0, sizeof cpus, &cpus);
    weir_loop_group *group = weir_loop_group_new_with(
        &(weir_loop_group_options){.count = 2, .first_on_caller = true, .pin_cpus = true, .name = "other"});
    require(group != NULL);
    visit_to(weir_loop_group_at(group, 0));
    pthread_getname_np(pthread_self(), now, sizeof now);
    sched_getaffinity(0, sizeof cpus_now, &cpus_now);
    expect_str(now, name);
    expect(CPU_EQUAL(&cpus, &cpus_now));
    weir_loop_group_free(group);
}

/* ---- servers ---- */

static void *call_and_stop(void *arg) {
    house *self = arg;
    int fd = plain_connect(self->port);
    expect(answers(fd));
    weir_server_stop(self->server);
    expect(has_ended(fd));
    close(fd);
    return NULL;
}

WEIR_TEST(loop_wait, a_server_serves_while_it_is_waited_for) {
    for (unsigned loops = 1; loops <= 3; loops++) {
        house here;
        pthread_t guest;
        open_house_on(&here, group_on_caller(loops), (weir_server_options){0});
        require(pthread_create(&guest, NULL, call_and_stop, &here) == 0);
        expect_status(weir_server_wait(here.server), WEIR_OK);
        pthread_join(guest, NULL);
        expect_eq(stats_of(&here).accepted, 1);
        shut_house(&here);
    }
}

static void *call_all_and_stop(void *arg) {
    house *self = arg;
    int fds[6];
    for (int i = 0; i < 6; i++) fds[i] = plain_connect(self->port);
    for (int i = 0; i < 6; i++) expect(answers(fds[i]));
    weir_server_stop(self->server);
    for (int i = 0; i < 6; i++) close(fds[i]);
    return NULL;
}

WEIR_TEST(loop_wait, all_loops_of_a_server_serve) {
    house here;
    pthread_t guest;
    open_house_on(&here, group_on_caller(3), (weir_server_options){.accept = WEIR_ACCEPT_HANDOVER});
    require(pthread_create(&guest, NULL, call_all_and_stop, &here) == 0);
    expect_status(weir_server_wait(here.server), WEIR_OK);
    pthread_join(guest, NULL);
    expect_eq(stats_of(&here).accepted, 6);
    expect_eq(stats_of(&here).handed_over, 4);
    shut_house(&here);
}

WEIR_TEST(loop_wait, nobody_is_served_before_the_server_is_waited_for) {
    house here;
    unsigned port;
    int listener = plain_listen(&port, 8), fd = plain_connect(port);
    open_house_on(&here, group_on_caller(1),
                  (weir_server_options){.listen_fds = &listener, .listen_fd_count = 1});
    expect_eq(atomic_load(&here.echo.opened), 0);
    for (int i = 0; i < PATIENCE_MS && atomic_load(&here.echo.opened) == 0; i++) {
        expect(!weir_server_wait_for(here.server, 1));
    }
    expect_eq(atomic_load(&here.echo.opened), 1);
    close(fd);
    shut_house(&here);
}

/* Keeps its loop for a while, unless the other one serves meanwhile. */
static void dawdle(void *arg) {
    house *self = arg;
    for (int i = 0; i < 100 && atomic_load(&self->echo.opened) == 0; i++) wait_ms(1);
}

WEIR_TEST(loop_wait, nobody_is_served_while_other_loops_are_still_starting) {
    house here = {.server = NULL};
    unsigned port;
    int listener = plain_listen(&port, 8), fd = plain_connect(port);
    weir_loop_group *group = group_on_caller(2);
    expect_status(weir_loop_post(weir_loop_group_at(group, 1), dawdle, &here), WEIR_OK);
    require(weir_server_start(&here.server, &(weir_server_options){.loops = group,
                                                                   .build = build_echo,
                                                                   .build_arg = &here.echo,
                                                                   .listen_fds = &listener,
                                                                   .listen_fd_count = 1}) == WEIR_OK);
    expect_eq(atomic_load(&here.echo.opened), 0);
    here.group = group;
    close(fd);
    shut_house(&here);
}

WEIR_TEST(loop_wait, a_server_that_was_stopped_before_is_not_waited_for_long) {
    house here;
    open_house_on(&here, group_on_caller(2), (weir_server_options){0});
    weir_server_stop(here.server);
    expect_status(weir_server_wait(here.server), WEIR_OK);
    expect(weir_server_wait_for(here.server, 0));
    shut_house(&here);
}

WEIR_TEST(loop_wait, a_server_that_cannot_start_leaves_nothing_behind) {
    house here;
    weir_server *second;
    open_house_on(&here, group_on_caller(1), (weir_server_options){0});
    weir_loop_group *group = group_on_caller(2);
    expect_status(weir_server_start(&second, &(weir_server_options){.loops = group,
                                                                    .port = here.port,
                                                                    .build = build_echo,
                                                                    .build_arg = &here.echo}),
                  -EADDRINUSE);
    weir_loop_group_free(group);
    shut_house(&here);
}

/* ---- signals ---- */

WEIR_TEST(loop_wait, a_signal_before_the_wait_is_seen_in_it) {
    house here;
    open_house_on(&here, group_on_caller(1), (weir_server_options){.stop_on_signals = true});
    kill(getpid(), SIGTERM);
    expect_status(weir_server_wait(here.server), WEIR_OK);
    shut_house(&here);
}

static void *call_and_signal(void *arg) {
    house *self = arg;
    int fd = plain_connect(self->port);
    expect(answers(fd));
    kill(getpid(), SIGTERM);
    expect(has_ended(fd));
    close(fd);
    return NULL;
}

WEIR_TEST(loop_wait, a_signal_stops_a_server_that_serves) {
    house here;
    pthread_t guest;
    open_house_on(&here, group_on_caller(1), (weir_server_options){.stop_on_signals = true});
    require(pthread_create(&guest, NULL, call_and_signal, &here) == 0);
    expect_status(weir_server_wait(here.server), WEIR_OK);
    pthread_join(guest, NULL);
    shut_house(&here);
}

static weir_loop *signalled;

static void stop_signalled(int number) {
    (void)number;
    weir_loop_stop(signalled); /* NOLINT(bugprone-signal-handler): it may, see loop.h */
}

static void raise_signal(void *arg) {
    (void)arg;
    raise(SIGUSR1);
}

typedef struct caller {
    pthread_t thread;
    weir_loop_group *group;
    house *house;
} caller;

static void *visit_and_signal(void *arg) {
    caller *self = arg;
    visit_to(weir_loop_group_at(self->group, 0));
    pthread_kill(self->thread, SIGUSR1);
    return NULL;
}

WEIR_TEST(loop_wait, a_handler_of_a_signal_may_stop_the_loop) {
    pthread_t other;
    caller self = {.thread = pthread_self(), .group = group_on_caller(2)};
    signalled = weir_loop_group_at(self.group, 0);
    signal(SIGUSR1, stop_signalled);
    expect_status(weir_loop_post(signalled, raise_signal, NULL), WEIR_OK);
    weir_loop_run(signalled); /* in the middle of a turn */
    require(pthread_create(&other, NULL, visit_and_signal, &self) == 0);
    weir_loop_run(signalled); /* most likely in a sleep */
    pthread_join(other, NULL);
    signal(SIGUSR1, SIG_DFL);
    weir_loop_group_free(self.group);
}

/* ---- running it without a wait ---- */

WEIR_TEST(loop_wait, a_loop_that_was_stopped_before_returns_at_once) {
    weir_loop_group *group = group_on_caller(1);
    weir_loop *loop = weir_loop_group_at(group, 0);
    weir_loop_stop(loop);
    weir_loop_run(loop);
    expect(pthread_equal(visit_to(loop).thread, pthread_self())); /* and may be run again */
    weir_loop_group_free(group);
}

static void *end_server(void *arg) {
    caller *self = arg;
    weir_loop *loop = weir_loop_group_at(self->group, 0);
    weir_server_stop(self->house->server);
    expect_status(weir_server_wait(self->house->server), WEIR_OK);
    expect(pthread_equal(visit_to(loop).thread, self->thread));
    weir_loop_stop(loop);
    return NULL;
}

WEIR_TEST(loop_wait, a_run_goes_on_when_what_others_wait_for_is_over) {
    house here;
    pthread_t other;
    open_house_on(&here, group_on_caller(2), (weir_server_options){0});
    caller self = {.thread = pthread_self(), .group = here.group, .house = &here};
    require(pthread_create(&other, NULL, end_server, &self) == 0);
    weir_loop_run(weir_loop_group_at(here.group, 0));
    pthread_join(other, NULL);
    shut_house(&here);
}

/* ---- bugs ---- */

static void *run_first(void *arg) {
    weir_loop_run(weir_loop_group_at(arg, 0));
    return NULL;
}

static void run_in_another_thread(void) {
    pthread_t other;
    require(pthread_create(&other, NULL, run_first, group_on_caller(1)) == 0);
    pthread_join(other, NULL);
}

static void run_inside(void *arg) {
    weir_loop_run(arg);
}

static void run_twice(void) {
    weir_loop *loop = weir_loop_group_at(group_on_caller(1), 0);
    require(weir_loop_post(loop, run_inside, loop) == WEIR_OK);
    weir_loop_run(loop);
}

static void run_one_with_a_thread(void) {
    weir_loop *loop = weir_loop_group_at(group_on_caller(2), 1);
    visit_to(loop);
    weir_loop_run(loop);
}

static void *visit_and_free(void *arg) {
    visit_to(weir_loop_group_at(arg, 0));
    weir_loop_group_free(arg);
    return NULL;
}

static void free_while_it_runs(void) {
    pthread_t other;
    weir_loop_group *group = group_on_caller(1);
    require(pthread_create(&other, NULL, visit_and_free, group) == 0);
    weir_loop_run(weir_loop_group_at(group, 0));
}

WEIR_TEST(loop_wait, stops_the_program_when_the_loop_is_run_wrongly) {
    expect_abort(run_in_another_thread(), "by another thread");
    expect_abort(run_twice(), "inside of a callback");
    expect_abort(run_one_with_a_thread(), "runs already");
    expect_abort(free_while_it_runs(), "while a caller runs");
}
