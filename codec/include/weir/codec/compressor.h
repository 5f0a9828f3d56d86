/* <weir/codec/compressor.h> - bytes made smaller, a bounded piece at a time, in any of the formats.
 *
 *     buf, buf, composite ...  -->  [ compressor ]  -->  bufs of at most `piece` bytes
 *
 *     do {
 *         status = weir_compressor_step(compressor, in, WEIR_COMPRESS_SYNC, &out);
 *         if (out != NULL) send(out);
 *     } while (out != NULL);                                      `in` is used up, and all of it is out
 *
 * In short: one loop for everything. The parts of `in` are read where they lie, and what comes out is written where it
 * leaves from, a pooled buf; only lz4 and snappy, whose blocks are larger than a piece, are copied once.
 *
 *     MORE      takes; gives only pieces that are full. What is not full waits inside
 *     SYNC      gives everything: who has it can decode all that was taken so far
 *     FINISH    the same, and the stream ends. What comes next begins another one behind it
 *
 * The library's memory is taken with the first byte, by weir_alloc_default (snappy also has some of its own). At the
 * defaults: gzip 280 KiB, brotli 2 to 4 MiB, zstd 2 MiB, lz4 290 KiB, snappy 160 KiB. A smaller window needs less.
 *
 * Compressing secrets together with what an attacker chooses tells him the secrets (CRIME, BREACH): see
 * docs/guide/compression.md.
 *
 * Layer: codec, pure. One thread at a time.
 */
#ifndef WEIR_CODEC_COMPRESSOR_H
#define WEIR_CODEC_COMPRESSOR_H

#include <weir/buffer/pool.h>
#include <weir/codec/compression.h>

WEIR_BEGIN_DECLS

/* Opaque: one stream of one format. */
typedef struct weir_compressor weir_compressor;

/* What is to be out when a step gives nothing more. */
typedef enum weir_compress_flush {
    WEIR_COMPRESS_MORE,
    WEIR_COMPRESS_SYNC,
    WEIR_COMPRESS_FINISH,
} weir_compress_flush;

/* Zero means the default, everywhere. */
typedef struct weir_compressor_options {
    int level; /* 1 (fast) to 9 (gzip, zlib, deflate; 6), 11 (brotli; 5), 19 (zstd; 3), 12 (lz4; 1); snappy has none */
    /* how far back it may point: 9 to 15 (gzip, ...; 15), 10 to 24 (brotli; 18), 10 to 27 (zstd; 19): memory
     * here and at the decoder */
    unsigned window_bits;
    /* what both ends know in advance; zstd (trained or raw), zlib, deflate. Borrowed for its life */
    weir_bytes dictionary;
    bool no_checksum; /* true: zstd and lz4 write none of the content */
    size_t piece;     /* most bytes of a buf that comes out, 64 and more; 16 KiB */
    weir_pool *pool;  /* for them; NULL: the heap. Borrowed for its life */
} weir_compressor_options;

/* A compressor in `*out`, or NULL there. Borrows: options (may be NULL). Gives: one.
 * Fails: WEIR_E_NO_MEMORY; WEIR_E_INVALID for a level, a window, a piece that the format does not have;
 * WEIR_E_UNSUPPORTED for a dictionary where there is none. */
WEIR_API weir_status weir_compressor_new(weir_compressor **out, weir_compression format,
                                         const weir_compressor_options *options);

/* Takes: compressor, or NULL. What is inside is dropped. */
WEIR_API void weir_compressor_free(weir_compressor *compressor);

/* Takes bytes off `in` (NULL: there are none) and gives one buf in `*out`, or NULL there: nothing is left to do. A
 * FINISH of nothing is an empty stream; behind a FINISH another one, or a SYNC, does nothing.
 * Borrows: compressor, in. Gives: a buf. Fails: WEIR_E_NO_MEMORY; then it is only to be freed. */
WEIR_API weir_status weir_compressor_step(weir_compressor *compressor, weir_buf *in,
                                          weir_compress_flush flush, weir_buf **out);

/* Bytes were taken that no SYNC or FINISH has brought out. Borrows: compressor. */
WEIR_API bool weir_compressor_holds(const weir_compressor *compressor);

WEIR_END_DECLS

#endif
