/* tls_context_state.h - private: what the engine asks of a context. */
#ifndef WEIR_CODEC_TLS_CONTEXT_STATE_H
#define WEIR_CODEC_TLS_CONTEXT_STATE_H

#include <openssl/ssl.h>
#include <stdatomic.h>

#include <weir/codec/tls_context.h>

typedef struct tls_counts {
    atomic_ullong handshakes, resumed, failures, key_updates, ktls;
} tls_counts;

bool tls_context_is_server(const weir_tls_context *context);
bool tls_context_is_insecure(const weir_tls_context *context);

/* For the engine to count in. Borrows: context, and so the answer. */
tls_counts *tls_context_counts(weir_tls_context *context);

/* Whether a connection may be opened with it: a server's without, a client's with a host name or address, which only an
 * insecure one can do without. Borrows: both; peer_name may be NULL. */
bool tls_context_can_ask(const weir_tls_context *context, const char *peer_name);

/* A connection set up in all that the context decides: identities by name, verification of `peer_name` and its
 * SNI, a session to resume and where new ones go. Without a BIO, its state set to accept or connect. Borrows:
 * context, until the SSL is freed; peer_name. Requires: tls_context_can_ask. Gives: an SSL, or NULL when out of memory. */
SSL *tls_context_open(weir_tls_context *context, const char *peer_name);

/* Frees what tls_context_open gave. A connection that just ended, without close_notify, may be resumed (RFC 5246
 * 7.2.1), though OpenSSL thinks otherwise; one that failed may not. Takes: ssl, or NULL. */
void tls_context_close(SSL *ssl);

/* Once, when the handshake is done: judges what can only be judged then (that a client got a protocol it requires),
 * and keeps a session that OpenSSL does not hand out by itself. WEIR_OK, or WEIR_E_TLS with `why` (may be NULL): the
 * connection must not be used. Borrows: both. */
weir_status tls_context_accepts(weir_tls_context *context, SSL *ssl, weir_tls_why *why);

#endif
