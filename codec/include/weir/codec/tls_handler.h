/* <weir/codec/tls_handler.h> - a channel that speaks TLS: what is behind it reads and writes plaintext.
 *
 *     wire --> [ tls ] --> http_server, your handler          regions too: they are read in chunks
 *          <--         <--
 *
 * In short: add it first, then the rest of the pipeline. Behind it `active` comes when the handshake is done, so whoever
 * sees it talks to a peer that was verified as the context says; what is written before waits, and counts as pending. Then
 * weir_tls_event_ready comes, and weir_tls_get_info tells what was agreed on. A handshake that fails is an `error` event
 * with OpenSSL's sentence in `what`, an alert to the peer, and the end; `active` was never seen then.
 *
 *     Ends      The peer's close_notify is `peer_closed`, after all it sent. A connection that ends without one is the
 *               error WEIR_E_CUT_SHORT: what came may not be all (a truncation attack, or a peer that crashed).
 *               shutdown sends close_notify and FIN, and reading goes on; close sends close_notify, and waits
 *               close_timeout_ms for the peer's. Before the handshake is done a close gives it up.
 *     Refused   After an alert of ours FIN follows, and what still comes is dropped until the peer ends, at most for
 *               close_timeout_ms: a close at once would reset the connection, and the alert might be lost.
 *     Writing   What is written between two flushes, or in a turn, goes into common records. Records start small and grow.
 *     Regions   are read and encrypted chunk by chunk, two chunks under way at a time; so is a buf larger than a chunk.
 *     Pulls     where reading is manual, the handshake, the peer's close_notify and the rest of a record are pulled by the
 *               handler itself; a pull is answered with plaintext.
 *     Turns     Of one read so many records are opened in a turn (messages_per_turn), whatever is in them: a peer that
 *               sends nothing but tiny ones or changes of keys holds up nobody but itself.
 *     STARTTLS  Add it with the option `starttls` to a channel that is active, when the peer's next bytes are TLS. A decoder
 *               that still holds some of the plaintext fails: an attacker may have put it there (CVE-2011-0411).
 *     One port  For TLS and plaintext on one port put a protocol_detector first, and add this in its `build`.
 *     Kernel    Linux can encrypt what is sent itself (the module `tls`), and then regions go by sendfile. Unless the
 *               context says no, a handler next to the wire of a TCP socket (but for timeout_handler and idle_handler)
 *               lets it; ciphers it does not know stay with OpenSSL. Records are full ones then, and keys stay the ones
 *               they are: weir_tls_update_keys fails, rekey_records does not count, and a peer that asks for new ones
 *               is an error and the end. Who is put in front later sees plaintext. Reading is not changed.
 *     Removed   what was accepted and fits a record is sent, the rest fails with WEIR_E_CANCELED; what follows is
 *               plaintext. Before the handshake is done the channel is aborted; so it is when the kernel sends.
 *
 * Source: RFC 8446. Layer: codec. Needs pipeline.h, tls_engine.h. On the channel's loop.
 */
#ifndef WEIR_CODEC_TLS_HANDLER_H
#define WEIR_CODEC_TLS_HANDLER_H

#include <weir/codec/tls_engine.h>
#include <weir/transport/event.h>
#include <weir/transport/pipeline.h>

WEIR_BEGIN_DECLS

/* Zero means the default, everywhere. */
typedef struct weir_tls_handler_options {
    weir_tls_engine_options engine;
    unsigned handshake_timeout_ms; /* from its beginning to its end; 10 000 */
    /* for the peer's close_notify after ours, or its end after an alert; 3 000; then the connection just ends */
    unsigned close_timeout_ms;
    size_t chunk;  /* of a region or a large buf encrypted at once; 64 KiB */
    bool starttls; /* next to the wire, in front of the handlers that are there; else next to the tail */
} weir_tls_handler_options;

/* One end of TLS, the server's or the client's as the context is. Borrows: pipeline; context, which is retained; options
 * (NULL: defaults; a client's needs a peer_name). Fails: WEIR_E_NO_MEMORY, WEIR_E_INVALID, and as weir_pipeline_add_last. */
WEIR_API weir_status weir_tls_handler_add(weir_pipeline *pipeline, weir_tls_context *context,
                                          const weir_tls_handler_options *options);

/* The handshake is done. */
WEIR_API extern weir_event weir_tls_event_ready;

/* To be found in a pipeline by. */
WEIR_API extern const weir_handler weir_tls_handler;

/* ---- of a pipeline's TLS. Borrows: both, and what is told for its life. False when it has none, or its handshake is not done ---- */

WEIR_API bool weir_tls_get_info(weir_pipeline *pipeline, weir_tls_info *out);
WEIR_API bool weir_tls_get_stats(weir_pipeline *pipeline, weir_tls_stats *out);

/* New keys, for both directions. Borrows: pipeline. Fails: WEIR_E_UNSUPPORTED without TLS 1.3 and when the kernel sends,
 * WEIR_E_CLOSED. */
WEIR_API weir_status weir_tls_update_keys(weir_pipeline *pipeline);

/* ---- a protocol by ALPN: behind the handshake ---- */

/* One protocol, and who speaks it. */
typedef struct weir_tls_alpn {
    const char *protocol; /* "h2"; NULL: whatever else was agreed on, also nothing */
    weir_build_fn *build; /* adds its handlers */
    void *build_arg;      /* its argument */
} weir_tls_alpn;

/* Adds next to the tail what builds the rest of the pipeline by the first entry that matches; no match is the error
 * WEIR_E_UNSUPPORTED. Borrows: pipeline; table, for the pipeline's life. Fails: WEIR_E_NO_MEMORY. */
WEIR_API weir_status weir_tls_alpn_add(weir_pipeline *pipeline, const weir_tls_alpn *table, size_t count);

WEIR_END_DECLS

#endif
