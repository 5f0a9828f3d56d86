/* tls_verify.c - whom a context trusts, and the scope in which sessions may be resumed.
 *
 * A session carries the verdict on its peer's certificate. So it is good only where the same would be asked and
 * believed: the scope (OpenSSL's session id context) is a digest of all that verification depends on, the same in
 * processes that share ticket keys.
 */
#include <errno.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <sys/stat.h>

#include "tls/tls_context_inside.h"
#include "tls/tls_ocsp.h"
#include "tls/tls_pem.h"
#include "tls/tls_why.h"

enum {
    DEPTH = 8
};

/* What is gathered while trust is read. */
typedef struct trust {
    weir_tls_context *context;
    STACK_OF(X509_NAME) * names; /* of the CAs, for clients to choose a certificate by */
    EVP_MD_CTX *scope;
    weir_tls_why *why;
} trust;

static bool trust_cert(trust *self, X509 *cert) {
    X509_STORE *store = SSL_CTX_get_cert_store(self->context->ssl);
    X509_NAME *name = X509_NAME_dup(X509_get_subject_name(cert));
    if (name == NULL || sk_X509_NAME_push(self->names, name) <= 0) {
        X509_NAME_free(name);
        return false;
    }
    return X509_STORE_add_cert(store, cert) == 1;
}

static weir_status trust_certs(trust *self, const tls_text *text) {
    STACK_OF(X509) *certs = NULL;
    weir_status status = tls_pem_certs(&certs, text, self->why);
    for (int i = 0; status == WEIR_OK && i < sk_X509_num(certs); i++) {
        if (!trust_cert(self, sk_X509_value(certs, i)))
            status = tls_why_from_queue(self->why, "%s", text->name);
    }
    sk_X509_pop_free(certs, X509_free);
    return status;
}

static weir_status refuse_revoked(trust *self, const tls_text *text) {
    X509_STORE *store = SSL_CTX_get_cert_store(self->context->ssl);
    X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
    return tls_pem_crls(store, text, self->why);
}

typedef weir_status read_fn(trust *self, const tls_text *text);

static weir_status read_text(trust *self, const char *path, weir_bytes memory, read_fn *read) {
    if (path == NULL && memory.len == 0) return WEIR_OK;
    tls_text text;
    weir_status status = tls_text_open(&text, path, memory, "the CA in memory", self->why);
    if (status != WEIR_OK) return status;
    status = read(self, &text);
    EVP_DigestUpdate(self->scope, text.bytes.ptr, text.bytes.len);
    tls_text_close(&text);
    return status;
}

static weir_status trust_dir(trust *self, const char *path) {
    if (path == NULL) return WEIR_OK;
    struct stat status;
    if (stat(path, &status) != 0) return tls_why_from_file(self->why, path, weir_status_from_errno(errno));
    if (!S_ISDIR(status.st_mode)) return tls_why_from_file(self->why, path, -ENOTDIR);
    EVP_DigestUpdate(self->scope, path, strlen(path));
    bool is_loaded =
        SSL_CTX_load_verify_dir(self->context->ssl, path) == 1 &&
        (!self->context->is_server || SSL_add_dir_cert_subjects_to_stack(self->names, path) == 1);
    return is_loaded ? WEIR_OK : tls_why_from_queue(self->why, "%s", path);
}

static bool has_own_ca(const weir_tls_options *options) {
    return options->ca_file != NULL || options->ca_dir != NULL || options->ca.len != 0;
}

/* What is given is trusted, root or not. */
static weir_status trust_given(trust *self, const weir_tls_options *options) {
    static const weir_bytes none;
    X509_STORE_set_flags(SSL_CTX_get_cert_store(self->context->ssl), X509_V_FLAG_PARTIAL_CHAIN);
    weir_status status = read_text(self, options->ca_file, none, trust_certs);
    if (status == WEIR_OK) status = read_text(self, NULL, options->ca, trust_certs);
    if (status == WEIR_OK) status = trust_dir(self, options->ca_dir);
    return status;
}

static weir_status read_trust(trust *self, const weir_tls_options *options) {
    static const weir_bytes none;
    const weir_tls_context *context = self->context;
    weir_status status = WEIR_OK;
    if (has_own_ca(options)) {
        status = trust_given(self, options);
    } else if (!context->is_server && !context->is_insecure &&
               SSL_CTX_set_default_verify_paths(context->ssl) != 1) {
        status = tls_why_from_queue(self->why, "the system's certificates");
    }
    return status == WEIR_OK ? read_text(self, options->crl_file, none, refuse_revoked) : status;
}

static int mode_of(const weir_tls_context *self, const weir_tls_options *options) {
    if (!self->is_server) return self->is_insecure ? SSL_VERIFY_NONE : SSL_VERIFY_PEER;
    if (options->client_cert == WEIR_TLS_CLIENT_CERT_REQUEST) return SSL_VERIFY_PEER;
    if (options->client_cert == WEIR_TLS_CLIENT_CERT_REQUIRE)
        return SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
    return SSL_VERIFY_NONE;
}

static weir_status check(const weir_tls_context *self, const weir_tls_options *options, weir_tls_why *why) {
    const char *wrong = NULL;
    if (self->is_server && options->client_cert != WEIR_TLS_CLIENT_CERT_NONE && !has_own_ca(options)) {
        wrong = "client certificates need a CA to be trusted by: ca_file, ca_dir or ca";
    } else if (self->is_server && options->insecure) {
        wrong = "insecure is for clients: a server asks for certificates, or it does not";
    } else if (options->insecure && options->require_ocsp) {
        wrong = "insecure and require_ocsp contradict each other";
    }
    if (wrong == NULL) return WEIR_OK;
    tls_why_say(why, "%s", wrong);
    return WEIR_E_INVALID;
}

static void set_status(weir_tls_context *self, const weir_tls_options *options) {
    if (self->is_server) {
        SSL_CTX_set_tlsext_status_cb(self->ssl, tls_ocsp_staple);
    } else if (options->require_ocsp) {
        SSL_CTX_set_tlsext_status_type(self->ssl, TLSEXT_STATUSTYPE_ocsp);
        SSL_CTX_set_tlsext_status_cb(self->ssl, tls_ocsp_demand);
    }
}

static weir_status set_scope(trust *self) {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned len;
    bool is_set = EVP_DigestFinal_ex(self->scope, digest, &len) == 1 &&
                  SSL_CTX_set_session_id_context(self->context->ssl, digest, len) == 1;
    return is_set ? WEIR_OK : tls_why_from_queue(self->why, "sessions have no scope");
}

static weir_status begin(trust *self, int mode, int depth) {
    int facts[] = {mode, depth};
    self->names = sk_X509_NAME_new_null();
    self->scope = EVP_MD_CTX_new();
    bool is_begun = self->names != NULL && self->scope != NULL &&
                    EVP_DigestInit_ex(self->scope, EVP_sha256(), NULL) == 1 &&
                    EVP_DigestUpdate(self->scope, facts, sizeof facts) == 1;
    return is_begun ? WEIR_OK : tls_why_from_queue(self->why, "nobody can be trusted");
}

static void end(trust *self) {
    if (self->context->is_server) {
        SSL_CTX_set_client_CA_list(self->context->ssl, self->names); /* takes it */
    } else {
        sk_X509_NAME_pop_free(self->names, X509_NAME_free);
    }
    EVP_MD_CTX_free(self->scope);
}

weir_status tls_context_trust(weir_tls_context *self, const weir_tls_options *options, weir_tls_why *why) {
    weir_status status = check(self, options, why);
    if (status != WEIR_OK) return status;
    self->is_insecure = options->insecure;
    self->refuses_unknown_names = options->refuse_unknown_names;
    int mode = mode_of(self, options);
    int depth = options->verify_depth != 0 ? (int)options->verify_depth : DEPTH;
    SSL_CTX_set_verify(self->ssl, mode, NULL);
    SSL_CTX_set_verify_depth(self->ssl, depth);
    set_status(self, options);
    trust reading = {.context = self, .why = why};
    status = begin(&reading, mode, depth);
    if (status == WEIR_OK) status = read_trust(&reading, options);
    if (status == WEIR_OK) status = set_scope(&reading);
    end(&reading);
    return status;
}
