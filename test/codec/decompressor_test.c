/* decompressor_test.c - what is broken, cut short, too much, or several in one. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <zstd.h>

#include "codec/compress_rig.h"

static bool is_prefix(const blob *part, const blob *whole) {
    return part->len <= whole->len && memcmp(part->ptr, whole->ptr, part->len) == 0;
}

/* ---- broken ---- */

WEIR_TEST(decompressor, tells_what_is_truncated_at_every_byte) {
    blob plain = blob_make(BLOB_WORDS, 700, 11);
    for (weir_compression format = 0; format < WEIR_COMPRESSIONS; format++) {
        blob packed = library_pack(format, &plain);
        for (size_t n = 0; n < packed.len; n++) {
            weir_status status;
            blob part = {packed.ptr, n, 0};
            blob back = weir_unpack(format, NULL, &part, CUT_WHOLE, &status);
            bool may_end = n == 0 || (format == WEIR_COMPRESSION_SNAPPY && n == 10);
            expect_status(status, may_end ? WEIR_OK : (weir_status)WEIR_E_TRUNCATED);
            expect(is_prefix(&back, &plain));
            blob_free(&back);
        }
        blob_free(&packed);
    }
    blob_free(&plain);
}

WEIR_TEST(decompressor, survives_a_wrong_bit_at_every_byte) {
    blob plain = blob_make(BLOB_WORDS, 700, 11);
    for (weir_compression format = 0; format < WEIR_COMPRESSIONS; format++) {
        blob packed = library_pack(format, &plain);
        size_t seen = 0;
        for (size_t at = 0; at < packed.len; at++) {
            weir_status status;
            packed.ptr[at] ^= (uint8_t)(1u << at % 8);
            blob back = weir_unpack(format, NULL, &packed, at % 64 == 0 ? CUT_BYTES : CUT_WHOLE, &status);
            seen += status != WEIR_OK;
            expect(back.len < 1 << 20);
            packed.ptr[at] ^= (uint8_t)(1u << at % 8);
            blob_free(&back);
        }
        bool has_sum = format != WEIR_COMPRESSION_DEFLATE && format != WEIR_COMPRESSION_BROTLI &&
                       format != WEIR_COMPRESSION_ZSTD && format != WEIR_COMPRESSION_LZ4;
        expect(seen * 100 > packed.len * (has_sum ? 80 : 20));
        blob_free(&packed);
    }
    blob_free(&plain);
}

WEIR_TEST(decompressor, verifies_the_sum_that_weir_writes) {
    static const weir_compression summed[] = {WEIR_COMPRESSION_GZIP, WEIR_COMPRESSION_ZLIB,
                                              WEIR_COMPRESSION_ZSTD, WEIR_COMPRESSION_LZ4};
    blob plain = blob_make(BLOB_WORDS, 700, 11);
    for (size_t i = 0; i < sizeof summed / sizeof *summed; i++) {
        weir_status status;
        blob packed = weir_pack(summed[i], NULL, &plain, CUT_WHOLE);
        size_t last = packed.len - (summed[i] == WEIR_COMPRESSION_GZIP ? 5 : 1);
        packed.ptr[last] ^= 1;
        blob back = weir_unpack(summed[i], NULL, &packed, CUT_WHOLE, &status);
        expect_status(status, WEIR_E_FRAME_CORRUPT);
        blob_free(&back);
        blob_free(&packed);
    }
    blob packed = weir_pack(WEIR_COMPRESSION_SNAPPY, NULL, &plain, CUT_WHOLE);
    weir_status status;
    packed.ptr[15] ^= 1;
    blob back = weir_unpack(WEIR_COMPRESSION_SNAPPY, NULL, &packed, CUT_WHOLE, &status);
    expect_status(status, WEIR_E_FRAME_CORRUPT);
    blob_free(&back);
    blob_free(&packed);
    blob_free(&plain);
}

WEIR_TEST(decompressor, says_what_was_wrong_and_where) {
    weir_decompressor *decompressor;
    weir_error error;
    expect_status(weir_decompressor_new(&decompressor, WEIR_COMPRESSION_GZIP, NULL), WEIR_OK);
    weir_buf *in = weir_buf_wrap_const("no gzip at all", 14), *out = NULL;
    require(in != NULL);
    expect_status(weir_decompressor_step(decompressor, in, &out, &error), WEIR_E_FRAME_CORRUPT);
    expect(out == NULL && error.status == WEIR_E_FRAME_CORRUPT && strcmp(error.what, "gzip") == 0);
    expect_status(weir_decompressor_step(decompressor, in, &out, NULL), WEIR_E_FRAME_CORRUPT);
    expect_status(weir_decompressor_end(decompressor), WEIR_E_FRAME_CORRUPT);
    expect(!weir_decompressor_has_more(decompressor));
    weir_buf_release(in);
    weir_decompressor_free(decompressor);
}

/* ---- several in one ---- */

WEIR_TEST(decompressor, reads_streams_behind_each_other_where_the_format_has_them) {
    blob plain = blob_make(BLOB_WORDS, 700, 11), twice = blob_new(1400);
    memcpy(twice.ptr, plain.ptr, 700);
    memcpy(twice.ptr + 700, plain.ptr, 700);
    for (weir_compression format = 0; format < WEIR_COMPRESSIONS; format++) {
        blob packed = library_pack(format, &plain), both = blob_new(2 * packed.len);
        memcpy(both.ptr, packed.ptr, packed.len);
        memcpy(both.ptr + packed.len, packed.ptr, packed.len);
        bool has_members = format == WEIR_COMPRESSION_GZIP || format >= WEIR_COMPRESSION_ZSTD;
        for (int cut = 0; cut < BLOB_CUTS; cut++) {
            weir_status status;
            blob back = weir_unpack(format, NULL, &both, (blob_cut)cut, &status);
            expect_status(status, has_members ? WEIR_OK : (weir_status)WEIR_E_FRAME_CORRUPT);
            expect(!has_members || blob_equal(&back, &twice));
            blob_free(&back);
        }
        blob_free(&packed);
        blob_free(&both);
    }
    blob_free(&plain);
    blob_free(&twice);
}

static void unpacks(weir_compression format, const char *bytes, size_t n, const char *text,
                    weir_status wanted) {
    weir_status status;
    blob packed = {(uint8_t *)(uintptr_t)bytes, n, 0};
    for (int cut = 0; cut < BLOB_CUTS; cut++) {
        blob back = weir_unpack(format, NULL, &packed, (blob_cut)cut, &status);
        expect_status(status, wanted);
        expect(back.len == strlen(text) && memcmp(back.ptr, text, back.len) == 0);
        blob_free(&back);
    }
}

#define UNPACKS(format, bytes, text, wanted) unpacks(format, bytes, sizeof(bytes) - 1, text, wanted)
#define SNAPPY "\xff\x06\x00\x00sNaPpY"

WEIR_TEST(decompressor, skips_what_is_to_be_skipped) {
    UNPACKS(WEIR_COMPRESSION_ZSTD, "\x50\x2a\x4d\x18\x03\0\0\0abc", "", WEIR_OK);
    UNPACKS(WEIR_COMPRESSION_LZ4, "\x50\x2a\x4d\x18\x03\0\0\0abc", "", WEIR_OK);
    UNPACKS(WEIR_COMPRESSION_SNAPPY, SNAPPY "\xfe\x03\0\0abc" SNAPPY "\x80\0\0\0", "", WEIR_OK);
    UNPACKS(WEIR_COMPRESSION_SNAPPY, SNAPPY "\x02\x03\0\0abc", "", WEIR_E_FRAME_CORRUPT);
    UNPACKS(WEIR_COMPRESSION_SNAPPY, "\x80\x03\0\0abc", "", WEIR_E_FRAME_CORRUPT);
    UNPACKS(WEIR_COMPRESSION_SNAPPY, "\xff\x06\x00\x00sNaPpy", "", WEIR_E_FRAME_CORRUPT);
    UNPACKS(WEIR_COMPRESSION_SNAPPY, SNAPPY "\x01\x05\0\0\0\0\0\0a", "", WEIR_E_FRAME_CORRUPT);
    UNPACKS(WEIR_COMPRESSION_SNAPPY, SNAPPY "\x01\x05\0\1", "", WEIR_E_FRAME_CORRUPT);
    UNPACKS(WEIR_COMPRESSION_SNAPPY, SNAPPY "\x01\x03\0\0", "", WEIR_E_FRAME_CORRUPT);
}

WEIR_TEST(decompressor, takes_deflate_for_zlib_if_asked_to) {
    blob plain = blob_make(BLOB_WORDS, 3000, 11);
    static const weir_compression either[] = {WEIR_COMPRESSION_DEFLATE, WEIR_COMPRESSION_ZLIB};
    for (int i = 0; i < 2; i++) {
        blob packed = library_pack(either[i], &plain);
        for (int cut = 0; cut < BLOB_CUTS; cut++) {
            weir_status status;
            blob back = weir_unpack(WEIR_COMPRESSION_ZLIB, &(weir_decompressor_options){.or_deflate = true},
                                    &packed, (blob_cut)cut, &status);
            expect_status(status, WEIR_OK);
            expect(blob_equal(&back, &plain));
            blob_free(&back);
        }
        blob_free(&packed);
    }
    blob_free(&plain);
}

/* ---- too much ---- */

/* `n` zeros, made piece by piece: what is compressed of them is all there is in memory. */
static blob bomb(weir_compression format, uint64_t n) {
    static uint8_t zeros[1 << 20];
    weir_compressor *compressor;
    weir_compressor_options options = {.level = format == WEIR_COMPRESSION_BROTLI ? 2 : 0};
    blob packed = blob_new(0);
    expect_status(weir_compressor_new(&compressor, format, &options), WEIR_OK);
    for (uint64_t done = 0; done <= n; done += sizeof zeros) {
        weir_buf *in = weir_buf_wrap_const(zeros, sizeof zeros), *out;
        require(in != NULL);
        weir_compress_flush flush = done == n ? WEIR_COMPRESS_FINISH : WEIR_COMPRESS_MORE;
        do {
            expect_status(weir_compressor_step(compressor, in, flush, &out), WEIR_OK);
            if (out != NULL) blob_add(&packed, out);
        } while (out != NULL);
        weir_buf_release(in);
    }
    weir_compressor_free(compressor);
    return packed;
}

WEIR_TEST(decompressor, stops_a_bomb_of_each_format) {
    for (weir_compression format = 0; format < WEIR_COMPRESSIONS; format++) {
        blob packed = bomb(format, 64 << 20);
        weir_decompressor_options limits = {.output_max = 1 << 20, .ratio_max = UINT_MAX};
        weir_status status;
        blob back = weir_unpack(format, &limits, &packed, CUT_WHOLE, &status);
        expect_status(status, WEIR_E_LIMIT);
        expect(back.len <= 1 << 20);
        blob_free(&back);
        limits = (weir_decompressor_options){.output_max = UINT64_MAX, .ratio_max = 10};
        back = weir_unpack(format, &limits, &packed, CUT_BYTES, &status);
        expect_status(status, WEIR_E_LIMIT);
        expect(back.len <= 65536 + 10 * packed.len && back.len <= (1 << 20) + 65536);
        blob_free(&back);
        blob_free(&packed);
    }
}

/* One frame that says: ten thousand times the same block of 1 MiB. 10 GiB in 40 KB. */
static blob zstd_bomb(void) {
    enum {
        BLOCKS = 80000
    };
    blob made = blob_new(6 + BLOCKS * 4);
    static const uint8_t head[] = {0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x68};
    memcpy(made.ptr, head, sizeof head);
    for (size_t i = 0; i < BLOCKS; i++) {
        uint32_t block = (uint32_t)(i == BLOCKS - 1) | 1u << 1 | 131072u << 3;
        memcpy(made.ptr + 6 + i * 4, &block, 3);
        made.ptr[6 + i * 4 + 3] = 0;
    }
    return made;
}

WEIR_TEST(decompressor, costs_a_piece_when_ten_gibibytes_come) {
    blob packed = zstd_bomb();
    weir_status status;
    blob back =
        weir_unpack(WEIR_COMPRESSION_ZSTD, &(weir_decompressor_options){0}, &packed, CUT_WHOLE, &status);
    expect_status(status, WEIR_E_LIMIT);
    expect(back.len <= 64 << 20);
    blob_free(&back);
    blob_free(&packed);
}

WEIR_TEST(decompressor, gives_exactly_what_is_allowed) {
    for (weir_compression format = 0; format < WEIR_COMPRESSIONS; format++) {
        blob plain = blob_make(BLOB_ZEROS, 100000, 0), packed = library_pack(format, &plain);
        for (uint64_t less = 0; less < 2; less++) {
            weir_status status;
            weir_decompressor_options limits = {.output_max = 100000 - less, .ratio_max = UINT_MAX};
            blob back = weir_unpack(format, &limits, &packed, CUT_RANDOM, &status);
            expect_status(status, less ? (weir_status)WEIR_E_LIMIT : WEIR_OK);
            expect(back.len <= 100000 - less && (less || back.len == 100000));
            blob_free(&back);
        }
        blob_free(&plain);
        blob_free(&packed);
    }
}

WEIR_TEST(decompressor, allows_windows_as_large_as_it_is_told) {
    weir_compressor_options options = {.window_bits = 25};
    blob plain = blob_make(BLOB_WORDS, 100000, 3);
    blob packed = weir_pack(WEIR_COMPRESSION_ZSTD, &options, &plain, CUT_RANDOM);
    weir_status status;
    blob back = weir_unpack(WEIR_COMPRESSION_ZSTD, NULL, &packed, CUT_WHOLE, &status);
    expect_status(status, WEIR_E_LIMIT);
    expect_eq(back.len, 0);
    blob_free(&back);
    weir_decompressor_options limits = {.window_bits_max = 25};
    back = weir_unpack(WEIR_COMPRESSION_ZSTD, &limits, &packed, CUT_WHOLE, &status);
    expect_status(status, WEIR_OK);
    expect(blob_equal(&back, &plain));
    blob_free(&back);
    blob_free(&packed);
    blob_free(&plain);
    /* A large window in the first byte of brotli (11 01 000 1), then its size. */
    UNPACKS(WEIR_COMPRESSION_BROTLI, "\x11\x1a\x03", "", WEIR_E_FRAME_CORRUPT);
}

WEIR_TEST(decompressor, ends_a_step_with_some_left_where_much_brings_nothing) {
    static const uint8_t start[] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0}, block[] = {0, 0, 0, 0xff, 0xff};
    weir_decompressor *decompressor;
    weir_decompressor_options options = {.fruitless_max = 1000};
    expect_status(weir_decompressor_new(&decompressor, WEIR_COMPRESSION_GZIP, &options), WEIR_OK);
    weir_buf *in = weir_buf_new(10000), *out;
    weir_buf_write_bytes(in, start, sizeof start);
    for (int i = 0; i < 1000; i++) weir_buf_write_bytes(in, block, sizeof block);
    for (size_t taken = 1000; taken <= 5000; taken += 1000) {
        expect_status(weir_decompressor_step(decompressor, in, &out, NULL), WEIR_OK);
        expect(out == NULL && !weir_decompressor_has_more(decompressor));
        expect_eq(weir_decompressor_taken(decompressor), taken);
    }
    expect_status(weir_decompressor_step(decompressor, in, &out, NULL), WEIR_OK);
    expect(out == NULL && !weir_buf_is_readable(in));
    weir_buf_release(in);
    weir_decompressor_free(decompressor);
}

WEIR_TEST(decompressor, refuses_options_that_make_no_sense) {
    weir_decompressor *made = NULL;
    weir_decompressor_options options = {.window_bits_max = 32};
    expect_status(weir_decompressor_new(&made, WEIR_COMPRESSION_ZSTD, &options), WEIR_E_INVALID);
    options.window_bits_max = 20;
    expect_status(weir_decompressor_new(&made, WEIR_COMPRESSION_GZIP, &options), WEIR_E_INVALID);
    options = (weir_decompressor_options){.piece = 10};
    expect_status(weir_decompressor_new(&made, WEIR_COMPRESSION_GZIP, &options), WEIR_E_INVALID);
    options = (weir_decompressor_options){.dictionary = weir_bytes_str("abc")};
    expect_status(weir_decompressor_new(&made, WEIR_COMPRESSION_BROTLI, &options), WEIR_E_UNSUPPORTED);
    expect(made == NULL);
}
