/* <weir/transport/idle_handler.h> - tell me when nothing happens.
 *
 * Add weir_idle_handler_add first in a pipeline: it fires an event when nothing was read, nothing written,
 * or neither, for as long as asked; again for each further such time. A read only notes the time
 * (2 ns): the timer looks when it fires.
 *
 * Layer: transport. Needs event.h, pipeline.h. On the channel's loop.
 */
#ifndef WEIR_TRANSPORT_IDLE_HANDLER_H
#define WEIR_TRANSPORT_IDLE_HANDLER_H

#include <weir/transport/event.h>
#include <weir/transport/pipeline.h>

WEIR_BEGIN_DECLS

/* Milliseconds, 49 days at most; 0 is off. */
typedef struct weir_idle_options {
    uint64_t read_ms;  /* nothing read for so long -> weir_event_idle_read */
    uint64_t write_ms; /* nothing written (a write completed) for so long -> weir_event_idle_write */
    uint64_t all_ms;   /* neither -> weir_event_idle_all */
    bool close;        /* true: close the channel instead of firing */
} weir_idle_options;

/* Fired inbound; constants, so compare addresses. */
WEIR_API extern weir_event weir_event_idle_read;
WEIR_API extern weir_event weir_event_idle_write;
WEIR_API extern weir_event weir_event_idle_all;

WEIR_API extern const weir_handler weir_idle_handler;

/* Adds it next to the head. Borrows: pipeline, options. Fails: WEIR_E_NO_MEMORY. */
WEIR_API weir_status weir_idle_handler_add(weir_pipeline *pipeline, const weir_idle_options *options);

WEIR_END_DECLS

#endif
