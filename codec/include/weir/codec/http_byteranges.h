/* <weir/codec/http_byteranges.h> - the answer to a request for several ranges: multipart/byteranges.
 *
 *     --boundary             weir_http_byteranges_part(0)
 *     Content-Type: text/plain
 *     Content-Range: bytes 0-499/1234
 *
 *     <500 bytes>            yours: a slice of the file's region
 *     --boundary ...         weir_http_byteranges_part(1), ...
 *     --boundary--           weir_http_byteranges_end
 *
 * The length of all of it is known before the first byte is sent, so the bodies can be sent by sendfile.
 *
 * Source: RFC 9110 14.6. Layer: codec, pure. A value; any thread.
 */
#ifndef WEIR_CODEC_HTTP_BYTERANGES_H
#define WEIR_CODEC_HTTP_BYTERANGES_H

#include <weir/codec/http_range.h>

WEIR_BEGIN_DECLS

/* Bytes of a boundary that is made here, and of the randomness that makes it. */
#define WEIR_HTTP_BOUNDARY_SIZE 32
#define WEIR_HTTP_BOUNDARY_SEED 16

typedef struct weir_http_byteranges {
    const weir_http_ranges *ranges;
    weir_bytes media_type; /* of the parts; empty: none is told */
    char boundary[WEIR_HTTP_BOUNDARY_SIZE];
} weir_http_byteranges;

/* `seed` must be random: a boundary that a file's author can guess may stand in the file. Borrows: ranges and
 * media_type, for as long as `self` is used; seed. */
WEIR_API void weir_http_byteranges_init(weir_http_byteranges *self, const weir_http_ranges *ranges,
                                        weir_bytes media_type, const uint8_t seed[WEIR_HTTP_BOUNDARY_SEED]);

/* Appends the value of Content-Type. Borrows: self, out. */
WEIR_API void weir_http_byteranges_type(const weir_http_byteranges *self, weir_buf *out);

/* Appends what stands in front of the bytes of range `i`. Borrows: self, out. Requires: i < ranges->count. */
WEIR_API void weir_http_byteranges_part(const weir_http_byteranges *self, unsigned i, weir_buf *out);

/* Appends what stands behind the last range. Borrows: self, out. */
WEIR_API void weir_http_byteranges_end(const weir_http_byteranges *self, weir_buf *out);

/* Bytes of all parts and ranges together: the Content-Length. */
WEIR_API uint64_t weir_http_byteranges_length(const weir_http_byteranges *self);

WEIR_END_DECLS

#endif
