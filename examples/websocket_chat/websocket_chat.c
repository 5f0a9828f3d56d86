/* Chat server: a page at /, and rooms at /room/NAME, which are WebSockets. What a client says first is its nick name.
 *
 * Lines to clients are JSON: {"type": "say" | "join" | "leave", "nick": ..., "text": ...}.
 */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include <weir/codec/http_server.h>
#include <weir/codec/websocket_server.h>
#include <weir/transport.h>

#include "common/serve.h"
#include "common/tls.h"
#include "page.h"
#include "room.h"

enum {
    NICK_MOST = 32,
    LINE_MOST = 4096
};

static atomic_ullong lines;
static room_rules rules = {.history = 50};
static weir_tls_context *tls; /* NULL: none */

typedef struct guest {
    weir_http_request *request; /* which room */
    room *room;                 /* once there is a nick name */
    char nick[NICK_MOST + 1];
} guest;

/* ---- lines ---- */

static void write_quoted(weir_buf *out, weir_bytes text) {
    weir_buf_write_u8(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        uint8_t byte = text.ptr[i];
        if (byte < 0x20) {
            weir_buf_printf(out, "\\u%04x", byte);
        } else {
            if (byte == '"' || byte == '\\') weir_buf_write_u8(out, '\\');
            weir_buf_write_u8(out, byte);
        }
    }
    weir_buf_write_u8(out, '"');
}

/* Gives: a line, or NULL when out of memory. */
static weir_buf *write_line(const guest *self, const char *type, weir_bytes text) {
    weir_buf *line = weir_buf_new(256);
    if (line == NULL) return NULL;
    weir_buf_printf(line, "{\"type\":\"%s\",\"nick\":", type);
    write_quoted(line, weir_bytes_str(self->nick));
    weir_buf_write_str(line, ",\"text\":");
    write_quoted(line, text);
    weir_buf_write_u8(line, '}');
    atomic_fetch_add_explicit(&lines, 1, memory_order_relaxed);
    return line;
}

/* ---- guests ---- */

static weir_bytes room_name(const guest *self) {
    weir_bytes path = self->request->path, prefix = weir_bytes_str("/room/");
    if (!weir_bytes_starts_with(path, prefix)) return weir_bytes_str("lobby");
    return weir_bytes_sub(path, prefix.len, path.len);
}

/* A nick name is cut, and taken without line ends and the like. */
static void take_nick(guest *self, weir_bytes text) {
    size_t n = text.len < NICK_MOST ? text.len : NICK_MOST;
    while (n > 0 && n < text.len && (text.ptr[n] & 0xc0) == 0x80) n--; /* whole characters */
    for (size_t i = 0; i < n; i++) self->nick[i] = (char)(text.ptr[i] < 0x20 ? ' ' : text.ptr[i]);
}

static void on_text(weir_ctx *ctx, guest *self, weir_bytes text) {
    if (self->request == NULL || text.len == 0) return;
    if (self->room != NULL) {
        room_say(self->room, write_line(self, "say", text));
        return;
    }
    take_nick(self, text);
    self->room = room_join(room_name(self), weir_ctx_channel(ctx), &rules);
    if (self->room == NULL) {
        weir_websocket_close(ctx, WEIR_WEBSOCKET_CLOSE_TRY_LATER, "no room", NULL);
    } else {
        room_say(self->room, write_line(self, "join", weir_bytes_of(NULL, 0)));
    }
}

static void on_message(weir_ctx *ctx, guest *self, weir_websocket_message *message) {
    weir_buf *payload = message->payload;
    if (message->opcode != WEIR_WEBSOCKET_TEXT) {
        weir_websocket_close(ctx, WEIR_WEBSOCKET_CLOSE_UNACCEPTABLE, "text only", NULL);
    } else {
        on_text(ctx, self, weir_buf_coalesce(payload, weir_buf_readable(payload)));
    }
}

static void leave(weir_ctx *ctx, guest *self) {
    room *left = self->room;
    self->room = NULL;
    if (left != NULL)
        room_leave(left, weir_ctx_channel(ctx), write_line(self, "leave", weir_bytes_of(NULL, 0)));
}

/* ---- pages ---- */

static void on_request(weir_ctx *ctx, const weir_http_request *request) {
    bool is_read = request->method == WEIR_HTTP_METHOD_GET || request->method == WEIR_HTTP_METHOD_HEAD;
    if (!is_read || !weir_bytes_equal_str(request->path, "/")) {
        weir_http_server_respond_text(ctx, is_read ? 404 : 405, NULL);
        return;
    }
    weir_http_response *response = weir_http_response_new(200);
    if (response != NULL) {
        weir_http_fields_add(&response->head.fields, WEIR_HTTP_CONTENT_TYPE,
                             weir_bytes_str("text/html; charset=utf-8"));
    }
    weir_http_server_respond(ctx, response, weir_buf_wrap_const(page, page_length), NULL);
}

/* ---- the handler ---- */

static void chat_read(weir_ctx *ctx, weir_obj *msg) {
    weir_websocket_message *message = weir_websocket_message_from(msg);
    if (message != NULL) on_message(ctx, weir_ctx_state(ctx), message);
    if (weir_http_request_from(msg) != NULL) on_request(ctx, weir_http_request_from(msg));
    weir_obj_release(msg);
}

static void chat_event(weir_ctx *ctx, weir_obj *event) {
    guest *self = weir_ctx_state(ctx);
    weir_websocket_opened *opened = weir_websocket_opened_from(event);
    if (opened != NULL) self->request = weir_obj_retain(opened->request);
    if (weir_websocket_closed_from(event) != NULL) leave(ctx, self);
    weir_ctx_fire_event(ctx, event);
}

static void chat_removed(weir_ctx *ctx) {
    guest *self = weir_ctx_state(ctx);
    leave(ctx, self);
    weir_obj_release(self->request);
    free(self);
}

static const weir_handler chat = {
    .name = "chat", .read = chat_read, .event = chat_event, .removed = chat_removed};

static weir_status build(weir_pipeline *pipeline, void *websocket) {
    guest *self = calloc(1, sizeof *self);
    weir_status status = self == NULL ? WEIR_E_NO_MEMORY : tls_server_add(pipeline, tls);
    if (status == WEIR_OK) status = weir_http_server_add(pipeline, NULL);
    if (status == WEIR_OK) status = weir_websocket_server_add(pipeline, websocket);
    if (status == WEIR_OK) status = weir_pipeline_add_last(pipeline, &chat, self);
    if (status != WEIR_OK) free(self);
    return status;
}

static void print_totals(void *arg) {
    (void)arg;
    printf("%llu lines\n", atomic_load(&lines));
    weir_tls_context_release(tls);
}

int main(int argc, char **argv) {
    args_server at = {.host = "127.0.0.1", .port = 8082};
    args_tls secured = {0};
    const char *origins[] = {NULL, NULL};
    unsigned slow = 0;
    args_parse(
        &argc, argv, "Chat rooms in the browser: open http://HOST:PORT/", "",
        (args_option[]){
            ARGS_SERVER(at),
            ARGS_TLS(secured),
            {"--history", "N", "lines that newcomers are shown", .number = &rules.history, .max = 10000},
            {"--slow", "skip|cut", "who cannot keep up misses lines, or is cut off", .choice = &slow},
            {"--origin", "URL", "only pages from there may connect", .text = &origins[0]},
            {0}});
    if (tls_server_context(&tls, &secured, at.host, "http/1.1") != 0) return 1;
    rules.skip_unwritable = slow == 0;
    weir_websocket_server_options websocket = {
        .handshake.origins = origins[0] != NULL ? origins : NULL,
        .websocket.limits.message = LINE_MOST,
    };
    return serve(&at, (weir_server_options){.build = build, .build_arg = &websocket}, print_totals, NULL);
}
