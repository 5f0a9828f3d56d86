/* fetch_load.c - load for a server of files or of short answers, and what it cost that server. The line protocol of
 * examples/file_server, or HTTP/1.1. Each answer's length is checked; with --verify every byte, too.
 *
 *     bench_fetch_load ADDRESS:PORT --path PATH --size BYTES [--http 1] [--connections N] [--depth N] [--pid SERVER]
 *                      [--requests N | --milliseconds N] [--verify FILE] [--discard 1] [--churn 1] [--cut 1]
 *
 * Each connection keeps `depth` requests on their way. --discard 1 leaves the bodies in the kernel (MSG_TRUNC), so that
 * the reader costs next to nothing. --churn 1 makes a connection for each request, which asks to be closed (HTTP only).
 * --cut 1 ends when the time is over, in the middle of answers: for those that take longer than that. One line of
 * name=value pairs comes out; server_ns is the CPU time of process --pid.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/answer.h"
#include "common/loopback.h"
#include "common/meter.h"
#include "common/options.h"

enum {
    CHUNK = 256 << 10,
    REQUESTS_MAX = 64 << 10,
    EVENTS = 1024,
    SILENCE_MS = 20000,
    CUT_WARM_MS = 50
};

typedef struct connection {
    int fd;
    uint64_t on_the_way;
    bool answered;
    answer answer;
} connection;

static uint64_t connections = 1, depth = 1, requests, milliseconds, http, discard, churn, cut, server;
static const char *where, *path, *verify;
static answer_format format;
static char request[REQUESTS_MAX]; /* `depth` of them in a row */
static size_t request_len;         /* of one */
static connection *all;
static int poll_fd;
static uint64_t begun, finished, to_begin, received, opened;

static void ask(connection *self) {
    uint64_t room = depth - self->on_the_way, left = to_begin - begun, n = room < left ? room : left;
    if (n == 0) return;
    begun += n;
    self->on_the_way += n;
    if (loopback_send(self->fd, request, n * request_len) != n * request_len)
        answer_refuse("a request did not fit the socket");
}

/* Edges, so that the one of being connected and writable is seen and no other of that kind asked for again. */
static void watch(connection *self, uint32_t events) {
    struct epoll_event event = {.events = events, .data.ptr = self};
    if (epoll_ctl(poll_fd, EPOLL_CTL_ADD, self->fd, &event) != 0) die("epoll_ctl");
}

static void open_one(connection *self) {
    *self = (connection){.fd = loopback_connect_from(where, opened++)};
    watch(self, EPOLLIN | EPOLLOUT | EPOLLET);
}

static void note_answers(connection *self, uint64_t ended) {
    if (ended > self->on_the_way) answer_refuse("more answers than requests");
    self->on_the_way -= ended;
    finished += ended;
    if (ended > 0) self->answered = true;
    if (self->on_the_way == 0 && (self->answer.in_body || self->answer.head_len > 0)) {
        answer_refuse("bytes after the end of an answer");
    }
    if (ended > 0 && churn == 0) ask(self);
}

static void hung_up(connection *self) {
    if (churn == 0 || !self->answered) answer_refuse("the server hung up");
    close(self->fd);
    self->fd = -1;
    if (opened < to_begin) open_one(self);
}

/* With MSG_TRUNC the kernel lets go of the bytes and copies nothing. False: no more for now. */
static bool receive_once(connection *self) {
    static uint8_t bytes[CHUNK];
    bool drop = discard != 0 && self->answer.in_body;
    ssize_t got =
        drop ? recv(self->fd, NULL, (size_t)self->answer.left, MSG_TRUNC) : recv(self->fd, bytes, CHUNK, 0);
    if (got == 0) hung_up(self);
    if (got < 0 && errno != EAGAIN) die("recv");
    if (got <= 0) return false;
    received += (uint64_t)got;
    note_answers(self, drop ? answer_skip(&self->answer, (size_t)got)
                            : answer_take(&self->answer, &format, bytes, (size_t)got));
    return true;
}

static void attend(connection *self, uint32_t events) {
    if (churn == 0) {
        receive_once(self);
        return;
    }
    if ((events & EPOLLOUT) != 0 && self->on_the_way == 0 && !self->answered) ask(self);
    while (receive_once(self)) continue;
}

static void run(uint64_t deadline) {
    for (uint64_t i = 0; i < connections; i++) {
        if (churn == 0) {
            ask(&all[i]);
        } else if (all[i].fd < 0 && opened < to_begin) {
            open_one(&all[i]);
        }
    }
    while (finished < begun || (churn != 0 && begun < to_begin)) {
        struct epoll_event events[EVENTS];
        int n = epoll_wait(poll_fd, events, EVENTS, SILENCE_MS);
        if (n == 0) answer_refuse("nothing came for 20 s");
        for (int i = 0; i < n; i++) attend(events[i].data.ptr, events[i].events);
        if (meter_now() < deadline) continue;
        to_begin = churn != 0 ? opened : begun;
        if (cut != 0) return;
    }
}

static void open_all(void) {
    all = calloc(connections, sizeof *all);
    poll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (all == NULL || poll_fd < 0) die("out of memory or descriptors");
    for (uint64_t i = 0; i < connections; i++) {
        all[i].fd = churn != 0 ? -1 : loopback_connect(where);
        if (churn == 0) watch(&all[i], EPOLLIN);
    }
}

static void map_truth(void) {
    if (verify == NULL || format.size == 0) return;
    int fd = open(verify, O_RDONLY | O_CLOEXEC);
    void *map = fd < 0 ? MAP_FAILED : mmap(NULL, format.size, PROT_READ, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED) die(verify);
    format.truth = map;
}

static void write_requests(void) {
    const char *close_line = churn != 0 ? "Connection: close\r\n" : "";
    int len = http != 0 ? snprintf(request, sizeof request, "GET /%s HTTP/1.1\r\nHost: %s\r\n%s\r\n", path,
                                   where, close_line)
                        : snprintf(request, sizeof request, "%s\n", path);
    if (len < 0 || (uint64_t)len * depth > sizeof request) answer_refuse("the path is too long");
    request_len = (size_t)len;
    for (uint64_t i = 1; i < depth; i++) memcpy(request + i * request_len, request, request_len);
}

int main(int argc, char **argv) {
    const option table[] = {{"--connections", .number = &connections},
                            {"--depth", .number = &depth},
                            {"--size", .number = &format.size},
                            {"--requests", .number = &requests},
                            {"--milliseconds", .number = &milliseconds},
                            {"--http", .number = &http},
                            {"--discard", .number = &discard},
                            {"--churn", .number = &churn},
                            {"--cut", .number = &cut},
                            {"--pid", .number = &server},
                            {"--path", .text = &path},
                            {"--verify", .text = &verify},
                            {0}};
    where = options_read(argc, argv, table);
    if (where == NULL || path == NULL || connections == 0 || depth == 0 ||
        (requests == 0) == (milliseconds == 0) || (churn != 0 && (http == 0 || depth != 1))) {
        answer_refuse(
            "needed: ADDRESS:PORT, --path, and either --requests or --milliseconds; churn is HTTP, depth 1");
    }
    loopback_raise_limit();
    format.http = http != 0;
    map_truth();
    write_requests();
    open_all();
    to_begin = connections * depth; /* to warm up */
    run(cut != 0 ? meter_now() + CUT_WARM_MS * 1000000 : UINT64_MAX);

    uint64_t requests_before = finished, bytes_before = received, cpu = meter_cpu(0);
    uint64_t server_cpu = server != 0 ? meter_cpu(server) : 0, start = meter_now();
    to_begin = requests != 0 ? begun + requests : UINT64_MAX;
    run(milliseconds != 0 ? start + milliseconds * 1000000 : UINT64_MAX);
    uint64_t ns = meter_now() - start;
    cpu = meter_cpu(0) - cpu;
    server_cpu = server != 0 ? meter_cpu(server) - server_cpu : 0;
    uint64_t bytes = cut != 0 ? received - bytes_before : (finished - requests_before) * format.size;
    printf("requests=%" PRIu64 " bytes=%" PRIu64 " ns=%" PRIu64 " load_ns=%" PRIu64 " server_ns=%" PRIu64
           "\n",
           finished - requests_before, bytes, ns, cpu, server_cpu);
    return 0;
}
