/* loop_group_test.c - loops that run, take turns, and end with all that is on them. */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include <weir/core/log.h>
#include <weir/testing.h>
#include <weir/transport.h>

#include "actor.h"

WEIR_TEST(loop_group, starts_and_stops_many_times) {
    for (unsigned i = 0; i < 60; i++) {
        weir_loop_group *group = weir_loop_group_new(1 + i % 4);
        require(group != NULL);
        expect_eq(weir_loop_group_count(group), 1 + i % 4);
        weir_loop_group_free(group);
    }
    weir_loop_group_free(NULL);
}

WEIR_TEST(loop_group, has_a_loop_for_each_usable_cpu_when_not_told) {
    cpu_set_t set;
    require(sched_getaffinity(0, sizeof set, &set) == 0);
    weir_loop_group *group = weir_loop_group_new(0);
    expect_eq(weir_loop_group_count(group), (size_t)CPU_COUNT(&set));
    weir_loop_group_free(group);
}

WEIR_TEST(loop_group, gives_its_loops_in_turn_over_one_pool) {
    weir_loop_group *group = weir_loop_group_new(3);
    weir_loop *first = weir_loop_group_next(group);
    weir_loop *second = weir_loop_group_next(group);
    weir_loop *third = weir_loop_group_next(group);
    expect(first != second && second != third && third != first);
    expect(weir_loop_group_next(group) == first);
    for (size_t i = 0; i < 3; i++) {
        expect(weir_loop_pool(weir_loop_group_at(group, i)) == weir_loop_group_pool(group));
        expect(!weir_loop_is_current(weir_loop_group_at(group, i)));
    }
    weir_loop_group_free(group);
}

static void look_at_signals(void *arg) {
    sigset_t blocked;
    pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    bool none = sigismember(&blocked, SIGTERM) == 1 && sigismember(&blocked, SIGPIPE) == 1;
    weir_promise_complete(arg, none ? WEIR_OK : WEIR_E_INVALID);
}

WEIR_TEST(loop_group, keeps_signals_away_from_its_threads) {
    weir_loop_group *group = weir_loop_group_new(1);
    weir_promise *promise = weir_promise_new(weir_loop_group_at(group, 0));
    weir_loop_post(weir_loop_group_at(group, 0), look_at_signals, weir_promise_retain(promise));
    expect_status(weir_promise_wait(promise, 10000), WEIR_OK);
    weir_promise_release(promise);
    weir_loop_group_free(group);
}

static void free_own_group(void *arg) {
    weir_loop_group_free(arg);
}

static void free_from_inside(void) {
    weir_loop_group *group = weir_loop_group_new(1);
    weir_promise *never = weir_promise_new(weir_loop_group_at(group, 0));
    weir_loop_post(weir_loop_group_at(group, 0), free_own_group, group);
    weir_promise_wait(never, 10000);
}

WEIR_TEST(loop_group, stops_the_program_when_one_of_its_loops_frees_it) {
    expect_abort(free_from_inside(), "freed by one of its loops");
}

/* ---- channels that are still there ---- */

typedef struct sides {
    trail trail;
    actor server, client;
} sides;

WEIR_TEST(loop_group, ends_the_channels_that_are_left_with_every_callback) {
    weir_loop_group *servers = weir_loop_group_new(1), *clients = weir_loop_group_new(1);
    sides both = {.server = {.name = "server"}, .client = {.name = "client"}};
    weir_server *server;
    require(weir_server_start(&server, &(weir_server_options){.loops = servers,
                                                              .build = build_with_actor,
                                                              .build_arg = &both.server}) == WEIR_OK);
    weir_loop *loop = weir_loop_group_at(clients, 0);
    weir_promise *connected = weir_promise_new(loop);
    weir_channel *channel =
        weir_client_connect(&(weir_client_options){.loop = loop,
                                                   .host = "127.0.0.1",
                                                   .port = weir_addr_port(weir_server_addr(server)),
                                                   .build = build_with_actor,
                                                   .build_arg = &both.client},
                            weir_promise_retain(connected));
    expect_status(weir_promise_wait(connected, 10000), WEIR_OK);
    weir_promise_release(connected);
    weir_promise *closed = weir_promise_new(loop);
    weir_loop_group_free(clients);
    expect(!weir_channel_is_active(channel));
    expect_eq(both.client.seen[ACTOR_ACTIVE], 1);
    expect_eq(both.client.seen[ACTOR_INACTIVE], 1);
    expect_eq(both.client.seen[ACTOR_REMOVED], 1);
    weir_channel_release(channel);
    weir_promise_release(closed);
    weir_server_free(server);
    weir_loop_group_free(servers);
    expect_eq(both.server.seen[ACTOR_INACTIVE], both.server.seen[ACTOR_ACTIVE]);
    expect_eq(both.server.seen[ACTOR_REMOVED], both.server.seen[ACTOR_ADDED]);
}

/* ---- options ---- */

typedef struct look {
    char name[16];
    cpu_set_t cpus;
    size_t stack;
    weir_promise *promise;
} look;

static void look_at_thread(void *arg) {
    look *self = arg;
    pthread_attr_t attributes;
    pthread_getname_np(pthread_self(), self->name, sizeof self->name);
    pthread_getaffinity_np(pthread_self(), sizeof self->cpus, &self->cpus);
    pthread_getattr_np(pthread_self(), &attributes);
    pthread_attr_getstacksize(&attributes, &self->stack);
    pthread_attr_destroy(&attributes);
    weir_promise_complete(self->promise, WEIR_OK);
}

static look look_at(const weir_loop_group *group, size_t i) {
    look seen = {0};
    weir_loop *loop = weir_loop_group_at(group, i);
    seen.promise = weir_promise_new(loop);
    weir_promise *seen_it = weir_promise_retain(seen.promise);
    expect_status(weir_loop_post(loop, look_at_thread, &seen), WEIR_OK);
    expect_status(weir_promise_wait(seen_it, 10000), WEIR_OK);
    weir_promise_release(seen_it);
    return seen;
}

WEIR_TEST(loop_group, names_its_threads) {
    weir_loop_group *plain = weir_loop_group_new(2);
    weir_loop_group *named =
        weir_loop_group_new_with(&(weir_loop_group_options){.count = 1, .name = "a name that is too long"});
    expect_str(look_at(plain, 1).name, "loop-1");
    expect_str(look_at(named, 0).name, "a name that-0");
    weir_loop_group_free(plain);
    weir_loop_group_free(named);
}

WEIR_TEST(loop_group, pins_each_thread_to_a_cpu_that_may_be_used) {
    cpu_set_t usable;
    require(sched_getaffinity(0, sizeof usable, &usable) == 0);
    int cpus = CPU_COUNT(&usable);
    unsigned count = (unsigned)cpus + 1;
    weir_loop_group *group =
        weir_loop_group_new_with(&(weir_loop_group_options){.count = count, .pin_cpus = true});
    require(group != NULL);
    cpu_set_t all;
    CPU_ZERO(&all);
    for (size_t i = 0; i < count; i++) {
        look seen = look_at(group, i);
        expect_eq(CPU_COUNT(&seen.cpus), 1);
        CPU_OR(&all, &all, &seen.cpus);
    }
    expect(CPU_EQUAL(&all, &usable)); /* each is used, none besides */
    weir_loop_group_free(group);
}

WEIR_TEST(loop_group, gives_its_threads_the_stack_that_was_asked_for) {
    weir_loop_group *group =
        weir_loop_group_new_with(&(weir_loop_group_options){.count = 1, .stack_size = 1 << 20});
    size_t stack = look_at(group, 0).stack;
    expect(stack >= 1 << 20 && stack < 4 << 20);
    weir_loop_group_free(group);
}

static void drop_line(void *arg, weir_log_level level, const char *subject, const char *line) {
    (void)arg, (void)level, (void)subject, (void)line;
}

WEIR_TEST(loop_group, refuses_options_it_cannot_honour) {
    weir_log_set_sink(drop_line, NULL);
    expect(weir_loop_group_new_with(&(weir_loop_group_options){.count = 2, .stack_size = 1}) == NULL);
    expect(weir_loop_group_new_with(&(weir_loop_group_options){.count = 2, .pool = {.alignment = 3}}) ==
           NULL);
    weir_log_set_sink(NULL, NULL);
}

/* The one task that may wait is this one, until it has looked. */
static void post_too_many(void *arg) {
    weir_loop *loop = ((void **)arg)[0];
    weir_status *second = ((void **)arg)[1];
    expect_status(weir_loop_post(loop, free, NULL), WEIR_OK);
    *second = weir_loop_post(loop, free, NULL);
    weir_promise_complete(((void **)arg)[2], WEIR_OK);
}

WEIR_TEST(loop_group, hands_the_options_of_loops_and_pool_on) {
    weir_status second = WEIR_OK;
    weir_loop_group *group = weir_loop_group_new_with(&(weir_loop_group_options){
        .count = 2, .loop = {.max_tasks = 1, .name = "other"}, .pool = {.max_capacity = 4096}});
    require(group != NULL);
    weir_loop *loop = weir_loop_group_at(group, 1);
    expect(weir_loop_pool(loop) == weir_loop_group_pool(group));
    expect(weir_pool_get(weir_loop_group_pool(group), 100000) == NULL);
    expect_str(look_at(group, 1).name, "loop-1");
    weir_promise *looked = weir_promise_new(loop);
    void *args[] = {loop, &second, weir_promise_retain(looked)};
    expect_status(weir_loop_post(loop, post_too_many, args), WEIR_OK);
    expect_status(weir_promise_wait(looked, 10000), WEIR_OK);
    expect_status(second, WEIR_E_LIMIT);
    weir_promise_release(looked);
    weir_loop_group_free(group);
}
