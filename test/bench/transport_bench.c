/* transport_bench.c - what the transport's own moves cost, without a socket: a hop from handler to handler, a
 * task posted from another thread, a timer moved.
 *
 *     bench_transport                    the tables: nanoseconds, best of several passes
 *     bench_transport --hops K --events N    N events through K handlers and nothing else: run it under
 *                                        callgrind with two values of K or N and look at the difference
 *     bench_transport --idle N --rounds K    N idle timers started, moved on K times, let expire, and started
 *                                        and stopped: the same, with two values of K
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include <weir/transport.h>

#include "common/loopback.h"
#include "common/meter.h"
#include "common/options.h"

enum {
    PASSES = 7,
    EVENTS = 1000000,
    HOPS_MAX = 10,
    TASKS = 200000,
    MOVES = 1000000,
    IDLE = 100000,
    IDLE_MS = 60000
};

/* ---- a hop ---- */

static void pass_read(weir_ctx *ctx, weir_obj *msg) {
    weir_ctx_fire_read(ctx, msg);
}

static void pass_event(weir_ctx *ctx, weir_obj *event) {
    weir_ctx_fire_event(ctx, event);
}

static void keep_read(weir_ctx *ctx, weir_obj *msg) {
    (void)ctx, (void)msg; /* the same message comes again: it stays ours */
}

static const weir_handler first = {.name = "first", .event = pass_event};
static const weir_handler pass = {.name = "pass", .read = pass_read};
static const weir_handler deaf = {.name = "deaf", .event = pass_event};
static const weir_handler keep = {.name = "keep", .read = keep_read};

typedef struct chain {
    const weir_handler *between;
    unsigned count;
} chain;

static weir_status build_chain(weir_pipeline *pipeline, void *arg) {
    const chain *self = arg;
    weir_status status = weir_pipeline_add_last(pipeline, &first, NULL);
    for (unsigned i = 0; i < self->count && status == WEIR_OK; i++) {
        status = weir_pipeline_add_last(pipeline, self->between, NULL);
    }
    return status == WEIR_OK ? weir_pipeline_add_last(pipeline, &keep, NULL) : status;
}

static double event_ns(const weir_handler *between, unsigned count, uint64_t events, int passes) {
    chain shape = {between, count};
    weir_embedded *embedded = weir_embedded_new(NULL, build_chain, &shape);
    weir_buf *msg = weir_buf_new(64);
    if (embedded == NULL || msg == NULL) die("out of memory");
    weir_ctx *start = weir_pipeline_find(weir_embedded_pipeline(embedded), &first);
    double best = 1e18;
    for (int p = 0; p < passes; p++) {
        uint64_t before = meter_now();
        for (uint64_t i = 0; i < events; i++) weir_ctx_fire_read(start, &msg->obj);
        double ns = (double)(meter_now() - before) / (double)events;
        if (ns < best) best = ns;
    }
    weir_buf_release(msg);
    weir_embedded_free(embedded);
    return best;
}

static void hop_table(void) {
    static const unsigned counts[] = {0, 1, 2, 4, 6, HOPS_MAX};
    printf("one read event, ns\n%24s", "handlers on the way");
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) printf("%8u", counts[i]);
    printf("%10s\n", "a hop");
    static const weir_handler *const kinds[] = {&pass, &deaf};
    for (size_t k = 0; k < 2; k++) {
        double none = 0, all = 0;
        printf("%24s", k == 0 ? "each passes it on" : "none implements it");
        for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
            all = event_ns(kinds[k], counts[i], EVENTS, PASSES);
            if (i == 0) none = all;
            printf("%8.1f", all);
        }
        printf("%10.2f\n", (all - none) / HOPS_MAX);
    }
}

/* ---- a posted task ---- */

static _Atomic uint64_t ran;

static void count_task(weir_task *task) {
    (void)task;
    atomic_fetch_add_explicit(&ran, 1, memory_order_release);
}

static void count_call(void *arg) {
    (void)arg;
    atomic_fetch_add_explicit(&ran, 1, memory_order_release);
}

/* From the first post until the last task has run. */
static double flood_ns(weir_loop *loop, weir_task *tasks) {
    atomic_store(&ran, 0);
    uint64_t before = meter_now();
    for (uint64_t i = 0; i < TASKS; i++) {
        if (tasks != NULL) tasks[i] = (weir_task){.run = count_task};
        weir_status status =
            tasks != NULL ? weir_loop_post_task(loop, &tasks[i]) : weir_loop_post(loop, count_call, NULL);
        if (status != WEIR_OK) die(weir_status_text(status));
    }
    while (atomic_load_explicit(&ran, memory_order_acquire) < TASKS) {
    }
    return (double)(meter_now() - before) / TASKS;
}

static void post_table(void) {
    weir_loop_group *group = weir_loop_group_new(1);
    weir_task *tasks = calloc(TASKS, sizeof *tasks);
    if (group == NULL || tasks == NULL) die("out of memory");
    double own = 1e18, allocated = 1e18;
    for (int p = 0; p < PASSES; p++) {
        double ns = flood_ns(weir_loop_group_at(group, 0), tasks);
        if (ns < own) own = ns;
        ns = flood_ns(weir_loop_group_at(group, 0), NULL);
        if (ns < allocated) allocated = ns;
    }
    printf("\nposted from another thread until it ran, flooded, ns a task\n");
    printf("%24s%8.1f\n%24s%8.1f\n", "weir_loop_post_task", own, "weir_loop_post", allocated);
    weir_loop_group_free(group);
    free(tasks);
}

/* ---- a timer ---- */

static void timer_fired(weir_timer *timer) {
    (void)timer;
}

static double move_ns(weir_loop *loop, weir_timer *timers, uint32_t count) {
    uint32_t random = 12345;
    uint64_t before = meter_now();
    for (int i = 0; i < MOVES; i++) {
        random = random * 1664525u + 1013904223u;
        weir_timer_start(&timers[(random >> 8) % count], loop, 1000 + (random >> 16));
    }
    return (double)(meter_now() - before) / MOVES;
}

static void timer_table(void) {
    printf("\nmoving one of many running timers at random, ns\n");
    for (uint32_t count = 1000; count <= 100000; count *= 10) {
        weir_embedded *embedded = weir_embedded_new(NULL, NULL, NULL);
        weir_timer *timers = calloc(count, sizeof *timers);
        if (embedded == NULL || timers == NULL) die("out of memory");
        weir_loop *loop = weir_embedded_loop(embedded);
        for (uint32_t i = 0; i < count; i++) {
            weir_timer_init(&timers[i], timer_fired, NULL);
            weir_timer_start(&timers[i], loop, 1000 + i % 60000);
        }
        double best = 1e18;
        for (int p = 0; p < PASSES; p++) {
            double ns = move_ns(loop, timers, count);
            if (ns < best) best = ns;
        }
        printf("%17u timers%8.1f\n", count, best);
        for (uint32_t i = 0; i < count; i++) weir_timer_stop(&timers[i], loop);
        weir_embedded_free(embedded);
        free(timers);
    }
}

/* ---- timers of idle connections: all run, each is moved on now and then, few ever fire ---- */

typedef struct idle_ns {
    double start, move, fire, stop;
} idle_ns;

static double ns_each(uint64_t since, uint64_t count) {
    return (double)(meter_now() - since) / (double)count;
}

static void start_all(weir_loop *loop, weir_timer *timers, uint64_t count) {
    for (uint64_t i = 0; i < count; i++) weir_timer_start(&timers[i], loop, IDLE_MS);
}

/* `rounds` times some milliseconds pass and every timer is moved on, as a read on its connection would. */
static idle_ns idle_pass(uint64_t count, uint64_t rounds) {
    idle_ns cost;
    weir_embedded *embedded = weir_embedded_new(NULL, NULL, NULL);
    weir_timer *timers = calloc(count, sizeof *timers);
    if (embedded == NULL || timers == NULL) die("out of memory");
    weir_loop *loop = weir_embedded_loop(embedded);
    for (uint64_t i = 0; i < count; i++) weir_timer_init(&timers[i], timer_fired, NULL);
    uint64_t before = meter_now();
    start_all(loop, timers, count);
    cost.start = ns_each(before, count);
    before = meter_now();
    for (uint64_t round = 0; round < rounds; round++) {
        weir_embedded_advance(embedded, 37);
        start_all(loop, timers, count);
    }
    cost.move = ns_each(before, count * (rounds != 0 ? rounds : 1));
    before = meter_now();
    weir_embedded_advance(embedded, IDLE_MS);
    cost.fire = ns_each(before, count);
    start_all(loop, timers, count);
    before = meter_now();
    for (uint64_t i = 0; i < count; i++) weir_timer_stop(&timers[i], loop);
    cost.stop = ns_each(before, count);
    weir_embedded_free(embedded);
    free(timers);
    return cost;
}

static double less(double a, double b) {
    return a < b ? a : b;
}

static void idle_table(void) {
    idle_ns best = {1e18, 1e18, 1e18, 1e18};
    for (int p = 0; p < PASSES; p++) {
        idle_ns cost = idle_pass(IDLE, 10);
        best = (idle_ns){less(cost.start, best.start), less(cost.move, best.move), less(cost.fire, best.fire),
                         less(cost.stop, best.stop)};
    }
    printf("\n%d idle timers of a minute, ns a timer\n", IDLE);
    printf("%24s%8.1f\n%24s%8.1f\n%24s%8.1f\n%24s%8.1f\n", "start", best.start, "move on", best.move,
           "expire, all the way", best.fire, "stop", best.stop);
}

int main(int argc, char **argv) {
    uint64_t hops = 0, events = 0, idle = 0, rounds = 0;
    options_read(argc, argv,
                 (option[]){{"--hops", .number = &hops},
                            {"--events", .number = &events},
                            {"--idle", .number = &idle},
                            {"--rounds", .number = &rounds},
                            {0}});
    if (idle != 0) {
        idle_pass(idle, rounds);
    } else if (events != 0) {
        event_ns(&pass, (unsigned)hops, events, 1);
    } else {
        hop_table();
        post_table();
        timer_table();
        idle_table();
    }
    return 0;
}
