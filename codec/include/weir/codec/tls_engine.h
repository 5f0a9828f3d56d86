/* <weir/codec/tls_engine.h> - one end of one TLS connection: bytes in, bytes out, no socket.
 *
 *     from the wire --feed--> +--------+ --read--> plaintext
 *                             | engine |
 *       to the wire <--take-- +--------+ <--write-- plaintext
 *
 * In short: feed what came, ask `handshake` until it is done, `read` and `write` plaintext, and after each call send
 * what `take` gives. Everything answers at once: -EAGAIN means that bytes of the peer are missing. What comes
 * out are pooled bufs of whole records.
 *
 *     end       our close_notify; reading goes on (half-close)
 *     ended     the peer's stream has ended: in order after its close_notify, else WEIR_E_CUT_SHORT, which is an
 *               attack or a crash: what came may not be all
 *
 * A failure is final; it has left an alert in `take`, which should be sent. OpenSSL's sentence is in `why`.
 *
 * Layer: codec, pure. Needs tls_context.h. One thread at a time.
 */
#ifndef WEIR_CODEC_TLS_ENGINE_H
#define WEIR_CODEC_TLS_ENGINE_H

#include <weir/buffer/buf.h>
#include <weir/buffer/pool.h>
#include <weir/codec/tls_context.h>

WEIR_BEGIN_DECLS

typedef struct weir_tls_engine weir_tls_engine;

/* Zero means the default. Borrowed for the call. */
typedef struct weir_tls_engine_options {
    /* a client: the host name (ASCII, others as "xn--...") or address that is asked for (SNI; not of addresses) and
     * verified. Needed unless the context is insecure */
    const char *peer_name;
    /* plaintext in a record at first, so that the peer can begin with one segment; 1 369 */
    size_t record_first;
    size_t record_grow; /* bytes sent until records are full (16 KiB); 128 KiB; SIZE_MAX: they stay small */
    /* quiet for so long, they are small again: as weir_tls_engine_set_now tells; 1 000 */
    unsigned record_idle_ms;
    /* sealed under one key of 1.3; 2^23, a third of what AES-GCM bears (RFC 8446, 5.5) */
    uint64_t rekey_records;
} weir_tls_engine_options;

/* `*out` Gives an engine. Borrows: context (retained), options (may be NULL for a server), pool for its life (NULL: the heap).
 * Fails: WEIR_E_INVALID without a peer_name that is needed, WEIR_E_NO_MEMORY. */
WEIR_API weir_status weir_tls_engine_new(weir_tls_engine **out, weir_tls_context *context,
                                         const weir_tls_engine_options *options, weir_pool *pool);
/* Takes: engine, or NULL. */
WEIR_API void weir_tls_engine_free(weir_tls_engine *engine);

/* Bytes of the peer; decrypted when asked for. Behind its close_notify or a failure they are dropped. Takes: wire. Borrows:
 * engine. Fails: WEIR_E_NO_MEMORY, for good: bytes of the stream are lost. */
WEIR_API weir_status weir_tls_engine_feed(weir_tls_engine *engine, weir_buf *wire);

/* Goes on with the handshake. WEIR_OK: it is done, also when asked again. Fails: -EAGAIN (more of the peer), WEIR_E_TLS,
 * WEIR_E_UNTRUSTED, WEIR_E_NO_MEMORY. Borrows: engine. */
WEIR_API weir_status weir_tls_engine_handshake(weir_tls_engine *engine);

/* Plaintext in `*plain`: Gives a buf, as much as there is up to `most` bytes. NULL and WEIR_OK: the peer's close_notify.
 * Fails, with NULL: -EAGAIN, WEIR_E_TLS, WEIR_E_NO_MEMORY (may be asked again). Requires: the handshake is done. */
WEIR_API weir_status weir_tls_engine_read(weir_tls_engine *engine, size_t most, weir_buf **plain);

/* Encrypts all of `plain`, in records as large as they are at the moment. Takes: plain. Fails: WEIR_E_TLS,
 * WEIR_E_NO_MEMORY. Requires: the handshake is done and `end` was not called. */
WEIR_API weir_status weir_tls_engine_write(weir_tls_engine *engine, weir_buf *plain);

/* What time it is, in milliseconds from anywhere, for record_idle_ms. Without it no time passes. Borrows: engine. */
WEIR_API void weir_tls_engine_set_now(weir_tls_engine *engine, uint64_t now_ms);

/* Our close_notify. Again it does nothing. Borrows: engine. Fails: WEIR_E_NO_MEMORY. */
WEIR_API weir_status weir_tls_engine_end(weir_tls_engine *engine);

/* The peer's stream has ended (FIN). Borrows: engine. Requires: all was read that could be. Fails: WEIR_E_CUT_SHORT without
 * a close_notify. */
WEIR_API weir_status weir_tls_engine_ended(weir_tls_engine *engine);

/* What is to be sent. Gives: a buf, or NULL when there is nothing. Borrows: engine. */
WEIR_API weir_buf *weir_tls_engine_take(weir_tls_engine *engine);

/* New keys for what we send, and for the peer too (1.3; RFC 8446 4.6.3). They also change by themselves long before a
 * cipher's limit. Fails: WEIR_E_UNSUPPORTED with 1.2, WEIR_E_CLOSED after `end`, WEIR_E_NO_MEMORY. Requires: the handshake
 * is done. */
WEIR_API weir_status weir_tls_engine_update_keys(weir_tls_engine *engine);

/* Why it failed, one sentence. Borrows: engine, and so the answer; "" before a failure. */
WEIR_API const char *weir_tls_engine_why(const weir_tls_engine *engine);

/* ---- what was agreed on. Requires: the handshake is done. Borrows: engine, and so the texts ---- */

/* What a handshake came to. */
typedef struct weir_tls_info {
    const char *version;     /* "TLSv1.3" */
    const char *cipher;      /* "TLS_AES_128_GCM_SHA256" */
    const char *group;       /* key exchange: "X25519"; "" when unknown */
    weir_bytes alpn;         /* empty: none */
    const char *server_name; /* the client asked for; "" when none */
    bool resumed;
    bool has_peer_cert;       /* the rest is about it; out of memory its texts are empty, until asked again */
    bool verified;            /* chain, dates and name are right */
    const char *peer_subject; /* RFC 2253: "CN=alice,O=Example" */
    const char *peer_issuer;
    weir_bytes peer_sha256; /* of its DER, 32 bytes */
    weir_bytes peer_der;
    int64_t peer_not_after; /* seconds since 1970 */
} weir_tls_info;

/* Borrows: both. */
WEIR_API void weir_tls_engine_get_info(weir_tls_engine *engine, weir_tls_info *out);

/* What it has done. */
typedef struct weir_tls_stats {
    uint64_t records_read, records_written;
    uint64_t plain_read, plain_written; /* bytes */
    uint64_t copied_bytes;              /* moved between bufs and OpenSSL beyond the cipher's own pass */
    uint64_t region_read_bytes;         /* of regions that were read to be encrypted */
    bool ktls_send;                     /* the kernel encrypts what is sent; its records are not counted */
    uint64_t region_sent_bytes;         /* of regions that were left to it as they are */
} weir_tls_stats;

/* Borrows: both. */
WEIR_API void weir_tls_engine_get_stats(const weir_tls_engine *engine, weir_tls_stats *out);

WEIR_END_DECLS

#endif
