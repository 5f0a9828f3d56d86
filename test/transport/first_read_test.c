/* first_read_test.c - accepted sockets are read before they are watched, as long as that mostly finds something. */
#include <unistd.h>

#include <weir/testing.h>

#include "house.h"

static const weir_server_options of_speakers = {.listen.defer_s = 60}; /* accepted when there are bytes */

static uint64_t turns_of(house *h) {
    weir_loop_stats stats;
    weir_loop_get_stats(weir_loop_group_at(h->group, 0), &stats);
    return stats.turns;
}

static uint64_t events_of(house *h) {
    weir_loop_stats stats;
    weir_loop_get_stats(weir_loop_group_at(h->group, 0), &stats);
    return stats.events;
}

/* ---- an answer and an end for whatever comes ---- */

static void answer(weir_ctx *ctx, weir_obj *msg) {
    weir_ctx_write(ctx, msg, NULL);
    weir_ctx_close(ctx, NULL);
}

static const weir_handler answerer = {.name = "answerer", .read = answer};

static weir_status build_answerer(weir_pipeline *pipeline, void *arg) {
    (void)arg;
    return weir_pipeline_add_last(pipeline, &answerer, NULL);
}

static void be_answered(unsigned port) {
    char byte;
    int fd = plain_connect(port);
    expect_eq(send(fd, "x", 1, 0), 1);
    expect_eq(recv(fd, &byte, 1, 0), 1);
    expect_eq(recv(fd, &byte, 1, 0), 0);
    close(fd);
}

/* Turns of the loop for so many, one after the other. */
static uint64_t turns_for(house *h, unsigned port, unsigned callers) {
    uint64_t before = turns_of(h);
    for (unsigned i = 0; i < callers; i++) be_answered(port);
    return turns_of(h) - before;
}

/* A second server on the loop of the house. */
static weir_server *open_answerer(house *h, unsigned *port) {
    weir_server *server;
    weir_server_options with = of_speakers;
    with.loops = h->group;
    with.build = build_answerer;
    require(weir_server_start(&server, &with) == WEIR_OK);
    *port = weir_addr_port(weir_server_addr(server));
    return server;
}

static void shut_answerer(weir_server *server) {
    weir_server_stop(server);
    weir_server_wait(server);
    weir_server_free(server);
}

WEIR_TEST(first_read, serves_and_ends_in_the_turn_of_the_accept_what_came_with_it) {
    house h;
    unsigned port;
    open_house(&h, 1, (weir_server_options){0});
    weir_server *server = open_answerer(&h, &port);
    expect(turns_for(&h, port, 40) < 40 + 20);
    shut_answerer(server);
    shut_house(&h);
}

/* ---- where callers say nothing ---- */

enum {
    SILENT = 120
};

/* How often a connection was looked at without need while so many came. */
static uint64_t looks_at_silent(house *h, int *fds) {
    uint64_t before = events_of(h);
    for (unsigned i = 0; i < SILENT; i++) {
        fds[i] = plain_connect(h->port);
        require(fds[i] >= 0);
        expect(have_open(h, i + 1));
    }
    return events_of(h) - before - SILENT; /* an event for each accept */
}

WEIR_TEST(first_read, is_rarely_tried_where_callers_say_nothing_and_misses_nothing) {
    house h;
    unsigned port;
    int fds[SILENT];
    open_house(&h, 1, (weir_server_options){0});
    weir_server *server = open_answerer(&h, &port);
    uint64_t looks = looks_at_silent(&h, fds);
    expect(looks >= 32);
    expect(looks <= 32 + (SILENT - 32) / 16 + 1);
    for (unsigned i = 0; i < SILENT; i++) {
        expect(answers(fds[i]));
        close(fds[i]);
    }
    expect(have_open(&h, 0));
    turns_for(&h, port, 16); /* among which one was tried */
    expect(turns_for(&h, port, 40) < 40 + 20);
    shut_answerer(server);
    shut_house(&h);
}

/* ---- what it must not change ---- */

WEIR_TEST(first_read, finds_the_end_of_one_that_came_and_went) {
    house h;
    open_house(&h, 1, (weir_server_options){0});
    for (unsigned i = 0; i < 40; i++) {
        int fd = plain_connect(h.port);
        if (i % 2 == 0) plain_reset(fd);
        if (i % 2 != 0) close(fd);
    }
    for (int i = 0; i < 10000 && stats_of(&h).accepted < 40; i++) wait_ms(1);
    expect(have_open(&h, 0));
    shut_house(&h);
    expect_eq(atomic_load(&h.echo.opened), atomic_load(&h.echo.closed));
}
