/* <weir/transport/flow_control_handler.h> - one message for each pull, behind a decoder that makes many at once.
 *
 *     wire -- 64 KiB --> decoder -- 300 messages --> [ flow_control ] -- 1 message, read_complete --> you
 *                                                          ^------------ pull ---------------------- you
 *
 * Pausing a channel stops its reads, not what was read already: a decoder goes on and hands you the messages of
 * one burst. Add this behind it and set `manual_read`: each pull gives one message and its read_complete, from the
 * queue as long as there are some, then from the wire. An event (also the peer's end) waits for the
 * messages before it. Bounded by what one burst of reads makes, as nothing is read while messages wait.
 *
 * Removed, it hands on what waits. A failure does not wait: what came before it is released.
 *
 * Layer: transport. Needs pipeline.h. On the channel's loop.
 */
#ifndef WEIR_TRANSPORT_FLOW_CONTROL_HANDLER_H
#define WEIR_TRANSPORT_FLOW_CONTROL_HANDLER_H

#include <weir/transport/pipeline.h>

WEIR_BEGIN_DECLS

WEIR_API extern const weir_handler weir_flow_control_handler;

/* Adds it next to the tail. Borrows: pipeline. Fails: WEIR_E_NO_MEMORY. */
WEIR_API weir_status weir_flow_control_handler_add(weir_pipeline *pipeline);

/* Messages and events that wait for a pull. Borrows: ctx, whose handler this is. */
WEIR_API size_t weir_flow_control_handler_waiting(const weir_ctx *ctx);

WEIR_END_DECLS

#endif
