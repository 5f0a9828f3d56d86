/* websocket_message.c - messages, and messages encoded for many, as counted objects. */
#include <weir/codec/websocket_message.h>
#include <weir/core/alloc.h>

#include "websocket/message_new.h"

static weir_leak_counter messages = {.name = "websocket message"};
static weir_leak_counter prepared = {.name = "websocket prepared"};

static void free_message(weir_obj *obj) {
    weir_websocket_message *self = (weir_websocket_message *)(void *)obj;
    weir_buf_release(self->payload);
    weir_alloc_release(NULL, self);
}

static uint64_t message_size(const weir_obj *obj) {
    return weir_buf_readable(((const weir_websocket_message *)(const void *)obj)->payload);
}

static void free_prepared(weir_obj *obj) {
    weir_websocket_prepared *self = (weir_websocket_prepared *)(void *)obj;
    weir_buf_release(self->frame);
    weir_alloc_release(NULL, self);
}

static uint64_t prepared_size(const weir_obj *obj) {
    return weir_buf_readable(((const weir_websocket_prepared *)(const void *)obj)->frame);
}

const weir_obj_type weir_websocket_message_type = {
    .name = "websocket message", .free = free_message, .size = message_size, .live = &messages};
const weir_obj_type weir_websocket_prepared_type = {
    .name = "websocket prepared", .free = free_prepared, .size = prepared_size, .live = &prepared};

weir_websocket_message *weir_websocket_message_new(weir_websocket_opcode opcode, weir_buf *payload) {
    return payload == NULL ? NULL : websocket_message_make(opcode, payload, true, true);
}

weir_websocket_message *websocket_message_make(unsigned opcode, weir_buf *payload, bool first, bool last) {
    weir_websocket_message *self = weir_alloc_acquire(NULL, sizeof *self);
    if (self == NULL) {
        weir_buf_release(payload);
        return NULL;
    }
    weir_obj_init(&self->obj, &weir_websocket_message_type);
    self->payload = payload;
    self->opcode = (uint8_t)opcode;
    self->first = first;
    self->last = last;
    self->has_headroom = false;
    return self;
}

weir_websocket_prepared *weir_websocket_prepared_new(weir_websocket_opcode opcode, weir_buf *payload) {
    WEIR_CHECK(opcode == WEIR_WEBSOCKET_TEXT || opcode == WEIR_WEBSOCKET_BINARY, "opcode %d is for one only",
               (int)opcode);
    weir_websocket_header header = {.opcode = (uint8_t)opcode, .final = true};
    header.length = payload == NULL ? 0 : weir_buf_readable(payload);
    weir_buf *frame = weir_websocket_frame(&header, payload, NULL);
    weir_websocket_prepared *self = frame == NULL ? NULL : weir_alloc_acquire(NULL, sizeof *self);
    if (self == NULL) {
        weir_buf_release(frame);
        return NULL;
    }
    weir_obj_init(&self->obj, &weir_websocket_prepared_type);
    self->frame = frame;
    self->opcode = (uint8_t)opcode;
    self->header = (uint8_t)weir_websocket_header_size(&header);
    return self;
}
