/* <weir/codec/http_compressor.h> - responses compressed as each client wants it.
 *
 *     wire --> http_server --Accept-Encoding: br, gzip;q=0.8--> [ http_compressor ] --> your handler
 *     wire <-- http_server <--Content-Encoding: br------------- [               ] <-- response, bufs, regions, end
 *
 * In short: add it behind the server, before the handlers that answer; these need not know. The coding is what the request
 * wants most, and among equals the first of `codings`.
 *
 *     Heads     get Content-Encoding and Vary: Accept-Encoding, lose Content-Length (the body goes in chunks) and
 *               Accept-Ranges; a strong ETag becomes a weak one, for the bytes are others (RFC 9110 8.8.1). Vary and the
 *               weak ETag are there on a 304 too. HEAD gets the head that GET would.
 *     Vary      also on what would have been compressed for another client.
 *     Left      as they are: answers without a body, parts of one (206, Content-Range), what has a Content-Encoding
 *               already or a digest of its content, Cache-Control: no-transform, types that do not gain by it (images,
 *               archives, and what says no type), bodies known to be shorter than `length_min` or longer than
 *               `length_max`, all answers to HTTP/1.0. A client that refuses identity gets a coding in spite of type
 *               and length.
 *     Bodies    Bufs, composites and regions; regions are read in chunks as the peer takes them, 256 KiB a turn. What is
 *               written leaves at the next flush, or together at the end of the turn: streams of events stay live.
 *     Promises  complete when their bytes have left.
 *
 * Compressed answers tell their length, and so a secret in them to who can put text of his own beside it and watch
 * (BREACH): see docs/guide/compression.md. Say Cache-Control: no-transform on such answers.
 *
 * Source: RFC 9110 8.4, 8.8.1, 12.5.3. Layer: codec. On the channel's loop.
 */
#ifndef WEIR_CODEC_HTTP_COMPRESSOR_H
#define WEIR_CODEC_HTTP_COMPRESSOR_H

#include <weir/core/bytes.h>
#include <weir/transport/pipeline.h>

WEIR_BEGIN_DECLS

/* Whether it pays to compress bodies of this Content-Type (ptr NULL: it has none). */
typedef bool weir_http_compressible_fn(void *arg, weir_bytes content_type);

/* Zero means the default, everywhere. */
typedef struct weir_http_compressor_options {
    const char *codings; /* which, the best first: "zstd, br, gzip, deflate" */
    int gzip_level;      /* 1 to 9; 6; of deflate too */
    int brotli_level;    /* 1 to 11; 5 */
    int zstd_level;      /* 1 to 19; 3 */
    uint64_t length_min; /* of a body whose length is known; 1 KiB; 1: any */
    uint64_t length_max; /* longer ones go as they are, a file by sendfile; 4 MiB; UINT64_MAX: none does */
    weir_http_compressible_fn *is_compressible; /* NULL: weir_http_mime_is_compressible */
    void *arg;                                  /* its argument. Borrowed for the pipeline's life */
} weir_http_compressor_options;

/* Adds it next to the tail. Borrows: pipeline, options (may be NULL). Fails: WEIR_E_NO_MEMORY, WEIR_E_INVALID for a
 * coding that is not known or named twice, or a level that it does not have. */
WEIR_API weir_status weir_http_compressor_add(weir_pipeline *pipeline,
                                              const weir_http_compressor_options *options);

WEIR_END_DECLS

#endif
