/* http_client.c - the client as a handler: an encoder of requests, and a decoder of responses. */
#include <weir/core/alloc.h>

#include "http/http_client_state.h"
#include "http/http_scan.h"

static void free_client(void *state) {
    http_client *self = state;
    if (self->ctx != NULL) weir_timer_stop(&self->timer, weir_ctx_loop(self->ctx));
    if (http_out_delays_free(&self->out)) return;
    weir_http_parser_clear(&self->parser);
    weir_alloc_release(NULL, self);
}

static void free_owner(http_out *out) {
    free_client(WEIR_CONTAINER(out, http_client, out));
}

static void client_added(weir_ctx *ctx) {
    http_client *self = http_client_of(ctx);
    self->ctx = ctx;
    self->out = (http_out){.ctx = ctx, .free = free_owner};
    self->parser.pool = weir_loop_pool(weir_ctx_loop(ctx));
    weir_timer_init(&self->timer, http_client_on_timer, self);
}

static void client_error(weir_ctx *ctx, const weir_error *error) {
    http_out_error(&http_client_of(ctx)->out, error);
}

const weir_decoder_ops http_client_ops = {
    .handler =
        {
            .name = "http_client",
            .added = client_added,
            .error = client_error,
            .removed = weir_decoder_removed,
            .read = weir_decoder_read,
            .read_complete = weir_decoder_read_complete,
            .event = weir_decoder_event,
            .inactive = weir_decoder_inactive,
            .writable_changed = http_client_writable_changed,
            .write = http_client_write,
            .pull = weir_decoder_pull,
        },
    .decode = http_client_decode,
    .decode_last = http_client_decode_last,
    .free = free_client,
    .message = http_client_message,
    .failed = http_client_failed,
    .ended = http_client_ended,
};

weir_status weir_http_client_add(weir_pipeline *pipeline, const weir_http_client_options *options) {
    static const weir_http_client_options defaults;
    if (options == NULL) options = &defaults;
    weir_bytes host = weir_bytes_str(options->host);
    if (host.len != 0 && http_scan_line(host.ptr, host.len) != host.len) return WEIR_E_INVALID;
    http_client *self = weir_alloc_zeroed(NULL, 1, sizeof *self);
    if (self == NULL) return WEIR_E_NO_MEMORY;
    weir_http_parser_init(&self->parser, WEIR_HTTP_RESPONSES, &options->limits);
    self->host = host;
    self->response_timeout_ms = options->response_timeout_ms == 0 ? 60 * 1000 : options->response_timeout_ms;
    self->continue_timeout_ms = options->continue_timeout_ms == 0 ? 1000 : options->continue_timeout_ms;
    self->pass_continue = options->pass_continue;
    return weir_decoder_add(pipeline, &http_client_ops, self, NULL);
}

/* ---- from behind the codec ---- */

static http_client *client_behind(const weir_ctx *ctx) {
    weir_ctx *at = weir_pipeline_find(weir_ctx_pipeline(ctx), &http_client_ops.handler);
    return at == NULL ? NULL : http_client_of(at);
}

void weir_http_client_request(weir_ctx *ctx, weir_http_request *request, void *body, weir_promise *promise) {
    http_client *self = client_behind(ctx);
    weir_status status = self == NULL ? (weir_status)WEIR_E_CLOSED : http_client_why_not(self);
    if (request == NULL) status = WEIR_E_NO_MEMORY;
    if (status != WEIR_OK) {
        weir_obj_release(body);
        http_out_refuse(ctx, (weir_obj *)request, promise, status);
        return;
    }
    weir_http_head *head = &request->head;
    if (body != NULL && !weir_http_fields_has(&head->fields, WEIR_HTTP_CONTENT_LENGTH)) {
        head->framing = WEIR_HTTP_LENGTH;
        head->length = weir_obj_size(body);
    }
    self->out.gathering = true;
    weir_ctx_write(ctx, request, NULL);
    if (body != NULL) weir_ctx_write(ctx, body, NULL);
    weir_ctx_write(ctx, &weir_http_end_plain, promise);
    self = client_behind(ctx);
    if (self != NULL && self->out.gathering) http_out_release(&self->out);
}

void weir_http_client_upgrade(weir_ctx *ctx) {
    http_client *self = client_behind(ctx);
    if (self == NULL || self->ending) return;
    WEIR_CHECK(self->switched, "no 101, or 2xx to CONNECT, was read");
    if (self->parser.between) {
        weir_pipeline_remove(self->ctx);
    } else {
        self->leaving = true; /* the end of the response is still to be parsed */
    }
}
