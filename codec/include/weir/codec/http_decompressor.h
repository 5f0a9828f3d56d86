/* <weir/codec/http_decompressor.h> - bodies that came compressed, as if they had not been.
 *
 *     wire --> http_server or http_client --> [ http_decompressor ] --> http_aggregator, your handler
 *                 Content-Encoding: gzip                                  no Content-Encoding, length unknown
 *
 * In short: add it behind the codec. gzip, x-gzip, deflate (with zlib's wrapper, or without as some send it), br,
 * zstd and identity are undone as the body comes, in bufs of at most 16 KiB; up to two codings on top of each other. What you
 * write is not touched.
 *
 *     Heads     Content-Encoding and Content-Length go; framing becomes chunked (until close stays), length 0. Digests
 *               and tags are left as they came: they are of the compressed bytes.
 *     Untouched A message without a body (HEAD, 204, 304), or with a part of one (206, Content-Range), and one with a
 *               coding that is not known (compress), unless `refuse_unknown`. An empty body is an empty body.
 *     Bombs     Neither the body, nor what is between two codings, becomes larger than output_max, nor beyond its first
 *               64 KiB more than ratio_max times what came over the wire: else WEIR_E_LIMIT.
 *     Refusing  A server answers 413 (a limit), 400 (corrupt, cut short, bytes behind the end), 503 (out of memory) and
 *               closes as it does with what it refuses itself; a handler that saw the head gets the error event.
 *               Codings that are not known, or too many, are answered with 415 before any of it is seen; then the
 *               connection goes on if the rest is short. A client: one error event, WEIR_E_LIMIT,
 *               WEIR_E_FRAME_CORRUPT, WEIR_E_NO_MEMORY or WEIR_E_UNSUPPORTED, then the channel closes.
 *     Flow      With reading off (weir_channel_set_reading) no further piece is made: what waits is compressed. It goes on
 *               with a pull (a piece each), or in a turn soon after reading is on (weir_event_reading_on). Until the end
 *               of a response was passed on, a client's codec reads no further one, and does not close. A connection that
 *               breaks does not wait: what came before is decoded first.
 *
 * Remove it between messages: what it holds of one is dropped.
 *
 * Source: RFC 9110 8.4, RFC 1950, 1951, 1952, 7932, 8878. Layer: codec. On the channel's loop.
 */
#ifndef WEIR_CODEC_HTTP_DECOMPRESSOR_H
#define WEIR_CODEC_HTTP_DECOMPRESSOR_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/transport/pipeline.h>

WEIR_BEGIN_DECLS

/* Zero means the default, everywhere. */
typedef struct weir_http_decompressor_options {
    uint64_t output_max; /* bytes of one body, decoded; 64 MiB; UINT64_MAX: no limit */
    unsigned ratio_max;  /* decoded bytes for each that came; 200; UINT_MAX: no limit */
    bool refuse_unknown; /* true: a coding that is not known is refused, not passed on */
} weir_http_decompressor_options;

/* Adds it next to the tail. Borrows: pipeline, options (may be NULL). Fails: WEIR_E_NO_MEMORY. */
WEIR_API weir_status weir_http_decompressor_add(weir_pipeline *pipeline,
                                                const weir_http_decompressor_options *options);

WEIR_END_DECLS

#endif
