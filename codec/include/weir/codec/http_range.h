/* <weir/codec/http_range.h> - which bytes of a file a request wants, and how an answer says which it has.
 *
 *     Range: bytes=0-499,-200        of 1234 ->   {0, 500} {1034, 200}
 *     Content-Range: bytes 0-499/1234
 *
 * In short: a Range is a wish (RFC 9110 14.2), so what is not understood or asks for too much is answered with the
 * whole. Ranges that overlap or touch become one: nobody is sent a byte twice.
 *
 * Source: RFC 9110 14. Layer: codec, pure. Values; any thread.
 */
#ifndef WEIR_CODEC_HTTP_RANGE_H
#define WEIR_CODEC_HTTP_RANGE_H

#include <weir/buffer/buf.h>
#include <weir/core/bytes.h>

WEIR_BEGIN_DECLS

/* Most ranges that one request is given, and so the default of max_ranges. */
#define WEIR_HTTP_RANGES 16

/* A length that is not known. */
#define WEIR_HTTP_LENGTH_UNKNOWN UINT64_MAX

typedef struct weir_http_range {
    uint64_t first, length; /* length > 0 */
} weir_http_range;

/* What is to be sent. */
typedef enum weir_http_range_answer {
    WEIR_HTTP_RANGE_WHOLE,   /* 200: the field is none, of another unit, or asks for more than max_ranges */
    WEIR_HTTP_RANGE_PARTIAL, /* 206: the list; of one range as it is, of more as multipart/byteranges */
    WEIR_HTTP_RANGE_UNSATISFIABLE, /* 416 with Content-Range: bytes * and the length: all lie behind the end */
} weir_http_range_answer;

/* The ranges of one request, in the order they were asked for; one that others were joined to stands where
 * the first of them stood. */
typedef struct weir_http_ranges {
    uint64_t length; /* of all there is */
    unsigned count;
    weir_http_range list[WEIR_HTTP_RANGES];
} weir_http_ranges;

/* Reads a Range field against `length` bytes. `max_ranges` counts what is asked for, 0: WEIR_HTTP_RANGES, which is also
 * the most. An empty or absent field is WHOLE, and so is anything of a length of 0 but `bytes=0-`. Borrows: out. */
WEIR_API weir_http_range_answer weir_http_range_parse(weir_bytes field, uint64_t length, unsigned max_ranges,
                                                      weir_http_ranges *out);

/* Appends "bytes 0-499/1234", with an asterisk for a length that is not known; range NULL: an asterisk for the range,
 * for 416. Borrows: range, out. */
WEIR_API void weir_http_content_range_format(const weir_http_range *range, uint64_t length, weir_buf *out);

/* Reads a Content-Range field. `range->length` 0: unsatisfied. False, changing nothing, when it is none, contradicts
 * itself, or is of another unit. Borrows: range, length. */
WEIR_API bool weir_http_content_range_parse(weir_bytes field, weir_http_range *range, uint64_t *length);

WEIR_END_DECLS

#endif
