/* uv_opening.h - private: from the call that makes a channel to its beginning on the loop, and the end of one
 * that never had a socket.
 *
 *     uv_opening_post -> begin (on the loop) -> ... -> the channel has a socket
 *                                                \---> uv_opening_close -> settle, channel_wire_closed
 *
 * A channel may be closed in the very callback that makes it: then it never begins, and ends when it would
 * have.
 */
#ifndef WEIR_UV_OPENING_H
#define WEIR_UV_OPENING_H

#include "uv/uv_internal.h"

/* A member of what lives at least until the channel has a socket or is gone. */
typedef struct uv_opening {
    weir_task task;
    uv_channel *uv;
    void (*begin)(uv_channel *uv);
    void (*settle)(uv_channel *uv); /* what was promised of opening ends. It may free the opening */
    bool begun;
} uv_opening;

/* `begin` soon, on the loop. Any thread. Fails: as weir_loop_post_task. */
weir_status uv_opening_post(uv_opening *self, uv_channel *uv);

/* The wire of a channel without a socket lets go: its end is told soon. On the loop. */
void uv_opening_close(uv_opening *self);

#endif
