/* <weir/transport/channel_group.h> - many channels, on whatever loops, written to at once.
 *
 *      broadcast(buf) ---+--> loop 0: channel, channel, channel       one buf, n references:
 *                        +--> loop 1: channel, channel                nothing is copied
 *
 * In short: a channel is added on its loop and leaves by itself when it ends. From any thread the group
 * does something with each member, on the member's own loop: at once on the calling loop, by a post elsewhere.
 * What one thread asks for arrives in that order.
 *
 * A buf is shared by all members whose pipelines have no handler that sees writes; the others get a duplicate each,
 * of which the bytes are still shared. So its bytes must not change any more. Any other message is the same
 * object for all.
 *
 * A member that cannot keep up is the question of every broadcast. Left alone it fills its queue to the
 * hard cap, then its write fails with WEIR_E_BACKPRESSURE and, with no promise to tell, closes it. With
 * `skip_unwritable` it misses messages instead.
 *
 * Layer: transport. Needs channel.h. Any thread, unless a function says otherwise.
 */
#ifndef WEIR_TRANSPORT_CHANNEL_GROUP_H
#define WEIR_TRANSPORT_CHANNEL_GROUP_H

#include <weir/transport/channel.h>

WEIR_BEGIN_DECLS

typedef struct weir_channel_group weir_channel_group;

/* An empty one. Gives: a group, or NULL when out of memory. */
WEIR_API WEIR_MUST_USE weir_channel_group *weir_channel_group_new(void);

/* Gives: one more reference; returns its argument, which may be NULL. Each member holds one too. */
WEIR_API weir_channel_group *weir_channel_group_retain(weir_channel_group *group);
/* Takes: group, or NULL. */
WEIR_API void weir_channel_group_release(weir_channel_group *group);

/* A member from now on, until it is removed or has ended. Adding it twice is once. Borrows: both.
 * Fails: WEIR_E_NO_MEMORY, WEIR_E_CLOSED. On the channel's loop (checked). */
WEIR_API weir_status weir_channel_group_add(weir_channel_group *group, weir_channel *channel);

/* No member any more; one that is none stays none. Borrows: both. On the channel's loop (checked). */
WEIR_API void weir_channel_group_remove(weir_channel_group *group, weir_channel *channel);

/* How many there are; a moment's truth. Borrows: group. */
WEIR_API size_t weir_channel_group_count(const weir_channel_group *group);

/* `fn(channel, arg)` for each member that is open, on its loop. It may end, add or remove any channel.
 * `promise` completes when all have been visited: with WEIR_OK, or with why a loop could not be asked.
 * Borrows: group; arg until the promise completes. Takes: promise, or NULL. */
typedef void weir_channel_fn(weir_channel *channel, void *arg);
WEIR_API void weir_channel_group_each(weir_channel_group *group, weir_channel_fn *fn, void *arg,
                                      weir_promise *promise);

/* To whom a broadcast goes. Zero means everybody. */
typedef struct weir_broadcast_options {
    const weir_channel *except; /* not to this one: who said it. Only its address is used */
    bool skip_unwritable;       /* not to those that have more than their high watermark queued */
    bool (*match)(weir_channel *channel, void *arg); /* only where it answers true; on the channel's loop */
    void *arg;                                       /* Borrowed until the promise completes */
} weir_broadcast_options;

/* Writes `msg` to each member; it leaves at the end of the turn. `promise` completes when every write has ended: with
 * WEIR_OK, or with the first failure; without one a failed write is an `error` event of its channel.
 * Borrows: group, options (may be NULL). Takes: msg (NULL fails with WEIR_E_NO_MEMORY), promise, or NULL. */
WEIR_API void weir_channel_group_write(weir_channel_group *group, void *msg,
                                       const weir_broadcast_options *options, weir_promise *promise);

/* Closes each member after a flush. `promise` as for a write. Borrows: group. Takes: promise, or NULL. */
WEIR_API void weir_channel_group_close(weir_channel_group *group, weir_promise *promise);

WEIR_END_DECLS

#endif
