/* http_server_state.h - private: one connection of a server, and what its files share (docs/decisions/
 * 0032-idle-http-connections.md: what it holds while nothing is asked).
 *
 *     http_server.c         the handler: its slots, its life
 *     http_server_read.c    requests, one exchange after the other
 *     http_server_write.c   responses, by http_out.c
 *     http_server_end.c     refusing, lingering, closing
 *     http_server_time.c    one lazy timer
 *     http_server_answer.c  whole responses, 100, upgrade: what users call
 *     http_server_shared.c  what it has from its loop: the options, and a parser for each request
 *
 *     asked    NOTHING --head--> HEAD --end--> WHOLE          what came of the request
 *     answer   NONE --response--> BEGUN --end--> DONE         what was written of its answer
 *
 * An exchange is over when it is WHOLE and DONE; only then may the parser go on.
 */
#ifndef WEIR_CODEC_HTTP_SERVER_STATE_H
#define WEIR_CODEC_HTTP_SERVER_STATE_H

#include <weir/codec/decoder.h>
#include <weir/codec/http_server.h>
#include <weir/transport/channel.h>
#include <weir/transport/loop.h>
#include <weir/transport/promise.h>
#include <weir/transport/region.h>
#include <weir/transport/timer.h>

#include "http/http_out.h"
#include "http/http_server_shared.h"

typedef enum http_asked {
    HTTP_ASKED_NOTHING,
    HTTP_ASKED_HEAD,
    HTTP_ASKED_WHOLE
} http_asked;

typedef enum http_answer {
    HTTP_ANSWER_NONE,
    HTTP_ANSWER_BEGUN,
    HTTP_ANSWER_DONE
} http_answer;

typedef struct http_server {
    http_out out; /* the answer */
    http_shared *shared;
    http_reading *reading; /* from the first byte of a request to its end, or to a failure */

    /* ---- time ---- */
    weir_timer timer;
    uint64_t since; /* when what is waited for now began, by the clock of its phase */
    uint64_t taken; /* bytes the peer had taken when we looked last */

    unsigned requests_left; /* the last is answered with Connection: close */
    uint32_t discarded;     /* bytes, when lingering */

    /* ---- the exchange ---- */
    uint8_t asked, answer; /* http_asked, http_answer */
    uint8_t method, minor; /* of the request */
    bool waits_continue;   /* the peer wants a 100 before it sends the body */
    bool by_hand;          /* and somebody says when: nobody else does */
    bool closing;          /* the connection ends with this exchange */
    bool interim;          /* the end of an interim response may follow */

    /* ---- the connection ---- */
    bool is_stopping; /* it waits for one more request no longer than stopping_idle_ms */
    bool switched;    /* HTTP is over: an upgrade was answered */
    bool leaving;     /* weir_http_server_upgrade waits for the end of the request */
    bool peer_ended;
    bool ending;    /* nothing is read or answered any more */
    bool lingering; /* ending, and what still comes is dropped until the peer ends */
    bool is_owed;   /* there was more for the peer to take when we looked last */
} http_server;

extern const weir_decoder_ops http_server_ops;

static inline http_server *http_server_of(const weir_ctx *ctx) {
    return weir_decoder_state(ctx);
}

/* A byte of a request came, its head is not whole. */
static inline bool http_server_has_begun(const http_server *self) {
    return self->asked == HTTP_ASKED_NOTHING && self->reading != NULL;
}

/* Bytes that came and are not parsed: a request that waits, or the first bytes of one. */
static inline bool http_server_has_waiting(const http_server *self) {
    weir_decoder_stats stats;
    weir_decoder_get_stats(self->out.ctx, &stats);
    return stats.waiting != 0;
}

/* ---- http_server_read.c ---- */

weir_decode http_server_decode(void *state, weir_buf *in, weir_obj **out, weir_error *error);
weir_decode http_server_decode_last(void *state, weir_buf *in, weir_obj **out, weir_error *error);
void http_server_message(weir_ctx *ctx, weir_obj *message);
/* The response is done: on with the rest of the request, the next one, or the end. May free `self`. */
void http_server_answered(http_server *self);
/* Whether the rest of the request would be dropped, rather than the connection. */
bool http_server_would_drain(const http_server *self);
void http_server_send_continue(http_server *self);
/* A 100 goes out: the time for the body begins. */
void http_server_continued(http_server *self);
/* If the peer waits for it, and somebody listens. */
void http_server_continue_if_asked(http_server *self);
/* For a handler that is given a head: of this body it says itself when it may come. Borrows: ctx. */
void http_server_continue_by_hand(weir_ctx *ctx);

/* ---- http_server_write.c: takes as a handler's slot ---- */

/* WEIR_OK when a response may be written. */
weir_status http_server_why_not(const http_server *self);
void http_server_write(weir_ctx *ctx, weir_obj *msg, weir_promise *promise);
/* What it does with each kind. */
void http_server_write_response(http_server *self, weir_http_response *response, weir_promise *promise);
void http_server_write_piece(http_server *self, weir_obj *msg, weir_promise *promise);
void http_server_write_end(http_server *self, weir_http_end *end, weir_promise *promise);

/* ---- http_server_answer.c ---- */

/* A whole response, written from here. Takes: response, body (or NULL), promise. */
void http_server_answer(http_server *self, weir_http_response *response, weir_obj *body,
                        weir_promise *promise);
/* Borrows: text, or NULL. Gives: a response, or NULL when out of memory, and its body. */
weir_http_response *http_server_text(weir_ctx *ctx, unsigned status, const char *text, weir_buf **body);

/* ---- http_server_end.c ---- */

/* Answers `status` if nothing was answered yet, and ends the connection. */
void http_server_refuse(http_server *self, unsigned status, const weir_error *error);
void http_server_failed(weir_ctx *ctx, const weir_error *failure);
/* Ends when what was written is out. */
void http_server_close(http_server *self);
void http_server_ended(weir_ctx *ctx);

/* ---- http_server_time.c ---- */

/* Something else is waited for from now on; */
void http_server_mark(http_server *self);
/* that is the first byte of a request. */
void http_server_mark_idle(http_server *self);
void http_server_on_timer(weir_timer *timer);
/* What the peer has taken by now, and whether there is more for it. */
void http_server_note_taken(http_server *self);

#endif
