/* <weir/codec/websocket.h> - the handlers that make a channel speak WebSocket, from the first frame to the last.
 *
 *     wire --bytes--> [ decoder ] --> [ websocket ] --weir_websocket_message--> your handler
 *     wire <--frames----------------- [           ] <-message, prepared, buf--- (weir_ctx_write)
 *
 * In short: whole messages come in; write messages, or use the helpers below. A buf that is written is a binary
 * message. Pings are answered, dead peers noticed by pings of our own, and the end is told by one event:
 *
 *     weir_websocket_closed   code, reason, whether both ends agreed        always, once, before `inactive`
 *
 * Pieces. A message that is passed on as it comes (`pieces`) goes out so too, its first piece to its last: what is
 *   written in between, or a piece of a message that has not begun, fails with WEIR_E_INVALID; control frames do not. A
 *   piece that cannot be sent (WEIR_E_BACKPRESSURE, WEIR_E_NO_MEMORY) aborts: half a message cannot be taken back.
 *
 * Closing. weir_websocket_close, or closing the channel (code 1000; 1001 when the server stops), sends a close frame
 *   and waits `close_timeout_ms` for the peer's; messages that come meanwhile are still given, writes fail with
 *   WEIR_E_CLOSED. A peer's close frame is answered. Then the server closes the connection; a client waits for that.
 *
 * Violations. Whatever breaks a rule or a limit is answered by a close frame (1002, 1007, 1008, 1009; 1011 when out of
 *   memory) and the end of our stream, and told by the event with the rule in `what`. What the peer still sends is
 *   dropped until it ends, too, or `close_timeout_ms` are over; then the connection is closed.
 *
 * Pings. Who is silent for `ping_interval_ms` is sent one, and aborted when `ping_timeout_ms` later it has neither said
 *   anything nor taken any of what waits for it. While reading is paused nobody is aborted: the answer may be there.
 *
 * How a connection comes here: websocket_server.h, websocket_client.h, or weir_websocket_add after a handshake of
 * your own. Layer: codec. On the channel's loop.
 */
#ifndef WEIR_CODEC_WEBSOCKET_H
#define WEIR_CODEC_WEBSOCKET_H

#include <weir/codec/http_message.h>
#include <weir/codec/websocket_close.h>
#include <weir/codec/websocket_handshake.h>
#include <weir/codec/websocket_parser.h>
#include <weir/transport/ctx.h>
#include <weir/transport/pipeline.h>

WEIR_BEGIN_DECLS

/* Zero means the default, everywhere; milliseconds. */
typedef struct weir_websocket_options {
    weir_websocket_limits limits;
    bool pieces;                 /* messages are given as they come, see websocket_parser.h */
    bool unchecked_text;         /* text is not checked to be UTF-8 */
    bool no_ping;                /* no pings of our own */
    unsigned ping_interval_ms;   /* nothing came for so long: a ping; 30 000 */
    unsigned ping_timeout_ms;    /* still nothing: the connection is aborted; 20 000. See above */
    unsigned close_timeout_ms;   /* how long the peer's close frame, and its end, is waited for; 5 000 */
    unsigned control_per_second; /* more pings and pongs than that are a flood: 1008; 64 */
    size_t fragment;             /* longer messages are sent in frames of so many bytes; 0: in one */
} weir_websocket_options;

/* ---- events, fired inbound. Readable ---- */

/* The handshake is done: messages may be written. */
typedef struct weir_websocket_opened {
    weir_obj obj;
    weir_http_request *request; /* server: what was asked; client: NULL. Retain it to keep it */
    const char *protocol;       /* one of the options', or NULL */
    bool compressed;            /* permessage-deflate was agreed on */
} weir_websocket_opened;

/* No message comes or goes any more. */
typedef struct weir_websocket_closed {
    weir_obj obj;
    /* the peer's; after a violation the one we sent; NONE and ABNORMAL see websocket_close.h */
    unsigned code;
    bool clean;                                  /* both ends sent a close frame */
    const char *what;                            /* the rule that was broken, or NULL. Until: forever */
    char reason[WEIR_WEBSOCKET_REASON_MOST + 1]; /* the peer's, UTF-8; "" */
} weir_websocket_closed;

/* What they are to weir_obj_is. */
WEIR_API extern const weir_obj_type weir_websocket_opened_type;
WEIR_API extern const weir_obj_type weir_websocket_closed_type;

/* `obj` as one of them, or NULL when it is something else. Borrows: obj, and so the answer. */
static inline weir_websocket_opened *weir_websocket_opened_from(weir_obj *obj) {
    return weir_obj_is(obj, &weir_websocket_opened_type) ? (weir_websocket_opened *)(void *)obj : NULL;
}
static inline weir_websocket_closed *weir_websocket_closed_from(weir_obj *obj) {
    return weir_obj_is(obj, &weir_websocket_closed_type) ? (weir_websocket_closed *)(void *)obj : NULL;
}

/* ---- adding ---- */

/* Next to the tail, both handlers; the handshake is behind us. Borrows: pipeline; options, agreement and deflate for
 * the call (each may be NULL: defaults, nothing agreed on). Fails: WEIR_E_NO_MEMORY. */
WEIR_API weir_status weir_websocket_add(weir_pipeline *pipeline, weir_websocket_role role,
                                        const weir_websocket_options *options,
                                        const weir_websocket_agreement *agreement,
                                        const weir_websocket_deflate_options *deflate);

/* ---- sending. Borrows: ctx of a handler behind. Takes: promise, which may be NULL ---- */

/* Borrows: text, UTF-8, which is copied. */
WEIR_API void weir_websocket_send_text(weir_ctx *ctx, weir_bytes text, weir_promise *promise);
/* Takes: payload (NULL fails with WEIR_E_NO_MEMORY). */
WEIR_API void weir_websocket_send_binary(weir_ctx *ctx, weir_buf *payload, weir_promise *promise);
/* Borrows: payload, copied. Fails: WEIR_E_INVALID for more than 125 bytes. */
WEIR_API void weir_websocket_send_ping(weir_ctx *ctx, weir_bytes payload, weir_promise *promise);
/* Begins the closing; completes when the frame is out. Borrows: reason (UTF-8), cut to 123 bytes.
 * Requires: a code that may be in a close frame. */
WEIR_API void weir_websocket_close(weir_ctx *ctx, unsigned code, const char *reason, weir_promise *promise);

/* The same as a message, for weir_channel_write from any thread. Gives: a message, or NULL when out of memory. */
WEIR_API WEIR_MUST_USE weir_websocket_message *weir_websocket_close_message(unsigned code,
                                                                            const char *reason);

WEIR_END_DECLS

#endif
