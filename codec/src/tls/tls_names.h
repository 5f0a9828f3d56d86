/* tls_names.h - private: the identities of a context, found by the name a client asks for. Immutable and counted. */
#ifndef WEIR_CODEC_TLS_NAMES_H
#define WEIR_CODEC_TLS_NAMES_H

#include <weir/codec/tls_identity.h>

typedef struct tls_names tls_names;

enum {
    TLS_KINDS_MOST = 4 /* of keys for one name: RSA, EC, Ed25519, RSA-PSS */
};

/* Those that answer to one name, at most one of a kind of key. */
typedef struct tls_choice {
    weir_tls_identity *identities[TLS_KINDS_MOST];
    size_t count;
} tls_choice;

/* Borrows: identities, which are retained. Gives: a set, or NULL when out of memory. */
tls_names *tls_names_new(weir_tls_identity *const *identities, size_t count);
tls_names *tls_names_retain(tls_names *self);
void tls_names_release(tls_names *self);

/* Who answers to `name`: exactly, else by a wildcard for its first label. False when nobody does. Borrows: self, and
 * so the choice. */
bool tls_names_find(const tls_names *self, const char *name, tls_choice *out);

/* The first, and those of other kinds that answer to its first name; none when the set is empty. */
void tls_names_default(const tls_names *self, tls_choice *out);

#endif
