/* buf_checksum_test.c - published sums, over every seam, and the two ways to CRC-32C side by side. */
#include <stdlib.h>

#include <weir/testing.h>
#include <weir/testing/buf_kinds.h>

#include "crc32c.h"

/* ---- published values ------------------------------------------------------------------------- */

static uint32_t sum_of(weir_checksum kind, const void *ptr, size_t len) {
    return weir_checksum_update(kind, weir_checksum_start(kind), weir_bytes_of(ptr, len));
}

/* "check" of the catalogue of parametrised CRC algorithms; "Wikipedia" as in the article on Adler-32. */
WEIR_TEST(buf_checksum, gives_the_published_sums) {
    expect_eq(sum_of(WEIR_CHECKSUM_CRC32, "123456789", 9), 0xcbf43926u);
    expect_eq(sum_of(WEIR_CHECKSUM_CRC32C, "123456789", 9), 0xe3069283u);
    expect_eq(sum_of(WEIR_CHECKSUM_ADLER32, "Wikipedia", 9), 0x11e60398u);
    expect_eq(sum_of(WEIR_CHECKSUM_CRC32, NULL, 0), 0u);
    expect_eq(sum_of(WEIR_CHECKSUM_CRC32C, NULL, 0), 0u);
    expect_eq(sum_of(WEIR_CHECKSUM_ADLER32, NULL, 0), 1u);
}

/* RFC 3720, B.4; the bytes on the wire there are the number, low byte first. */
WEIR_TEST(buf_checksum, gives_the_crc32c_of_iscsi) {
    uint8_t zeros[32] = {0}, ones[32], up[32], down[32];
    for (size_t i = 0; i < 32; i++) {
        ones[i] = 0xff;
        up[i] = (uint8_t)i;
        down[i] = (uint8_t)(31 - i);
    }
    expect_eq(sum_of(WEIR_CHECKSUM_CRC32C, zeros, 32), 0x8a9136aau);
    expect_eq(sum_of(WEIR_CHECKSUM_CRC32C, ones, 32), 0x62a8ab43u);
    expect_eq(sum_of(WEIR_CHECKSUM_CRC32C, up, 32), 0x46dd794eu);
    expect_eq(sum_of(WEIR_CHECKSUM_CRC32C, down, 32), 0x113fdb5cu);
}

WEIR_TEST(buf_checksum, an_unknown_kind_stops_the_program) {
    expect_abort(weir_checksum_start((weir_checksum)3), "no checksum");
}

/* ---- every kind of buf ------------------------------------------------------------------------ */

static const weir_checksum kinds[] = {WEIR_CHECKSUM_CRC32, WEIR_CHECKSUM_CRC32C, WEIR_CHECKSUM_ADLER32};

/* The definitions, bit by bit and byte by byte. */
static uint32_t by_definition(weir_checksum kind, weir_bytes bytes) {
    if (kind == WEIR_CHECKSUM_ADLER32) {
        uint32_t a = 1, b = 0;
        for (size_t i = 0; i < bytes.len; i++) {
            a = (a + bytes.ptr[i]) % 65521;
            b = (b + a) % 65521;
        }
        return b << 16 | a;
    }
    uint32_t polynomial = kind == WEIR_CHECKSUM_CRC32 ? 0xedb88320u : 0x82f63b78u, rest = UINT32_MAX;
    for (size_t i = 0; i < bytes.len * 8; i++) {
        uint32_t bit = bytes.ptr[i / 8] >> i % 8 & 1;
        rest = rest >> 1 ^ (((rest ^ bit) & 1) != 0 ? polynomial : 0);
    }
    return ~rest;
}

static void check_ranges(weir_buf *buf, weir_bytes content) {
    for (size_t at = 0; at <= content.len; at += 3) {
        for (size_t len = 0; at + len <= content.len; len += 5) {
            weir_bytes range = weir_bytes_sub(content, at, len);
            for (size_t i = 0; i < 3; i++) {
                expect_eq(weir_buf_checksum(buf, at, len, kinds[i]), by_definition(kinds[i], range));
            }
        }
    }
    expect(weir_buf_equal_bytes(buf, content));
}

WEIR_TEST(buf_checksum, is_the_same_however_the_bytes_are_cut) {
    static const char text[] = "The quick brown fox \xff\x80\x01 jumps over the lazy dog.";
    weir_buf_kinds_each(WEIR_BUF_KIND_ANY, weir_bytes_of(text, sizeof text), check_ranges);
    weir_buf_kinds_each(WEIR_BUF_KIND_ANY, weir_bytes_str(""), check_ranges);
}

WEIR_TEST(buf_checksum, goes_on_from_the_sum_so_far) {
    static const uint8_t text[] = "one piece after another, of any size";
    for (size_t i = 0; i < 3; i++) {
        for (size_t cut = 0; cut <= sizeof text; cut++) {
            uint32_t sum = sum_of(kinds[i], text, cut);
            sum = weir_checksum_update(kinds[i], sum, weir_bytes_of(text + cut, sizeof text - cut));
            expect_eq(sum, by_definition(kinds[i], weir_bytes_of(text, sizeof text)));
        }
    }
}

/* ---- the twins -------------------------------------------------------------------------------- */

WEIR_TEST(buf_checksum, the_instruction_and_the_tables_agree) {
    unsigned seed = 5;
    uint8_t bytes[600];
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)rand_r(&seed);
    for (int round = 0; round < 20000; round++) {
        size_t at = (size_t)rand_r(&seed) % 40, len = (size_t)rand_r(&seed) % (sizeof bytes - at);
        uint32_t start = (uint32_t)rand_r(&seed) * 2654435761u;
        uint32_t sum = crc32c_portable(start, bytes + at, len);
        if (crc32c_has_hardware()) expect_eq(crc32c_hardware(start, bytes + at, len), sum);
        if (round < 300) {
            expect_eq(crc32c_portable(0, bytes + at, len),
                      by_definition(WEIR_CHECKSUM_CRC32C, weir_bytes_of(bytes + at, len)));
        }
    }
}
