/* channel_world.c - see channel_world.h. */
#include "channel_world.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weir/testing.h>
#include <weir/transport.h>

#include "channel/channel_internal.h"

enum {
    STEPS_A_LIFE = 200,
    CLOSE_TIMEOUT_MS = 100,
    DEEPEST = 3, /* callbacks inside callbacks that still act */
    MOST_WISPS = 12
};

#define ACT_NAME(name) #name,
const char *const act_names[ACTS] = {ACT_LIST(ACT_NAME)};

typedef struct wisp {
    bool was_active, was_inactive;
} wisp;

static struct world {
    chance luck;
    weir_embedded *embedded;
    weir_channel *channel;
    int depth;
    long wisps; /* alive */
    weir_timer timer;
    life_model model;
    channel_world_counts *counts;
} world;

static uint64_t below(uint64_t bound) {
    return chance_below(&world.luck, bound);
}

static void act_at_random(weir_ctx *ctx);

/* ---- promises ---- */

static void act_after_promise(void) {
    act_at_random(NULL);
}

static weir_promise *some_promise(promise_kind kind) {
    if (below(2) == 0) return NULL;
    return life_model_promise(&world.model, weir_embedded_loop(world.embedded), kind, act_after_promise);
}

static ssize_t read_nothing(weir_region *region, uint64_t at, void *dst, size_t n, bool may_wait) {
    (void)region;
    (void)at;
    (void)may_wait;
    memset(dst, 0, n);
    return (ssize_t)n;
}

static void free_region(weir_region *region) {
    free(region);
}

static const weir_region_ops zeros = {.name = "zeros", .read = read_nothing, .free = free_region};

static void *some_message(void) {
    if (below(40) == 0) return NULL;
    if (below(6) == 0) {
        weir_region *region = malloc(sizeof *region);
        require(region != NULL);
        weir_region_init(region, &zeros, below(800));
        return region;
    }
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
        weir_ctx_write(ctx, msg, some_promise(PROMISE_WRITE));
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
    weir_ctx *ctx = pipeline->ends.next; /* the watcher, which stays */
    for (uint64_t i = below(4) + 1; i > 0 && ctx != &pipeline->ends; i--) ctx = ctx->next;
    return ctx == &pipeline->ends ? NULL : ctx;
}

static void keep_or_free(weir_status status, wisp *state) {
    if (status == WEIR_OK) return;
    require(status == WEIR_E_CLOSED);
    free(state);
}

static void add_somewhere(void) {
    weir_pipeline *pipeline = weir_channel_pipeline(world.channel);
    weir_ctx *at = some_place();
    wisp *state = calloc(1, sizeof *state);
    require(state != NULL);
    weir_status status;
    switch (at == NULL ? below(2) : below(4)) {
    case 0: status = weir_pipeline_add_last(pipeline, some_handler(), state); break;
    case 1: /* behind the watcher, while that is there */
        status = pipeline->ends.next == &pipeline->ends
                     ? weir_pipeline_add_first(pipeline, some_handler(), state)
                     : weir_pipeline_add_after(pipeline->ends.next, some_handler(), state);
        break;
    case 2: status = weir_pipeline_add_before(at, some_handler(), state); break;
    default: status = weir_pipeline_add_after(at, some_handler(), state);
    }
    keep_or_free(status, state);
}

static void replace(weir_ctx *ctx) {
    if (ctx == NULL || ctx->removed) return;
    wisp *state = calloc(1, sizeof *state);
    require(state != NULL);
    keep_or_free(weir_pipeline_replace(ctx, some_handler(), state), state);
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

/* As from another thread: with the loop in nobody's hands every call is posted. */
static void call_off_loop(weir_channel *channel) {
    weir_loop *loop = weir_embedded_loop(world.embedded);
    loop_set_thread(loop, NULL);
    switch (below(20)) {
    case 0: weir_channel_close(channel, some_promise(PROMISE_CLOSE)); break;
    case 1: weir_channel_shutdown(channel, some_promise(PROMISE_SHUTDOWN)); break;
    case 2:
        if (below(4) == 0) weir_channel_abort(channel, WEIR_E_LIMIT);
        break;
    case 3: weir_channel_fire_event(channel, &some_event.obj); break;
    case 4: weir_channel_set_reading(channel, below(3) != 0); break;
    case 5: weir_channel_pull(channel); break;
    case 6: weir_channel_flush(channel); break;
    default: weir_channel_write(channel, some_message(), some_promise(PROMISE_WRITE));
    }
    loop_set_thread(loop, &loop_this_thread);
}

static void feed(weir_embedded *e) {
    uint8_t bytes[16];
    size_t n = below(sizeof bytes);
    for (size_t i = 0; i < n; i++) bytes[i] = life_byte(world.model.fed + i);
    world.model.fed += n;
    if (weir_embedded_feed_bytes(e, bytes, n) != WEIR_OK) world.model.fed -= n;
}

/* The rare ones end a life. */
static act some_act(weir_ctx *ctx) {
    static const struct {
        act act;
        unsigned share; /* of 1000 */
    } shares[] = {
        {ACT_WRITE, 200}, {ACT_WRITE_FROM_HERE, 150}, {ACT_FLUSH, 60},         {ACT_PULL, 60},
        {ACT_PAUSE, 25},  {ACT_RESUME, 35},           {ACT_FIRE_EVENT, 40},    {ACT_ADD, 100},
        {ACT_REMOVE, 40}, {ACT_REMOVE_ITSELF, 40},    {ACT_REPLACE, 25},       {ACT_REPLACE_ITSELF, 25},
        {ACT_POST, 50},   {ACT_START_TIMER, 50},      {ACT_OFF_LOOP_CALL, 60}, {ACT_SHUTDOWN, 5},
        {ACT_CLOSE, 4},   {ACT_CLOSE_FROM_HERE, 2},   {ACT_ABORT, 2},          {ACT_FAIL, 2},
    };
    uint64_t at = below(1000);
    for (size_t i = 0; i < sizeof shares / sizeof shares[0]; i++) {
        if (at < shares[i].share) return shares[i].act;
        at -= shares[i].share;
    }
    return ctx != NULL ? ACT_WRITE_FROM_HERE : ACT_WRITE;
}

static bool needs_place(act what) {
    return what == ACT_WRITE_FROM_HERE || what == ACT_REMOVE_ITSELF || what == ACT_REPLACE_ITSELF ||
           what == ACT_CLOSE_FROM_HERE || what == ACT_FAIL;
}

static void change_pipeline(act what, weir_ctx *ctx) {
    weir_ctx *at;
    switch (what) {
    case ACT_ADD:
        if (world.wisps < MOST_WISPS) add_somewhere();
        break;
    case ACT_REMOVE_ITSELF: weir_pipeline_remove(ctx); break;
    case ACT_REPLACE_ITSELF: replace(ctx); break;
    case ACT_REPLACE: replace(some_place()); break;
    default:
        at = some_place();
        if (at != NULL) weir_pipeline_remove(at);
    }
}

static void act_on(act what, weir_ctx *ctx) {
    weir_channel *channel = world.channel;
    weir_loop *loop = weir_embedded_loop(world.embedded);
    if (ctx == NULL && needs_place(what)) return;
    world.counts->acts[what]++;
    world.counts->steps++;
    switch (what) {
    case ACT_WRITE: weir_channel_write(channel, some_message(), some_promise(PROMISE_WRITE)); break;
    case ACT_WRITE_FROM_HERE: weir_ctx_write_flush(ctx, some_message(), some_promise(PROMISE_WRITE)); break;
    case ACT_FLUSH: weir_channel_flush(channel); break;
    case ACT_PULL: weir_channel_pull(channel); break;
    case ACT_PAUSE: weir_channel_set_reading(channel, false); break;
    case ACT_RESUME: weir_channel_set_reading(channel, true); break;
    case ACT_FIRE_EVENT: weir_channel_fire_event(channel, &some_event.obj); break;
    case ACT_POST: require(weir_loop_post(loop, on_task, NULL) == WEIR_OK); break;
    case ACT_START_TIMER: weir_timer_start(&world.timer, loop, below(50)); break;
    case ACT_OFF_LOOP_CALL: call_off_loop(channel); break;
    case ACT_SHUTDOWN: weir_channel_shutdown(channel, some_promise(PROMISE_SHUTDOWN)); break;
    case ACT_CLOSE: weir_channel_close(channel, some_promise(PROMISE_CLOSE)); break;
    case ACT_CLOSE_FROM_HERE: weir_ctx_close(ctx, some_promise(PROMISE_CLOSE)); break;
    case ACT_ABORT: weir_channel_abort(channel, WEIR_E_LIMIT); break;
    case ACT_FAIL: weir_ctx_fail(ctx, WEIR_E_INVALID, "random"); break;
    default: change_pipeline(what, ctx);
    }
}

static void act_at_random(weir_ctx *ctx) {
    if (world.depth >= DEEPEST || world.embedded == NULL || chance_is_over(&world.luck)) return;
    if (below(3) != 0) return;
    world.depth++;
    act_on(some_act(ctx), ctx);
    world.depth--;
}

static act some_step(void) {
    static const act often[] = {ACT_FEED, ACT_FEED, ACT_FEED, ACT_STALL, ACT_ADVANCE, ACT_TAKE, ACT_TAKE};
    uint64_t at = below(1000);
    if (at < 5) return ACT_ADVANCE_PAST_CLOSE_TIMEOUT;
    if (at < 9) return ACT_PEER_END;
    if (at < 11) return ACT_PEER_RESET;
    return at < 550 ? often[at % 7] : some_act(NULL);
}

static void take_step(void) {
    weir_embedded *e = world.embedded;
    act what = some_step();
    if (what < ACT_FEED) {
        act_on(what, NULL);
        return;
    }
    world.counts->acts[what]++;
    world.counts->steps++;
    switch (what) {
    case ACT_FEED: feed(e); break;
    case ACT_STALL: weir_embedded_stall(e, below(2) == 0); break;
    case ACT_ADVANCE: weir_embedded_advance(e, below(40)); break;
    case ACT_ADVANCE_PAST_CLOSE_TIMEOUT: weir_embedded_advance(e, 2 * CLOSE_TIMEOUT_MS); break;
    case ACT_TAKE: weir_obj_release(weir_embedded_take(e)); break;
    case ACT_PEER_END: weir_embedded_feed_end(e); break;
    default: life_model_break(&world.model, -ECONNRESET); weir_embedded_break(e, -ECONNRESET);
    }
}

/* Before there is an embedded channel to act on there is one to write to, close and abort. */
static weir_status build(weir_pipeline *pipeline, void *arg) {
    (void)arg;
    world.channel = weir_channel_retain(weir_pipeline_channel(pipeline));
    require(life_model_watch(&world.model, pipeline) == WEIR_OK);
    for (uint64_t i = below(4) + 1; i > 0; i--) add_somewhere();
    if (below(4) == 0) weir_channel_write(world.channel, some_message(), NULL);
    if (below(100) == 0) weir_channel_close(world.channel, NULL);
    if (below(100) == 0) weir_channel_abort(world.channel, WEIR_E_LIMIT);
    return below(100) == 0 ? WEIR_E_UNSUPPORTED : WEIR_OK;
}

static void finish(weir_embedded *e) {
    weir_channel_abort(world.channel, WEIR_E_CANCELED);
    for (int i = 0; i < 100 && world.model.promises > 0; i++) weir_embedded_run(e);
    weir_timer_stop(&world.timer, weir_embedded_loop(e));
}

void channel_world_live(chance *luck, channel_world_counts *counts) {
    world = (struct world){.luck = *luck, .counts = counts};
    weir_channel_options options = {.low_water = 200,
                                    .high_water = 400,
                                    .write_cap = 2000,
                                    .close_timeout_ms = CLOSE_TIMEOUT_MS,
                                    .manual_read = below(4) == 0,
                                    .read_while_unwritable = below(2) == 0};
    life_model_begin(&world.model, world.counts->paths);
    weir_timer_init(&world.timer, on_timer, NULL);
    weir_embedded *e = weir_embedded_new(&options, build, NULL);
    world.embedded = e;
    for (int i = 0; e != NULL && i < STEPS_A_LIFE && !chance_is_over(&world.luck); i++) take_step();
    if (e != NULL) finish(e);
    if (e == NULL) life_model_build_failed(&world.model);
    world.embedded = NULL;
    weir_embedded_free(e);
    life_model_end(&world.model);
    expect(weir_obj_is_unshared(world.channel));
    weir_channel_release(world.channel);
    require(world.wisps == 0);
    *luck = world.luck;
}
