/* scripted_server.c - a thread with plain sockets; every wait has an end. */
#include "scripted_server.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <weir/testing.h>

static void be_patient(int fd) {
    struct timeval patience = {.tv_sec = 20};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
}

void scripted_server_open(struct scripted_server *self) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t length = sizeof at;
    memset(self, 0, sizeof *self);
    self->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    be_patient(self->listener);
    require(bind(self->listener, (struct sockaddr *)&at, length) == 0 && listen(self->listener, 16) == 0);
    getsockname(self->listener, (struct sockaddr *)&at, &length);
    self->port = ntohs(at.sin_port);
}

static size_t body_length(const char *request) {
    const char *field = strstr(request, "Content-Length: ");
    return field == NULL ? 0 : strtoul(field + strlen("Content-Length: "), NULL, 10);
}

/* Head and body; answers where the body begins, or NULL. */
static const char *read_request(int fd, char *request) {
    size_t have = 0;
    for (;;) {
        const char *end = strstr(request, "\r\n\r\n");
        if (end != NULL && have >= (size_t)(end + 4 - request) + body_length(request)) return end + 4;
        ssize_t n = recv(fd, request + have, SCRIPT_REQUEST_MAX - 1 - have, 0);
        if (n <= 0) return NULL;
        have += (size_t)n;
        request[have] = '\0';
    }
}

static void send_all(int fd, const char *bytes, size_t n) {
    while (n > 0) {
        ssize_t sent = send(fd, bytes, n, MSG_NOSIGNAL);
        if (sent <= 0) return;
        bytes += sent, n -= (size_t)sent;
    }
}

static void take_turn(const struct script_turn *turn, int fd, char *request) {
    char rest[64];
    const char *body = read_request(fd, request);
    if (body == NULL) return;
    send_all(fd, turn->head, strlen(turn->head));
    if (turn->echoes) send_all(fd, body, body_length(request));
    if (turn->body != NULL) send_all(fd, turn->body, turn->length);
    if (!turn->holds) shutdown(fd, SHUT_WR);
    while (recv(fd, rest, sizeof rest, 0) > 0) continue; /* unread bytes would make a reset of the close */
}

static void *serve(void *arg) {
    struct scripted_server *self = arg;
    for (size_t i = 0; i < self->count; i++) {
        int fd = accept(self->listener, NULL, NULL);
        if (fd < 0) break;
        be_patient(fd);
        take_turn(&self->turns[i], fd, self->requests[i]);
        close(fd);
    }
    return NULL;
}

void scripted_server_start(struct scripted_server *self, const struct script_turn *turns, size_t count) {
    require(count <= SCRIPT_TURNS_MAX);
    self->turns = turns;
    self->count = count;
    require(pthread_create(&self->thread, NULL, serve, self) == 0);
}

void scripted_server_end(struct scripted_server *self) {
    shutdown(self->listener, SHUT_RDWR);
    pthread_join(self->thread, NULL);
    close(self->listener);
}
