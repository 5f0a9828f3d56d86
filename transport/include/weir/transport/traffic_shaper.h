/* <weir/transport/traffic_shaper.h> - so many bytes a second, for one channel and for many together.
 *
 *     weir_traffic_limit *office = weir_traffic_limit_new(&(weir_traffic_options){.write_rate = 10 << 20});
 *     ...
 *     weir_traffic_shaper_add(pipeline, &(weir_traffic_options){.write_rate = 1 << 20}, office);
 *
 * In short: what is written leaves in pieces, each when the channel's own limit and the shared one allow it; files too, and
 * a close waits behind them. What waits counts against the channel's watermarks and cap. What is read is passed on
 * at once, then reading pauses for as long as it was too much, pulls too. The average is exact over any time; after a
 * pause up to `burst` bytes pass at once. A shared limit is one for any number of channels on any loops: no lock.
 *
 * Put it next to the head to shape what goes over the wire.
 *
 * Layer: transport. Needs pipeline.h.
 */
#ifndef WEIR_TRANSPORT_TRAFFIC_SHAPER_H
#define WEIR_TRANSPORT_TRAFFIC_SHAPER_H

#include <weir/transport/pipeline.h>

WEIR_BEGIN_DECLS

/* Bytes a second, and bytes; zero rates are no limit. */
typedef struct weir_traffic_options {
    uint64_t read_rate;
    uint64_t write_rate;
    uint64_t burst; /* what may pass at once after a pause; 0: what passes in a tenth of a second */
} weir_traffic_options;

/* One limit for many channels. */
typedef struct weir_traffic_limit weir_traffic_limit;

/* Borrows: options. Gives: a limit, or NULL when out of memory. Any thread. */
WEIR_API WEIR_MUST_USE weir_traffic_limit *weir_traffic_limit_new(const weir_traffic_options *options);

/* Other rates from now on, for all its channels; who waits notices within a second. Borrows: both. Any thread. */
WEIR_API void weir_traffic_limit_set(weir_traffic_limit *limit, const weir_traffic_options *options);

/* Gives: one more reference; returns its argument, which may be NULL. Any thread. */
WEIR_API weir_traffic_limit *weir_traffic_limit_retain(weir_traffic_limit *limit);
/* Takes: limit, or NULL. Any thread. */
WEIR_API void weir_traffic_limit_release(weir_traffic_limit *limit);

/* To be found in a pipeline by. */
WEIR_API extern const weir_handler weir_traffic_shaper_handler;

/* Adds it next to the head. Borrows: pipeline; own, the channel's alone; shared (the handler holds a reference); each may be
 * NULL. Fails: WEIR_E_NO_MEMORY. On the channel's loop. */
WEIR_API weir_status weir_traffic_shaper_add(weir_pipeline *pipeline, const weir_traffic_options *own,
                                             weir_traffic_limit *shared);

WEIR_END_DECLS

#endif
