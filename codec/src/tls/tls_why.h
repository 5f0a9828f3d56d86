/* tls_why.h - private: OpenSSL's error queue as one sentence, and as a status. */
#ifndef WEIR_CODEC_TLS_WHY_H
#define WEIR_CODEC_TLS_WHY_H

#include <openssl/ssl.h>

#include <weir/codec/tls_identity.h>

/* "what: the first cause (where it helps, the alert or the verification's reason)"; empties the queue. `why` may be
 * NULL. */
void tls_why_from_queue(weir_tls_why *why, const char *what);

/* The same for a handshake or record of `ssl` that failed: WEIR_E_UNTRUSTED, WEIR_E_NO_MEMORY, else WEIR_E_TLS. */
weir_status tls_why_from_ssl(weir_tls_why *why, SSL *ssl, const char *what);

/* One that OpenSSL knows nothing of. */
void tls_why_say(weir_tls_why *why, const char *format, ...) WEIR_PRINTF(2, 3);

#endif
