/* compress_brotli.c - brotli streams. The library cannot begin anew: another stream is another state.
 *
 * Rule: Debian's encoder calls exit() when its allocator has no memory. So ours never returns from that: it jumps out of
 * the library, and all that the encoder ever got is given back from a list of our own.
 */
#include <setjmp.h>

#include <brotli/decode.h>
#include <brotli/encode.h>
#include <weir/core/list.h>

#include "compress/compress_codec.h"
#include "compress/compress_memory.h"

/* ---- smaller ---- */

typedef struct brotli_coder {
    BrotliEncoderState *state;
    uint32_t level, window_bits;
    weir_list blocks; /* all of the library's memory */
    jmp_buf out;      /* of the library, while it is called */
} brotli_coder;

typedef union block {
    weir_list link;
    max_align_t alignment;
} block;

static void *block_acquire(void *opaque, size_t size) {
    brotli_coder *self = opaque;
    block *made = size < SIZE_MAX - sizeof *made ? weir_alloc_acquire(NULL, sizeof *made + size) : NULL;
    if (made == NULL) longjmp(self->out, 1);
    weir_list_push_back(&self->blocks, &made->link);
    return made + 1;
}

static void block_release(void *opaque, void *ptr) {
    (void)opaque;
    if (ptr == NULL) return;
    block *made = (block *)ptr - 1;
    weir_list_remove(&made->link);
    weir_alloc_release(NULL, made);
}

/* Also of a stream that was left in the middle of a call. */
static void end_stream(brotli_coder *self) {
    while (!weir_list_is_empty(&self->blocks))
        block_release(self, WEIR_CONTAINER(self->blocks.next, block, link) + 1);
    self->state = NULL;
}

static weir_status begin_stream(brotli_coder *self) {
    if (setjmp(self->out) != 0) return WEIR_E_NO_MEMORY;
    self->state = BrotliEncoderCreateInstance(block_acquire, block_release, self);
    BrotliEncoderSetParameter(self->state, BROTLI_PARAM_QUALITY, self->level);
    BrotliEncoderSetParameter(self->state, BROTLI_PARAM_LGWIN, self->window_bits);
    return WEIR_OK;
}

static void close_encoder(void *state) {
    end_stream(state);
    weir_alloc_release(NULL, state);
}

static weir_status open_encoder(void **state, const weir_compressor_options *options) {
    brotli_coder *self = weir_alloc_acquire(NULL, sizeof *self);
    if (self == NULL) return WEIR_E_NO_MEMORY;
    *self = (brotli_coder){.level = (uint32_t)options->level, .window_bits = options->window_bits};
    weir_list_init(&self->blocks);
    *state = self;
    return begin_stream(self);
}

static weir_status restart_encoder(void *state) {
    end_stream(state);
    return begin_stream(state);
}

static weir_status encode(void *state, compress_io *io, weir_compress_flush flush, bool *is_done) {
    static const BrotliEncoderOperation how[] = {BROTLI_OPERATION_PROCESS, BROTLI_OPERATION_FLUSH,
                                                 BROTLI_OPERATION_FINISH};
    brotli_coder *self = state;
    if (setjmp(self->out) != 0) return WEIR_E_NO_MEMORY;
    bool is_well = BrotliEncoderCompressStream(self->state, how[flush], &io->in_left, &io->in, &io->out_left,
                                               &io->out, NULL);
    bool is_empty = io->in_left == 0 && !BrotliEncoderHasMoreOutput(self->state);
    *is_done = flush == WEIR_COMPRESS_FINISH ? BrotliEncoderIsFinished(self->state) : is_empty;
    return is_well ? WEIR_OK : (weir_status)WEIR_E_INVALID;
}

const compress_encoder compress_brotli_encoder = {.name = "brotli",
                                                  .level = {1, 11, 5},
                                                  .window = {10, 24, 18},
                                                  .open = open_encoder,
                                                  .run = encode,
                                                  .restart = restart_encoder,
                                                  .close = close_encoder};

/* ---- and back ---- */

static weir_status open_decoder(void **state, const weir_decompressor_options *options) {
    BrotliDecoderState *made =
        BrotliDecoderCreateInstance(compress_memory_acquire, compress_memory_release, NULL);
    if (made == NULL) return WEIR_E_NO_MEMORY;
    bool is_large = options->window_bits_max > BROTLI_MAX_WINDOW_BITS;
    BrotliDecoderSetParameter(made, BROTLI_DECODER_PARAM_LARGE_WINDOW, is_large);
    *state = made;
    return WEIR_OK;
}

static weir_status failure_of(BrotliDecoderState *state) {
    BrotliDecoderErrorCode code = BrotliDecoderGetErrorCode(state);
    bool is_memory = code <= BROTLI_DECODER_ERROR_ALLOC_CONTEXT_MODES &&
                     code >= BROTLI_DECODER_ERROR_ALLOC_BLOCK_TYPE_TREES;
    return is_memory ? WEIR_E_NO_MEMORY : WEIR_E_FRAME_CORRUPT;
}

static weir_status decode(void *state, compress_io *io, bool *is_over) {
    BrotliDecoderResult answer =
        BrotliDecoderDecompressStream(state, &io->in_left, &io->in, &io->out_left, &io->out, NULL);
    *is_over = answer == BROTLI_DECODER_RESULT_SUCCESS;
    return answer == BROTLI_DECODER_RESULT_ERROR ? failure_of(state) : WEIR_OK;
}

static void close_decoder(void *state) {
    BrotliDecoderDestroyInstance(state);
}

const compress_decoder compress_brotli_decoder = {
    .name = "brotli", .window = {24, 30, 24}, .open = open_decoder, .run = decode, .close = close_decoder};
