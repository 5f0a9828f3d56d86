/* http_client_rig.c - a client played by hand. */
#include "codec/http_client_rig.h"

#include <stdarg.h>
#include <stdio.h>

#include <weir/buffer.h>
#include <weir/transport/promise.h>

client_rig client;

void client_say(const char *format, ...) {
    size_t at = strlen(client.seen);
    va_list args;
    va_start(args, format);
    vsnprintf(client.seen + at, sizeof client.seen - at, format, args);
    va_end(args);
}

static void on_added(weir_ctx *ctx) {
    client.ctx = ctx;
}

static void on_read(weir_ctx *ctx, weir_obj *msg) {
    const weir_http_response *response = weir_http_response_from(msg);
    weir_buf *buf = weir_buf_from(msg);
    if (response != NULL) {
        client_say("%u ", response->status);
        if (response->status == client.upgrade_at) weir_http_client_upgrade(ctx);
    } else if (buf != NULL) {
        char text[200] = {0};
        weir_buf_read_bytes(buf, text, weir_buf_readable(buf));
        client_say("%s", text);
    } else {
        client_say(". ");
    }
    weir_obj_release(msg);
}

static void on_event(weir_ctx *ctx, weir_obj *event) {
    client_say("[%s]", ((const weir_event *)(const void *)event)->name);
    weir_ctx_fire_event(ctx, event);
}

static void on_error(weir_ctx *ctx, const weir_error *error) {
    (void)ctx;
    client_say("!%s ", weir_status_name(error->status));
}

static const weir_handler handler = {
    .name = "rig", .added = on_added, .read = on_read, .event = on_event, .error = on_error};

weir_status client_build(weir_pipeline *pipeline, void *arg) {
    (void)arg;
    weir_status status = weir_http_client_add(pipeline, &client.options);
    return status != WEIR_OK ? status : weir_pipeline_add_last(pipeline, &handler, NULL);
}

void client_begin(const weir_http_client_options *options) {
    memset(&client, 0, sizeof client);
    if (options != NULL) client.options = *options;
    if (client.options.host == NULL) client.options.host = "h";
    client.embedded = weir_embedded_new(NULL, client_build, NULL);
    require(client.embedded != NULL);
}

void client_end(void) {
    weir_embedded_free(client.embedded);
}

static void note_result(void *arg, weir_status status) {
    (void)arg;
    client.result = status;
}

weir_promise *client_watch(void) {
    client.result = 1;
    weir_promise *promise = weir_promise_new(weir_embedded_loop(client.embedded));
    expect_status(weir_promise_listen(promise, note_result, NULL), WEIR_OK);
    return promise;
}

weir_buf *client_text(const char *text) {
    weir_buf *buf = weir_buf_new(strlen(text));
    require(buf != NULL);
    weir_buf_write_str(buf, text);
    return buf;
}

void client_ask(const char *method, const char *target, const char *body) {
    weir_http_client_request(client.ctx, weir_http_request_new(method, weir_bytes_str(target)),
                             body == NULL ? NULL : client_text(body), client_watch());
    weir_embedded_run(client.embedded);
}

weir_http_request *client_request_with(const char *method, weir_http_name name, const char *value) {
    weir_http_request *request = weir_http_request_new(method, weir_bytes_str("/"));
    require(request != NULL);
    expect_status(weir_http_fields_add(&request->head.fields, name, weir_bytes_str(value)), WEIR_OK);
    return request;
}

void client_answer(const char *text) {
    (void)weir_embedded_feed_bytes(client.embedded, text, strlen(text));
}

bool client_saw(const char *expected) {
    bool same = strcmp(client.seen, expected) == 0;
    if (!same) fprintf(stderr, "expected: %s\nsaw:      %s\n", expected, client.seen);
    client.seen[0] = 0;
    return same;
}

const char *client_wrote(void) {
    weir_embedded_run(client.embedded);
    weir_buf *all = weir_embedded_take_all(client.embedded);
    size_t n = weir_buf_readable(all);
    require(n < sizeof client.wrote);
    weir_buf_read_bytes(all, client.wrote, n);
    client.wrote[n] = 0;
    weir_buf_release(all);
    return client.wrote;
}
