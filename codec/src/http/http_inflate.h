/* http_inflate.h - private: the content codings of one body undone, a bounded piece at a time. Pure.
 *
 *     while (weir_buf_is_readable(in) || http_inflate_has_more(self)) http_inflate_step(self, in, &out, &error);
 *     http_inflate_is_whole(self)
 */
#ifndef WEIR_CODEC_HTTP_INFLATE_H
#define WEIR_CODEC_HTTP_INFLATE_H

#include <weir/buffer/pool.h>
#include <weir/codec/http_fields.h>
#include <weir/core/error.h>

#define HTTP_CODINGS 2

typedef enum http_coding {
    HTTP_CODING_GZIP,
    HTTP_CODING_DEFLATE
} http_coding;

/* What Content-Encoding says. Identity does not count. */
typedef struct http_codings {
    uint8_t list[HTTP_CODINGS]; /* http_coding, in the order they were applied */
    unsigned count;
    bool is_unknown;  /* there is another one */
    bool is_too_many; /* more than fit; they are known */
} http_codings;

void http_codings_read(http_codings *self, const weir_http_fields *fields);

typedef struct http_inflate http_inflate;

/* Requires: codings->count != 0. Borrows: codings; pool, for its life. Gives: one, or NULL when out of memory. */
http_inflate *http_inflate_new(const http_codings *codings, uint64_t output_max, unsigned ratio_max,
                               weir_pool *pool);
/* Takes: self, or NULL. */
void http_inflate_free(http_inflate *self);

/* Some of `in`, until it or a buf of 16 KiB is used up. `*out` Gives: a buf, or NULL when nothing came out. Fails:
 * WEIR_E_FRAME_CORRUPT, WEIR_E_LIMIT, WEIR_E_NO_MEMORY, explained in `*error`; then it is only to be freed. */
weir_status http_inflate_step(http_inflate *self, weir_buf *in, weir_buf **out, weir_error *error);

/* More can be given without further bytes. */
bool http_inflate_has_more(const http_inflate *self);

/* The body may end here: all that began is whole, or nothing ever came. */
bool http_inflate_is_whole(const http_inflate *self);

#endif
