/* http_client_state.h - private: one connection of a client, and what its files share.
 *
 *     http_client.c         the handler, and what users call
 *     http_client_read.c    responses, and the time they take
 *     http_client_write.c   requests, by http_out.c
 */
#ifndef WEIR_CODEC_HTTP_CLIENT_STATE_H
#define WEIR_CODEC_HTTP_CLIENT_STATE_H

#include <weir/codec/decoder.h>
#include <weir/codec/http_client.h>
#include <weir/transport/channel.h>
#include <weir/transport/loop.h>
#include <weir/transport/region.h>
#include <weir/transport/timer.h>

#include "http/http_out.h"

#define HTTP_CLIENT_ASKS_UPGRADE 0x80

typedef struct http_client {
    weir_http_parser parser;
    weir_ctx *ctx;
    http_out out; /* the request under way */
    weir_bytes host;
    unsigned response_timeout_ms, continue_timeout_ms;
    bool pass_continue;

    /* methods of requests that wait for their response: a ring; with HTTP_CLIENT_ASKS_UPGRADE where one asks for another protocol */
    uint8_t methods[WEIR_HTTP_CLIENT_PIPELINE];
    uint8_t first, count;
    bool sending;        /* a request's head is out, its end is not */
    bool waits_continue; /* and its body waits for a 100 */
    bool interim;        /* the end at hand is that of an interim response, */
    bool hides;          /* which nobody saw */
    bool closing;        /* no request may follow */
    bool last;           /* no response follows the one at hand */
    bool switched;       /* HTTP is over: the peer agreed to an upgrade */
    bool leaving;        /* weir_http_client_upgrade waits for the end of the response */
    bool is_held;        /* the end of the response at hand has not reached everybody yet */
    bool ending;         /* nothing is read or written any more */
    weir_timer timer;
    uint64_t since; /* when something last came, or was asked, by the clock of reading */
    uint64_t taken; /* bytes the peer had taken when we looked last */
    bool is_owed;   /* and there was more for it to take */
} http_client;

extern const weir_decoder_ops http_client_ops;

static inline http_client *http_client_of(const weir_ctx *ctx) {
    return weir_decoder_state(ctx);
}

weir_decode http_client_decode(void *state, weir_buf *in, weir_obj **out, weir_error *error);
weir_decode http_client_decode_last(void *state, weir_buf *in, weir_obj **out, weir_error *error);
void http_client_message(weir_ctx *ctx, weir_obj *message);
void http_client_failed(weir_ctx *ctx, const weir_error *failure);
void http_client_ended(weir_ctx *ctx);
void http_client_on_timer(weir_timer *timer);
void http_client_writable_changed(weir_ctx *ctx);

/* For a handler behind the codec that was given the end of a response and has not passed it on: until it has, the
 * exchange is not over, and nothing more is read. */
void http_client_hold(http_client *self);
/* It has passed it on. May free `self`. */
void http_client_go_on(http_client *self);

/* Something is waited for from now on. */
void http_client_mark(http_client *self);
/* Says so, if all that was asked is answered. */
void http_client_ready(http_client *self);

/* WEIR_OK when a request may be written. */
weir_status http_client_why_not(const http_client *self);
void http_client_write(weir_ctx *ctx, weir_obj *msg, weir_promise *promise);

#endif
