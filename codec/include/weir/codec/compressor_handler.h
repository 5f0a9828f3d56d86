/* <weir/codec/compressor_handler.h> - what is written to a channel, compressed as one stream.
 *
 *     wire <--gzip, brotli, zstd ...-- [ compressor_handler ] <--bufs, composites, regions-- your handler
 *
 * In short: add it in front of the handlers that write. A flush brings out all that was written before it, so does the end
 * of a loop turn; a shutdown and a close end the stream first. A promise completes when its bytes have left. Regions are
 * read in chunks as the peer takes them. What is neither a buf nor a region passes, in its place.
 *
 * What it holds, and when it aborts, stands in compress_writer.h. For HTTP bodies use http_compressor.h.
 *
 * Layer: codec. Needs compressor.h. On the channel's loop.
 */
#ifndef WEIR_CODEC_COMPRESSOR_HANDLER_H
#define WEIR_CODEC_COMPRESSOR_HANDLER_H

#include <weir/codec/compressor.h>
#include <weir/transport/pipeline.h>

WEIR_BEGIN_DECLS

/* To be found in a pipeline by. */
WEIR_API extern const weir_handler weir_compressor_handler;

/* Adds it next to the tail. Without a pool in the options bufs are the loop's. Borrows: pipeline, options (may be NULL).
 * Fails: as weir_compressor_new. */
WEIR_API weir_status weir_compressor_handler_add(weir_pipeline *pipeline, weir_compression format,
                                                 const weir_compressor_options *options);

WEIR_END_DECLS

#endif
