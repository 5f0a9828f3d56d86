/* wire.h - private: the seam between a channel and its I/O.
 *
 * A wire is the code that moves bytes: uv/ (sockets) or embedded/ (lists). Downward the channel calls the
 * ops; upward the wire calls the channel_wire_* functions
 * (those of every message are in channel_internal.h). The wire holds one reference on the channel from
 * its making until channel_wire_closed.
 */
#ifndef WEIR_WIRE_H
#define WEIR_WIRE_H

#include <weir/transport/channel.h>

typedef struct wire_ops {
    const char *name;
    /* Messages stand alone: an error nobody takes closes nothing. */
    bool outlives_errors;
    /* Whether a message that is neither a buf nor a region can be sent; NULL: none can. */
    bool (*takes)(const weir_obj *msg);
    /* Send what is flushed, as far as it goes; afterwards channel_wire_drained. */
    void (*drain)(weir_channel *channel);
    /* channel_wants_reading has changed. */
    void (*update_reading)(weir_channel *channel);
    /* The queue is out: end our direction. */
    void (*shutdown)(weir_channel *channel);
    /* Let go of everything, later call channel_wire_closed. With `abort` the peer sees a reset. */
    void (*close)(weir_channel *channel, bool abort);
    int (*fd)(const weir_channel *channel);
} wire_ops;

/* Upward. All on the loop, outside of any other callback of this channel. */

void channel_wire_active(weir_channel *channel);
void channel_wire_peer_ending(weir_channel *channel);
void channel_wire_peer_closed(weir_channel *channel);
/* The connection or a region failed: the channel ends. Until: what lives forever. */
void channel_wire_broken(weir_channel *channel, weir_status status, const char *what);
void channel_wire_drained(weir_channel *channel);
void channel_wire_closed(weir_channel *channel);

#endif
