/* loop_group_test.c - loops that run, take turns, and end with all that is on them. */
#include <sched.h>
#include <signal.h>
#include <string.h>

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
