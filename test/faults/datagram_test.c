/* datagram_test.c - datagrams there and back in a storm of failing calls: each promise once, and what arrives is what
 * was sent. That some are lost is UDP's way; in fair weather none is.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weir/testing.h>

#include "storm.h"

enum {
    USUAL_FAULTS = 6000,
    MOST_SENT = 20,
    MOST_SIZE = 1200,
    LOSS_MS = 50 /* what has not come back by then is lost */
};

/* ---- the echo: a channel on the storm's loop ---- */

static weir_channel *echo;
static unsigned echo_port;

static void echo_active(weir_ctx *ctx) {
    weir_addr at;
    weir_channel_local_addr(weir_ctx_channel(ctx), &at);
    echo_port = weir_addr_port(&at);
}

static void echo_read(weir_ctx *ctx, weir_obj *msg) {
    weir_ctx_write(ctx, msg, NULL);
}

static void echo_error(weir_ctx *ctx, const weir_error *error) {
    if (error->status == -EINTR || error->status == -EAGAIN)
        storm_fail(weir_ctx_state(ctx), "the echo was told of %s", weir_status_text(error->status));
}

static const weir_handler echo_handler = {
    .name = "echo", .active = echo_active, .read = echo_read, .error = echo_error};

static weir_status build_echo(weir_pipeline *pipeline, void *arg) {
    return weir_pipeline_add_last(pipeline, &echo_handler, arg);
}

static void open_echo(storm *world) {
    weir_datagram_options options = {.loop = world->loop,
                                     .host = "127.0.0.1",
                                     .build = build_echo,
                                     .build_arg = world,
                                     .gro = storm_below(world, 2) == 0};
    echo = weir_datagram_open(&options, NULL);
    require(echo != NULL);
}

static void close_echo(storm *world) {
    (void)world;
    weir_channel_close(echo, NULL);
    weir_channel_release(echo);
}

/* ---- a session ---- */

typedef struct exchange {
    storm *world;
    weir_channel *channel;
    weir_ctx *ctx;
    weir_timer patience;
    uint64_t key;
    unsigned count, came, told, failed;
    bool seen[MOST_SENT];
    size_t sizes[MOST_SENT];
    unsigned removed;
    bool open_told;
    weir_status failure;
} exchange;

static void end_if_over(exchange *self) {
    if (!self->open_told || self->ctx != NULL || self->told < self->count || self->removed == 0) return;
    storm *world = self->world;
    weir_status failure = self->failure;
    bool whole = !world->clean || self->came == self->count;
    weir_channel_release(self->channel);
    free(self);
    storm_over(world, "datagram", failure, whole);
}

static void finish(exchange *self) {
    if (self->ctx != NULL) weir_ctx_close(self->ctx, NULL);
}

static void on_patience(weir_timer *timer) {
    finish(timer->arg);
}

static void on_told(void *arg, weir_status status) {
    exchange *self = arg;
    self->told++;
    if (status != WEIR_OK) self->failed++;
    if (status == -EINTR || status == -EAGAIN) self->failure = status;
    end_if_over(self);
}

static weir_buf *make(exchange *self, unsigned i) {
    size_t n = 2 + (size_t)storm_below(self->world, MOST_SIZE - 2);
    if (i > 0 && storm_below(self->world, 2) == 0) n = self->sizes[i - 1]; /* so that runs come to be */
    weir_buf *buf = weir_ctx_get_buf(self->ctx, n);
    require(buf != NULL);
    self->sizes[i] = n;
    weir_buf_write_u8(buf, (uint8_t)i);
    for (size_t at = 1; at < n; at++) weir_buf_write_u8(buf, storm_byte(self->key + i, at));
    return buf;
}

static void on_active(weir_ctx *ctx) {
    exchange *self = weir_ctx_state(ctx);
    unsigned want = 1 + (unsigned)storm_below(self->world, MOST_SENT);
    weir_timer_start(&self->patience, self->world->loop, LOSS_MS);
    for (unsigned i = 0; i < want; i++) {
        weir_promise *promise = weir_promise_new(self->world->loop);
        require(promise != NULL && weir_promise_listen(promise, on_told, self) == WEIR_OK);
        self->count++;
        weir_ctx_write(ctx, make(self, i), promise);
    }
}

static void check(exchange *self, weir_bytes bytes) {
    unsigned i = bytes.len > 0 ? bytes.ptr[0] : MOST_SENT;
    bool good = i < self->count && !self->seen[i] && bytes.len == self->sizes[i];
    for (size_t at = 1; good && at < bytes.len; at++) good = bytes.ptr[at] == storm_byte(self->key + i, at);
    if (!good) {
        storm_fail(self->world, "datagram: one of %zu bytes came that was not sent so", bytes.len);
        return;
    }
    self->seen[i] = true;
    self->came++;
}

static void on_read(weir_ctx *ctx, weir_obj *msg) {
    exchange *self = weir_ctx_state(ctx);
    weir_buf *content = weir_datagram_unwrap(weir_datagram_from(msg));
    check(self, weir_buf_peek(content));
    weir_buf_release(content);
    if (self->came == self->count) finish(self);
}

static void on_error(weir_ctx *ctx, const weir_error *error) {
    exchange *self = weir_ctx_state(ctx);
    if (error->status == -EINTR || error->status == -EAGAIN) self->failure = error->status;
}

static void on_added(weir_ctx *ctx) {
    ((exchange *)weir_ctx_state(ctx))->ctx = ctx;
}

static void on_removed(weir_ctx *ctx) {
    exchange *self = weir_ctx_state(ctx);
    self->ctx = NULL;
    self->removed++;
    weir_timer_stop(&self->patience, self->world->loop);
    end_if_over(self);
}

static const weir_handler exchange_handler = {.name = "exchange",
                                              .added = on_added,
                                              .removed = on_removed,
                                              .active = on_active,
                                              .read = on_read,
                                              .error = on_error};

static weir_status build(weir_pipeline *pipeline, void *arg) {
    return weir_pipeline_add_last(pipeline, &exchange_handler, arg);
}

static void open_told(void *arg, weir_status status) {
    exchange *self = arg;
    self->open_told = true;
    self->failure = status;
    end_if_over(self);
}

static void begin_exchange(storm *world) {
    exchange *self = calloc(1, sizeof *self);
    weir_promise *promise = weir_promise_new(world->loop);
    require(self != NULL && promise != NULL);
    self->world = world;
    self->key = storm_below(world, 1000);
    weir_timer_init(&self->patience, on_patience, self);
    require(weir_promise_listen(promise, open_told, self) == WEIR_OK);
    weir_datagram_options options = {.loop = world->loop,
                                     .remote_host = "127.0.0.1",
                                     .remote_port = echo_port,
                                     .build = build,
                                     .build_arg = self};
    storm_begun(world);
    self->channel = weir_datagram_open(&options, promise);
    require(self->channel != NULL);
}

WEIR_TEST(datagram, each_is_told_of_once_and_what_arrives_is_what_was_sent) {
    storm it = {.begin_one = begin_exchange, .open_more = open_echo, .close_more = close_echo};
    storm_run(&it, fault_goal(USUAL_FAULTS));
}
