/* WebSocket echo server: every message goes back as it came, compressed if asked for. */
#include <stdatomic.h>
#include <stdio.h>

#include <weir/codec/http_server.h>
#include <weir/codec/websocket_server.h>
#include <weir/transport.h>

#include "common/serve.h"

static atomic_ullong messages;

/* What comes through here is a message, or else a request for something that is no WebSocket. */
static void echo_read(weir_ctx *ctx, weir_obj *msg) {
    if (weir_websocket_message_from(msg) != NULL) {
        atomic_fetch_add_explicit(&messages, 1, memory_order_relaxed);
        weir_ctx_write(ctx, msg, NULL); /* write takes msg: the payload is never copied */
        return;
    }
    if (weir_http_request_from(msg) != NULL) weir_http_server_respond_text(ctx, 426, "WebSocket only\n");
    weir_obj_release(msg);
}

static void echo_read_complete(weir_ctx *ctx) {
    weir_ctx_flush(ctx); /* one writev for the whole burst */
}

static const weir_handler echo = {.name = "echo", .read = echo_read, .read_complete = echo_read_complete};

static weir_status build(weir_pipeline *pipeline, void *websocket) {
    weir_status status = weir_http_server_add(pipeline, NULL);
    if (status == WEIR_OK) status = weir_websocket_server_add(pipeline, websocket);
    return status != WEIR_OK ? status : weir_pipeline_add_last(pipeline, &echo, NULL);
}

static void print_totals(void *arg) {
    (void)arg;
    printf("%llu messages\n", atomic_load(&messages));
}

int main(int argc, char **argv) {
    args_server at = {.host = "127.0.0.1", .port = 8081};
    uint64_t most = 16 << 20;
    bool deflate = false;
    args_parse(
        &argc, argv, "Sends every WebSocket message straight back.", "",
        (args_option[]){ARGS_SERVER(at),
                        {"--deflate", NULL, "agree to permessage-deflate", .flag = &deflate},
                        {"--limit", "SIZE", "longest message", .size = &most, .min = 1, .max = 1 << 30},
                        {0}});
    weir_websocket_server_options websocket = {
        .path = "/", .handshake.deflate.on = deflate, .websocket.limits.message = most};
    weir_server_options options = {.build = build, .build_arg = &websocket};
    options.channel.write_cap = 2 * most + (64 << 20);
    return serve(&at, options, print_totals, NULL);
}
