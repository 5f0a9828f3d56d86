/* file_load.c - load for a file server, over the line protocol or HTTP/1.1 with keep-alive, and what it cost
 * that server. The length of every answer is checked; with --verify every byte, too.
 *
 *     bench_file_load ADDRESS:PORT --path PATH --size BYTES [--http 1] [--connections N] [--pid SERVER]
 *                     [--requests N | --milliseconds N] [--verify FILE] [--discard 1]
 *
 * Each connection asks, reads the answer to its end and asks again. --discard 1 leaves the bodies in the
 * kernel (MSG_TRUNC), so that the reader costs next to nothing. One line of name=value pairs comes out;
 * server_ns is the CPU time of process --pid.
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

#include "common/loopback.h"
#include "common/meter.h"
#include "common/options.h"

enum {
    CHUNK = 256 << 10,
    HEAD_MAX = 1024,
    EVENTS = 1024,
    SILENCE_MS = 20000
};

typedef struct connection {
    int fd;
    bool in_body;
    uint64_t left;   /* bytes of the body still to come */
    size_t head_len; /* of an answer whose head is not whole yet */
    char head[HEAD_MAX];
} connection;

static uint64_t connections = 1, size, requests, milliseconds, http, discard, server;
static const char *path, *verify;
static const uint8_t *truth; /* the file, where bytes are compared */
static char request[HEAD_MAX];
static size_t request_len;
static connection *all;
static int poll_fd;
static uint64_t begun, finished, to_begin;

static _Noreturn void complain(const char *what) {
    fprintf(stderr, "bench_file_load: %s\n", what);
    exit(1);
}

static void ask(connection *self) {
    if (begun == to_begin) return;
    begun++;
    if (loopback_send(self->fd, request, request_len) != request_len)
        complain("a request did not fit the socket");
}

/* The length of the head at the start of `head`, or 0 when it is not whole. */
static size_t head_length(const connection *self) {
    const char *mark = http != 0 ? "\r\n\r\n" : "\n";
    const char *end = memmem(self->head, self->head_len, mark, strlen(mark));
    return end != NULL ? (size_t)(end - self->head) + strlen(mark) : 0;
}

static uint64_t promised_length(const connection *self) {
    char text[HEAD_MAX + 1];
    memcpy(text, self->head, self->head_len);
    text[self->head_len] = '\0';
    const char *intro = http != 0 ? "HTTP/1.1 200 " : "OK ";
    if (strncmp(text, intro, strlen(intro)) != 0) complain(text);
    const char *number = http != 0 ? strcasestr(text, "\r\nContent-Length:") : text;
    number = number != NULL ? strpbrk(number, "0123456789") : NULL;
    return number != NULL ? strtoull(number, NULL, 10) : UINT64_MAX;
}

/* Answers how many of the bytes belong to the head. */
static size_t take_head(connection *self, const uint8_t *bytes, size_t n) {
    size_t before = self->head_len, room = HEAD_MAX - before, taken = n < room ? n : room;
    memcpy(self->head + before, bytes, taken);
    self->head_len += taken;
    size_t len = head_length(self);
    if (len == 0 && self->head_len == HEAD_MAX) complain("the head has no end");
    if (len == 0) return taken;
    self->head_len = len;
    if (promised_length(self) != size) complain("the answer has another length than --size");
    self->in_body = true;
    self->left = size;
    self->head_len = 0;
    return len - before;
}

static void take_body(connection *self, const uint8_t *bytes, size_t n) {
    if (truth != NULL && memcmp(bytes, truth + (size - self->left), n) != 0) complain("wrong bytes");
    self->left -= n;
}

static void take(connection *self, const uint8_t *bytes, size_t n) {
    for (size_t used; n > 0 || (self->in_body && self->left == 0); bytes += used, n -= used) {
        used = 0;
        if (!self->in_body) {
            used = take_head(self, bytes, n);
        } else if (self->left > 0) {
            used = n < self->left ? n : (size_t)self->left;
            take_body(self, bytes, used);
        } else {
            self->in_body = false;
            finished++;
            if (n > 0) complain("bytes after the end of an answer");
            ask(self);
        }
    }
}

/* With MSG_TRUNC the kernel lets go of the bytes and copies nothing. */
static void receive_once(connection *self) {
    static uint8_t bytes[CHUNK];
    bool drop = discard != 0 && self->in_body;
    ssize_t got =
        drop ? recv(self->fd, NULL, (size_t)self->left, MSG_TRUNC) : recv(self->fd, bytes, CHUNK, 0);
    if (got == 0) complain("the server hung up");
    if (got > 0) {
        take(self, bytes, (size_t)got);
    } else if (errno != EAGAIN) {
        die("recv");
    }
}

static void run(uint64_t deadline) {
    uint64_t most = to_begin < connections ? to_begin : connections;
    for (uint64_t i = 0; i < most; i++) ask(&all[i]);
    while (finished < begun) {
        struct epoll_event events[EVENTS];
        int n = epoll_wait(poll_fd, events, EVENTS, SILENCE_MS);
        if (n == 0) complain("nothing came for 20 s");
        if (meter_now() >= deadline) to_begin = begun;
        for (int i = 0; i < n; i++) receive_once(events[i].data.ptr);
    }
}

static void connect_all(const char *where) {
    all = calloc(connections, sizeof *all);
    poll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (all == NULL || poll_fd < 0) die("out of memory or descriptors");
    for (uint64_t i = 0; i < connections; i++) {
        all[i].fd = loopback_connect(where);
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &all[i]};
        if (epoll_ctl(poll_fd, EPOLL_CTL_ADD, all[i].fd, &event) != 0) die("epoll_ctl");
    }
}

static void map_truth(void) {
    if (verify == NULL || size == 0) return;
    int fd = open(verify, O_RDONLY | O_CLOEXEC);
    void *map = fd < 0 ? MAP_FAILED : mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED) die(verify);
    truth = map;
}

static void write_request(const char *where) {
    int len = http != 0
                  ? snprintf(request, sizeof request, "GET /%s HTTP/1.1\r\nHost: %s\r\n\r\n", path, where)
                  : snprintf(request, sizeof request, "%s\n", path);
    if (len < 0 || (size_t)len >= sizeof request) complain("the path is too long");
    request_len = (size_t)len;
}

int main(int argc, char **argv) {
    const option table[] = {{"--connections", .number = &connections},
                            {"--size", .number = &size},
                            {"--requests", .number = &requests},
                            {"--milliseconds", .number = &milliseconds},
                            {"--http", .number = &http},
                            {"--discard", .number = &discard},
                            {"--pid", .number = &server},
                            {"--path", .text = &path},
                            {"--verify", .text = &verify},
                            {0}};
    const char *where = options_read(argc, argv, table);
    if (path == NULL || connections == 0 || (requests == 0) == (milliseconds == 0)) {
        complain("needed: --path, and either --requests or --milliseconds");
    }
    loopback_raise_limit();
    map_truth();
    write_request(where);
    connect_all(where);
    to_begin = connections; /* one each to warm up */
    run(UINT64_MAX);

    uint64_t before = finished, server_cpu = server != 0 ? meter_cpu(server) : 0, cpu = meter_cpu(0);
    uint64_t start = meter_now();
    to_begin = requests != 0 ? begun + requests : UINT64_MAX;
    run(milliseconds != 0 ? start + milliseconds * 1000000 : UINT64_MAX);
    uint64_t ns = meter_now() - start, done = finished - before;
    cpu = meter_cpu(0) - cpu;
    server_cpu = server != 0 ? meter_cpu(server) - server_cpu : 0;
    printf("requests=%" PRIu64 " bytes=%" PRIu64 " ns=%" PRIu64 " load_ns=%" PRIu64 " server_ns=%" PRIu64
           "\n",
           done, done * size, ns, cpu, server_cpu);
    return 0;
}
