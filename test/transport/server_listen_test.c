/* server_listen_test.c - where a server listens: addresses, options of its sockets, sockets that were there before. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include <weir/core/log.h>
#include <weir/testing.h>

#include "bootstrap/listen_socket.h"
#include "bootstrap/server_internal.h"
#include "folder.h"
#include "house.h"
#include "open_fds.h"

static void drop_line(void *arg, weir_log_level level, const char *subject, const char *line) {
    (void)arg;
    (void)level;
    (void)subject;
    (void)line;
}

static int connect_to(const weir_addr *addr) {
    struct timeval patience = {10, 0};
    int fd = socket(addr->as.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return -1;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (connect(fd, &addr->as.sa, addr->len) == 0) return fd;
    close(fd);
    return -1;
}

static bool answers_at(const char *host, unsigned port) {
    weir_addr addr;
    require(weir_addr_parse(&addr, host, port) == WEIR_OK);
    int fd = connect_to(&addr);
    bool good = fd >= 0 && answers(fd);
    if (fd >= 0) close(fd);
    return good;
}

static bool has_ipv6(void) {
    weir_addr addr;
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool good =
        fd >= 0 && weir_addr_parse(&addr, "::1", 0) == WEIR_OK && bind(fd, &addr.as.sa, addr.len) == 0;
    if (fd >= 0) close(fd);
    return good;
}

static unsigned port_at(const house *h, size_t i) {
    const weir_addr *addr = weir_server_addr_at(h->server, i);
    require(addr != NULL);
    return weir_addr_port(addr);
}

/* ---- addresses ---- */

WEIR_TEST(server_listen, takes_both_families_on_the_address_of_all) {
    if (!has_ipv6()) return;
    for (unsigned loops = 1; loops <= 2; loops++) {
        house h;
        open_house(&h, loops, (weir_server_options){.host = "::"});
        expect(answers_at("127.0.0.1", h.port));
        expect(answers_at("::1", h.port));
        shut_house(&h);
    }
}

/* The port was picked for IPv6; for IPv4 somebody else may have it, then another one is tried. */
WEIR_TEST(server_listen, takes_ipv6_only_when_told_and_leaves_the_port_to_ipv4) {
    if (!has_ipv6()) return;
    house h;
    weir_server *other = NULL;
    for (int i = 0; i < 100 && other == NULL; i++) {
        if (i > 0) shut_house(&h);
        open_house(&h, 2, (weir_server_options){.host = "::", .listen.v6_only = true});
        weir_server_start(&other, &(weir_server_options){.loops = h.group,
                                                         .host = "0.0.0.0",
                                                         .port = h.port,
                                                         .build = build_echo,
                                                         .build_arg = &h.echo});
    }
    require(other != NULL);
    expect(answers_at("127.0.0.1", h.port));
    expect_eq(stats_of(&h).accepted, 0);
    expect(answers_at("::1", h.port));
    expect_eq(stats_of(&h).accepted, 1);
    weir_server_free(other);
    expect(!answers_at("127.0.0.1", h.port));
    shut_house(&h);
}

WEIR_TEST(server_listen, serves_several_addresses_at_once) {
    static const weir_server_address more[] = {{"127.0.0.2", 0}, {"127.0.0.3", 0}};
    static const char *const hosts[] = {"127.0.0.1", "127.0.0.2", "127.0.0.3"};
    for (int accept = WEIR_ACCEPT_SHARED; accept <= WEIR_ACCEPT_BALANCED; accept++) {
        house h;
        open_house(&h, 3,
                   (weir_server_options){.host = "127.0.0.1",
                                         .addresses = more,
                                         .address_count = 2,
                                         .accept = (weir_server_accept)accept});
        for (size_t i = 0; i < 3; i++) {
            char text[WEIR_ADDR_TEXT];
            weir_addr_format(weir_server_addr_at(h.server, i), text);
            expect(strncmp(text, hosts[i], strlen(hosts[i])) == 0);
            expect(answers_at(hosts[i], port_at(&h, i)));
        }
        expect(weir_server_addr_at(h.server, 3) == NULL);
        expect(weir_server_addr(h.server) == weir_server_addr_at(h.server, 0));
        shut_house(&h);
    }
}

WEIR_TEST(server_listen, needs_no_host_when_it_has_addresses) {
    static const weir_server_address only[] = {{"127.0.0.2", 0}};
    house h;
    open_house(&h, 2, (weir_server_options){.addresses = only, .address_count = 1});
    expect(answers_at("127.0.0.2", h.port));
    expect(!answers_at("127.0.0.1", h.port));
    expect(weir_server_addr_at(h.server, 1) == NULL);
    shut_house(&h);
}

WEIR_TEST(server_listen, spreads_the_acceptors_of_several_addresses_over_the_loops) {
    static const weir_server_address three[] = {{"127.0.0.1", 0}, {"127.0.0.2", 0}, {"127.0.0.3", 0}};
    house h;
    open_house(&h, 3,
               (weir_server_options){.addresses = three, .address_count = 3, .accept = WEIR_ACCEPT_HANDOVER});
    expect_eq(h.server->listener_count, 3);
    for (size_t i = 0; i < 3; i++) expect(h.server->listeners[i].part == &h.server->parts[i]);
    shut_house(&h);
}

static weir_status start_status(weir_server_options options) {
    static echo unused;
    weir_loop_group *group = weir_loop_group_new(2);
    weir_server *server;
    options.loops = group;
    options.build = build_echo;
    options.build_arg = &unused;
    weir_status status = weir_server_start(&server, &options);
    weir_server_free(server);
    weir_loop_group_free(group);
    return status;
}

WEIR_TEST(server_listen, listens_on_none_when_one_of_its_addresses_is_taken) {
    house h;
    open_house(&h, 1, (weir_server_options){0});
    weir_server_address two[] = {{"127.0.0.2", h.port}, {"127.0.0.1", h.port}};
    expect_status(start_status((weir_server_options){.addresses = two, .address_count = 2}), -EADDRINUSE);
    expect(!answers_at("127.0.0.2", h.port));
    expect_status(start_status((weir_server_options){.address_count = 2}), WEIR_E_INVALID);
    shut_house(&h);
}

/* ---- options ---- */

static int option_of(int fd, int level, int name) {
    int value = -1;
    socklen_t len = sizeof value;
    expect_eq(getsockopt(fd, level, name, &value, &len), 0);
    return value;
}

WEIR_TEST(server_listen, sets_the_options_it_is_given) {
    static const int mark = 4096;
    static const weir_socket_option raw[] = {
        {.level = SOL_SOCKET, .name = SO_RCVLOWAT, .value = &mark, .length = sizeof mark, .required = true}};
    weir_addr addr;
    int fd;
    require(weir_addr_parse(&addr, "127.0.0.1", 0) == WEIR_OK);
    expect_status(
        listen_socket_open(&fd, &addr, false, true,
                           &(weir_listen_options){.fast_open = 16, .defer_s = 1, .raw = raw, .raw_count = 1}),
        WEIR_OK);
    expect_eq(option_of(fd, SOL_SOCKET, SO_REUSEADDR), 1);
    expect_eq(option_of(fd, SOL_SOCKET, SO_REUSEPORT), 0);
    expect_eq(option_of(fd, IPPROTO_TCP, TCP_FASTOPEN), 16);
    expect(option_of(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT) > 0);
    expect_eq(option_of(fd, SOL_SOCKET, SO_RCVLOWAT), mark);
    close(fd);
    expect_status(listen_socket_open(&fd, &addr, true, true, &(weir_listen_options){.no_reuse = true}),
                  WEIR_OK);
    expect_eq(option_of(fd, SOL_SOCKET, SO_REUSEADDR), 0);
    expect_eq(option_of(fd, SOL_SOCKET, SO_REUSEPORT), 1);
    expect_eq(option_of(fd, IPPROTO_TCP, TCP_FASTOPEN), 0);
    expect_eq(option_of(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT), 0);
    close(fd);
}

WEIR_TEST(server_listen, fails_with_the_cause_of_an_option_that_is_refused_unless_it_may_be) {
    static const int one = 1;
    weir_socket_option raw = {.level = SOL_SOCKET, .name = 9999, .value = &one, .length = sizeof one};
    weir_listen_options listen = {.raw = &raw, .raw_count = 1};
    weir_log_set_sink(drop_line, NULL);
    expect_status(start_status((weir_server_options){.listen = listen}), WEIR_OK);
    raw.required = true;
    expect_status(start_status((weir_server_options){.listen = listen}), -ENOPROTOOPT);
    weir_status status = start_status((weir_server_options){.listen.device = "no-such-device"});
    expect(status == -ENODEV || status == -EPERM);
    weir_log_set_sink(NULL, NULL);
}

WEIR_TEST(server_listen, may_be_bound_to_a_device) {
    static echo unused;
    weir_loop_group *group = weir_loop_group_new(1);
    weir_server *server;
    weir_log_set_sink(drop_line, NULL);
    weir_status status = weir_server_start(
        &server, &(weir_server_options){
                     .loops = group, .build = build_echo, .build_arg = &unused, .listen.device = "lo"});
    expect(status == WEIR_OK || status == -EPERM);
    if (status == WEIR_OK) expect(answers_at("127.0.0.1", weir_addr_port(weir_server_addr(server))));
    weir_server_free(server);
    weir_loop_group_free(group);
    weir_log_set_sink(NULL, NULL);
}

/* A connection without bytes is not accepted yet. */
WEIR_TEST(server_listen, defers_the_accept_until_there_are_bytes) {
    house h;
    open_house(&h, 1, (weir_server_options){.listen.defer_s = 60});
    int fd = plain_connect(h.port);
    int other = plain_connect(h.port);
    expect(answers(other));
    expect_eq(stats_of(&h).accepted, 1);
    expect(answers(fd));
    expect_eq(stats_of(&h).accepted, 2);
    close(fd);
    close(other);
    shut_house(&h);
}

/* ---- sockets that were there before ---- */

WEIR_TEST(server_listen, serves_sockets_it_inherits_on_all_loops_and_no_others) {
    unsigned ports[2];
    int fds[] = {plain_listen(&ports[0], 16), plain_listen(&ports[1], 16)};
    house h;
    open_house(&h, 3, (weir_server_options){.host = "127.0.0.9", .listen_fds = fds, .listen_fd_count = 2});
    for (size_t i = 0; i < 2; i++) {
        int calls[6];
        expect_eq(port_at(&h, i), ports[i]);
        for (int k = 0; k < 6; k++) {
            calls[k] = plain_connect(ports[i]);
            expect(answers(calls[k]));
        }
        for (size_t k = 0; k < 3; k++) expect_eq(weir_loop_channels(weir_loop_group_at(h.group, k)), 2);
        for (int k = 0; k < 6; k++) close(calls[k]);
        expect(have_open(&h, 0));
    }
    expect(weir_server_addr_at(h.server, 2) == NULL);
    shut_house(&h);
    expect_eq(plain_connect(ports[0]), -1); /* closed with the server */
}

/* Who shares an inherited socket serves those that came while nobody accepted. */
WEIR_TEST(server_listen, leaves_the_backlog_to_who_shares_the_socket) {
    unsigned port;
    int fd = plain_listen(&port, 16), kept = dup(fd);
    house h;
    open_house(&h, 2, (weir_server_options){.listen_fds = &fd, .listen_fd_count = 1});
    weir_server_stop(h.server);
    weir_server_wait(h.server);
    int caller = plain_connect(port);
    expect(caller >= 0);
    shut_house(&h);
    open_house(&h, 2, (weir_server_options){.listen_fds = &kept, .listen_fd_count = 1});
    expect(answers(caller));
    close(caller);
    shut_house(&h);
}

/* Each loop has a socket of its own, and in each somebody may wait. */
WEIR_TEST(server_listen, hands_its_sockets_and_who_waits_in_them_to_the_next) {
    enum {
        MANY = 40
    };
    house h;
    int fds[3], callers[MANY];
    size_t count;
    open_house(&h, 3, (weir_server_options){0});
    unsigned port = h.port;
    weir_server_pause(h.server);
    require(weir_server_listen_fds(h.server, fds, 3, &count) == WEIR_OK);
    expect_eq(count, 3);
    for (int i = 0; i < 3; i++) expect((fcntl(fds[i], F_GETFD) & FD_CLOEXEC) != 0);
    for (int i = 0; i < MANY; i++) callers[i] = plain_connect(port);
    shut_house(&h);
    open_house(&h, 2, (weir_server_options){.listen_fds = fds, .listen_fd_count = count});
    expect_eq(h.port, port);
    for (int i = 0; i < MANY; i++) {
        expect(answers(callers[i]));
        close(callers[i]);
    }
    shut_house(&h);
}

WEIR_TEST(server_listen, hands_on_all_of_its_sockets_or_none) {
    house h;
    int fds[3];
    size_t count = 9;
    open_house(&h, 3, (weir_server_options){0});
    int opened = open_fds();
    expect_status(weir_server_listen_fds(h.server, fds, 2, &count), WEIR_E_LIMIT);
    expect_eq(count, 0);
    expect_eq(open_fds(), opened);
    weir_server_stop(h.server);
    weir_server_wait(h.server);
    expect_status(weir_server_listen_fds(h.server, fds, 3, &count), WEIR_E_STOPPED);
    expect_eq(count, 0);
    shut_house(&h);
}

WEIR_TEST(server_listen, leaves_the_file_of_a_unix_socket_that_was_handed_on) {
    folder place;
    folder_open(&place);
    char host[310];
    snprintf(host, sizeof host, "unix:%s", folder_file(&place, "socket"));
    weir_loop_group *loops = weir_loop_group_new(1);
    for (int handed_on = 0; handed_on < 2; handed_on++) {
        static echo unused;
        weir_server *server;
        int fd = -1;
        size_t count;
        weir_server_options options = {
            .loops = loops, .host = host, .build = build_echo, .build_arg = &unused};
        require(weir_server_start(&server, &options) == WEIR_OK);
        if (handed_on != 0) expect_status(weir_server_listen_fds(server, &fd, 1, &count), WEIR_OK);
        weir_server_free(server);
        expect_eq(access(folder_file(&place, "socket"), F_OK), handed_on != 0 ? 0 : -1);
        if (fd >= 0) close(fd);
    }
    weir_loop_group_free(loops);
    folder_close(&place);
}

static bool is_closed(int fd) {
    return fcntl(fd, F_GETFD) < 0 && errno == EBADF;
}

static int unix_listener(int type) {
    int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
    struct sockaddr_un any = {.sun_family = AF_UNIX}; /* the system picks an abstract name */
    require(fd >= 0 && bind(fd, (struct sockaddr *)(void *)&any, sizeof any.sun_family) == 0);
    require(listen(fd, 16) == 0);
    return fd;
}

WEIR_TEST(server_listen, serves_a_unix_socket_it_inherits_on_all_loops) {
    int fd = unix_listener(SOCK_STREAM), calls[6];
    house h = {0};
    weir_addr addr = {.len = sizeof addr.as};
    require(getsockname(fd, &addr.as.sa, &addr.len) == 0);
    weir_log_set_sink(drop_line, NULL);
    h.group = weir_loop_group_new(3);
    require(weir_server_start(&h.server, &(weir_server_options){.loops = h.group,
                                                                .build = build_echo,
                                                                .build_arg = &h.echo,
                                                                .listen_fds = &fd,
                                                                .listen_fd_count = 1}) == WEIR_OK);
    for (int k = 0; k < 6; k++) {
        calls[k] = connect_to(&addr);
        expect(answers(calls[k]));
    }
    for (size_t k = 0; k < 3; k++) expect_eq(weir_loop_channels(weir_loop_group_at(h.group, k)), 2);
    for (int k = 0; k < 6; k++) close(calls[k]);
    shut_house(&h);
    weir_log_set_sink(NULL, NULL);
}

WEIR_TEST(server_listen, refuses_and_closes_descriptors_that_do_not_listen) {
    unsigned port;
    weir_log_set_sink(drop_line, NULL);
    for (int kind = 0; kind < 5; kind++) {
        int good = plain_listen(&port, 1), bad = -1;
        if (kind == 0) bad = open("/dev/null", O_RDONLY | O_CLOEXEC);
        if (kind == 1) bad = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (kind == 2) bad = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (kind == 3) bad = unix_listener(SOCK_SEQPACKET);
        int fds[] = {good, bad};
        expect_status(start_status((weir_server_options){.listen_fds = fds, .listen_fd_count = 2}),
                      kind == 4 ? -EBADF : WEIR_E_INVALID);
        expect(is_closed(good));
        if (bad >= 0) expect(is_closed(bad));
    }
    weir_log_set_sink(NULL, NULL);
}

WEIR_TEST(server_listen, closes_what_it_inherits_also_when_it_cannot_start) {
    unsigned port;
    weir_server *server;
    weir_loop_group *group = weir_loop_group_new(1);
    for (int kind = 0; kind < 3; kind++) {
        int fd = plain_listen(&port, 1);
        weir_server_options options = {
            .loops = group, .build = build_echo, .listen_fds = &fd, .listen_fd_count = 1};
        if (kind == 0) options.loops = NULL;
        if (kind == 1) options.build = NULL;
        if (kind == 2) options.channel.low_water = SIZE_MAX;
        weir_log_set_sink(drop_line, NULL);
        expect(weir_server_start(&server, &options) != WEIR_OK);
        weir_log_set_sink(NULL, NULL);
        expect(is_closed(fd));
    }
    weir_loop_group_free(group);
}
