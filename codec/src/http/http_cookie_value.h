/* http_cookie_value.h - private: what may stand in the value of a cookie (RFC 6265 4.1.1).
 */
#ifndef WEIR_CODEC_HTTP_COOKIE_VALUE_H
#define WEIR_CODEC_HTTP_COOKIE_VALUE_H

#include "http/http_lex.h"

/* cookie-octet: no control byte, space, quote, comma, semicolon or backslash, nothing above 0x7e. */
static inline bool is_cookie_value(weir_bytes text) {
    for (size_t i = 0; i < text.len; i++) {
        uint8_t byte = text.ptr[i];
        if (byte <= 0x20 || byte >= 0x7f || strchr("\",;\\", byte) != NULL) return false;
    }
    return true;
}

#endif
