/* echo_epoll.c - the least echo server this kernel allows: one thread, level-triggered epoll, a read and a
 * write a message. The floor under every echo table.
 *
 * What a write does not take waits in the connection; it is not read from meanwhile.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/loopback.h"
#include "common/options.h"

enum {
    CHUNK = 64 << 10,
    EVENTS = 1024,
    DESCRIPTORS_MAX = 65536
};

typedef struct peer {
    int fd;
    uint8_t *waiting; /* CHUNK bytes, made when a write first falls short */
    size_t at, end;
} peer;

static peer peers[DESCRIPTORS_MAX]; /* by descriptor */

static void watch(int poll, int how, peer *self, uint32_t events) {
    struct epoll_event event = {.events = events, .data.ptr = self};
    if (epoll_ctl(poll, how, self->fd, &event) != 0) die("epoll_ctl");
}

static void hang_up(peer *self) {
    close(self->fd);
    free(self->waiting);
    self->waiting = NULL;
}

static void accept_all(int poll, int listener) {
    for (int fd; (fd = loopback_accept(listener)) >= 0;) {
        if (fd >= DESCRIPTORS_MAX) die("too many descriptors");
        peers[fd].fd = fd;
        watch(poll, EPOLL_CTL_ADD, &peers[fd], EPOLLIN);
    }
}

static void keep_rest(int poll, peer *self, const uint8_t *bytes, size_t n) {
    if (self->waiting == NULL && (self->waiting = malloc(CHUNK)) == NULL) die("malloc");
    memcpy(self->waiting, bytes, n);
    self->at = 0;
    self->end = n;
    watch(poll, EPOLL_CTL_MOD, self, EPOLLOUT);
}

/* Bytes taken, or -1 when the peer is gone. */
static ssize_t write_some(int fd, const uint8_t *bytes, size_t n) {
    ssize_t sent = send(fd, bytes, n, MSG_NOSIGNAL);
    return sent < 0 && errno == EAGAIN ? 0 : sent;
}

static void echo(int poll, peer *self) {
    static uint8_t bytes[CHUNK];
    ssize_t got = recv(self->fd, bytes, sizeof bytes, 0);
    if (got < 0 && errno == EAGAIN) return;
    ssize_t sent = got <= 0 ? -1 : write_some(self->fd, bytes, (size_t)got);
    if (sent < 0) {
        hang_up(self);
    } else if (sent < got) {
        keep_rest(poll, self, bytes + sent, (size_t)(got - sent));
    }
}

static void drain(int poll, peer *self) {
    ssize_t sent = write_some(self->fd, self->waiting + self->at, self->end - self->at);
    if (sent < 0) {
        hang_up(self);
        return;
    }
    self->at += (size_t)sent;
    if (self->at == self->end) watch(poll, EPOLL_CTL_MOD, self, EPOLLIN);
}

int main(int argc, char **argv) {
    uint64_t port = 0;
    options_read(argc, argv, (option[]){{"--port", .number = &port}, {0}});
    loopback_raise_limit();
    peer listener = {.fd = loopback_listen(port)};
    int poll = epoll_create1(EPOLL_CLOEXEC);
    if (poll < 0) die("epoll_create1");
    watch(poll, EPOLL_CTL_ADD, &listener, EPOLLIN);
    for (struct epoll_event events[EVENTS];;) {
        int n = epoll_wait(poll, events, EVENTS, -1);
        for (int i = 0; i < n; i++) {
            peer *self = events[i].data.ptr;
            if (self == &listener) {
                accept_all(poll, listener.fd);
            } else if (events[i].events & EPOLLOUT) {
                drain(poll, self);
            } else {
                echo(poll, self);
            }
        }
    }
}
