/* <weir/codec/http_mime.h> - what a file is, by the end of its name.
 *
 *     weir_http_mime_of(NULL, weir_bytes_str("a/index.HTML"))  ->  text/html
 *
 * A table of the usual ones is built in. Others are read from a text such as /etc/mime.types ("type ext ext ..." a line,
 * # comments); what is read comes before what is built in.
 *
 * Layer: codec, pure, except weir_http_mime_load. A table that is complete may be read by any thread.
 */
#ifndef WEIR_CODEC_HTTP_MIME_H
#define WEIR_CODEC_HTTP_MIME_H

#include <weir/buffer/buf.h>
#include <weir/core/bytes.h>

WEIR_BEGIN_DECLS

/* What a file is of which nothing is known. */
#define WEIR_HTTP_MIME_UNKNOWN "application/octet-stream"

/* Most bytes of text in one table. */
#define WEIR_HTTP_MIME_TEXT_MAX ((size_t)1 << 20)

typedef struct weir_http_mime weir_http_mime;

/* A table without entries of its own. Gives: it, or NULL when out of memory. */
WEIR_API WEIR_MUST_USE weir_http_mime *weir_http_mime_new(void);

/* Takes: self, which may be NULL. */
WEIR_API void weir_http_mime_free(weir_http_mime *self);

/* Adds the entries of `text`, which is copied; the last one of an extension counts. Lines whose first word is no media
 * type are left out. Borrows: self. Fails, changing nothing: WEIR_E_NO_MEMORY, WEIR_E_LIMIT. */
WEIR_API weir_status weir_http_mime_add(weir_http_mime *self, weir_bytes text);

/* The same with what is in a file; blocks until it is read. Borrows: self. Fails also with what the file says. */
WEIR_API weir_status weir_http_mime_load(weir_http_mime *self, const char *path);

/* The media type for a file name or path; without case. WEIR_HTTP_MIME_UNKNOWN when it has no extension or nobody knows
 * it. Borrows: self, which may be NULL: what is built in. Until: self is changed or freed. */
WEIR_API weir_bytes weir_http_mime_of(const weir_http_mime *self, weir_bytes file_name);

/* Text for people, which needs a charset: text/<any>. */
WEIR_API bool weir_http_mime_is_text(weir_bytes type);

/* Compressing it pays: text, and what is text by another name (JSON, XML, SVG, WebAssembly, plain fonts). */
WEIR_API bool weir_http_mime_is_compressible(weir_bytes type);

/* Appends a Content-Type: the type, and "; charset=utf-8" behind text without a charset. Borrows: out. */
WEIR_API void weir_http_mime_write(weir_bytes type, weir_buf *out);

WEIR_END_DECLS

#endif
