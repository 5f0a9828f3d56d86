/* tls_certs.h - authorities, certificates, lists of revoked ones and OCSP responses, made when a test asks.
 *
 *     tls_certs *certs = tls_certs_new();
 *         root -> intermediate -> everything below
 *     weir_tls_identity *identity = tls_certs_identity(certs, &(tls_cert){.names = "a.example,192.0.2.1"});
 *     weir_bytes ca = tls_certs_ca(certs);
 *
 * In short: all in memory, no key is ever in the repository. What is made lives until tls_certs_free. A failure stops
 * the program: it is the test's own. Layer: test (codec). One thread.
 */
#ifndef TEST_CODEC_TLS_CERTS_H
#define TEST_CODEC_TLS_CERTS_H

#include <weir/codec/tls_identity.h>

typedef struct tls_certs tls_certs;

/* Which certificate. Zero: ECDSA P-256 for localhost, 127.0.0.1 and ::1, valid from yesterday until tomorrow, signed by
 * the intermediate, which is sent along. */
typedef struct tls_cert {
    const char *names;       /* separated by commas; "a.example,*.b.example,192.0.2.1" */
    const char *common_name; /* "leaf" */
    unsigned rsa_bits;       /* an RSA key of so many bits; the same for all of them */
    int from_days, to_days;  /* relative to now; both 0: -1 and 1 */
    bool is_self_signed;     /* by itself instead of the intermediate */
    bool from_other_ca;      /* by an authority that is not tls_certs_ca */
    bool without_chain;      /* its intermediate is not sent */
    bool is_for_clients;     /* extended key usage: clientAuth instead of serverAuth */
    bool is_ocsp_good;       /* a response that says "good" is stapled */
    bool is_ocsp_revoked;    /* one that says "revoked" */
    bool is_ocsp_stale;      /* the response was good until yesterday */
    bool is_ocsp_sha256;     /* it names the certificate by SHA-256 */
    bool is_ocsp_forged;     /* the response is signed by itself */
    weir_bytes raw_name;     /* one more name, byte by byte: with a NUL */
} tls_cert;

/* The same as PEM and DER, for weir_tls_identity_load. Until: tls_certs_free. */
typedef struct tls_cert_text {
    weir_bytes cert; /* with its chain */
    weir_bytes key;
    weir_bytes ocsp;      /* empty: none */
    unsigned char serial; /* its last byte: what tls_certs_crl wants */
} tls_cert_text;

/* Gives: for tls_certs_free. */
tls_certs *tls_certs_new(void);
/* Takes: certs. */
void tls_certs_free(tls_certs *self);

/* PEM: the root; the root of another authority; the intermediate. Until: tls_certs_free. */
weir_bytes tls_certs_ca(const tls_certs *self);
weir_bytes tls_certs_other_ca(const tls_certs *self);
weir_bytes tls_certs_intermediate(const tls_certs *self);

/* Borrows: cert. */
tls_cert_text tls_certs_make(tls_certs *self, const tls_cert *given);
/* The key, encrypted with `password`. */
weir_bytes tls_certs_encrypt_key(tls_certs *self, weir_bytes key, const char *password);
/* PEM: lists of root and intermediate; the latter revokes `text`, which may be NULL. */
weir_bytes tls_certs_crl(tls_certs *self, const tls_cert_text *text);

/* The identity of a certificate (NULL: the usual one). Gives: it, never NULL. */
weir_tls_identity *tls_certs_identity(tls_certs *self, const tls_cert *cert);

/* What the root is called in a folder of CAs: "1a2b3c4d.0". Until: tls_certs_free. */
char *tls_certs_hash_of_ca(tls_certs *self);

/* A name for a file or folder of this test, and its file with `bytes` in it. Until: tls_certs_free, which removes what is
 * there. */
const char *tls_certs_path(tls_certs *self, const char *name);
const char *tls_certs_file(tls_certs *self, const char *name, weir_bytes bytes);

#endif
