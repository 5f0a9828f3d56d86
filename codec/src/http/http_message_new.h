/* http_message_new.h - private: heads to be filled, and what both sides read out of a start line. */
#ifndef WEIR_CODEC_HTTP_MESSAGE_NEW_H
#define WEIR_CODEC_HTTP_MESSAGE_NEW_H

#include <weir/codec/http_message.h>

/* Empty ones. Borrows: pool, or NULL for the heap. Gives: one, or NULL when out of memory. */
weir_http_request *http_request_make(weir_pool *pool);
weir_http_response *http_response_make(weir_pool *pool);

/* The number of a method, or WEIR_HTTP_METHOD_OTHER. Methods compare with case (RFC 9110 9.1). */
weir_http_method http_method_of(weir_bytes text);

/* What comes behind the authority of a target: "/a?b" is "/a" and "b", "" is "/" (RFC 9110 4.2.3). */
static inline void http_split_path(weir_bytes rest, weir_bytes *path, weir_bytes *query) {
    size_t mark = weir_bytes_find(rest, '?');
    *path = weir_bytes_sub(rest, 0, mark);
    *query = mark == WEIR_NOT_FOUND ? weir_bytes_of(NULL, 0)
                                    : weir_bytes_of(rest.ptr + mark + 1, rest.len - mark - 1);
    if (WEIR_UNLIKELY(path->len == 0)) *path = weir_bytes_of("/", 1);
}

/* What comes behind "scheme://"; ptr NULL: the target does not begin so. */
weir_bytes http_behind_scheme(weir_bytes target);

#endif
