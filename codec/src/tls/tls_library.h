/* tls_library.h - private: OpenSSL as a whole, and names and addresses as text. */
#ifndef WEIR_CODEC_TLS_LIBRARY_H
#define WEIR_CODEC_TLS_LIBRARY_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/codec/tls_identity.h>

/* Before the first use; again it does nothing. Any thread. Fails: WEIR_E_UNSUPPORTED. */
weir_status tls_library_start(weir_tls_why *why);

/* Names are compared in lower case; only ASCII has one in DNS (RFC 4343). */
void tls_lower(char *text);

/* "192.0.2.1", "2001:db8::1" as 4 or 16 bytes: how many, 0 for what is no address. */
size_t tls_parse_address(const char *text, uint8_t out[16]);

/* The other way. False when it does not fit. */
bool tls_print_address(const uint8_t *raw, size_t len, char *out, size_t room);

#endif
