/* pattern.c - noise with a prime period. */
#include "pattern.h"

weir_buf *pattern_new(size_t size) {
    size_t length = PATTERN_PERIOD + size;
    weir_buf *pattern = weir_buf_new(length);
    if (pattern == NULL) return NULL;
    uint8_t *bytes = weir_buf_reserve(pattern, length);
    uint64_t seed = 0x9e3779b97f4a7c15u;
    for (size_t i = 0; i < length; i++) {
        seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
        bytes[i] = i < PATTERN_PERIOD ? (uint8_t)(seed >> 32) : bytes[i - PATTERN_PERIOD];
    }
    weir_buf_commit(pattern, length);
    return pattern;
}

weir_buf *pattern_slice(weir_buf *pattern, uint64_t at, size_t size) {
    return weir_buf_slice(pattern, (size_t)(at % PATTERN_PERIOD), size);
}

bool pattern_matches(const weir_buf *pattern, uint64_t at, weir_bytes bytes) {
    weir_bytes all = weir_buf_peek(pattern);
    while (bytes.len > 0) {
        weir_bytes expected = weir_bytes_sub(all, (size_t)(at % PATTERN_PERIOD), bytes.len);
        if (!weir_bytes_equal(expected, weir_bytes_sub(bytes, 0, expected.len))) return false;
        bytes = weir_bytes_sub(bytes, expected.len, bytes.len);
        at += expected.len;
    }
    return true;
}
