/* base64.h - private: base64 (RFC 4648, section 4) as far as the handshake needs it. */
#ifndef WEIR_CODEC_WEBSOCKET_BASE64_H
#define WEIR_CODEC_WEBSOCKET_BASE64_H

#include <weir/core/bytes.h>

/* With padding and a NUL: (n + 2) / 3 * 4 + 1 characters. */
void websocket_base64(const uint8_t *bytes, size_t n, char *out);

/* Whether it is the base64 of 16 bytes. */
bool websocket_is_key(weir_bytes key);

#endif
