/* watch.c - see watch.h. A handler next to the head sees the connection come and go; what fails before it is in the
 * pipeline is told by the promise. */
#include "bootstrap/watch.h"

#include <string.h>

#include <weir/transport/ctx.h>
#include <weir/transport/promise.h>

#include "channel/channel_internal.h"

/* Takes: self. */
static void finish(watch *self, weir_status cause) {
    weir_channel *channel = self->channel;
    self->channel = NULL;
    self->events->over(self, cause);
    weir_channel_release(channel);
}

static void tell_up(weir_ctx *ctx) {
    watch *self = weir_ctx_state(ctx);
    weir_channel *channel = weir_ctx_channel(ctx);
    weir_ctx_fire_active(ctx);
    if (weir_channel_is_active(channel)) self->events->up(self);
}

static void tell_over(weir_ctx *ctx) {
    finish(weir_ctx_state(ctx), weir_ctx_channel(ctx)->cause);
}

static const weir_handler watch_handler = {.name = "watch", .active = tell_up, .removed = tell_over};

static weir_status build(weir_pipeline *pipeline, void *arg) {
    watch *self = arg;
    weir_status status = weir_pipeline_add_first(pipeline, &watch_handler, self);
    if (status != WEIR_OK) return status;
    self->in_pipeline = true;
    return self->build == NULL ? WEIR_OK : self->build(pipeline, self->build_arg);
}

static void settled(void *arg, weir_status status) {
    watch *self = arg;
    if (status != WEIR_OK && !self->in_pipeline) finish(self, status);
}

void watch_connect(watch *self, const watch_events *events, watch_connect_fn *connect,
                   const watch_target *target) {
    weir_client_options options = target->options;
    self->events = events;
    self->build = options.build;
    self->build_arg = options.build_arg;
    self->in_pipeline = false;
    self->channel = NULL;
    options.build = build;
    options.build_arg = self;
    weir_promise *promise = weir_promise_new(options.loop);
    if (promise == NULL) {
        finish(self, WEIR_E_NO_MEMORY);
        return;
    }
    (void)weir_promise_listen(promise, settled, self); /* the first listener has its place */
    weir_channel *channel = connect(&options, promise);
    if (channel != NULL) self->channel = channel;
}

watch *watch_of(weir_channel *channel) {
    weir_ctx *ctx = weir_pipeline_find(weir_channel_pipeline(channel), &watch_handler);
    return ctx == NULL ? NULL : weir_ctx_state(ctx);
}

/* ---- targets ---- */

static size_t room_for(const char *text) {
    return text == NULL ? 0 : strlen(text) + 1;
}

bool watch_target_init(watch_target *self, const weir_client_options *options) {
    size_t host = room_for(options->host), local = room_for(options->local_host);
    self->options = *options;
    self->strings = weir_alloc_acquire(options->loop->alloc, host + local);
    if (self->strings == NULL) return false;
    if (host > 0) self->options.host = memcpy(self->strings, options->host, host);
    if (local > 0) self->options.local_host = memcpy(self->strings + host, options->local_host, local);
    return true;
}

void watch_target_clear(watch_target *self) {
    weir_alloc_release(self->options.loop->alloc, self->strings);
}
