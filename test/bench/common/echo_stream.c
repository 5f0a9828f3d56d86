/* echo_stream.c - see echo_stream.h. */
#include "echo_stream.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "loopback.h"
#include "pattern.h"

void echo_stream_open(echo_stream *self, const char *where, uint64_t number, int poll_fd) {
    *self = (echo_stream){.fd = loopback_connect(where), .start = number * 977};
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = self};
    if (epoll_ctl(poll_fd, EPOLL_CTL_ADD, self->fd, &event) != 0) die("epoll_ctl");
}

bool echo_stream_send(echo_stream *self, uint64_t end) {
    size_t n = end - self->sent < ECHO_STREAM_CHUNK ? (size_t)(end - self->sent) : ECHO_STREAM_CHUNK;
    size_t taken = loopback_send(self->fd, pattern_at(self->start + self->sent), n);
    self->sent += taken;
    return taken == n;
}

void echo_stream_receive(echo_stream *self) {
    static uint8_t bytes[ECHO_STREAM_CHUNK];
    for (size_t got = sizeof bytes; got == sizeof bytes;) {
        got = loopback_receive(self->fd, bytes, sizeof bytes);
        if (got == SIZE_MAX) die("the server hung up");
        if (got > self->sent - self->received ||
            memcmp(bytes, pattern_at(self->start + self->received), got) != 0) {
            fprintf(stderr, "%s: wrong bytes near offset %" PRIu64 "\n", program_invocation_short_name,
                    self->received);
            exit(1);
        }
        self->received += got;
    }
}
