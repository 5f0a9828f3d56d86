/* <weir/transport/log_handler.h> - one log line for every event that passes by.
 *
 * Put it where you want to look: before a codec it shows bytes, behind it messages. Subject "channel",
 * each line begins with the channel's id. With `dump` bufs are shown as a hex table, cut at 1 KiB.
 *
 * Layer: transport. Needs pipeline.h. On the channel's loop.
 */
#ifndef WEIR_TRANSPORT_LOG_HANDLER_H
#define WEIR_TRANSPORT_LOG_HANDLER_H

#include <weir/core/log.h>
#include <weir/transport/pipeline.h>

WEIR_BEGIN_DECLS

WEIR_API extern const weir_handler weir_log_handler;

/* Adds it next to the tail. Borrows: pipeline. Fails: WEIR_E_NO_MEMORY, WEIR_E_INVALID for no level of a line. */
WEIR_API weir_status weir_log_handler_add(weir_pipeline *pipeline, weir_log_level level, bool dump);

WEIR_END_DECLS

#endif
