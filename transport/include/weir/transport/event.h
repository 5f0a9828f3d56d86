/* <weir/transport/event.h> - out-of-band signals through the pipeline, and the built-in ones.
 *
 * An event is any counted object. The built-in ones are constants: compare by address,
 *
 *     if (event == &weir_event_peer_closed.obj) ...
 *
 * and what happens when nobody takes them:
 *
 *     peer_closed   the peer will send no more (FIN), all it sent was read     close, after a flush
 *     peer_ending   the same was seen while reading is paused: some is unread    nothing
 *     reading_on    reading was off, and was switched on again                  nothing
 *     stopping      the server is stopping: finish what you do and close       close, after a flush
 *     idle_*        see idle_handler.h                                          nothing
 *     any other     yours                                                       released
 *
 * A handler that holds back what it made while reading is off goes on at reading_on. It is fired inside of
 * weir_channel_set_reading, whose caller expects no message yet: wait for a turn (yield.h) and give it then.
 *
 * So a handler that wants to keep writing after the peer's FIN takes peer_closed and does not pass it on.
 *
 * Layer: transport. Needs obj.h. Any thread.
 */
#ifndef WEIR_TRANSPORT_EVENT_H
#define WEIR_TRANSPORT_EVENT_H

#include <weir/core/obj.h>

WEIR_BEGIN_DECLS

/* An event without contents: a name. Immortal when made by WEIR_EVENT_CONSTANT. */
typedef struct weir_event {
    weir_obj obj;
    const char *name;
} weir_event;

/* What all events are to weir_obj_is, and the initialiser of one that is a constant. */
WEIR_API extern const weir_obj_type weir_event_type;
#define WEIR_EVENT_CONSTANT(text)                                                                            \
    { {&weir_event_type, WEIR_OBJ_IMMORTAL, 0}, (text) }

WEIR_API extern weir_event weir_event_peer_closed;
WEIR_API extern weir_event weir_event_peer_ending;
WEIR_API extern weir_event weir_event_reading_on;
WEIR_API extern weir_event weir_event_stopping;

WEIR_END_DECLS

#endif
