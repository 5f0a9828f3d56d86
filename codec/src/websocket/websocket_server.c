/* websocket_server.c - answers requests for a WebSocket, and makes way when there is one. */
#include <weir/codec/http_server.h>
#include <weir/codec/websocket_server.h>
#include <weir/core/alloc.h>

#include "websocket/session.h"

typedef struct upgrader {
    weir_websocket_server_options options;
    weir_http_request *request; /* being taken: what is left is its end; or NULL */
    weir_websocket_agreement agreement;
    bool drops;   /* the rest of a request that was refused */
    bool *failed; /* while the answer is written: set when an error came by, or we are removed */
} upgrader;

static bool is_ours(const upgrader *self, const weir_http_request *request) {
    if (!weir_websocket_handshake_is(request)) return false;
    return self->options.path == NULL || weir_bytes_equal_str(request->path, self->options.path);
}

/* Takes: request. */
static void on_request(weir_ctx *ctx, upgrader *self, weir_http_request *request) {
    unsigned status =
        weir_websocket_handshake_check(&self->agreement, request, &self->options.handshake, NULL);
    if (status == 101) {
        self->request = request;
        return;
    }
    weir_obj_release(request);
    self->drops = true;
    weir_http_server_respond(ctx, weir_websocket_handshake_response(status, NULL), NULL, NULL);
}

/* The request is whole. Whoever is told may do anything: nothing of ours is touched after that. */
static void make_way(weir_ctx *ctx, upgrader *self) {
    weir_http_request *request = self->request;
    weir_websocket_agreement agreement = self->agreement;
    weir_http_response *response = weir_websocket_handshake_response(101, &agreement);
    self->request = NULL;
    weir_status status = response == NULL
                             ? WEIR_E_NO_MEMORY
                             : websocket_add_after(ctx, WEIR_WEBSOCKET_SERVER, &self->options.websocket,
                                                   &agreement, &self->options.handshake.deflate);
    if (status != WEIR_OK) {
        weir_obj_release(response);
        weir_obj_release(request);
        weir_http_server_respond(ctx, NULL, NULL, NULL);
        return;
    }
    bool failed = false;
    self->failed = &failed;
    weir_ctx_write(ctx, response, NULL);
    if (!failed) weir_ctx_write(ctx, &weir_http_end_plain, NULL);
    if (failed) {
        weir_obj_release(request);
        return; /* the error has closed, or whoever took it will */
    }
    self->failed = NULL;
    websocket_tell_opened(ctx, request, &agreement);
    weir_obj_release(request);
    weir_http_server_upgrade(ctx);
    weir_pipeline_remove(ctx);
}

static void upgrader_read(weir_ctx *ctx, weir_obj *msg) {
    upgrader *self = weir_ctx_state(ctx);
    weir_http_request *request = weir_http_request_from(msg);
    bool ends = weir_http_end_from(msg) != NULL;
    if (request != NULL) self->drops = false;
    if (request != NULL && is_ours(self, request)) {
        on_request(ctx, self, request);
    } else if (self->request != NULL && ends) {
        weir_obj_release(msg);
        make_way(ctx, self);
    } else if (self->drops) {
        self->drops = !ends;
        weir_obj_release(msg);
    } else {
        weir_ctx_fire_read(ctx, msg);
    }
}

static void note_failure(upgrader *self) {
    if (self->failed != NULL) *self->failed = true;
    self->failed = NULL;
}

static void upgrader_error(weir_ctx *ctx, const weir_error *error) {
    note_failure(weir_ctx_state(ctx));
    weir_ctx_fire_error(ctx, error);
}

static void upgrader_removed(weir_ctx *ctx) {
    upgrader *self = weir_ctx_state(ctx);
    note_failure(self);
    weir_obj_release(self->request);
    weir_alloc_release(NULL, self);
}

static const weir_handler upgrader_handler = {
    .name = "websocket_server",
    .removed = upgrader_removed,
    .read = upgrader_read,
    .error = upgrader_error,
};

weir_status weir_websocket_server_add(weir_pipeline *pipeline, const weir_websocket_server_options *options) {
    upgrader *self = weir_alloc_zeroed(NULL, 1, sizeof *self);
    if (self == NULL) return WEIR_E_NO_MEMORY;
    if (options != NULL) self->options = *options;
    weir_status status = weir_pipeline_add_last(pipeline, &upgrader_handler, self);
    if (status != WEIR_OK) weir_alloc_release(NULL, self);
    return status;
}
