/* compressor.c - the loop around a format's runs: parts in, full pieces out.
 *
 * What is not full stays in `out` until a flush. `settled` is the flush that everything taken has gone through.
 */
#include <weir/codec/compressor.h>
#include <weir/core/alloc.h>

#include "compress/compress_codec.h"

struct weir_compressor {
    const compress_encoder *encoder;
    weir_compressor_options options;
    void *state;   /* the library's; NULL: not opened */
    weir_buf *out; /* not full */
    uint64_t held; /* bytes taken since the last flush */
    weir_compress_flush settled;
    weir_status failure;
};

static const compress_encoder *const encoders[WEIR_COMPRESSIONS] = {
    [WEIR_COMPRESSION_GZIP] = &compress_gzip_encoder,
    [WEIR_COMPRESSION_ZLIB] = &compress_zlib_encoder,
    [WEIR_COMPRESSION_DEFLATE] = &compress_deflate_encoder,
    [WEIR_COMPRESSION_BROTLI] = &compress_brotli_encoder,
    [WEIR_COMPRESSION_ZSTD] = &compress_zstd_encoder,
    [WEIR_COMPRESSION_LZ4] = &compress_lz4_encoder,
    [WEIR_COMPRESSION_SNAPPY] = &compress_snappy_encoder,
};

const char *weir_compression_name(weir_compression format) {
    WEIR_CHECK((unsigned)format < WEIR_COMPRESSIONS, "compression %d is not one", (int)format);
    return encoders[format]->name;
}

/* ---- life ---- */

static bool choose(const compress_range *range, int *number) {
    if (*number == 0) *number = range->usual;
    return *number == range->usual || compress_range_has(range, *number);
}

static weir_status complete_options(const compress_encoder *encoder, weir_compressor_options *options) {
    int window = options->window_bits <= 64 ? (int)options->window_bits : -1;
    if (options->piece == 0) options->piece = COMPRESS_PIECE;
    bool is_well = choose(&encoder->level, &options->level) && choose(&encoder->window, &window) &&
                   options->piece >= COMPRESS_PIECE_LEAST;
    options->window_bits = (unsigned)window;
    if (options->piece > COMPRESS_RUN_MOST) options->piece = COMPRESS_RUN_MOST;
    if (!is_well) return WEIR_E_INVALID;
    return options->dictionary.len != 0 && !encoder->has_dictionary ? (weir_status)WEIR_E_UNSUPPORTED
                                                                    : WEIR_OK;
}

weir_status weir_compressor_new(weir_compressor **out, weir_compression format,
                                const weir_compressor_options *options) {
    WEIR_CHECK((unsigned)format < WEIR_COMPRESSIONS, "compression %d is not one", (int)format);
    weir_compressor made = {.encoder = encoders[format], .settled = WEIR_COMPRESS_SYNC};
    *out = NULL;
    if (options != NULL) made.options = *options;
    weir_status status = complete_options(made.encoder, &made.options);
    if (status != WEIR_OK) return status;
    *out = weir_alloc_acquire(NULL, sizeof made);
    if (*out == NULL) return WEIR_E_NO_MEMORY;
    **out = made;
    return WEIR_OK;
}

void weir_compressor_free(weir_compressor *self) {
    if (self == NULL) return;
    if (self->state != NULL) self->encoder->close(self->state);
    weir_buf_release(self->out);
    weir_alloc_release(NULL, self);
}

bool weir_compressor_holds(const weir_compressor *self) {
    return self->settled == WEIR_COMPRESS_MORE;
}

/* ---- steps ---- */

static weir_status make_ready(weir_compressor *self) {
    weir_status status = WEIR_OK;
    if (self->state == NULL) {
        status = self->encoder->open(&self->state, &self->options);
    } else if (self->settled == WEIR_COMPRESS_FINISH && self->encoder->restart != NULL) {
        status = self->encoder->restart(self->state);
    }
    if (status == WEIR_OK) self->settled = WEIR_COMPRESS_MORE;
    return status;
}

/* Small for what is small, so that little memory waits to be sent. */
static weir_status make_room(weir_compressor *self, size_t coming) {
    if (self->out != NULL) return WEIR_OK;
    uint64_t guess = self->held / 2 + coming / 2 + 128;
    size_t room = guess < self->options.piece ? (size_t)guess : self->options.piece;
    self->out = self->options.pool == NULL ? weir_buf_new(room) : weir_pool_get(self->options.pool, room);
    return self->out == NULL ? (weir_status)WEIR_E_NO_MEMORY : WEIR_OK;
}

static size_t room_of(const weir_compressor *self) {
    size_t writable = weir_buf_writable(self->out), readable = weir_buf_readable(self->out);
    size_t allowed = self->options.piece - readable;
    return writable < allowed ? writable : allowed;
}

static weir_status run_once(weir_compressor *self, weir_buf *in, weir_compress_flush flush, bool *is_done) {
    static const uint8_t none;
    weir_bytes part = in == NULL ? weir_bytes_of(&none, 0) : weir_buf_peek(in);
    size_t n = part.len < COMPRESS_RUN_MOST ? part.len : COMPRESS_RUN_MOST;
    bool is_last = in == NULL || n == weir_buf_readable(in);
    weir_status status = make_room(self, n);
    if (status != WEIR_OK) return status;
    size_t room = room_of(self);
    compress_io io = {.in = n != 0 ? part.ptr : &none, .in_left = n, .out = self->out->wp, .out_left = room};
    status = self->encoder->run(self->state, &io, is_last ? flush : WEIR_COMPRESS_MORE, is_done);
    *is_done = *is_done && is_last;
    self->held += n - io.in_left;
    if (in != NULL) weir_buf_skip(in, n - io.in_left);
    weir_buf_commit(self->out, room - io.out_left);
    return status;
}

static weir_buf *take_out(weir_compressor *self) {
    weir_buf *full = self->out;
    self->out = NULL;
    return full;
}

/* Until a piece is full, or all is done. */
static weir_status run_all(weir_compressor *self, weir_buf *in, weir_compress_flush flush, weir_buf **out) {
    bool is_done = false;
    weir_status status = make_ready(self);
    while (status == WEIR_OK && !is_done && *out == NULL) {
        status = run_once(self, in, flush, &is_done);
        if (status == WEIR_OK && room_of(self) == 0) *out = take_out(self);
    }
    if (status != WEIR_OK || !is_done || flush == WEIR_COMPRESS_MORE) return status;
    self->settled = flush;
    self->held = 0;
    if (*out == NULL && weir_buf_is_readable(self->out)) *out = take_out(self);
    weir_buf_release(self->out);
    self->out = NULL;
    return status;
}

weir_status weir_compressor_step(weir_compressor *self, weir_buf *in, weir_compress_flush flush,
                                 weir_buf **out) {
    *out = NULL;
    if (self->failure != WEIR_OK) return self->failure;
    bool has_bytes = in != NULL && weir_buf_is_readable(in);
    if (!has_bytes && flush <= self->settled) return WEIR_OK;
    self->failure = run_all(self, in, flush, out);
    if (self->failure != WEIR_OK) {
        weir_buf_release(*out);
        *out = NULL;
    }
    return self->failure;
}
