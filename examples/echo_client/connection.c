/* connection.c - the handler of one connection. Everything here runs on its loop. */
#include "connection.h"

#include <time.h>

#include "pattern.h"

weir_event connection_begin = WEIR_EVENT_CONSTANT("begin");
weir_event connection_finish = WEIR_EVENT_CONSTANT("finish");

static uint64_t now_ns(void) {
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (uint64_t)at.tv_sec * 1000000000u + (uint64_t)at.tv_nsec;
}

/* Tops up what is on its way; once finishing, ends our stream when all is back. */
static void go_on(weir_ctx *ctx, struct connection *self) {
    struct worker *worker = self->worker;
    uint64_t messages = self->sent / worker->size, now = now_ns();
    while (!self->finishing && messages - self->replies < worker->depth) {
        self->sent_at[messages++ % worker->depth] = now;
        weir_ctx_write(ctx, pattern_slice(worker->pattern, self->first + self->sent, worker->size), NULL);
        self->sent += worker->size;
    }
    weir_ctx_flush(ctx);
    if (!self->finishing || self->shut || self->received < self->sent) return;
    self->shut = true;
    weir_ctx_shutdown(ctx, NULL);
}

static void fail(weir_ctx *ctx, struct connection *self, weir_status why) {
    if (self->failure == WEIR_OK) self->failure = why;
    weir_ctx_abort(ctx, why);
}

static void count_replies(struct connection *self) {
    struct worker *worker = self->worker;
    uint64_t before = self->replies, now = now_ns();
    while (self->replies < self->received / worker->size) {
        histogram_add(&worker->latencies, now - self->sent_at[self->replies++ % worker->depth], 1);
    }
    atomic_fetch_add_explicit(&worker->messages, self->replies - before, memory_order_relaxed);
}

static void load_read(weir_ctx *ctx, weir_obj *msg) {
    struct connection *self = weir_ctx_state(ctx);
    weir_buf *buf = weir_buf_from(msg);
    size_t length = weir_buf_readable(buf);
    bool right = length <= self->sent - self->received;
    while (right && weir_buf_is_readable(buf)) {
        weir_bytes part = weir_buf_peek(buf);
        right = pattern_matches(self->worker->pattern, self->first + self->received, part);
        if (right) self->received += part.len;
        weir_buf_skip(buf, part.len);
    }
    weir_obj_release(msg);
    if (!right) {
        fail(ctx, self, WEIR_E_FRAME_CORRUPT);
        return;
    }
    atomic_fetch_add_explicit(&self->worker->bytes, length, memory_order_relaxed);
    count_replies(self);
}

static void load_read_complete(weir_ctx *ctx) {
    struct connection *self = weir_ctx_state(ctx);
    if (self->failure == WEIR_OK) go_on(ctx, self);
}

static void load_event(weir_ctx *ctx, weir_obj *event) {
    struct connection *self = weir_ctx_state(ctx);
    if (event == &connection_begin.obj || event == &connection_finish.obj) {
        self->finishing = event == &connection_finish.obj;
        go_on(ctx, self);
        return;
    }
    if (event == &weir_event_peer_closed.obj && self->received < self->sent) self->failure = WEIR_E_EOF;
    weir_ctx_fire_event(ctx, event); /* whose end closes the channel when the peer has closed */
}

static void load_error(weir_ctx *ctx, const weir_error *error) {
    fail(ctx, weir_ctx_state(ctx), error->status);
}

static void load_inactive(weir_ctx *ctx) {
    struct connection *self = weir_ctx_state(ctx);
    if (self->failure == WEIR_OK && (!self->finishing || self->received < self->sent)) {
        self->failure = WEIR_E_CLOSED;
    }
    weir_promise_complete(weir_promise_retain(self->done), self->failure);
}

static const weir_handler load = {
    .name = "load",
    .read = load_read,
    .read_complete = load_read_complete,
    .event = load_event,
    .error = load_error,
    .inactive = load_inactive,
};

weir_status connection_build(weir_pipeline *pipeline, void *arg) {
    return weir_pipeline_add_last(pipeline, &load, arg);
}
