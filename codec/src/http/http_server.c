/* http_server.c - the server as a handler: a decoder of requests, and an encoder of responses. */
#include <weir/core/alloc.h>

#include "http/http_scan.h"
#include "http/http_server_state.h"

weir_event weir_http_event_stopping = WEIR_EVENT_CONSTANT("http stopping");

/* ---- life ---- */

static void free_server(void *state) {
    http_server *self = state;
    if (self->out.ctx != NULL) weir_timer_stop(&self->timer, weir_ctx_loop(self->out.ctx));
    if (http_out_delays_free(&self->out)) return;
    if (self->reading != NULL) http_shared_take_back(self->shared, self->reading);
    http_shared_release(self->shared);
    weir_alloc_release(NULL, self);
}

static void free_owner(http_out *out) {
    free_server(WEIR_CONTAINER(out, http_server, out));
}

static void server_added(weir_ctx *ctx) {
    http_server *self = http_server_of(ctx);
    self->out = (http_out){.ctx = ctx, .free = free_owner};
    weir_timer_init(&self->timer, http_server_on_timer, self);
    if (weir_channel_is_active(weir_ctx_channel(ctx))) http_server_mark_idle(self);
}

static void server_active(weir_ctx *ctx) {
    http_server_mark_idle(http_server_of(ctx));
    weir_ctx_fire_active(ctx);
}

/* ---- what passes ---- */

/* What a client sends on a connection that is being closed is lost, and it cannot know whether it was heard. */
static void let_one_more_come(http_server *self) {
    self->requests_left = 1;
    self->is_stopping = true;
}

static bool has_begun_one(const http_server *self) {
    return http_server_has_begun(self) || http_server_has_waiting(self);
}

static void stop(weir_ctx *ctx, http_server *self) {
    if (self->switched) {
        weir_ctx_fire_event(ctx, &weir_event_stopping.obj);
    } else if (self->asked != HTTP_ASKED_NOTHING) {
        bool is_announced = self->answer == HTTP_ANSWER_NONE; /* in its head */
        if (is_announced || self->shared->options.stopping_idle_ms == 0) {
            self->closing = true;
        } else {
            let_one_more_come(self);
        }
        weir_ctx_fire_event(ctx, &weir_http_event_stopping.obj);
    } else if (!self->ending && has_begun_one(self)) {
        self->requests_left = 1;
    } else if (!self->ending && self->shared->options.stopping_idle_ms != 0) {
        let_one_more_come(self);
        http_server_mark_idle(self);
    } else if (!self->ending) {
        http_server_close(self);
    }
}

static void server_event(weir_ctx *ctx, weir_obj *event) {
    if (event == &weir_event_stopping.obj) {
        stop(ctx, http_server_of(ctx));
    } else {
        if (event == &weir_event_reading_on.obj) http_server_continue_if_asked(http_server_of(ctx));
        weir_decoder_event(ctx, event);
    }
}

/* RFC 9112 9.8: clients often end TLS without its close_notify. Where no request has begun none was cut, so that is an end
 * like any, of which peer_closed tells next. */
static bool is_harmless_cut(const http_server *self, const weir_error *error) {
    bool is_between = self->asked != HTTP_ASKED_HEAD && !self->switched && !has_begun_one(self);
    return error->status == WEIR_E_CUT_SHORT && is_between;
}

static void server_error(weir_ctx *ctx, const weir_error *error) {
    http_server *self = http_server_of(ctx);
    if (!is_harmless_cut(self, error)) http_out_error(&self->out, error);
}

static void server_pull(weir_ctx *ctx) {
    http_server *self = http_server_of(ctx);
    http_out_enter(&self->out);
    if (self->waits_continue && !self->by_hand) http_server_send_continue(self);
    if (http_out_leave(&self->out)) {
        weir_decoder_pull(ctx);
    } else {
        weir_ctx_pull(ctx); /* whoever heard that it could not be written has removed us */
    }
}

/* Lingering is a close already, and ends by itself. */
static void server_close(weir_ctx *ctx, weir_promise *promise) {
    const http_server *self = http_server_of(ctx);
    if (self->lingering && promise == NULL) return;
    weir_ctx_close(ctx, promise);
}

const weir_decoder_ops http_server_ops = {
    .handler =
        {
            .name = "http_server",
            .added = server_added,
            .removed = weir_decoder_removed,
            .active = server_active,
            .read = weir_decoder_read,
            .read_complete = weir_decoder_read_complete,
            .event = server_event,
            .error = server_error,
            .inactive = weir_decoder_inactive,
            .writable_changed = weir_decoder_writable_changed,
            .write = http_server_write,
            .pull = server_pull,
            .close = server_close,
        },
    .decode = http_server_decode,
    .decode_last = http_server_decode_last,
    .free = free_server,
    .message = http_server_message,
    .failed = http_server_failed,
    .ended = http_server_ended,
};

/* ---- adding ---- */

weir_status weir_http_server_add(weir_pipeline *pipeline, const weir_http_server_options *options) {
    static const weir_http_server_options defaults;
    if (options == NULL) options = &defaults;
    weir_bytes name = weir_bytes_str(options->server_name);
    if (name.len != 0 && http_scan_line(name.ptr, name.len) != name.len) return WEIR_E_INVALID;
    http_shared *shared = http_shared_get(weir_channel_loop(weir_pipeline_channel(pipeline)), options);
    http_server *self = shared == NULL ? NULL : weir_alloc_zeroed(NULL, 1, sizeof *self);
    if (self == NULL) {
        http_shared_release(shared);
        return WEIR_E_NO_MEMORY;
    }
    self->shared = shared;
    self->requests_left = shared->options.requests_max;
    return weir_decoder_add(pipeline, &http_server_ops, self, NULL);
}
