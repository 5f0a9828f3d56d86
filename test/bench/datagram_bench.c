/* datagram_bench.c - CPU and system calls a datagram echoed: weir beside the least loop there is.
 *
 *     bench_datagram [--size BYTES] [--window N] [--count N] [--passes N]
 *
 * The same load, N datagrams on their way, goes in turn to a thread of recvfrom and sendto, to a weir channel, and to one
 * with GRO. CPU is that of the serving thread alone; each row is the median of the passes.
 */
#include <netinet/in.h>
#include <netinet/udp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <weir/transport.h>

#include "common/loopback.h"
#include "common/options.h"

enum {
    PASSES_MAX = 64,
    WINDOW_MAX = 64,
    SIZE_MAX_ = 2048
};

static uint64_t size = 64, window = 32, count = 200000, passes = 10;

typedef struct result {
    double cpu_ns, calls; /* a datagram */
} result;

static uint64_t thread_cpu(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* ---- the load ---- */

static int open_load(unsigned port) {
    weir_addr to;
    int wide = 1 << 20, fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    weir_addr_parse(&to, "127.0.0.1", port);
    struct timeval patience = {.tv_sec = 5};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &wide, sizeof wide);
    if (fd < 0 || connect(fd, &to.as.sa, to.len) != 0) die("connect");
    return fd;
}

/* One window out as one run, and back before the next. */
static void send_load(int fd) {
    static uint8_t out[WINDOW_MAX * SIZE_MAX_], in[SIZE_MAX_];
    int segment = (int)size;
    setsockopt(fd, SOL_UDP, UDP_SEGMENT, &segment, sizeof segment);
    for (uint64_t done = 0; done < count; done += window) {
        if (send(fd, out, window * size, 0) < 0) die("send");
        for (uint64_t i = 0; i < window; i++) {
            if (recv(fd, in, sizeof in, 0) != (ssize_t)size) die("a datagram was lost");
        }
    }
}

/* ---- the least loop ---- */

typedef struct plain {
    int fd;
    uint64_t cpu;
} plain;

static void *serve_plain(void *arg) {
    plain *self = arg;
    uint8_t bytes[SIZE_MAX_];
    uint64_t before = thread_cpu();
    for (;;) {
        struct sockaddr_in from;
        socklen_t len = sizeof from;
        ssize_t n = recvfrom(self->fd, bytes, sizeof bytes, 0, (struct sockaddr *)(void *)&from, &len);
        if (n <= 0) break;
        if (sendto(self->fd, bytes, (size_t)n, 0, (struct sockaddr *)(void *)&from, len) != n) die("sendto");
    }
    self->cpu = thread_cpu() - before;
    return NULL;
}

static result run_plain(void) {
    plain self = {.fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    if (bind(self.fd, (struct sockaddr *)(void *)&at, len) != 0) die("bind");
    getsockname(self.fd, (struct sockaddr *)(void *)&at, &len);
    pthread_t thread;
    if (pthread_create(&thread, NULL, serve_plain, &self) != 0) die("thread");
    int fd = open_load(ntohs(at.sin_port));
    send_load(fd);
    int one = 0;
    setsockopt(fd, SOL_UDP, UDP_SEGMENT, &one, sizeof one);
    if (send(fd, "", 0, 0) != 0) die("send"); /* an empty one ends it */
    pthread_join(thread, NULL);
    close(fd);
    close(self.fd);
    return (result){(double)self.cpu / (double)count, 2};
}

/* ---- weir ---- */

static void echo_read(weir_ctx *ctx, weir_obj *msg) {
    weir_ctx_write(ctx, msg, NULL);
}

static void echo_read_complete(weir_ctx *ctx) {
    weir_ctx_flush(ctx);
}

static const weir_handler echo = {.name = "echo", .read = echo_read, .read_complete = echo_read_complete};

static weir_status build(weir_pipeline *pipeline, void *arg) {
    (void)arg;
    return weir_pipeline_add_last(pipeline, &echo, NULL);
}

typedef struct look {
    weir_channel *channel;
    weir_promise *done;
    uint64_t cpu;
    weir_datagram_stats stats;
} look;

static void take_look(void *arg) {
    look *self = arg;
    self->cpu = thread_cpu();
    weir_datagram_get_stats(self->channel, &self->stats);
    weir_promise_complete(self->done, WEIR_OK);
}

static look look_at(weir_channel *channel) {
    look self = {.channel = channel, .done = weir_promise_new(weir_channel_loop(channel))};
    weir_promise *done = weir_promise_retain(self.done);
    if (weir_loop_post(weir_channel_loop(channel), take_look, &self) != WEIR_OK) die("post");
    weir_promise_wait(done, -1);
    weir_promise_release(done);
    return self;
}

static result run_weir(bool gro, bool no_gso) {
    weir_loop_group *group = weir_loop_group_new(1);
    weir_datagram_options options = {.loop = weir_loop_group_at(group, 0),
                                     .host = "127.0.0.1",
                                     .build = build,
                                     .gro = gro,
                                     .no_gso = no_gso};
    weir_promise *opened = weir_promise_new(options.loop);
    weir_channel *channel = weir_datagram_open(&options, weir_promise_retain(opened));
    if (weir_promise_wait(opened, -1) != WEIR_OK) die("open");
    weir_promise_release(opened);
    weir_addr at;
    weir_channel_local_addr(channel, &at);
    int fd = open_load(weir_addr_port(&at));
    look before = look_at(channel);
    send_load(fd);
    look after = look_at(channel);
    close(fd);
    weir_channel_release(channel);
    weir_loop_group_free(group);
    uint64_t calls = after.stats.receive_calls + after.stats.send_calls;
    return (result){(double)(after.cpu - before.cpu) / (double)count, (double)calls / (double)count};
}

/* ---- the table ---- */

static int by_cpu(const void *a, const void *b) {
    double left = ((const result *)a)->cpu_ns, right = ((const result *)b)->cpu_ns;
    return left < right ? -1 : left > right;
}

static void print_row(const char *name, result *results, double floor_ns) {
    qsort(results, passes, sizeof *results, by_cpu);
    const result *median = &results[passes / 2];
    printf("%-28s %8.0f ns %6.2f %8.3f calls\n", name, median->cpu_ns, median->cpu_ns / floor_ns,
           median->calls);
}

int main(int argc, char **argv) {
    static result plain_rows[PASSES_MAX], one_rows[PASSES_MAX], run_rows[PASSES_MAX], gro_rows[PASSES_MAX];
    options_read(argc, argv,
                 (option[]){{"--size", .number = &size},
                            {"--window", .number = &window},
                            {"--count", .number = &count},
                            {"--passes", .number = &passes},
                            {0}});
    if (size < 1 || size > SIZE_MAX_ || window < 1 || window > WINDOW_MAX || window * size > 65507 ||
        passes < 1 || passes > PASSES_MAX)
        die("size 1 to 2048, window 1 to 64, together at most 65507, passes 1 to 64");
    count -= count % window;
    for (uint64_t i = 0; i < passes; i++) {
        plain_rows[i] = run_plain();
        one_rows[i] = run_weir(false, true);
        run_rows[i] = run_weir(false, false);
        gro_rows[i] = run_weir(true, false);
    }
    printf("%llu B, %llu on their way: CPU of the server a datagram, ratio, system calls a datagram\n",
           (unsigned long long)size, (unsigned long long)window);
    qsort(plain_rows, passes, sizeof *plain_rows, by_cpu);
    double floor_ns = plain_rows[passes / 2].cpu_ns;
    print_row("recvfrom, sendto", plain_rows, floor_ns);
    print_row("weir, no_gso", one_rows, floor_ns);
    print_row("weir", run_rows, floor_ns);
    print_row("weir, gro", gro_rows, floor_ns);
    return 0;
}
