/* tls_context_open.c - one connection: whom a client asks for and verifies, and which identity a server shows.
 *
 * Identities are given to each SSL as its handshake needs one, not kept in the SSL_CTX: so they can be replaced while
 * others are in the middle of a handshake. What that costs is in docs/decisions/0024-tls-contexts.md.
 */
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "tls/tls_context_inside.h"
#include "tls/tls_identity_inside.h"
#include "tls/tls_library.h"
#include "tls/tls_why.h"

enum {
    PEER_MOST = 253 /* RFC 1035 2.3.4, as text */
};

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
    if (is_known) return SSL_TLSEXT_ERR_OK;
    tls_why_raise("the client asks for \"%s\", which nobody answers to", name);
    *alert = SSL_AD_UNRECOGNIZED_NAME;
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

static bool use(SSL *ssl, const weir_tls_identity *identity) {
    return SSL_use_cert_and_key(ssl, identity->leaf, identity->key, identity->chain, 1) == 1;
}

weir_status tls_context_try(weir_tls_context *self, weir_tls_identity *const *identities, size_t count,
                            weir_tls_why *why) {
    ERR_clear_error();
    SSL *ssl = SSL_new(self->ssl);
    if (ssl == NULL) return tls_why_from_queue(why, "identities");
    weir_status status = WEIR_OK;
    for (size_t i = 0; status == WEIR_OK && i < count; i++) {
        if (!use(ssl, identities[i])) status = tls_why_from_queue(why, "identity %zu cannot be used", i + 1);
    }
    SSL_free(ssl);
    return status;
}

/* OpenSSL then takes the one of them that fits what the peer can. */
int tls_context_on_cert(SSL *ssl, void *arg) {
    weir_tls_context *self = arg;
    tls_names *names = retain_names(self);
    const char *name = self->is_server ? SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name) : NULL;
    tls_choice choice;
    if (name == NULL || !tls_names_find(names, name, &choice)) tls_names_default(names, &choice);
    bool is_used = true;
    for (size_t i = 0; i < choice.count && is_used; i++) is_used = use(ssl, choice.identities[i]);
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

/* A dot at the end says that the name is complete; in certificates and on the wire there is none (RFC 6066 3). */
static bool expect_peer(SSL *ssl, const char *name) {
    uint8_t address[16];
    char host[PEER_MOST + 1];
    size_t len = tls_parse_address(name, address), n = strlen(name);
    if (len != 0) return expect_address(ssl, address, len);
    if (name[n - 1] == '.') n--;
    memcpy(host, name, n);
    host[n] = '\0';
    return expect_host(ssl, host);
}

/* What no name can have is not let into a handshake or a sentence: also nothing but ASCII (RFC 6066 3). A dot in front would
 * be the certificate of any name below it (X509_check_host(3)). */
static bool is_name(const char *text) {
    size_t n = strlen(text);
    if (n == 0 || n > PEER_MOST || text[0] == '.') return false;
    for (size_t i = 0; i < n; i++)
        if (text[i] <= ' ' || text[i] >= 0x7f) return false;
    return true;
}

bool tls_context_can_ask(const weir_tls_context *context, const char *peer_name) {
    if (context->is_server) return true;
    return peer_name != NULL ? is_name(peer_name) : context->is_insecure;
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
