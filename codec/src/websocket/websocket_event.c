/* websocket_event.c - the events of a WebSocket, and the helpers that send. */
#include <weir/buffer/buf_bytes.h>
#include <weir/core/alloc.h>
#include <weir/transport/channel.h>
#include <weir/transport/loop.h>

#include "websocket/frame_out.h"
#include "websocket/session.h"

static weir_leak_counter opened = {.name = "websocket opened"};
static weir_leak_counter closed = {.name = "websocket closed"};

static void free_opened(weir_obj *obj) {
    weir_websocket_opened *self = (weir_websocket_opened *)(void *)obj;
    weir_obj_release(self->request);
    weir_alloc_release(NULL, self);
}

static void free_closed(weir_obj *obj) {
    weir_alloc_release(NULL, obj);
}

const weir_obj_type weir_websocket_opened_type = {
    .name = "websocket opened", .free = free_opened, .live = &opened};
const weir_obj_type weir_websocket_closed_type = {
    .name = "websocket closed", .free = free_closed, .live = &closed};

static weir_websocket_closed just_closed = {
    .obj = {.type = &weir_websocket_closed_type, .count = WEIR_OBJ_IMMORTAL},
    .code = WEIR_WEBSOCKET_CLOSE_ABNORMAL,
};

weir_obj *websocket_closed_new(unsigned code, weir_bytes reason, bool clean, const char *what) {
    weir_websocket_closed *self = weir_alloc_zeroed(NULL, 1, sizeof *self);
    if (self == NULL) return &just_closed.obj;
    weir_obj_init(&self->obj, &weir_websocket_closed_type);
    self->code = code;
    self->clean = clean;
    self->what = what;
    if (reason.len != 0) memcpy(self->reason, reason.ptr, reason.len);
    return &self->obj;
}

/* Out of memory it is an error, which closes. */
void websocket_tell_opened(weir_ctx *ctx, weir_http_request *request,
                           const weir_websocket_agreement *agreement) {
    weir_websocket_opened *self = weir_alloc_acquire(NULL, sizeof *self);
    if (self == NULL) {
        weir_ctx_fail(ctx, WEIR_E_NO_MEMORY, "websocket opened");
        return;
    }
    weir_obj_init(&self->obj, &weir_websocket_opened_type);
    self->request = weir_obj_retain(request);
    self->protocol = agreement->protocol;
    self->compressed = agreement->deflate.on;
    weir_ctx_fire_event(ctx, &self->obj);
}

/* ---- sending ---- */

/* With room in front for the header. */
static weir_buf *copy_of(weir_ctx *ctx, weir_bytes bytes) {
    weir_buf *buf = websocket_get_payload(weir_loop_pool(weir_ctx_loop(ctx)), bytes.len);
    if (buf != NULL) weir_buf_write_view(buf, bytes);
    return buf;
}

void weir_websocket_send_text(weir_ctx *ctx, weir_bytes text, weir_promise *promise) {
    weir_ctx_write(ctx, weir_websocket_message_new(WEIR_WEBSOCKET_TEXT, copy_of(ctx, text)), promise);
}

void weir_websocket_send_binary(weir_ctx *ctx, weir_buf *payload, weir_promise *promise) {
    weir_ctx_write(ctx, payload, promise);
}

void weir_websocket_send_ping(weir_ctx *ctx, weir_bytes payload, weir_promise *promise) {
    weir_ctx_write(ctx, weir_websocket_message_new(WEIR_WEBSOCKET_PING, copy_of(ctx, payload)), promise);
}

weir_websocket_message *weir_websocket_close_message(unsigned code, const char *reason) {
    weir_buf *payload = weir_buf_new(WEIR_WEBSOCKET_CONTROL_MOST);
    if (payload != NULL) weir_websocket_close_write(payload, code, weir_bytes_str(reason));
    return weir_websocket_message_new(WEIR_WEBSOCKET_CLOSE, payload);
}

void weir_websocket_close(weir_ctx *ctx, unsigned code, const char *reason, weir_promise *promise) {
    weir_ctx_write(ctx, weir_websocket_close_message(code, reason), promise);
}
