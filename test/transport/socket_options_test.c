/* socket_options_test.c - what the options say about a socket is what the kernel says, however it came about. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

#include <weir/testing.h>

#include "actor.h"
#include "bootstrap/net.h"
#include "wires.h"

static int ask(int fd, int level, int name) {
    int value = -1;
    socklen_t len = sizeof value;
    return getsockopt(fd, level, name, &value, &len) == 0 ? value : -errno;
}

/* Several at once, each of which the kernel must say. */
static const weir_channel_options unusual = {
    .delay = true,
    .reset_on_close = true,
    .keep_alive_idle_s = 77,
    .keep_alive_interval_s = 7,
    .keep_alive_count = 3,
    .send_buffer = 40000,
    .receive_buffer = 50000,
    .type_of_service = 0x20,
    .unsent_low_water = 12345,
    .user_timeout_ms = 4321,
    .quick_ack = -1,
};

static void expect_unusual(int fd) {
    struct linger linger;
    socklen_t len = sizeof linger;
    expect_eq(ask(fd, IPPROTO_TCP, TCP_NODELAY), 0);
    expect_eq(ask(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
    expect_eq(ask(fd, IPPROTO_TCP, TCP_KEEPIDLE), 77);
    expect_eq(ask(fd, IPPROTO_TCP, TCP_KEEPINTVL), 7);
    expect_eq(ask(fd, IPPROTO_TCP, TCP_KEEPCNT), 3);
    expect_eq(ask(fd, SOL_SOCKET, SO_SNDBUF), 2 * 40000); /* the kernel doubles it, socket(7) */
    expect_eq(ask(fd, SOL_SOCKET, SO_RCVBUF), 2 * 50000);
    expect_eq(ask(fd, IPPROTO_IP, IP_TOS), 0x20);
    expect_eq(ask(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT), 12345);
    expect_eq(ask(fd, IPPROTO_TCP, TCP_USER_TIMEOUT), 4321);
    expect_eq(getsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, &len), 0);
    expect(linger.l_onoff == 1 && linger.l_linger == 0);
}

static const wire_kind over_tcp[] = {WIRE_ACCEPTED, WIRE_CONNECTED};

WEIR_TEST(socket_options, are_the_kernels_on_accepted_and_connected_channels) {
    for (size_t i = 0; i < 2; i++) {
        wire_end wire;
        wire_open(&wire, over_tcp[i], &unusual, NULL, NULL);
        int fd = weir_channel_fd(atomic_load(&wire.channel));
        expect_unusual(fd);
        if (over_tcp[i] == WIRE_ACCEPTED) expect_eq(ask(fd, IPPROTO_TCP, TCP_QUICKACK), 0);
        wire_shut(&wire);
    }
}

WEIR_TEST(socket_options, are_the_systems_where_nothing_is_said_but_for_the_delay) {
    static const int same[][2] = {{SOL_SOCKET, SO_KEEPALIVE},
                                  {IPPROTO_TCP, TCP_KEEPIDLE},
                                  {IPPROTO_TCP, TCP_KEEPINTVL},
                                  {IPPROTO_TCP, TCP_KEEPCNT},
                                  {IPPROTO_IP, IP_TOS},
                                  {IPPROTO_TCP, TCP_NOTSENT_LOWAT},
                                  {IPPROTO_TCP, TCP_USER_TIMEOUT},
                                  {IPPROTO_TCP, TCP_FASTOPEN_CONNECT}};
    int plain = socket(AF_INET, SOCK_STREAM, 0);
    for (size_t i = 0; i < 2; i++) {
        wire_end wire;
        wire_open(&wire, over_tcp[i], NULL, NULL, NULL);
        int fd = weir_channel_fd(atomic_load(&wire.channel));
        expect_eq(ask(fd, IPPROTO_TCP, TCP_NODELAY), 1);
        for (size_t j = 0; j < sizeof same / sizeof same[0]; j++) {
            weir_test_context("%d of level %d", same[j][1], same[j][0]);
            expect_eq(ask(fd, same[j][0], same[j][1]), ask(plain, same[j][0], same[j][1]));
        }
        wire_shut(&wire);
    }
    close(plain);
}

/* ---- from a listening socket, ours or not ---- */

static weir_status note_no_delay(weir_pipeline *pipeline, void *arg) {
    atomic_store((atomic_int *)arg,
                 ask(weir_channel_fd(weir_pipeline_channel(pipeline)), IPPROTO_TCP, TCP_NODELAY));
    return WEIR_OK;
}

/* TCP_NODELAY of a connection that waited already when the server came to its socket, whose own is as here. */
static int no_delay_of_one_that_waited(int listening, bool delay) {
    atomic_int found = -1;
    unsigned port;
    int fd = plain_listen(&port, 1);
    require(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &listening, sizeof listening) == 0);
    int caller = plain_connect(port);
    weir_loop_group *group = weir_loop_group_new(2);
    weir_server *server;
    weir_server_options with = {.loops = group,
                                .build = note_no_delay,
                                .build_arg = &found,
                                .channel.delay = delay,
                                .listen_fds = &fd,
                                .listen_fd_count = 1};
    require(weir_server_start(&server, &with) == WEIR_OK);
    for (int i = 0; i < 10000 && found < 0; i++) wait_ms(1);
    close(caller);
    weir_server_free(server);
    weir_loop_group_free(group);
    return found;
}

WEIR_TEST(socket_options, are_as_said_also_when_an_inherited_socket_says_otherwise) {
    expect_eq(no_delay_of_one_that_waited(0, false), 1);
    expect_eq(no_delay_of_one_that_waited(1, true), 0);
}

WEIR_TEST(socket_options, of_accepted_channels_come_from_the_socket_that_listens) {
    wire_end wire;
    wire_open(&wire, WIRE_ACCEPTED, NULL, NULL, NULL);
    int fd = weir_channel_fd(atomic_load(&wire.channel)), off = 0;
    require(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &off, sizeof off) == 0);
    expect_status(net_configure(fd, AF_INET, NET_ACCEPTED, &(weir_channel_options){0}), WEIR_OK);
    expect_eq(ask(fd, IPPROTO_TCP, TCP_NODELAY), 0); /* it was not said again */
    expect_status(net_configure(fd, AF_INET, NET_CONNECTED, &(weir_channel_options){0}), WEIR_OK);
    expect_eq(ask(fd, IPPROTO_TCP, TCP_NODELAY), 1);
    wire_shut(&wire);
}

/* ---- by family, before and after connecting ---- */

/* Of sockets: a loop may have something to say for itself. */
static atomic_int lines;

static void count_line(void *arg, weir_log_level level, const char *subject, const char *line) {
    (void)arg;
    (void)level;
    (void)line;
    if (strcmp(subject, "channel") == 0) lines++;
}

WEIR_TEST(socket_options, of_tcp_are_not_tried_on_unix_sockets) {
    weir_channel_options all = unusual;
    int ends[2];
    all.delay = false;
    all.fast_open = true;
    lines = 0;
    require(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    weir_log_set_sink(count_line, NULL);
    expect_status(net_configure(ends[0], AF_UNIX, NET_NEW, &all), WEIR_OK);
    weir_log_set_sink(NULL, NULL);
    expect_eq(lines, 0); /* nothing failed, so nothing was tried that must */
    expect_eq(ask(ends[0], SOL_SOCKET, SO_SNDBUF), 2 * 40000);
    expect_eq(ask(ends[0], SOL_SOCKET, SO_KEEPALIVE), 0);
    close(ends[0]);
    close(ends[1]);
}

WEIR_TEST(socket_options, tell_the_traffic_class_of_both_families) {
    int six = socket(AF_INET6, SOCK_STREAM, 0);
    int four = socket(AF_INET, SOCK_STREAM, 0);
    weir_channel_options options = {.type_of_service = 0x40};
    expect_status(net_configure(six, AF_INET6, NET_NEW, &options), WEIR_OK);
    expect_status(net_configure(four, AF_INET, NET_NEW, &options), WEIR_OK);
    expect_eq(ask(six, IPPROTO_IPV6, IPV6_TCLASS), 0x40);
    expect_eq(ask(six, IPPROTO_IP, IP_TOS), 0x40); /* for what is mapped */
    expect_eq(ask(four, IPPROTO_IP, IP_TOS), 0x40);
    close(six);
    close(four);
}

WEIR_TEST(socket_options, open_fast_only_before_connecting) {
    int on = 1;
    weir_channel_options options = {.fast_open = true};
    int plain = socket(AF_INET, SOCK_STREAM, 0), fresh = socket(AF_INET, SOCK_STREAM, 0);
    bool system_can = setsockopt(plain, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &on, sizeof on) == 0;
    expect_status(net_configure(fresh, AF_INET, NET_CONNECTED, &options), WEIR_OK);
    expect_eq(ask(fresh, IPPROTO_TCP, TCP_FASTOPEN_CONNECT), 0);
    expect_status(net_configure(fresh, AF_INET, NET_NEW, &options), WEIR_OK);
    expect_eq(ask(fresh, IPPROTO_TCP, TCP_FASTOPEN_CONNECT), system_can);
    close(plain);
    close(fresh);
}

static size_t receive_hello(wire_end *wire) {
    char bytes[5];
    weir_buf *buf = weir_buf_new(5);
    weir_buf_write_str(buf, "hello");
    wire_write(wire, buf, NULL);
    return far_receive(wire, bytes, 5);
}

WEIR_TEST(socket_options, let_a_client_that_opens_fast_be_understood) {
    wire_end wire;
    wire_open(&wire, WIRE_CONNECTED, &(weir_channel_options){.fast_open = true}, NULL, NULL);
    expect_eq(receive_hello(&wire), 5);
    wire_shut(&wire);
}

/* ---- raw ---- */

WEIR_TEST(socket_options, without_a_name_are_set_raw) {
    int priority = 5;
    const weir_socket_option raw[] = {
        {.level = SOL_SOCKET, .name = SO_PRIORITY, .value = &priority, .length = sizeof priority},
        {.level = -1, .name = 0, .value = &priority, .length = sizeof priority}};
    weir_log_set_sink(count_line, NULL);
    for (size_t i = 0; i < 2; i++) {
        wire_end wire;
        lines = 0;
        wire_open(&wire, over_tcp[i], &(weir_channel_options){.raw = raw, .raw_count = 2}, NULL, NULL);
        expect_eq(ask(weir_channel_fd(atomic_load(&wire.channel)), SOL_SOCKET, SO_PRIORITY), 5);
        expect_eq(lines, 1); /* of the one that nobody knows; the connection stands */
        wire_shut(&wire);
    }
    weir_log_set_sink(NULL, NULL);
}

static const int one = 1;
static const weir_socket_option impossible = {
    .level = -1, .name = 0, .value = &one, .length = sizeof one, .required = true};
static const weir_channel_options with_impossible = {.raw = &impossible, .raw_count = 1};

static weir_status build_nothing(weir_pipeline *pipeline, void *arg) {
    (void)pipeline;
    (void)arg;
    return WEIR_OK;
}

WEIR_TEST(socket_options, that_are_required_and_fail_refuse_an_accepted_connection) {
    weir_loop_group *group = weir_loop_group_new(1);
    weir_server *server;
    weir_server_stats stats;
    char byte;
    weir_server_options with = {.loops = group, .build = build_nothing, .channel = with_impossible};
    require(weir_server_start(&server, &with) == WEIR_OK);
    int fd = plain_connect(weir_addr_port(weir_server_addr(server)));
    expect(recv(fd, &byte, 1, 0) <= 0);
    for (int i = 0; i < 10000; i++) {
        weir_server_get_stats(server, &stats);
        if (stats.refused == 1 && stats.open == 0) break;
        wait_ms(1);
    }
    expect_eq(stats.refused, 1);
    expect_eq(stats.open, 0);
    close(fd);
    weir_server_free(server);
    weir_loop_group_free(group);
}

WEIR_TEST(socket_options, that_are_required_and_fail_are_why_connecting_and_adopting_fail) {
    weir_loop_group *group = weir_loop_group_new(1);
    weir_loop *loop = weir_loop_group_at(group, 0);
    weir_promise *promises[2] = {weir_promise_new(loop), weir_promise_new(loop)};
    unsigned port;
    int ends[2], listener = plain_listen(&port, 1);
    weir_client_options with = {.loop = loop, .host = "127.0.0.1", .port = port, .channel = with_impossible};
    weir_channel_release(weir_client_connect(&with, weir_promise_retain(promises[0])));
    require(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    weir_channel_release(
        weir_channel_adopt(loop, ends[0], &with_impossible, NULL, NULL, weir_promise_retain(promises[1])));
    for (int i = 0; i < 2; i++) {
        weir_status status = weir_promise_wait(promises[i], 10000);
        expect_status(status, i == 0 ? -ENOPROTOOPT : -EOPNOTSUPP);
        weir_promise_release(promises[i]);
    }
    close(ends[1]);
    close(listener);
    weir_loop_group_free(group);
}
