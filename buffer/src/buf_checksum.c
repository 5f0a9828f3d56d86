/* buf_checksum.c - checksums over any buf: each kind is a start and a step. */
#include <weir/buffer/buf_checksum.h>

#include <zlib.h>

#include "buf_walk.h"
#include "crc32c.h"

typedef struct checksum {
    uint32_t start;
    uint32_t (*step)(uint32_t sum, const uint8_t *ptr, size_t len);
} checksum;

/* zlib takes NULL for a question, what to start with. */
static uint32_t step_crc32(uint32_t sum, const uint8_t *ptr, size_t len) {
    return len == 0 ? sum : (uint32_t)crc32_z(sum, ptr, len);
}

static uint32_t step_adler32(uint32_t sum, const uint8_t *ptr, size_t len) {
    return len == 0 ? sum : (uint32_t)adler32_z(sum, ptr, len);
}

static uint32_t step_crc32c(uint32_t sum, const uint8_t *ptr, size_t len) {
    return crc32c_has_hardware() ? crc32c_hardware(sum, ptr, len) : crc32c_portable(sum, ptr, len);
}

static const checksum checksums[] = {
    [WEIR_CHECKSUM_CRC32] = {0, step_crc32},
    [WEIR_CHECKSUM_CRC32C] = {0, step_crc32c},
    [WEIR_CHECKSUM_ADLER32] = {1, step_adler32},
};

static const checksum *find_checksum(weir_checksum kind) {
    WEIR_CHECK((size_t)kind < sizeof checksums / sizeof checksums[0], "%d is no checksum", (int)kind);
    return &checksums[kind];
}

uint32_t weir_checksum_start(weir_checksum kind) {
    return find_checksum(kind)->start;
}

uint32_t weir_checksum_update(weir_checksum kind, uint32_t sum, weir_bytes piece) {
    return find_checksum(kind)->step(sum, piece.ptr, piece.len);
}

uint32_t weir_buf_checksum(const weir_buf *buf, size_t at, size_t len, weir_checksum kind) {
    const checksum *how = find_checksum(kind);
    uint32_t sum = how->start;
    buf_walk walk = weir_walk_readable(buf, at, len);
    buf_run run;
    while (weir_walk_next(&walk, &run)) sum = how->step(sum, run.ptr, run.len);
    return sum;
}
