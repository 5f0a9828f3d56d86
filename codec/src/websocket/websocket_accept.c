/* websocket_accept.c - keys, and the proof that a server has seen one. */
#include <errno.h>
#include <sys/random.h>

#include <weir/codec/websocket_handshake.h>

#include "websocket/base64.h"
#include "websocket/sha1.h"

void websocket_base64(const uint8_t *bytes, size_t n, char *out) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < n; i += 3, out += 4) {
        uint32_t three = (uint32_t)bytes[i] << 16;
        if (i + 1 < n) three |= (uint32_t)bytes[i + 1] << 8;
        if (i + 2 < n) three |= bytes[i + 2];
        out[0] = digits[three >> 18];
        out[1] = digits[three >> 12 & 63];
        out[2] = digits[three >> 6 & 63];
        out[3] = digits[three & 63];
        if (i + 1 >= n) out[2] = '=';
        if (i + 2 >= n) out[3] = '=';
    }
    *out = '\0';
}

static bool is_base64(uint8_t byte) {
    return (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') ||
           byte == '+' || byte == '/';
}

/* 22 digits and two of padding; of the last digit only two bits count, the others are 0. */
bool websocket_is_key(weir_bytes key) {
    if (key.len != WEIR_WEBSOCKET_KEY || key.ptr[22] != '=' || key.ptr[23] != '=') return false;
    for (size_t i = 0; i < 22; i++) {
        if (!is_base64(key.ptr[i])) return false;
    }
    return strchr("AQgw", key.ptr[21]) != NULL;
}

void weir_websocket_accept(weir_bytes key, char out[29]) {
    static const char magic[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    uint8_t text[WEIR_WEBSOCKET_KEY + sizeof magic - 1], hash[20];
    WEIR_CHECK(key.len == WEIR_WEBSOCKET_KEY, "a key of %zu characters", key.len);
    memcpy(text, key.ptr, key.len);
    memcpy(text + key.len, magic, sizeof magic - 1);
    websocket_sha1(weir_bytes_of(text, sizeof text), hash);
    websocket_base64(hash, sizeof hash, out);
}

weir_status weir_websocket_key(char out[WEIR_WEBSOCKET_KEY + 1]) {
    uint8_t bytes[16];
    ssize_t got = getrandom(bytes, sizeof bytes, 0);
    if (got != (ssize_t)sizeof bytes) return weir_status_from_errno(got < 0 ? errno : EIO);
    websocket_base64(bytes, sizeof bytes, out);
    return WEIR_OK;
}
