/* http_hello_test.c - the HTTP server as a program, against curl and a plain socket. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <weir/testing.h>

#include "program.h"

static char text[65536];

static int connect_to(unsigned port) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    struct timeval patience = {.tv_sec = 10};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    require(fd >= 0 && connect(fd, (struct sockaddr *)(void *)&to, sizeof to) == 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    return fd;
}

static void send_text(int fd, const char *request) {
    expect_eq(send(fd, request, strlen(request), MSG_NOSIGNAL), (ssize_t)strlen(request));
}

/* Up to the end of the connection. */
static const char *receive_all(int fd) {
    size_t n = 0;
    ssize_t got;
    while ((got = recv(fd, text + n, sizeof text - 1 - n, 0)) > 0) n += (size_t)got;
    expect(got == 0); /* in an orderly way */
    text[n] = 0;
    return text;
}

/* As often as `part` is in the text. */
static unsigned count(const char *part) {
    unsigned n = 0;
    for (const char *at = text; (at = strstr(at, part)) != NULL; at++) n++;
    return n;
}

WEIR_TEST(http_hello, answers_pipelined_requests_on_one_connection) {
    enum {
        COUNT = 100
    };
    struct program server;
    program_start(&server, "http_hello", "--port", "0", "--loops", "1", NULL);
    int fd = connect_to(program_port(&server));
    for (int i = 0; i < COUNT; i++) {
        send_text(fd, i % 2 == 0 ? "GET /plaintext HTTP/1.1\r\nHost: a\r\n\r\n"
                                 : "GET /json HTTP/1.1\r\nHost: a\r\n\r\n");
    }
    send_text(fd, "HEAD /json HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    receive_all(fd);
    expect_eq(count("HTTP/1.1 200 OK\r\n"), COUNT + 1);
    expect_eq(count("Server: weir\r\n"), COUNT + 1);
    expect_eq(count("\r\nDate: "), COUNT + 1);
    expect_eq(count("\r\n\r\nHello, World!"), COUNT / 2);
    expect_eq(count("\r\n\r\n{\"message\":\"Hello, World!\"}"), COUNT / 2);
    expect_eq(count("Content-Length: 27\r\n"), COUNT / 2 + 1);
    expect_eq(count("Connection: close\r\n"), 1);
    close(fd);
    expect_eq(program_stop(&server), 0);
    expect(strstr(program_out(&server), "101 requests") != NULL);
    program_end(&server);
}

WEIR_TEST(http_hello, lets_a_peer_read_why_it_was_refused) {
    static char junk[1 << 20];
    memset(junk, 'x', sizeof junk - 1);
    struct program server;
    program_start(&server, "http_hello", "--port", "0", "--loops", "1", NULL);
    int fd = connect_to(program_port(&server));
    send_text(fd, "GET / HTTP/1.1\r\nHost : a\r\n\r\n");
    send_text(fd, junk); /* closed at once, this would reset the connection */
    expect(shutdown(fd, SHUT_WR) == 0);
    receive_all(fd);
    expect(strncmp(text, "HTTP/1.1 400 Bad Request\r\n", 26) == 0);
    expect(strstr(text, "Connection: close\r\n") != NULL);
    close(fd);
    expect_eq(program_stop(&server), 0);
    program_end(&server);
}

WEIR_TEST(http_hello, answers_curl) {
    require(system("curl --version >/dev/null 2>&1") == 0); /* ./dev installs it */
    struct program server;
    program_start(&server, "http_hello", "--port", "0", NULL);
    char command[400];
    unsigned port = program_port(&server);
    snprintf(command, sizeof command,
             "out=$(curl -sS -m 10 -w '%%{http_code} %%{num_connects} ' http://127.0.0.1:%u/plaintext "
             "-d body http://127.0.0.1:%u/json --next -sS -m 10 -I -o /dev/null -w '%%{http_code}' "
             "http://127.0.0.1:%u/no) && [ \"$out\" = '",
             port, port, port);
    char expected[] = "Method Not Allowed\n405 1 Method Not Allowed\n405 0 404' ]";
    strncat(command, expected, sizeof command - strlen(command) - 1);
    expect_eq(system(command), 0);
    expect_eq(program_stop(&server), 0);
    program_end(&server);
}
