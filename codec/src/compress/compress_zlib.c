/* compress_zlib.c - gzip, zlib and raw deflate: one library, told apart by the sign and size of its window bits. */
#include "compress/compress_codec.h"
#include "zlib_memory.h"

enum {
    MEMORY_LEVEL = 8,
    WINDOW = 15,
    GZIP_MORE = 16
};

typedef enum zlib_wrapper {
    RAW,
    ZLIB,
    GZIP,
    ZLIB_OR_RAW /* not known before the second byte */
} zlib_wrapper;

typedef struct zlib_coder {
    z_stream stream;
    weir_bytes dictionary;
    zlib_wrapper wrapper;
    uint8_t first; /* of what is ZLIB_OR_RAW */
    bool has_first;
} zlib_coder;

static int window_bits(zlib_wrapper wrapper, unsigned bits) {
    if (wrapper == RAW) return -(int)bits;
    return (int)bits + (wrapper == GZIP ? GZIP_MORE : 0);
}

static zlib_coder *coder_new(zlib_wrapper wrapper, weir_bytes dictionary) {
    zlib_coder *self = weir_alloc_acquire(NULL, sizeof *self);
    if (self == NULL) return NULL;
    *self = (zlib_coder){.stream = zlib_memory_stream(), .dictionary = dictionary, .wrapper = wrapper};
    return self;
}

static void give_io(z_stream *stream, const compress_io *io) {
    stream->next_in = (Bytef *)(uintptr_t)io->in;
    stream->avail_in = (uInt)io->in_left;
    stream->next_out = io->out;
    stream->avail_out = (uInt)io->out_left;
}

static void take_io(const z_stream *stream, compress_io *io) {
    compress_io_move(io, io->in_left - stream->avail_in, io->out_left - stream->avail_out);
}

/* ---- smaller ---- */

static weir_status set_dictionary(zlib_coder *self) {
    if (self->dictionary.len == 0) return WEIR_OK;
    int answer = deflateSetDictionary(&self->stream, self->dictionary.ptr, (uInt)self->dictionary.len);
    return answer == Z_OK ? WEIR_OK : (weir_status)WEIR_E_INVALID;
}

static weir_status open_encoder(void **state, zlib_wrapper wrapper, const weir_compressor_options *options) {
    zlib_coder *self = coder_new(wrapper, options->dictionary);
    if (self == NULL) return WEIR_E_NO_MEMORY;
    if (deflateInit2(&self->stream, options->level, Z_DEFLATED, window_bits(wrapper, options->window_bits),
                     MEMORY_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK) {
        weir_alloc_release(NULL, self);
        return WEIR_E_NO_MEMORY;
    }
    *state = self;
    return set_dictionary(self);
}

static weir_status open_gzip_encoder(void **state, const weir_compressor_options *options) {
    return open_encoder(state, GZIP, options);
}

static weir_status open_zlib_encoder(void **state, const weir_compressor_options *options) {
    return open_encoder(state, ZLIB, options);
}

static weir_status open_deflate_encoder(void **state, const weir_compressor_options *options) {
    return open_encoder(state, RAW, options);
}

static weir_status encode(void *state, compress_io *io, weir_compress_flush flush, bool *is_done) {
    static const int how[] = {Z_NO_FLUSH, Z_SYNC_FLUSH, Z_FINISH};
    zlib_coder *self = state;
    give_io(&self->stream, io);
    int answer = deflate(&self->stream, how[flush]);
    take_io(&self->stream, io);
    *is_done = flush == WEIR_COMPRESS_FINISH ? answer == Z_STREAM_END : io->in_left == 0 && io->out_left != 0;
    return answer == Z_STREAM_ERROR ? (weir_status)WEIR_E_INVALID : WEIR_OK;
}

static weir_status restart_encoder(void *state) {
    zlib_coder *self = state;
    deflateReset(&self->stream);
    return set_dictionary(self);
}

static void close_encoder(void *state) {
    zlib_coder *self = state;
    deflateEnd(&self->stream);
    weir_alloc_release(NULL, self);
}

#define ZLIB_ENCODER                                                                                         \
    .level = {1, 9, 6}, .window = {9, WINDOW, WINDOW}, .run = encode, .restart = restart_encoder,            \
    .close = close_encoder

const compress_encoder compress_gzip_encoder = {.name = "gzip", .open = open_gzip_encoder, ZLIB_ENCODER};
const compress_encoder compress_zlib_encoder = {
    .name = "zlib", .open = open_zlib_encoder, .has_dictionary = true, ZLIB_ENCODER};
const compress_encoder compress_deflate_encoder = {
    .name = "deflate", .open = open_deflate_encoder, .has_dictionary = true, ZLIB_ENCODER};

/* ---- and back ---- */

/* What the header of ZLIB asks for by its sum; deflate alone cannot ask. */
static weir_status use_dictionary(zlib_coder *self) {
    int answer = self->dictionary.len == 0
                     ? Z_DATA_ERROR
                     : inflateSetDictionary(&self->stream, self->dictionary.ptr, (uInt)self->dictionary.len);
    return answer == Z_OK ? WEIR_OK : (weir_status)WEIR_E_INVALID;
}

static weir_status begin_member(zlib_coder *self) {
    return self->wrapper == RAW && self->dictionary.len != 0 ? use_dictionary(self) : WEIR_OK;
}

static weir_status open_decoder(void **state, zlib_wrapper wrapper,
                                const weir_decompressor_options *options) {
    zlib_coder *self = coder_new(wrapper, options->dictionary);
    if (self == NULL) return WEIR_E_NO_MEMORY;
    if (inflateInit2(&self->stream, window_bits(wrapper, WINDOW)) != Z_OK) {
        weir_alloc_release(NULL, self);
        return WEIR_E_NO_MEMORY;
    }
    *state = self;
    return begin_member(self);
}

static weir_status open_gzip_decoder(void **state, const weir_decompressor_options *options) {
    return open_decoder(state, GZIP, options);
}

static weir_status open_zlib_decoder(void **state, const weir_decompressor_options *options) {
    return open_decoder(state, options->or_deflate ? ZLIB_OR_RAW : ZLIB, options);
}

static weir_status open_deflate_decoder(void **state, const weir_decompressor_options *options) {
    return open_decoder(state, RAW, options);
}

static weir_status inflate_some(zlib_coder *self, compress_io *io, bool *is_over) {
    give_io(&self->stream, io);
    int answer = inflate(&self->stream, Z_NO_FLUSH);
    take_io(&self->stream, io);
    *is_over = answer == Z_STREAM_END;
    if (answer == Z_NEED_DICT) return use_dictionary(self);
    if (answer == Z_MEM_ERROR) return WEIR_E_NO_MEMORY;
    bool is_well = answer == Z_OK || answer == Z_BUF_ERROR || answer == Z_STREAM_END;
    return is_well ? WEIR_OK : (weir_status)WEIR_E_FRAME_CORRUPT;
}

/* RFC 1950 2.2: method 8, a window that exists, and a check; what has none of these is RFC 1951 alone. */
static bool is_zlib_header(uint8_t first, uint8_t second) {
    return (first & 0x0f) == 8 && first >> 4 <= 7 && (first << 8 | second) % 31 == 0;
}

/* The first byte is kept until the second has come. */
static weir_status find_wrapper(zlib_coder *self, compress_io *io, bool *is_over) {
    uint8_t nothing;
    if (!self->has_first && io->in_left != 0) {
        self->first = *io->in;
        self->has_first = true;
        compress_io_move(io, 1, 0);
    }
    if (io->in_left == 0) return WEIR_OK;
    self->wrapper = is_zlib_header(self->first, *io->in) ? ZLIB : RAW;
    if (inflateReset2(&self->stream, window_bits(self->wrapper, WINDOW)) != Z_OK) return WEIR_E_NO_MEMORY;
    weir_status status = begin_member(self);
    compress_io one = {.in = &self->first, .in_left = 1, .out = &nothing, .out_left = 1}; /* makes none */
    return status == WEIR_OK ? inflate_some(self, &one, is_over) : status;
}

static weir_status decode(void *state, compress_io *io, bool *is_over) {
    zlib_coder *self = state;
    weir_status status = self->wrapper == ZLIB_OR_RAW ? find_wrapper(self, io, is_over) : WEIR_OK;
    if (status != WEIR_OK || self->wrapper == ZLIB_OR_RAW) return status;
    do {
        status = inflate_some(self, io, is_over);
    } while (status == WEIR_OK && !*is_over && io->in_left != 0 && io->out_left != 0);
    return status;
}

static weir_status restart_decoder(void *state) {
    zlib_coder *self = state;
    return inflateReset(&self->stream) == Z_OK ? WEIR_OK : (weir_status)WEIR_E_FRAME_CORRUPT;
}

static void close_decoder(void *state) {
    zlib_coder *self = state;
    inflateEnd(&self->stream);
    weir_alloc_release(NULL, self);
}

const compress_decoder compress_gzip_decoder = {.name = "gzip",
                                                .has_members = true,
                                                .open = open_gzip_decoder,
                                                .run = decode,
                                                .restart = restart_decoder,
                                                .close = close_decoder};
const compress_decoder compress_zlib_decoder = {
    .name = "zlib", .has_dictionary = true, .open = open_zlib_decoder, .run = decode, .close = close_decoder};
const compress_decoder compress_deflate_decoder = {.name = "deflate",
                                                   .has_dictionary = true,
                                                   .open = open_deflate_decoder,
                                                   .run = decode,
                                                   .close = close_decoder};
