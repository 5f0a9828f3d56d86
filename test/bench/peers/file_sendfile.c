/* file_sendfile.c - the least file server: a path a line in, "OK BYTES" and the body out by sendfile(2). One
 * thread, level-triggered epoll, one request at a time on a connection.
 *
 *     peer_file_sendfile --root DIR [--keep 1]
 *
 * Each request opens, stats and closes its file, as a server must that is to see changes. With --keep 1 the
 * first file asked for stays open and is all this server has: the floor with a cache of open files.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/loopback.h"
#include "common/options.h"

enum {
    LINE_MAX_BYTES = 512,
    EVENTS = 1024,
    DESCRIPTORS_MAX = 65536
};

typedef struct peer {
    int fd;
    int file; /* -1: between requests */
    off_t at, end;
    size_t line_len;
    bool waits; /* for room in the socket */
    char line[LINE_MAX_BYTES];
} peer;

static peer peers[DESCRIPTORS_MAX]; /* by descriptor */

static int poll_fd, root, kept = -1;
static uint64_t keep;

static void watch(int how, peer *self, uint32_t events) {
    struct epoll_event event = {.events = events, .data.ptr = self};
    if (epoll_ctl(poll_fd, how, self->fd, &event) != 0) die("epoll_ctl");
}

static void close_file(peer *self) {
    if (self->file >= 0 && self->file != kept) close(self->file);
    self->file = -1;
}

static void hang_up(peer *self) {
    close_file(self);
    close(self->fd);
}

/* Opens and measures, or takes the one that is kept. */
static bool open_file(peer *self) {
    static struct stat stat;
    self->file = kept >= 0 ? kept : openat(root, self->line, O_RDONLY | O_CLOEXEC);
    if (self->file < 0 || (kept < 0 && fstat(self->file, &stat) != 0)) return false;
    if (keep != 0) kept = self->file;
    self->at = 0;
    self->end = stat.st_size;
    return true;
}

/* False: the peer is to be hung up on. */
static bool answer(peer *self) {
    if (!open_file(self)) return false;
    char head[32];
    int len = snprintf(head, sizeof head, "OK %" PRIdMAX "\n", (intmax_t)self->end);
    int more = self->end > 0 ? MSG_MORE : 0;
    return send(self->fd, head, (size_t)len, MSG_NOSIGNAL | more) == len;
}

static bool send_body(peer *self) {
    while (self->at < self->end) {
        ssize_t sent = sendfile(self->fd, self->file, &self->at, (size_t)(self->end - self->at));
        if (sent < 0 && errno == EAGAIN) {
            if (!self->waits) watch(EPOLL_CTL_MOD, self, EPOLLOUT);
            self->waits = true;
            return true;
        }
        if (sent <= 0) return false;
    }
    close_file(self);
    if (self->waits) watch(EPOLL_CTL_MOD, self, EPOLLIN);
    self->waits = false;
    return true;
}

static bool read_request(peer *self) {
    ssize_t got = recv(self->fd, self->line + self->line_len, sizeof self->line - self->line_len, 0);
    if (got < 0 && errno == EAGAIN) return true;
    if (got <= 0) return false;
    self->line_len += (size_t)got;
    char *end = memchr(self->line, '\n', self->line_len);
    if (end == NULL) return self->line_len < sizeof self->line;
    *end = '\0';
    self->line_len = 0;
    return answer(self) && send_body(self);
}

static void accept_all(int listener) {
    for (int fd; (fd = loopback_accept(listener)) >= 0;) {
        if (fd >= DESCRIPTORS_MAX) die("too many descriptors");
        peers[fd] = (peer){.fd = fd, .file = -1};
        watch(EPOLL_CTL_ADD, &peers[fd], EPOLLIN);
    }
}

int main(int argc, char **argv) {
    uint64_t port = 0;
    const char *folder = ".";
    options_read(
        argc, argv,
        (option[]){
            {"--port", .number = &port}, {"--root", .text = &folder}, {"--keep", .number = &keep}, {0}});
    signal(SIGPIPE, SIG_IGN);
    root = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    poll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (root < 0 || poll_fd < 0) die(folder);
    peer listener = {.fd = loopback_listen(port)};
    watch(EPOLL_CTL_ADD, &listener, EPOLLIN);
    for (struct epoll_event events[EVENTS];;) {
        int n = epoll_wait(poll_fd, events, EVENTS, -1);
        for (int i = 0; i < n; i++) {
            peer *self = events[i].data.ptr;
            if (self == &listener) {
                accept_all(listener.fd);
            } else if (!(self->waits ? send_body(self) : read_request(self))) {
                hang_up(self);
            }
        }
    }
}
