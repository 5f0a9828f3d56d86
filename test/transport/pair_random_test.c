/* pair_random_test.c - random things done at both ends of connections inside the process.
 *
 * Both ends are handlers that write numbered messages, pause, pull, end, close, abort, leave their pipeline and let go of
 * the last reference, in any callback and from a timer. What must hold: each end is told of its beginning and its
 * end once and of nothing after that, the promises of its writes complete in their order and the lost ones with one cause,
 * numbers arrive in order, and who is told of the other's orderly end has read all that was sent. Every way a
 * connection can go is counted, and none may be missing.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weir/core/log.h>
#include <weir/testing.h>
#include <weir/transport.h>

#include "paths.h"
#include "seed.h"
#include "wires.h"

enum {
    PAIRS_BY_HAND = 1500,
    ROUNDS = 12,
    PAIRS_A_ROUND = 48,
    TICKS = 40, /* after so many an end goes for certain */
    DEEPEST = 3
};

#define PATH_LIST(X)                                                                                         \
    X(PEER_CLOSED)                                                                                           \
    X(PEER_CLOSED_AND_KEPT_OPEN)                                                                             \
    X(PEER_ENDING)                                                                                           \
    X(RESET)                                                                                                 \
    X(WRITE_TO_ONE_THAT_HAS_GONE)                                                                            \
    X(SHUTDOWN)                                                                                              \
    X(CLOSED)                                                                                                \
    X(CLOSED_WELL)                                                                                           \
    X(CLOSE_TIMED_OUT)                                                                                       \
    X(ABORTED)                                                                                               \
    X(CLOSED_IN_BUILD)                                                                                       \
    X(BUILD_FAILED)                                                                                          \
    X(WRITABLE_CHANGED)                                                                                      \
    X(WRITE_SENT)                                                                                            \
    X(WRITE_REFUSED)                                                                                         \
    X(WRITE_FAILED_WITH_CAUSE)                                                                               \
    X(INACTIVE)                                                                                              \
    X(NEVER_ACTIVE)                                                                                          \
    X(HANDLER_LEFT)                                                                                          \
    X(LET_GO_OF)

#define PATH_ENUM(name) PATH_##name,
#define PATH_NAME(name) #name,
typedef enum path {
    PATH_LIST(PATH_ENUM) PATHS
} path;
static const char *const path_names[PATHS] = {PATH_LIST(PATH_NAME)};

/* Touched on its loop only, until it is gone. */
typedef struct end {
    uint64_t random;
    weir_loop *loop;
    /* the only reference of the test's until it lets go; the wire's lasts until removed */
    weir_channel *channel;
    weir_ctx *ctx;
    weir_timer timer;
    int depth, ticks;
    bool active, inactive, removed, let_go;
    bool peer_closed, reset;
    uint32_t made, told,
        sent; /* promises of writes: so many, the last number told, the number of good ones */
    uint32_t last_read, reads;
    long promises;
    weir_status cause; /* of the first write that was lost */
    uint64_t paths[PATHS];
    atomic_bool gone;
} end;

static uint64_t below(end *self, uint64_t bound) {
    return seed_below(&self->random, bound);
}

static void took(end *self, path which) {
    self->paths[which]++;
}

static void act(end *self);

static void note_gone(end *self) {
    if (!self->removed || self->promises > 0) return;
    weir_timer_stop(&self->timer, self->loop);
    atomic_store(&self->gone, true);
}

/* ---- promises ---- */

typedef struct note {
    end *end;
    uint32_t number; /* of a write, from 1 on */
} note;

static void write_told(note *self, weir_status status) {
    end *by = self->end;
    if (status == WEIR_E_CLOSED || status == WEIR_E_BACKPRESSURE) {
        took(by, PATH_WRITE_REFUSED);
        return;
    }
    require(!by->inactive && self->number > by->told);
    by->told = self->number;
    if (status == WEIR_OK) {
        require(by->cause == WEIR_OK);
        by->sent++;
        took(by, PATH_WRITE_SENT);
    } else {
        if (by->cause == WEIR_OK) by->cause = status;
        require(status == by->cause);
        took(by, PATH_WRITE_FAILED_WITH_CAUSE);
    }
}

static void close_told(end *by, weir_status status) {
    require(by->inactive == by->active);
    if (status == WEIR_OK) took(by, PATH_CLOSED_WELL);
    if (status == WEIR_E_TIMEOUT) took(by, PATH_CLOSE_TIMED_OUT);
    if (by->cause != WEIR_OK) require(status == by->cause);
}

static void promise_done(void *arg, weir_status status) {
    note *self = arg;
    end *by = self->end;
    if (self->number > 0) {
        write_told(self, status);
    } else {
        close_told(by, status);
    }
    free(self);
    if (!by->removed) act(by);
    by->promises--;
    note_gone(by);
}

static weir_promise *promised(end *self, uint32_t number) {
    weir_promise *promise = weir_promise_new(self->loop);
    note *made = malloc(sizeof *made);
    require(promise != NULL && made != NULL);
    *made = (note){self, number};
    require(weir_promise_listen(promise, promise_done, made) == WEIR_OK);
    self->promises++;
    return promise;
}

/* ---- acting ---- */

static void write_one(end *self) {
    weir_buf *buf = weir_buf_new(0);
    weir_buf_write_u32(buf, ++self->made);
    weir_buf_write_fill(buf, 'x', below(self, 4) == 0 ? below(self, 3000) : below(self, 100));
    weir_promise *promise = promised(self, self->made);
    if (self->ctx != NULL && below(self, 2) == 0) {
        weir_ctx_write_flush(self->ctx, buf, promise);
    } else {
        weir_channel_write(self->channel, buf, promise);
    }
}

static void let_go(end *self) {
    if (self->let_go) return;
    self->let_go = true;
    weir_channel_release(self->channel);
}

static void end_somehow(end *self, uint64_t how) {
    if (how == 0) {
        took(self, PATH_SHUTDOWN);
        weir_channel_shutdown(self->channel, NULL);
    } else if (how < 4) {
        took(self, PATH_CLOSED);
        weir_channel_close(self->channel, promised(self, 0));
    } else {
        took(self, PATH_ABORTED);
        weir_channel_abort(self->channel, WEIR_E_LIMIT);
    }
}

static void act_once(end *self) {
    uint64_t what = below(self, 400);
    if (what < 160) {
        for (uint64_t i = below(self, 4); i > 0; i--) write_one(self);
    } else if (what < 180) {
        weir_channel_flush(self->channel);
    } else if (what < 220) {
        weir_channel_set_reading(self->channel, below(self, 3) != 0);
    } else if (what < 240) {
        weir_channel_pull(self->channel);
    } else if (what < 250) {
        end_somehow(self, below(self, 6));
    } else if (what < 254 && !self->let_go) {
        took(self, PATH_LET_GO_OF);
        let_go(self);
    }
}

static void act(end *self) {
    if (self->depth >= DEEPEST) return;
    self->depth++;
    for (uint64_t i = below(self, 3); i > 0; i--) act_once(self);
    self->depth--;
}

static void on_tick(weir_timer *timer) {
    end *self = timer->arg;
    if (self->removed) return;
    weir_timer_start(timer, self->loop, 1 + below(self, 2));
    act(self);
    if (++self->ticks >= TICKS) weir_channel_abort(self->channel, WEIR_E_LIMIT);
}

/* ---- the handler ---- */

static end *alive(weir_ctx *ctx) {
    end *self = weir_ctx_state(ctx);
    require(self->active && !self->inactive && !self->removed);
    return self;
}

static void on_added(weir_ctx *ctx) {
    ((end *)weir_ctx_state(ctx))->ctx = ctx;
}

static void on_active(weir_ctx *ctx) {
    end *self = weir_ctx_state(ctx);
    require(!self->active && !self->removed);
    self->active = true;
    act(self);
    weir_ctx_fire_active(ctx);
}

static void on_read(weir_ctx *ctx, weir_obj *msg) {
    end *self = alive(ctx);
    uint32_t number = 0;
    require(!self->peer_closed && weir_buf_read_u32(weir_buf_from(msg), &number));
    require(number > self->last_read);
    self->last_read = number;
    self->reads++;
    weir_obj_release(msg);
    act(self);
}

static void on_read_complete(weir_ctx *ctx) {
    act(weir_ctx_state(ctx));
}

static void on_event(weir_ctx *ctx, weir_obj *event) {
    end *self = alive(ctx);
    bool keeps = below(self, 2) == 0;
    if (event == &weir_event_peer_ending.obj) took(self, PATH_PEER_ENDING);
    if (event == &weir_event_peer_closed.obj) {
        require(!self->peer_closed);
        self->peer_closed = true;
        took(self, keeps ? PATH_PEER_CLOSED_AND_KEPT_OPEN : PATH_PEER_CLOSED);
    }
    act(self);
    if (keeps) {
        weir_obj_release(event);
    } else {
        weir_ctx_fire_event(ctx, event);
    }
}

static void on_writable_changed(weir_ctx *ctx) {
    end *self = alive(ctx);
    took(self, PATH_WRITABLE_CHANGED);
    act(self);
}

static void on_error(weir_ctx *ctx, const weir_error *error) {
    end *self = alive(ctx);
    require(!self->reset);
    self->reset = true;
    require(error->status == -ECONNRESET || error->status == -EPIPE);
    took(self, error->status == -EPIPE ? PATH_WRITE_TO_ONE_THAT_HAS_GONE : PATH_RESET);
    act(self);
}

static void on_inactive(weir_ctx *ctx) {
    end *self = alive(ctx);
    self->inactive = true;
    took(self, PATH_INACTIVE);
    act(self);
}

static void on_removed(weir_ctx *ctx) {
    end *self = weir_ctx_state(ctx);
    require(!self->removed && self->active == self->inactive);
    if (!self->active) took(self, PATH_NEVER_ACTIVE);
    self->ctx = NULL;
    if (below(self, 2) == 0) act(self);
    let_go(self);
    self->removed = true;
    note_gone(self);
}

static const weir_handler random_handler = {.name = "random",
                                            .added = on_added,
                                            .removed = on_removed,
                                            .active = on_active,
                                            .read = on_read,
                                            .read_complete = on_read_complete,
                                            .event = on_event,
                                            .writable_changed = on_writable_changed,
                                            .error = on_error,
                                            .inactive = on_inactive};

/* Comes and goes between the head and the other one. */
static void on_guest_event(weir_ctx *ctx, weir_obj *event) {
    end *self = weir_ctx_state(ctx);
    took(self, PATH_HANDLER_LEFT);
    weir_pipeline_remove(ctx);
    weir_ctx_fire_event(ctx, event);
}

static void on_guest_read(weir_ctx *ctx, weir_obj *msg) {
    end *self = weir_ctx_state(ctx);
    if (below(self, 3) == 0) {
        took(self, PATH_HANDLER_LEFT);
        weir_pipeline_remove(ctx);
    }
    weir_ctx_fire_read(ctx, msg);
}

static const weir_handler guest = {.name = "guest", .read = on_guest_read, .event = on_guest_event};

/* ---- pairs ---- */

static weir_status build(weir_pipeline *pipeline, void *arg) {
    end *self = arg;
    self->channel = weir_channel_retain(weir_pipeline_channel(pipeline));
    require(weir_pipeline_add_last(pipeline, &guest, self) == WEIR_OK);
    require(weir_pipeline_add_last(pipeline, &random_handler, self) == WEIR_OK);
    weir_timer_init(&self->timer, on_tick, self);
    weir_timer_start(&self->timer, self->loop, 1);
    if (below(self, 3) == 0) write_one(self);
    if (below(self, 60) == 0) {
        took(self, PATH_CLOSED_IN_BUILD);
        weir_channel_close(self->channel, NULL);
    }
    if (below(self, 60) != 0) return WEIR_OK;
    took(self, PATH_BUILD_FAILED);
    return WEIR_E_UNSUPPORTED;
}

typedef struct couple {
    end ends[2];
} couple;

static weir_local_end end_on(end *self, weir_loop *loop, uint64_t *random) {
    *self = (end){.loop = loop, .random = seed_next(random)};
    weir_local_end options = {.loop = loop, .build = build, .build_arg = self};
    options.channel = (weir_channel_options){.low_water = 500,
                                             .high_water = 2000,
                                             .write_cap = 6000,
                                             .close_timeout_ms = 1 + (unsigned)below(self, 20),
                                             .manual_read = below(self, 4) == 0,
                                             .read_while_unwritable = below(self, 2) == 0};
    return options;
}

static void begin(couple *self, weir_loop *one, weir_loop *other, uint64_t *random) {
    weir_channel *channels[2];
    weir_local_end a = end_on(&self->ends[0], one, random), b = end_on(&self->ends[1], other, random);
    require(weir_local_pair(&a, &b, &channels[0], &channels[1]) == WEIR_OK);
    weir_channel_release(channels[0]);
    weir_channel_release(channels[1]);
}

static bool is_gone(const couple *self) {
    return atomic_load(&self->ends[0].gone) && atomic_load(&self->ends[1].gone);
}

static void check(const couple *self, uint64_t *paths) {
    for (int i = 0; i < 2; i++) {
        const end *one = &self->ends[i], *other = &self->ends[1 - i];
        require(is_gone(self));
        require(one->reads <= other->sent);
        if (one->peer_closed) expect_eq(one->reads, other->sent);
        for (int at = 0; at < PATHS; at++) paths[at] += one->paths[at];
    }
}

static void drop_line(void *arg, weir_log_level level, const char *subject, const char *line) {
    (void)arg;
    (void)level;
    (void)subject;
    (void)line;
}

WEIR_TEST(pair_random, keeps_its_promises_by_hand_on_one_loop) {
    uint64_t random = seed_start(), paths[PATHS] = {0};
    weir_embedded *e = weir_embedded_new(NULL, NULL, NULL);
    weir_log_set_sink(drop_line, NULL);
    for (int i = 0; i < PAIRS_BY_HAND; i++) {
        couple pair;
        begin(&pair, weir_embedded_loop(e), weir_embedded_loop(e), &random);
        for (int ms = 0; ms < 1000 && !is_gone(&pair); ms++) weir_embedded_advance(e, 1);
        check(&pair, paths);
    }
    weir_log_set_sink(NULL, NULL);
    weir_embedded_free(e);
    expect_each_taken("path", path_names, paths, PATHS);
}

WEIR_TEST(pair_random, keeps_its_promises_between_two_threads) {
    uint64_t random = seed_start(), paths[PATHS] = {0};
    weir_loop_group *group = weir_loop_group_new(2);
    weir_log_set_sink(drop_line, NULL);
    for (int round = 0; round < ROUNDS; round++) {
        static couple pairs[PAIRS_A_ROUND];
        for (int i = 0; i < PAIRS_A_ROUND; i++)
            begin(&pairs[i], weir_loop_group_at(group, 0), weir_loop_group_at(group, 1), &random);
        for (int i = 0; i < PAIRS_A_ROUND; i++) {
            for (int ms = 0; ms < 10000 && !is_gone(&pairs[i]); ms++) wait_ms(1);
            check(&pairs[i], paths);
        }
    }
    weir_log_set_sink(NULL, NULL);
    weir_loop_group_free(group);
    expect_each_taken("path", path_names, paths, PATHS);
}
