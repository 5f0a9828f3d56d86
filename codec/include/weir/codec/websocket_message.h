/* <weir/codec/websocket_message.h> - what flows through the pipeline of a WebSocket.
 *
 * In short: a message is its type and its payload, one buf; received in several pieces it is a composite of these.
 * Where messages are streamed, an object is a piece of one: `first` and `last` tell its ends.
 *
 * A prepared message is encoded once and sent to many: the header and the payload are the same bytes for all servers'
 * connections. weir_channel_group_write takes it as it is.
 *
 * Layer: codec, pure. Retain and release from any thread, else one thread at a time; a prepared one any thread.
 */
#ifndef WEIR_CODEC_WEBSOCKET_MESSAGE_H
#define WEIR_CODEC_WEBSOCKET_MESSAGE_H

#include <weir/codec/websocket_frame.h>
#include <weir/core/obj.h>

WEIR_BEGIN_DECLS

/* Readable, not writable. */
typedef struct weir_websocket_message {
    weir_obj obj;
    weir_buf *payload; /* of text: UTF-8, checked, whole characters unless it is a piece */
    uint8_t opcode;    /* a weir_websocket_opcode, of all pieces that of the message; never CONTINUATION */
    bool first, last;  /* both, unless it is a piece */
    bool has_headroom; /* private: the bytes in front of the payload are this message's alone */
} weir_websocket_message;

/* What it is to weir_obj_is. */
WEIR_API extern const weir_obj_type weir_websocket_message_type;

/* A whole message. Takes: payload (NULL gives NULL). Gives: a message, or NULL when out of memory. */
WEIR_API WEIR_MUST_USE weir_websocket_message *weir_websocket_message_new(weir_websocket_opcode opcode,
                                                                          weir_buf *payload);

/* `obj` as one, or NULL when it is something else. Borrows: obj, and so the answer. */
static inline weir_websocket_message *weir_websocket_message_from(weir_obj *obj) {
    return weir_obj_is(obj, &weir_websocket_message_type) ? (weir_websocket_message *)(void *)obj : NULL;
}

/* A message encoded for any number of connections. Readable, not writable. */
typedef struct weir_websocket_prepared {
    weir_obj obj;
    weir_buf *frame; /* header and payload, as a server sends them */
    uint8_t opcode;
    uint8_t header; /* bytes in front of the payload */
} weir_websocket_prepared;

/* What it is to weir_obj_is. */
WEIR_API extern const weir_obj_type weir_websocket_prepared_type;

/* Requires: TEXT or BINARY. Takes: payload (NULL gives NULL), whose bytes must not change any more.
 * Gives: one, or NULL when out of memory. */
WEIR_API WEIR_MUST_USE weir_websocket_prepared *weir_websocket_prepared_new(weir_websocket_opcode opcode,
                                                                            weir_buf *payload);

/* `obj` as one, or NULL. Borrows: obj, and so the answer. */
static inline weir_websocket_prepared *weir_websocket_prepared_from(weir_obj *obj) {
    return weir_obj_is(obj, &weir_websocket_prepared_type) ? (weir_websocket_prepared *)(void *)obj : NULL;
}

WEIR_END_DECLS

#endif
