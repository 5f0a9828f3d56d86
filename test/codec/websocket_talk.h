/* websocket_talk.h - what a test says over a WebSocket, and what it heard, as text.
 *
 * Heard: `text "Hello"`, `binary 4 "...."`, `ping "x"`, `close 1000 "bye"`; a piece of a message has "+" in front unless
 * it is the first, and "..." behind unless it is the last; `closed 1006 unclean: rule`, `opened`, `inactive`.
 */
#ifndef TEST_CODEC_WEBSOCKET_TALK_H
#define TEST_CODEC_WEBSOCKET_TALK_H

#include <weir/codec/websocket.h>
#include <weir/transport/embedded.h>

/* Appends the line for a message or event; others are not heard. Borrows: all. */
void talk_note(weir_buf *log, weir_obj *obj);

/* A handler that keeps what it hears. Its state is the log, a buf that the test owns. */
extern const weir_handler talk_listener;

/* The log as text, which is forgotten. Until: the next line. */
const char *talk_heard(weir_buf *log);

/* One frame, masked when `role` (the sender's) is the client. Gives: a buf. */
weir_buf *talk_frame(weir_websocket_role role, unsigned first_byte, weir_bytes payload);
#define talk_text(role, first_byte, literal)                                                                 \
    talk_frame(role, first_byte, weir_bytes_of("" literal, sizeof("" literal) - 1))

/* Everything that one end has written goes to the other, and back, until nothing moves. */
void talk_exchange(weir_embedded *a, weir_embedded *b);

#endif
