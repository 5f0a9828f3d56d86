/* <weir/codec/http_part.h> - the head of one part of a multipart body.
 *
 *     Content-Disposition: form-data; name="photo"; filename="a.png"      name, file_name
 *     Content-Type: image/png                                             content_type
 *
 * An object of its own: it holds a copy of its head, so it does not keep the bytes that were read.
 *
 * Source: RFC 7578 (form-data), RFC 2046 5.1, RFC 8187 (file names with a charset). Layer: codec, pure.
 */
#ifndef WEIR_CODEC_HTTP_PART_H
#define WEIR_CODEC_HTTP_PART_H

#include <weir/core/bytes.h>
#include <weir/core/obj.h>
#include <weir/core/status.h>

WEIR_BEGIN_DECLS

/* Readable. What is not there has ptr NULL. */
typedef struct weir_http_part {
    weir_obj obj;
    weir_bytes head;        /* all fields, as they came */
    weir_bytes disposition; /* "form-data"; compares without case */
    weir_bytes name;        /* decoded */
    /* decoded, and no path to be trusted: see weir_http_path_last. Of filename*, if it is one */
    weir_bytes file_name;
    weir_bytes content_type; /* the value as it came */
} weir_http_part;

/* What heads and ends of parts are to weir_obj_is. */
WEIR_API extern const weir_obj_type weir_http_part_type;
WEIR_API extern const weir_obj_type weir_http_part_end_type;

/* Behind the last byte of each part: a constant, release does nothing. */
WEIR_API extern weir_obj weir_http_part_end;

/* Makes a part of its head, lines that end in CR LF. Borrows: head (copied). Gives: *out, unless it fails.
 * Fails: WEIR_E_FRAME_CORRUPT for lines that are no fields, WEIR_E_NO_MEMORY. */
WEIR_API weir_status weir_http_part_new(weir_bytes head, weir_http_part **out);

/* `obj` as the head of a part, or NULL. Borrows: obj, and so the answer. */
static inline weir_http_part *weir_http_part_from(weir_obj *obj) {
    return weir_obj_is(obj, &weir_http_part_type) ? (weir_http_part *)(void *)obj : NULL;
}

/* The value of the first field of that name, without case; ptr NULL when there is none. Borrows: self.
 * Until: it is released. */
WEIR_API weir_bytes weir_http_part_find(const weir_http_part *self, const char *name);

WEIR_END_DECLS

#endif
