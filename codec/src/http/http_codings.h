/* http_codings.h - private: content codings by their names in HTTP, and those of one body undone, a bounded piece at a
 * time. Pure.
 *
 *     while (weir_buf_is_readable(in) || http_decoding_has_more(self)) http_decoding_step(self, in, &out, &error);
 *     http_decoding_is_whole(self)
 */
#ifndef WEIR_CODEC_HTTP_CODINGS_H
#define WEIR_CODEC_HTTP_CODINGS_H

#include <weir/buffer/pool.h>
#include <weir/codec/compression.h>
#include <weir/codec/http_fields.h>
#include <weir/core/error.h>

#define HTTP_CODINGS 2

/* What is understood, as Accept-Encoding says it. */
#define HTTP_CODINGS_KNOWN "gzip, deflate, br, zstd"

/* The format that a coding of this name is; false when it is none of ours. "deflate" is ZLIB. */
bool http_coding_find(weir_bytes name, weir_compression *format);

/* What Content-Encoding says. Identity does not count. */
typedef struct http_codings {
    weir_compression list[HTTP_CODINGS]; /* in the order they were applied */
    unsigned count;
    bool is_unknown;  /* there is another one */
    bool is_too_many; /* more than fit; they are known */
} http_codings;

void http_codings_read(http_codings *self, const weir_http_fields *fields);

typedef struct http_decoding http_decoding;

/* Requires: codings->count != 0. Borrows: codings; pool, for its life. Gives: one, or NULL when out of memory. */
http_decoding *http_decoding_new(const http_codings *codings, uint64_t output_max, unsigned ratio_max,
                                 weir_pool *pool);
/* Takes: self, or NULL. */
void http_decoding_free(http_decoding *self);

/* Some of `in` (NULL: there is none), until it or a buf of 16 KiB is used up. `*out` Gives: a buf, or NULL when nothing came
 * out. Fails: WEIR_E_FRAME_CORRUPT, WEIR_E_LIMIT, WEIR_E_NO_MEMORY, explained in `*error`; then it is only to be freed. */
weir_status http_decoding_step(http_decoding *self, weir_buf *in, weir_buf **out, weir_error *error);

/* More can be given without further bytes. */
bool http_decoding_has_more(const http_decoding *self);

/* The body may end here: all that began is whole, or nothing ever came. */
bool http_decoding_is_whole(const http_decoding *self);

#endif
