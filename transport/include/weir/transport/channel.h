/* <weir/transport/channel.h> - one connection: its pipeline, its queue of writes, its life.
 *
 *     connecting --> active --> (half closed) --> inactive --> gone
 *
 * In short: everything here may be called from any thread; off the loop it is posted, and the bytes of a
 * write count against the channel before the hop. A channel lives on one loop for life. Its end is told once:
 * pending promises fail, `inactive`, `removed` of each handler from tail to head, then the memory
 * goes with the last reference.
 *
 *     write     queues; leaves at the next flush or the end of the turn
 *     close     flushes, then closes (after the close timeout without progress, or if it has to wait and there is no
 *               memory to see to that: aborts)
 *     abort     closes now, the peer sees a reset
 *     shutdown  flushes, then ends our direction (FIN); reading goes on
 *
 * Layer: transport. Needs handler.h. Any thread, unless a function says otherwise.
 */
#ifndef WEIR_TRANSPORT_CHANNEL_H
#define WEIR_TRANSPORT_CHANNEL_H

#include <weir/transport/addr.h>
#include <weir/transport/handler.h>

WEIR_BEGIN_DECLS

/* Gives: one more reference; returns its argument, which may be NULL. */
WEIR_API weir_channel *weir_channel_retain(weir_channel *channel);
/* Takes: channel, or NULL. Releasing does not close. */
WEIR_API void weir_channel_release(weir_channel *channel);

/* ---- outbound, through the whole pipeline. Borrows: channel ----
 *
 * From another thread, and the loop has no room (max_tasks) or there is no memory to post it: the call is not made, and
 * its promise fails; without one an `error` event tells of all such calls since the last, with `what` "posted call". */

/* As weir_ctx_write. Takes: msg, promise. */
WEIR_API void weir_channel_write(weir_channel *channel, void *msg, weir_promise *promise);
WEIR_API void weir_channel_flush(weir_channel *channel);
WEIR_API void weir_channel_pull(weir_channel *channel);
/* Takes: promise, or NULL. */
WEIR_API void weir_channel_shutdown(weir_channel *channel, weir_promise *promise);
/* Takes: promise, or NULL. Closing twice is one close; every promise completes when it is done. */
WEIR_API void weir_channel_close(weir_channel *channel, weir_promise *promise);
WEIR_API void weir_channel_abort(weir_channel *channel, weir_status why);

/* An event for the handlers, from the head on. Takes: event. Borrows: channel. */
WEIR_API void weir_channel_fire_event(weir_channel *channel, weir_obj *event);

/* ---- flow. Borrows: channel ---- */

/* False while more than the high watermark is queued, until less than the low one is. From another thread what is
 * posted counts, too; on the loop it does not yet, so that `writable_changed` follows whenever this was false. */
WEIR_API bool weir_channel_is_writable(const weir_channel *channel);

/* How many more bytes keep it writable. */
WEIR_API size_t weir_channel_bytes_before_unwritable(const weir_channel *channel);

/* Bytes accepted and not yet taken by the kernel, and 64 for each message: what it costs to wait. */
WEIR_API uint64_t weir_channel_pending_bytes(const weir_channel *channel);

/* Pauses (false) and resumes (true) reading. Paused, the peer's end and a reset are still seen, and a pull
 * still reads once. What a reader is given after it paused is what was read already. Handlers hear of it when it is
 * resumed: weir_event_reading_on. */
WEIR_API void weir_channel_set_reading(weir_channel *channel, bool reading);

/* Whether it reads without being pulled, which is also what `manual_read` decides. On the loop only. */
WEIR_API bool weir_channel_is_reading(const weir_channel *channel);

/* Nothing is read, pulls included, until it was let read as often as it was held: for handlers that can take no more for
 * a while. It is a count, and not the switch above: that stays with whoever takes what is read in the end, and says
 * what happens afterwards. The peer's end and a reset are still seen. On the loop only. */
WEIR_API void weir_channel_hold_reading(weir_channel *channel);
WEIR_API void weir_channel_let_read(weir_channel *channel);

/* Whether it would read now what came: switched on or pulled, not held, not choked, not at its end. On the loop only. */
WEIR_API bool weir_channel_can_read(const weir_channel *channel);

/* For how many ms it could, all in all: a clock that stands while nothing is read, for what a peer may take its time over
 * only while we listen. On the loop only. */
WEIR_API uint64_t weir_channel_reading_ms(const weir_channel *channel);

/* Whether reading pauses because too much waits to be written (not with read_while_unwritable). What was read may wait
 * just as well: `writable_changed` tells when it is over. On the loop only. */
WEIR_API bool weir_channel_is_choked(const weir_channel *channel);

/* How many messages may be made of what was read before others have their turn, see yield.h. On the loop only. */
WEIR_API unsigned weir_channel_messages_per_turn(const weir_channel *channel);

/* ---- what it is. Borrows: channel, and the answers are borrowed for its life ---- */

WEIR_API bool weir_channel_is_active(const weir_channel *channel);
WEIR_API uint64_t weir_channel_id(const weir_channel *channel); /* unique in this process */
WEIR_API weir_loop *weir_channel_loop(const weir_channel *channel);
/* Use it on the loop only. */
WEIR_API weir_pipeline *weir_channel_pipeline(weir_channel *channel);
/* Filled in; `len` 0 where there is none. The remote one stays known after the end, of a unix name only
 * that it is one. */
WEIR_API void weir_channel_local_addr(const weir_channel *channel, weir_addr *out);
WEIR_API void weir_channel_remote_addr(const weir_channel *channel, weir_addr *out);

/* What has happened on it. */
typedef struct weir_channel_stats {
    uint64_t bytes_read, bytes_written;
    uint64_t reads;            /* system calls that brought bytes */
    uint64_t spliced_reads;    /* those of them that left the bytes in a pipe (read_by_splice) */
    uint64_t messages_written; /* messages accepted */
    uint64_t writev_calls;     /* gathered writes */
    uint64_t sendfile_calls;   /* calls that moved file bytes without user space */
    uint64_t sendfile_bytes;
    uint64_t copied_bytes; /* region bytes read into a buf to be written */
    uint64_t cold_reads;   /* times the disk was waited for on the thread pool */
    uint64_t would_block;  /* times the socket was full */
} weir_channel_stats;

/* Borrows: channel. On the loop only. */
WEIR_API void weir_channel_get_stats(const weir_channel *channel, weir_channel_stats *out);

/* The socket, for options weir has no name for (setsockopt); -1 when there is none.
 * Reading, writing, polling or closing it breaks the channel. Until: inactive. */
WEIR_API int weir_channel_fd(const weir_channel *channel);

WEIR_END_DECLS

#endif
