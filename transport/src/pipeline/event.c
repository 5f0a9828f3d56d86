/* event.c - the built-in events: constants that are never freed. */
#include <weir/transport/event.h>

static void free_event(weir_obj *obj) {
    WEIR_CHECK(obj == NULL, "a constant event was freed");
}

const weir_obj_type weir_event_type = {.name = "event", .free = free_event};

weir_event weir_event_peer_closed = WEIR_EVENT_CONSTANT("peer_closed");
weir_event weir_event_peer_ending = WEIR_EVENT_CONSTANT("peer_ending");
weir_event weir_event_reading_on = WEIR_EVENT_CONSTANT("reading_on");
weir_event weir_event_stopping = WEIR_EVENT_CONSTANT("stopping");
