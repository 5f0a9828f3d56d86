/* tls_identity_inside.h - private: what an identity is made of. */
#ifndef WEIR_CODEC_TLS_IDENTITY_INSIDE_H
#define WEIR_CODEC_TLS_IDENTITY_INSIDE_H

#include <openssl/x509.h>

#include <weir/codec/tls_identity.h>

struct weir_tls_identity {
    weir_obj obj;
    X509 *leaf; /* a stapled response hangs on it: tls_ocsp.h */
    STACK_OF(X509) * chain;
    EVP_PKEY *key;
    int key_kind; /* EVP_PKEY_RSA, EVP_PKEY_EC, ... : one connection may be offered one of each */
    char **names; /* lower case */
    size_t name_count;
};

/* Gives: one that consists of nothing, or NULL. */
weir_tls_identity *tls_identity_new(void);

/* Adds a name, without a dot at its end. Fails: WEIR_E_NO_MEMORY. */
weir_status tls_identity_add_name(weir_tls_identity *self, weir_bytes name);

/* Those the certificate is for (subjectAltName). Fails: WEIR_E_NO_MEMORY. */
weir_status tls_identity_add_cert_names(weir_tls_identity *self);

#endif
