/* <weir/codec/decompressor.h> - compressed bytes back to what they were, a bounded piece at a time, within limits.
 *
 *     bufs as they come  -->  [ decompressor ]  -->  bufs of at most `piece` bytes
 *
 *     do {
 *         status = weir_decompressor_step(decompressor, in, &out, &error);
 *         if (out != NULL) take(out);
 *     } while (out != NULL);                                      `in` is used up
 *     ...
 *     status = weir_decompressor_end(decompressor);               was that all of it?
 *
 * In short: nothing is decoded before it is asked for, so a bomb costs one piece and what the format needs for its
 * window. Checksums are verified.
 *
 *     Members     Behind a stream of gzip, zstd, lz4 or snappy another may follow: they are one. Behind one of the
 *                 others nothing may: WEIR_E_FRAME_CORRUPT.
 *     Bombs       More than output_max, or beyond the first 64 KiB more than ratio_max bytes for each that came:
 *                 WEIR_E_LIMIT. So is a window larger than window_bits_max.
 *     Truncated   is what weir_decompressor_end says, never a step: bytes that are missing are no error until there
 *                 will be none. The framing of snappy has no end, so between its chunks it may be cut anywhere.
 *
 * Memory comes from weir_alloc_default with the first byte (snappy also has some of its own). At most: gzip 55 KiB; brotli
 * 16 MiB and zstd 8 MiB, a window as the sender chose it, and a bit; lz4 8 MiB, for frames with blocks of 4 MiB; snappy
 * 160 KiB.
 *
 * Layer: codec, pure. One thread at a time.
 */
#ifndef WEIR_CODEC_DECOMPRESSOR_H
#define WEIR_CODEC_DECOMPRESSOR_H

#include <weir/buffer/pool.h>
#include <weir/codec/compression.h>
#include <weir/core/error.h>

WEIR_BEGIN_DECLS

/* Opaque: one stream of one format. */
typedef struct weir_decompressor weir_decompressor;

/* Zero means the default, everywhere. */
typedef struct weir_decompressor_options {
    uint64_t output_max; /* bytes that may come out; 64 MiB; UINT64_MAX: no limit */
    unsigned ratio_max;  /* bytes out for each that came; 200; UINT_MAX: no limit */
    /* zstd: 10 to 31; 23, as RFC 9659 wants it of HTTP. brotli: to 30; 24, above which it is the large window
     * that RFC 7932 does not have */
    unsigned window_bits_max;
    weir_bytes dictionary; /* as the compressor's. Borrowed for its life */
    bool or_deflate;       /* of ZLIB: what has no header is DEFLATE, as some send it in HTTP */
    size_t piece;          /* most bytes of a buf that comes out, 64 and more; 16 KiB */
    /* So many bytes that bring none end a step, with *out NULL and some of `in` left: for who shares a loop with others, as
     * empty blocks are work as well. 0: no limit */
    size_t fruitless_max;
    weir_pool *pool; /* for them; NULL: the heap. Borrowed for its life */
} weir_decompressor_options;

/* A decompressor in `*out`, or NULL there. Borrows: options (may be NULL). Gives: one.
 * Fails: WEIR_E_NO_MEMORY; WEIR_E_INVALID for a window or a piece that makes no sense; WEIR_E_UNSUPPORTED for a
 * dictionary where there is none. */
WEIR_API weir_status weir_decompressor_new(weir_decompressor **out, weir_compression format,
                                           const weir_decompressor_options *options);

/* Takes: decompressor, or NULL. */
WEIR_API void weir_decompressor_free(weir_decompressor *decompressor);

/* Takes bytes off `in` (NULL: there are none) and gives one buf in `*out`, or NULL there: `in` is used up (but see
 * fruitless_max), and nothing comes without more. Borrows: decompressor, in. Gives: a buf.
 * Fails, explained in `*error` (unless NULL), and then it is only to be freed: WEIR_E_FRAME_CORRUPT; WEIR_E_LIMIT;
 * WEIR_E_INVALID when it needs a dictionary, or another one; WEIR_E_NO_MEMORY. */
WEIR_API weir_status weir_decompressor_step(weir_decompressor *decompressor, weir_buf *in, weir_buf **out,
                                            weir_error *error);

/* Something may come out without more bytes. Borrows: decompressor. */
WEIR_API bool weir_decompressor_has_more(const weir_decompressor *decompressor);

/* WEIR_OK when the stream may end here: nothing ever came, or all that began is whole. Else WEIR_E_TRUNCATED; after a
 * failure that failure. Borrows: decompressor. */
WEIR_API weir_status weir_decompressor_end(const weir_decompressor *decompressor);

/* Bytes that came, and bytes that were made of them. Borrows: decompressor. */
WEIR_API uint64_t weir_decompressor_taken(const weir_decompressor *decompressor);
WEIR_API uint64_t weir_decompressor_made(const weir_decompressor *decompressor);

WEIR_END_DECLS

#endif
