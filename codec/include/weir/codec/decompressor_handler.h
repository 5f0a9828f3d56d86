/* <weir/codec/decompressor_handler.h> - a channel whose bytes come compressed, as if they had not been.
 *
 *     wire --gzip, brotli, zstd ...--> [ decompressor_handler ] --bufs of at most 16 KiB--> your handler
 *
 * In short: add it behind the head; objects that are not bufs pass by.
 *
 *     Flow     With reading off (weir_channel_set_reading) no further piece is made: what waits is compressed, a burst of
 *              reads at most. It goes on with a pull (a piece each), or in a turn soon after reading is on
 *              (weir_event_reading_on). The end of the stream waits behind it.
 *     Bombs    stop at ratio_max (decompressor.h). A stream has no length, so output_max is no limit here unless it is
 *              set.
 *     Failure  One error event: WEIR_E_FRAME_CORRUPT, WEIR_E_LIMIT, WEIR_E_INVALID, WEIR_E_NO_MEMORY; nothing is read
 *              after it. Unless somebody takes it, the channel closes.
 *     End      A peer that ends its side in the middle of a stream: WEIR_E_TRUNCATED, then peer_closed.
 *
 * Not for channels with `read_by_splice`. For HTTP bodies use http_decompressor.h.
 *
 * Layer: codec. Needs decompressor.h. On the channel's loop.
 */
#ifndef WEIR_CODEC_DECOMPRESSOR_HANDLER_H
#define WEIR_CODEC_DECOMPRESSOR_HANDLER_H

#include <weir/codec/decompressor.h>
#include <weir/transport/pipeline.h>

WEIR_BEGIN_DECLS

/* To be found in a pipeline by. */
WEIR_API extern const weir_handler weir_decompressor_handler;

/* Adds it next to the tail. Without a pool in the options bufs are the loop's. Borrows: pipeline, options (may be NULL).
 * Fails: as weir_decompressor_new. */
WEIR_API weir_status weir_decompressor_handler_add(weir_pipeline *pipeline, weir_compression format,
                                                   const weir_decompressor_options *options);

WEIR_END_DECLS

#endif
