/* <weir/codec/tls_context.h> - what many TLS connections have in common: identities, trust, versions, sessions.
 *
 *     options, identities --> context --> handler of connection 1, 2, 3 ...   (tls_handler.h)
 *                                     --> engine, for I/O of your own         (tls_engine.h)
 *
 * In short: make one per listening port or kind of client, share it by all loops, release it. A client is resumed
 * only through the context it was made with. The defaults are the safe ones:
 *
 *     versions       1.2 and 1.3; of 1.2 only forward-secret AEAD suites
 *     a client       verifies chain, dates and host name (or address) against the system's trust store
 *     a server       asks for no client certificate; picks the identity by the name the client sent (SNI)
 *     resumption     tickets under keys of this context that change every 12 hours; old keys open for 12 more
 *     never          renegotiation, compression, SSL 3, TLS 1.0 and 1.1, early data (0-RTT: it can be replayed)
 *
 * Source: RFC 8446 (1.3), 5246 (1.2), 6066 (SNI, OCSP stapling), 7301 (ALPN), 5077 and 8446 4.6.1 (tickets), 6125 and
 * 9525 (names), 9325 (recommendations). Layer: codec. Needs OpenSSL 3. Counted; any thread, also
 * weir_tls_context_set_identities.
 */
#ifndef WEIR_CODEC_TLS_CONTEXT_H
#define WEIR_CODEC_TLS_CONTEXT_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/codec/tls_identity.h>

WEIR_BEGIN_DECLS

typedef struct weir_tls_context weir_tls_context;

/* Of the protocol; older ones are not spoken. */
typedef enum weir_tls_version {
    WEIR_TLS_ANY, /* min: 1.2; max: the newest */
    WEIR_TLS_1_2,
    WEIR_TLS_1_3,
} weir_tls_version;

/* What a server wants of its clients. */
typedef enum weir_tls_client_cert {
    WEIR_TLS_CLIENT_CERT_NONE,
    WEIR_TLS_CLIENT_CERT_REQUEST, /* none is fine; one that is not trusted fails the handshake */
    WEIR_TLS_CLIENT_CERT_REQUIRE,
} weir_tls_client_cert;

/* Who encrypts what is sent. */
typedef enum weir_tls_kernel {
    WEIR_TLS_KERNEL_AUTO, /* the kernel, where it can (tls_handler.h); one without TLS is asked once in a process */
    WEIR_TLS_KERNEL_OFF, /* OpenSSL */
} weir_tls_kernel;

/* Zero means the default, everywhere. All is borrowed for the call, identities are retained. */
typedef struct weir_tls_options {
    /* ---- who we are: a server needs at least one; a client takes at most one, for servers that ask ---- */
    weir_tls_identity *const *identities;
    size_t identity_count;
    bool refuse_unknown_names; /* a server: a name without an identity fails; else the first is used */

    /* ---- whom we trust: PEM. Of a server only used for client certificates, which need one of them ---- */
    const char *ca_file;   /* instead of the system's store */
    const char *ca_dir;    /* hashed (openssl rehash); instead of the system's store */
    weir_bytes ca;         /* from memory; instead of the system's store */
    const char *crl_file;  /* revoked certificates: a list of each CA in a chain, else it fails; NULL: none */
    unsigned verify_depth; /* intermediates in a chain; 8 */
    weir_tls_client_cert client_cert;
    /* a client: the server staples a response that says "good" (RFC 6066 8), or it fails */
    bool require_ocsp;
    bool insecure; /* a client: nothing is verified. Whoever is in the middle can read and change all */

    /* ---- the protocol ---- */
    weir_tls_version min, max;
    const char *ciphers;       /* of 1.2, OpenSSL's syntax (openssl-ciphers(1)); forward-secret AEAD */
    const char *cipher_suites; /* of 1.3, "A:B"; AES-128-GCM, AES-256-GCM, ChaCha20-Poly1305 */
    const char *groups;        /* key exchange, "A:B"; X25519:P-256:P-384 */
    const char *const *alpn;   /* protocols, best first: "h2", "http/1.1" */
    size_t alpn_count;
    bool alpn_required; /* nothing in common fails the handshake; else it goes on without one */
    weir_tls_kernel kernel;

    /* ---- resumption ---- */
    bool no_resumption;       /* each handshake is a full one */
    bool no_tickets;          /* a server: sessions in memory instead (1.2 by id, 1.3 by stateful tickets) */
    unsigned sessions_max;    /* kept in memory, client or server; 1024. The oldest goes first */
    unsigned session_s;       /* a session may be resumed for, without another look at certificates; 7 200 */
    unsigned ticket_rotate_s; /* a ticket key seals for so long, and opens for as long again; 43 200 */
    unsigned tickets;         /* sent after a full handshake of 1.3; 2, UINT_MAX: none; at most 16 */

    /* ---- for debugging: whoever has this file reads all the traffic. Appended to, mode 0600 ---- */
    const char *key_log_file; /* NSS key log, for Wireshark; NULL: none, whatever SSLKEYLOGFILE says */
} weir_tls_options;

/* `*out` Gives a context. Borrows: options; `why`, which may be NULL. Fails: -errno of a file, WEIR_E_INVALID,
 * WEIR_E_NO_MEMORY, explained in `why`. */
WEIR_API weir_status weir_tls_context_server(weir_tls_context **out, const weir_tls_options *options,
                                             weir_tls_why *why);
WEIR_API weir_status weir_tls_context_client(weir_tls_context **out, const weir_tls_options *options,
                                             weir_tls_why *why);

/* Handshakes that begin from now on use these; connections that are open stay as they are, and sessions may still be
 * resumed. Borrows: context; identities, which are retained. Requires: a server's takes at least one. Fails, and
 * nothing changes: WEIR_E_INVALID, WEIR_E_NO_MEMORY. Any thread. */
WEIR_API weir_status weir_tls_context_set_identities(weir_tls_context *context,
                                                     weir_tls_identity *const *identities, size_t count);

/* Makes several processes open each other's tickets, also one that replaces another: the first key seals, all
 * open; no key changes by itself any more. Each is 80 random bytes (name 16, AES-256 key 32, HMAC-SHA-256 key 32).
 * Borrows: both. Fails: WEIR_E_INVALID when `keys` is not 1 to 8 times 80 bytes, WEIR_E_UNSUPPORTED for a client and
 * a server without tickets. Any thread. */
WEIR_API weir_status weir_tls_context_set_ticket_keys(weir_tls_context *context, weir_bytes keys);

/* What its connections have done. */
typedef struct weir_tls_context_stats {
    uint64_t handshakes;  /* finished, full or resumed */
    uint64_t resumed;     /* those of them that were resumed */
    uint64_t failures;    /* handshakes that failed, for whatever reason */
    uint64_t sessions;    /* in memory now */
    uint64_t key_updates; /* of 1.3, by the peer */
    uint64_t ktls;        /* connections whose sending went into the kernel */
} weir_tls_context_stats;

/* Borrows: both. Any thread. */
WEIR_API void weir_tls_context_get_stats(const weir_tls_context *context, weir_tls_context_stats *out);

/* Gives: one more reference; returns its argument, which may be NULL. Any thread. */
static inline weir_tls_context *weir_tls_context_retain(weir_tls_context *context) {
    return (weir_tls_context *)weir_obj_retain(context);
}

/* Takes: context, or NULL. Any thread. */
static inline void weir_tls_context_release(weir_tls_context *context) {
    weir_obj_release(context);
}

WEIR_END_DECLS

#endif
