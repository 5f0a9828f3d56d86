/* loopback.c - two connected sockets and the thread at the far end. */
#include "loopback.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <semaphore.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <weir/core/alloc.h>

enum {
    CHUNK = 1 << 20,
};

struct loopback {
    int near, far;
    pthread_t thread;
    sem_t begin, done;
    uint64_t size; /* 0: the thread ends */
    const uint8_t *expected;
    weir_status result;
    uint8_t chunk[CHUNK];
};

static weir_status take_all(struct loopback *self) {
    int flags = self->expected == NULL ? MSG_TRUNC : 0;
    for (uint64_t got = 0; got < self->size;) {
        uint64_t left = self->size - got;
        ssize_t n = recv(self->far, self->chunk, left < CHUNK ? (size_t)left : CHUNK, flags);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return WEIR_E_TRUNCATED;
        if (self->expected != NULL && memcmp(self->chunk, self->expected + got, (size_t)n) != 0) {
            return WEIR_E_FRAME_CORRUPT;
        }
        got += (uint64_t)n;
    }
    return WEIR_OK;
}

static void *run(void *arg) {
    struct loopback *self = arg;
    for (;;) {
        while (sem_wait(&self->begin) != 0) continue;
        if (self->size == 0) return NULL;
        self->result = take_all(self);
        sem_post(&self->done);
    }
}

static weir_status connect_pair(struct loopback *self) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t length = sizeof at;
    struct timeval patience = {.tv_sec = 10};
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    self->near = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool connected = listener >= 0 && self->near >= 0 &&
                     bind(listener, (struct sockaddr *)&at, length) == 0 && listen(listener, 1) == 0 &&
                     getsockname(listener, (struct sockaddr *)&at, &length) == 0 &&
                     connect(self->near, (struct sockaddr *)&at, length) == 0 &&
                     (self->far = accept(listener, NULL, NULL)) >= 0;
    weir_status status = connected ? WEIR_OK : weir_status_from_errno(errno);
    if (listener >= 0) close(listener);
    if (!connected) return status;
    setsockopt(self->near, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(self->near, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    setsockopt(self->far, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    return WEIR_OK;
}

static void free_loopback(struct loopback *self) {
    if (self->near >= 0) close(self->near);
    if (self->far >= 0) close(self->far);
    sem_destroy(&self->begin);
    sem_destroy(&self->done);
    weir_alloc_release(NULL, self);
}

weir_status loopback_open(struct loopback **out) {
    struct loopback *self = weir_alloc_acquire(NULL, sizeof *self);
    if (self == NULL) return WEIR_E_NO_MEMORY;
    self->near = self->far = -1;
    sem_init(&self->begin, 0, 0);
    sem_init(&self->done, 0, 0);
    weir_status status = connect_pair(self);
    if (status == WEIR_OK) status = -pthread_create(&self->thread, NULL, run, self);
    if (status != WEIR_OK) {
        free_loopback(self);
        return status;
    }
    *out = self;
    return WEIR_OK;
}

void loopback_close(struct loopback *self) {
    shutdown(self->near, SHUT_WR); /* a thread still waiting for bytes sees the end */
    loopback_expect(self, 0, NULL);
    pthread_join(self->thread, NULL);
    free_loopback(self);
}

int loopback_fd(const struct loopback *self) {
    return self->near;
}

void loopback_expect(struct loopback *self, uint64_t size, const uint8_t *expected) {
    self->size = size;
    self->expected = expected;
    sem_post(&self->begin);
}

weir_status loopback_wait(struct loopback *self) {
    while (sem_wait(&self->done) != 0) continue;
    return self->result;
}
