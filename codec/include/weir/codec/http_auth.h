/* <weir/codec/http_auth.h> - Basic authentication: user and password of an Authorization field.
 *
 * Source: RFC 7617. Layer: codec, pure. Values; any thread.
 */
#ifndef WEIR_CODEC_HTTP_AUTH_H
#define WEIR_CODEC_HTTP_AUTH_H

#include <weir/buffer/buf.h>
#include <weir/core/bytes.h>

WEIR_BEGIN_DECLS

/* Who, and the proof. */
typedef struct weir_http_basic {
    weir_bytes user;     /* without a colon */
    weir_bytes password; /* may have some */
} weir_http_basic;

/* Reads "Basic " and base64. `*out` views what was decoded, which is appended to `scratch`. False, changing nothing, when
 * it is something else or has control bytes. Borrows: scratch, out. Until: the next call that writes scratch. */
WEIR_API bool weir_http_basic_parse(weir_bytes field, weir_buf *scratch, weir_http_basic *out);

/* Appends the value of an Authorization field; fails `out` with WEIR_E_INVALID for a colon in the user or control
 * bytes. Borrows: basic, out. */
WEIR_API void weir_http_basic_format(const weir_http_basic *basic, weir_buf *out);

/* Whether both are the same, in a time that depends on the length of `given` only: not on how much of a secret was
 * guessed. */
WEIR_API bool weir_http_secret_equal(weir_bytes given, weir_bytes secret);

WEIR_END_DECLS

#endif
