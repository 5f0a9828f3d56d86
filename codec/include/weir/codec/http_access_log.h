/* <weir/codec/http_access_log.h> - one line for each request, in the common or combined format.
 *
 *     192.0.2.1 - frank [10/Oct/2000:13:55:36 +0000] "GET /a.gif HTTP/1.0" 200 2326 "http://a/" "Mozilla/4.08"
 *
 * What came from outside cannot end a line or a quote, nor reach a terminal: control bytes, bytes above 0x7e, quotes
 * and backslashes are written as \xHH, \" and \\. Times are UTC.
 *
 * Layer: codec, pure. Any thread.
 */
#ifndef WEIR_CODEC_HTTP_ACCESS_LOG_H
#define WEIR_CODEC_HTTP_ACCESS_LOG_H

#include <weir/buffer/buf.h>
#include <weir/core/bytes.h>

WEIR_BEGIN_DECLS

/* What is written as "-" is empty. */
typedef struct weir_http_access_log {
    weir_bytes host, user; /* who asked: an address; a name */
    int64_t seconds;       /* since 1970 */
    weir_bytes method, target;
    unsigned minor;     /* HTTP/1.minor */
    unsigned status;    /* 0: none was sent */
    uint64_t body_size; /* bytes of the body that was sent */
    bool is_combined;   /* with the two that follow */
    weir_bytes referer, user_agent;
} weir_http_access_log;

/* Appends a line and its LF. Borrows: entry, out. */
WEIR_API void weir_http_access_log_format(const weir_http_access_log *entry, weir_buf *out);

WEIR_END_DECLS

#endif
