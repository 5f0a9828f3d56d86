/* <weir/transport/connection_pool.h> - connections to one target that are used again.
 *
 *     acquire --> [healthy idle one | a new one | wait] --> done(channel) ... use ... --> release
 *                        ^                                                              |
 *                        +---------------- idle, the last released first <--------------+
 *
 * What is bounded: connections, idle ones and how long they stay, callers that wait and how long. An idle connection
 * that ends leaves by itself. The last released is leased first, so that what a quiet time does not need grows old
 * and goes.
 *
 * A pool belongs to one loop, like its connections: with N loops make N pools.
 *
 * Layer: transport. Needs client.h. On the client's loop only (checked).
 */
#ifndef WEIR_TRANSPORT_CONNECTION_POOL_H
#define WEIR_TRANSPORT_CONNECTION_POOL_H

#include <weir/transport/channel.h>
#include <weir/transport/client.h>

WEIR_BEGIN_DECLS

typedef struct weir_connection_pool weir_connection_pool;

/* Whether an idle connection may be leased again. It may call anything of the pool. Borrows: channel. */
typedef bool weir_healthy_fn(void *arg, weir_channel *channel);

/* Zero means the default, everywhere. */
typedef struct weir_connection_pool_options {
    weir_client_options client;  /* whom to connect to; loop, host and port are needed */
    unsigned max_connections;    /* being connected, leased, idle and closing together; 16 */
    unsigned max_idle;           /* more are closed when they are released; max_connections */
    unsigned idle_timeout_ms;    /* idle ones are closed after so long; 60 000 */
    unsigned max_waiting;        /* callers that wait, more are WEIR_E_LIMIT; 1024 */
    unsigned acquire_timeout_ms; /* they wait so long, connecting included; 30 000 */
    /* NULL: it is active, and since it was released nothing came from the peer, no byte and no end. */
    weir_healthy_fn *is_healthy;
    void *arg; /* for is_healthy. Borrowed until free */
} weir_connection_pool_options;

/* With WEIR_OK a connection to use and then give to weir_connection_pool_release, else NULL.
 * Gives: channel. It may call anything of the pool, free too. */
typedef void weir_acquired_fn(void *arg, weir_status status, weir_channel *channel);

/* Connects to nobody yet. Borrows: options for the call.
 * Gives: one for weir_connection_pool_free, or NULL when out of memory or without a loop. */
WEIR_API WEIR_MUST_USE weir_connection_pool *
weir_connection_pool_new(const weir_connection_pool_options *options);

/* Idle connections are closed, who waits is told WEIR_E_CLOSED, what is being connected is canceled. Leased ones stay
 * as they are and are closed when they are released. Free it before its loop ends. Takes: pool, or NULL. */
WEIR_API void weir_connection_pool_free(weir_connection_pool *pool);

/* `done` is called once, never from inside this call, in the order of asking: with a connection, WEIR_E_TIMEOUT,
 * WEIR_E_CLOSED, or the cause when one could not be connected (each failed attempt is told to the caller that
 * waits longest). Borrows: pool. Fails: WEIR_E_LIMIT, WEIR_E_NO_MEMORY, WEIR_E_CLOSED while the pool is freed; then
 * done is never called. */
WEIR_API weir_status weir_connection_pool_acquire(weir_connection_pool *pool, weir_acquired_fn *done,
                                                  void *arg);

/* Whoever waits longest with this `done` and `arg` is told WEIR_E_CANCELED before this returns; false when nobody
 * does. Borrows: pool. */
WEIR_API bool weir_connection_pool_cancel(weir_connection_pool *pool, weir_acquired_fn *done, void *arg);

/* Gives a leased connection back to its pool, which may be gone. One that has ended or is ending is let go; so
 * release when the answer was read, and close before that when the protocol is out of step.
 * Handlers added while it was leased should be out again. Takes: channel, or NULL. */
WEIR_API void weir_connection_pool_release(weir_channel *channel);

/* What there is, and what has happened. */
typedef struct weir_connection_pool_stats {
    unsigned connecting, idle, leased; /* now */
    unsigned open;                     /* now: these and those that are closing */
    unsigned waiting;                  /* callers, now */
    uint64_t created;                  /* connections that stood */
    uint64_t reused;                   /* leases of one that was leased before */
    uint64_t timeouts;                 /* callers that waited too long */
    uint64_t connect_failures;         /* attempts that failed */
    uint64_t health_failures;          /* idle connections that were not leased again */
} weir_connection_pool_stats;

/* Borrows: pool. */
WEIR_API void weir_connection_pool_get_stats(const weir_connection_pool *pool,
                                             weir_connection_pool_stats *out);

WEIR_END_DECLS

#endif
