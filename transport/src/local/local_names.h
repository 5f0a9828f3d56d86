/* local_names.h - private: who listens on which name in this process.
 *
 * A name has one owner, who may listen on several loops; connections go to them in turn. One lock guards all
 * names; it is taken to claim, to listen and to connect, never to send.
 */
#ifndef WEIR_LOCAL_NAMES_H
#define WEIR_LOCAL_NAMES_H

#include <weir/core/list.h>
#include <weir/transport/client.h>

#include "channel/channel_internal.h"

#define LOCAL_PREFIX "local:"

/* What follows "local:", or NULL when `host` does not begin so. */
const char *local_name_of(const char *host);

typedef struct local_name local_name;

/* A name of one's own, on which nobody listens yet. Fails: -EADDRINUSE, WEIR_E_INVALID, WEIR_E_NO_MEMORY. */
weir_status local_name_claim(local_name **out, const char *text);
/* Takes: name, or NULL; nobody listens on it any more. */
void local_name_free(local_name *name);

/* Someone at the door: a client that connects. */
typedef struct local_knock {
    weir_task task;
    struct local_listener *listener; /* whose door it is */
} local_knock;

typedef struct local_listener local_listener;
struct local_listener {
    weir_list link; /* in the name */
    weir_loop *loop;
    weir_task closed_task;
    bool closing;
    /* On the loop, which makes a channel by local_accept or refuses. */
    void (*knocked)(local_listener *self, local_knock *knock);
    void (*closed)(local_listener *self); /* the last call */
};

/* On its loop; loop and functions are filled in. */
void local_listener_open(local_listener *self, local_name *name);
/* `closed` follows, after every knock. On its loop. */
void local_listener_close(local_listener *self);

/* Posts knock->task to the next listener of the name; -ECONNREFUSED when there is none. */
weir_status local_knock_at(const char *text, local_knock *knock);

/* The channel of an accepted connection, or NULL when out of memory; the client is told. Borrows: options until the
 * channel is gone. The answer is borrowed: the wire holds the reference. On the loop. */
weir_channel *local_accept(local_knock *knock, const weir_channel_options *options, channel_owner *owner);
void local_refuse(local_knock *knock);

/* As net_connect, to the name in options->host. */
weir_channel *local_connect(const weir_client_options *options, const weir_channel_options *resolved_options,
                            weir_promise *promise);

#endif
