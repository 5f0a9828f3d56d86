/* tls_ocsp.c - a server staples what it was given; a client that demands a response checks who signed it, for which
 * certificate, and until when it is good. */
#include "tls/tls_ocsp.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <pthread.h>
#include <string.h>

#include <weir/core/log.h>

#include "tls/tls_why.h"

enum {
    CLOCK_SKEW_S = 300
};

typedef struct response {
    size_t len;
    uint8_t bytes[];
} response;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static int slot = -1;

static void free_response(void *parent, void *ptr, CRYPTO_EX_DATA *data, int index, long argl, void *argp) {
    (void)parent, (void)data, (void)index, (void)argl, (void)argp;
    OPENSSL_free(ptr);
}

static void take_slot(void) {
    slot = X509_get_ex_new_index(0, NULL, NULL, NULL, free_response);
}

static void warn_if_expired(OCSP_BASICRESP *basic, const char *name) {
    ASN1_GENERALIZEDTIME *from, *to;
    OCSP_SINGLERESP *single = OCSP_resp_get0(basic, 0);
    if (single == NULL || OCSP_single_get0_status(single, NULL, NULL, &from, &to) < 0) return;
    if (OCSP_check_validity(from, to, CLOCK_SKEW_S, -1) == 1) return;
    weir_log(WEIR_LOG_WARN, "tls", "%s: the OCSP response is not valid now; clients that look will refuse it",
             name);
}

static bool is_response(const tls_text *text) {
    const unsigned char *at = text->bytes.ptr;
    OCSP_RESPONSE *parsed = d2i_OCSP_RESPONSE(NULL, &at, (long)text->bytes.len);
    OCSP_BASICRESP *basic = parsed == NULL ? NULL : OCSP_response_get1_basic(parsed);
    if (basic != NULL) warn_if_expired(basic, text->name);
    OCSP_BASICRESP_free(basic);
    OCSP_RESPONSE_free(parsed);
    return basic != NULL;
}

weir_status tls_ocsp_attach(X509 *leaf, const tls_text *text, weir_tls_why *why) {
    ERR_clear_error();
    pthread_once(&once, take_slot);
    if (!is_response(text))
        return tls_why_from_queue(why, "%s: not an OCSP response with an answer (DER)", text->name);
    ERR_clear_error();
    response *kept = OPENSSL_malloc(sizeof *kept + text->bytes.len);
    if (kept == NULL) return tls_why_from_queue(why, "%s", text->name);
    kept->len = text->bytes.len;
    memcpy(kept->bytes, text->bytes.ptr, kept->len);
    if (slot >= 0 && X509_set_ex_data(leaf, slot, kept) == 1) return WEIR_OK;
    OPENSSL_free(kept);
    return tls_why_from_queue(why, "%s", text->name);
}

/* Asked once the certificate is chosen, so that of an RSA and an ECDSA identity the right one is stapled. */
int tls_ocsp_staple(SSL *ssl, void *arg) {
    (void)arg;
    X509 *leaf = SSL_get_certificate(ssl);
    const response *kept = leaf == NULL || slot < 0 ? NULL : X509_get_ex_data(leaf, slot);
    if (kept == NULL) return SSL_TLSEXT_ERR_NOACK;
    uint8_t *copy = OPENSSL_memdup(kept->bytes, kept->len);
    if (copy == NULL) return SSL_TLSEXT_ERR_NOACK;
    SSL_set_tlsext_status_ocsp_resp(ssl, copy, (long)kept->len); /* takes it */
    return SSL_TLSEXT_ERR_OK;
}

/* What the response says of `id`, as a reason of X.509's verification. */
static long judge_status(OCSP_BASICRESP *basic, OCSP_CERTID *id) {
    int status, reason;
    ASN1_GENERALIZEDTIME *revoked, *from, *to;
    if (OCSP_resp_find_status(basic, id, &status, &reason, &revoked, &from, &to) != 1)
        return X509_V_ERR_OCSP_VERIFY_FAILED;
    if (OCSP_check_validity(from, to, CLOCK_SKEW_S, -1) != 1) return X509_V_ERR_OCSP_VERIFY_FAILED;
    if (status == V_OCSP_CERTSTATUS_REVOKED) return X509_V_ERR_CERT_REVOKED;
    return status == V_OCSP_CERTSTATUS_GOOD ? X509_V_OK : X509_V_ERR_OCSP_CERT_UNKNOWN;
}

/* Certificates are named by digests, of a kind that the responder chose: its first answer tells. */
static OCSP_CERTID *name_cert(OCSP_BASICRESP *basic, X509 *cert, X509 *issuer) {
    OCSP_SINGLERESP *first = OCSP_resp_get0(basic, 0);
    ASN1_OBJECT *kind = NULL;
    if (first != NULL)
        OCSP_id_get0_info(NULL, &kind, NULL, NULL, (OCSP_CERTID *)(uintptr_t)OCSP_SINGLERESP_get0_id(first));
    return OCSP_cert_to_id(kind == NULL ? NULL : EVP_get_digestbyobj(kind), cert, issuer);
}

static long judge_basic(SSL *ssl, OCSP_BASICRESP *basic) {
    STACK_OF(X509) *chain = SSL_get0_verified_chain(ssl);
    int n = sk_X509_num(chain);
    if (n < 1) return X509_V_ERR_OCSP_VERIFY_FAILED;
    X509_STORE *store = SSL_CTX_get_cert_store(SSL_get_SSL_CTX(ssl));
    if (OCSP_basic_verify(basic, chain, store, OCSP_PARTIAL_CHAIN) != 1) return X509_V_ERR_OCSP_VERIFY_FAILED;
    OCSP_CERTID *id = name_cert(basic, sk_X509_value(chain, 0), sk_X509_value(chain, n > 1 ? 1 : 0));
    long result = id == NULL ? X509_V_ERR_OUT_OF_MEM : judge_status(basic, id);
    OCSP_CERTID_free(id);
    return result;
}

static long judge(SSL *ssl) {
    const unsigned char *at;
    long n = SSL_get_tlsext_status_ocsp_resp(ssl, &at);
    if (n <= 0 || at == NULL) return X509_V_ERR_OCSP_VERIFY_NEEDED;
    OCSP_RESPONSE *parsed = d2i_OCSP_RESPONSE(NULL, &at, n);
    OCSP_BASICRESP *basic = parsed == NULL ? NULL : OCSP_response_get1_basic(parsed);
    long result = basic == NULL ? X509_V_ERR_OCSP_VERIFY_FAILED : judge_basic(ssl, basic);
    OCSP_BASICRESP_free(basic);
    OCSP_RESPONSE_free(parsed);
    return result;
}

/* A session is resumed on the word of the handshake that made it: no response comes then. */
int tls_ocsp_demand(SSL *ssl, void *arg) {
    (void)arg;
    if (SSL_session_reused(ssl)) return 1;
    ERR_set_mark();
    long result = judge(ssl);
    ERR_pop_to_mark();
    if (result == X509_V_OK) return 1;
    SSL_set_verify_result(ssl, result);
    return 0;
}
