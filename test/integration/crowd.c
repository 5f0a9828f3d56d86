/* crowd.c - one poll(2) loop over all clients. */
#include "crowd.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "place.h"

enum {
    STEP = 64 * 1024
};

typedef struct client {
    int fd;
    size_t who;
    uint64_t size, sent, received;
    bool wrong, over;
} client;

uint64_t crowd_random(uint64_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

uint8_t crowd_byte(size_t who, uint64_t at) {
    return (uint8_t)((at * 131 + (at >> 8) * 17 + who * 29) ^ 0x5a);
}

static void end(client *self, bool wrong) {
    self->wrong = self->wrong || wrong;
    self->over = true;
    close(self->fd);
}

static void send_some(client *self, uint64_t *state) {
    static _Thread_local uint8_t noise[STEP];
    uint64_t left = self->size - self->sent, n = crowd_random(state) % STEP + 1;
    if (n > left) n = left;
    for (uint64_t i = 0; i < n; i++) noise[i] = crowd_byte(self->who, self->sent + i);
    ssize_t taken = send(self->fd, noise, n, MSG_NOSIGNAL);
    if (taken < 0) {
        if (errno != EAGAIN) end(self, true);
        return;
    }
    self->sent += (uint64_t)taken;
    if (self->sent == self->size) shutdown(self->fd, SHUT_WR);
}

static void receive_some(client *self) {
    static _Thread_local uint8_t back[STEP];
    ssize_t got = recv(self->fd, back, sizeof back, 0);
    if (got < 0) {
        if (errno != EAGAIN) end(self, true);
        return;
    }
    for (ssize_t i = 0; i < got; i++) {
        if (back[i] != crowd_byte(self->who, self->received + (uint64_t)i)) self->wrong = true;
    }
    self->received += (uint64_t)got;
    if (got == 0) end(self, self->received != self->size);
}

static bool open_client(client *self, unsigned port, size_t who, uint64_t size) {
    *self = (client){.fd = dial(port), .who = who, .size = size};
    if (self->fd < 0) return false;
    fcntl(self->fd, F_SETFL, fcntl(self->fd, F_GETFL) | O_NONBLOCK);
    if (size == 0) shutdown(self->fd, SHUT_WR);
    return true;
}

/* One round of poll; how many are still going. */
static size_t take_turn(client *clients, struct pollfd *polls, size_t count, uint64_t *state) {
    size_t going = 0;
    for (size_t i = 0; i < count; i++) {
        short events = (short)(POLLIN | (clients[i].sent < clients[i].size ? POLLOUT : 0));
        polls[i] = (struct pollfd){.fd = clients[i].over ? -1 : clients[i].fd, .events = events};
        going += clients[i].over ? 0 : 1;
    }
    if (going == 0 || poll(polls, count, 100) <= 0) return going;
    for (size_t i = 0; i < count; i++) {
        if ((polls[i].revents & POLLOUT) != 0 && !clients[i].over) send_some(&clients[i], state);
        if ((polls[i].revents & ~POLLOUT) != 0 && !clients[i].over) receive_some(&clients[i]);
    }
    return going;
}

crowd_result crowd_run(unsigned port, size_t count, const size_t *sizes, uint64_t seed, int seconds) {
    crowd_result result = {0};
    client *clients = calloc(count, sizeof *clients);
    struct pollfd *polls = calloc(count, sizeof *polls);
    uint64_t state = seed | 1;
    time_t deadline = time(NULL) + seconds;
    for (size_t i = 0; i < count; i++) {
        if (!open_client(&clients[i], port, i, sizes[i])) clients[i].over = clients[i].wrong = true;
    }
    while (time(NULL) < deadline && take_turn(clients, polls, count, &state) > 0) {
    }
    for (size_t i = 0; i < count; i++) {
        if (!clients[i].over) end(&clients[i], true);
        result.sent += clients[i].sent;
        result.received += clients[i].received;
        if (clients[i].wrong) {
            result.wrong++;
        } else {
            result.complete++;
        }
    }
    free(polls);
    free(clients);
    return result;
}
