/* <weir/transport/embedded.h> - a channel without a socket: feed its pipeline by hand and look at what
 * comes out, with a clock that only moves when told to. For tests, and for protocols over another I/O.
 *
 *     weir_embedded *e = weir_embedded_new(NULL, build, NULL);
 *     weir_embedded_feed(e, weir_buf...);           what the peer sent
 *     weir_obj *out = weir_embedded_take(e);        what was written, in order
 *     weir_embedded_advance(e, 30000);              half a minute passes
 *     weir_embedded_free(e);
 *
 * Each call is one turn of its loop: when it returns, posted tasks have run and what was written has
 * reached the far end, unless that is stalled. From inside a callback, the turn under way goes on.
 *
 * Layer: transport. Needs channel.h. One thread.
 */
#ifndef WEIR_TRANSPORT_EMBEDDED_H
#define WEIR_TRANSPORT_EMBEDDED_H

#include <weir/buffer/buf.h>
#include <weir/transport/channel.h>
#include <weir/transport/channel_options.h>
#include <weir/transport/loop.h>
#include <weir/transport/pipeline.h>

WEIR_BEGIN_DECLS

typedef struct weir_embedded weir_embedded;

/* An active channel whose pipeline `build` (may be NULL) has filled. Borrows: options (NULL: defaults), arg.
 * Gives: one for weir_embedded_free, or NULL when out of memory or when build failed. */
WEIR_API WEIR_MUST_USE weir_embedded *weir_embedded_new(const weir_channel_options *options,
                                                        weir_build_fn *build, void *arg);

/* Takes: embedded, or NULL. Aborts the channel if it is open, and releases what was not taken. */
WEIR_API void weir_embedded_free(weir_embedded *embedded);

/* Borrows: embedded, and the answers for its life. */
WEIR_API weir_channel *weir_embedded_channel(weir_embedded *embedded);
WEIR_API weir_pipeline *weir_embedded_pipeline(weir_embedded *embedded);
WEIR_API weir_loop *weir_embedded_loop(weir_embedded *embedded);

/* The peer sent this: fires `read`, then `read_complete`. While reading is paused it waits outside.
 * Takes: msg. Fails: WEIR_E_CLOSED (msg is released), WEIR_E_NO_MEMORY for a NULL msg. */
WEIR_API weir_status weir_embedded_feed(weir_embedded *embedded, void *msg);

/* The same for a copy of `n` bytes. Borrows: bytes. */
WEIR_API weir_status weir_embedded_feed_bytes(weir_embedded *embedded, const void *bytes, size_t n);

/* The peer ended its stream (FIN), after what was fed before. Borrows: embedded. */
WEIR_API void weir_embedded_feed_end(weir_embedded *embedded);

/* The connection broke: `error` with this status, then `inactive`. Borrows: embedded. */
WEIR_API void weir_embedded_break(weir_embedded *embedded, weir_status why);

/* The next message that reached the wire, or NULL. Gives: it. */
WEIR_API WEIR_MUST_USE weir_obj *weir_embedded_take(weir_embedded *embedded);

/* All messages that reached the wire, bytes only, regions read, in one buf. Gives: a buf, or NULL when out of
 * memory. */
WEIR_API WEIR_MUST_USE weir_buf *weir_embedded_take_all(weir_embedded *embedded);

/* True: the far end takes nothing, so writes stay queued, as on a full socket. Borrows: embedded. */
WEIR_API void weir_embedded_stall(weir_embedded *embedded, bool stalled);

/* One turn: posted tasks, due timers, end-of-turn flush. Borrows: embedded. */
WEIR_API void weir_embedded_run(weir_embedded *embedded);

/* The clock moves on, firing what is due in order, each at its own time. Borrows: embedded. */
WEIR_API void weir_embedded_advance(weir_embedded *embedded, uint64_t ms);

/* Whether the connection still stands. Borrows: embedded. */
WEIR_API bool weir_embedded_is_open(const weir_embedded *embedded);
/* Our side has ended its stream (shutdown or close reached the wire). Borrows: embedded. */
WEIR_API bool weir_embedded_is_shut(const weir_embedded *embedded);
/* What abort was called with when it reached the wire, else WEIR_OK. Borrows: embedded. */
WEIR_API weir_status weir_embedded_aborted(const weir_embedded *embedded);

WEIR_END_DECLS

#endif
