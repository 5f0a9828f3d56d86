/* http_rig.c - a played HTTP server. */
#include "codec/http_rig.h"

#include <stdarg.h>
#include <stdio.h>

#include <weir/buffer.h>
#include <weir/transport/event.h>
#include <weir/transport/promise.h>

static void WEIR_PRINTF(2, 3) note(http_rig *self, const char *format, ...) {
    va_list args;
    va_start(args, format);
    int n = vsnprintf(self->seen + self->length, sizeof self->seen - self->length, format, args);
    va_end(args);
    self->length += n > 0 && self->length + (size_t)n < sizeof self->seen ? (size_t)n : 0;
}

static void note_message(http_rig *self, const weir_obj *msg) {
    const weir_http_request *request = weir_http_request_from((weir_obj *)msg);
    const weir_buf *buf = weir_buf_from((weir_obj *)msg);
    if (request != NULL) {
        note(self, "%.*s %.*s\n", (int)request->method_text.len, (const char *)request->method_text.ptr,
             (int)request->target.len, (const char *)request->target.ptr);
    } else if (buf != NULL) {
        char start[17] = {0};
        size_t n = weir_buf_readable(buf);
        weir_buf_get_bytes(buf, weir_buf_reader_index(buf), start, n < 16 ? n : 16);
        note(self, "body %zu \"%s\"\n", n, start);
    } else {
        note(self, "end\n");
    }
}

static void rig_added(weir_ctx *ctx) {
    http_rig *self = weir_ctx_state(ctx);
    self->ctx = ctx;
}

static void rig_read(weir_ctx *ctx, weir_obj *msg) {
    http_rig *self = weir_ctx_state(ctx);
    note_message(self, msg);
    if (self->on != NULL) self->on(self, msg);
    weir_obj_release(msg);
}

static void rig_event(weir_ctx *ctx, weir_obj *event) {
    if (event == &weir_http_event_stopping.obj) note(weir_ctx_state(ctx), "stopping\n");
    if (event == &weir_event_peer_closed.obj) note(weir_ctx_state(ctx), "peer_closed\n");
    weir_ctx_fire_event(ctx, event);
}

static void rig_error(weir_ctx *ctx, const weir_error *error) {
    note(weir_ctx_state(ctx), "error %s\n", weir_status_name(error->status));
}

static void rig_inactive(weir_ctx *ctx) {
    note(weir_ctx_state(ctx), "inactive\n");
}

static const weir_handler rig_handler = {.name = "rig",
                                         .added = rig_added,
                                         .read = rig_read,
                                         .event = rig_event,
                                         .error = rig_error,
                                         .inactive = rig_inactive};

weir_status http_rig_build(weir_pipeline *pipeline, void *arg) {
    http_rig *self = arg;
    weir_status status = weir_http_server_add(pipeline, &self->options);
    return status != WEIR_OK ? status : weir_pipeline_add_last(pipeline, &rig_handler, self);
}

void http_rig_begin(http_rig *self, const weir_http_server_options *options, http_rig_fn *on) {
    memset(self, 0, sizeof *self);
    if (options != NULL) self->options = *options;
    self->options.no_date = true;
    self->on = on;
    self->embedded = weir_embedded_new(NULL, http_rig_build, self);
    require(self->embedded != NULL);
    self->channel = weir_embedded_channel(self->embedded);
}

void http_rig_end(http_rig *self) {
    weir_embedded_free(self->embedded);
}

void http_rig_send(http_rig *self, const char *text) {
    (void)weir_embedded_feed_bytes(self->embedded, text, strlen(text));
}

const char *http_rig_wrote(http_rig *self) {
    weir_buf *all = weir_embedded_take_all(self->embedded);
    require(all != NULL);
    size_t n = weir_buf_readable(all);
    require(n < sizeof self->wrote);
    weir_buf_read_bytes(all, self->wrote, n);
    self->wrote[n] = 0;
    weir_buf_release(all);
    return self->wrote;
}

bool http_rig_saw(http_rig *self, const char *expected) {
    bool same = strcmp(self->seen, expected) == 0;
    if (!same) fprintf(stderr, "expected:\n%ssaw:\n%s", expected, self->seen);
    self->length = 0;
    self->seen[0] = 0;
    return same;
}

/* ---- answers ---- */

weir_buf *http_rig_text(const char *text) {
    weir_buf *buf = weir_buf_new(strlen(text));
    require(buf != NULL);
    weir_buf_write_str(buf, text);
    return buf;
}

void http_rig_at_head(http_rig *self, weir_obj *msg) {
    const weir_http_request *request = weir_http_request_from(msg);
    if (request == NULL) return;
    weir_buf *body = http_rig_text("ok ");
    weir_buf_write_view(body, request->target);
    weir_http_server_respond(self->ctx, weir_http_response_new(200), body, NULL);
}

void http_rig_at_end(http_rig *self, weir_obj *msg) {
    if (weir_http_end_from(msg) != NULL)
        weir_http_server_respond(self->ctx, weir_http_response_new(200), http_rig_text("done"), NULL);
}

static void note_result(void *arg, weir_status status) {
    http_rig *self = arg;
    self->result = status;
    self->results++;
}

weir_promise *http_rig_watch(http_rig *self) {
    weir_promise *promise = weir_promise_new(weir_embedded_loop(self->embedded));
    require(promise != NULL);
    expect_status(weir_promise_listen(promise, note_result, self), WEIR_OK);
    return promise;
}

void http_rig_head(http_rig *self, unsigned status, const char *length) {
    weir_http_response *response = weir_http_response_new(status);
    require(response != NULL);
    if (length != NULL)
        expect_status(
            weir_http_fields_add(&response->head.fields, WEIR_HTTP_CONTENT_LENGTH, weir_bytes_str(length)),
            WEIR_OK);
    weir_ctx_write(self->ctx, response, http_rig_watch(self));
}

void http_rig_piece(http_rig *self, const char *text) {
    weir_ctx_write(self->ctx, http_rig_text(text), http_rig_watch(self));
}

void http_rig_finish(http_rig *self) {
    weir_ctx_write(self->ctx, &weir_http_end_plain, http_rig_watch(self));
    weir_embedded_run(self->embedded);
}
