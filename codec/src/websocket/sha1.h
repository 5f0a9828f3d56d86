/* sha1.h - private: SHA-1, for Sec-WebSocket-Accept alone (RFC 6455 4.2.2).
 *
 * Fifty lines of our own because no library that weir needs anyway has it, and a handshake of 60 bytes is no reason to
 * need another. It protects nothing there: it only proves that the server understood. Use it for nothing else.
 */
#ifndef WEIR_CODEC_WEBSOCKET_SHA1_H
#define WEIR_CODEC_WEBSOCKET_SHA1_H

#include <weir/core/bytes.h>

/* FIPS 180-4, section 6.1. */
void websocket_sha1(weir_bytes message, uint8_t out[20]);

#endif
