/* tls_context_open.c - one connection: whom a client asks for and verifies, and which identity a server shows.
 *
 * Identities are given to each SSL as its handshake needs one, not kept in the SSL_CTX: so they can be replaced while
 * others are in the middle of a handshake. What that costs is in docs/decisions/0024-tls-contexts.md.
 */
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "tls/tls_context_inside.h"
#include "tls/tls_identity_inside.h"
#include "tls/tls_library.h"
#include "tls/tls_why.h"

static tls_names *retain_names(weir_tls_context *self) {
    pthread_mutex_lock(&self->lock);
    tls_names *names = tls_names_retain(self->names);
    pthread_mutex_unlock(&self->lock);
    return names;
}

int tls_context_on_name(SSL *ssl, int *alert, void *arg) {
    (void)arg;
    weir_tls_context *self = tls_context_of(ssl);
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    if (name == NULL || !self->refuses_unknown_names) return SSL_TLSEXT_ERR_OK;
    tls_names *names = retain_names(self);
    tls_choice choice;
    bool is_known = tls_names_find(names, name, &choice);
    tls_names_release(names);
    *alert = SSL_AD_UNRECOGNIZED_NAME;
    return is_known ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

static bool use(SSL *ssl, const tls_choice *choice) {
    for (size_t i = 0; i < choice->count; i++) {
        const weir_tls_identity *identity = choice->identities[i];
        if (SSL_use_cert_and_key(ssl, identity->leaf, identity->key, identity->chain, 1) != 1) return false;
    }
    return true;
}

/* OpenSSL then takes the one of them that fits what the peer can. */
int tls_context_on_cert(SSL *ssl, void *arg) {
    weir_tls_context *self = arg;
    tls_names *names = retain_names(self);
    const char *name = self->is_server ? SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name) : NULL;
    tls_choice choice;
    if (name == NULL || !tls_names_find(names, name, &choice)) tls_names_default(names, &choice);
    bool is_used = use(ssl, &choice);
    tls_names_release(names);
    return is_used ? 1 : 0;
}

/* The name is checked as RFC 9525 says: a wildcard is a whole label, and the subject's common name does not count. */
static bool expect_host(SSL *ssl, const char *name) {
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    return SSL_set1_host(ssl, name) == 1 && SSL_set_tlsext_host_name(ssl, name) == 1;
}

static bool expect_address(SSL *ssl, const uint8_t *address, size_t len) {
    return X509_VERIFY_PARAM_set1_ip(SSL_get0_param(ssl), address, len) == 1;
}

static bool expect_peer(SSL *ssl, const char *name) {
    uint8_t address[16];
    size_t len = tls_parse_address(name, address);
    return len != 0 ? expect_address(ssl, address, len) : expect_host(ssl, name);
}

static bool prepare_client(weir_tls_context *self, SSL *ssl, const char *peer_name) {
    SSL_set_connect_state(ssl);
    if (peer_name == NULL) return true;
    if (!expect_peer(ssl, peer_name)) return false;
    return tls_context_resume(self, ssl);
}

SSL *tls_context_open(weir_tls_context *context, const char *peer_name) {
    ERR_clear_error();
    SSL *ssl = SSL_new(context->ssl);
    if (ssl == NULL) return NULL;
    if (context->is_server) {
        SSL_set_accept_state(ssl);
        return ssl;
    }
    if (prepare_client(context, ssl, peer_name)) return ssl;
    SSL_free(ssl);
    return NULL;
}

weir_status tls_context_accepts(weir_tls_context *context, SSL *ssl, weir_tls_why *why) {
    if (!tls_context_has_protocol(context, ssl)) {
        tls_why_say(why, "handshake: no protocol in common (ALPN)");
        return WEIR_E_TLS;
    }
    tls_context_keep_renewed(context, ssl);
    return WEIR_OK;
}

void tls_context_close(SSL *ssl) {
    if (ssl == NULL) return;
    SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(ssl);
}
