/* tls_why.h - private: OpenSSL's error queue as one sentence, and as a status. */
#ifndef WEIR_CODEC_TLS_WHY_H
#define WEIR_CODEC_TLS_WHY_H

#include <openssl/ssl.h>

#include <weir/codec/tls_identity.h>

/* One that OpenSSL knows nothing of. `why` may be NULL, here and below. */
void tls_why_say(weir_tls_why *why, const char *format, ...) WEIR_PRINTF(2, 3);

/* "sentence: the first cause"; empties the queue. Answers WEIR_E_NO_MEMORY when that was the cause, else
 * WEIR_E_INVALID. */
weir_status tls_why_from_queue(weir_tls_why *why, const char *format, ...) WEIR_PRINTF(2, 3);

/* The same for a handshake or record of `ssl` that failed: "what: ..." with the alert or the reason of the
 * verification. Answers WEIR_E_UNTRUSTED, WEIR_E_NO_MEMORY, else WEIR_E_TLS. */
weir_status tls_why_from_ssl(weir_tls_why *why, SSL *ssl, const char *what);

/* "path: no such file or directory". Answers `status`: a -errno, WEIR_E_UNSUPPORTED for what is no regular file,
 * WEIR_E_LIMIT for one that is too large. */
weir_status tls_why_from_file(weir_tls_why *why, const char *path, weir_status status);

/* For callbacks of OpenSSL that refuse: what it puts into its queue afterwards only says that one did. */
void tls_why_raise(const char *format, ...) WEIR_PRINTF(1, 2);

#endif
