/* websocket_test.c - WebSockets in a storm of failing calls, most with permessage-deflate, also over TLS.
 *
 *     session --bufs--> [ messenger ] --binary messages--> [ websocket ] ... [ echo ]
 *
 * The messenger makes the messages a stream again, which the session checks as it does others. On its own it checks that
 * the messages are those that were sent, one for one, and that each WebSocket that was opened is told of its end once.
 */
#include <errno.h>
#include <stdlib.h>

#include <weir/codec/http_server.h>
#include <weir/codec/websocket_client.h>
#include <weir/codec/websocket_server.h>
#include <weir/testing.h>

#include "storm_tls.h"

enum {
    USUAL_FAULTS = 6000
};

/* ---- the server ---- */

static weir_status add_echo(weir_pipeline *pipeline, void *arg) {
    static weir_websocket_server_options options = {.handshake.deflate.on = true};
    options.websocket.fragment = (size_t)storm_below(arg, 2) * 1000;
    weir_status status = weir_http_server_add(pipeline, NULL);
    if (status == WEIR_OK) status = weir_websocket_server_add(pipeline, &options);
    return status == WEIR_OK ? storm_add_echo(pipeline, arg) : status;
}

static weir_status build_server(weir_pipeline *pipeline, void *arg) {
    weir_status status = storm_account(pipeline, arg);
    return status == WEIR_OK ? add_echo(pipeline, arg) : status;
}

static weir_status build_tls_server(weir_pipeline *pipeline, void *arg) {
    weir_status status = storm_tls_add_server(pipeline, arg);
    return status == WEIR_OK ? add_echo(pipeline, arg) : status;
}

/* ---- the messenger ---- */

typedef struct messenger {
    session *session;
    storm *world;
    uint64_t bytes_sent, bytes_got;
    uint64_t sum_sent, sum_got; /* of lengths, each times the number of its message */
    unsigned sent, got;
    bool opened, closed, failed;
} messenger;

static void count(uint64_t *bytes, uint64_t *sum, unsigned *messages, size_t length) {
    *bytes += length;
    *sum += (uint64_t)++ * messages * length;
}

static void messenger_write(weir_ctx *ctx, weir_obj *msg, weir_promise *promise) {
    messenger *self = weir_ctx_state(ctx);
    count(&self->bytes_sent, &self->sum_sent, &self->sent, weir_buf_readable(weir_buf_from(msg)));
    weir_ctx_write(ctx, msg, promise);
}

static void messenger_read(weir_ctx *ctx, weir_obj *msg) {
    messenger *self = weir_ctx_state(ctx);
    const weir_websocket_message *message = weir_websocket_message_from(msg);
    if (message == NULL || message->opcode != WEIR_WEBSOCKET_BINARY || !self->opened || self->closed) {
        storm_fail(self->world, "websocket: what nobody sent");
        weir_obj_release(msg);
        return;
    }
    weir_buf *payload = weir_buf_retain(message->payload);
    weir_obj_release(msg);
    count(&self->bytes_got, &self->sum_got, &self->got, weir_buf_readable(payload));
    weir_ctx_fire_read(ctx, (weir_obj *)payload);
}

/* The session begins with the WebSocket, and does not half-close: there is no such thing here. */
static void messenger_active(weir_ctx *ctx) {
    (void)ctx;
}

static void messenger_shutdown(weir_ctx *ctx, weir_promise *promise) {
    (void)ctx;
    weir_promise_complete(promise, WEIR_OK);
}

static void on_closed(messenger *self, const weir_websocket_closed *event) {
    if (self->closed || !self->opened) storm_fail(self->world, "websocket: closed out of order");
    if (event->code != WEIR_WEBSOCKET_CLOSE_NORMAL && event->code != WEIR_WEBSOCKET_CLOSE_ABNORMAL)
        storm_fail(self->world, "websocket: closed with %u: %s", event->code,
                   event->what != NULL ? event->what : event->reason);
    self->closed = true;
}

static void messenger_event(weir_ctx *ctx, weir_obj *event) {
    messenger *self = weir_ctx_state(ctx);
    const weir_websocket_opened *opened = weir_websocket_opened_from(event);
    const weir_websocket_closed *closed = weir_websocket_closed_from(event);
    if (closed != NULL) on_closed(self, closed);
    if (opened == NULL) {
        weir_ctx_fire_event(ctx, event);
        return;
    }
    if (self->opened) storm_fail(self->world, "websocket: opened again");
    self->opened = true;
    weir_obj_release(event);
    weir_ctx_fire_active(ctx);
}

/* The server refuses in words only what came too late. */
static void messenger_error(weir_ctx *ctx, const weir_error *error) {
    messenger *self = weir_ctx_state(ctx);
    if (error->status == WEIR_E_INVALID && error->actual != 408 && error->actual != 503)
        storm_fail(self->world, "websocket: refused with %d: %s", (int)error->actual, error->what);
    self->failed = true;
    weir_ctx_fire_error(ctx, error);
}

static void messenger_inactive(weir_ctx *ctx) {
    messenger *self = weir_ctx_state(ctx);
    if (self->closed != self->opened) storm_fail(self->world, "websocket: opened, and the end was not told");
    if (self->opened) {
        weir_ctx_fire_inactive(ctx);
    } else if (!self->failed) {
        session_ended_early(self->session);
    }
}

static void messenger_removed(weir_ctx *ctx) {
    messenger *self = weir_ctx_state(ctx);
    if (self->bytes_got == self->bytes_sent && (self->sum_got != self->sum_sent || self->got != self->sent))
        storm_fail(self->world, "websocket: %u messages became %u", self->sent, self->got);
    free(self);
}

static const weir_handler messenger_handler = {.name = "messenger",
                                               .removed = messenger_removed,
                                               .active = messenger_active,
                                               .inactive = messenger_inactive,
                                               .read = messenger_read,
                                               .event = messenger_event,
                                               .error = messenger_error,
                                               .write = messenger_write,
                                               .shutdown = messenger_shutdown};

/* ---- the client ---- */

static void vary(weir_websocket_client_options *options, storm *world) {
    weir_websocket_deflate_options *deflate = &options->handshake.deflate;
    options->host = "storm";
    options->websocket.fragment = (size_t)storm_below(world, 2) * 3000;
    deflate->on = storm_below(world, 4) != 0;
    deflate->own_no_takeover = storm_below(world, 3) == 0;
    deflate->peer_no_takeover = storm_below(world, 3) == 0;
    deflate->release = storm_below(world, 3) == 0;
}

static weir_status add_client(weir_pipeline *pipeline, session *one) {
    messenger *self = calloc(1, sizeof *self);
    require(self != NULL);
    self->session = one;
    self->world = session_storm(one);
    weir_websocket_client_options options = {0};
    vary(&options, self->world);
    weir_status status = weir_websocket_client_add(pipeline, &options);
    if (status == WEIR_OK) status = weir_pipeline_add_last(pipeline, &messenger_handler, self);
    if (status != WEIR_OK) free(self);
    return status == WEIR_OK ? session_build(pipeline, one) : status;
}

static weir_status build_client(weir_pipeline *pipeline, void *arg) {
    return add_client(pipeline, arg);
}

static weir_status build_tls_client(weir_pipeline *pipeline, void *arg) {
    weir_status status = storm_tls_add_client(pipeline, session_storm(arg), STORM_HTTP);
    return status == WEIR_OK ? add_client(pipeline, arg) : status;
}

static weir_channel *connect_with(storm *self, session *one, weir_build_fn *build, weir_promise *promise) {
    weir_client_options options = storm_client(self, one);
    options.port = weir_addr_port(weir_server_addr(self->own));
    options.build = build;
    return weir_client_connect(&options, promise);
}

static weir_channel *to_server(storm *self, session *one, weir_promise *promise) {
    return connect_with(self, one, build_client, promise);
}

static weir_channel *to_tls_server(storm *self, session *one, weir_promise *promise) {
    return connect_with(self, one, build_tls_client, promise);
}

static const session_kind plain_kinds[] = {
    {.name = "websocket", .only_bufs = true, .most = 200000, .connect = to_server}};

WEIR_TEST(websocket, messages_come_in_order_or_a_failure_is_told) {
    storm it = {.begin_one = session_begin, .kinds = plain_kinds, .kind_count = 1, .build_own = build_server};
    storm_run(&it, fault_goal(USUAL_FAULTS));
}

static const session_kind tls_kinds[] = {
    {.name = "websocket over TLS", .only_bufs = true, .most = 200000, .connect = to_tls_server}};

WEIR_TEST(websocket, messages_over_tls_come_in_order_or_a_failure_is_told) {
    storm it = {
        .begin_one = session_begin, .kinds = tls_kinds, .kind_count = 1, .build_own = build_tls_server};
    storm_tls_open();
    storm_run(&it, fault_goal(USUAL_FAULTS));
    storm_tls_close();
}
