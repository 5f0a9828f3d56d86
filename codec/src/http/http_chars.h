/* http_chars.h - private: what a byte may be in HTTP (RFC 9110 5.6.2, RFC 3986 3.2.2). */
#ifndef WEIR_CODEC_HTTP_CHARS_H
#define WEIR_CODEC_HTTP_CHARS_H

#include <weir/core/bytes.h>

enum {
    HTTP_TOKEN = 1, /* of a method, a field name, a list element */
    HTTP_HOST = 2,  /* of a registered name or an IPv4 address, '%' apart */
    HTTP_HEX = 4,
    HTTP_SCHEME = 8, /* behind its first letter */
};

extern const uint8_t http_chars[256];

static inline bool http_is(uint8_t byte, uint8_t kind) {
    return (http_chars[byte] & kind) != 0;
}

static inline bool http_is_digit(uint8_t byte) {
    return (uint8_t)(byte - '0') < 10;
}

/* How many bytes from the first are of this kind. */
static inline size_t http_run(weir_bytes text, uint8_t kind) {
    size_t n = 0;
    while (n < text.len && http_is(text.ptr[n], kind)) n++;
    return n;
}

static inline bool http_is_token(weir_bytes text) {
    return text.len != 0 && http_run(text, HTTP_TOKEN) == text.len;
}

#endif
