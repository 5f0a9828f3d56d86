/* <weir/codec/tls_identity.h> - who one end of a TLS connection is: a certificate chain, its key, a stapled response.
 *
 *     [ leaf certificate ][ intermediates ... ]  + private key  (+ OCSP response)
 *          names: example.org  *.example.org  192.0.2.1
 *
 * In short: load one from PEM files or from memory, give it to a context (tls_context.h), release it. A server takes
 * several, and picks for each connection the one whose name the client asked for: an exact name first, then
 * a wildcard for one label ("*.example.org", RFC 6125 6.4.3), then the first in the list.
 *
 * Loading checks that key and certificate belong together. A new identity replaces an old one in a running server:
 * weir_tls_context_set_identities.
 *
 * Layer: codec. Needs OpenSSL. Immutable and counted: retain and release from any thread.
 */
#ifndef WEIR_CODEC_TLS_IDENTITY_H
#define WEIR_CODEC_TLS_IDENTITY_H

#include <stddef.h>

#include <weir/core/bytes.h>
#include <weir/core/obj.h>
#include <weir/core/status.h>

WEIR_BEGIN_DECLS

/* A sentence about a failure, ending in what OpenSSL said; for people. */
typedef struct weir_tls_why {
    char text[256];
} weir_tls_why;

typedef struct weir_tls_identity weir_tls_identity;

/* Each of certificate and key either from a file or from memory; PEM. Zero means the default. Borrowed for the call. */
typedef struct weir_tls_identity_options {
    const char *cert_file;    /* leaf first, then its intermediates */
    const char *key_file;     /* NULL, and no `key`: the key is in cert_file or `cert` */
    weir_bytes cert, key;     /* the same from memory */
    const char *password;     /* of an encrypted key; NULL: an encrypted key is refused */
    const char *ocsp_file;    /* a DER response to staple (RFC 6066 8); NULL: none */
    weir_bytes ocsp;          /* the same from memory */
    const char *const *names; /* it answers to; NULL: the names and addresses of the certificate */
    size_t name_count;
} weir_tls_identity_options;

/* `*out` Gives an identity. Borrows: options; `why`, which may be NULL. Fails: -errno of a file, WEIR_E_UNSUPPORTED for
 * what is no regular file, WEIR_E_INVALID (not PEM, the key is another's, a wrong password), WEIR_E_NO_MEMORY. An OCSP
 * response that has expired is taken, and warned of. */
WEIR_API weir_status weir_tls_identity_load(weir_tls_identity **out, const weir_tls_identity_options *options,
                                            weir_tls_why *why);

/* A new key (ECDSA P-256) and a certificate for `names` (host names and addresses) that it signed itself: to try things
 * out; nobody trusts it unless told to. Valid from an hour ago for `days`. Borrows: names, why (may be NULL). `*out`
 * Gives an identity. Fails: WEIR_E_INVALID without a name, WEIR_E_NO_MEMORY. */
WEIR_API weir_status weir_tls_identity_self_signed(weir_tls_identity **out, const char *const *names,
                                                   size_t count, unsigned days, weir_tls_why *why);

/* Writes it as PEM: the chain to `cert_file`, the key to `key_file` (created with mode 0600; one that exists is replaced,
 * never written into). Either may be NULL. Both are written beside their places before the first is replaced, so that a
 * full disk leaves the pair that was there. Borrows: all. Fails: -errno, WEIR_E_NO_MEMORY, WEIR_E_INVALID when both are the
 * same file. */
WEIR_API weir_status weir_tls_identity_save(const weir_tls_identity *identity, const char *cert_file,
                                            const char *key_file);

/* Gives: one more reference; returns its argument, which may be NULL. Any thread. */
static inline weir_tls_identity *weir_tls_identity_retain(weir_tls_identity *identity) {
    return (weir_tls_identity *)weir_obj_retain(identity);
}

/* Takes: identity, or NULL. The key is wiped with the last one. Any thread. */
static inline void weir_tls_identity_release(weir_tls_identity *identity) {
    weir_obj_release(identity);
}

WEIR_END_DECLS

#endif
