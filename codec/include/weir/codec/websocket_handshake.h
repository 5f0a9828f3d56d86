/* <weir/codec/websocket_handshake.h> - how an HTTP/1.1 connection becomes a WebSocket: what each end asks and checks.
 *
 *     client                                             server
 *       GET /chat, Upgrade, Sec-WebSocket-Key: K   -->   weir_websocket_handshake_check -> 101, or why not
 *       weir_websocket_handshake_confirm           <--   101, Sec-WebSocket-Accept: hash of K
 *
 * In short: requests and responses in, requests and responses out; no channel. The handlers are in websocket_server.h
 * and websocket_client.h.
 *
 * A browser sends the origin of the page that opens a WebSocket, and its cookies, to whatever server the page names:
 * a server that knows its users by cookies has to set `origins`, or any page can speak in their name (RFC 6455 10.2).
 *
 * Source: RFC 6455 section 4. Layer: codec, pure. Any thread.
 */
#ifndef WEIR_CODEC_WEBSOCKET_HANDSHAKE_H
#define WEIR_CODEC_WEBSOCKET_HANDSHAKE_H

#include <weir/codec/http_message.h>
#include <weir/codec/websocket_deflate.h>

WEIR_BEGIN_DECLS

/* What we agree to. Zero means the default, everywhere. Borrowed for as long as who has it needs it. */
typedef struct weir_websocket_handshake_options {
    const char *const *protocols; /* subprotocols, ending with NULL, the most wanted first; NULL: none */
    bool protocol_needed;         /* no connection without one of them: 400 */
    const char *const *origins; /* server: "https://a.example", ending with NULL; others get 403. NULL: any */
    bool origin_needed; /* server: none at all gets 403 too; programs that are no browsers send none */
    weir_websocket_deflate_options deflate;
} weir_websocket_handshake_options;

/* What both ends agreed on. */
typedef struct weir_websocket_agreement {
    const char *protocol; /* one of the options', or NULL */
    weir_websocket_deflate_params deflate;
    char accept[29]; /* server: Sec-WebSocket-Accept */
} weir_websocket_agreement;

/* Characters of Sec-WebSocket-Key. */
#define WEIR_WEBSOCKET_KEY 24

/* Sec-WebSocket-Accept for a key: 28 characters and a NUL. Borrows: out. */
WEIR_API void weir_websocket_accept(weir_bytes key, char out[29]);

/* A new key, with a NUL. Borrows: out. Fails: what getrandom(2) said. */
WEIR_API weir_status weir_websocket_key(char out[WEIR_WEBSOCKET_KEY + 1]);

/* ---- server ---- */

/* Whether a request asks for a WebSocket at all: "websocket" in Upgrade. Borrows: request. */
WEIR_API bool weir_websocket_handshake_is(const weir_http_request *request);

/* Requires: handshake_is. Answers 101 and fills in `out`, or the status of the refusal (400, 403, 405, 426) and in
 * `*why` (may be NULL) the rule in a few words. Borrows: all; out->protocol for as long as options. */
WEIR_API unsigned weir_websocket_handshake_check(weir_websocket_agreement *out,
                                                 const weir_http_request *request,
                                                 const weir_websocket_handshake_options *options,
                                                 const char **why);

/* The answer to what check said: a 101, or a refusal, with the fields that belong to it. Borrows: agreement.
 * Gives: a response, or NULL when out of memory. */
WEIR_API WEIR_MUST_USE weir_http_response *
weir_websocket_handshake_response(unsigned status, const weir_websocket_agreement *agreement);

/* ---- client ---- */

/* The request. Borrows: host (with its port, if that is not the usual one), target, key, options; origin may be NULL.
 * More fields may be added. Gives: a request, or NULL when out of memory or when one of these may not be in it. */
WEIR_API WEIR_MUST_USE weir_http_request *
weir_websocket_handshake_request(const char *host, const char *target, const char *origin, const char *key,
                                 const weir_websocket_handshake_options *options);

/* Whether the answer is right (RFC 6455 4.1); else false, and `*why` (may be NULL) says what is wrong.
 * Borrows: all; out->protocol for as long as options. */
WEIR_API bool weir_websocket_handshake_confirm(weir_websocket_agreement *out,
                                               const weir_http_response *response, const char *key,
                                               const weir_websocket_handshake_options *options,
                                               const char **why);

WEIR_END_DECLS

#endif
