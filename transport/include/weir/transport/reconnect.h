/* <weir/transport/reconnect.h> - keeps one connection up: tries again, and each time waits a little longer.
 *
 *     connecting --> up --> down --> waiting --> connecting ...
 *          |                  ^         \
 *          +---- failed ------+          \--> stopped   (stop, too many attempts, nothing that could ever help)
 *
 * The wait is random between nothing and a cap that doubles with each failure in a row ("full jitter"), so that a
 * thousand clients of a server that fell do not come back at the same moment. A connection that stayed up for a while
 * begins anew with the least wait; one that broke at once counts as a failure.
 *
 * Layer: transport. Needs client.h. On the client's loop only (checked).
 */
#ifndef WEIR_TRANSPORT_RECONNECT_H
#define WEIR_TRANSPORT_RECONNECT_H

#include <weir/transport/client.h>

WEIR_BEGIN_DECLS

typedef struct weir_reconnect weir_reconnect;

typedef enum weir_reconnect_state {
    WEIR_RECONNECT_CONNECTING, /* an attempt begins */
    WEIR_RECONNECT_UP,         /* connected, and each handler has seen `active` */
    WEIR_RECONNECT_DOWN,       /* the attempt failed, or the connection has ended */
    WEIR_RECONNECT_WAITING,    /* the next attempt comes in wait_ms */
    WEIR_RECONNECT_STOPPED,    /* the last event */
} weir_reconnect_state;

/* One step, as it happens. */
typedef struct weir_reconnect_event {
    weir_reconnect_state state;
    weir_channel *channel; /* up: the connection. Borrowed: retain it to keep it beyond its end */
    weir_status cause; /* down, waiting, stopped: why; WEIR_OK: the connection was closed in an orderly way */
    unsigned failures; /* in a row, until now */
    unsigned wait_ms;  /* waiting: for how long */
} weir_reconnect_event;

/* May call anything of weir_reconnect, free too. Borrows: event for the call. */
typedef void weir_reconnect_fn(void *arg, weir_reconnect *reconnect, const weir_reconnect_event *event);

/* Zero means the default, everywhere. */
typedef struct weir_reconnect_options {
    weir_client_options client;  /* whom to connect to; loop, host and port are needed */
    weir_reconnect_fn *on_event; /* may be NULL: the pipeline then tells enough */
    void *arg;                   /* Borrowed until free */
    unsigned min_delay_ms;       /* the cap of the first wait; 100 */
    unsigned max_delay_ms;       /* the highest cap; 30 000 */
    unsigned stable_ms;          /* up for so long is a success; 10 000 */
    unsigned max_failures;       /* in a row, then it stops; 0: it never gives up */
    uint64_t seed;               /* of the waits; 0: another one each time */
} weir_reconnect_options;

/* The first attempt begins in the next turn. It stops by itself after max_failures, and at WEIR_E_INVALID and
 * WEIR_E_STOPPED, which no further attempt would mend. Borrows: options for the call.
 * Gives: one for weir_reconnect_free, or NULL when out of memory or without a loop. */
WEIR_API WEIR_MUST_USE weir_reconnect *weir_reconnect_new(const weir_reconnect_options *options);

/* No more attempts; what is being connected is canceled, what is up is closed after a flush. `stopped` is told
 * once that is over, from inside this call when there is nothing to wait for. Borrows: reconnect. */
WEIR_API void weir_reconnect_stop(weir_reconnect *reconnect);

/* The same, without another event: none is told from here on. Free it before its loop ends; later, the connection
 * ends as any other. Takes: reconnect, or NULL. */
WEIR_API void weir_reconnect_free(weir_reconnect *reconnect);

/* The connection while it is up, else NULL. Borrows: reconnect, and the answer while it is up. */
WEIR_API weir_channel *weir_reconnect_channel(const weir_reconnect *reconnect);

WEIR_END_DECLS

#endif
