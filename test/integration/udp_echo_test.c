/* udp_echo_test.c - the UDP echo server as a program, against plain sockets. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <weir/testing.h>

#include "program.h"

static uint8_t out[65536], in[65536];

static int connect_to(unsigned port) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    struct timeval patience = {.tv_sec = 10};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    require(fd >= 0 && connect(fd, (struct sockaddr *)(void *)&to, sizeof to) == 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    return fd;
}

static void expect_echo(int fd, size_t n) {
    for (size_t i = 0; i < n; i++) out[i] = (uint8_t)(i * 31 + n);
    expect_eq(send(fd, out, n, 0), (ssize_t)n);
    expect_eq(recv(fd, in, sizeof in, 0), (ssize_t)n);
    expect(memcmp(in, out, n) == 0);
}

WEIR_TEST(udp_echo, answers_every_length) {
    static const size_t lengths[] = {0, 1, 1472, 2049, 65507};
    struct program server;
    program_start(&server, "udp_echo", "--port", "0", "--max-size", "65507", NULL);
    int fd = connect_to(program_port(&server));
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) expect_echo(fd, lengths[i]);
    close(fd);
    expect_eq(program_stop(&server), 0);
    expect(strstr(program_out(&server), "5 datagrams in") != NULL);
    expect(strstr(program_out(&server), "5 back in") != NULL);
    program_end(&server);
}

/* Ten thousand, at most 50 on their way: none may be lost. Some are asked for by each of several senders, which
 * the kernel spreads over the loops. */
WEIR_TEST(udp_echo, loses_none_of_ten_thousand_on_two_loops) {
    enum {
        TOTAL = 10000,
        SENDERS = 5
    };
    struct program server;
    program_start(&server, "udp_echo", "--port=0", "--loops=2", "--gro", NULL);
    unsigned port = program_port(&server);
    int fds[SENDERS];
    for (int i = 0; i < SENDERS; i++) fds[i] = connect_to(port);
    for (unsigned round = 0; round < TOTAL / (SENDERS * 10); round++) {
        for (unsigned i = 0; i < SENDERS * 10; i++) {
            uint32_t number = round * SENDERS * 10 + i;
            expect_eq(send(fds[i % SENDERS], &number, sizeof number, 0), 4);
        }
        for (unsigned i = 0; i < SENDERS * 10; i++) {
            uint32_t number = 0;
            if (!expect_eq(recv(fds[i % SENDERS], &number, sizeof number, 0), 4)) round = TOTAL;
            if (!expect_eq(number, round * SENDERS * 10 + i)) round = TOTAL;
        }
    }
    for (int i = 0; i < SENDERS; i++) close(fds[i]);
    expect_eq(program_stop(&server), 0);
    expect(strstr(program_out(&server), "10000 datagrams in") != NULL);
    expect(strstr(program_out(&server), ", 0 lost here") != NULL);
    program_end(&server);
}

WEIR_TEST(udp_echo, says_that_its_port_is_taken) {
    struct program first, second;
    char port[16];
    program_start(&first, "udp_echo", "--port=0", NULL);
    snprintf(port, sizeof port, "%u", program_port(&first));
    expect_eq(program_run(&second, "udp_echo", "--port", port), 1);
    expect(strstr(program_err(&second), "udp_echo: cannot listen on 127.0.0.1:") != NULL);
    expect_eq(program_stop(&first), 0);
    program_end(&first);
    program_end(&second);
}

WEIR_TEST(udp_echo, answers_help_and_refuses_nonsense) {
    struct program program;
    expect_eq(program_run(&program, "udp_echo", "--help"), 0);
    expect(strstr(program_out(&program), "usage: ") != NULL);
    program_end(&program);
    expect_eq(program_run(&program, "udp_echo", "--max-size", "1M"), 2);
    expect(strstr(program_err(&program), "udp_echo: ") == program_err(&program));
    program_end(&program);
}
