/* <weir/transport/timeout_handler.h> - end a connection whose peer has stopped: sending, or taking.
 *
 * Where idle_handler.h asks, this decides: an `error` event WEIR_E_TIMEOUT goes inward once, named "read" or "write",
 * then the channel ends at once: what is queued by then fails with WEIR_E_TIMEOUT. To say goodbye first, use
 * idle_handler.h.
 *
 *     read_ms     nothing was read for so long
 *     write_ms    bytes were waiting to leave, and none did, for so long (at most twice as long): a peer that
 *                 takes a little now and then is slow, not gone
 *
 * A peer that is not asked to send may be silent: while reading is paused or waits for a pull, read_ms does not run.
 *
 * Layer: transport. Needs pipeline.h. On the channel's loop.
 */
#ifndef WEIR_TRANSPORT_TIMEOUT_HANDLER_H
#define WEIR_TRANSPORT_TIMEOUT_HANDLER_H

#include <weir/transport/pipeline.h>

WEIR_BEGIN_DECLS

/* Milliseconds; 0 is off. */
typedef struct weir_timeout_options {
    uint64_t read_ms;
    uint64_t write_ms;
} weir_timeout_options;

WEIR_API extern const weir_handler weir_timeout_handler;

/* Adds it next to the head. Borrows: pipeline, options. Fails: WEIR_E_NO_MEMORY. */
WEIR_API weir_status weir_timeout_handler_add(weir_pipeline *pipeline, const weir_timeout_options *options);

WEIR_END_DECLS

#endif
