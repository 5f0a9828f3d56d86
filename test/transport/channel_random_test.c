/* channel_random_test.c - a million random steps over channels whose handlers do random things.
 *
 * What must hold whatever happens: active and inactive at most once and in this order, nothing after
 * removed, removed once for each that was added, every promise completed once, and all memory back.
 */
#include <stdlib.h>
#include <string.h>

#include <weir/core/log.h>
#include <weir/testing.h>
#include <weir/transport.h>

#include "channel/channel_internal.h"
#include "seed.h"

enum {
    LIVES = 5000,
    STEPS_A_LIFE = 200,
    DEEPEST = 3, /* callbacks inside callbacks that still act */
    MOST_WISPS = 12
};

typedef struct wisp {
    bool was_active, was_inactive;
} wisp;

static struct world {
    uint64_t random;
    weir_embedded *embedded;
    weir_channel *channel;
    int depth;
    long wisps, promises; /* alive; not completed */
    uint64_t acts, completed;
    weir_timer timer;
} world;

static uint64_t below(uint64_t bound) {
    return seed_below(&world.random, bound);
}

static void act_at_random(weir_ctx *ctx);

/* ---- promises ---- */

static void promise_done(void *arg, weir_status status) {
    bool *done = arg;
    (void)status;
    require(!*done);
    *done = true;
    free(done);
    world.promises--;
    world.completed++;
    act_at_random(NULL);
}

static weir_promise *some_promise(void) {
    if (below(2) == 0) return NULL;
    weir_promise *promise = weir_promise_new(weir_embedded_loop(world.embedded));
    bool *done = calloc(1, sizeof *done);
    require(promise != NULL && done != NULL);
    weir_promise_listen(promise, promise_done, done);
    world.promises++;
    return promise;
}

static void *some_message(void) {
    if (below(40) == 0) return NULL;
    weir_buf *buf = weir_buf_new(64);
    weir_buf_write_fill(buf, 'x', below(8) == 0 ? below(600) : below(60));
    if (below(40) == 0) weir_buf_fail(buf, WEIR_E_FULL);
    return buf;
}

/* ---- the handler ---- */

static void wisp_added(weir_ctx *ctx) {
    (void)ctx;
    world.wisps++;
}

static void wisp_removed(weir_ctx *ctx) {
    act_at_random(NULL);
    wisp *self = weir_ctx_state(ctx);
    memset(self, 0xEE, sizeof *self);
    free(self);
    world.wisps--;
}

static void wisp_active(weir_ctx *ctx) {
    wisp *self = weir_ctx_state(ctx);
    require(!self->was_active && !self->was_inactive);
    self->was_active = true;
    act_at_random(ctx);
    weir_ctx_fire_active(ctx);
}

static void wisp_read(weir_ctx *ctx, weir_obj *msg) {
    act_at_random(ctx);
    if (below(3) == 0) {
        weir_ctx_write(ctx, msg, some_promise());
    } else {
        weir_ctx_fire_read(ctx, msg);
    }
}

static void wisp_read_complete(weir_ctx *ctx) {
    act_at_random(ctx);
    weir_ctx_fire_read_complete(ctx);
}

static void wisp_event(weir_ctx *ctx, weir_obj *event) {
    act_at_random(ctx);
    if (below(4) != 0) {
        weir_ctx_fire_event(ctx, event);
    } else {
        weir_obj_release(event);
    }
}

static void wisp_writable_changed(weir_ctx *ctx) {
    act_at_random(ctx);
    weir_ctx_fire_writable_changed(ctx);
}

static void wisp_error(weir_ctx *ctx, const weir_error *error) {
    act_at_random(ctx);
    if (below(3) != 0) weir_ctx_fire_error(ctx, error);
}

static void wisp_inactive(weir_ctx *ctx) {
    wisp *self = weir_ctx_state(ctx);
    require(!self->was_inactive);
    self->was_inactive = true;
    act_at_random(NULL); /* with its place it could be removed while it is looked at */
    weir_ctx_fire_inactive(ctx);
}

static void wisp_write(weir_ctx *ctx, weir_obj *msg, weir_promise *promise) {
    act_at_random(ctx);
    weir_ctx_write(ctx, msg, promise);
}

static void wisp_flush(weir_ctx *ctx) {
    act_at_random(ctx);
    weir_ctx_flush(ctx);
}

static void wisp_pull(weir_ctx *ctx) {
    act_at_random(ctx);
    weir_ctx_pull(ctx);
}

static void wisp_shutdown(weir_ctx *ctx, weir_promise *promise) {
    act_at_random(ctx);
    weir_ctx_shutdown(ctx, promise);
}

static void wisp_close(weir_ctx *ctx, weir_promise *promise) {
    act_at_random(ctx);
    weir_ctx_close(ctx, promise);
}

static void wisp_abort(weir_ctx *ctx, weir_status why) {
    act_at_random(ctx);
    weir_ctx_abort(ctx, why);
}

static const weir_handler full = {
    .name = "full",
    .added = wisp_added,
    .removed = wisp_removed,
    .active = wisp_active,
    .read = wisp_read,
    .read_complete = wisp_read_complete,
    .event = wisp_event,
    .writable_changed = wisp_writable_changed,
    .error = wisp_error,
    .inactive = wisp_inactive,
    .write = wisp_write,
    .flush = wisp_flush,
    .pull = wisp_pull,
    .shutdown = wisp_shutdown,
    .close = wisp_close,
    .abort = wisp_abort,
};

static const weir_handler inbound_only = {.name = "inbound_only",
                                          .added = wisp_added,
                                          .removed = wisp_removed,
                                          .read = wisp_read,
                                          .event = wisp_event};
static const weir_handler outbound_only = {.name = "outbound_only",
                                           .added = wisp_added,
                                           .removed = wisp_removed,
                                           .write = wisp_write,
                                           .close = wisp_close};

static const weir_handler *some_handler(void) {
    static const weir_handler *const kinds[] = {&full, &inbound_only, &outbound_only};
    return kinds[below(3)];
}

/* ---- changing the pipeline ---- */

static weir_ctx *some_place(void) {
    weir_pipeline *pipeline = weir_channel_pipeline(world.channel);
    weir_ctx *ctx = pipeline->head.next;
    for (uint64_t i = below(4); i > 0 && ctx != &pipeline->tail; i--) ctx = ctx->next;
    return ctx == &pipeline->tail ? NULL : ctx;
}

static void add_somewhere(void) {
    weir_pipeline *pipeline = weir_channel_pipeline(world.channel);
    weir_ctx *at = some_place();
    wisp *state = calloc(1, sizeof *state);
    require(state != NULL);
    weir_status status;
    switch (at == NULL ? below(2) : below(5)) {
    case 0: status = weir_pipeline_add_last(pipeline, some_handler(), state); break;
    case 1: status = weir_pipeline_add_first(pipeline, some_handler(), state); break;
    case 2: status = weir_pipeline_add_before(at, some_handler(), state); break;
    case 3: status = weir_pipeline_add_after(at, some_handler(), state); break;
    default: status = weir_pipeline_replace(at, some_handler(), state);
    }
    if (status != WEIR_OK) {
        require(status == WEIR_E_CLOSED);
        free(state);
    }
}

static void remove_one(weir_ctx *own) {
    weir_ctx *ctx = own != NULL && below(2) == 0 ? own : some_place();
    if (ctx != NULL) weir_pipeline_remove(ctx);
}

/* ---- doing things ---- */

static weir_event some_event = WEIR_EVENT_CONSTANT("some");

static void on_timer(weir_timer *timer) {
    (void)timer;
    act_at_random(NULL);
}

static void on_task(void *arg) {
    (void)arg;
    act_at_random(NULL);
}

static void act(weir_ctx *ctx) {
    weir_channel *channel = world.channel;
    weir_loop *loop = weir_embedded_loop(world.embedded);
    world.acts++;
    switch (below(26)) {
    case 0:
    case 1:
    case 2:
    case 3: weir_channel_write(channel, some_message(), some_promise()); break;
    case 4:
    case 5:
    case 6:
        if (ctx != NULL) weir_ctx_write_flush(ctx, some_message(), some_promise());
        break;
    case 7:
    case 8: weir_channel_flush(channel); break;
    case 9: weir_channel_pull(channel); break;
    case 10: weir_channel_set_reading(channel, below(2) == 0); break;
    case 11: weir_channel_fire_event(channel, &some_event.obj); break;
    case 12:
    case 13:
        if (world.wisps < MOST_WISPS) add_somewhere();
        break;
    case 14:
    case 15: remove_one(ctx); break;
    case 16: require(weir_loop_post(loop, on_task, NULL) == WEIR_OK); break;
    case 17: weir_timer_start(&world.timer, loop, below(50)); break;
    case 18:
        if (below(10) == 0) weir_channel_shutdown(channel, some_promise());
        break;
    case 19:
        if (below(10) == 0) weir_channel_close(channel, some_promise());
        break;
    case 20:
        if (below(30) == 0) weir_channel_abort(channel, WEIR_E_LIMIT);
        break;
    case 21:
        if (below(30) == 0 && ctx != NULL) weir_ctx_close(ctx, some_promise());
        break;
    case 22:
        if (below(30) == 0 && ctx != NULL) weir_ctx_fail(ctx, WEIR_E_INVALID, "random");
        break;
    default: break;
    }
}

static void act_at_random(weir_ctx *ctx) {
    if (world.depth >= DEEPEST || world.embedded == NULL || below(3) != 0) return;
    world.depth++;
    act(ctx);
    world.depth--;
}

static void take_step(void) {
    weir_embedded *e = world.embedded;
    switch (below(16)) {
    case 0:
    case 1:
    case 2: weir_embedded_feed_bytes(e, "some bytes", below(11)); break;
    case 3: weir_embedded_stall(e, below(2) == 0); break;
    case 4: weir_embedded_advance(e, below(40)); break;
    case 5: weir_obj_release(weir_embedded_take(e)); break;
    case 6: weir_embedded_run(e); break;
    case 7:
        if (below(60) == 0) weir_embedded_feed_end(e);
        break;
    case 8:
        if (below(100) == 0) weir_embedded_break(e, WEIR_E_TIMEOUT);
        break;
    default: act(NULL);
    }
}

static weir_status build(weir_pipeline *pipeline, void *arg) {
    (void)arg;
    world.channel = weir_pipeline_channel(pipeline);
    for (uint64_t i = below(4) + 1; i > 0; i--) add_somewhere();
    return WEIR_OK;
}

static void live_once(void) {
    weir_channel_options options = {.low_water = 200,
                                    .high_water = 400,
                                    .write_cap = 2000,
                                    .close_timeout_ms = 100,
                                    .manual_read = below(4) == 0,
                                    .read_while_unwritable = below(2) == 0};
    world.embedded = NULL; /* no acts before there is something to act on */
    weir_embedded *e = weir_embedded_new(&options, build, NULL);
    require(e != NULL);
    world.embedded = e;
    weir_timer_init(&world.timer, on_timer, NULL);
    weir_channel *held = weir_channel_retain(world.channel);
    for (int i = 0; i < STEPS_A_LIFE; i++) take_step();
    weir_channel_abort(world.channel, WEIR_E_CANCELED);
    for (int i = 0; i < 100 && world.promises > 0; i++) weir_embedded_run(e);
    weir_timer_stop(&world.timer, weir_embedded_loop(e));
    world.embedded = NULL;
    weir_embedded_free(e);
    expect(weir_obj_is_unshared(held));
    weir_channel_release(held);
    require(world.wisps == 0);
    require(world.promises == 0);
}

static void drop_line(void *arg, weir_log_level level, const char *subject, const char *text) {
    (void)arg;
    (void)level;
    (void)subject;
    (void)text;
}

WEIR_TEST(channel_random, keeps_its_promises_over_a_million_random_steps) {
    memset(&world, 0, sizeof world);
    world.random = seed_start();
    weir_log_set_sink(drop_line, NULL);
    for (int i = 0; i < LIVES; i++) live_once();
    weir_log_set_sink(NULL, NULL);
    expect(world.acts > LIVES * STEPS_A_LIFE / 4);
    expect(world.completed > LIVES);
}
