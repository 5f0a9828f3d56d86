/* tls_session.h - private: the sessions a client may resume, by the peer it asked for. Any thread. */
#ifndef WEIR_CODEC_TLS_SESSION_H
#define WEIR_CODEC_TLS_SESSION_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct tls_sessions tls_sessions;

/* At most `most` sessions; the one used longest ago goes first. Gives: a store, or NULL when out of memory. */
tls_sessions *tls_sessions_new(unsigned most);
void tls_sessions_free(tls_sessions *self);

/* A session of `peer`. Takes: session. False, and it is gone, when out of memory. */
bool tls_sessions_put(tls_sessions *self, const char *peer, SSL_SESSION *session);

/* The newest of `peer` that is still good at `now_s` (seconds since 1970), or NULL. One of TLS 1.3 is gone from the store
 * then: used twice it would show that two connections come from the same client (RFC 8446 C.4). Gives: a session. */
SSL_SESSION *tls_sessions_take(tls_sessions *self, const char *peer, int64_t now_s);

/* How many there are. */
uint64_t tls_sessions_count(tls_sessions *self);

#endif
