/* exchange.c - the handler: the answer to the sink, no faster than the disk takes it. */
#include "exchange.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void exchange_fail(struct exchange *self, int code, const char *format, ...) {
    if (self->settled) return;
    char sentence[ORIGIN_URL_MAX + 400];
    va_list values;
    va_start(values, format);
    vsnprintf(sentence, sizeof sentence, format, values);
    va_end(values);
    if (self->in_body) progress_clear(&self->progress);
    complain("%s", sentence);
    self->settled = true;
    self->code = code;
    if (self->channel != NULL) weir_channel_abort(self->channel, WEIR_E_CANCELED);
}

static void fail_to_get(struct exchange *self, const char *why) {
    exchange_fail(self, 1, "cannot get '%s': %s", self->origin->url, why);
}

/* ---- to disk ---- */

/* Everything came and is written. */
static void finish(struct exchange *self) {
    weir_status status = sink_finish(self->sink);
    if (status != WEIR_OK) {
        exchange_fail(self, 1, "cannot finish '%s': %s", self->sink->path, weir_status_text(status));
        return;
    }
    if (self->in_body) progress_end(&self->progress, weir_loop_now(self->loop), 1, self->received);
    self->settled = true;
}

static bool is_right(struct exchange *self) {
    if (self->size != PROGRESS_UNKNOWN && self->sink->size != self->size) {
        fail_to_get(self, "it is not as long as was said");
        sink_disown(self->sink);
        return false;
    }
    if (!self->checks_sum || self->sink->sum == self->sum) return true;
    exchange_fail(self, 1, "'%s' came with the CRC-32C %08" PRIx32 ", not %08" PRIx32, self->origin->url,
                  self->sink->sum, self->sum);
    sink_disown(self->sink);
    return false;
}

/* Whenever the disk or the connection is done with something: what is next. */
static void go_on(struct exchange *self) {
    weir_status status = sink_write(self->sink);
    if (status != WEIR_OK) fail_to_get(self, weir_status_text(status));
    if (self->sink->writing != NULL) return;
    if (self->ended && !self->settled && is_right(self)) finish(self);
    if (self->gone) weir_loop_stop(self->loop);
}

void exchange_written(void *arg, weir_status status) {
    struct exchange *self = arg;
    if (status != WEIR_OK)
        exchange_fail(self, 1, "cannot write '%s': %s", self->sink->path, weir_status_text(status));
    if (!self->gone) weir_channel_set_reading(self->channel, true);
    go_on(self);
}

/* Takes: buf. */
static void take_body(struct exchange *self, weir_buf *buf) {
    size_t n = weir_buf_readable(buf);
    if (n > self->max_bytes || self->sink->size > self->max_bytes - n) {
        weir_buf_release(buf);
        exchange_fail(self, 1, "'%s' is longer than --max-bytes allows", self->origin->url);
        return;
    }
    self->received += n;
    weir_status status = sink_add(self->sink, buf);
    if (status != WEIR_OK) fail_to_get(self, weir_status_text(status));
    if (sink_is_full(self->sink)) {
        weir_channel_set_reading(self->channel, self->sink->writing == NULL);
        go_on(self);
    }
}

/* ---- events ---- */

static void exchange_active(weir_ctx *ctx) {
    exchange_ask(weir_ctx_state(ctx), ctx);
}

static void take_response(struct exchange *self, const weir_http_response *response) {
    self->interim = response->status < 200;
    if (!self->interim && !self->settled) exchange_take_head(self, response);
}

static void exchange_read(weir_ctx *ctx, weir_obj *msg) {
    struct exchange *self = weir_ctx_state(ctx);
    weir_http_response *response = weir_http_response_from(msg);
    if (response != NULL) take_response(self, response);
    if (weir_obj_is(msg, &weir_buf_type) && self->in_body && !self->settled) {
        take_body(self, weir_buf_from(msg));
        return;
    }
    if (weir_http_end_from(msg) != NULL && self->in_body && !self->interim && !self->settled) {
        self->ended = true;
        go_on(self);
    }
    weir_obj_release(msg);
}

/* What a burst brought need not wait for more. */
static void exchange_read_complete(weir_ctx *ctx) {
    struct exchange *self = weir_ctx_state(ctx);
    if (self->in_body) go_on(self);
}

static void exchange_event(weir_ctx *ctx, weir_obj *event) {
    struct exchange *self = weir_ctx_state(ctx);
    if (event == &weir_event_idle_all.obj && self->asked && !self->ended && self->sink->writing == NULL)
        fail_to_get(self, "the server has fallen silent");
    weir_ctx_fire_event(ctx, event);
}

static const char *why_of(const weir_error *error) {
    if (error->status == WEIR_E_EOF) return "the server closed the connection too early";
    bool is_explained = error->status == WEIR_E_TLS || error->status == WEIR_E_UNTRUSTED;
    return is_explained && error->what != NULL ? error->what : weir_status_text(error->status);
}

static void exchange_error(weir_ctx *ctx, const weir_error *error) {
    struct exchange *self = weir_ctx_state(ctx);
    if (!self->ended) fail_to_get(self, why_of(error));
    weir_ctx_close(ctx, NULL);
}

/* Also when it never became active: a handshake that failed. */
static void exchange_removed(weir_ctx *ctx) {
    struct exchange *self = weir_ctx_state(ctx);
    if (!self->ended) fail_to_get(self, weir_status_text(WEIR_E_CLOSED));
    self->gone = true;
    weir_timer_stop(&self->timer, self->loop);
    go_on(self);
}

static const weir_handler exchange_handler = {
    .name = "exchange",
    .active = exchange_active,
    .read = exchange_read,
    .read_complete = exchange_read_complete,
    .event = exchange_event,
    .error = exchange_error,
    .removed = exchange_removed,
};

static void on_tick(weir_timer *timer) {
    struct exchange *self = timer->arg;
    if (self->settled) return;
    struct progress_state state = {.path = self->sink->path,
                                   .have = self->sink->size,
                                   .size = self->size,
                                   .file = 1,
                                   .files = 1,
                                   .received = self->received};
    progress_show(&self->progress, weir_loop_now(self->loop), &state);
    weir_timer_start(timer, self->loop, 100);
}

static weir_status add_tls(struct exchange *self, weir_pipeline *pipeline) {
    weir_tls_handler_options options = {.engine.peer_name = self->origin->host};
    return self->origin->secure ? weir_tls_handler_add(pipeline, self->tls, &options) : WEIR_OK;
}

weir_status exchange_build(weir_pipeline *pipeline, void *arg) {
    struct exchange *self = arg;
    weir_timer_init(&self->timer, on_tick, self);
    weir_status status = add_tls(self, pipeline);
    if (status == WEIR_OK)
        status = weir_idle_handler_add(pipeline, &(weir_idle_options){.all_ms = self->patience_ms});
    if (status == WEIR_OK) {
        weir_http_client_options options = {.response_timeout_ms = WEIR_LOOP_NEVER};
        status = weir_http_client_add(pipeline, &options);
    }
    return status == WEIR_OK ? weir_pipeline_add_last(pipeline, &exchange_handler, arg) : status;
}

void exchange_connected(void *arg, weir_status status) {
    struct exchange *self = arg;
    if (status == WEIR_OK) return;
    exchange_fail(self, 1, "cannot connect to %s: %s", self->origin->authority, weir_status_text(status));
    self->gone = true;
    weir_loop_stop(self->loop);
}
