/* tls_info.c - what was agreed on, and who the peer is. */
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <time.h>

#include <weir/core/alloc.h>
#include <weir/core/check.h>

#include "tls/tls_engine_state.h"

/* RFC 2253 into `text`, cut to its size. */
static void name_to_text(const X509_NAME *name, char *text, size_t size) {
    BIO *memory = BIO_new(BIO_s_mem());
    text[0] = 0;
    if (memory == NULL) return;
    if (X509_NAME_print_ex(memory, name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) >= 0) {
        int n = BIO_read(memory, text, (int)size - 1);
        text[n > 0 ? n : 0] = 0;
    }
    BIO_free(memory);
}

static void make_texts(weir_tls_engine *self, const X509 *cert) {
    tls_peer_texts *peer = weir_alloc_zeroed(NULL, 1, sizeof *peer);
    if (peer == NULL) return;
    unsigned len;
    name_to_text(X509_get_subject_name(cert), peer->subject, sizeof peer->subject);
    name_to_text(X509_get_issuer_name(cert), peer->issuer, sizeof peer->issuer);
    X509_digest(cert, EVP_sha256(), peer->sha256, &len);
    peer->der_len = i2d_X509((X509 *)(uintptr_t)cert, &peer->der);
    self->peer = peer;
}

static int64_t seconds_of(const ASN1_TIME *time) {
    struct tm parts;
    return ASN1_TIME_to_tm(time, &parts) == 1 ? (int64_t)timegm(&parts) : 0;
}

/* Out of memory there are no texts; that there is a certificate, and whether it is right, is told all the same. */
static void add_peer(weir_tls_engine *self, weir_tls_info *out) {
    const X509 *cert = SSL_get0_peer_certificate(self->ssl);
    out->peer_subject = out->peer_issuer = "";
    if (cert == NULL) return;
    out->has_peer_cert = true;
    out->verified = !tls_context_is_insecure(self->context) && SSL_get_verify_result(self->ssl) == X509_V_OK;
    out->peer_not_after = seconds_of(X509_get0_notAfter(cert));
    if (self->peer == NULL) make_texts(self, cert);
    if (self->peer == NULL) return;
    out->peer_subject = self->peer->subject;
    out->peer_issuer = self->peer->issuer;
    out->peer_sha256 = weir_bytes_of(self->peer->sha256, sizeof self->peer->sha256);
    if (self->peer->der_len > 0) out->peer_der = weir_bytes_of(self->peer->der, (size_t)self->peer->der_len);
}

static const char *or_empty(const char *text) {
    return text != NULL ? text : "";
}

void weir_tls_engine_get_info(weir_tls_engine *engine, weir_tls_info *out) {
    WEIR_CHECK(engine->done, "a TLS engine was asked before its handshake was done");
    const unsigned char *alpn;
    unsigned alpn_len;
    int group = (int)SSL_get_negotiated_group(engine->ssl);
    SSL_get0_alpn_selected(engine->ssl, &alpn, &alpn_len);
    *out = (weir_tls_info){
        .version = SSL_get_version(engine->ssl),
        .cipher = or_empty(SSL_get_cipher_name(engine->ssl)),
        .group = group != 0 ? or_empty(OBJ_nid2sn(group)) : "",
        .alpn = weir_bytes_of(alpn, alpn_len),
        .server_name = or_empty(SSL_get_servername(engine->ssl, TLSEXT_NAMETYPE_host_name)),
        .resumed = SSL_session_reused(engine->ssl) == 1,
    };
    add_peer(engine, out);
}

void weir_tls_engine_get_stats(const weir_tls_engine *engine, weir_tls_stats *out) {
    *out = engine->stats;
    out->copied_bytes = engine->bio.copied;
}
