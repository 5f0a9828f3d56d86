/* compress_codec.h - private: what a format has to do; the same for all of them is in compressor.c and decompressor.c.
 *
 * Rule: a run goes on until `in` is used up, `out` is full, or the stream ends. A format that can do neither says that
 * the bytes are corrupt.
 */
#ifndef WEIR_CODEC_COMPRESS_CODEC_H
#define WEIR_CODEC_COMPRESS_CODEC_H

#include <weir/codec/compressor.h>
#include <weir/codec/decompressor.h>

#define COMPRESS_PIECE_LEAST 64
#define COMPRESS_PIECE 16384
#define COMPRESS_RUN_MOST ((size_t)1 << 30) /* bytes of one run: zlib counts in 32 bits */

/* What one call reads and writes; both move on. `in` is never NULL. */
typedef struct compress_io {
    const uint8_t *in;
    size_t in_left;
    uint8_t *out;
    size_t out_left;
} compress_io;

/* Numbers of what can be chosen; most 0: nothing can. */
typedef struct compress_range {
    int least, most, usual;
} compress_range;

typedef struct compress_encoder {
    const char *name;
    compress_range level, window;
    bool has_dictionary;
    /* `options` are complete. Fails: WEIR_E_NO_MEMORY. */
    weir_status (*open)(void **state, const weir_compressor_options *options);
    /* `is_done`: what `flush` asks for is out, of all of `in`. */
    weir_status (*run)(void *state, compress_io *io, weir_compress_flush flush, bool *is_done);
    /* Another stream, behind one that was finished. NULL: it does so by itself. */
    weir_status (*restart)(void *state);
    void (*close)(void *state);
} compress_encoder;

typedef struct compress_decoder {
    const char *name;
    compress_range window; /* that may be allowed */
    bool has_dictionary;
    bool has_members; /* another stream may follow */
    weir_status (*open)(void **state, const weir_decompressor_options *options);
    /* `is_over`: the stream may end here. Fails: as weir_decompressor_step. */
    weir_status (*run)(void *state, compress_io *io, bool *is_over);
    weir_status (*restart)(void *state);
    void (*close)(void *state);
} compress_decoder;

extern const compress_encoder compress_gzip_encoder, compress_zlib_encoder, compress_deflate_encoder,
    compress_brotli_encoder, compress_zstd_encoder, compress_lz4_encoder, compress_snappy_encoder;
extern const compress_decoder compress_gzip_decoder, compress_zlib_decoder, compress_deflate_decoder,
    compress_brotli_decoder, compress_zstd_decoder, compress_lz4_decoder, compress_snappy_decoder;

static inline void compress_io_move(compress_io *io, size_t taken, size_t made) {
    io->in += taken;
    io->in_left -= taken;
    io->out += made;
    io->out_left -= made;
}

static inline bool compress_range_has(const compress_range *range, int wanted) {
    return range->most != 0 && wanted >= range->least && wanted <= range->most;
}

#endif
