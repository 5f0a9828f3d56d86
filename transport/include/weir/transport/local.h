/* <weir/transport/local.h> - connections inside the process: messages cross by reference, not as bytes.
 *
 *     weir_server  host "local:NAME"          weir_client  host "local:NAME"
 *
 *     loop A   channel --- queue --> [up to 16 messages] --> channel   loop B
 *              channel <-- [up to 16 messages] <-- queue --- channel
 *
 * In short: the object that is written at one end is the object that is read at the other, whatever its type, and
 * so are its bytes: nothing is copied. Which loops the ends live on makes no difference. Everything else is
 * as over a socket: a reader that pauses stops the writer, whose messages stay in its own queue (with watermarks, cap
 * and promises) until the reader takes them; shutdown, close and abort mean what they mean there.
 *
 * Names live in the process: a server that listens on "local:NAME" has it alone until it stops, with all it can
 * do besides, and a client whose name nobody listens on is told -ECONNREFUSED. A port is not needed.
 *
 * A write completes when the message has left the queue, some moments before it is read. Whoever keeps a
 * reference to what was written shares it with the reader from then on, perhaps with another thread: read only, or
 * write a copy. A pool whose bufs cross has to outlive the far end (loops of one group share theirs).
 *
 * Layer: transport. Needs channel.h, channel_options.h, loop.h, pipeline.h. Any thread.
 */
#ifndef WEIR_TRANSPORT_LOCAL_H
#define WEIR_TRANSPORT_LOCAL_H

#include <weir/transport/channel.h>
#include <weir/transport/channel_options.h>
#include <weir/transport/loop.h>
#include <weir/transport/pipeline.h>

WEIR_BEGIN_DECLS

/* One end of a pair. Zero means the default, everywhere. */
typedef struct weir_local_end {
    weir_loop *loop;      /* needed. Borrowed for the channel's life */
    weir_build_fn *build; /* fills the pipeline, on the loop; NULL: none. A failure resets the pair */
    void *build_arg;      /* Borrowed until the channel is gone */
    weir_channel_options channel;
} weir_local_end;

/* Two channels that are connected with each other, without a name: written to at one, read at the other. Both may be
 * written to at once. Borrows: a, b. `*at_a` and `*at_b` Give a channel to release; both NULL on failure.
 * Fails: WEIR_E_INVALID, WEIR_E_NO_MEMORY, WEIR_E_STOPPED when a loop runs no more (what was built at the other
 * end sees a reset). */
WEIR_API weir_status weir_local_pair(const weir_local_end *a, const weir_local_end *b, weir_channel **at_a,
                                     weir_channel **at_b);

WEIR_END_DECLS

#endif
