/* http_lex.h - private: the words that field values are made of (RFC 9110 5.6), taken off the front of a view.
 *
 * Each scan_ function moves `*rest` past what it took, or answers false and moves nothing.
 */
#ifndef WEIR_CODEC_HTTP_LEX_H
#define WEIR_CODEC_HTTP_LEX_H

#include <weir/core/bytes.h>

#include "http/http_chars.h"
#include "value_list.h"

static inline bool http_is_letter(uint8_t byte) {
    return (byte | 0x20) >= 'a' && (byte | 0x20) <= 'z';
}

static inline bool scan_is_token(weir_bytes text) {
    return text.len != 0 && http_run(text, HTTP_TOKEN) == text.len;
}

/* Neither a control byte nor DEL, except for the tab: what a field value may hold (5.5). */
static inline bool scan_is_text_byte(uint8_t byte) {
    return byte == '\t' || (byte >= 0x20 && byte != 0x7f);
}

static inline void scan_skip(weir_bytes *rest, size_t n) {
    *rest = weir_bytes_sub(*rest, n, SIZE_MAX);
}

static inline void scan_space(weir_bytes *rest) {
    while (rest->len != 0 && (*rest->ptr == ' ' || *rest->ptr == '\t')) scan_skip(rest, 1);
}

static inline bool scan_byte(weir_bytes *rest, uint8_t byte) {
    if (rest->len == 0 || *rest->ptr != byte) return false;
    scan_skip(rest, 1);
    return true;
}

static inline bool scan_token(weir_bytes *rest, weir_bytes *token) {
    size_t n = http_run(*rest, HTTP_TOKEN);
    if (n == 0) return false;
    *token = weir_bytes_sub(*rest, 0, n);
    scan_skip(rest, n);
    return true;
}

/* quoted-string (5.6.4): what stands between the quotes, still with its backslashes. */
static inline bool scan_quoted(weir_bytes *rest, weir_bytes *inside) {
    if (rest->len == 0 || *rest->ptr != '"') return false;
    for (size_t i = 1; i < rest->len && scan_is_text_byte(rest->ptr[i]); i++) {
        if (rest->ptr[i] == '"') {
            *inside = weir_bytes_sub(*rest, 1, i - 1);
            scan_skip(rest, i + 1);
            return true;
        }
        if (rest->ptr[i] == '\\' && (++i == rest->len || !scan_is_text_byte(rest->ptr[i]))) return false;
    }
    return false;
}

/* Decimal digits, at least one; a number beyond 2^64 - 1 counts as that. */
static inline bool scan_number(weir_bytes *rest, uint64_t *number) {
    size_t n = 0;
    bool overflows = false;
    *number = 0;
    for (; n < rest->len && http_is_digit(rest->ptr[n]); n++) {
        overflows |= __builtin_mul_overflow(*number, 10u, number);
        overflows |= __builtin_add_overflow(*number, (uint64_t)rest->ptr[n] - '0', number);
    }
    if (overflows) *number = UINT64_MAX;
    if (n == 0) return false;
    scan_skip(rest, n);
    return true;
}

/* The next element of a comma-separated list (5.6.1), trimmed, empty ones left out. A comma inside of quotes
 * separates nothing. */
static inline bool scan_element(weir_bytes *rest, weir_bytes *element) {
    do {
        if (!value_list_next(rest, ',', element)) return false;
    } while (element->len == 0);
    return true;
}

#endif
