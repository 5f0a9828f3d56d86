/* echo_client.c - load for an echo server: how much, how fast, and was every byte right.
 *
 * Every connection keeps `depth` messages on their way and compares each byte that comes back.
 * The main thread only starts, watches and sums up; all work is done on the loops.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/args.h"
#include "connection.h"
#include "pattern.h"

enum {
    CONNECT_MS = 10000,
    FINISH_MS = 10000,
};

struct load {
    char host[256];
    unsigned port, connections, depth, seconds, loops;
    uint64_t size;
    weir_loop_group *group;
    struct worker *workers;
    struct connection *all;
    uint64_t *rings; /* of send times, `depth` for each connection */
};

static void sleep_ms(long ms) {
    struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    while (nanosleep(&time, &time) != 0) continue;
}

static double now_s(void) {
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

/* ---- setting up and tearing down ---- */

static weir_status start_workers(struct load *load) {
    load->group = weir_loop_group_new(load->loops);
    if (load->group == NULL) return WEIR_E_NO_MEMORY;
    load->loops = (unsigned)weir_loop_group_count(load->group);
    load->workers = weir_alloc_zeroed(NULL, load->loops, sizeof *load->workers);
    load->all = weir_alloc_zeroed(NULL, load->connections, sizeof *load->all);
    load->rings = weir_alloc_zeroed(NULL, load->connections, load->depth * sizeof *load->rings);
    if (load->workers == NULL || load->all == NULL || load->rings == NULL) return WEIR_E_NO_MEMORY;
    for (unsigned i = 0; i < load->loops; i++) {
        struct worker *worker = &load->workers[i];
        worker->loop = weir_loop_group_at(load->group, i);
        worker->pattern = pattern_new(load->size);
        worker->size = load->size;
        worker->depth = load->depth;
        if (worker->pattern == NULL) return WEIR_E_NO_MEMORY;
    }
    return WEIR_OK;
}

static void free_load(struct load *load) {
    weir_loop_group_free(load->group); /* no callback runs after this */
    for (unsigned i = 0; load->all != NULL && i < load->connections; i++) {
        weir_channel_release(load->all[i].channel);
        weir_promise_release(load->all[i].done);
    }
    for (unsigned i = 0; load->workers != NULL && i < load->loops; i++) {
        weir_buf_release(load->workers[i].pattern);
    }
    weir_alloc_release(NULL, load->workers);
    weir_alloc_release(NULL, load->all);
    weir_alloc_release(NULL, load->rings);
}

static weir_status connect_one(struct load *load, unsigned i) {
    struct connection *connection = &load->all[i];
    struct worker *worker = &load->workers[i % load->loops];
    weir_promise *connected = weir_promise_new(worker->loop);
    connection->worker = worker;
    connection->done = weir_promise_new(worker->loop);
    connection->first = i * UINT64_C(7919); /* another stream than its neighbours' */
    connection->sent_at = load->rings + (size_t)i * load->depth;
    if (connected == NULL || connection->done == NULL) {
        weir_promise_release(connected);
        return WEIR_E_NO_MEMORY;
    }
    weir_client_options options = {
        .loop = worker->loop,
        .host = load->host,
        .port = load->port,
        .build = connection_build,
        .build_arg = connection,
        .connect_timeout_ms = CONNECT_MS,
        /* It reads whatever it has to write, else both ends could wait for each other to read. */
        .channel = {.read_while_unwritable = true, .write_cap = SIZE_MAX},
    };
    connection->channel = weir_client_connect(&options, weir_promise_retain(connected));
    weir_status status = weir_promise_wait(connected, -1);
    weir_promise_release(connected);
    return status;
}

/* ---- running ---- */

static bool anyone_failed(const struct load *load) {
    for (unsigned i = 0; i < load->connections; i++) {
        if (weir_promise_is_done(load->all[i].done)) return true;
    }
    return false;
}

static void show_progress(const struct load *load, unsigned second, uint64_t *before) {
    uint64_t messages = 0;
    for (unsigned i = 0; i < load->loops; i++) messages += atomic_load(&load->workers[i].messages);
    double rate = (double)(messages - *before);
    bool terminal = isatty(STDOUT_FILENO);
    printf("%s%4u s %12.0f msg/s %10.1f MB/s%s", terminal ? "\r" : "", second, rate,
           rate * (double)load->size / 1e6, terminal ? "\033[K" : "\n");
    fflush(stdout);
    *before = messages;
    if (terminal && second == load->seconds) printf("\r\033[K");
}

static void tell_all(const struct load *load, weir_event *event) {
    for (unsigned i = 0; i < load->connections; i++)
        weir_channel_fire_event(load->all[i].channel, &event->obj);
}

/* Until every connection is done; those that take too long are cut. */
static void wait_for_all(const struct load *load) {
    double end = now_s() + FINISH_MS / 1e3;
    for (unsigned i = 0; i < load->connections; i++) {
        double left = end - now_s();
        if (weir_promise_wait(load->all[i].done, left > 0 ? (int)(left * 1e3) : 0) == WEIR_OK) continue;
        weir_channel_abort(load->all[i].channel, WEIR_E_TIMEOUT);
        weir_promise_wait(load->all[i].done, FINISH_MS);
    }
}

/* Answers how long it really ran. */
static double run(const struct load *load) {
    uint64_t before = 0;
    double start = now_s();
    tell_all(load, &connection_begin);
    for (unsigned second = 1; second <= load->seconds && !anyone_failed(load); second++) {
        sleep_ms(1000);
        show_progress(load, second, &before);
    }
    tell_all(load, &connection_finish);
    wait_for_all(load);
    return now_s() - start;
}

/* ---- summing up ---- */

static void print_report(const struct load *load, double seconds) {
    static struct histogram all;
    uint64_t bytes = 0;
    for (unsigned i = 0; i < load->loops; i++) {
        histogram_merge(&all, &load->workers[i].latencies);
        bytes += atomic_load(&load->workers[i].bytes);
    }
    printf("%u connections, %" PRIu64 " bytes a message, %u on their way on each, %.2f s\n",
           load->connections, load->size, load->depth, seconds);
    printf("throughput  %.0f msg/s  %.1f MB/s each way\n", (double)all.total / seconds,
           (double)bytes / 1e6 / seconds);
    printf("latency     p50 %.1f us  p99 %.1f us  p999 %.1f us  max %.1f us\n",
           (double)histogram_quantile(&all, 0.5) / 1e3, (double)histogram_quantile(&all, 0.99) / 1e3,
           (double)histogram_quantile(&all, 0.999) / 1e3, (double)all.max / 1e3);
}

/* One line for the first failure, and the sum. Answers the exit code. */
static int print_verdict(const struct load *load) {
    uint64_t received = 0, lost = 0;
    unsigned failed = 0;
    for (unsigned i = 0; i < load->connections; i++) {
        const struct connection *connection = &load->all[i];
        received += connection->received;
        lost += connection->sent - connection->received;
        if (connection->failure != WEIR_OK && failed++ == 0) {
            complain("connection %u, after %" PRIu64 " bytes: %s", i, connection->received,
                     connection->failure == WEIR_E_FRAME_CORRUPT ? "other bytes came back than were sent"
                                                                 : weir_status_text(connection->failure));
        }
    }
    if (failed == 0 && lost == 0) {
        printf("verified    %" PRIu64 " bytes, each came back right\n", received);
        return 0;
    }
    return complain("%u of %u connections failed, %" PRIu64 " bytes did not come back", failed,
                    load->connections, lost);
}

static int drive(struct load *load) {
    weir_status status = start_workers(load);
    if (status != WEIR_OK) return complain("cannot start: %s", weir_status_text(status));
    for (unsigned i = 0; i < load->connections; i++) {
        status = connect_one(load, i);
        if (status == WEIR_OK) continue;
        return complain("cannot connect to %s:%u: %s", load->host, load->port, weir_status_text(status));
    }
    print_report(load, run(load));
    return print_verdict(load);
}

int main(int argc, char **argv) {
    struct load load = {.connections = 16, .depth = 1, .seconds = 5, .loops = 1, .size = 64};
    args_parse(
        &argc, argv, "Sends load to an echo server and verifies every byte of every reply.", "HOST:PORT",
        (args_option[]){
            {"--connections", "N", "connections", .number = &load.connections, .min = 1, .max = 100000},
            {"--size", "BYTES", "of a message", .size = &load.size, .min = 1, .max = 64 << 20},
            {"--depth", "N", "messages on their way on each", .number = &load.depth, .min = 1, .max = 4096},
            {"--seconds", "S", "how long", .number = &load.seconds, .min = 1, .max = 86400},
            {"--loops", "N", "event loops; 0: one for each CPU", .number = &load.loops, .max = 1024},
            {0}});
    if (weir_addr_split(argv[1], load.host, sizeof load.host, &load.port) != WEIR_OK) {
        complain_usage("'%s' is not HOST:PORT", argv[1]);
    }
    int code = drive(&load);
    free_load(&load);
    return weir_leak_report(stderr) == 0 ? code : 1;
}
