/* <weir/codec/http_cors.h> - whether pages of another origin may ask, and the fields that tell their browser.
 *
 *     static const char *const origins[] = {"https://app.example"};
 *     weir_http_cors_options options = {.origins = origins, .origin_count = 1, .methods = "GET, PUT"};
 *     switch (weir_http_cors_check(&options, &request, &answer)) ...
 *
 * A request that is refused is answered as well, without these fields: the browser then keeps the answer from the page.
 * That is no protection of what the request does; check who asks by other means.
 *
 * Source: the Fetch standard, 3.2. Layer: codec, pure. Values; any thread.
 */
#ifndef WEIR_CODEC_HTTP_CORS_H
#define WEIR_CODEC_HTTP_CORS_H

#include <weir/core/bytes.h>

WEIR_BEGIN_DECLS

/* Most fields of an answer. */
#define WEIR_HTTP_CORS_FIELDS 6

/* What other origins may do. Strings are borrowed, NULL is nothing. */
typedef struct weir_http_cors_options {
    const char *const *origins; /* "https://app.example", compared byte by byte */
    size_t origin_count;
    const char *methods;    /* "PUT, DELETE": besides GET, HEAD and POST, which need no permission */
    const char *headers;    /* "Content-Type, X-Token": that requests may carry; "*": whatever they ask for */
    const char *exposed;    /* headers of the answer that pages may read */
    unsigned max_age;       /* seconds that a browser may remember a preflight; 0: as it likes */
    bool any_origin;        /* every origin, instead of the list; never together with allow_credentials */
    bool allow_null;        /* the origin "null", of files and sandboxes: anybody can have it */
    bool allow_credentials; /* cookies may come along */
} weir_http_cors_options;

/* Fields of the request; ptr NULL where there is none. */
typedef struct weir_http_cors_request {
    weir_bytes method, origin;
    weir_bytes request_method, request_headers; /* Access-Control-Request-Method, -Headers */
} weir_http_cors_request;

/* A field to add to the answer. */
typedef struct weir_http_cors_field {
    const char *name;
    weir_bytes value;
} weir_http_cors_field;

/* The fields to add; values view the options, the request, or `number`. */
typedef struct weir_http_cors_answer {
    weir_http_cors_field list[WEIR_HTTP_CORS_FIELDS];
    unsigned count;
    char number[12];
} weir_http_cors_answer;

typedef enum weir_http_cors {
    WEIR_HTTP_CORS_NONE,      /* no Origin: serve it; Vary may have to be added all the same */
    WEIR_HTTP_CORS_ALLOWED,   /* serve it, and add the fields */
    WEIR_HTTP_CORS_PREFLIGHT, /* answer 204 with the fields; there is nothing to serve */
    WEIR_HTTP_CORS_REFUSED,   /* a preflight: 204 or 403 with the fields; else serve it or answer 403 */
} weir_http_cors;

/* Borrows: all; `out` views options and request. Requires: not any_origin together with allow_credentials. */
WEIR_API weir_http_cors weir_http_cors_check(const weir_http_cors_options *options,
                                             const weir_http_cors_request *request,
                                             weir_http_cors_answer *out);

WEIR_END_DECLS

#endif
