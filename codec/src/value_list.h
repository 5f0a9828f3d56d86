/* value_list.h - private: field values that are lists (RFC 9110 5.6.1), and elements that are lists of parameters. */
#ifndef WEIR_CODEC_VALUE_LIST_H
#define WEIR_CODEC_VALUE_LIST_H

#include <weir/core/bytes.h>

/* The next piece of `*rest`, trimmed; empty ones too. A separator inside a quoted string is part of its piece.
 * False when `*rest` was used up, which its NULL ptr says. */
static inline bool value_list_next(weir_bytes *rest, uint8_t separator, weir_bytes *piece) {
    if (rest->ptr == NULL) return false;
    size_t n = 0;
    bool quoted = false;
    for (; n < rest->len && (quoted || rest->ptr[n] != separator); n++) {
        if (quoted && rest->ptr[n] == '\\') {
            n += n + 1 < rest->len;
        } else if (rest->ptr[n] == '"') {
            quoted = !quoted;
        }
    }
    *piece = weir_bytes_trim(weir_bytes_of(rest->ptr, n));
    bool more = n < rest->len;
    *rest = more ? weir_bytes_of(rest->ptr + n + 1, rest->len - n - 1) : weir_bytes_of(NULL, 0);
    return true;
}

/* An element without its parameters. */
static inline weir_bytes value_list_token(weir_bytes element) {
    size_t end = weir_bytes_find(element, ';');
    return weir_bytes_trim(weir_bytes_sub(element, 0, end));
}

#endif
