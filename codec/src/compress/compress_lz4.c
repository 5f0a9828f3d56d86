/* compress_lz4.c - lz4 frames: blocks of 64 KiB that know those before them.
 *
 * The encoder asks for room for a whole block at once. Whose memory it is can only be said by functions that lz4frame.h
 * keeps for static linking; the shared library exports them: decision 0023.
 */
#define LZ4F_STATIC_LINKING_ONLY
#include <lz4frame.h>

#include "compress/compress_codec.h"
#include "compress/compress_memory.h"
#include "compress/compress_stage.h"

#define FEED ((size_t)16384) /* of one call: a full block may wait already, and be made with it */

static const LZ4F_CustomMem memory = {compress_memory_acquire, NULL, compress_memory_release, NULL};

static weir_status failure_of(size_t answer) {
    bool is_memory = LZ4F_getErrorCode(answer) == LZ4F_ERROR_allocation_failed;
    return is_memory ? WEIR_E_NO_MEMORY : WEIR_E_FRAME_CORRUPT;
}

/* ---- smaller ---- */

typedef struct lz4_coder {
    LZ4F_cctx *cctx;
    LZ4F_preferences_t preferences;
    compress_stage stage;
    bool has_begun;
    bool is_flushed; /* what the flush asks for is made, perhaps still in the stage */
} lz4_coder;

static void close_encoder(void *state) {
    lz4_coder *self = state;
    LZ4F_freeCompressionContext(self->cctx);
    compress_stage_clear(&self->stage);
    weir_alloc_release(NULL, self);
}

static weir_status open_encoder(void **state, const weir_compressor_options *options) {
    lz4_coder *self = weir_alloc_zeroed(NULL, 1, sizeof *self);
    if (self == NULL) return WEIR_E_NO_MEMORY;
    *state = self;
    self->preferences.frameInfo.blockSizeID = LZ4F_max64KB;
    self->preferences.frameInfo.blockMode = LZ4F_blockLinked;
    self->preferences.frameInfo.contentChecksumFlag =
        options->no_checksum ? LZ4F_noContentChecksum : LZ4F_contentChecksumEnabled;
    self->preferences.compressionLevel = options->level;
    self->cctx = LZ4F_createCompressionContext_advanced(memory, LZ4F_VERSION);
    return self->cctx == NULL ? (weir_status)WEIR_E_NO_MEMORY : WEIR_OK;
}

/* Bytes of `in`, as long as there are any; else the flush. */
static size_t continue_frame(lz4_coder *self, compress_io *io, weir_compress_flush flush, uint8_t *at,
                             size_t size) {
    size_t n = io->in_left < FEED ? io->in_left : FEED;
    const uint8_t *in = io->in;
    compress_io_move(io, n, 0);
    if (n != 0) return LZ4F_compressUpdate(self->cctx, at, size, in, n, NULL);
    self->is_flushed = true;
    self->has_begun = flush != WEIR_COMPRESS_FINISH;
    return self->has_begun ? LZ4F_flush(self->cctx, at, size, NULL)
                           : LZ4F_compressEnd(self->cctx, at, size, NULL);
}

/* One call of the library: what it makes goes out, or waits. */
static weir_status make_some(lz4_coder *self, compress_io *io, weir_compress_flush flush) {
    size_t size = LZ4F_compressBound(FEED, &self->preferences), n;
    uint8_t *at = compress_stage_room(&self->stage, io, size, size);
    if (at == NULL) return WEIR_E_NO_MEMORY;
    if (self->has_begun) {
        n = continue_frame(self, io, flush, at, size);
    } else {
        n = LZ4F_compressBegin(self->cctx, at, size, &self->preferences);
        self->has_begun = true;
    }
    if (LZ4F_isError(n)) return failure_of(n);
    compress_stage_put(&self->stage, io, at, n);
    return WEIR_OK;
}

static weir_status encode(void *state, compress_io *io, weir_compress_flush flush, bool *is_done) {
    lz4_coder *self = state;
    weir_status status = WEIR_OK;
    while (status == WEIR_OK && compress_stage_drain(&self->stage, io)) {
        *is_done = self->is_flushed || (io->in_left == 0 && flush == WEIR_COMPRESS_MORE);
        self->is_flushed = false;
        if (*is_done) break;
        status = make_some(self, io, flush);
    }
    return status;
}

const compress_encoder compress_lz4_encoder = {
    .name = "lz4", .level = {1, 12, 1}, .open = open_encoder, .run = encode, .close = close_encoder};

/* ---- and back ---- */

static weir_status open_decoder(void **state, const weir_decompressor_options *options) {
    (void)options;
    *state = LZ4F_createDecompressionContext_advanced(memory, LZ4F_VERSION);
    return *state == NULL ? (weir_status)WEIR_E_NO_MEMORY : WEIR_OK;
}

static weir_status decode(void *state, compress_io *io, bool *is_over) {
    size_t hint;
    do {
        size_t taken = io->in_left, made = io->out_left;
        hint = LZ4F_decompress(state, io->out, &made, io->in, &taken, NULL);
        if (LZ4F_isError(hint)) return failure_of(hint);
        compress_io_move(io, taken, made);
    } while (hint != 0 && io->in_left != 0 && io->out_left != 0);
    *is_over = hint == 0;
    return WEIR_OK;
}

static void close_decoder(void *state) {
    LZ4F_freeDecompressionContext(state);
}

const compress_decoder compress_lz4_decoder = {
    .name = "lz4", .has_members = true, .open = open_decoder, .run = decode, .close = close_decoder};
