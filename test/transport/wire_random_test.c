/* wire_random_test.c - random things done at both ends of real connections.
 *
 * The near end is a handler on a loop that writes bufs and files, pauses, holds, yields, pulls, ends, closes and aborts;
 * the far end is plain sockets that send, read a little, end and reset. What must hold: each connection is
 * told of its beginning and its end once, nothing after that, every promise completes once and those of its writes in
 * order, and all memory is back. Every way a connection can go is counted, and none may be missing.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <weir/core/log.h>
#include <weir/testing.h>

#include "paths.h"
#include "seed.h"
#include "wires.h"

enum {
    SOCKETS = 24,
    STEPS = 50000,
    FILE_SIZE = 400000
};

#define PATH_LIST(X)                                                                                         \
    X(PEER_CLOSED)                                                                                           \
    X(PEER_CLOSED_AND_KEPT_OPEN)                                                                             \
    X(PEER_ENDING)                                                                                           \
    X(BROKEN)                                                                                                \
    X(SHUTDOWN)                                                                                              \
    X(CLOSED)                                                                                                \
    X(ABORTED)                                                                                               \
    X(WRITABLE_CHANGED)                                                                                      \
    X(WRITE_SENT)                                                                                            \
    X(WRITE_REFUSED)                                                                                         \
    X(WRITE_FAILED_WITH_CAUSE)                                                                               \
    X(INACTIVE)                                                                                              \
    X(HELD)                                                                                                  \
    X(WENT_ON)                                                                                               \
    X(FILE_WRITTEN)

#define PATH_ENUM(name) PATH_##name,
#define PATH_NAME(name) #name,
typedef enum path {
    PATH_LIST(PATH_ENUM) PATHS
} path;
static const char *const path_names[PATHS] = {PATH_LIST(PATH_NAME)};

/* Touched on the loop only, until that has ended. */
static struct near_end {
    uint64_t random;
    weir_region *file;
    long states, promises;
    _Atomic uint64_t acts;
    uint64_t paths[PATHS];
} near_end;

typedef struct state {
    weir_timer timer;
    weir_yield yield;
    unsigned holds;
    weir_ctx *ctx;
    bool active, inactive;
    uint64_t made, told; /* promises of its writes, in this order */
} state;

static uint64_t below(uint64_t bound) {
    return seed_below(&near_end.random, bound);
}

static void act(weir_ctx *ctx);

static void took(path which) {
    near_end.paths[which]++;
}

typedef struct note {
    state *state; /* of a write; it is there until the last of them has been told */
    uint64_t number;
} note;

/* Those that were queued are told in the order of the writes, sent or not. */
static void check_write(const note *self, weir_status status) {
    if (status == WEIR_E_CLOSED || status == WEIR_E_BACKPRESSURE) {
        took(PATH_WRITE_REFUSED);
        return;
    }
    expect(!self->state->inactive);
    expect(self->number > self->state->told);
    self->state->told = self->number;
    took(status == WEIR_OK ? PATH_WRITE_SENT : PATH_WRITE_FAILED_WITH_CAUSE);
}

static void promise_done(void *arg, weir_status status) {
    note *self = arg;
    if (self->state != NULL) check_write(self, status);
    free(self);
    near_end.promises--;
}

/* Of a write when `writer` is given. */
static weir_promise *some_promise(weir_ctx *ctx, state *writer) {
    if (below(2) == 0) return NULL;
    weir_promise *promise = weir_promise_new(weir_ctx_loop(ctx));
    note *made = calloc(1, sizeof *made);
    require(promise != NULL && made != NULL);
    *made = (note){writer, writer != NULL ? ++writer->made : 0};
    weir_promise_listen(promise, promise_done, made);
    near_end.promises++;
    return promise;
}

static void *some_message(weir_ctx *ctx) {
    if (below(5) == 0) {
        uint64_t at = below(FILE_SIZE);
        took(PATH_FILE_WRITTEN);
        return weir_region_slice(near_end.file, at, below(FILE_SIZE - at));
    }
    size_t n = below(6) == 0 ? below(200000) : below(3000);
    weir_buf *buf = weir_ctx_get_buf(ctx, n);
    if (buf != NULL) weir_buf_write_fill(buf, 'x', n);
    return buf;
}

static void let_read_once(state *self) {
    if (self->holds == 0) return;
    self->holds--;
    weir_channel_let_read(weir_ctx_channel(self->ctx));
}

static void act_once(weir_ctx *ctx) {
    weir_channel *channel = weir_ctx_channel(ctx);
    state *self = weir_ctx_state(ctx);
    atomic_fetch_add(&near_end.acts, 1);
    switch (below(24)) {
    case 0:
    case 1:
    case 2:
    case 3: weir_ctx_write(ctx, some_message(ctx), some_promise(ctx, self)); break;
    case 4:
    case 5: weir_channel_write(channel, some_message(ctx), some_promise(ctx, self)); break;
    case 6: weir_ctx_flush(ctx); break;
    case 7: weir_channel_set_reading(channel, below(3) != 0); break;
    case 8: weir_ctx_pull(ctx); break;
    case 9: weir_timer_start(&self->timer, weir_ctx_loop(ctx), below(8)); break;
    case 10:
        if (below(10) != 0) break;
        took(PATH_SHUTDOWN);
        weir_ctx_shutdown(ctx, some_promise(ctx, NULL));
        break;
    case 11:
        if (below(10) != 0) break;
        took(PATH_CLOSED);
        weir_channel_close(channel, some_promise(ctx, NULL));
        break;
    case 12:
        if (below(15) != 0) break;
        took(PATH_ABORTED);
        weir_channel_abort(channel, WEIR_E_LIMIT);
        break;
    case 13:
        took(PATH_HELD);
        self->holds++;
        weir_channel_hold_reading(channel);
        break;
    case 14:
    case 15: let_read_once(self); break;
    case 16: weir_yield_wait(&self->yield, ctx); break;
    default: break;
    }
}

static void act(weir_ctx *ctx) {
    for (uint64_t i = below(3); i > 0; i--) act_once(ctx);
}

static void on_timer(weir_timer *timer) {
    state *self = timer->arg;
    if (below(2) == 0) weir_channel_set_reading(weir_ctx_channel(self->ctx), true);
    while (self->holds > 0 && below(4) != 0) let_read_once(self);
    act(self->ctx);
}

static void on_turn(weir_yield *yield) {
    state *self = WEIR_CONTAINER(yield, state, yield);
    took(PATH_WENT_ON);
    act(self->ctx);
}

static void on_added(weir_ctx *ctx) {
    state *self = weir_ctx_state(ctx);
    self->ctx = ctx;
    near_end.states++;
    weir_timer_init(&self->timer, on_timer, self);
    weir_yield_init(&self->yield, on_turn);
}

static void on_removed(weir_ctx *ctx) {
    state *self = weir_ctx_state(ctx);
    expect_eq(self->active, self->inactive);
    weir_timer_stop(&self->timer, weir_ctx_loop(ctx));
    weir_yield_stop(&self->yield);
    while (self->holds > 0) let_read_once(self);
    near_end.states--;
    memset(self, 0xEE, sizeof *self);
    free(self);
}

static void on_active(weir_ctx *ctx) {
    state *self = weir_ctx_state(ctx);
    expect(!self->active);
    self->active = true;
    weir_timer_start(&self->timer, weir_ctx_loop(ctx), 1 + below(5));
    act(ctx);
}

static void on_inactive(weir_ctx *ctx) {
    state *self = weir_ctx_state(ctx);
    expect(self->active && !self->inactive);
    self->inactive = true;
    took(PATH_INACTIVE);
    act(ctx);
}

static void expect_alive(weir_ctx *ctx) {
    state *self = weir_ctx_state(ctx);
    expect(self->active && !self->inactive);
}

static void on_read(weir_ctx *ctx, weir_obj *msg) {
    const state *self = weir_ctx_state(ctx);
    expect_alive(ctx);
    expect(self->holds == 0 && !weir_yield_is_waiting(&self->yield));
    if (below(4) == 0) {
        weir_ctx_write(ctx, msg, some_promise(ctx, weir_ctx_state(ctx)));
    } else {
        weir_obj_release(msg);
    }
    act(ctx);
}

static void on_read_complete(weir_ctx *ctx) {
    act(ctx);
}

static void on_event(weir_ctx *ctx, weir_obj *event) {
    bool keeps = below(3) == 0;
    expect_alive(ctx);
    if (event == &weir_event_peer_ending.obj) took(PATH_PEER_ENDING);
    if (event == &weir_event_peer_closed.obj) took(keeps ? PATH_PEER_CLOSED_AND_KEPT_OPEN : PATH_PEER_CLOSED);
    act(ctx);
    if (keeps) {
        weir_obj_release(event);
    } else {
        weir_ctx_fire_event(ctx, event);
    }
}

static void on_writable_changed(weir_ctx *ctx) {
    expect_alive(ctx);
    took(PATH_WRITABLE_CHANGED);
    act(ctx);
}

static void on_error(weir_ctx *ctx, const weir_error *error) {
    expect_alive(ctx);
    if (error->status == -ECONNRESET || error->status == -EPIPE) took(PATH_BROKEN);
    act(ctx);
    if (below(2) == 0) weir_ctx_fire_error(ctx, error);
}

static const weir_handler random_handler = {
    .name = "random",
    .added = on_added,
    .removed = on_removed,
    .active = on_active,
    .read = on_read,
    .read_complete = on_read_complete,
    .event = on_event,
    .writable_changed = on_writable_changed,
    .error = on_error,
    .inactive = on_inactive,
};

static weir_status build(weir_pipeline *pipeline, void *arg) {
    (void)arg;
    state *self = calloc(1, sizeof *self);
    return weir_pipeline_add_last(pipeline, &random_handler, self);
}

/* ---- the far end ---- */

static void step_far(int *fd, const weir_addr *addr, uint64_t *random) {
    static char bytes[100000];
    if (*fd < 0) {
        *fd = plain_connect_to(addr);
        return;
    }
    switch (seed_below(random, 12)) {
    case 0:
    case 1:
    case 2: send(*fd, bytes, seed_below(random, 3000), MSG_DONTWAIT | MSG_NOSIGNAL); break;
    case 3: send(*fd, bytes, seed_below(random, sizeof bytes), MSG_DONTWAIT | MSG_NOSIGNAL); break;
    case 4:
    case 5:
    case 6:
    case 7: recv(*fd, bytes, seed_below(random, sizeof bytes), MSG_DONTWAIT); break;
    case 8:
        if (seed_below(random, 5) == 0) shutdown(*fd, SHUT_WR);
        break;
    case 9:
        if (seed_below(random, 8) == 0) {
            close(*fd);
            *fd = -1;
        }
        break;
    case 10:
        if (seed_below(random, 8) == 0) {
            plain_reset(*fd);
            *fd = -1;
        }
        break;
    default: wait_ms(seed_below(random, 20) == 0 ? 1 : 0);
    }
}

static weir_region *some_file(void) {
    char name[] = "/tmp/weir-random-XXXXXX";
    int fd = mkstemp(name);
    require(fd >= 0);
    unlink(name);
    require(ftruncate(fd, FILE_SIZE) == 0);
    weir_region *region = weir_region_file(fd, true, 0, FILE_SIZE);
    require(region != NULL);
    return region;
}

static void drop_line(void *arg, weir_log_level level, const char *subject, const char *line) {
    (void)arg;
    (void)level;
    (void)subject;
    (void)line;
}

/* So many steps, and more until the near end, which another thread moves, has had its share. */
static void move_far_ends(const weir_addr *addr, uint64_t *random) {
    int fds[SOCKETS];
    for (int i = 0; i < SOCKETS; i++) fds[i] = -1;
    for (int i = 0; i < STEPS || (atomic_load(&near_end.acts) < STEPS && i < 20 * STEPS); i++) {
        step_far(&fds[seed_below(random, SOCKETS)], addr, random);
    }
    for (int i = 0; i < SOCKETS; i++) {
        if (fds[i] >= 0) close(fds[i]);
    }
}

static void live_on(const char *host) {
    uint64_t random = seed_start();
    memset(&near_end, 0, sizeof near_end);
    near_end.random = random ^ 0x5555;
    near_end.file = some_file();
    weir_log_set_sink(drop_line, NULL);
    weir_loop_group *group = weir_loop_group_new(1);
    weir_server *server;
    weir_server_options options = {.loops = group, .host = host, .build = build, .stop_timeout_ms = 300};
    options.channel.close_timeout_ms = 10;
    options.channel.high_water = 300000;
    options.channel.write_cap = 2000000;
    require(weir_server_start(&server, &options) == WEIR_OK);
    move_far_ends(weir_server_addr(server), &random);
    weir_server_free(server);
    weir_loop_group_free(group);
    weir_log_set_sink(NULL, NULL);
    weir_region_release(near_end.file);
    expect_eq(near_end.states, 0);
    expect_eq(near_end.promises, 0);
    expect_each_taken("path", path_names, near_end.paths, PATHS);
}

WEIR_TEST(wire_random, keeps_its_promises_while_both_ends_do_random_things_over_tcp) {
    live_on("127.0.0.1");
}

WEIR_TEST(wire_random, keeps_its_promises_while_both_ends_do_random_things_over_unix_sockets) {
    char name[64];
    snprintf(name, sizeof name, "unix:@weir-random-%d", (int)getpid());
    live_on(name);
}
