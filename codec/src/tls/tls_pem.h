/* tls_pem.h - private: what is read from files or memory, as objects of OpenSSL. */
#ifndef WEIR_CODEC_TLS_PEM_H
#define WEIR_CODEC_TLS_PEM_H

#include <openssl/bio.h>
#include <openssl/x509_vfy.h>

#include <weir/codec/tls_identity.h>

/* A text to read, from a file or from memory; its own copy of a file is wiped at the end. */
typedef struct tls_text {
    const char *name; /* for sentences: the path, or what it is */
    weir_bytes bytes;
    uint8_t *owned;
    size_t capacity; /* of owned */
} tls_text;

/* All of `path`, or `memory` when there is no path. Fails: -errno, WEIR_E_LIMIT past 64 MiB, WEIR_E_NO_MEMORY. */
weir_status tls_text_open(tls_text *out, const char *path, weir_bytes memory, const char *what,
                          weir_tls_why *why);
void tls_text_close(tls_text *self);

/* The certificates of a text in their order; at least one. Gives: a stack. Fails: WEIR_E_INVALID,
 * WEIR_E_NO_MEMORY. */
weir_status tls_pem_certs(STACK_OF(X509) * *out, const tls_text *text, weir_tls_why *why);

/* Puts the lists of revoked certificates of a text into `store`; at least one. Fails: as above. */
weir_status tls_pem_crls(X509_STORE *store, const tls_text *text, weir_tls_why *why);

/* The first private key of a text. Gives: a key. Fails: as above. */
weir_status tls_pem_key(EVP_PKEY **out, const tls_text *text, const char *password, weir_tls_why *why);

#endif
