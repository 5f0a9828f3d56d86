/* <weir/codec/http_percent.h> - percent-encoding: "a%20b" and back.
 *
 * Source: RFC 3986 2.1. Layer: codec, pure. Any thread.
 */
#ifndef WEIR_CODEC_HTTP_PERCENT_H
#define WEIR_CODEC_HTTP_PERCENT_H

#include <weir/buffer/buf.h>
#include <weir/buffer/buf_scan.h>
#include <weir/core/bytes.h>

WEIR_BEGIN_DECLS

enum {
    WEIR_HTTP_PLUS_IS_SPACE = 1u << 0, /* '+' is a space: forms and queries, not paths */
    WEIR_HTTP_ALLOW_NUL = 1u << 1,     /* NUL, escaped or not, is a byte like others; else it is refused */
};

/* Bytes that need no escape: unreserved (2.3); those and what may stand in a segment of a path (3.3). */
WEIR_API extern const weir_byte_set weir_http_unreserved;
WEIR_API extern const weir_byte_set weir_http_path_bytes;

/* Decodes `text` to `out`, which has room for text.len bytes and may be where the text is. `*len` bytes were written.
 * False for an escape that is none, and for NUL: `out` is then of no use. Borrows: out, len. */
WEIR_API bool weir_http_percent_decode(weir_bytes text, unsigned flags, uint8_t *out, size_t *len);

/* The same, appended to a buf. Borrows: out, to which nothing is appended when it fails.
 * Fails: WEIR_E_INVALID, and what sticks to `out`. */
WEIR_API weir_status weir_http_percent_read(weir_bytes text, unsigned flags, weir_buf *out);

/* Appends `text` with every byte that is not in `keep` escaped. Borrows: keep, out. */
WEIR_API void weir_http_percent_write(weir_bytes text, const weir_byte_set *keep, weir_buf *out);

WEIR_END_DECLS

#endif
