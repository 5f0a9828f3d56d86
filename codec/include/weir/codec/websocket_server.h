/* <weir/codec/websocket_server.h> - the handler that turns requests for a WebSocket into one, behind http_server.h.
 *
 *     weir_http_server_add(pipeline, NULL);
 *     weir_websocket_server_add(pipeline, &(weir_websocket_server_options){.path = "/chat"});
 *     add your handler behind
 *
 * In short: a request for a WebSocket at `path` is checked and answered; with 101 the HTTP codec leaves, the handlers of
 * websocket.h come in its place, and weir_websocket_opened is fired. A request that breaks a rule is refused (400, 403,
 * 405, 426). All other requests pass by: the same port serves pages.
 *
 * Layer: codec. On the channel's loop.
 */
#ifndef WEIR_CODEC_WEBSOCKET_SERVER_H
#define WEIR_CODEC_WEBSOCKET_SERVER_H

#include <weir/codec/websocket.h>

WEIR_BEGIN_DECLS

/* Zero means the default, everywhere. What it points to is borrowed for the pipeline's life. */
typedef struct weir_websocket_server_options {
    const char *path; /* without query, as it is on the wire; NULL: any */
    weir_websocket_handshake_options handshake;
    weir_websocket_options websocket;
} weir_websocket_server_options;

/* Next to the tail. Borrows: pipeline, options (may be NULL). Fails: WEIR_E_NO_MEMORY. */
WEIR_API weir_status weir_websocket_server_add(weir_pipeline *pipeline,
                                               const weir_websocket_server_options *options);

WEIR_END_DECLS

#endif
