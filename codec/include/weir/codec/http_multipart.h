/* <weir/codec/http_multipart.h> - a multipart body to parts, as a decode function: form-data, byteranges, any other.
 *
 *     --B                                   skipped, with all that stands in front of it
 *     (head)                           ->   weir_http_part
 *     (bytes) (bytes) ...              ->   weir_buf, weir_buf, ...   slices of what came, never copied
 *     --B                              ->   weir_http_part_end
 *     ...
 *     --B--                            ->   weir_http_part_end; what stands behind it is skipped
 *
 * In short: bytes of a part are given out as they come; only what may be the beginning of a boundary waits. A boundary
 * counts when nothing but blanks stands behind it in its line: a longer boundary of a multipart inside of a part is
 * data. Where the boundary is cut makes no difference to what the parts are, only to how many bufs they come in.
 *
 * The end of the stream before the last boundary is WEIR_E_EOF. What breaks a rule is WEIR_E_FRAME_CORRUPT, what breaks
 * a limit WEIR_E_FRAME_TOO_LONG or WEIR_E_LIMIT; both end the stream.
 *
 * Source: RFC 2046 5.1, RFC 7578. Layer: codec, pure. Needs decode.h. A value; one thread.
 */
#ifndef WEIR_CODEC_HTTP_MULTIPART_H
#define WEIR_CODEC_HTTP_MULTIPART_H

#include <weir/codec/decode.h>
#include <weir/codec/http_part.h>

WEIR_BEGIN_DECLS

/* Longest boundary there is (RFC 2046 5.1.1). */
#define WEIR_HTTP_BOUNDARY_MAX 70

typedef struct weir_http_multipart_options {
    weir_bytes boundary; /* needed; see weir_http_multipart_boundary */
    size_t max_head;     /* bytes of the head of a part; 0: 8 KiB */
    unsigned max_parts;  /* 0: 1024 */
    uint64_t max_total;  /* bytes of all of it; 0: 1 GiB */
    bool is_form;        /* every part must be form-data with a name (RFC 7578 4.2) */
} weir_http_multipart_options;

typedef struct weir_http_multipart {
    char delimiter[4 + WEIR_HTTP_BOUNDARY_MAX]; /* CR LF -- boundary */
    size_t delimiter_length;
    size_t max_head;
    size_t searched; /* bytes of the head at hand in which its end is not */
    uint64_t max_total, total;
    unsigned max_parts, parts;
    bool is_form;
    uint8_t state;
} weir_http_multipart;

/* The boundary parameter of a Content-Type of multipart/<any>; false when it is something else. Borrows: boundary. */
WEIR_API bool weir_http_multipart_boundary(weir_bytes content_type, weir_bytes *boundary);

/* Borrows: options; the boundary is copied. Fails: WEIR_E_INVALID for a boundary that is none. */
WEIR_API weir_status weir_http_multipart_init(weir_http_multipart *self,
                                              const weir_http_multipart_options *options);

/* ---- weir_decode_fn's of a weir_http_multipart. Borrows: all; `*out` Gives a weir_http_part, a weir_buf or
 * weir_http_part_end ---- */

WEIR_API weir_decode weir_http_multipart_decode(void *self, weir_buf *in, weir_obj **out, weir_error *error);
WEIR_API weir_decode weir_http_multipart_decode_last(void *self, weir_buf *in, weir_obj **out,
                                                     weir_error *error);

WEIR_END_DECLS

#endif
