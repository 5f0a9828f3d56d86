/* <weir/codec/http_aggregator.h> - whole messages: a head, its body as one buf, its end; as one object.
 *
 *     request, buf, buf, end  -->  weir_http_full {head, body, end}
 *
 * In short: put it behind http_server.h or http_client.h and read weir_http_full. The body is linked, not copied
 * (message_aggregator.h), and never longer than max_length.
 *
 * A request whose body is longer is answered with 413 by itself; one that says so in its head before any
 * of it is read (so an Expect: 100-continue never gets its 100), and its connection closes unless the rest is short
 * enough to be dropped. A response that is longer is one error event, WEIR_E_FRAME_TOO_LONG. Interim responses pass by as
 * they are. What you write is not aggregated: weir_http_server_respond, weir_http_client_request.
 *
 * Layer: codec. On the channel's loop.
 */
#ifndef WEIR_CODEC_HTTP_AGGREGATOR_H
#define WEIR_CODEC_HTTP_AGGREGATOR_H

#include <weir/codec/http_message.h>
#include <weir/codec/message_aggregator.h>

WEIR_BEGIN_DECLS

/* A whole message; what is in it lives as long as it does. */
typedef struct weir_http_full {
    weir_obj obj;
    weir_obj *head; /* a weir_http_request or a weir_http_response */
    weir_buf *body; /* may be empty, never NULL */
    weir_http_end *end;
} weir_http_full;

/* What they are to weir_obj_is. */
WEIR_API extern const weir_obj_type weir_http_full_type;

/* `obj` as one, or NULL when it is something else. Borrows: obj, and so the answer. */
static inline weir_http_full *weir_http_full_from(weir_obj *obj) {
    return weir_obj_is(obj, &weir_http_full_type) ? (weir_http_full *)(void *)obj : NULL;
}

/* Its head, or NULL when it is of the other kind. Borrows: full, and so the answer. */
static inline weir_http_request *weir_http_full_request(const weir_http_full *full) {
    return weir_http_request_from(full->head);
}
static inline weir_http_response *weir_http_full_response(const weir_http_full *full) {
    return weir_http_response_from(full->head);
}

/* Adds it next to the tail. Borrows: pipeline. Fails: WEIR_E_INVALID without a max_length (bytes of a body),
 * WEIR_E_NO_MEMORY. */
WEIR_API weir_status weir_http_aggregator_add(weir_pipeline *pipeline, uint64_t max_length);

WEIR_END_DECLS

#endif
