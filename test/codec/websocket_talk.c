/* websocket_talk.c - frames by hand, and what came of them. */
#include "websocket_talk.h"

#include <weir/buffer.h>

static const char *name_of(unsigned opcode) {
    static const char *const names[] = {"continuation", "text", "binary", "?", "?", "?", "?", "?",
                                        "close",        "ping", "pong"};
    return opcode <= 10 ? names[opcode] : "?";
}

static void note_message(weir_buf *log, const weir_websocket_message *message) {
    size_t n = weir_buf_readable(message->payload);
    weir_buf *copy = weir_buf_copy(message->payload);
    if (copy == NULL) return;
    weir_buf_printf(log, "%s%s%s %zu \"", message->first ? "" : "+", name_of(message->opcode),
                    message->last ? "" : "...", n);
    weir_bytes bytes = weir_buf_peek(copy);
    for (size_t i = 0; i < bytes.len && i < 40; i++) {
        bool is_plain = bytes.ptr[i] >= 0x20 && bytes.ptr[i] < 0x7f;
        weir_buf_printf(log, is_plain ? "%c" : "\\x%02x", bytes.ptr[i]);
    }
    weir_buf_write_str(log, bytes.len > 40 ? "\"...\n" : "\"\n");
    weir_buf_release(copy);
}

void talk_note(weir_buf *log, weir_obj *obj) {
    const weir_websocket_message *message = weir_websocket_message_from(obj);
    const weir_websocket_closed *closed = weir_websocket_closed_from(obj);
    const weir_websocket_opened *opened = weir_websocket_opened_from(obj);
    if (message != NULL) note_message(log, message);
    if (opened != NULL) {
        weir_buf_printf(log, "opened %s%s\n", opened->protocol != NULL ? opened->protocol : "-",
                        opened->compressed ? " compressed" : "");
    }
    if (closed != NULL) {
        weir_buf_printf(log, "closed %u%s \"%s\"%s%s\n", closed->code, closed->clean ? "" : " unclean",
                        closed->reason, closed->what != NULL ? ": " : "",
                        closed->what != NULL ? closed->what : "");
    }
}

static void listener_read(weir_ctx *ctx, weir_obj *msg) {
    talk_note(weir_ctx_state(ctx), msg);
    weir_obj_release(msg);
}

static void listener_event(weir_ctx *ctx, weir_obj *event) {
    talk_note(weir_ctx_state(ctx), event);
    weir_ctx_fire_event(ctx, event);
}

static void listener_error(weir_ctx *ctx, const weir_error *error) {
    weir_buf_printf(weir_ctx_state(ctx), "error %s %s\n", weir_status_name(error->status),
                    error->what != NULL ? error->what : "-");
    weir_ctx_close(ctx, NULL);
}

static void listener_inactive(weir_ctx *ctx) {
    weir_buf_write_str(weir_ctx_state(ctx), "inactive\n");
    weir_ctx_fire_inactive(ctx);
}

const weir_handler talk_listener = {
    .name = "listener",
    .read = listener_read,
    .event = listener_event,
    .error = listener_error,
    .inactive = listener_inactive,
};

const char *talk_heard(weir_buf *log) {
    weir_buf_write_u8(log, 0);
    const char *text = (const char *)weir_buf_peek(log).ptr;
    weir_buf_clear(log);
    return text;
}

weir_buf *talk_frame(weir_websocket_role role, unsigned first_byte, weir_bytes payload) {
    weir_websocket_header header = {.length = payload.len,
                                    .opcode = first_byte & 15,
                                    .reserved = first_byte >> 4 & 7,
                                    .final = (first_byte & 0x80) != 0,
                                    .masked = role == WEIR_WEBSOCKET_CLIENT,
                                    .mask = {0x37, 0xfa, 0x21, 0x3d}};
    weir_buf *buf = weir_buf_new(payload.len + WEIR_WEBSOCKET_HEADER_MOST);
    if (buf == NULL) return NULL;
    weir_buf_reserve_headroom(buf, WEIR_WEBSOCKET_HEADER_MOST);
    weir_buf_write_view(buf, payload);
    return weir_websocket_frame(&header, buf, NULL);
}

static bool carry(weir_embedded *from, weir_embedded *to) {
    bool moved = false;
    for (weir_obj *out; (out = weir_embedded_take(from)) != NULL; moved = true) {
        weir_obj *copy = (weir_obj *)weir_buf_copy(weir_buf_from(out));
        weir_obj_release(out);
        weir_embedded_feed(to, copy);
    }
    return moved;
}

void talk_exchange(weir_embedded *a, weir_embedded *b) {
    bool ended[2] = {false, false};
    for (int rounds = 0; rounds < 100; rounds++) {
        bool moved = carry(a, b);
        moved = carry(b, a) || moved;
        weir_embedded *const ends[2] = {a, b};
        for (int i = 0; i < 2; i++) {
            if (ended[i] || !weir_embedded_is_shut(ends[i])) continue;
            ended[i] = moved = true;
            weir_embedded_feed_end(ends[1 - i]);
        }
        if (!moved) return;
    }
}
