/* room.h - who is in a room, and what was said there last. Any thread. */
#ifndef EXAMPLES_CHAT_ROOM_H
#define EXAMPLES_CHAT_ROOM_H

#include <weir/codec/websocket.h>
#include <weir/transport.h>

typedef struct room room;

typedef struct room_rules {
    unsigned history;     /* lines that a newcomer is shown */
    bool skip_unwritable; /* who cannot keep up misses lines; false: is cut off */
} room_rules;

/* Shows `channel` the history and makes it a member. Gives: the room, for room_leave; NULL when out of memory. */
room *room_join(weir_bytes name, weir_channel *channel, const room_rules *rules);

/* A line for all, encoded once, and kept for those who come later. Takes: line (NULL: nothing is said). */
void room_say(room *self, weir_buf *line);

/* No member any more, and a last line to the others (or NULL). The last one out takes the history with it.
 * Takes: self, line. */
void room_leave(room *self, weir_channel *channel, weir_buf *line);

#endif
