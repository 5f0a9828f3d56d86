/* paired_load.c - what a message costs several echo servers, each beside the others within milliseconds.
 *
 *     bench_paired_load --servers PID@ADDRESS:PORT,PID@ADDRESS:PORT,... [--connections N] [--size BYTES] [--depth N]
 *                       [--microseconds N] [--milliseconds N] [--seed N]
 *
 * A process holds its connections to all of them. In a round each server, in an order drawn by lot, has one window of
 * --microseconds: its connections keep `depth` messages on their way, and when the time is over the last ones come
 * back. Every byte is compared. No round begins after --milliseconds, but five there are. What disturbs the machine for longer than a window so disturbs all servers alike.
 *
 * One line comes out a window, round by round, `server` being the place in --servers: server_ns is the CPU time of that
 * process from the beginning of this window of its to the beginning of its next, as it works in its windows only;
 * load_ns that of the load within the window.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "common/echo_stream.h"
#include "common/loopback.h"
#include "common/meter.h"
#include "common/options.h"
#include "common/pattern.h"

enum {
    SERVERS_MAX = 16,
    EVENTS = 1024,
    SILENCE_MS = 20000,
    WARM_WINDOWS = 2,
    ROUNDS_LEAST = 5,
    REST_US = 2000 /* after the last window, for a server to fall asleep */
};

typedef struct window {
    uint64_t messages, load_ns;
    uint64_t server_cpu; /* of the server when it began */
} window;

typedef struct server {
    clockid_t clock;
    int poll_fd;
    echo_stream *streams;
    window *windows;
} server;

static uint64_t connections = 1, size = 64, depth = 1, microseconds = 1000, milliseconds = 1000, seed = 1;
static server servers[SERVERS_MAX];
static size_t server_count;
static uint64_t rounds; /* that were run */

static uint64_t now_of(clockid_t clock) {
    struct timespec now;
    if (clock_gettime(clock, &now) != 0) die("a server's clock");
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* ---- one window ---- */

/* All that it may have on its way; with `stopping` only the rest of the message that has begun. */
static void send_allowed(echo_stream *self, bool stopping) {
    uint64_t end = stopping ? (self->sent + size - 1) / size * size : (self->received / size + depth) * size;
    while (self->sent < end && echo_stream_send(self, end)) continue;
}

static bool is_done(const echo_stream *self) {
    return self->received == self->sent && self->sent % size == 0;
}

static void run_until_deadline(const server *self, uint64_t deadline) {
    struct epoll_event events[EVENTS];
    for (uint64_t i = 0; i < connections; i++) send_allowed(&self->streams[i], false);
    while (meter_now() < deadline) {
        int n = epoll_wait(self->poll_fd, events, EVENTS, SILENCE_MS);
        if (n == 0) die("nothing came back for 20 s");
        for (int i = 0; i < n; i++) {
            echo_stream_receive(events[i].data.ptr);
            send_allowed(events[i].data.ptr, false);
        }
    }
}

static void finish(const server *self) {
    struct epoll_event events[EVENTS];
    uint64_t running = 0;
    for (uint64_t i = 0; i < connections; i++) {
        send_allowed(&self->streams[i], true);
        running += !is_done(&self->streams[i]);
    }
    while (running > 0) {
        int n = epoll_wait(self->poll_fd, events, EVENTS, SILENCE_MS);
        if (n == 0) die("the last answers did not come");
        for (int i = 0; i < n; i++) {
            echo_stream *stream = events[i].data.ptr;
            if (is_done(stream)) continue;
            echo_stream_receive(stream);
            send_allowed(stream, true);
            running -= is_done(stream);
        }
    }
}

static uint64_t received_from(const server *self) {
    uint64_t sum = 0;
    for (uint64_t i = 0; i < connections; i++) sum += self->streams[i].received;
    return sum;
}

static void run_window(const server *self, uint64_t us, window *out) {
    uint64_t before = received_from(self);
    out->server_cpu = now_of(self->clock);
    uint64_t cpu = now_of(CLOCK_PROCESS_CPUTIME_ID);
    run_until_deadline(self, meter_now() + us * 1000);
    finish(self);
    out->load_ns = now_of(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    out->messages = (received_from(self) - before) / size;
}

/* ---- all of them ---- */

_Noreturn static void refuse(const char *what) {
    fprintf(stderr, "bench_paired_load: %s\n", what);
    exit(2);
}

/* A window takes its time at least. */
static uint64_t most_rounds(void) {
    return milliseconds * 1000 / microseconds + ROUNDS_LEAST;
}

static void open_server(server *self, char *where) {
    char *address = strchr(where, '@');
    if (address == NULL) refuse("needed: PID@ADDRESS:PORT");
    if (clock_getcpuclockid((pid_t)strtol(where, NULL, 10), &self->clock) != 0) refuse("no such server");
    self->streams = calloc(connections, sizeof *self->streams);
    self->windows = calloc(most_rounds() + 1, sizeof *self->windows);
    self->poll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (self->streams == NULL || self->windows == NULL || self->poll_fd < 0)
        die("out of memory or descriptors");
    for (uint64_t i = 0; i < connections; i++)
        echo_stream_open(&self->streams[i], address + 1, i, self->poll_fd);
}

static uint64_t draw(uint64_t below) {
    seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (seed >> 33) % below;
}

static void exchange(size_t *order, size_t i, size_t j) {
    size_t kept = order[i];
    order[i] = order[j];
    order[j] = kept;
}

/* None has two windows in a row: the kernel may not yet have counted what it did at the end of the first. */
static void shuffle(size_t *order, size_t count) {
    size_t last = order[count - 1];
    for (size_t i = count - 1; i > 0; i--) exchange(order, i, (size_t)draw(i + 1));
    if (order[0] == last) exchange(order, 0, 1 + (size_t)draw(count - 1));
}

static void run_rounds(size_t count) {
    size_t order[SERVERS_MAX] = {0};
    for (size_t i = 0; i < count; i++) {
        order[i] = i;
        run_window(&servers[i], WARM_WINDOWS * microseconds, &servers[i].windows[0]);
    }
    uint64_t end = meter_now() + milliseconds * 1000000;
    for (; rounds < ROUNDS_LEAST || meter_now() < end; rounds++) {
        shuffle(order, count);
        for (size_t i = 0; i < count; i++) {
            server *next = &servers[order[i]];
            run_window(next, microseconds, &next->windows[rounds]);
        }
    }
    usleep(REST_US);
    for (size_t i = 0; i < count; i++) servers[i].windows[rounds].server_cpu = now_of(servers[i].clock);
}

static void print_windows(void) {
    for (uint64_t round = 0; round < rounds; round++) {
        for (size_t i = 0; i < server_count; i++) {
            const window *at = &servers[i].windows[round];
            printf("server=%zu messages=%" PRIu64 " server_ns=%" PRIu64 " load_ns=%" PRIu64 "\n", i,
                   at->messages, at[1].server_cpu - at->server_cpu, at->load_ns);
        }
    }
}

int main(int argc, char **argv) {
    const char *where = NULL;
    const option table[] = {{"--servers", .text = &where},
                            {"--connections", .number = &connections},
                            {"--size", .number = &size},
                            {"--depth", .number = &depth},
                            {"--microseconds", .number = &microseconds},
                            {"--milliseconds", .number = &milliseconds},
                            {"--seed", .number = &seed},
                            {0}};
    options_read(argc, argv, table);
    if (where == NULL || connections == 0 || size == 0 || depth == 0 || microseconds == 0)
        refuse("needed: --servers, and nothing 0");
    loopback_raise_limit();
    pattern_init();
    char *list = strdup(where), *rest = list;
    if (list == NULL) die("out of memory");
    for (char *one; (one = strsep(&rest, ",")) != NULL; server_count++) {
        if (server_count == SERVERS_MAX) refuse("too many servers");
        open_server(&servers[server_count], one);
    }
    free(list);
    if (server_count < 2) refuse("needed: two servers or more");
    run_rounds(server_count);
    print_windows();
    return 0;
}
