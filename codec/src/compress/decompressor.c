/* decompressor.c - the loop around a format's runs: bytes in, pieces out, limits on both. */
#include <weir/codec/decompressor.h>
#include <weir/core/alloc.h>

#include "compress/compress_codec.h"

enum {
    OUT_LEAST = 512,
    RATIO_MAX = 200,
    FREE_OF_RATIO = 65536 /* what is small may well be all zeros */
};

#define OUTPUT_MAX ((uint64_t)64 << 20)

struct weir_decompressor {
    const compress_decoder *decoder;
    weir_decompressor_options options;
    void *state;     /* the library's; NULL: not opened */
    size_t run_most; /* bytes of one run */
    uint64_t taken, made;
    bool is_over; /* between two members */
    bool is_full; /* the last piece was: there may be more */
    weir_status failure;
};

static const compress_decoder *const decoders[WEIR_COMPRESSIONS] = {
    [WEIR_COMPRESSION_GZIP] = &compress_gzip_decoder,
    [WEIR_COMPRESSION_ZLIB] = &compress_zlib_decoder,
    [WEIR_COMPRESSION_DEFLATE] = &compress_deflate_decoder,
    [WEIR_COMPRESSION_BROTLI] = &compress_brotli_decoder,
    [WEIR_COMPRESSION_ZSTD] = &compress_zstd_decoder,
    [WEIR_COMPRESSION_LZ4] = &compress_lz4_decoder,
    [WEIR_COMPRESSION_SNAPPY] = &compress_snappy_decoder,
};

/* ---- life ---- */

static weir_status complete_options(const compress_decoder *decoder, weir_decompressor_options *options) {
    const compress_range *window = &decoder->window;
    if (options->output_max == 0) options->output_max = OUTPUT_MAX;
    if (options->ratio_max == 0) options->ratio_max = RATIO_MAX;
    if (options->piece == 0) options->piece = COMPRESS_PIECE;
    if (options->piece > COMPRESS_RUN_MOST) options->piece = COMPRESS_RUN_MOST;
    bool is_well = options->piece >= COMPRESS_PIECE_LEAST;
    if (options->window_bits_max == 0) {
        options->window_bits_max = (unsigned)window->usual;
    } else {
        is_well = is_well && options->window_bits_max <= 64 &&
                  compress_range_has(window, (int)options->window_bits_max);
    }
    if (!is_well) return WEIR_E_INVALID;
    return options->dictionary.len != 0 && !decoder->has_dictionary ? (weir_status)WEIR_E_UNSUPPORTED
                                                                    : WEIR_OK;
}

weir_status weir_decompressor_new(weir_decompressor **out, weir_compression format,
                                  const weir_decompressor_options *options) {
    WEIR_CHECK((unsigned)format < WEIR_COMPRESSIONS, "compression %d is not one", (int)format);
    weir_decompressor made = {.decoder = decoders[format], .run_most = COMPRESS_RUN_MOST};
    *out = NULL;
    if (options != NULL) made.options = *options;
    weir_status status = complete_options(made.decoder, &made.options);
    if (status != WEIR_OK) return status;
    size_t fruitless = made.options.fruitless_max;
    if (fruitless != 0 && fruitless < made.run_most) made.run_most = fruitless;
    *out = weir_alloc_acquire(NULL, sizeof made);
    if (*out == NULL) return WEIR_E_NO_MEMORY;
    **out = made;
    return WEIR_OK;
}

void weir_decompressor_free(weir_decompressor *self) {
    if (self == NULL) return;
    if (self->state != NULL) self->decoder->close(self->state);
    weir_alloc_release(NULL, self);
}

/* ---- looking ---- */

bool weir_decompressor_has_more(const weir_decompressor *self) {
    return self->is_full && self->failure == WEIR_OK;
}

weir_status weir_decompressor_end(const weir_decompressor *self) {
    if (self->failure != WEIR_OK) return self->failure;
    return self->taken == 0 || self->is_over ? WEIR_OK : (weir_status)WEIR_E_TRUNCATED;
}

uint64_t weir_decompressor_taken(const weir_decompressor *self) {
    return self->taken;
}

uint64_t weir_decompressor_made(const weir_decompressor *self) {
    return self->made;
}

/* ---- steps ---- */

static size_t room_for(const weir_decompressor *self, size_t coming) {
    size_t most = self->options.piece;
    if (self->is_full || coming >= most / 4) return most;
    size_t guess = coming * 4 < OUT_LEAST ? OUT_LEAST : coming * 4;
    return guess < most ? guess : most;
}

static weir_status make_ready(weir_decompressor *self) {
    if (self->state == NULL) return self->decoder->open(&self->state, &self->options);
    if (!self->is_over) return WEIR_OK;
    if (!self->decoder->has_members) return WEIR_E_FRAME_CORRUPT;
    return self->decoder->restart != NULL ? self->decoder->restart(self->state) : WEIR_OK;
}

static weir_status check_limits(const weir_decompressor *self) {
    bool is_within = self->made <= self->options.output_max &&
                     (self->made <= FREE_OF_RATIO || self->made / self->options.ratio_max <= self->taken);
    return is_within ? WEIR_OK : (weir_status)WEIR_E_LIMIT;
}

/* One part of `in`, into what is free of `out` up to `room`. */
static weir_status run_once(weir_decompressor *self, weir_buf *in, weir_buf *out, size_t room) {
    static const uint8_t none;
    weir_bytes part = in == NULL ? weir_bytes_of(&none, 0) : weir_buf_peek(in);
    size_t n = part.len < self->run_most ? part.len : self->run_most;
    compress_io io = {.in = n != 0 ? part.ptr : &none, .in_left = n, .out = out->wp, .out_left = room};
    self->is_over = false;
    weir_status status = self->decoder->run(self->state, &io, &self->is_over);
    size_t taken = n - io.in_left, made = room - io.out_left;
    if (in != NULL) weir_buf_skip(in, taken);
    weir_buf_commit(out, made);
    self->taken += taken;
    self->made += made;
    if (status != WEIR_OK) return status;
    if (n != 0 && taken == 0 && made == 0 && !self->is_over) return WEIR_E_FRAME_CORRUPT;
    return check_limits(self);
}

static bool is_fruitless(const weir_decompressor *self, uint64_t taken, uint64_t made) {
    size_t most = self->options.fruitless_max;
    return most != 0 && taken >= made && taken - made >= most;
}

/* Until `in` is used up, `out` is full, or too much brings too little. */
static weir_status run_all(weir_decompressor *self, weir_buf *in, weir_buf *out, size_t room) {
    bool has_bytes = in != NULL && weir_buf_is_readable(in);
    uint64_t taken = self->taken, made = self->made;
    weir_status status = WEIR_OK;
    while (status == WEIR_OK && (has_bytes || self->is_full) && weir_buf_readable(out) < room &&
           !is_fruitless(self, self->taken - taken, self->made - made)) {
        status = make_ready(self);
        if (status == WEIR_OK) status = run_once(self, in, out, room - weir_buf_readable(out));
        has_bytes = in != NULL && weir_buf_is_readable(in);
        self->is_full = false;
    }
    self->is_full = weir_buf_readable(out) == room && !self->is_over;
    return status;
}

static void explain(const weir_decompressor *self, weir_status status, weir_error *error) {
    const char *what = self->decoder->name;
    if (error == NULL) return;
    if (status == WEIR_E_INVALID) what = "dictionary";
    if (status == WEIR_E_LIMIT) what = check_limits(self) == WEIR_OK ? "window" : "decompressed bytes";
    *error = (weir_error){.status = status, .what = what, .offset = self->taken};
    if (status != WEIR_E_LIMIT) return;
    bool is_window = check_limits(self) == WEIR_OK;
    error->actual = is_window ? 0 : self->made;
    error->maximum = is_window ? (uint64_t)1 << self->options.window_bits_max : self->options.output_max;
}

weir_status weir_decompressor_step(weir_decompressor *self, weir_buf *in, weir_buf **out, weir_error *error) {
    *out = NULL;
    bool has_bytes = in != NULL && weir_buf_is_readable(in);
    if (self->failure == WEIR_OK && !has_bytes && !self->is_full) return WEIR_OK;
    if (self->failure == WEIR_OK) {
        size_t room = room_for(self, in == NULL ? 0 : weir_buf_readable(in));
        *out = self->options.pool == NULL ? weir_buf_new(room) : weir_pool_get(self->options.pool, room);
        self->failure = *out == NULL ? (weir_status)WEIR_E_NO_MEMORY : run_all(self, in, *out, room);
    }
    if (self->failure != WEIR_OK) explain(self, self->failure, error);
    if (self->failure == WEIR_OK && weir_buf_is_readable(*out)) return WEIR_OK;
    weir_buf_release(*out);
    *out = NULL;
    return self->failure;
}
