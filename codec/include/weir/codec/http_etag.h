/* <weir/codec/http_etag.h> - entity tags: read, written, made from a file, compared, looked for in lists.
 *
 *     "33a64df5"   strong: equal tags mean equal bytes
 *     W/"33a6"     weak:   equal tags mean equal content, good enough for a cache
 *
 * Source: RFC 9110 8.8.3. Layer: codec, pure. Values; any thread.
 */
#ifndef WEIR_CODEC_HTTP_ETAG_H
#define WEIR_CODEC_HTTP_ETAG_H

#include <weir/buffer/buf.h>
#include <weir/core/bytes.h>

WEIR_BEGIN_DECLS

typedef struct weir_http_etag {
    weir_bytes text; /* between the quotes; ptr NULL: no tag */
    bool is_weak;
} weir_http_etag;

/* How a tag of a request is compared with that of the resource (8.8.3.2). */
typedef enum weir_http_etag_comparison {
    WEIR_HTTP_ETAG_STRONG, /* same text, both strong */
    WEIR_HTTP_ETAG_WEAK,   /* same text */
} weir_http_etag_comparison;

/* All of `text` as one tag; false, leaving `*out` alone, when it is none. `*out` views text. */
WEIR_API bool weir_http_etag_parse(weir_bytes text, weir_http_etag *out);

/* Appends the tag as it stands in a field; a tag with a byte that may not be in one fails `out` with
 * WEIR_E_INVALID. Borrows: etag, out. */
WEIR_API void weir_http_etag_format(const weir_http_etag *etag, weir_buf *out);

/* Most bytes of a tag made from a file. */
#define WEIR_HTTP_ETAG_MADE 50

/* A strong tag out of what changes when a file does: "inode-size-mtime" in hexadecimal, mtime in nanoseconds. A file
 * changed twice within what its file system can tell apart keeps its tag: set is_weak where that may happen.
 * Borrows: memory, for as long as the tag is used. */
WEIR_API weir_http_etag weir_http_etag_make(uint64_t inode, uint64_t size, int64_t mtime_ns,
                                            char memory[WEIR_HTTP_ETAG_MADE]);

/* False when either is no tag. Borrows: both. */
WEIR_API bool weir_http_etag_equal(const weir_http_etag *etag, const weir_http_etag *other,
                                   weir_http_etag_comparison how);

/* What became of looking for a tag in an If-Match or If-None-Match list. */
typedef enum weir_http_etag_found {
    WEIR_HTTP_ETAG_ABSENT,
    WEIR_HTTP_ETAG_PRESENT,
    WEIR_HTTP_ETAG_ANY,     /* the list is "*" */
    WEIR_HTTP_ETAG_INVALID, /* the list is none; what stands in front of the fault was looked at */
} weir_http_etag_found;

/* Looks for `etag` in a list of tags. Borrows: etag, which may be no tag. */
WEIR_API weir_http_etag_found weir_http_etag_find(weir_bytes list, const weir_http_etag *etag,
                                                  weir_http_etag_comparison how);

WEIR_END_DECLS

#endif
