/* <weir/codec/compression.h> - the formats that compressor.h and decompressor.h speak.
 *
 *     format    what it is                       library        source
 *     GZIP      deflate, a header and a CRC      zlib           RFC 1952
 *     ZLIB      deflate, a header and a sum      zlib           RFC 1950; what HTTP calls "deflate"
 *     DEFLATE   deflate alone                    zlib           RFC 1951
 *     BROTLI    smallest text, no checksum       libbrotli      RFC 7932
 *     ZSTD      small and fast, checksum         libzstd        RFC 8878
 *     LZ4       frames: fast, checksum           liblz4         lz4_Frame_format.md
 *     SNAPPY    the framing format: fast, CRC    libsnappy      framing_format.txt
 *
 * Layer: codec, pure. Values; any thread.
 */
#ifndef WEIR_CODEC_COMPRESSION_H
#define WEIR_CODEC_COMPRESSION_H

#include <weir/core/compiler.h>

WEIR_BEGIN_DECLS

/* Which format. */
typedef enum weir_compression {
    WEIR_COMPRESSION_GZIP,
    WEIR_COMPRESSION_ZLIB,
    WEIR_COMPRESSION_DEFLATE,
    WEIR_COMPRESSION_BROTLI,
    WEIR_COMPRESSION_ZSTD,
    WEIR_COMPRESSION_LZ4,
    WEIR_COMPRESSION_SNAPPY,
} weir_compression;

/* How many formats there are. */
#define WEIR_COMPRESSIONS 7

/* "gzip", "zlib", "deflate", "brotli", "zstd", "lz4", "snappy". Until: forever. */
WEIR_API const char *weir_compression_name(weir_compression format);

WEIR_END_DECLS

#endif
