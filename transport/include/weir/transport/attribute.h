/* <weir/transport/attribute.h> - what a program wants to remember of a channel, or of a loop, kept with it.
 *
 * A key is a constant of yours; its address is its identity, so keys of different libraries never meet:
 *
 *     static const weir_attribute_key user_key = {.name = "user", .free = free_user};
 *     weir_channel_set_attribute(channel, &user_key, user);
 *     struct user *user = weir_channel_attribute(channel, &user_key);
 *
 * For what several handlers, or code outside of the pipeline, must find. What one handler remembers is its state.
 * A lookup walks a short list; a channel without attributes pays one pointer.
 *
 * Layer: transport. Needs channel.h. On the channel's loop, or the loop itself (checked).
 */
#ifndef WEIR_TRANSPORT_ATTRIBUTE_H
#define WEIR_TRANSPORT_ATTRIBUTE_H

#include <weir/transport/channel.h>

WEIR_BEGIN_DECLS

typedef struct weir_attribute_key {
    const char *name;          /* for people */
    void (*free)(void *value); /* the channel has ended, or another value came; NULL: nothing to free */
} weir_attribute_key;

/* Keeps `value` until another one replaces it (NULL: none) or, at the latest, until every handler was removed.
 * Takes: value, also on failure. Borrows: channel, key (for good). Fails: WEIR_E_NO_MEMORY, WEIR_E_CLOSED when
 * the channel has ended. */
WEIR_API weir_status weir_channel_set_attribute(weir_channel *channel, const weir_attribute_key *key,
                                                void *value);

/* The value, or NULL. Borrows: channel, key, and the answer until it is replaced. */
WEIR_API void *weir_channel_attribute(const weir_channel *channel, const weir_attribute_key *key);

/* ---- of a loop: what the channels of one loop share, without a lock ---- */

/* Keeps `value` until another one replaces it (NULL: none) or the loop is freed, when its channels have ended.
 * Takes: value, also on failure. Borrows: loop, key (for good). Fails: WEIR_E_NO_MEMORY. */
WEIR_API weir_status weir_loop_set_attribute(weir_loop *loop, const weir_attribute_key *key, void *value);

/* The value, or NULL. Borrows: loop, key, and the answer until it is replaced. */
WEIR_API void *weir_loop_attribute(const weir_loop *loop, const weir_attribute_key *key);

WEIR_END_DECLS

#endif
