/* compress_snappy.c - the framing format of snappy around the library's blocks.
 *
 *     ff 06 00 00 "sNaPpY"     once, and again wherever streams are joined
 *     00 length(3) crc(4)      a block of at most 64 KiB, compressed
 *     01 length(3) crc(4)      the same, as it is
 *     80..fe length(3)         to be skipped
 *
 * The sum is CRC-32C of what was compressed, rotated and shifted so that a sum of sums is well. The C functions of the
 * library take their working memory from C++, which nobody here can replace. Source: google/snappy framing_format.txt.
 */
#include <snappy-c.h>

#include <weir/buffer/buf_checksum.h>

#include "compress/compress_codec.h"
#include "compress/compress_stage.h"

enum {
    BLOCK = 65536,
    BLOCK_PACKED = 76490, /* snappy_max_compressed_length(BLOCK) */
    HEADER = 4,
    SUM = 4,
    IDENTIFIER = 6,
    CHUNK = HEADER + SUM + BLOCK_PACKED,
    PACKED = 0x00,
    PLAIN = 0x01,
    SKIPPED = 0x80, /* and above */
    BEGIN = 0xff
};

static const uint8_t identifier[] = {BEGIN, IDENTIFIER, 0, 0, 's', 'N', 'a', 'P', 'p', 'Y'};

static uint32_t masked_sum(const uint8_t *bytes, size_t n) {
    uint32_t sum = weir_checksum_start(WEIR_CHECKSUM_CRC32C);
    sum = weir_checksum_update(WEIR_CHECKSUM_CRC32C, sum, weir_bytes_of(bytes, n));
    return (sum >> 15 | sum << 17) + 0xa282ead8u;
}

static void put_number(uint8_t *at, size_t bytes, uint32_t number) {
    for (size_t i = 0; i < bytes; i++) at[i] = (uint8_t)(number >> 8 * i);
}

static uint32_t get_number(const uint8_t *at, size_t bytes) {
    uint32_t number = 0;
    for (size_t i = 0; i < bytes; i++) number |= (uint32_t)at[i] << 8 * i;
    return number;
}

/* Bytes that have to lie together, from wherever they come. */
typedef struct gathering {
    uint8_t *bytes; /* NULL: none was needed yet */
    size_t n;
} gathering;

/* Up to `wanted` bytes together, from what is held and what comes, without a copy where they lie so already. NULL and
 * WEIR_OK: they are not all there, and held. */
static weir_status gather(gathering *self, compress_io *io, size_t wanted, size_t size, const uint8_t **at) {
    *at = NULL;
    if (self->n == 0 && io->in_left >= wanted) {
        *at = io->in;
        compress_io_move(io, wanted, 0);
        return WEIR_OK;
    }
    if (self->bytes == NULL) self->bytes = weir_alloc_acquire(NULL, size);
    if (self->bytes == NULL) return WEIR_E_NO_MEMORY;
    size_t missing = wanted - self->n, n = io->in_left < missing ? io->in_left : missing;
    memcpy(self->bytes + self->n, io->in, n);
    compress_io_move(io, n, 0);
    self->n += n;
    if (self->n == wanted) *at = self->bytes;
    return WEIR_OK;
}

/* ---- smaller ---- */

typedef struct snappy_encoder {
    gathering block;
    compress_stage stage;
    bool has_begun;
} snappy_encoder;

static weir_status open_encoder(void **state, const weir_compressor_options *options) {
    (void)options;
    *state = weir_alloc_zeroed(NULL, 1, sizeof(snappy_encoder));
    return *state == NULL ? (weir_status)WEIR_E_NO_MEMORY : WEIR_OK;
}

static size_t write_chunk(uint8_t *at, const uint8_t *block, size_t n) {
    size_t packed = BLOCK_PACKED;
    uint8_t *body = at + HEADER + SUM;
    bool is_packed =
        snappy_compress((const char *)block, n, (char *)body, &packed) == SNAPPY_OK && packed < n - n / 8;
    if (!is_packed) {
        memcpy(body, block, n);
        packed = n;
    }
    at[0] = is_packed ? PACKED : PLAIN;
    put_number(at + 1, 3, (uint32_t)(SUM + packed));
    put_number(at + HEADER, SUM, masked_sum(block, n));
    return HEADER + SUM + packed;
}

/* Requires: nothing waits in the stage. `*is_done`: there was nothing to make. */
static weir_status make_some(snappy_encoder *self, compress_io *io, weir_compress_flush flush,
                             bool *is_done) {
    const uint8_t *block = NULL;
    uint8_t *at = compress_stage_room(&self->stage, io, CHUNK, CHUNK);
    if (at == NULL) return WEIR_E_NO_MEMORY;
    if (!self->has_begun) {
        self->has_begun = true;
        memcpy(at, identifier, sizeof identifier);
        compress_stage_put(&self->stage, io, at, sizeof identifier);
        return WEIR_OK;
    }
    size_t all = self->block.n + io->in_left;
    bool is_short = all < BLOCK;
    size_t n = is_short ? all : BLOCK;
    *is_done = all == 0 || (is_short && flush == WEIR_COMPRESS_MORE);
    if (all == 0) return WEIR_OK;
    weir_status status = gather(&self->block, io, *is_done ? BLOCK : n, BLOCK, &block);
    if (status != WEIR_OK || block == NULL) return status;
    compress_stage_put(&self->stage, io, at, write_chunk(at, block, n));
    self->block.n = 0;
    return WEIR_OK;
}

static weir_status encode(void *state, compress_io *io, weir_compress_flush flush, bool *is_done) {
    snappy_encoder *self = state;
    weir_status status = WEIR_OK;
    while (status == WEIR_OK && !*is_done && compress_stage_drain(&self->stage, io))
        status = make_some(self, io, flush, is_done);
    return status;
}

static weir_status restart_encoder(void *state) {
    snappy_encoder *self = state;
    self->has_begun = false;
    return WEIR_OK;
}

static void close_encoder(void *state) {
    snappy_encoder *self = state;
    weir_alloc_release(NULL, self->block.bytes);
    compress_stage_clear(&self->stage);
    weir_alloc_release(NULL, self);
}

const compress_encoder compress_snappy_encoder = {.name = "snappy",
                                                  .open = open_encoder,
                                                  .run = encode,
                                                  .restart = restart_encoder,
                                                  .close = close_encoder};

/* ---- and back ---- */

typedef struct snappy_decoder {
    uint8_t header[HEADER];
    size_t header_n;
    size_t left; /* of the chunk's body, or all of it while it is gathered */
    gathering body;
    compress_stage stage;
    bool has_begun; /* the identifier was seen */
} snappy_decoder;

static weir_status open_decoder(void **state, const weir_decompressor_options *options) {
    (void)options;
    *state = weir_alloc_zeroed(NULL, 1, sizeof(snappy_decoder));
    return *state == NULL ? (weir_status)WEIR_E_NO_MEMORY : WEIR_OK;
}

static bool is_skipped(const snappy_decoder *self) {
    return self->header[0] >= SKIPPED && self->header[0] < BEGIN;
}

/* Nothing is gathered before it is known that it may be so long. */
static bool is_header_well(const snappy_decoder *self) {
    size_t n = self->left;
    switch (self->header[0]) {
    case BEGIN: return n == IDENTIFIER;
    case PACKED: return self->has_begun && n >= SUM && n <= SUM + BLOCK_PACKED;
    case PLAIN: return self->has_begun && n >= SUM && n <= SUM + BLOCK;
    default: return self->has_begun && is_skipped(self);
    }
}

static weir_status read_header(snappy_decoder *self, compress_io *io) {
    while (self->header_n < HEADER && io->in_left != 0) {
        self->header[self->header_n++] = *io->in;
        compress_io_move(io, 1, 0);
    }
    if (self->header_n < HEADER) return WEIR_OK;
    self->left = get_number(self->header + 1, 3);
    return is_header_well(self) ? WEIR_OK : (weir_status)WEIR_E_FRAME_CORRUPT;
}

/* `body` is what stands behind the sum, `n` bytes. */
static weir_status read_block(snappy_decoder *self, compress_io *io, const uint8_t *body, size_t n) {
    size_t made = n;
    bool is_packed = self->header[0] == PACKED;
    if (is_packed && snappy_uncompressed_length((const char *)body, n, &made) != SNAPPY_OK)
        return WEIR_E_FRAME_CORRUPT;
    if (made > BLOCK) return WEIR_E_FRAME_CORRUPT;
    uint8_t *at = compress_stage_room(&self->stage, io, made, BLOCK);
    if (at == NULL) return WEIR_E_NO_MEMORY;
    if (!is_packed) {
        memcpy(at, body, n);
    } else if (snappy_uncompress((const char *)body, n, (char *)at, &made) != SNAPPY_OK) {
        return WEIR_E_FRAME_CORRUPT;
    }
    if (masked_sum(at, made) != get_number(body - SUM, SUM)) return WEIR_E_FRAME_CORRUPT;
    compress_stage_put(&self->stage, io, at, made);
    return WEIR_OK;
}

static weir_status read_body(snappy_decoder *self, compress_io *io) {
    const uint8_t *body;
    weir_status status = gather(&self->body, io, self->left, SUM + BLOCK_PACKED, &body);
    if (status != WEIR_OK || body == NULL) return status;
    self->body.n = self->header_n = 0;
    if (self->header[0] != BEGIN) return read_block(self, io, body + SUM, self->left - SUM);
    self->has_begun = true;
    return memcmp(body, identifier + HEADER, IDENTIFIER) == 0 ? WEIR_OK : (weir_status)WEIR_E_FRAME_CORRUPT;
}

static void skip_body(snappy_decoder *self, compress_io *io) {
    size_t n = io->in_left < self->left ? io->in_left : self->left;
    compress_io_move(io, n, 0);
    self->left -= n;
    if (self->left == 0) self->header_n = 0;
}

static weir_status read_some(snappy_decoder *self, compress_io *io) {
    weir_status status = self->header_n < HEADER ? read_header(self, io) : WEIR_OK;
    if (status != WEIR_OK || self->header_n < HEADER) return status;
    if (!is_skipped(self)) return read_body(self, io);
    skip_body(self, io);
    return WEIR_OK;
}

static weir_status decode(void *state, compress_io *io, bool *is_over) {
    snappy_decoder *self = state;
    weir_status status = WEIR_OK;
    bool is_empty = compress_stage_drain(&self->stage, io);
    while (status == WEIR_OK && is_empty && io->in_left != 0) {
        status = read_some(self, io);
        is_empty = self->stage.at == self->stage.end;
    }
    *is_over = is_empty && self->header_n == 0;
    return status;
}

static void close_decoder(void *state) {
    snappy_decoder *self = state;
    weir_alloc_release(NULL, self->body.bytes);
    compress_stage_clear(&self->stage);
    weir_alloc_release(NULL, self);
}

const compress_decoder compress_snappy_decoder = {
    .name = "snappy", .has_members = true, .open = open_decoder, .run = decode, .close = close_decoder};
