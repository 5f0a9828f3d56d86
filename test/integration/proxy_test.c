/* proxy_test.c - the relay as a program, copying and splicing, between clients and targets of every temper. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <weir/testing.h>

#include "crowd.h"
#include "place.h"
#include "program.h"

static const char *const modes[] = {"--loops=2", "--splice"}; /* the first says nothing about the mode */
#define IN_BOTH_MODES(mode) for (size_t mode = 0; mode < 2; mode++)

static const char *to_port(char text[32], unsigned port) {
    snprintf(text, 32, "127.0.0.1:%u", port);
    return text;
}

static void start_proxy(struct program *proxy, unsigned target_port, const char *option, const char *other) {
    char to[32];
    weir_test_context("%s %s", option, other);
    program_start(proxy, "proxy", "--port", "0", "--to", to_port(to, target_port), option, other, NULL);
}

/* The number in front of `words` in what a program has printed. */
static uint64_t number_before(const char *text, const char *words) {
    const char *at = strstr(text, words);
    if (!expect(at != NULL)) return 0;
    while (at > text && at[-1] >= '0' && at[-1] <= '9') at--;
    return strtoull(at, NULL, 10);
}

static uint64_t most_held(const char *text) {
    const char *at = strstr(text, "held ");
    return expect(at != NULL) ? strtoull(at + 5, NULL, 10) : UINT64_MAX;
}

static int listen_somewhere(unsigned *port, int backlog) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    struct timeval patience = {10, 0};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    require(fd >= 0 && bind(fd, (struct sockaddr *)(void *)&at, len) == 0 && listen(fd, backlog) == 0);
    require(getsockname(fd, (struct sockaddr *)(void *)&at, &len) == 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    *port = ntohs(at.sin_port);
    return fd;
}

static int accept_one(int listener) {
    struct timeval patience = {10, 0};
    int fd = accept(listener, NULL, NULL);
    require(fd >= 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    return fd;
}

/* Reads until the stream ends: 0, or -1 with errno. */
static ssize_t read_to_the_end(int fd, uint64_t *received) {
    static char bytes[64 * 1024];
    ssize_t got;
    for (*received = 0; (got = recv(fd, bytes, sizeof bytes, 0)) > 0;) *received += (uint64_t)got;
    return got;
}

enum {
    CROWD = 200
};

WEIR_TEST(proxy, two_hundred_clients_get_back_what_they_sent_in_both_modes) {
    uint64_t state = (uint64_t)time(NULL) | 1;
    IN_BOTH_MODES(mode) {
        struct program target, proxy;
        size_t sizes[CROWD];
        uint64_t sum = 0;
        program_start(&target, "echo_server", "--port", "0", "--loops", "1", NULL);
        start_proxy(&proxy, program_port(&target), modes[mode], "--loops=2");
        for (size_t i = 0; i < CROWD; i++) {
            sizes[i] = 1 + (size_t)(crowd_random(&state) & ((UINT64_C(1) << crowd_random(&state) % 18) - 1));
            if (i % 50 == 0) sizes[i] = 8 << 20;
            sum += sizes[i];
        }
        crowd_result result = crowd_run(program_port(&proxy), CROWD, sizes, state, 60);
        expect_eq(result.complete, CROWD);
        expect_eq(result.received, sum);
        expect_eq(program_stop(&proxy), 0);
        const char *text = program_out(&proxy);
        expect_eq(number_before(text, " bytes to the target"), sum);
        expect_eq(number_before(text, " to clients"), sum);
        expect_eq(number_before(text, " connections"), CROWD);
        expect_eq(number_before(text, " of them spliced") > 0, mode == 1);
        expect_eq(program_stop(&target), 0);
        program_end(&proxy);
        program_end(&target);
    }
}

/* Sends until nothing more is taken for 300 ms; how much was. */
static uint64_t send_until_stuck(int fd) {
    static uint8_t noise[64 * 1024];
    uint64_t sent = 0;
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    for (int idle = 0; idle < 30 && sent < (UINT64_C(1) << 30);) {
        ssize_t taken = send(fd, noise, sizeof noise, MSG_NOSIGNAL);
        if (taken > 0) {
            sent += (uint64_t)taken;
            idle = 0;
        } else {
            struct timespec moment = {0, 10000000};
            nanosleep(&moment, NULL);
            idle++;
        }
    }
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
    return sent;
}

WEIR_TEST(proxy, holds_a_bounded_amount_for_whoever_does_not_read) {
    IN_BOTH_MODES(mode) {
        struct program proxy;
        unsigned port;
        uint64_t received;
        int listener = listen_somewhere(&port, 8);
        start_proxy(&proxy, port, modes[mode], "--loops=1");
        int client = dial(program_port(&proxy)), target = accept_one(listener);
        uint64_t there = send_until_stuck(client), back = send_until_stuck(target);
        shutdown(client, SHUT_WR);
        expect_eq(read_to_the_end(target, &received), 0);
        expect_eq(received, there);
        shutdown(target, SHUT_WR);
        expect_eq(read_to_the_end(client, &received), 0);
        expect_eq(received, back);
        expect_eq(program_stop(&proxy), 0);
        uint64_t held = most_held(program_out(&proxy));
        expect(held > 64 * 1024 && held <= 64 * 1024 + (mode == 1 ? 256 : 64) * 1024 + 1024);
        program_end(&proxy);
        close(client);
        close(target);
        close(listener);
    }
}

/* ---- targets that are not there ---- */

static void expect_cut(int fd) {
    uint64_t received;
    expect(read_to_the_end(fd, &received) == -1 && errno == ECONNRESET);
    expect_eq(received, 0);
    close(fd);
}

WEIR_TEST(proxy, resets_the_client_of_a_target_that_refuses_and_says_why) {
    struct program proxy;
    unsigned port;
    close(listen_somewhere(&port, 1));
    start_proxy(&proxy, port, "--splice", "--loops=1");
    expect_cut(dial(program_port(&proxy)));
    expect_eq(program_stop(&proxy), 0);
    expect(strstr(program_err(&proxy), "connect: ") != NULL);
    expect(strstr(program_err(&proxy), "refused") != NULL);
    expect(strstr(program_out(&proxy), "reached 0 times") != NULL);
    program_end(&proxy);
}

WEIR_TEST(proxy, resets_the_client_of_a_target_that_does_not_answer) {
    struct program proxy;
    unsigned port;
    int listener = listen_somewhere(&port, 0), plug[8];
    struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_port = htons((in_port_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    for (size_t i = 0; i < 8; i++) { /* a backlog that is full */
        plug[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        (void)connect(plug[i], (struct sockaddr *)(void *)&at, sizeof at);
    }
    start_proxy(&proxy, port, "--connect-timeout=200", "--loops=1");
    expect_cut(dial(program_port(&proxy)));
    expect_eq(program_stop(&proxy), 0);
    program_end(&proxy);
    for (size_t i = 0; i < 8; i++) close(plug[i]);
    close(listener);
}

WEIR_TEST(proxy, lets_a_client_see_that_its_target_died) {
    IN_BOTH_MODES(mode) {
        struct program target, proxy;
        uint64_t received;
        program_start(&target, "echo_server", "--port", "0", "--loops", "1", NULL);
        start_proxy(&proxy, program_port(&target), modes[mode], "--loops=1");
        int client = dial(program_port(&proxy));
        expect(send_until_stuck(client) > 0);
        program_signal(&target, SIGKILL);
        program_wait(&target, 10000);
        expect(read_to_the_end(client, &received) == -1 && errno == ECONNRESET);
        close(client);
        expect_eq(program_stop(&proxy), 0);
        program_end(&proxy);
        program_end(&target);
    }
}

WEIR_TEST(proxy, closes_both_sides_of_a_connection_that_is_idle) {
    struct program proxy;
    unsigned port;
    uint64_t received;
    int listener = listen_somewhere(&port, 8);
    start_proxy(&proxy, port, "--idle=1", "--loops=1");
    int client = dial(program_port(&proxy)), target = accept_one(listener);
    expect_eq(read_to_the_end(client, &received), 0);
    expect_eq(read_to_the_end(target, &received), 0);
    expect_eq(program_stop(&proxy), 0);
    program_end(&proxy);
    close(client);
    close(target);
    close(listener);
}

WEIR_TEST(proxy, ends_in_an_orderly_way_under_load) {
    IN_BOTH_MODES(mode) {
        struct program target, proxy;
        int clients[20];
        program_start(&target, "echo_server", "--port", "0", "--loops", "1", NULL);
        start_proxy(&proxy, program_port(&target), modes[mode], "--loops=2");
        for (size_t i = 0; i < 20; i++) {
            clients[i] = dial(program_port(&proxy));
            require(clients[i] >= 0);
            require(send(clients[i], "x", 1, MSG_NOSIGNAL) == 1);
            char byte;
            require(recv(clients[i], &byte, 1, 0) == 1);
        }
        expect_eq(program_stop(&proxy), 0); /* and nothing leaked */
        for (size_t i = 0; i < 20; i++) close(clients[i]);
        expect_eq(program_stop(&target), 0);
        program_end(&proxy);
        program_end(&target);
    }
}
