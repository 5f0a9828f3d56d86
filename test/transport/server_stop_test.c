/* server_stop_test.c - the report of a stop, waiting for it with an end, and the port afterwards. */
#include <arpa/inet.h>
#include <time.h>
#include <unistd.h>

#include <weir/testing.h>

#include "house.h"

WEIR_TEST(server_stop, reports_nothing_before_it_is_stopped) {
    house h;
    weir_server_report report;
    open_house(&h, 2, (weir_server_options){0});
    int fd = plain_connect(h.port);
    expect(answers(fd));
    weir_server_get_report(h.server, &report);
    expect_eq(report.open, 0);
    expect_eq(report.ended, 0);
    expect_eq(report.cut, 0);
    close(fd);
    shut_house(&h);
}

WEIR_TEST(server_stop, reports_what_was_open_and_ended_by_itself) {
    enum {
        MANY = 10
    };
    house h;
    int fds[MANY];
    weir_server_report report;
    open_house(&h, 3, (weir_server_options){0});
    for (int i = 0; i < MANY; i++) {
        fds[i] = plain_connect(h.port);
        expect(answers(fds[i]));
    }
    weir_server_stop(h.server);
    expect_status(weir_server_wait(h.server), WEIR_OK);
    weir_server_get_report(h.server, &report);
    expect_eq(report.open, MANY);
    expect_eq(report.ended, MANY);
    expect_eq(report.cut, 0);
    expect_eq(report.pending_bytes, 0);
    for (int i = 0; i < MANY; i++) close(fds[i]);
    shut_house(&h);
}

/* The address a plain socket of ours has, as the server sees it. */
static weir_addr own_addr(int fd) {
    weir_addr addr = {.len = sizeof addr.as};
    require(getsockname(fd, &addr.as.sa, &addr.len) == 0);
    return addr;
}

static bool is_listed(const weir_server_report *report, const weir_addr *addr) {
    for (size_t i = 0; i < report->cut && i < WEIR_SERVER_CUTS_LISTED; i++) {
        if (weir_addr_equal(&report->cuts[i].remote, addr)) return report->cuts[i].id != 0;
    }
    return false;
}

WEIR_TEST(server_stop, reports_whom_it_cut) {
    house h;
    weir_server_report report;
    open_house(&h, 2, (weir_server_options){.stop_timeout_ms = 200});
    atomic_store(&h.echo.ignores_stopping, true);
    int fds[3];
    for (int i = 0; i < 3; i++) {
        fds[i] = plain_connect(h.port);
        expect(answers(fds[i]));
    }
    weir_addr leaver = own_addr(fds[0]);
    weir_server_stop(h.server);
    for (int i = 0; i < 10000 && atomic_load(&h.echo.stopping) < 3; i++) wait_ms(1);
    close(fds[0]);
    expect_status(weir_server_wait(h.server), WEIR_E_TIMEOUT);
    weir_server_get_report(h.server, &report);
    expect_eq(report.open, 3);
    expect_eq(report.ended, 1);
    expect_eq(report.cut, 2);
    expect(!is_listed(&report, &leaver));
    for (int i = 1; i < 3; i++) {
        weir_addr addr = own_addr(fds[i]);
        expect(is_listed(&report, &addr));
        close(fds[i]);
    }
    shut_house(&h);
}

/* A connection whose peer takes nothing, and a handler that writes a megabyte at once. */
static void flood(weir_ctx *ctx) {
    weir_buf *buf = weir_buf_new(1 << 20);
    if (buf != NULL) weir_buf_write_fill(buf, 'x', 1 << 20);
    for (int i = 0; i < 16; i++) weir_ctx_write(ctx, weir_buf_retain(buf), NULL);
    weir_buf_release(buf);
    weir_ctx_fire_active(ctx);
}

static const weir_handler flooder = {.name = "flooder", .active = flood};

static weir_status build_flood(weir_pipeline *pipeline, void *arg) {
    (void)arg;
    return weir_pipeline_add_last(pipeline, &flooder, NULL);
}

WEIR_TEST(server_stop, reports_the_bytes_that_were_never_sent) {
    weir_loop_group *group = weir_loop_group_new(1);
    weir_server *server;
    weir_server_report report;
    weir_server_stats stats;
    require(weir_server_start(&server, &(weir_server_options){.loops = group,
                                                              .build = build_flood,
                                                              .channel.send_buffer = 65536,
                                                              .stop_timeout_ms = 200}) == WEIR_OK);
    int fd = plain_connect(weir_addr_port(weir_server_addr(server)));
    char byte;
    expect_eq(recv(fd, &byte, 1, 0), 1);
    weir_server_stop(server);
    expect_status(weir_server_wait(server), WEIR_E_TIMEOUT);
    weir_server_get_report(server, &report);
    weir_server_get_stats(server, &stats);
    expect_eq(report.cut, 1);
    expect_eq(stats.aborted, 1);
    expect(report.pending_bytes > 0 && report.pending_bytes < 16 << 20);
    expect_eq(report.cuts[0].pending_bytes, report.pending_bytes);
    close(fd);
    weir_server_free(server);
    weir_loop_group_free(group);
}

WEIR_TEST(server_stop, counts_more_cuts_than_it_lists) {
    enum {
        MANY = WEIR_SERVER_CUTS_LISTED + 8
    };
    house h;
    int fds[MANY];
    weir_server_report report;
    open_house(&h, 2, (weir_server_options){.stop_timeout_ms = 50});
    atomic_store(&h.echo.ignores_stopping, true);
    for (int i = 0; i < MANY; i++) {
        fds[i] = plain_connect(h.port);
        expect(answers(fds[i]));
    }
    weir_server_stop(h.server);
    expect_status(weir_server_wait(h.server), WEIR_E_TIMEOUT);
    weir_server_get_report(h.server, &report);
    expect_eq(report.cut, MANY);
    for (int i = 0; i < WEIR_SERVER_CUTS_LISTED; i++) expect(report.cuts[i].id != 0);
    for (int i = 0; i < MANY; i++) close(fds[i]);
    shut_house(&h);
}

WEIR_TEST(server_stop, is_waited_for_no_longer_than_asked) {
    house h;
    open_house(&h, 2, (weir_server_options){0});
    atomic_store(&h.echo.ignores_stopping, true);
    int fd = plain_connect(h.port);
    expect(answers(fd));
    expect(!weir_server_wait_for(h.server, 0));
    expect(!weir_server_wait_for(h.server, 20));
    weir_server_stop(h.server);
    expect(!weir_server_wait_for(h.server, 20));
    expect(answers(fd));
    close(fd);
    expect(weir_server_wait_for(h.server, 10000));
    expect(weir_server_wait_for(h.server, 0));
    expect_status(weir_server_wait(h.server), WEIR_OK);
    shut_house(&h);
}

/* The server closes first, so its end of each connection is in TIME_WAIT when it starts again. */
WEIR_TEST(server_stop, leaves_its_port_to_the_next_server) {
    unsigned port = 0;
    for (unsigned round = 0; round < 8; round++) {
        house h;
        open_house(&h, 1 + round % 3, (weir_server_options){.port = port});
        if (port != 0) expect_eq(h.port, port);
        port = h.port;
        int fd = plain_connect(port);
        expect(answers(fd));
        weir_server_stop(h.server);
        expect(has_ended(fd));
        close(fd);
        shut_house(&h);
    }
}

/* ---- the time of a stop ---- */

#define BUSY_MS 1000

/* A loop that is held until it is let go. */
typedef struct gate {
    atomic_bool is_reached, is_open;
} gate;

static void wait_at(void *arg) {
    gate *self = arg;
    atomic_store(&self->is_reached, true);
    for (int i = 0; i < 30000 && !atomic_load(&self->is_open); i++) wait_ms(1);
}

static void wait_until_reached(gate *self) {
    for (int i = 0; i < 30000 && !atomic_load(&self->is_reached); i++) wait_ms(1);
    require(atomic_load(&self->is_reached));
}

static void hold(weir_loop *loop, gate *self) {
    require(weir_loop_post(loop, wait_at, self) == WEIR_OK);
    wait_until_reached(self);
}

/* What was posted before has run. */
static void pass_through(weir_loop *loop) {
    hold(loop, &(gate){.is_open = true});
}

static struct {
    gate gate;
    _Atomic(weir_loop *) loop;
    atomic_ullong told; /* what the time was said to be, and then was */
    atomic_ullong was;
} latecomer;

static uint64_t clock_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void meet(weir_ctx *ctx) {
    atomic_store(&latecomer.loop, weir_ctx_loop(ctx));
    weir_ctx_fire_active(ctx);
}

/* At the first byte until it is let go, at the second for a while. */
static void be_busy(weir_ctx *ctx, weir_obj *msg) {
    (void)ctx;
    weir_obj_release(msg);
    if (atomic_load(&latecomer.gate.is_reached)) wait_ms(BUSY_MS);
    wait_at(&latecomer.gate);
}

static void look_at_the_clock(weir_ctx *ctx, weir_obj *event) {
    if (event == &weir_event_stopping.obj) {
        atomic_store(&latecomer.told, weir_loop_now(weir_ctx_loop(ctx)));
        atomic_store(&latecomer.was, clock_ms());
    }
    weir_ctx_fire_event(ctx, event);
}

static const weir_handler late_handler = {
    .name = "late", .active = meet, .read = be_busy, .event = look_at_the_clock};

static weir_status build_late(weir_pipeline *pipeline, void *arg) {
    (void)arg;
    return weir_pipeline_add_last(pipeline, &late_handler, NULL);
}

/* The loop that serves it takes the stop in the turn in which it was busy with another event before. */
WEIR_TEST(server_stop, begins_the_times_of_those_it_tells_when_they_are_told) {
    weir_loop_group *group = weir_loop_group_new(2);
    weir_server *server;
    gate there = {0};
    require(weir_server_start(&server, &(weir_server_options){.loops = group, .build = build_late}) ==
            WEIR_OK);
    int fd = plain_connect(weir_addr_port(weir_server_addr(server)));
    for (int i = 0; i < 30000 && atomic_load(&latecomer.loop) == NULL; i++) wait_ms(1);
    weir_loop *loop = atomic_load(&latecomer.loop);
    weir_loop *other = weir_loop_group_at(group, weir_loop_group_at(group, 0) == loop ? 1 : 0);
    hold(other, &there); /* so that not all have stopped listening */
    weir_server_stop(server);
    pass_through(loop);
    expect_eq(send(fd, "1", 1, MSG_NOSIGNAL), 1);
    wait_until_reached(&latecomer.gate);
    expect_eq(send(fd, "2", 1, MSG_NOSIGNAL), 1);
    atomic_store(&there.is_open, true);
    pass_through(other);
    atomic_store(&latecomer.gate.is_open, true);
    expect_status(weir_server_wait(server), WEIR_OK);
    expect(atomic_load(&latecomer.told) != 0);
    expect(atomic_load(&latecomer.was) - atomic_load(&latecomer.told) < BUSY_MS / 2);
    weir_server_free(server);
    weir_loop_group_free(group);
    close(fd);
}
