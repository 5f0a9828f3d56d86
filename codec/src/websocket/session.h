/* session.h - private: the state of the handler `websocket`. */
#ifndef WEIR_CODEC_WEBSOCKET_SESSION_H
#define WEIR_CODEC_WEBSOCKET_SESSION_H

#include <weir/codec/websocket.h>
#include <weir/transport/timer.h>

typedef struct websocket_session {
    weir_websocket_options options; /* with the defaults filled in */
    weir_websocket_role role;
    weir_ctx *ctx;
    weir_websocket_parser *parser;     /* the decoder's, which outlives us */
    weir_websocket_deflater *deflater; /* or NULL */
    weir_websocket_keys *keys;         /* client only */
    weir_promise *closing;             /* of a close that waits for the handshake, or NULL */
    weir_timer timer;                  /* for pings, then for the close */
    uint64_t heard, written;           /* bytes of frames, and on the wire, when the timer looked last */
    uint64_t second;                   /* which the control frames are counted in */
    size_t threshold;                  /* shorter messages are not compressed */
    unsigned controls;
    unsigned depth;      /* our calls into the pipeline on the stack */
    unsigned in_doubt;   /* writes among them of which it is not known whether they are taken */
    uint16_t close_code; /* for a close that names none */
    bool removed;
    bool close_sent, told, peer_ended;
    bool is_ending; /* the connection's own close is under way or waits for the peer's */
    bool has_pinged;
    bool streams;    /* a message is being written in pieces */
    bool compresses; /* that message */
} websocket_session;

/* The two handlers behind `at`. As weir_websocket_add. */
weir_status websocket_add_after(weir_ctx *at, weir_websocket_role role, const weir_websocket_options *options,
                                const weir_websocket_agreement *agreement,
                                const weir_websocket_deflate_options *deflate);

/* The event for those behind `ctx`. Borrows: request, which may be NULL. */
void websocket_tell_opened(weir_ctx *ctx, weir_http_request *request,
                           const weir_websocket_agreement *agreement);

/* Around calls into the pipeline after which `self` is needed: it is freed in the outermost leave. */
void websocket_enter(websocket_session *self);
void websocket_leave(websocket_session *self);

/* The event itself; one that says ABNORMAL and nothing else when out of memory. Gives: it. */
weir_obj *websocket_closed_new(unsigned code, weir_bytes reason, bool clean, const char *what);

/* Whatever is written: messages of all kinds. A `write` slot. */
void websocket_write(weir_ctx *ctx, weir_obj *msg, weir_promise *promise);

/* A control frame, at once. Takes: payload (NULL fails), promise. */
void websocket_send_control(websocket_session *self, unsigned opcode, weir_buf *payload,
                            weir_promise *promise);

/* The close frame, if none was sent yet. Takes: promise. */
void websocket_send_close(websocket_session *self, unsigned code, weir_bytes reason, weir_promise *promise);

/* An empty buf for any control frame's payload, or NULL. */
weir_buf *websocket_control_payload(websocket_session *self);

#endif
