/* descriptors.c - see descriptors.h. */
#include "descriptors.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <weir/testing.h>

#include "wires.h"

const char *const kind_names[KINDS] = {"file", "pipe", "tcp", "unix", "/dev/null", "append"};

uint8_t pattern[LARGEST];

void make_pattern(void) {
    for (size_t i = 0; i < LARGEST; i++) pattern[i] = (uint8_t)(i * UINT64_C(2654435761) >> 13);
}

int empty_file(int flags) {
    char path[] = "/tmp/weir-transfer-XXXXXX";
    int made = mkstemp(path), fd = open(path, O_RDWR | O_CLOEXEC | flags);
    require(made >= 0 && fd >= 0);
    close(made);
    unlink(path);
    return fd;
}

int patterned_file(size_t n) {
    int fd = empty_file(0);
    for (size_t at = 0; at < n;) {
        ssize_t put = pwrite(fd, pattern + at, n - at, (off_t)at);
        require(put > 0);
        at += (size_t)put;
    }
    return fd;
}

static void tcp_pair(int ends[2]) {
    unsigned port;
    int listener = plain_listen(&port, 1);
    ends[0] = plain_connect(port);
    ends[1] = accept(listener, NULL, NULL);
    require(ends[0] >= 0 && ends[1] >= 0);
    close(listener);
}

void open_pair(kind what, int ends[2]) {
    if (what == PIPE_END) {
        require(pipe2(ends, O_CLOEXEC) == 0);
    } else if (what == TCP_END) {
        tcp_pair(ends);
    } else {
        require(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    }
}

/* ---- the far ends, in threads of their own ---- */

static void *feed(void *arg) {
    far_end *self = arg;
    for (size_t at = 0; at < self->size;) {
        ssize_t put = write(self->fd, pattern + at, self->size - at);
        if (put <= 0) break;
        at += (size_t)put;
    }
    close(self->fd);
    return NULL;
}

static void *gather(void *arg) {
    static _Thread_local uint8_t got[65536];
    far_end *self = arg;
    size_t at = 0;
    self->right = true;
    for (ssize_t n; (n = read(self->fd, got, sizeof got)) > 0; at += (size_t)n) {
        if (at + (size_t)n > self->size || memcmp(got, pattern + at, (size_t)n) != 0) self->right = false;
    }
    self->right = self->right && at == self->size;
    close(self->fd);
    return NULL;
}

static void start_far(far_end *self, void *(*work)(void *), int fd, size_t size) {
    *self = (far_end){.running = true, .fd = fd, .size = size};
    require(pthread_create(&self->thread, NULL, work, self) == 0);
}

bool join_far(far_end *self) {
    if (!self->running) return true;
    pthread_join(self->thread, NULL);
    return self->right;
}

int open_source(kind what, size_t size, far_end *far) {
    int ends[2];
    *far = (far_end){0};
    if (what == FILE_END) return patterned_file(size);
    open_pair(what, ends);
    start_far(far, feed, ends[1], size);
    return ends[0];
}

int open_sink(kind what, size_t size, far_end *far) {
    int ends[2];
    *far = (far_end){0};
    if (what == FILE_END) return empty_file(0);
    if (what == APPEND_END) return empty_file(O_APPEND);
    if (what == NULL_END) return open("/dev/null", O_WRONLY | O_CLOEXEC);
    open_pair(what, ends);
    start_far(far, gather, ends[0], size);
    return ends[1];
}

bool file_holds(int fd, size_t size) {
    uint8_t *got = malloc(size + 1);
    require(got != NULL);
    size_t at = 0;
    for (ssize_t n; (n = pread(fd, got + at, size + 1 - at, (off_t)at)) > 0;) at += (size_t)n;
    bool right = at == size && memcmp(got, pattern, size) == 0;
    free(got);
    return right;
}
