/* server_stop_test.c - the report of a stop, waiting for it with an end, and the port afterwards. */
#include <arpa/inet.h>
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
