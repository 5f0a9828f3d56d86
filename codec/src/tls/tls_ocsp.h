/* tls_ocsp.h - private: stapled responses about certificates (RFC 6066 8, RFC 6960). */
#ifndef WEIR_CODEC_TLS_OCSP_H
#define WEIR_CODEC_TLS_OCSP_H

#include <openssl/ssl.h>

#include "tls/tls_pem.h"

/* A server: the response to staple hangs on the certificate itself, and lives as long. Fails: WEIR_E_INVALID for what
 * is no successful response, WEIR_E_NO_MEMORY. One that has expired is only warned of. */
weir_status tls_ocsp_attach(X509 *leaf, const tls_text *text, weir_tls_why *why);

/* Callbacks of SSL_CTX_set_tlsext_status_cb: a server's staples, a client's demands a response that says "good". */
int tls_ocsp_staple(SSL *ssl, void *arg);
int tls_ocsp_demand(SSL *ssl, void *arg);

#endif
