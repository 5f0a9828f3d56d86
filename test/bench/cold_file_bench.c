/* cold_file_bench.c - how long a loop stands still while it sends a file that is not in the page cache.
 *
 *     bench_cold_file [--mib N] [--rounds N] [FOLDER]        256 MiB, 5 rounds, a file in FOLDER or here
 *
 * A 1 ms timer runs on the loop that sends; the longest time between two of its ticks, less the millisecond, is how
 * late everybody else on that loop was served. Three ways take turns:
 *
 *     weir     asks the page cache first; what is not there is read on the thread pool
 *     naive    sendfile at once, as if the file could not be cold
 *     warm     weir again, the file just read: what the machine itself adds
 *
 * *call* is the longest single call of the region on the loop (sendfile, or a question whether it is warm).
 */
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <weir/transport.h>

#include "common/loopback.h"
#include "common/options.h"

static uint64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void note_longest(uint64_t *longest, uint64_t since) {
    uint64_t took = now_ns() - since;
    if (took > *longest) *longest = took;
}

/* ---- a file region whose calls on the loop are timed ---- */

typedef struct bench {
    weir_loop *loop;
    int fd;
    uint64_t size;
    const weir_region_ops *ops; /* of the way that is measured */
    weir_timer tick;
    uint64_t last_tick, longest_gap, longest_call, cold_reads;
    atomic_int ended;
} bench;

typedef struct timed_region {
    weir_region region;
    weir_region *file;
    bench *bench;
} timed_region;

static ssize_t read_timed(weir_region *region, uint64_t at, void *dst, size_t n, bool may_wait) {
    timed_region *self = WEIR_CONTAINER(region, timed_region, region);
    uint64_t began = now_ns();
    ssize_t got = self->file->ops->read(self->file, at, dst, n, may_wait);
    if (!may_wait) note_longest(&self->bench->longest_call, began);
    return got;
}

static ssize_t send_timed(weir_region *region, uint64_t at, size_t n, int fd) {
    timed_region *self = WEIR_CONTAINER(region, timed_region, region);
    uint64_t began = now_ns();
    ssize_t sent = self->file->ops->send(self->file, at, n, fd);
    note_longest(&self->bench->longest_call, began);
    return sent;
}

static void free_timed(weir_region *region) {
    timed_region *self = WEIR_CONTAINER(region, timed_region, region);
    weir_region_release(self->file);
    free(self);
}

static const weir_region_ops asking = {
    .name = "timed", .read = read_timed, .send = send_timed, .free = free_timed};
static const weir_region_ops naive = {
    .name = "naive", .read = read_timed, .send = send_timed, .never_waits = true, .free = free_timed};

static weir_region *timed(bench *self) {
    timed_region *made = malloc(sizeof *made);
    if (made == NULL) return NULL;
    made->file = weir_region_file(self->fd, false, 0, self->size);
    made->bench = self;
    weir_region_init(&made->region, self->ops, self->size);
    return &made->region;
}

/* ---- the server ---- */

static void ticked(weir_timer *timer) {
    bench *self = timer->arg;
    note_longest(&self->longest_gap, self->last_tick);
    self->last_tick = now_ns();
    weir_timer_start(timer, self->loop, 1);
}

static void send_it(weir_ctx *ctx) {
    bench *self = weir_ctx_state(ctx);
    self->longest_gap = self->longest_call = 0;
    self->last_tick = now_ns();
    weir_timer_start(&self->tick, self->loop, 1);
    weir_ctx_write(ctx, timed(self), NULL);
    weir_ctx_close(ctx, NULL);
}

static void it_is_sent(weir_ctx *ctx) {
    bench *self = weir_ctx_state(ctx);
    weir_channel_stats stats;
    weir_channel_get_stats(weir_ctx_channel(ctx), &stats);
    note_longest(&self->longest_gap, self->last_tick);
    weir_timer_stop(&self->tick, self->loop);
    self->cold_reads = stats.cold_reads;
    atomic_store(&self->ended, 1);
}

static const weir_handler sender = {.name = "sender", .active = send_it, .inactive = it_is_sent};

static weir_status build(weir_pipeline *pipeline, void *arg) {
    return weir_pipeline_add_last(pipeline, &sender, arg);
}

/* ---- the file ---- */

static void make_file(bench *self, const char *folder, uint64_t mib) {
    static uint8_t block[1024 * 1024];
    char path[4096];
    snprintf(path, sizeof path, "%s/weir-cold-XXXXXX", folder);
    self->fd = mkstemp(path);
    if (self->fd < 0) die(path);
    unlink(path);
    for (size_t i = 0; i < sizeof block; i++) block[i] = (uint8_t)(i * 7 + (i >> 8));
    for (uint64_t i = 0; i < mib; i++) {
        if (write(self->fd, block, sizeof block) != sizeof block) die("write");
    }
    self->size = mib * sizeof block;
}

/* Of the file, in percent. */
static double resident(const bench *self) {
    size_t pages = (size_t)(self->size / 4096), there = 0;
    unsigned char *each = malloc(pages);
    void *map = mmap(NULL, self->size, PROT_READ, MAP_SHARED, self->fd, 0);
    if (each == NULL || map == MAP_FAILED || mincore(map, self->size, each) != 0) die("mincore");
    for (size_t i = 0; i < pages; i++) there += each[i] & 1;
    munmap(map, self->size);
    free(each);
    return 100.0 * (double)there / (double)pages;
}

static void drop(const bench *self) {
    if (fsync(self->fd) != 0 || posix_fadvise(self->fd, 0, 0, POSIX_FADV_DONTNEED) != 0) die("drop");
}

/* ---- rounds ---- */

static double fetch(const bench *self, const char *where) {
    static uint8_t sink[1024 * 1024];
    uint64_t began = now_ns(), received = 0;
    int fd = loopback_connect(where);
    if (fcntl(fd, F_SETFL, 0) != 0) die("fcntl"); /* waiting is all that is done here */
    for (ssize_t n; (n = recv(fd, sink, sizeof sink, MSG_TRUNC)) > 0;) received += (uint64_t)n;
    close(fd);
    if (received != self->size) {
        fprintf(stderr, "bench_cold_file: %llu bytes of the file came\n", (unsigned long long)received);
        exit(1);
    }
    return (double)received / 1e6 / ((double)(now_ns() - began) / 1e9);
}

static void run(bench *self, const char *way, const weir_region_ops *ops, const char *where) {
    double before = resident(self);
    self->ops = ops;
    atomic_store(&self->ended, 0);
    double speed = fetch(self, where);
    while (atomic_load(&self->ended) == 0) usleep(1000);
    uint64_t late = self->longest_gap > 1000000 ? self->longest_gap - 1000000 : 0;
    printf(
        "%-6s  in memory before %5.1f %%   late %8.2f ms   call %8.2f ms   cold reads %5llu   %6.0f MB/s\n",
        way, before, (double)late / 1e6, (double)self->longest_call / 1e6,
        (unsigned long long)self->cold_reads, speed);
}

int main(int argc, char **argv) {
    uint64_t mib = 256, rounds = 5;
    const char *folder =
        options_read(argc, argv, (option[]){{"--mib", .number = &mib}, {"--rounds", .number = &rounds}, {0}});
    bench self = {.longest_gap = 0};
    make_file(&self, folder != NULL ? folder : ".", mib);
    weir_loop_group *loops = weir_loop_group_new(1);
    weir_server *server = NULL;
    weir_status status = weir_server_start(
        &server, &(weir_server_options){.loops = loops, .build = build, .build_arg = &self});
    if (status != WEIR_OK) {
        fprintf(stderr, "bench_cold_file: %s\n", weir_status_text(status));
        return 1;
    }
    self.loop = weir_loop_group_at(loops, 0);
    weir_timer_init(&self.tick, ticked, &self);
    char where[WEIR_ADDR_TEXT];
    weir_addr_format(weir_server_addr(server), where);
    for (uint64_t i = 0; i < rounds; i++) {
        drop(&self);
        run(&self, "weir", &asking, where);
        drop(&self);
        run(&self, "naive", &naive, where);
        run(&self, "warm", &asking, where);
    }
    weir_server_free(server);
    weir_loop_group_free(loops);
    close(self.fd);
    return 0;
}
