/* fairness_load.c - how much longer quiet connections wait beside one that floods their loop.
 *
 *     bench_fairness_load [SECONDS]
 *
 * One loop with an echo server; a hundred connections send a byte each in turn and wait for it, first alone, then beside
 * a connection that sends as fast as it can. Prints the median and the 99th percentile of both and their ratio. The
 * bound itself is a test (fairness_test.c); this shows what it is worth in time.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <weir/transport.h>

enum {
    QUIET = 100,
    MOST = 2000000
};

static void on_read(weir_ctx *ctx, weir_obj *msg) {
    if (weir_obj_size(msg) == 1) {
        weir_ctx_write(ctx, msg, NULL);
    } else {
        weir_obj_release(msg); /* of the flooder */
    }
}

static const weir_handler answerer = {.name = "answerer", .read = on_read};

static weir_status build(weir_pipeline *pipeline, void *arg) {
    (void)arg;
    return weir_pipeline_add_last(pipeline, &answerer, NULL);
}

static void give_up(const char *what) {
    perror(what);
    exit(1);
}

static int join(const weir_addr *addr) {
    int fd = socket(addr->as.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, &addr->as.sa, addr->len) != 0) give_up("connect");
    return fd;
}

static uint64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static int by_size(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

typedef struct percentiles {
    double p50, p99; /* microseconds */
} percentiles;

static percentiles ask_for(const int *quiet, double seconds, uint32_t *waits) {
    size_t n = 0;
    uint64_t end = now_ns() + (uint64_t)(seconds * 1e9);
    for (uint64_t at = now_ns(); at < end && n < MOST; n++) {
        char byte = '?';
        int fd = quiet[n % QUIET];
        if (send(fd, &byte, 1, MSG_NOSIGNAL) != 1 || recv(fd, &byte, 1, 0) != 1) give_up("quiet");
        uint64_t then = now_ns();
        waits[n] = (uint32_t)(then - at);
        at = then;
    }
    qsort(waits, n, sizeof *waits, by_size);
    uint32_t half = waits[n / 2], most = waits[n * 99 / 100];
    return (percentiles){(double)half / 1e3, (double)most / 1e3};
}

static atomic_bool stopping;
static uint64_t flooded;

static void *flood(void *arg) {
    static const char bytes[1 << 20];
    int fd = *(int *)arg;
    while (!atomic_load(&stopping)) {
        ssize_t sent = send(fd, bytes, sizeof bytes, MSG_NOSIGNAL);
        if (sent < 0) break;
        flooded += (uint64_t)sent;
    }
    return NULL;
}

int main(int argc, char **argv) {
    double seconds = argc > 1 ? atof(argv[1]) : 3;
    weir_loop_group *group = weir_loop_group_new(1);
    weir_server *server;
    weir_server_options options = {.loops = group, .build = build, .stop_timeout_ms = 1};
    if (weir_server_start(&server, &options) != WEIR_OK) give_up("server");
    int quiet[QUIET], flooder = join(weir_server_addr(server));
    for (int i = 0; i < QUIET; i++) quiet[i] = join(weir_server_addr(server));
    uint32_t *waits = malloc(MOST * sizeof *waits);
    if (waits == NULL) give_up("memory");
    percentiles alone = ask_for(quiet, seconds, waits);
    pthread_t thread;
    pthread_create(&thread, NULL, flood, &flooder);
    percentiles beside = ask_for(quiet, seconds, waits);
    atomic_store(&stopping, true);
    shutdown(flooder, SHUT_RDWR);
    pthread_join(thread, NULL);
    printf("quiet alone            p50 %8.1f us   p99 %8.1f us\n", alone.p50, alone.p99);
    printf("beside %6.0f MB/s     p50 %8.1f us   p99 %8.1f us\n", (double)flooded / seconds / 1e6, beside.p50,
           beside.p99);
    printf("ratio                  p50 %8.2f      p99 %8.2f\n", beside.p50 / alone.p50,
           beside.p99 / alone.p99);
    for (int i = 0; i < QUIET; i++) close(quiet[i]);
    close(flooder);
    free(waits);
    weir_server_free(server);
    weir_loop_group_free(group);
    return 0;
}
