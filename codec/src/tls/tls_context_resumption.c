/* tls_context_resumption.c - sessions: sealed into tickets under keys of ours, kept by OpenSSL for clients without
 * tickets, and on the client's side kept by us.
 */
#include <limits.h>
#include <openssl/x509_vfy.h>
#include <string.h>
#include <time.h>

#include "tls/tls_context_inside.h"
#include "tls/tls_why.h"

enum {
    SESSIONS = 1024,
    SESSION_S = 7200,
    SESSION_MOST_S = 604800, /* RFC 8446 4.6.1: seven days */
    ROTATE_S = 43200,
    TICKETS = 2,
    TICKETS_MOST = 16,
    PEER_MOST = 256
};

static unsigned or_default(unsigned given, unsigned otherwise) {
    return given != 0 ? given : otherwise;
}

/* Of 1.3 a client uses a ticket once: it gets another for the next time (RFC 8446 C.4). But a new ticket is good for the whole
 * time again, and would put off the next look at a client's certificate. */
static int renew(const SSL *ssl, int answer) {
    enum {
        GOOD = 1,
        GOOD_AND_ANOTHER = 2
    };
    if (answer < GOOD) return answer;
    if (SSL_get_verify_mode(ssl) != SSL_VERIFY_NONE) return GOOD;
    return SSL_version(ssl) >= TLS1_3_VERSION ? GOOD_AND_ANOTHER : answer;
}

static int on_ticket_key(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
                         EVP_MAC_CTX *mac, int is_sealing) {
    int answer = tls_tickets_on_key(tls_context_of(ssl)->tickets, name, iv, cipher, mac, is_sealing);
    return is_sealing ? answer : renew(ssl, answer);
}

/* What a client's connection was verified against is what its sessions are found by. */
static bool get_peer(SSL *ssl, char out[PEER_MOST]) {
    X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
    const char *host = X509_VERIFY_PARAM_get0_host(param, 0);
    char *address = host == NULL ? X509_VERIFY_PARAM_get1_ip_asc(param) : NULL;
    const char *peer = host != NULL ? host : address;
    size_t n = peer == NULL ? 0 : strlen(peer);
    bool fits = n != 0 && n < PEER_MOST;
    if (fits) memcpy(out, peer, n + 1);
    OPENSSL_free(address);
    return fits;
}

/* Answers 1: the session is taken. */
static int on_session(SSL *ssl, SSL_SESSION *session) {
    char peer[PEER_MOST];
    if (!get_peer(ssl, peer)) return 0;
    tls_sessions_put(tls_context_of(ssl)->sessions, peer, session);
    return 1;
}

void tls_context_keep_renewed(weir_tls_context *self, SSL *ssl) {
    if (self->sessions == NULL || SSL_version(ssl) >= TLS1_3_VERSION || !SSL_session_reused(ssl)) return;
    SSL_SESSION *session = SSL_get1_session(ssl);
    if (on_session(ssl, session) == 0) SSL_SESSION_free(session);
}

bool tls_context_resume(weir_tls_context *self, SSL *ssl) {
    char peer[PEER_MOST];
    if (self->sessions == NULL || !get_peer(ssl, peer)) return true;
    SSL_SESSION *session = tls_sessions_take(self->sessions, peer, (int64_t)time(NULL));
    bool is_set = session == NULL || SSL_set_session(ssl, session) == 1;
    SSL_SESSION_free(session);
    return is_set;
}

static void refuse_resumption(SSL_CTX *ssl) {
    SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_options(ssl, SSL_OP_NO_TICKET);
    SSL_CTX_set_num_tickets(ssl, 0);
}

/* OpenSSL keeps what is not in a ticket: sessions of TLS 1.2 clients without tickets, and all with no_tickets. */
static weir_status resume_server(weir_tls_context *self, const weir_tls_options *options) {
    SSL_CTX_set_session_cache_mode(self->ssl, SSL_SESS_CACHE_SERVER);
    /* OpenSSL makes room before the limit is reached */
    SSL_CTX_sess_set_cache_size(self->ssl, (long)or_default(options->sessions_max, SESSIONS) + 1);
    SSL_CTX_set_num_tickets(self->ssl,
                            options->tickets == UINT_MAX ? 0 : or_default(options->tickets, TICKETS));
    if (options->no_tickets) {
        SSL_CTX_set_options(self->ssl, SSL_OP_NO_TICKET);
        return WEIR_OK;
    }
    self->tickets = tls_tickets_new(or_default(options->ticket_rotate_s, ROTATE_S));
    if (self->tickets == NULL) return WEIR_E_NO_MEMORY;
    SSL_CTX_set_tlsext_ticket_key_evp_cb(self->ssl, on_ticket_key);
    return WEIR_OK;
}

static weir_status resume_client(weir_tls_context *self, const weir_tls_options *options) {
    self->sessions = tls_sessions_new(or_default(options->sessions_max, SESSIONS));
    if (self->sessions == NULL) return WEIR_E_NO_MEMORY;
    SSL_CTX_set_session_cache_mode(self->ssl, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(self->ssl, on_session);
    return WEIR_OK;
}

weir_status tls_context_resumption(weir_tls_context *self, const weir_tls_options *options,
                                   weir_tls_why *why) {
    if (options->session_s > SESSION_MOST_S ||
        (options->tickets != UINT_MAX && options->tickets > TICKETS_MOST)) {
        tls_why_say(why, "session_s is at most 604800 and tickets at most 16");
        return WEIR_E_INVALID;
    }
    SSL_CTX_set_timeout(self->ssl, (long)or_default(options->session_s, SESSION_S));
    SSL_CTX_set_max_early_data(self->ssl, 0);
    if (options->no_resumption) {
        refuse_resumption(self->ssl);
        return WEIR_OK;
    }
    return self->is_server ? resume_server(self, options) : resume_client(self, options);
}
