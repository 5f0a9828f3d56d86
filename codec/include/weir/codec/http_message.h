/* <weir/codec/http_message.h> - what flows through the pipeline of an HTTP/1.1 connection.
 *
 *     request (or response)   buf  buf  region ...   end
 *     \__ start and fields    \__ body, any pieces   \__ trailers, if any; always there
 *
 * In short: a message is its head, then its body as ordinary bufs and regions, then one end. A body that is not
 * there has no pieces; the end always comes. Heads are counted objects; what they show are views
 * of bytes that were read, valid as long as the head lives.
 *
 * Source: RFC 9110 (semantics), RFC 9112 (HTTP/1.1). Layer: codec, pure. One thread at a time.
 */
#ifndef WEIR_CODEC_HTTP_MESSAGE_H
#define WEIR_CODEC_HTTP_MESSAGE_H

#include <weir/buffer/pool.h>
#include <weir/codec/http_fields.h>
#include <weir/core/obj.h>

WEIR_BEGIN_DECLS

/* X(NAME): the methods that have a number (RFC 9110 9.3, RFC 5789). */
#define WEIR_HTTP_METHOD_TABLE(X)                                                                            \
    X(GET) X(HEAD) X(POST) X(PUT) X(DELETE) X(CONNECT) X(OPTIONS) X(TRACE) X(PATCH)

/* WEIR_HTTP_METHOD_GET, ...; OTHER is any other token, see method_text. */
typedef enum weir_http_method {
    WEIR_HTTP_METHOD_OTHER,
#define WEIR_HTTP_METHOD_ENUM(name) WEIR_HTTP_METHOD_##name,
    WEIR_HTTP_METHOD_TABLE(WEIR_HTTP_METHOD_ENUM)
#undef WEIR_HTTP_METHOD_ENUM
} weir_http_method;

/* How the end of a body is known (RFC 9112 6.3). */
typedef enum weir_http_framing {
    WEIR_HTTP_NO_BODY,
    WEIR_HTTP_LENGTH,     /* Content-Length: `length` bytes */
    WEIR_HTTP_CHUNKED,    /* Transfer-Encoding: chunked */
    WEIR_HTTP_UNTIL_CLOSE /* responses only */
} weir_http_framing;

/* What requests and responses share: their first member. Readable. */
typedef struct weir_http_head {
    weir_obj obj;
    weir_http_fields fields;
    weir_http_framing framing;
    uint64_t length;      /* of the body, with WEIR_HTTP_LENGTH */
    uint8_t minor;        /* HTTP/1.minor */
    bool keep_alive;      /* the sender allows another message on this connection (RFC 9112 9.3) */
    bool upgrade;         /* Connection: upgrade with an Upgrade field, or CONNECT */
    bool expect_continue; /* the body waits for a 100 (RFC 9110 10.1.1) */
    weir_buf *home;       /* private: of a pool, and this lies in it; or NULL */
} weir_http_head;

/* The head of a request. Readable. */
typedef struct weir_http_request {
    weir_http_head head;     /* fields, framing, what becomes of the connection */
    weir_http_method method; /* its number; method_text has the rest */
    weir_bytes method_text;  /* as it came */
    weir_bytes target;       /* as it came: origin, absolute, authority or asterisk form (RFC 9112 3.2) */
    weir_bytes path, query;  /* of an origin or absolute target, still percent-encoded; query without '?'; ptr
                               NULL: none. An absolute target without a path has the path "/" */
    weir_bytes host;         /* authority: of an absolute target, else the Host field (RFC 9112 3.3) */
    weir_buf *line;          /* holds what the views above show */
} weir_http_request;

/* The head of a response. Readable. */
typedef struct weir_http_response {
    weir_http_head head; /* fields, framing, what becomes of the connection */
    unsigned status;     /* 100 to 999 as it came; treat what is above 599 as 500 (RFC 9110 15) */
    weir_bytes reason;   /* may be empty */
    weir_buf *line;      /* holds what `reason` shows; or NULL */
} weir_http_response;

/* The end of a message. Its fields are the trailers (RFC 9110 6.5). */
typedef struct weir_http_end {
    weir_obj obj;
    weir_http_fields trailers;
} weir_http_end;

/* What they are to weir_obj_is. */
WEIR_API extern const weir_obj_type weir_http_request_type;
WEIR_API extern const weir_obj_type weir_http_response_type;
WEIR_API extern const weir_obj_type weir_http_end_type;

/* The end without trailers: a constant, release does nothing. */
WEIR_API extern weir_http_end weir_http_end_plain;

/* `obj` as one of them, or NULL when it is something else. Borrows: obj, and so the answer. */
static inline weir_http_request *weir_http_request_from(weir_obj *obj) {
    return weir_obj_is(obj, &weir_http_request_type) ? (weir_http_request *)(void *)obj : NULL;
}
static inline weir_http_response *weir_http_response_from(weir_obj *obj) {
    return weir_obj_is(obj, &weir_http_response_type) ? (weir_http_response *)(void *)obj : NULL;
}
static inline weir_http_end *weir_http_end_from(weir_obj *obj) {
    return weir_obj_is(obj, &weir_http_end_type) ? (weir_http_end *)(void *)obj : NULL;
}

/* A request to be sent. Borrows: target (copied). `method` as its name: "GET". Gives: a request, or NULL when out of
 * memory, or when the method is no token, or the target is empty or has a byte that may not be there (a control, a
 * space, '#', 0x7f and above). */
WEIR_API WEIR_MUST_USE weir_http_request *weir_http_request_new(const char *method, weir_bytes target);

/* A response to be sent, with the usual reason phrase. Requires: 100 <= status <= 599. Gives: a response, or NULL
 * when out of memory. How its body is framed the codec decides: by the Content-Length that was set, by the body
 * when it comes in the same turn (weir_http_server_respond), else chunked (HTTP/1.1) or until close (1.0). */
WEIR_API WEIR_MUST_USE weir_http_response *weir_http_response_new(unsigned status);

/* The same with memory of a pool, fields included: no malloc for each message. Borrows: pool, which outlives them. */
WEIR_API WEIR_MUST_USE weir_http_request *weir_http_request_new_in(weir_pool *pool, const char *method,
                                                                   weir_bytes target);
WEIR_API WEIR_MUST_USE weir_http_response *weir_http_response_new_in(weir_pool *pool, unsigned status);

/* An end whose trailers may be added to. Gives: an end, or NULL when out of memory. */
WEIR_API WEIR_MUST_USE weir_http_end *weir_http_end_new(void);

/* "Not Found" for 404; "Unknown" for a number without a name. Until: forever. Any thread. */
WEIR_API const char *weir_http_reason(unsigned status);

WEIR_END_DECLS

#endif
