/* websocket_client.c - asks for a WebSocket, and makes way when there is one. */
#include <errno.h>

#include <weir/buffer/buf_bytes.h>
#include <weir/codec/cumulation.h>
#include <weir/codec/http_parser.h>
#include <weir/codec/websocket_client.h>
#include <weir/core/alloc.h>
#include <weir/transport/channel.h>
#include <weir/transport/event.h>
#include <weir/transport/promise.h>

#include "websocket/session.h"

enum {
    TIMEOUT = 10000
};

typedef struct asking {
    weir_websocket_client_options options;
    char key[WEIR_WEBSOCKET_KEY + 1];
    weir_http_parser parser;
    weir_cumulation bytes;
    weir_http_response *response; /* the answer, until its end came; or NULL */
    weir_timer timer;             /* its arg is the context */
    bool has_asked;
    bool is_over; /* it failed: what comes is dropped */
} asking;

/* ---- the question ---- */

static weir_status copy_fields(weir_http_fields *to, const weir_http_fields *from) {
    size_t at = 0;
    weir_bytes name, value;
    weir_status status = WEIR_OK;
    while (status == WEIR_OK && from != NULL && weir_http_fields_next(from, &at, &name, &value)) {
        status = weir_http_fields_add_other(to, name, value);
    }
    return status;
}

/* Gives: the bytes, or NULL when out of memory or when the options may not be in a request. */
static weir_buf *write_request(weir_ctx *ctx, asking *self) {
    const weir_websocket_client_options *options = &self->options;
    weir_http_request *request = weir_websocket_handshake_request(
        options->host, options->target, options->origin, self->key, &options->handshake);
    weir_buf *text = request == NULL ? NULL : weir_ctx_get_buf(ctx, 512);
    if (text != NULL && copy_fields(&request->head.fields, options->fields) == WEIR_OK) {
        weir_buf_write_str(text, "GET ");
        weir_buf_write_view(text, request->target);
        weir_buf_write_str(text, " HTTP/1.1\r\n");
        (void)weir_http_fields_write(&request->head.fields, text); /* a failure sticks to text */
        weir_buf_write_str(text, "\r\n");
    } else {
        weir_buf_release(text);
        text = NULL;
    }
    weir_obj_release(request);
    return text;
}

static void give_up(weir_ctx *ctx, asking *self, const weir_error *error) {
    self->is_over = true;
    weir_timer_stop(&self->timer, weir_ctx_loop(ctx));
    weir_cumulation_clear(&self->bytes);
    weir_ctx_fire_error(ctx, error);
}

static void on_timeout(weir_timer *timer) {
    weir_ctx *ctx = timer->arg;
    give_up(ctx, weir_ctx_state(ctx), &(weir_error){.status = WEIR_E_TIMEOUT, .what = "websocket handshake"});
}

static void ask(weir_ctx *ctx, asking *self) {
    if (self->has_asked) return;
    self->has_asked = true;
    weir_timer_start(&self->timer, weir_ctx_loop(ctx), self->options.timeout_ms);
    weir_status status = weir_websocket_key(self->key);
    weir_ctx_write(ctx, status == WEIR_OK ? write_request(ctx, self) : NULL, NULL);
}

static void asking_active(weir_ctx *ctx) {
    ask(ctx, weir_ctx_state(ctx));
    weir_ctx_fire_active(ctx);
}

/* ---- the answer ---- */

/* What came behind the answer goes to the new handlers, and we are gone. */
static void make_way(weir_ctx *ctx, asking *self, const weir_websocket_agreement *agreement) {
    const weir_websocket_client_options *options = &self->options;
    weir_buf *rest = weir_cumulation_take(&self->bytes);
    weir_websocket_agreement agreed = *agreement;
    weir_status status = websocket_add_after(ctx, WEIR_WEBSOCKET_CLIENT, &options->websocket, &agreed,
                                             &options->handshake.deflate);
    if (status != WEIR_OK) {
        weir_buf_release(rest);
        give_up(ctx, self, &(weir_error){.status = status, .what = "websocket handshake"});
        return;
    }
    weir_pipeline_remove(ctx);
    websocket_tell_opened(ctx, NULL, &agreed);
    if (rest != NULL) weir_ctx_fire_read(ctx, &rest->obj);
}

/* The answer is whole: its last byte is read with its end, not with its head. */
static void on_end(weir_ctx *ctx, asking *self) {
    weir_http_response *response = self->response;
    weir_websocket_agreement agreement;
    const char *why = NULL;
    self->response = NULL;
    if (weir_websocket_handshake_confirm(&agreement, response, self->key, &self->options.handshake, &why)) {
        make_way(ctx, self, &agreement);
    } else {
        give_up(
            ctx, self,
            &(weir_error){.status = WEIR_E_INVALID, .what = why, .actual = response->status, .maximum = 101});
    }
    weir_obj_release(response);
}

/* Takes: obj, part of an answer; of interim ones and of bodies nothing is kept. True when that was all. */
static bool take_part(weir_ctx *ctx, asking *self, weir_obj *obj) {
    weir_http_response *response = weir_http_response_from(obj);
    bool is_end = weir_http_end_from(obj) != NULL;
    if (response != NULL && (response->status >= 200 || response->status == 101)) {
        self->response = response;
    } else {
        weir_obj_release(obj);
    }
    bool is_refused =
        self->response != NULL && self->response->status != 101; /* its body is not waited for */
    if (self->response == NULL || (!is_end && !is_refused)) return false;
    on_end(ctx, self);
    return true;
}

static void look_at_answer(weir_ctx *ctx, asking *self) {
    weir_obj *out;
    weir_error error;
    weir_decode answer;
    do {
        answer = weir_cumulation_next(&self->bytes, weir_http_parser_decode, &self->parser, &out, &error);
        if (take_part(ctx, self, out)) return;
    } while (answer == WEIR_DECODE_AGAIN);
    if (answer == WEIR_DECODE_FAILED) give_up(ctx, self, &error);
}

static void asking_read(weir_ctx *ctx, weir_obj *msg) {
    asking *self = weir_ctx_state(ctx);
    weir_buf *buf = weir_buf_from(msg);
    if (buf == NULL) {
        weir_ctx_fire_read(ctx, msg);
        return;
    }
    weir_status status = weir_cumulation_add(&self->bytes, buf);
    if (self->is_over) return;
    if (status == WEIR_OK) {
        look_at_answer(ctx, self);
    } else {
        give_up(ctx, self, &(weir_error){.status = status, .what = "websocket handshake"});
    }
}

/* ---- the other slots ---- */

static void asking_write(weir_ctx *ctx, weir_obj *msg, weir_promise *promise) {
    weir_obj_release(msg);
    if (promise != NULL) {
        weir_promise_complete(promise, -ENOTCONN);
    } else {
        weir_ctx_fail(ctx, -ENOTCONN, "write before the websocket handshake");
    }
}

static void asking_event(weir_ctx *ctx, weir_obj *event) {
    asking *self = weir_ctx_state(ctx);
    if (event == &weir_event_peer_closed.obj && !self->is_over)
        give_up(ctx, self, &(weir_error){.status = WEIR_E_EOF, .what = "websocket handshake"});
    weir_ctx_fire_event(ctx, event);
}

static void asking_added(weir_ctx *ctx) {
    asking *self = weir_ctx_state(ctx);
    weir_timer_init(&self->timer, on_timeout, ctx);
    if (weir_channel_is_active(weir_ctx_channel(ctx))) ask(ctx, self);
}

static void asking_removed(weir_ctx *ctx) {
    asking *self = weir_ctx_state(ctx);
    weir_timer_stop(&self->timer, weir_ctx_loop(ctx));
    weir_http_parser_clear(&self->parser);
    weir_obj_release(self->response);
    weir_cumulation_clear(&self->bytes);
    weir_alloc_release(NULL, self);
}

static const weir_handler asking_handler = {
    .name = "websocket_client",
    .added = asking_added,
    .removed = asking_removed,
    .active = asking_active,
    .read = asking_read,
    .event = asking_event,
    .write = asking_write,
};

weir_status weir_websocket_client_add(weir_pipeline *pipeline, const weir_websocket_client_options *options) {
    if (options->host == NULL) return WEIR_E_INVALID;
    asking *self = weir_alloc_zeroed(NULL, 1, sizeof *self);
    if (self == NULL) return WEIR_E_NO_MEMORY;
    self->options = *options;
    if (self->options.target == NULL) self->options.target = "/";
    if (self->options.timeout_ms == 0) self->options.timeout_ms = TIMEOUT;
    weir_http_parser_init(&self->parser, WEIR_HTTP_RESPONSES, NULL);
    weir_http_parser_next(&self->parser, WEIR_HTTP_METHOD_GET);
    weir_cumulation_init(&self->bytes, NULL);
    weir_status status = weir_pipeline_add_last(pipeline, &asking_handler, self);
    if (status != WEIR_OK) weir_alloc_release(NULL, self);
    return status;
}
