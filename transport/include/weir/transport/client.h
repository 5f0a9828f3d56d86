/* <weir/transport/client.h> - connect, and build a pipeline for the connection.
 *
 *     host -> resolver -> v6 a, v4 b, v6 c, v4 d     families in turn (RFC 8305, Happy Eyeballs)
 *                          |-- 250 ms -->|            each a little later, or at once when one fails
 *                          the first that stands is the connection; the others are closed
 *
 * Layer: transport. Needs loop.h, channel_options.h, resolver.h. Any thread.
 */
#ifndef WEIR_TRANSPORT_CLIENT_H
#define WEIR_TRANSPORT_CLIENT_H

#include <weir/transport/addr.h>
#include <weir/transport/channel_options.h>
#include <weir/transport/loop.h>
#include <weir/transport/pipeline.h>
#include <weir/transport/resolver.h>

WEIR_BEGIN_DECLS

/* Reads pause while more than the high watermark waits to be written. A client that writes much before it
 * reads, to a server that answers before it has read all, sets channel.read_while_unwritable: or both may wait
 * for each other.
 *
 * Zero means the default, everywhere. */
typedef struct weir_client_options {
    weir_loop *loop;      /* needed. Borrowed for the channel's life */
    const char *host;     /* needed: an address, a name, "unix:/run/x", "unix:@x" or "local:NAME" (local.h).
                             Borrowed for the call */
    unsigned port;        /* needed, but for the last three */
    weir_build_fn *build; /* fills the pipeline, on the loop, before connecting; NULL: none */
    void *build_arg;      /* Borrowed until the channel is gone */
    weir_channel_options channel;
    unsigned connect_timeout_ms; /* resolving and all attempts together; 30 000 */

    /* ---- several addresses (RFC 8305); with channel.fast_open the first one counts as connected at once ---- */
    weir_resolver *resolver;   /* who knows names; the system's. Borrowed until connected or failed */
    weir_family family;        /* which of them, which first; as the resolver sorts them */
    unsigned attempt_delay_ms; /* before the next one is tried beside those under way; 250, at least 10 */
    unsigned max_addresses;    /* most to be tried; 16 */

    /* ---- our end ---- */
    const char *local_host; /* numeric; only addresses of its family are tried. Borrowed for the call */
    unsigned local_port;    /* 0: the system picks one, when it knows the peer (IP_BIND_ADDRESS_NO_PORT) */
} weir_client_options;

/* Begins to connect. The channel may be written to at once: it keeps the bytes until it is connected.
 * When connected, `promise` completes with WEIR_OK, then `active` is fired. When not, promise completes with the
 * cause (-ECONNREFUSED, WEIR_E_TIMEOUT, WEIR_E_RESOLVE, ...), or without a promise the cause is an `error`
 * event, and the channel is gone without `inactive`. A unix socket whose backlog is full does not let wait as
 * TCP does: -EAGAIN.
 * Of several failed attempts the first one's failure is told, but for those that only say that this host has no
 * way there (ENETUNREACH, EHOSTUNREACH, EADDRNOTAVAIL, EAFNOSUPPORT) when another got further.
 * Where nobody listens TCP may connect a socket with itself, when the system picks that very port for it: that is told as
 * -ECONNREFUSED too, unless local_port asked for it.
 * weir_channel_close and weir_channel_abort give up at any moment: WEIR_E_CANCELED. No descriptor stays behind.
 * Borrows: options. Takes: promise, or NULL. Gives: a channel to release, or NULL when out of memory or when
 * the options make no sense; then the promise has failed. */
WEIR_API weir_channel *weir_client_connect(const weir_client_options *options, weir_promise *promise);

WEIR_END_DECLS

#endif
