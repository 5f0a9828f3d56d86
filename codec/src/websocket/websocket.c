/* websocket.c - the life of a WebSocket after its handshake: pings, the closing, what went wrong.
 *
 * Rule: whoever is told something may remove this handler. So what calls into the pipeline and goes on afterwards
 * is between enter and leave, and `self` is freed by the last leave.
 */
#include <weir/codec/decoder.h>
#include <weir/core/alloc.h>
#include <weir/transport/channel.h>
#include <weir/transport/event.h>
#include <weir/transport/loop.h>
#include <weir/transport/promise.h>

#include "websocket/session.h"

enum {
    PING_INTERVAL = 30000,
    PING_TIMEOUT = 20000,
    CLOSE_TIMEOUT = 5000,
    CONTROLS = 64,
    THRESHOLD = 64
};

static void free_session(websocket_session *self) {
    weir_websocket_deflater_free(self->deflater);
    weir_alloc_release(NULL, self->keys);
    weir_alloc_release(NULL, self);
}

void websocket_enter(websocket_session *self) {
    self->depth++;
}

void websocket_leave(websocket_session *self) {
    if (--self->depth == 0 && self->removed) free_session(self);
}

/* ---- the end ---- */

static void tell_closed(websocket_session *self, unsigned code, weir_bytes reason, bool clean,
                        const char *what) {
    if (self->told) return;
    self->told = true;
    weir_ctx_fire_event(self->ctx, websocket_closed_new(code, reason, clean, what));
}

/* The connection itself. */
static void end(websocket_session *self) {
    if (self->removed) return;
    weir_promise *promise = self->closing;
    self->closing = NULL;
    self->is_ending = true;
    weir_timer_stop(&self->timer, weir_ctx_loop(self->ctx));
    weir_ctx_close(self->ctx, promise);
}

static void end_promise(websocket_session *self) {
    weir_promise *promise = self->closing;
    self->closing = NULL;
    if (promise != NULL) weir_promise_complete(promise, WEIR_OK);
}

/* Ours to answer with, and nothing more to say. A socket that is closed with unread bytes resets the connection, and the
 * peer may lose what we told it (RFC 6455 7.1.1): our side ends, and what still comes is dropped until the peer's has. */
static void fail(websocket_session *self, unsigned code, const char *what) {
    websocket_enter(self);
    weir_websocket_parser_clear(self->parser);
    if (!self->close_sent) websocket_send_close(self, code, weir_bytes_str(what), NULL);
    tell_closed(self, code, weir_bytes_of(NULL, 0), false, what);
    if (self->peer_ended) {
        end(self);
    } else if (!self->removed) {
        weir_ctx_shutdown(self->ctx, NULL);
    }
    websocket_leave(self);
}

/* ---- what the timer is for ---- */

static void await_ping(websocket_session *self) {
    if (self->options.no_ping) return;
    weir_timer_start(&self->timer, weir_ctx_loop(self->ctx),
                     self->has_pinged ? self->options.ping_timeout_ms : self->options.ping_interval_ms);
}

/* What a slow peer takes is a sign of life as well: behind much that waits a ping waits, too. */
static bool has_moved(websocket_session *self) {
    weir_channel *channel = weir_ctx_channel(self->ctx);
    weir_channel_stats stats;
    weir_channel_get_stats(channel, &stats);
    bool is_taking = stats.bytes_written != self->written && weir_channel_pending_bytes(channel) != 0;
    bool is_talking = self->parser->read != self->heard;
    self->written = stats.bytes_written;
    self->heard = self->parser->read;
    return is_talking || is_taking;
}

/* Of who is not listened to nobody can say that he is dead. */
static void look_for_life(websocket_session *self) {
    bool is_alive = has_moved(self), is_heard = weir_channel_is_reading(weir_ctx_channel(self->ctx));
    if (!is_alive && is_heard && self->has_pinged) {
        tell_closed(self, WEIR_WEBSOCKET_CLOSE_ABNORMAL, weir_bytes_of(NULL, 0), false,
                    "no answer to a ping");
        if (!self->removed) weir_ctx_abort(self->ctx, WEIR_E_TIMEOUT);
        return;
    }
    self->has_pinged = !is_alive && is_heard;
    await_ping(self);
    if (is_alive) return;
    websocket_send_control(self, WEIR_WEBSOCKET_PING, websocket_control_payload(self), NULL);
}

static void on_timer(weir_timer *timer) {
    websocket_session *self = timer->arg;
    websocket_enter(self);
    if (self->close_sent) {
        tell_closed(self, WEIR_WEBSOCKET_CLOSE_ABNORMAL, weir_bytes_of(NULL, 0), false,
                    "no answer to a close");
        end(self);
    } else {
        look_for_life(self);
    }
    websocket_leave(self);
}

/* ---- control frames ---- */

static bool is_flood(websocket_session *self) {
    uint64_t second = weir_loop_now(weir_ctx_loop(self->ctx)) / 1000;
    if (second != self->second) self->controls = 0;
    self->second = second;
    return ++self->controls > self->options.control_per_second;
}

/* Both ends have said that it is over: the server closes first (RFC 6455 7.1.1). */
static void agree_on_end(websocket_session *self) {
    if (self->role == WEIR_WEBSOCKET_SERVER || self->peer_ended) {
        end(self);
    } else if (!self->removed) {
        weir_timer_start(&self->timer, weir_ctx_loop(self->ctx), self->options.close_timeout_ms);
    }
}

static void on_close(websocket_session *self, const weir_buf *payload) {
    unsigned code;
    weir_bytes reason;
    const char *wrong = weir_websocket_close_parse(weir_buf_peek(payload), &code, &reason);
    if (wrong != NULL) {
        fail(self, code, wrong);
        return;
    }
    websocket_enter(self);
    if (!self->close_sent) websocket_send_close(self, code, weir_bytes_of(NULL, 0), NULL);
    tell_closed(self, code, reason, true, NULL);
    agree_on_end(self);
    websocket_leave(self);
}

/* Takes: message. */
static void on_control(websocket_session *self, weir_websocket_message *message) {
    websocket_enter(self);
    if (message->opcode == WEIR_WEBSOCKET_CLOSE) {
        on_close(self, message->payload);
    } else if (is_flood(self)) {
        fail(self, WEIR_WEBSOCKET_CLOSE_POLICY, "too many control frames");
    } else if (message->opcode == WEIR_WEBSOCKET_PING && !self->close_sent) {
        weir_buf *payload = message->payload;
        message->payload = NULL;
        websocket_send_control(self, WEIR_WEBSOCKET_PONG, payload, NULL);
    }
    weir_obj_release(message);
    websocket_leave(self);
}

/* ---- the slots ---- */

static void session_added(weir_ctx *ctx) {
    websocket_session *self = weir_ctx_state(ctx);
    self->ctx = ctx;
    weir_timer_init(&self->timer, on_timer, self);
    await_ping(self);
}

static void session_removed(weir_ctx *ctx) {
    websocket_session *self = weir_ctx_state(ctx);
    weir_timer_stop(&self->timer, weir_ctx_loop(ctx));
    self->removed = true;
    websocket_enter(self);
    end_promise(self);
    websocket_leave(self);
}

static void session_read(weir_ctx *ctx, weir_obj *msg) {
    weir_websocket_message *message = weir_websocket_message_from(msg);
    websocket_session *self = weir_ctx_state(ctx);
    if (WEIR_LIKELY(message == NULL || !weir_websocket_is_control(message->opcode))) {
        if (message != NULL && self->told) {
            weir_obj_release(msg); /* after a failure of ours */
        } else {
            weir_ctx_fire_read(ctx, msg);
        }
        return;
    }
    if (self->told) {
        weir_obj_release(msg);
    } else {
        on_control(self, message);
    }
}

/* Broken without a word. What the tail does then is to close. */
static void on_peer_closed(websocket_session *self, weir_obj *event) {
    self->peer_ended = true;
    websocket_enter(self);
    tell_closed(self, WEIR_WEBSOCKET_CLOSE_ABNORMAL, weir_bytes_of(NULL, 0), false, NULL);
    if (self->close_sent) end(self);
    weir_ctx_fire_event(self->ctx, event);
    websocket_leave(self);
}

static void session_event(weir_ctx *ctx, weir_obj *event) {
    websocket_session *self = weir_ctx_state(ctx);
    if (event == &weir_event_peer_closed.obj) {
        on_peer_closed(self, event);
        return;
    }
    if (event == &weir_event_stopping.obj) self->close_code = WEIR_WEBSOCKET_CLOSE_GOING_AWAY;
    weir_ctx_fire_event(ctx, event);
}

static void session_error(weir_ctx *ctx, const weir_error *error) {
    websocket_session *self = weir_ctx_state(ctx);
    if (self->parser->refusal != 0 && !self->told) {
        fail(self, self->parser->refusal, error->what);
    } else {
        weir_ctx_fire_error(ctx, error);
    }
}

static void session_inactive(weir_ctx *ctx) {
    websocket_session *self = weir_ctx_state(ctx);
    websocket_enter(self);
    weir_timer_stop(&self->timer, weir_ctx_loop(ctx));
    self->close_sent = self->is_ending = true;
    tell_closed(self, WEIR_WEBSOCKET_CLOSE_ABNORMAL, weir_bytes_of(NULL, 0), false, NULL);
    end_promise(self);
    weir_ctx_fire_inactive(ctx);
    websocket_leave(self);
}

static void complete_other(void *other, weir_status status) {
    weir_promise_complete(other, status);
}

/* A close while one waits: both promises end together. */
static void join_closing(websocket_session *self, weir_promise *promise) {
    if (promise == NULL) return;
    if (self->closing == NULL) {
        self->closing = promise;
    } else if (weir_promise_listen(self->closing, complete_other, promise) != WEIR_OK) {
        weir_promise_complete(promise, WEIR_E_NO_MEMORY);
    }
}

static void session_close(weir_ctx *ctx, weir_promise *promise) {
    websocket_session *self = weir_ctx_state(ctx);
    if (self->is_ending || self->peer_ended || !weir_channel_is_active(weir_ctx_channel(ctx))) {
        weir_ctx_close(ctx, promise);
        return;
    }
    join_closing(self, promise);
    if (!self->close_sent) websocket_send_close(self, self->close_code, weir_bytes_of(NULL, 0), NULL);
}

static const weir_handler session_handler = {
    .name = "websocket",
    .added = session_added,
    .removed = session_removed,
    .read = session_read,
    .event = session_event,
    .error = session_error,
    .inactive = session_inactive,
    .write = websocket_write,
    .close = session_close,
};

/* ---- making ---- */

static void free_parser(void *parser) {
    weir_websocket_parser_clear(parser);
    weir_alloc_release(NULL, parser);
}

static const weir_decoder_ops decoder_ops = {
    .handler = {.name = "websocket_decoder", WEIR_DECODER_SLOTS},
    .decode = weir_websocket_parser_decode,
    .free = free_parser,
};

static void fill_in(websocket_session *self, const weir_websocket_options *options) {
    if (options != NULL) self->options = *options;
    weir_websocket_options *own = &self->options;
    if (own->ping_interval_ms == 0) own->ping_interval_ms = PING_INTERVAL;
    if (own->ping_timeout_ms == 0) own->ping_timeout_ms = PING_TIMEOUT;
    if (own->close_timeout_ms == 0) own->close_timeout_ms = CLOSE_TIMEOUT;
    if (own->control_per_second == 0) own->control_per_second = CONTROLS;
}

static weir_websocket_parser *new_parser(const websocket_session *session,
                                         const weir_websocket_agreement *agreed, bool release,
                                         weir_pool *pool) {
    weir_websocket_parser *parser = weir_alloc_acquire(NULL, sizeof *parser);
    weir_websocket_inflater *inflater = NULL;
    if (parser != NULL && agreed->deflate.on) {
        inflater = weir_websocket_inflater_new(&agreed->deflate, release, pool);
    }
    if (parser == NULL || (agreed->deflate.on && inflater == NULL)) {
        weir_alloc_release(NULL, parser);
        return NULL;
    }
    const weir_websocket_options *options = &session->options;
    weir_websocket_parser_init(parser, session->role,
                               &(weir_websocket_parser_options){.limits = options->limits,
                                                                .pieces = options->pieces,
                                                                .unchecked_text = options->unchecked_text,
                                                                .pool = pool},
                               inflater);
    return parser;
}

/* What only some sessions have. False when out of memory. */
static bool equip(websocket_session *self, const weir_websocket_agreement *agreed,
                  const weir_websocket_deflate_options *deflate, weir_pool *pool) {
    if (self->role == WEIR_WEBSOCKET_CLIENT) {
        self->keys = weir_alloc_zeroed(NULL, 1, sizeof *self->keys);
        if (self->keys == NULL) return false;
    }
    if (!agreed->deflate.on) return true;
    self->threshold = deflate->threshold != 0 ? deflate->threshold : THRESHOLD;
    self->deflater = weir_websocket_deflater_new(&agreed->deflate, deflate, pool);
    return self->deflater != NULL;
}

/* Behind `at`, or next to the tail. Takes: decoder, self. */
static weir_status place(weir_pipeline *pipeline, weir_ctx *at, void *decoder, websocket_session *self) {
    weir_status status = at != NULL ? weir_pipeline_add_after(at, &decoder_ops.handler, decoder)
                                    : weir_pipeline_add_last(pipeline, &decoder_ops.handler, decoder);
    if (status != WEIR_OK) {
        weir_decoder_free(decoder);
        free_session(self);
        return status;
    }
    weir_ctx *behind = weir_pipeline_find(pipeline, &decoder_ops.handler);
    status = weir_pipeline_add_after(behind, &session_handler, self);
    if (status == WEIR_OK) return WEIR_OK;
    weir_pipeline_remove(behind);
    free_session(self);
    return status;
}

static weir_status add(weir_pipeline *pipeline, weir_ctx *at, weir_websocket_role role,
                       const weir_websocket_options *options, const weir_websocket_agreement *agreed,
                       const weir_websocket_deflate_options *deflate) {
    static const weir_websocket_agreement nothing;
    static const weir_websocket_deflate_options usual;
    if (agreed == NULL) agreed = &nothing;
    if (deflate == NULL) deflate = &usual;
    weir_pool *pool = weir_loop_pool(weir_channel_loop(weir_pipeline_channel(pipeline)));
    websocket_session *self = weir_alloc_zeroed(NULL, 1, sizeof *self);
    if (self == NULL) return WEIR_E_NO_MEMORY;
    self->role = role;
    self->close_code = WEIR_WEBSOCKET_CLOSE_NORMAL;
    fill_in(self, options);
    self->parser = new_parser(self, agreed, deflate->release, pool);
    void *decoder = NULL;
    if (self->parser != NULL && equip(self, agreed, deflate, pool)) {
        decoder =
            weir_decoder_new(&decoder_ops, self->parser, &(weir_decoder_options){.ignore_partial = true});
    } else if (self->parser != NULL) {
        free_parser(self->parser);
    }
    if (decoder == NULL) {
        free_session(self);
        return WEIR_E_NO_MEMORY;
    }
    return place(pipeline, at, decoder, self);
}

weir_status weir_websocket_add(weir_pipeline *pipeline, weir_websocket_role role,
                               const weir_websocket_options *options,
                               const weir_websocket_agreement *agreement,
                               const weir_websocket_deflate_options *deflate) {
    return add(pipeline, NULL, role, options, agreement, deflate);
}

weir_status websocket_add_after(weir_ctx *at, weir_websocket_role role, const weir_websocket_options *options,
                                const weir_websocket_agreement *agreement,
                                const weir_websocket_deflate_options *deflate) {
    return add(weir_ctx_pipeline(at), at, role, options, agreement, deflate);
}
