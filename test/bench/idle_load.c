/* idle_load.c - opens many connections, leaves them alone, and says what each costs the server's memory.
 *
 *     bench_idle_load ADDRESS:PORT --pid SERVER [--connections N] [--exchange 1] [--http 1]
 *
 * With --exchange 1 a 64-byte message goes round on each first, or with --http 1 a request for /plaintext. The server has taken a connection when it holds a
 * descriptor for it. One line of name=value pairs comes out, bytes a connection: rss and pss as
 * /proc/PID/smaps_rollup says, begin what the server held without any, and the kernel's own slab for both ends (a figure of the whole machine).
 */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/answer.h"
#include "common/loopback.h"
#include "common/meter.h"
#include "common/options.h"

enum {
    MESSAGE = 64,
    PATIENCE_MS = 30000
};

static uint64_t connections = 10000, exchange, http, server;
static int *fds;

static size_t descriptors(void) {
    char folder[64];
    snprintf(folder, sizeof folder, "/proc/%" PRIu64 "/fd", server);
    DIR *open = opendir(folder);
    if (open == NULL) die(folder);
    size_t n = 0;
    while (readdir(open) != NULL) n++;
    closedir(open);
    return n;
}

static void wait_until_taken(size_t wanted) {
    struct timespec step = {.tv_nsec = 20000000};
    for (int ms = 0; descriptors() < wanted; ms += 20) {
        if (ms > PATIENCE_MS) {
            errno = ETIMEDOUT;
            die("the server did not take all connections");
        }
        nanosleep(&step, NULL);
    }
    nanosleep(&step, NULL); /* what it does after the accept */
}

static void send_all(int fd, const char *bytes, size_t n) {
    if (loopback_send(fd, bytes, n) != n) die("send");
}

static size_t receive(int fd, char *bytes, size_t n) {
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    if (poll(&ready, 1, PATIENCE_MS) != 1) die("nothing came back");
    size_t got = loopback_receive(fd, bytes, n);
    if (got == SIZE_MAX) die("the server hung up");
    return got;
}

static void send_round(int fd) {
    char out[MESSAGE], in[MESSAGE];
    memset(out, 'x', sizeof out);
    send_all(fd, out, sizeof out);
    for (size_t got = 0; got < sizeof in;) got += receive(fd, in + got, sizeof in - got);
    if (memcmp(in, out, sizeof in) != 0) die("wrong bytes");
}

static void say_hello(int fd) {
    static const char request[] = "GET /plaintext HTTP/1.1\r\nHost: localhost\r\n\r\n";
    static const char hello[] = "Hello, World!";
    const answer_format format = {.http = true, .size = sizeof hello - 1, .truth = (const uint8_t *)hello};
    static answer reply;
    char in[ANSWER_HEAD_MAX];
    reply = (answer){0};
    send_all(fd, request, sizeof request - 1);
    for (uint64_t ended = 0; ended == 0;) {
        size_t got = receive(fd, in, sizeof in);
        ended = answer_take(&reply, &format, (const uint8_t *)in, got);
    }
}

static uint64_t slab(void) {
    FILE *file = fopen("/proc/meminfo", "r");
    if (file == NULL) die("/proc/meminfo");
    char line[128];
    uint64_t kib = 0;
    while (fgets(line, sizeof line, file) != NULL) sscanf(line, "Slab: %" SCNu64, &kib);
    fclose(file);
    return kib * 1024;
}

static int64_t each(uint64_t before, uint64_t after) {
    return ((int64_t)after - (int64_t)before) / (int64_t)connections;
}

int main(int argc, char **argv) {
    const char *where = options_read(argc, argv,
                                     (option[]){{"--connections", .number = &connections},
                                                {"--exchange", .number = &exchange},
                                                {"--http", .number = &http},
                                                {"--pid", .number = &server},
                                                {0}});
    size_t limit = loopback_raise_limit();
    if (server == 0 || connections == 0 || limit < connections + 16) {
        fprintf(stderr, "bench_idle_load: needed: --pid, and fewer connections than %zu\n", limit);
        return 2;
    }
    uint64_t rss = meter_memory(server, "Rss"), pss = meter_memory(server, "Pss"), kernel = slab();
    size_t held = descriptors();
    fds = calloc(connections, sizeof *fds);
    if (fds == NULL) die("calloc");
    for (uint64_t i = 0; i < connections; i++) {
        fds[i] = loopback_connect(where);
        if (i % 256 == 255) wait_until_taken(held + i + 1); /* never more than the backlog */
    }
    wait_until_taken(held + connections);
    for (uint64_t i = 0; exchange != 0 && i < connections; i++) (http != 0 ? say_hello : send_round)(fds[i]);
    printf("connections=%" PRIu64 " begin=%" PRIu64 " rss=%" PRId64 " pss=%" PRId64 " slab=%" PRId64 "\n",
           connections, rss, each(rss, meter_memory(server, "Rss")), each(pss, meter_memory(server, "Pss")),
           each(kernel, slab()));
    return 0;
}
