/* http_epoll.c - the floor under the HTTP tables: one thread, level-triggered epoll, a read and a write a burst of
 * requests. It looks for the ends of heads and for "Connection: close", and understands nothing else.
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/loopback.h"
#include "common/options.h"

enum {
    CHUNK = 16 << 10,
    EVENTS = 1024,
    BURST_MAX = 256, /* answers a write */
    DESCRIPTORS_MAX = 65536
};

static const char answer[] =
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 13\r\nServer: peer\r\n"
    "Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n\r\nHello, World!";
static char answers[BURST_MAX * (sizeof answer - 1)];

typedef struct peer {
    int fd;
    unsigned matched; /* bytes of "\r\n\r\n" at the end of what came before */
} peer;

static peer peers[DESCRIPTORS_MAX]; /* by descriptor */
static int poll_fd;

static void watch(peer *self) {
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = self};
    if (epoll_ctl(poll_fd, EPOLL_CTL_ADD, self->fd, &event) != 0) die("epoll_ctl");
}

static size_t count_heads(peer *self, const char *bytes, size_t n) {
    size_t heads = 0;
    for (const char *at = bytes, *end = bytes + n; at < end;) {
        if (self->matched == 0) {
            at = memchr(at, '\r', (size_t)(end - at));
            if (at == NULL) break;
        }
        self->matched = *at == "\r\n\r\n"[self->matched] ? self->matched + 1 : *at == '\r';
        at++;
        if (self->matched == 4) {
            heads++;
            self->matched = 0;
        }
    }
    return heads;
}

/* False: the peer is to be hung up on. */
static bool serve(peer *self) {
    static char bytes[CHUNK];
    ssize_t got = recv(self->fd, bytes, sizeof bytes, 0);
    if (got <= 0) return got < 0 && errno == EAGAIN;
    size_t heads = count_heads(self, bytes, (size_t)got), len = heads * (sizeof answer - 1);
    if (heads > BURST_MAX || (heads > 0 && send(self->fd, answers, len, MSG_NOSIGNAL) != (ssize_t)len))
        return false;
    return memmem(bytes, (size_t)got, "Connection: close", 17) == NULL;
}

int main(int argc, char **argv) {
    uint64_t port = 0;
    options_read(argc, argv, (option[]){{"--port", .number = &port}, {0}});
    loopback_raise_limit();
    for (size_t i = 0; i < BURST_MAX; i++)
        memcpy(answers + i * (sizeof answer - 1), answer, sizeof answer - 1);
    poll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (poll_fd < 0) die("epoll_create1");
    peer listener = {.fd = loopback_listen(port)};
    watch(&listener);
    for (struct epoll_event events[EVENTS];;) {
        int n = epoll_wait(poll_fd, events, EVENTS, -1);
        for (int i = 0; i < n; i++) {
            peer *self = events[i].data.ptr;
            if (self != &listener) {
                if (!serve(self)) close(self->fd);
                continue;
            }
            for (int fd; (fd = loopback_accept(listener.fd)) >= 0;) {
                if (fd >= DESCRIPTORS_MAX) die("too many descriptors");
                peers[fd] = (peer){.fd = fd};
                watch(&peers[fd]);
            }
        }
    }
}
