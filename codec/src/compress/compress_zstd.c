/* compress_zstd.c - zstd frames.
 *
 * Whose memory it is can only be said by functions that zstd.h keeps for static linking. The shared library exports
 * them, and they have not changed since 0.8: decision 0023.
 */
#define ZSTD_STATIC_LINKING_ONLY
#include <zstd.h>
#include <zstd_errors.h>

#include "compress/compress_codec.h"
#include "compress/compress_memory.h"

static const ZSTD_customMem memory = {compress_memory_acquire, compress_memory_release, NULL};

static weir_status failure_of(size_t answer) {
    switch (ZSTD_getErrorCode(answer)) {
    case ZSTD_error_memory_allocation: return WEIR_E_NO_MEMORY;
    case ZSTD_error_dictionary_wrong:
    case ZSTD_error_dictionary_corrupted: return WEIR_E_INVALID;
    case ZSTD_error_frameParameter_windowTooLarge: return WEIR_E_LIMIT;
    default: return WEIR_E_FRAME_CORRUPT;
    }
}

/* ---- smaller ---- */

static weir_status set_up(ZSTD_CCtx *made, const weir_compressor_options *options) {
    ZSTD_CCtx_setParameter(made, ZSTD_c_compressionLevel, options->level);
    ZSTD_CCtx_setParameter(made, ZSTD_c_windowLog, (int)options->window_bits);
    ZSTD_CCtx_setParameter(made, ZSTD_c_checksumFlag, !options->no_checksum);
    if (options->dictionary.len == 0) return WEIR_OK;
    size_t answer = ZSTD_CCtx_loadDictionary(made, options->dictionary.ptr, options->dictionary.len);
    return ZSTD_isError(answer) ? failure_of(answer) : WEIR_OK;
}

static weir_status open_encoder(void **state, const weir_compressor_options *options) {
    *state = ZSTD_createCCtx_advanced(memory);
    return *state == NULL ? (weir_status)WEIR_E_NO_MEMORY : set_up(*state, options);
}

static weir_status encode(void *state, compress_io *io, weir_compress_flush flush, bool *is_done) {
    static const ZSTD_EndDirective how[] = {ZSTD_e_continue, ZSTD_e_flush, ZSTD_e_end};
    ZSTD_inBuffer in = {io->in, io->in_left, 0};
    ZSTD_outBuffer out = {io->out, io->out_left, 0};
    size_t left = ZSTD_compressStream2(state, &out, &in, how[flush]);
    compress_io_move(io, in.pos, out.pos);
    if (ZSTD_isError(left)) return failure_of(left);
    *is_done = io->in_left == 0 && (flush == WEIR_COMPRESS_MORE || left == 0);
    return WEIR_OK;
}

static void close_encoder(void *state) {
    ZSTD_freeCCtx(state);
}

const compress_encoder compress_zstd_encoder = {.name = "zstd",
                                                .level = {1, 19, 3},
                                                .window = {10, 27, 19},
                                                .has_dictionary = true,
                                                .open = open_encoder,
                                                .run = encode,
                                                .close = close_encoder};

/* ---- and back ---- */

static weir_status open_decoder(void **state, const weir_decompressor_options *options) {
    ZSTD_DCtx *made = ZSTD_createDCtx_advanced(memory);
    *state = made;
    if (made == NULL) return WEIR_E_NO_MEMORY;
    ZSTD_DCtx_setParameter(made, ZSTD_d_windowLogMax, (int)options->window_bits_max);
    if (options->dictionary.len == 0) return WEIR_OK;
    size_t answer = ZSTD_DCtx_loadDictionary(made, options->dictionary.ptr, options->dictionary.len);
    return ZSTD_isError(answer) ? failure_of(answer) : WEIR_OK;
}

static weir_status decode(void *state, compress_io *io, bool *is_over) {
    ZSTD_inBuffer in = {io->in, io->in_left, 0};
    ZSTD_outBuffer out = {io->out, io->out_left, 0};
    size_t left;
    do {
        left = ZSTD_decompressStream(state, &out, &in);
    } while (!ZSTD_isError(left) && left != 0 && in.pos < in.size && out.pos < out.size);
    compress_io_move(io, in.pos, out.pos);
    *is_over = left == 0;
    return ZSTD_isError(left) ? failure_of(left) : WEIR_OK;
}

static void close_decoder(void *state) {
    ZSTD_freeDCtx(state);
}

const compress_decoder compress_zstd_decoder = {.name = "zstd",
                                                .window = {10, 31, 23},
                                                .has_dictionary = true,
                                                .has_members = true,
                                                .open = open_decoder,
                                                .run = decode,
                                                .close = close_decoder};
