/* server_accept_test.c - how connections come to the loops: shared sockets, or one that hands over. */
#include <pthread.h>
#include <time.h>
#include <unistd.h>

#include <weir/testing.h>

#include "bootstrap/server_internal.h"
#include "house.h"
#include "loop/loop_internal.h"

enum {
    LOOPS = 3,
    MANY = 30
};

/* One after the other, each answered: so each is where it belongs before the next one comes. */
static void call_in_turn(const house *h, int *fds, int many) {
    for (int i = 0; i < many; i++) {
        fds[i] = plain_connect(h->port);
        expect(answers(fds[i]));
    }
}

static void hang_up(int *fds, int many) {
    for (int i = 0; i < many; i++) close(fds[i]);
}

static size_t channels_on(const house *h, size_t loop) {
    return weir_loop_channels(weir_loop_group_at(h->group, loop));
}

WEIR_TEST(server_accept, hands_connections_over_to_all_loops_in_turn) {
    house h;
    int fds[MANY];
    open_house(&h, LOOPS, (weir_server_options){.accept = WEIR_ACCEPT_HANDOVER});
    call_in_turn(&h, fds, MANY);
    for (size_t i = 0; i < LOOPS; i++) expect_eq(channels_on(&h, i), MANY / LOOPS);
    expect_eq(stats_of(&h).accepted, MANY);
    expect_eq(stats_of(&h).handed_over, MANY - MANY / LOOPS);
    hang_up(fds, MANY);
    expect(have_open(&h, 0));
    shut_house(&h);
}

WEIR_TEST(server_accept, does_not_hand_over_with_shared_sockets_or_one_loop) {
    for (unsigned loops = 1; loops <= 2; loops++) {
        house h;
        int fds[4];
        open_house(&h, loops,
                   (weir_server_options){.accept = loops == 1 ? WEIR_ACCEPT_HANDOVER : WEIR_ACCEPT_SHARED});
        call_in_turn(&h, fds, 4);
        expect_eq(stats_of(&h).handed_over, 0);
        hang_up(fds, 4);
        shut_house(&h);
    }
}

WEIR_TEST(server_accept, fills_up_the_loop_with_the_fewest_when_it_balances) {
    house h;
    int fds[9], more[6];
    open_house(&h, LOOPS, (weir_server_options){.accept = WEIR_ACCEPT_BALANCED});
    call_in_turn(&h, fds, 9);
    for (size_t i = 0; i < LOOPS; i++) expect_eq(channels_on(&h, i), 3);
    for (int i = 0; i < 9; i += 3) { /* equal loads are filled from the first loop on: these are all on it */
        close(fds[i]);
        expect(have_open(&h, (uint64_t)(8 - i / 3)));
    }
    expect_eq(channels_on(&h, 0), 0);
    call_in_turn(&h, more, 3);
    for (size_t i = 0; i < LOOPS; i++) expect_eq(channels_on(&h, i), 3);
    hang_up(more, 3);
    for (int i = 0; i < 9; i++) {
        if (i % 3 != 0) close(fds[i]);
    }
    shut_house(&h);
}

/* The second loop takes no posts, as one whose tasks are too many. */
WEIR_TEST(server_accept, serves_a_connection_itself_when_it_cannot_hand_it_over) {
    house h;
    int fds[8];
    weir_loop_group *group = weir_loop_group_new(2);
    weir_loop_group_at(group, 1)->max_tasks = 0;
    open_house_on(&h, group, (weir_server_options){.accept = WEIR_ACCEPT_HANDOVER});
    call_in_turn(&h, fds, 8);
    expect_eq(channels_on(&h, 0), 8);
    expect_eq(stats_of(&h).open, 8);
    expect_eq(stats_of(&h).handed_over, 0);
    hang_up(fds, 8);
    expect(have_open(&h, 0));
    shut_house(&h);
}

/* Connections that were accepted when the server stops are told so and closed in order, wherever they are. */
WEIR_TEST(server_accept, loses_no_connection_when_it_stops_while_they_arrive) {
    for (int round = 0; round < 20; round++) {
        house h;
        int fds[MANY];
        open_house(&h, LOOPS, (weir_server_options){.accept = WEIR_ACCEPT_HANDOVER});
        for (int i = 0; i < MANY; i++) fds[i] = plain_connect(h.port);
        weir_server_stop(h.server);
        expect_status(weir_server_wait(h.server), WEIR_OK);
        expect_eq(stats_of(&h).open, 0);
        expect_eq(stats_of(&h).accepted, (uint64_t)atomic_load(&h.echo.opened));
        expect_eq(atomic_load(&h.echo.stopping), atomic_load(&h.echo.opened));
        hang_up(fds, MANY);
        shut_house(&h);
    }
}

static uint64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* Looking and finding nobody costs nothing; the last look may not be over yet. */
WEIR_TEST(server_accept, spends_its_rate_on_connections_only) {
    enum {
        CALLS = 10
    };
    house h;
    int fds[CALLS];
    open_house(&h, 1, (weir_server_options){.accepts_per_second = 1, .accept_burst = 100});
    rate_limit *rate = &h.server->accept_rate;
    call_in_turn(&h, fds, 1);
    uint64_t first = atomic_load(&rate->full_ns);
    call_in_turn(&h, fds + 1, CALLS - 1);
    uint64_t last = atomic_load(&rate->full_ns), now = now_ns();
    expect(last >= first + (CALLS - 2) * rate->token_ns);
    expect(last <= (first > now ? first : now) + CALLS * rate->token_ns);
    hang_up(fds, CALLS);
    shut_house(&h);
}

/* ---- before the start is over ---- */

/* Who calls at the second of two addresses; the third is handed over to the first loop. */
typedef struct early {
    house house;
    pthread_t caller;
    atomic_bool served_by_caller;
} early;

static weir_status build_early(weir_pipeline *pipeline, void *arg) {
    early *self = arg;
    if (pthread_equal(pthread_self(), self->caller)) atomic_store(&self->served_by_caller, true);
    return build_echo(pipeline, &self->house.echo);
}

/* The third loop starts when the second one has served two, or will not. */
static void dawdle_for_two(void *arg) {
    early *self = arg;
    for (int i = 0; i < 200 && atomic_load(&self->house.echo.opened) < 2; i++) wait_ms(1);
}

WEIR_TEST(server_accept, hands_nothing_over_to_the_callers_loop_before_the_caller_has_its_server) {
    early here = {.caller = pthread_self()};
    unsigned ports[2];
    int listeners[2] = {plain_listen(&ports[0], 8), plain_listen(&ports[1], 8)}, fds[3];
    for (int i = 0; i < 3; i++) fds[i] = plain_connect(ports[1]);
    weir_loop_group *group =
        weir_loop_group_new_with(&(weir_loop_group_options){.count = 3, .first_on_caller = true});
    require(group != NULL);
    here.house.group = group;
    expect_status(weir_loop_post(weir_loop_group_at(group, 2), dawdle_for_two, &here), WEIR_OK);
    require(weir_server_start(&here.house.server, &(weir_server_options){.loops = group,
                                                                         .build = build_early,
                                                                         .build_arg = &here,
                                                                         .accept = WEIR_ACCEPT_HANDOVER,
                                                                         .listen_fds = listeners,
                                                                         .listen_fd_count = 2}) == WEIR_OK);
    expect(!atomic_load(&here.served_by_caller));
    for (int i = 0; i < 3; i++) close(fds[i]);
    shut_house(&here.house);
}
