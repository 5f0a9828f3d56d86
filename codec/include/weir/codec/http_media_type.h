/* <weir/codec/http_media_type.h> - a Content-Type: type, subtype, parameters.
 *
 *     text/html; charset=utf-8      type "text", subtype "html", params "; charset=utf-8"
 *
 * Source: RFC 9110 8.3.1. Layer: codec, pure. Values; any thread.
 */
#ifndef WEIR_CODEC_HTTP_MEDIA_TYPE_H
#define WEIR_CODEC_HTTP_MEDIA_TYPE_H

#include <weir/codec/http_param.h>

WEIR_BEGIN_DECLS

typedef struct weir_http_media_type {
    weir_bytes type, subtype; /* compare without case; "*" in an Accept field */
    weir_bytes params;        /* for weir_http_param_next; may be empty */
} weir_http_media_type;

/* All of `text`; false, leaving `*out` alone, when it is none. `*out` views text. */
WEIR_API bool weir_http_media_type_parse(weir_bytes text, weir_http_media_type *out);

/* Appends it as in a field, with what stands in params as it is. Borrows: self, out. */
WEIR_API void weir_http_media_type_format(const weir_http_media_type *self, weir_buf *out);

/* It is "type/subtype", whatever its parameters. */
WEIR_API bool weir_http_media_type_is(const weir_http_media_type *self, const char *type_and_subtype);

/* How well it fits into a range such as text/html;level=1, text/html, text/<any> or <any>/<any>: 0 not at all, else
 * the more the more exact. Each parameter of the range must be among its own. Borrows: both. */
WEIR_API unsigned weir_http_media_type_match(const weir_http_media_type *self,
                                             const weir_http_media_type *range);

/* The charset parameter; ptr NULL when there is none. Compares without case. */
WEIR_API weir_bytes weir_http_media_type_charset(const weir_http_media_type *self);

WEIR_END_DECLS

#endif
