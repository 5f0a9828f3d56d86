/* mask.c - the mask, eight bytes at a time; the rest of fewer a byte at a time. */
#include "websocket/mask.h"

#include <string.h>

void websocket_mask_plain(uint8_t *bytes, size_t n, uint32_t key) {
    uint64_t twice = (uint64_t)key << 32 | key, word;
    size_t i = 0;
    for (; n - i >= sizeof word; i += sizeof word) {
        memcpy(&word, bytes + i, sizeof word);
        word ^= twice;
        memcpy(bytes + i, &word, sizeof word);
    }
    uint8_t rest[sizeof twice];
    memcpy(rest, &twice, sizeof twice);
    for (size_t j = 0; i < n; i++, j++) bytes[i] ^= rest[j];
}
