/* <weir/codec/http_server.h> - the handler that makes a channel speak HTTP/1.1 as a server.
 *
 *     wire --bytes--> [ http_server ] --request, bufs, end--> your handler
 *     wire <--bytes-- [             ] <-response, bufs, regions, end-- (weir_ctx_write)
 *
 * In short: one request at a time comes in, in pieces (http_message.h); you write one response: its head, its body as
 * bufs, composites and regions, its end. Or all at once, weir_http_server_respond. Then the next request comes:
 * pipelined ones wait, as bytes, so answers are in order by themselves and memory is bounded.
 *
 *     Requests   A handler may answer at any time: at the head, at the end, in another turn. Once the end of its
 *                response is written nothing more of a request comes: what is left of its body is read and dropped
 *                (up to drain_max, else the connection closes), and what comes next is the next request.
 *     Responses  The codec adds Date, Server, Connection and the framing: Content-Length when it was set or is known
 *                (respond), else chunked (HTTP/1.1) or until close (1.0). What may have no body (HEAD, 1xx, 204, 304)
 *                gets none: pieces are released. A Transfer-Encoding field that was set is replaced by the codec's. A
 *                response that contradicts its Content-Length fails its write and aborts, so that the peer never takes
 *                one message for another.
 *     Interim    A response below 200 (103, ...) may be written before the response, its end may be left out. "100
 *                Continue" goes out by itself when your handler has seen the head and not answered, and reads: with
 *                reading off, when it pulls. See manual_continue.
 *     Errors     What is malformed is answered (400, 413, 414, 431, 501, 505; 408 when it takes too long; 503 out of
 *                memory) and the connection closed, lingering so that the peer can read why; nothing behind it is
 *                parsed. A handler that had seen the head gets the error event; its answer then fails, WEIR_E_CLOSED.
 *     Ending     `stopping` lets the request under way finish with Connection: close, and closes what is idle, at once or
 *                after stopping_idle_ms, in which one more request is answered, so too behind an answer whose head was
 *                sent before; a handler that answers without end takes weir_http_event_stopping. A peer that has ended its
 *                side still gets its answers, also one that ends TLS without a close_notify between requests (RFC 9112 9.8);
 *                inside of one that is an error, WEIR_E_CUT_SHORT.
 *     Limits     Time for a head, for a body, between requests: off only by WEIR_LOOP_NEVER. They stand still while it is
 *                us who read nothing: reading is off, is held, or waits for the peer to take its answers. It has to
 *                take some then, in each idle_timeout_ms, or is ended within two. A peer that does not take a response that
 *                is still being written is for timeout_handler.h (write_ms).
 *
 * A body is not read faster than your handler takes it: weir_channel_set_reading, or manual reading and pulls.
 *
 * Handlers between the codec and yours see the same messages in both directions: that is where compression goes.
 *
 * Source: RFC 9110, RFC 9112. Layer: codec. On the channel's loop.
 */
#ifndef WEIR_CODEC_HTTP_SERVER_H
#define WEIR_CODEC_HTTP_SERVER_H

#include <weir/codec/http_parser.h>
#include <weir/transport/ctx.h>
#include <weir/transport/event.h>
#include <weir/transport/pipeline.h>

WEIR_BEGIN_DECLS

/* Makes the answer to what is refused: its head and, in `*body`, its body (Takes; may stay NULL). `status` is what should
 * be answered, `error` says why. Gives: a response, or NULL for the usual one. Borrows: arg, error. */
typedef weir_http_response *weir_http_refusal_fn(void *arg, unsigned status, const weir_error *error,
                                                 weir_buf **body);

/* Zero means the default, everywhere; milliseconds, WEIR_LOOP_NEVER: not at all. */
typedef struct weir_http_server_options {
    weir_http_limits limits;
    unsigned head_timeout_ms; /* from the first byte of a request to the end of its head; 10 000 */
    unsigned idle_timeout_ms; /* from a response that was taken to the first byte of a request; 60 000 */
    /* from `stopping`: a request that was on its way is still answered; 0: closes at once */
    unsigned stopping_idle_ms;
    /* bytes a second a body must bring, over 10 s, while it is read; 128; or WEIR_LOOP_NEVER */
    unsigned body_rate;
    /* behind a last answer, from when it was taken: for the peer to read it and end; 5 000 */
    unsigned linger_ms;
    unsigned requests_max;         /* on one connection, then it closes; 0: no limit */
    size_t drain_max;              /* bytes of a body that are dropped behind its response; 64 KiB */
    const char *server_name;       /* the Server field; NULL: none. Borrowed for the pipeline's life */
    bool no_date;                  /* true: no Date field (RFC 9110 6.6.1 wants one) */
    bool manual_continue;          /* true: "100 Continue" goes out by weir_http_server_continue only */
    weir_http_refusal_fn *refusal; /* NULL: the reason phrase as text/plain */
    void *refusal_arg;             /* Borrowed for the pipeline's life */
} weir_http_server_options;

/* Adds it next to the tail. Connections of a loop that are given the same options, pointers by their address, share one
 * copy of them. Borrows: pipeline, options (may be NULL). Fails: WEIR_E_NO_MEMORY, WEIR_E_INVALID for a server_name that
 * cannot be a field. */
WEIR_API weir_status weir_http_server_add(weir_pipeline *pipeline, const weir_http_server_options *options);

/* Fired inward when the server stops while a request is being answered; a constant, compare addresses. */
WEIR_API extern weir_event weir_http_event_stopping;

/* ---- answering. Borrows: ctx of a handler behind the codec ---- */

/* A whole response: head, body (a buf or region; NULL: none) with its Content-Length, and the end, as one gathered
 * write. Takes: response (NULL, out of memory: a 500 is answered instead), body, promise (may be NULL). */
WEIR_API void weir_http_server_respond(weir_ctx *ctx, weir_http_response *response, void *body,
                                       weir_promise *promise);

/* The same with a short text/plain: "404 Not Found". Borrows: text (copied; NULL: the reason phrase). */
WEIR_API void weir_http_server_respond_text(weir_ctx *ctx, unsigned status, const char *text);

/* "100 Continue" now, if the request under way waits for it. */
WEIR_API void weir_http_server_continue(weir_ctx *ctx);

/* Leaves HTTP once a 101, or a CONNECT's 2xx, and its end were written: the codec goes, and unread bytes go on to the
 * handler behind it. Put the next protocol's handlers in place before. */
WEIR_API void weir_http_server_upgrade(weir_ctx *ctx);

WEIR_END_DECLS

#endif
