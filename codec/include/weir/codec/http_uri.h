/* <weir/codec/http_uri.h> - a URI or a reference to one, taken apart; references resolved, as a redirect needs it.
 *
 *     http://user@[::1]:8080/a/b?x=1\#top
 *     scheme  userinfo host port path query  fragment
 *
 * The parts are views, still percent-encoded, ptr NULL where there is none; the path is always there, perhaps empty.
 *
 * Source: RFC 3986. Layer: codec, pure. Values; any thread.
 */
#ifndef WEIR_CODEC_HTTP_URI_H
#define WEIR_CODEC_HTTP_URI_H

#include <weir/buffer/buf.h>
#include <weir/core/bytes.h>

WEIR_BEGIN_DECLS

typedef struct weir_http_uri {
    weir_bytes scheme, userinfo, host, path, query, fragment;
    uint16_t port; /* 0: none; see weir_http_uri_port */
    bool is_ipv6;  /* host is what stood in brackets, without them */
} weir_http_uri;

/* All of `text`, absolute or relative. Every byte must be one that a URI has, and every escape be one. False, leaving
 * `*out` alone, when it is none. `*out` views text. */
WEIR_API bool weir_http_uri_parse(weir_bytes text, weir_http_uri *out);

/* Where to connect to: the port, or that of http, https, ws, wss; 0 when nobody knows. Borrows: self. */
WEIR_API uint16_t weir_http_uri_port(const weir_http_uri *self);

/* Appends all parts put together again. Borrows: self, out. */
WEIR_API void weir_http_uri_format(const weir_http_uri *self, weir_buf *out);

/* Appends what `reference` means seen from `base` (RFC 3986 5.2.2). Borrows: both, out. Requires: base has a scheme. */
WEIR_API void weir_http_uri_resolve(const weir_http_uri *base, const weir_http_uri *reference, weir_buf *out);

WEIR_END_DECLS

#endif
