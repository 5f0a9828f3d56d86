/* message_new.h - private: a message or a piece of one. */
#ifndef WEIR_CODEC_WEBSOCKET_MESSAGE_NEW_H
#define WEIR_CODEC_WEBSOCKET_MESSAGE_NEW_H

#include <weir/codec/websocket_message.h>

/* Takes: payload (not NULL). Gives: a message, or NULL when out of memory. */
weir_websocket_message *websocket_message_make(unsigned opcode, weir_buf *payload, bool first, bool last);

#endif
