/* <weir/transport/client.h> - connect, and build a pipeline for the connection.
 *
 * Layer: transport. Needs loop.h, channel_options.h. Any thread.
 */
#ifndef WEIR_TRANSPORT_CLIENT_H
#define WEIR_TRANSPORT_CLIENT_H

#include <weir/transport/addr.h>
#include <weir/transport/channel_options.h>
#include <weir/transport/loop.h>
#include <weir/transport/pipeline.h>

WEIR_BEGIN_DECLS

/* Reads pause while more than the high watermark waits to be written. A client that writes much before it
 * reads, to a server that answers before it has read all, sets channel.read_while_unwritable: or both may wait
 * for each other.
 *
 * Zero means the default, everywhere. */
typedef struct weir_client_options {
    weir_loop *loop;      /* needed. Borrowed for the channel's life */
    const char *host;     /* address or name; names are resolved on the thread pool. Borrowed for the call */
    unsigned port;        /* needed, but for a unix name ("unix:/run/x", "unix:@x") */
    weir_build_fn *build; /* fills the pipeline, on the loop, before connecting; NULL: none */
    void *build_arg;      /* Borrowed until the channel is gone */
    weir_channel_options channel;
    unsigned connect_timeout_ms; /* resolving and connecting together; 30 000 */
} weir_client_options;

/* Begins to connect. The channel may be written to at once: it keeps the bytes until it is connected.
 * When connected, `promise` completes with WEIR_OK, then `active` is fired. When not, promise completes with the
 * cause (-ECONNREFUSED, WEIR_E_TIMEOUT, WEIR_E_RESOLVE, ...), or without a promise the cause is an `error`
 * event, and the channel is gone without `inactive`. A unix socket whose backlog is full does not let wait as
 * TCP does: -EAGAIN.
 * Borrows: options. Takes: promise, or NULL. Gives: a channel to release, or NULL when out of memory or when
 * the options make no sense; then the promise has failed. */
WEIR_API weir_channel *weir_client_connect(const weir_client_options *options, weir_promise *promise);

WEIR_END_DECLS

#endif
