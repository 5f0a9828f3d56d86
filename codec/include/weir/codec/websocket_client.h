/* <weir/codec/websocket_client.h> - the handler that opens a WebSocket on a connection of ours.
 *
 *     weir_websocket_client_add(pipeline, &(weir_websocket_client_options){.host = "a.example", .target = "/chat"});
 *     add your handler behind; connect
 *
 * In short: once the channel is active it sends the request, checks the answer, puts the handlers of websocket.h in its
 * place and fires weir_websocket_opened. Until then what is written fails with -ENOTCONN. An answer that is not
 * right, or none in time, is an `error` event, which closes unless somebody takes it: WEIR_E_INVALID with the status of
 * the answer in `actual`, WEIR_E_TIMEOUT, WEIR_E_EOF when the peer ended first, or what http_parser.h says.
 *
 * Layer: codec. On the channel's loop.
 */
#ifndef WEIR_CODEC_WEBSOCKET_CLIENT_H
#define WEIR_CODEC_WEBSOCKET_CLIENT_H

#include <weir/codec/websocket.h>

WEIR_BEGIN_DECLS

/* Zero means the default, everywhere. What it points to is borrowed for the pipeline's life. */
typedef struct weir_websocket_client_options {
    const char *host;               /* needed: the Host field, with a port that is not the usual one */
    const char *target;             /* path and query; "/" */
    const char *origin;             /* NULL: none */
    const weir_http_fields *fields; /* more fields of the request, such as Authorization; or NULL */
    unsigned timeout_ms;            /* for the answer; 10 000 */
    weir_websocket_handshake_options handshake; /* subprotocols, compression */
    weir_websocket_options websocket;
} weir_websocket_client_options;

/* Next to the tail. Borrows: pipeline, options. Fails: WEIR_E_NO_MEMORY, WEIR_E_INVALID without a host. */
WEIR_API weir_status weir_websocket_client_add(weir_pipeline *pipeline,
                                               const weir_websocket_client_options *options);

WEIR_END_DECLS

#endif
