/* <weir/transport/connection_limiter.h> - how many connections one address may have at once.
 *
 * Asked first thing in the build function, as ip_filter.h; a connection is counted until it has ended. One limiter may
 * serve several servers and all their loops. An IPv6 host has a whole network of addresses, so they are counted by
 * prefix. Memory goes with the addresses that have a connection, not with those that ever had one.
 *
 * Layer: transport. Needs pipeline.h. Any thread: a lock is taken when a connection begins and when it ends.
 */
#ifndef WEIR_TRANSPORT_CONNECTION_LIMITER_H
#define WEIR_TRANSPORT_CONNECTION_LIMITER_H

#include <weir/transport/pipeline.h>

WEIR_BEGIN_DECLS

typedef struct weir_connection_limiter weir_connection_limiter;

/* Zero means the default, everywhere. */
typedef struct weir_connection_limiter_options {
    unsigned per_address;  /* connections from one address; 100 */
    unsigned v4_prefix;    /* bits of an IPv4 address that make it one; 32 */
    unsigned v6_prefix;    /* bits of an IPv6 address that make it one; 64 */
    size_t most_addresses; /* counted at once; a connection from one more is refused; 65 536 */
} weir_connection_limiter_options;

/* Borrows: options, which may be NULL. Gives: a limiter, or NULL when out of memory or when a prefix is longer than its
 * address. */
WEIR_API WEIR_MUST_USE weir_connection_limiter *
weir_connection_limiter_new(const weir_connection_limiter_options *options);

/* Gives: one more reference; returns its argument, which may be NULL. Each counted connection holds one too. */
WEIR_API weir_connection_limiter *weir_connection_limiter_retain(weir_connection_limiter *limiter);
/* Takes: limiter, or NULL. */
WEIR_API void weir_connection_limiter_release(weir_connection_limiter *limiter);

/* Counts this connection until it has ended: WEIR_OK; or -EACCES when its address has as many as it may: to be returned
 * from the build function. A peer without an IP address is not counted. Asking twice counts once. Borrows: both.
 * Fails: WEIR_E_NO_MEMORY. On the channel's loop (checked). */
WEIR_API weir_status weir_connection_limiter_admit(weir_connection_limiter *limiter, weir_pipeline *pipeline);

/* Connections counted now, and addresses that have one. Borrows: limiter. */
typedef struct weir_connection_limiter_stats {
    uint64_t connections, addresses, refused;
} weir_connection_limiter_stats;
WEIR_API void weir_connection_limiter_get_stats(weir_connection_limiter *limiter,
                                                weir_connection_limiter_stats *out);

WEIR_END_DECLS

#endif
