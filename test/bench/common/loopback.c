/* loopback.c - the socket calls, with everything that can go wrong on loopback said once. */
#include "loopback.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    LOOPBACK_SOURCES = 64
};

_Noreturn void die(const char *what) {
    fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what, strerror(errno));
    exit(1);
}

void loopback_set_no_delay(int fd) {
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

int loopback_listen(uint64_t port) {
    struct sockaddr_in addr = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof addr;
    int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) die("socket");
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&addr, len) != 0) die("bind");
    if (listen(fd, 4096) != 0) die("listen");
    if (getsockname(fd, (struct sockaddr *)&addr, &len) != 0) die("getsockname");
    printf("listening on 127.0.0.1:%u\n", (unsigned)ntohs(addr.sin_port));
    fflush(stdout);
    return fd;
}

int loopback_accept(int listener) {
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) loopback_set_no_delay(fd);
    return fd;
}

static struct sockaddr_in parse_addr(const char *where) {
    struct sockaddr_in addr = {.sin_family = AF_INET};
    char host[64];
    unsigned port;
    if (where == NULL || sscanf(where, "%63[^:]:%u", host, &port) != 2 || port > 65535 ||
        inet_pton(AF_INET, host, &addr.sin_addr) != 1) {
        fprintf(stderr, "%s: needed: ADDRESS:PORT\n", program_invocation_short_name);
        exit(2);
    }
    addr.sin_port = htons((uint16_t)port);
    return addr;
}

int loopback_connect(const char *where) {
    struct sockaddr_in addr = parse_addr(where);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) die("socket");
    if (connect(fd, (struct sockaddr *)&addr, sizeof addr) != 0) die("connect");
    if (fcntl(fd, F_SETFL, O_NONBLOCK) != 0) die("fcntl");
    loopback_set_no_delay(fd);
    return fd;
}

int loopback_connect_from(const char *where, uint64_t number) {
    struct sockaddr_in addr = parse_addr(where), from = {.sin_family = AF_INET};
    from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + (uint32_t)(number % LOOPBACK_SOURCES));
    int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) die("socket");
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on); /* a port is picked by the connect */
    if (bind(fd, (struct sockaddr *)&from, sizeof from) != 0) die("bind");
    if (connect(fd, (struct sockaddr *)&addr, sizeof addr) != 0 && errno != EINPROGRESS) die("connect");
    loopback_set_no_delay(fd);
    return fd;
}

size_t loopback_send(int fd, const void *bytes, size_t n) {
    ssize_t sent = send(fd, bytes, n, MSG_NOSIGNAL);
    if (sent >= 0) return (size_t)sent;
    if (errno != EAGAIN && errno != EINTR) die("send");
    return 0;
}

size_t loopback_receive(int fd, void *bytes, size_t n) {
    ssize_t got = recv(fd, bytes, n, 0);
    if (got > 0) return (size_t)got;
    return got < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : SIZE_MAX;
}

size_t loopback_raise_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) die("getrlimit");
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0) die("setrlimit");
    return (size_t)limit.rlim_cur;
}
