/* tls_context_inside.h - private: what a context is made of, and the parts that set it up. */
#ifndef WEIR_CODEC_TLS_CONTEXT_INSIDE_H
#define WEIR_CODEC_TLS_CONTEXT_INSIDE_H

#include <pthread.h>

#include "tls/tls_context_state.h"
#include "tls/tls_names.h"
#include "tls/tls_session.h"
#include "tls/tls_ticket.h"

struct weir_tls_context {
    weir_obj obj;
    SSL_CTX *ssl;
    bool is_server, is_insecure, refuses_unknown_names, alpn_required;
    uint8_t *alpn; /* as on the wire: a length and a name, and so on */
    size_t alpn_len;
    int key_log;            /* a descriptor, or -1 */
    tls_tickets *tickets;   /* of a server; NULL: none are sealed */
    tls_sessions *sessions; /* of a client; NULL: none are kept */
    tls_counts counts;
    pthread_mutex_t lock;
    tls_names *names; /* under the lock: replaced while connections begin */
};

/* Whose SSL this is. Borrows: ssl. */
weir_tls_context *tls_context_of(const SSL *ssl);

/* Each sets up its part. Fails: WEIR_E_INVALID, WEIR_E_NO_MEMORY, -errno, explained in `why`. */
weir_status tls_context_protocol(weir_tls_context *self, const weir_tls_options *options, weir_tls_why *why);
weir_status tls_context_alpn(weir_tls_context *self, const weir_tls_options *options, weir_tls_why *why);
weir_status tls_context_trust(weir_tls_context *self, const weir_tls_options *options, weir_tls_why *why);
weir_status tls_context_resumption(weir_tls_context *self, const weir_tls_options *options,
                                   weir_tls_why *why);
weir_status tls_context_key_log(weir_tls_context *self, const weir_tls_options *options, weir_tls_why *why);

/* OpenSSL takes each of them: its key is long enough, its chain signed well enough. Fails: WEIR_E_INVALID,
 * WEIR_E_NO_MEMORY. */
weir_status tls_context_try(weir_tls_context *self, weir_tls_identity *const *identities, size_t count,
                            weir_tls_why *why);

/* Offers a session that a client has of the peer it asks for. False when out of memory. */
bool tls_context_resume(weir_tls_context *self, SSL *ssl);

/* A client of TLS 1.2 whose ticket was renewed as it was resumed: OpenSSL tells nobody of the new one. */
void tls_context_keep_renewed(weir_tls_context *self, SSL *ssl);

/* False: ALPN is required, and nothing was agreed on. */
bool tls_context_has_protocol(const weir_tls_context *self, const SSL *ssl);

/* Callbacks of OpenSSL that choose an identity: by the name, and once the client's wishes are known. */
int tls_context_on_name(SSL *ssl, int *alert, void *arg);
int tls_context_on_cert(SSL *ssl, void *arg);

#endif
