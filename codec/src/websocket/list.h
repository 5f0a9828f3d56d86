/* list.h - private: header values that are lists of elements with parameters (RFC 6455 9.1). */
#ifndef WEIR_CODEC_WEBSOCKET_LIST_H
#define WEIR_CODEC_WEBSOCKET_LIST_H

#include <weir/core/bytes.h>

/* The next piece up to a separator that is not inside quotes, trimmed; false when `*rest` was used up. */
static inline bool websocket_list_next(weir_bytes *rest, uint8_t separator, weir_bytes *piece) {
    if (rest->ptr == NULL) return false;
    size_t n = 0;
    for (bool quoted = false; n < rest->len && (quoted || rest->ptr[n] != separator); n++) {
        if (rest->ptr[n] == '"') quoted = !quoted;
    }
    *piece = weir_bytes_trim(weir_bytes_of(rest->ptr, n));
    *rest = n < rest->len ? weir_bytes_sub(*rest, n + 1, rest->len - n - 1) : weir_bytes_of(NULL, 0);
    return true;
}

#endif
