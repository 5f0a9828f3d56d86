/* <weir/codec/http_client.h> - the handler that makes a channel speak HTTP/1.1 as a client.
 *
 *     your handler --request, bufs, regions, end--> [ http_client ] --bytes--> wire
 *     your handler <--response, bufs, end---------- [             ] <--bytes-- wire
 *
 * In short: write a request in parts (http_message.h), or whole with weir_http_client_request; its response comes back in
 * parts. More requests may be written before it has (pipelining, up to WEIR_HTTP_CLIENT_PIPELINE): responses come in
 * the order of the requests.
 *
 *     Framing    By a Content-Length that was set or is known, or chunked when Transfer-Encoding: chunked was set; else
 *                a request has no body. Host is added from the options when it is missing.
 *     Again      When all that was asked is answered and the connection stays, weir_http_event_ready comes: write the
 *                next, or give the channel back to its pool. When it does not stay the codec closes it
 *                behind the response, and what is written by then fails with WEIR_E_CLOSED.
 *     Interim    Responses below 200 come as responses with an end; a 100 comes as weir_http_event_continue only, unless
 *                pass_continue.
 *     Expect     After a request with Expect: 100-continue wait with its body for weir_http_event_continue, which comes
 *                with the 100 or, since not every server knows it, after continue_timeout_ms. When a final response
 *                comes instead, leave body and end away: the connection closes behind it.
 *     Failures   One error event, then the channel closes: what is no HTTP, an end inside a response or before one that
 *                is due (WEIR_E_EOF), nothing for response_timeout_ms while one is due (WEIR_E_TIMEOUT), a response
 *                that nobody asked for, a 101 to who asked for no Upgrade. Requests that were not answered are those
 *                whose end you have not seen.
 *
 * Source: RFC 9110, RFC 9112. Layer: codec. On the channel's loop.
 */
#ifndef WEIR_CODEC_HTTP_CLIENT_H
#define WEIR_CODEC_HTTP_CLIENT_H

#include <weir/codec/http_parser.h>
#include <weir/transport/ctx.h>
#include <weir/transport/event.h>
#include <weir/transport/pipeline.h>

WEIR_BEGIN_DECLS

/* Requests that may wait for their response; one more fails with WEIR_E_LIMIT. */
#define WEIR_HTTP_CLIENT_PIPELINE 32

/* Zero means the default, everywhere; milliseconds, WEIR_LOOP_NEVER: not at all. */
typedef struct weir_http_client_options {
    weir_http_limits limits;
    /* the Host of requests without one; NULL: none is added. Borrowed for the pipeline's life */
    const char *host;
    /* while a response is due nothing came, nor was anything taken of what was asked, for so long; 60 000. It stands still
     * while we read nothing */
    unsigned response_timeout_ms;
    unsigned continue_timeout_ms; /* a 100 is waited for so long; 1 000 */
    bool pass_continue;           /* true: a 100 comes as a response too */
} weir_http_client_options;

/* Adds it next to the tail. Borrows: pipeline, options (may be NULL). Fails: WEIR_E_NO_MEMORY, WEIR_E_INVALID for a
 * host that cannot be a field. */
WEIR_API weir_status weir_http_client_add(weir_pipeline *pipeline, const weir_http_client_options *options);

/* Fired inward; constants, so compare addresses. */
WEIR_API extern weir_event weir_http_event_ready;
WEIR_API extern weir_event weir_http_event_continue;

/* A whole request: head, body (a buf or region; NULL: none) with its Content-Length, and the end. Borrows: ctx of a
 * handler behind the codec. Takes: request (NULL fails with WEIR_E_NO_MEMORY), body, promise (may be NULL). */
WEIR_API void weir_http_client_request(weir_ctx *ctx, weir_http_request *request, void *body,
                                       weir_promise *promise);

/* Leaves HTTP once a 101, or a 2xx to CONNECT, was read: the codec goes, and unread bytes go on to the handler behind
 * it. Put the next protocol's handlers in place before. Borrows: ctx of a handler behind the codec. */
WEIR_API void weir_http_client_upgrade(weir_ctx *ctx);

WEIR_END_DECLS

#endif
