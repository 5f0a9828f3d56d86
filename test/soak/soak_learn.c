/* soak_learn.c - see soak_learn.h. */
#include "soak_learn.h"

#include <openssl/err.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/loopback.h"

enum {
    DATE_LENGTH = 29,
    ANSWER_MAX = 4096
};

typedef struct lesson {
    int fd;
    SSL *ssl; /* NULL: none */
    char answer[ANSWER_MAX];
    size_t length;
} lesson;

static unsigned learned;

unsigned soak_learned(void) {
    return learned;
}

/* ---- words of an answer ---- */

static size_t find(const char *text, const char *what) {
    const char *at = strstr(text, what);
    return at == NULL ? 0 : (size_t)(at - text) + strlen(what);
}

static bool is_whole(const lesson *self) {
    size_t head = find(self->answer, "\r\n\r\n"), length = find(self->answer, "Content-Length: ");
    if (head == 0) return false;
    if (self->ssl != NULL || length == 0) return true;
    return self->length == head + strtoul(self->answer + length, NULL, 10);
}

static soak_part part_of(const lesson *self) {
    size_t n = self->ssl != NULL ? find(self->answer, "\r\n\r\n") : self->length;
    uint8_t *bytes = malloc(n + 1);
    if (bytes == NULL) die("malloc");
    soak_part part = {.bytes = memcpy(bytes, self->answer, n), .length = n};
    part.hole = find(self->answer, "\r\nDate: ");
    part.hole_length = part.hole == 0 ? 0 : DATE_LENGTH;
    return part;
}

/* ---- asking ---- */

static void wait_for(int fd, short events) {
    struct pollfd ready = {.fd = fd, .events = events};
    if (poll(&ready, 1, 10000) <= 0) die("no answer to learn from");
}

/* True when it has to be tried again, which it can be now. */
static bool wait_for_tls(lesson *self, int result) {
    if (result > 0) return false;
    int error = SSL_get_error(self->ssl, result);
    if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) die("no TLS to learn from");
    ERR_clear_error();
    wait_for(self->fd, error == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT);
    return true;
}

static void ask(lesson *self, const char *request) {
    if (self->ssl == NULL) {
        if (loopback_send(self->fd, request, strlen(request)) != strlen(request)) die("send");
        return;
    }
    while (wait_for_tls(self, SSL_connect(self->ssl))) {
    }
    while (wait_for_tls(self, SSL_write(self->ssl, request, (int)strlen(request)))) {
    }
}

static void hear(lesson *self) {
    char *to = self->answer + self->length;
    size_t room = ANSWER_MAX - 1 - self->length, got;
    if (room == 0) die("too long an answer to learn from");
    if (self->ssl != NULL) {
        int n = SSL_read(self->ssl, to, (int)room);
        got = wait_for_tls(self, n) ? 0 : (size_t)n;
    } else {
        wait_for(self->fd, POLLIN);
        got = loopback_receive(self->fd, to, room);
    }
    if (got == SIZE_MAX) die("no answer to learn from");
    self->length += got;
}

soak_part soak_learn(const char *where, const char *request, SSL_CTX *tls) {
    static lesson self;
    self = (lesson){.fd = loopback_connect(where)};
    if (tls != NULL && ((self.ssl = SSL_new(tls)) == NULL || SSL_set_fd(self.ssl, self.fd) != 1))
        die("SSL_new");
    ask(&self, request);
    while (!is_whole(&self)) hear(&self);
    soak_part part = part_of(&self);
    SSL_free(self.ssl);
    close(self.fd);
    learned++;
    return part;
}
