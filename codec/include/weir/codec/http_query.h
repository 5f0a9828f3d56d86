/* <weir/codec/http_query.h> - the pairs of a query or of application/x-www-form-urlencoded.
 *
 *     a=1&b=x+y&c   ->   a "1"   b "x y"   c ""
 *
 *     weir_http_query_init(&query, text, NULL, scratch);
 *     while (weir_http_query_next(&query, &key, &value)) use(key, value);
 *     if (query.status != WEIR_OK) refuse();
 *
 * Source: WHATWG URL 5. Layer: codec, pure. One thread.
 */
#ifndef WEIR_CODEC_HTTP_QUERY_H
#define WEIR_CODEC_HTTP_QUERY_H

#include <weir/buffer/buf.h>
#include <weir/core/bytes.h>

WEIR_BEGIN_DECLS

typedef struct weir_http_query_options {
    unsigned max_pairs; /* 0: 1024 */
    bool plus_is_plus;  /* '+' is no space */
    bool allow_nul;     /* %00 is a byte like others; false: WEIR_E_INVALID */
} weir_http_query_options;

typedef struct weir_http_query {
    weir_bytes rest;
    weir_buf *scratch;
    unsigned flags, left;
    weir_status status; /* why there are no more; WEIR_OK: the end */
} weir_http_query;

/* Borrows: text and scratch, which is cleared for each pair, until the last; options, which may be NULL. */
WEIR_API void weir_http_query_init(weir_http_query *self, weir_bytes text,
                                   const weir_http_query_options *options, weir_buf *scratch);

/* The next pair, decoded; "a" and "a=" both have an empty value, and an empty pair is passed over. False at the end and
 * after a failure: WEIR_E_INVALID for an escape that is none, WEIR_E_LIMIT for more pairs than max_pairs, and what
 * sticks to the scratch. Borrows: all. Until: the next call. */
WEIR_API bool weir_http_query_next(weir_http_query *self, weir_bytes *key, weir_bytes *value);

/* Appends `before` (a question mark or ampersand; 0: nothing), then key=value, encoded with '+' for a space.
 * Borrows: out. */
WEIR_API void weir_http_query_write(char before, weir_bytes key, weir_bytes value, weir_buf *out);

WEIR_END_DECLS

#endif
