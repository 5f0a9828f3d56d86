/* pool_test.c - connections that are leased from a pool, and one that is kept up, in a storm of failing calls. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weir/testing.h>

#include "storm.h"

enum {
    USUAL_FAULTS = 5000,
    MESSAGE = 5000
};

/* ---- a lease: one message there and back ---- */

static weir_connection_pool *pool;

typedef struct lease {
    storm *world;
    weir_channel *channel;
    size_t got;
    uint64_t key;
    bool told;
    weir_status failure;
} lease;

/* Takes: self. */
static void end_lease(lease *self) {
    storm *world = self->world;
    weir_status failure = self->failure;
    bool whole = self->got == MESSAGE;
    free(self);
    storm_over(world, "lease", failure, whole);
}

static void lease_read(weir_ctx *ctx, weir_obj *msg) {
    lease *self = weir_ctx_state(ctx);
    weir_bytes bytes = weir_buf_peek(weir_buf_from(msg));
    for (size_t i = 0; i < bytes.len; i++) {
        if (self->got < MESSAGE && bytes.ptr[i] == storm_byte(self->key, self->got++)) continue;
        storm_fail(self->world, "lease: byte %zu is wrong", self->got);
        break;
    }
    weir_obj_release(msg);
    if (self->got == MESSAGE) weir_pipeline_remove(ctx);
}

static void lease_error(weir_ctx *ctx, const weir_error *error) {
    ((lease *)weir_ctx_state(ctx))->failure = error->status;
    weir_ctx_fire_error(ctx, error);
}

/* By its own hand when all has come, else with the connection. */
static void lease_removed(weir_ctx *ctx) {
    lease *self = weir_ctx_state(ctx);
    weir_connection_pool_release(self->channel);
    end_lease(self);
}

static const weir_handler lease_handler = {
    .name = "lease", .read = lease_read, .error = lease_error, .removed = lease_removed};

static void acquired(void *arg, weir_status status, weir_channel *channel) {
    lease *self = arg;
    if (self->told || (status == WEIR_OK) != (channel != NULL))
        storm_fail(self->world, "lease: told again, or of no connection");
    self->told = true;
    self->failure = status;
    self->channel = channel;
    if (channel == NULL) {
        end_lease(self);
        return;
    }
    weir_buf *buf = weir_buf_new(MESSAGE);
    for (size_t i = 0; i < MESSAGE; i++) weir_buf_write_u8(buf, storm_byte(self->key, i));
    require(weir_pipeline_add_last(weir_channel_pipeline(channel), &lease_handler, self) == WEIR_OK);
    weir_channel_write(channel, buf, NULL);
}

static void begin_lease(storm *world) {
    lease *self = calloc(1, sizeof *self);
    require(self != NULL);
    self->world = world;
    self->key = storm_below(world, 1000);
    storm_begun(world);
    require(weir_connection_pool_acquire(pool, acquired, self) == WEIR_OK);
}

static weir_client_options to_echo(storm *world) {
    weir_client_options options = storm_client(world, NULL);
    options.port = weir_addr_port(weir_server_addr(world->echo));
    options.build = NULL;
    return options;
}

static void open_pool(storm *world) {
    weir_connection_pool_options options = {.client = to_echo(world), .max_connections = 4};
    pool = weir_connection_pool_new(&options);
    require(pool != NULL);
}

static void close_pool(storm *world) {
    weir_connection_pool_stats stats;
    weir_connection_pool_get_stats(pool, &stats);
    if (stats.leased != 0 || stats.waiting != 0) storm_fail(world, "lease: some are still leased or wait");
    weir_connection_pool_free(pool);
}

WEIR_TEST(pool, leases_what_serves_or_tells_why_not) {
    storm it = {.begin_one = begin_lease, .open_more = open_pool, .close_more = close_pool};
    storm_run(&it, fault_goal(USUAL_FAULTS));
}

/* ---- a connection that is kept up: a session is to be up once ---- */

typedef struct keeper {
    storm *world;
    weir_reconnect *reconnect;
    weir_task task;
    weir_reconnect_state state;
    unsigned ups;
} keeper;

static bool may_follow(weir_reconnect_state before, weir_reconnect_state now) {
    switch (now) {
    case WEIR_RECONNECT_CONNECTING: return before == WEIR_RECONNECT_WAITING;
    case WEIR_RECONNECT_UP: return before == WEIR_RECONNECT_CONNECTING;
    case WEIR_RECONNECT_DOWN: return before == WEIR_RECONNECT_CONNECTING || before == WEIR_RECONNECT_UP;
    case WEIR_RECONNECT_WAITING: return before == WEIR_RECONNECT_DOWN;
    default: return true;
    }
}

static void let_go(weir_task *task) {
    keeper *self = WEIR_CONTAINER(task, keeper, task);
    storm *world = self->world;
    weir_reconnect_free(self->reconnect);
    free(self);
    storm_over(world, "keeper", WEIR_OK, true);
}

static void on_step(void *arg, weir_reconnect *reconnect, const weir_reconnect_event *event) {
    keeper *self = arg;
    (void)reconnect;
    if (!may_follow(self->state, event->state))
        storm_fail(self->world, "keeper: %d behind %d", (int)event->state, (int)self->state);
    self->state = event->state;
    if (event->cause == -EINTR) storm_fail(self->world, "keeper: EINTR");
    if (event->state == WEIR_RECONNECT_STOPPED) {
        require(weir_loop_post_task(self->world->loop, &self->task) == WEIR_OK);
        return;
    }
    if (event->state != WEIR_RECONNECT_UP) return;
    if (++self->ups == 3 || self->world->clean) {
        weir_reconnect_stop(self->reconnect);
    } else {
        weir_channel_write(event->channel, weir_buf_new(1), NULL);
        weir_channel_close(event->channel, NULL);
    }
}

static void begin_keeping(storm *world) {
    keeper *self = calloc(1, sizeof *self);
    require(self != NULL);
    *self = (keeper){.world = world, .state = WEIR_RECONNECT_WAITING, .task.run = let_go};
    storm_begun(world);
    weir_reconnect_options options = {
        .client = to_echo(world), .on_event = on_step, .arg = self, .seed = 1 + storm_below(world, 1000)};
    self->reconnect = weir_reconnect_new(&options);
    require(self->reconnect != NULL);
}

WEIR_TEST(pool, one_that_is_kept_up_comes_up_again_whatever_fails) {
    storm it = {.begin_one = begin_keeping};
    storm_run(&it, fault_goal(USUAL_FAULTS / 5));
}
