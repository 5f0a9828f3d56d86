/* <weir/codec/tls_handler.h> - a channel that speaks TLS: what is behind it reads and writes plaintext.
 *
 *     wire --> [ tls ] --> http_server, your handler          regions too: read in chunks, or sent by the kernel
 *          <--         <--
 *
 * In short: add it first, then the rest of the pipeline. Behind it `active` comes when the handshake is done, so whoever
 * sees it talks to a peer that was verified as the context says; what is written before waits, and counts as pending. Then
 * weir_tls_event_ready comes, and weir_tls_info tells what was agreed on. A handshake that fails is an `error` event
 * with OpenSSL's sentence in `what`, an alert to the peer, and the end; `active` was never seen then.
 *
 *     Ends      The peer's close_notify is `peer_closed`, after all it sent. A connection that ends without one is the
 *               error WEIR_E_CUT_SHORT: what came may not be all (a truncation attack, or a peer that crashed).
 *               shutdown sends close_notify, and reading goes on; close sends it, and waits close_timeout_ms for the peer's.
 *     Writing   What is written between two flushes goes into common records. Records start small and grow.
 *     Regions   With kTLS they go by sendfile; else they are read in chunks while the channel is writable. Same code
 *               either way; weir_tls_get_stats tells which.
 *     STARTTLS  Add it to a channel that is active already (weir_pipeline_add_first), when the peer's next bytes are TLS.
 *     One port  For TLS and plaintext on one port put a protocol_detector first.
 *
 * Source: RFC 8446. Layer: codec. Needs pipeline.h, tls_engine.h. On the channel's loop.
 */
#ifndef WEIR_CODEC_TLS_HANDLER_H
#define WEIR_CODEC_TLS_HANDLER_H

#include <weir/codec/tls_engine.h>
#include <weir/transport/event.h>
#include <weir/transport/pipeline.h>

WEIR_BEGIN_DECLS

typedef enum weir_tls_kernel {
    WEIR_TLS_KERNEL_AUTO, /* the kernel encrypts when it can */
    WEIR_TLS_KERNEL_OFF,
} weir_tls_kernel;

/* Zero means the default, everywhere. */
typedef struct weir_tls_handler_options {
    weir_tls_engine_options engine;
    unsigned handshake_timeout_ms; /* from its beginning to its end; 10 000 */
    unsigned
        close_timeout_ms; /* for the peer's close_notify after ours; 3 000; then the connection just ends */
    size_t region_chunk;  /* of a region read at once; 64 KiB */
    weir_tls_kernel kernel;
} weir_tls_handler_options;

/* Adds it next to the wire. Borrows: pipeline; context, which is retained; options (NULL: defaults; a client's needs a
 * peer_name). Fails: WEIR_E_NO_MEMORY, WEIR_E_INVALID. */
WEIR_API weir_status weir_tls_server_add(weir_pipeline *pipeline, weir_tls_context *context,
                                         const weir_tls_handler_options *options);
WEIR_API weir_status weir_tls_client_add(weir_pipeline *pipeline, weir_tls_context *context,
                                         const weir_tls_handler_options *options);

/* The handshake is done. */
WEIR_API extern weir_event weir_tls_event_ready;

/* To be found in a pipeline by. */
WEIR_API extern const weir_handler weir_tls_handler;

/* ---- of a pipeline's TLS. Borrows: both. False when it has none, or its handshake is not done ---- */

WEIR_API bool weir_tls_get_info(weir_pipeline *pipeline, weir_tls_info *out);
WEIR_API bool weir_tls_get_stats(weir_pipeline *pipeline, weir_tls_stats *out);

/* New keys, for both directions. Borrows: pipeline. Fails: WEIR_E_UNSUPPORTED without TLS 1.3. */
WEIR_API weir_status weir_tls_update_keys(weir_pipeline *pipeline);

/* ---- a protocol by ALPN: behind the handshake ---- */

typedef struct weir_tls_alpn {
    const char *protocol; /* "h2"; NULL: whatever else was agreed on, also nothing */
    weir_build_fn *build; /* adds its handlers */
    void *build_arg;
} weir_tls_alpn;

/* Adds next to the tail what builds the rest of the pipeline by the first entry that matches; no match is the error
 * WEIR_E_UNSUPPORTED. Borrows: pipeline; table, for the pipeline's life. Fails: WEIR_E_NO_MEMORY. */
WEIR_API weir_status weir_tls_alpn_add(weir_pipeline *pipeline, const weir_tls_alpn *table, size_t count);

WEIR_END_DECLS

#endif
