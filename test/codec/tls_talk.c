/* tls_talk.c - see tls_talk.h. */
#include "codec/tls_talk.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* ---- the handler ---- */

static void note(tls_end *self, const char *event) {
    size_t n = strlen(self->trail);
    snprintf(self->trail + n, sizeof self->trail - n, "%s%s", n != 0 ? " " : "", event);
    if (self->on != NULL) self->on(self, event);
}

static void on_added(weir_ctx *ctx) {
    tls_end *self = weir_ctx_state(ctx);
    self->ctx = ctx;
}

static void on_removed(weir_ctx *ctx) {
    tls_end *self = weir_ctx_state(ctx);
    self->ctx = NULL;
}

static void on_active(weir_ctx *ctx) {
    note(weir_ctx_state(ctx), "active");
    weir_ctx_fire_active(ctx);
}

static void on_read(weir_ctx *ctx, weir_obj *msg) {
    tls_end *self = weir_ctx_state(ctx);
    weir_buf *buf = weir_buf_from(msg);
    require(buf != NULL);
    weir_buf_write_buf(self->read, buf, weir_buf_readable(buf));
    weir_buf_release(buf);
    if (self->on != NULL) self->on(self, "read");
}

static void on_read_complete(weir_ctx *ctx) {
    note(weir_ctx_state(ctx), "complete");
    weir_ctx_fire_read_complete(ctx);
}

static void on_event(weir_ctx *ctx, weir_obj *event) {
    tls_end *self = weir_ctx_state(ctx);
    bool is_end = event == &weir_event_peer_closed.obj;
    note(self, event == &weir_tls_event_ready.obj ? "ready" : is_end ? "peer_closed" : "event");
    if (!is_end || !self->takes_end) weir_ctx_fire_event(ctx, event);
}

static void on_error(weir_ctx *ctx, const weir_error *error) {
    tls_end *self = weir_ctx_state(ctx);
    char text[64];
    snprintf(text, sizeof text, "error %s", weir_status_name(error->status));
    snprintf(self->what, sizeof self->what, "%s", error->what != NULL ? error->what : "");
    note(self, text);
    if (!self->takes_error) weir_ctx_fire_error(ctx, error);
}

static void on_inactive(weir_ctx *ctx) {
    note(weir_ctx_state(ctx), "inactive");
    weir_ctx_fire_inactive(ctx);
}

static const weir_handler handler = {
    .name = "end",
    .added = on_added,
    .removed = on_removed,
    .active = on_active,
    .read = on_read,
    .read_complete = on_read_complete,
    .event = on_event,
    .error = on_error,
    .inactive = on_inactive,
};

weir_status tls_end_build_handler(weir_pipeline *pipeline, void *arg) {
    return weir_pipeline_add_last(pipeline, &handler, arg);
}

weir_status tls_end_build(weir_pipeline *pipeline, void *arg) {
    tls_end *self = arg;
    weir_status status = weir_tls_handler_add(pipeline, self->context, &self->options);
    return status != WEIR_OK ? status : tls_end_build_handler(pipeline, self);
}

/* ---- life ---- */

static void make_contexts(tls_talk *self, weir_tls_options client, weir_tls_options server) {
    weir_tls_why why = {""};
    weir_tls_identity *identity = tls_certs_identity(self->certs, NULL);
    if (server.identities == NULL) {
        server.identities = &identity;
        server.identity_count = 1;
    }
    if (client.ca.len == 0) client.ca = tls_certs_ca(self->certs);
    weir_tls_context_server(&self->server.context, &server, &why);
    weir_tls_context_client(&self->client.context, &client, &why);
    weir_tls_identity_release(identity);
    expect_str(why.text, "");
    require(self->server.context != NULL && self->client.context != NULL);
}

void tls_talk_begin(tls_talk *self, const weir_tls_options *client, const weir_tls_options *server) {
    static const weir_tls_options usual;
    memset(self, 0, sizeof *self);
    self->certs = tls_certs_new();
    self->client.talk = self->server.talk = self;
    self->client.options.engine.peer_name = "localhost";
    make_contexts(self, client != NULL ? *client : usual, server != NULL ? *server : usual);
}

static void open_end(tls_end *self) {
    self->read = weir_buf_new(0);
    self->end_told = false;
    self->embedded =
        weir_embedded_new(&self->channel_options, self->build != NULL ? self->build : tls_end_build, self);
    require(self->read != NULL && self->embedded != NULL);
    self->channel = weir_embedded_channel(self->embedded);
}

void tls_talk_open(tls_talk *self) {
    open_end(&self->server);
    open_end(&self->client);
}

void tls_talk_meet(tls_talk *self) {
    tls_talk_open(self);
    tls_talk_carry(self);
    expect(tls_end_saw(&self->client, "active ready"));
    expect(tls_end_saw(&self->server, "active ready"));
}

static void close_end(tls_end *self) {
    self->on = NULL;
    weir_embedded_free(self->embedded);
    weir_buf_release(self->read);
    self->embedded = NULL;
    self->read = NULL;
    self->trail[0] = 0;
}

void tls_talk_close(tls_talk *self) {
    close_end(&self->client);
    close_end(&self->server);
}

void tls_talk_end(tls_talk *self) {
    tls_talk_close(self);
    weir_tls_context_release(self->client.context);
    weir_tls_context_release(self->server.context);
    tls_certs_free(self->certs);
}

/* ---- carrying ---- */

static void feed(tls_talk *self, tls_end *to, weir_buf *buf) {
    while (self->step != 0 && weir_buf_readable(buf) > self->step) {
        weir_embedded_feed(to->embedded, weir_buf_read_slice(buf, self->step));
    }
    if (weir_embedded_feed(to->embedded, buf) != WEIR_OK) self->out_of_wire = true;
}

static bool carry_one_way(tls_talk *self, tls_end *from, tls_end *to) {
    bool moved = false;
    for (weir_obj *msg = weir_embedded_take(from->embedded); msg != NULL;
         msg = weir_embedded_take(from->embedded)) {
        require(weir_buf_from(msg) != NULL);
        feed(self, to, weir_buf_from(msg));
        moved = true;
    }
    if (weir_embedded_is_shut(from->embedded) && !to->end_told) {
        to->end_told = moved = true;
        if (weir_embedded_aborted(from->embedded) != WEIR_OK) {
            weir_embedded_break(to->embedded, -ECONNRESET);
        } else {
            weir_embedded_feed_end(to->embedded);
        }
    }
    return moved;
}

void tls_talk_carry(tls_talk *self) {
    bool moved = true;
    for (int i = 0; moved && i < 1000; i++) {
        moved = carry_one_way(self, &self->client, &self->server);
        moved = carry_one_way(self, &self->server, &self->client) || moved;
    }
    expect(!moved);
}

/* ---- ends ---- */

void tls_end_write(tls_end *self, void *msg, weir_promise *promise) {
    weir_channel_write(self->channel, msg, promise);
}

void tls_end_say(tls_end *self, const char *text) {
    tls_end_write(self, tls_text(text), NULL);
}

bool tls_end_heard(tls_end *self, const char *text) {
    bool same = expect_same_bytes(weir_buf_peek(self->read), weir_bytes_str(text));
    weir_buf_clear(self->read);
    return same;
}

bool tls_end_saw(tls_end *self, const char *trail) {
    bool same = expect_str(self->trail, trail);
    self->trail[0] = 0;
    return same;
}

weir_buf *tls_text(const char *text) {
    weir_buf *buf = weir_buf_new(strlen(text));
    require(buf != NULL);
    weir_buf_write_str(buf, text);
    return buf;
}

weir_buf *tls_pattern(size_t n) {
    weir_buf *buf = weir_buf_new(n);
    require(buf != NULL);
    for (size_t i = 0; i < n; i++) weir_buf_write_u8(buf, (uint8_t)(i * 7 + i / 251));
    return buf;
}

bool tls_is_pattern(weir_buf *buf, size_t n) {
    bool is_same = expect_eq(weir_buf_readable(buf), n);
    for (size_t i = 0; is_same && i < n; i++) {
        uint8_t byte = 0;
        is_same = weir_buf_read_u8(buf, &byte) && expect_eq(byte, (uint8_t)(i * 7 + i / 251));
    }
    return is_same;
}

static void note_result(void *arg, weir_status status) {
    tls_result *result = arg;
    result->status = status;
    result->times++;
}

weir_promise *tls_watch(tls_end *self, tls_result *result) {
    weir_promise *promise = weir_promise_new(weir_embedded_loop(self->embedded));
    require(promise != NULL);
    *result = (tls_result){.status = 1};
    weir_promise_listen(promise, note_result, result);
    return promise;
}
