/* watch.h - private: a connection that tells whoever keeps it that it stands, and that it is over.
 *
 *     watch_connect -> [up] -> over
 *
 * `over` is called once and last, whatever happened: a pipeline that could not be built, a refused connection, a
 * cancel, an end after hours.
 */
#ifndef WEIR_WATCH_H
#define WEIR_WATCH_H

#include <weir/transport/client.h>
#include <weir/transport/connection_pool.h>
#include <weir/transport/reconnect.h>

/* As weir_client_connect, called on the loop. A promise that fails before the answer goes with NULL. */
typedef weir_channel *watch_connect_fn(const weir_client_options *options, weir_promise *promise);

typedef struct watch watch;
typedef struct watch_events {
    void (*up)(watch *self);                      /* each handler has seen `active` */
    void (*over)(watch *self, weir_status cause); /* WEIR_OK: closed in an orderly way. It may free self */
} watch_events;

/* A member of the keeper's struct. */
struct watch {
    const watch_events *events;
    weir_channel *channel; /* held until over; NULL until there is one */
    weir_build_fn *build;  /* the user's */
    void *build_arg;
    bool in_pipeline;
};

/* Options with strings of their own. */
typedef struct watch_target {
    weir_client_options options;
    char *strings;
} watch_target;

/* Borrows: options for the call. False when out of memory. */
bool watch_target_init(watch_target *self, const weir_client_options *options);
void watch_target_clear(watch_target *self);

/* `over` may be called from inside. On the loop. */
void watch_connect(watch *self, const watch_events *events, watch_connect_fn *connect,
                   const watch_target *target);

/* The watch of a channel whose end was not told yet, or NULL. */
watch *watch_of(weir_channel *channel);

/* Their public namesakes with another way to connect, for tests. */
weir_reconnect *reconnect_new_with(const weir_reconnect_options *options, watch_connect_fn *connect);
weir_connection_pool *connection_pool_new_with(const weir_connection_pool_options *options,
                                               watch_connect_fn *connect);

#endif
