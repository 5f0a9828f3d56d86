/* <weir/codec/http_param.h> - the `; name=value` parameters behind a value, one at a time.
 *
 *     form-data; name="a \"b\""; filename=x        ->   name = a \"b\" (escaped), filename = x
 *
 * Source: RFC 9110 5.6.6. Layer: codec, pure. Values; any thread.
 */
#ifndef WEIR_CODEC_HTTP_PARAM_H
#define WEIR_CODEC_HTTP_PARAM_H

#include <weir/buffer/buf.h>
#include <weir/core/bytes.h>

WEIR_BEGIN_DECLS

typedef struct weir_http_param {
    weir_bytes name;  /* compares without case */
    weir_bytes value; /* without its quotes */
    bool is_escaped;  /* a backslash in `value` stands for the byte behind it */
} weir_http_param;

/* The next one of `*rest`, which begins at a semicolon. False at the end, where `*rest` is empty, and at what is
 * none, where it is not. Borrows: rest. */
WEIR_API bool weir_http_param_next(weir_bytes *rest, weir_http_param *out);

/* The first with that name; false when there is none in front of the end or a fault. */
WEIR_API bool weir_http_param_find(weir_bytes params, const char *name, weir_http_param *out);

/* All of `params` are parameters. */
WEIR_API bool weir_http_param_are_valid(weir_bytes params);

/* Appends the value as it is meant, without escapes. Borrows: self, out. */
WEIR_API void weir_http_param_write(const weir_http_param *self, weir_buf *out);

/* Appends `; name=value`, quoted where it must be; a value with a control byte fails `out` with WEIR_E_INVALID.
 * Borrows: out. */
WEIR_API void weir_http_param_format(const char *name, weir_bytes value, weir_buf *out);

WEIR_END_DECLS

#endif
