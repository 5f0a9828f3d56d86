/* connection.h - one connection under load: keeps `depth` messages on their way and checks what comes back.
 *
 *     begin --> send, receive, send, ... --> finish --> last reply --> FIN --> peer's FIN --> done
 */
#ifndef ECHO_CLIENT_CONNECTION_H
#define ECHO_CLIENT_CONNECTION_H

#include <stdatomic.h>

#include <weir/transport.h>

#include "histogram.h"

/* What the connections of one loop share, so that none of it is touched by two threads; the two counters are
 * also read by who shows the progress. */
struct worker {
    weir_loop *loop;
    weir_buf *pattern;
    struct histogram latencies; /* nanoseconds */
    _Atomic uint64_t messages, bytes;
    size_t size;
    unsigned depth;
};

struct connection {
    struct worker *worker;
    weir_channel *channel;
    weir_promise *done;      /* WEIR_OK, or why it ended */
    uint64_t first;          /* where in the pattern its stream begins */
    uint64_t sent, received; /* bytes */
    uint64_t replies;
    uint64_t *sent_at; /* when each message on its way was sent: a ring of `depth` */
    weir_status failure;
    bool finishing, shut; /* sends no more; has said so to the peer */
};

/* Events for weir_channel_fire_event: start sending; send no more, and end when all is back. */
extern weir_event connection_begin, connection_finish;

/* A weir_build_fn; `arg` is the connection. */
weir_status connection_build(weir_pipeline *pipeline, void *arg);

#endif
