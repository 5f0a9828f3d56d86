/* fairness_test.c - one connection that floods its loop beside a hundred quiet ones, measured in bytes, never in time.
 *
 * The loop is held still until everybody's bytes are with the kernel. From then on the flooder and the quiet ones are
 * ready at once, and what the flooder gets before the last quiet one is answered is what its options allow it in a
 * turn: twice that at most, and more when the option says more.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <weir/testing.h>

#include "wires.h"

enum {
    QUIET = 100,
    READ_SIZE = 1024,
    PIECE = 64 * 1024, /* of a region that is read: one gathered write */
    LOAD = 1 << 20,
    PATIENCE_MS = 10000,
};

/* What the flooder does beside sending. On the loop. */
typedef void burden_fn(weir_channel *flooder);

/* Touched on the loop, but for the flags. */
static struct scene {
    unsigned met, answered;
    weir_channel *flooder; /* held */
    burden_fn *burden;
    uint64_t flood_in; /* bytes of the flooder that were handled */
    uint64_t in_before_last, out_before_last;
    atomic_bool held, let_go, over;
} scene;

/* ---- on the loop ---- */

/* The first connection is the flooder. */
static void on_active(weir_ctx *ctx) {
    if (scene.met++ == 0) scene.flooder = weir_channel_retain(weir_ctx_channel(ctx));
}

static void note_answer(void) {
    weir_channel_stats stats;
    weir_channel_get_stats(scene.flooder, &stats);
    scene.in_before_last = scene.flood_in;
    scene.out_before_last = stats.bytes_written;
    if (++scene.answered == QUIET) atomic_store(&scene.over, true);
}

static void on_read(weir_ctx *ctx, weir_obj *msg) {
    if (weir_ctx_channel(ctx) == scene.flooder) {
        scene.flood_in += weir_obj_size(msg);
        weir_obj_release(msg);
    } else {
        note_answer();
        weir_ctx_write_flush(ctx, msg, NULL);
    }
}

static const weir_handler answerer = {.name = "answerer", .active = on_active, .read = on_read};

static weir_status build(weir_pipeline *pipeline, void *arg) {
    (void)arg;
    return weir_pipeline_add_last(pipeline, &answerer, NULL);
}

static void hold(void *arg) {
    (void)arg;
    if (scene.burden != NULL) scene.burden(scene.flooder);
    atomic_store(&scene.held, true);
    for (int i = 0; i < PATIENCE_MS && !atomic_load(&scene.let_go); i++) wait_ms(1);
}

static bool has_met(void *arg) {
    return scene.met == *(unsigned *)arg;
}

static bool is_over(void *arg) {
    (void)arg;
    return atomic_load(&scene.over);
}

/* ---- in the test ---- */

static int join(wire_end *loop, const weir_addr *addr, unsigned number) {
    int fd = plain_connect_to(addr);
    require(fd >= 0);
    require(wire_until(loop, has_met, &number));
    return fd;
}

static void flood(int fd) {
    static const char bytes[LOAD];
    size_t sent = 0;
    while (sent < LOAD) {
        ssize_t once = send(fd, bytes, LOAD - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (once <= 0) break;
        sent += (size_t)once;
    }
    expect(sent >= 150 * READ_SIZE); /* enough for the largest budget here, twice */
}

/* Fills in scene: what the flooder got before the last quiet connection was answered. */
static void compete(const weir_channel_options *channel, burden_fn *burden) {
    int quiet[QUIET];
    memset(&scene, 0, sizeof scene);
    scene.burden = burden;
    weir_loop_group *group = weir_loop_group_new(1);
    weir_server *server;
    weir_server_options options = {.loops = group, .build = build, .channel = *channel, .stop_timeout_ms = 1};
    require(weir_server_start(&server, &options) == WEIR_OK);
    wire_end loop = {.loop = weir_loop_group_at(group, 0)};
    int flooder = join(&loop, weir_server_addr(server), 1);
    for (unsigned i = 0; i < QUIET; i++) quiet[i] = join(&loop, weir_server_addr(server), i + 2);
    require(weir_loop_post(loop.loop, hold, NULL) == WEIR_OK);
    for (int i = 0; i < PATIENCE_MS && !atomic_load(&scene.held); i++) wait_ms(1);
    if (burden == NULL) flood(flooder);
    for (unsigned i = 0; i < QUIET; i++) expect_eq(send(quiet[i], "?", 1, MSG_NOSIGNAL), 1);
    atomic_store(&scene.let_go, true);
    expect(wire_until(&loop, is_over, NULL));
    for (unsigned i = 0; i < QUIET; i++) close(quiet[i]);
    close(flooder);
    weir_server_free(server);
    weir_channel_release(scene.flooder);
    weir_loop_group_free(group);
}

static uint64_t read_beside(unsigned reads_per_turn) {
    compete(&(weir_channel_options){.reads_per_turn = reads_per_turn,
                                    .read_size = READ_SIZE,
                                    .read_size_min = READ_SIZE,
                                    .read_size_max = READ_SIZE},
            NULL);
    return scene.in_before_last;
}

WEIR_TEST(fairness, answers_quiet_connections_before_a_flooder_had_two_budgets_of_reads) {
    uint64_t few = read_beside(4), usual = read_beside(16), many = read_beside(64);
    expect(few <= 2 * 4 * READ_SIZE);
    expect(usual <= 2 * 16 * READ_SIZE);
    expect(many <= 2 * 64 * READ_SIZE);
    expect(many > 2 * 4 * READ_SIZE); /* the option is what bounds it */
}

/* ---- a flooder that is written to ---- */

static ssize_t read_zeros(weir_region *region, uint64_t at, void *dst, size_t n, bool may_wait) {
    (void)region;
    (void)at;
    (void)may_wait;
    memset(dst, 0, n);
    return (ssize_t)n;
}

static void free_region(weir_region *region) {
    free(region);
}

static const weir_region_ops zeros = {
    .name = "zeros", .read = read_zeros, .never_waits = true, .free = free_region};

static void write_zeros(weir_channel *flooder) {
    weir_region *region = malloc(sizeof *region);
    require(region != NULL);
    weir_region_init(region, &zeros, LOAD);
    weir_channel_write(flooder, region, NULL);
}

static uint64_t write_beside(unsigned writes_per_turn) {
    compete(&(weir_channel_options){.writes_per_turn = writes_per_turn, .send_buffer = 4 * PIECE},
            write_zeros);
    return scene.out_before_last;
}

WEIR_TEST(fairness, answers_quiet_connections_before_a_flooder_had_two_budgets_of_writes) {
    uint64_t one = write_beside(1), three = write_beside(3);
    expect(one > 0 && one <= 2 * PIECE);
    expect(three <= 2 * 3 * PIECE);
    expect(three > 2 * PIECE);
}

static void write_file(weir_channel *flooder) {
    int fd = memfd_create("flood", MFD_CLOEXEC);
    require(fd >= 0 && ftruncate(fd, LOAD) == 0);
    weir_channel_write(flooder, weir_region_file(fd, true, 0, LOAD), NULL);
}

static uint64_t send_beside(size_t region_bytes_per_turn) {
    compete(&(weir_channel_options){.region_bytes_per_turn = region_bytes_per_turn, .send_buffer = 4 * PIECE},
            write_file);
    return scene.out_before_last;
}

WEIR_TEST(fairness, answers_quiet_connections_before_a_flooder_had_two_budgets_of_file_bytes) {
    uint64_t little = send_beside(20000), more = send_beside(100000);
    expect(little > 0 && little <= 2 * 20000);
    expect(more <= 2 * 100000);
    expect(more > 2 * 20000);
}
