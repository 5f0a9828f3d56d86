/* compressor_test.c - every format against the library's own one-shot functions, however the bytes are cut. */
#include <stdio.h>
#include <string.h>

#include "codec/compress_rig.h"

static bool is_same(weir_compression format, blob_cut cut, const blob *got, const blob *wanted) {
    bool is_equal = blob_equal(got, wanted);
    if (!is_equal)
        fprintf(stderr, "%s, cut %d: %zu bytes for %zu\n", weir_compression_name(format), (int)cut, got->len,
                wanted->len);
    return is_equal;
}

static void both_ways(weir_compression format, const blob *plain, blob_cut cut) {
    weir_status status;
    blob ours = weir_pack(format, NULL, plain, cut);
    blob back = library_unpack(format, &ours, plain->len);
    expect(is_same(format, cut, &back, plain));
    blob_free(&back);
    back = weir_unpack(format, NULL, &ours, cut, &status);
    expect_status(status, WEIR_OK);
    expect(blob_equal(&back, plain));
    blob_free(&back);
    blob_free(&ours);
    blob theirs = library_pack(format, plain);
    back = weir_unpack(format, NULL, &theirs, cut, &status);
    expect_status(status, WEIR_OK);
    expect(is_same(format, cut, &back, plain));
    blob_free(&back);
    blob_free(&theirs);
}

WEIR_TEST(compressor, writes_and_reads_what_each_library_does) {
    static const size_t sizes[] = {0, 1, 100, 16384, 65535, 65536, 65537, 300000};
    for (int format = 0; format < WEIR_COMPRESSIONS; format++) {
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            for (int kind = 0; kind < BLOB_KINDS; kind++) {
                blob plain = blob_make((blob_kind)kind, sizes[i], (unsigned)i + 1);
                for (int cut = 0; cut < BLOB_CUTS; cut++) {
                    bool is_long = cut == CUT_BYTES && sizes[i] > 100;
                    if (!is_long) both_ways((weir_compression)format, &plain, (blob_cut)cut);
                }
                blob_free(&plain);
            }
        }
    }
}

WEIR_TEST(compressor, carries_megabytes) {
    for (int format = 0; format < WEIR_COMPRESSIONS; format++) {
        for (int kind = 0; kind < BLOB_KINDS; kind++) {
            blob plain = blob_make((blob_kind)kind, 2 << 20, 9);
            both_ways((weir_compression)format, &plain, CUT_RANDOM);
            blob_free(&plain);
        }
    }
}

WEIR_TEST(compressor, has_levels_windows_and_pieces_of_many_sizes) {
    static const struct {
        weir_compression format;
        int level;
        unsigned window;
    } cases[] = {{WEIR_COMPRESSION_GZIP, 1, 9},    {WEIR_COMPRESSION_DEFLATE, 9, 15},
                 {WEIR_COMPRESSION_BROTLI, 1, 10}, {WEIR_COMPRESSION_BROTLI, 11, 24},
                 {WEIR_COMPRESSION_ZSTD, 1, 10},   {WEIR_COMPRESSION_ZSTD, 19, 23},
                 {WEIR_COMPRESSION_LZ4, 12, 0},    {WEIR_COMPRESSION_LZ4, 3, 0},
                 {WEIR_COMPRESSION_SNAPPY, 0, 0}};
    static const size_t pieces[] = {64, 1000, 70000, 1 << 20};
    blob plain = blob_make(BLOB_WORDS, 70000, 3);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (size_t k = 0; k < sizeof pieces / sizeof *pieces; k++) {
            weir_compressor_options options = {
                .level = cases[i].level, .window_bits = cases[i].window, .piece = pieces[k]};
            weir_decompressor_options limits = {.piece = pieces[k]};
            weir_status status;
            blob packed = weir_pack(cases[i].format, &options, &plain, CUT_RANDOM);
            blob back = weir_unpack(cases[i].format, &limits, &packed, CUT_RANDOM, &status);
            expect_status(status, WEIR_OK);
            expect(blob_equal(&back, &plain) && packed.len < plain.len / 2);
            blob_free(&back);
            blob_free(&packed);
        }
    }
    blob_free(&plain);
}

WEIR_TEST(compressor, refuses_options_that_a_format_does_not_have) {
    static const struct {
        weir_compression format;
        weir_compressor_options options;
        weir_status status;
    } cases[] = {
        {WEIR_COMPRESSION_GZIP, {.level = 10}, WEIR_E_INVALID},
        {WEIR_COMPRESSION_GZIP, {.level = -1}, WEIR_E_INVALID},
        {WEIR_COMPRESSION_GZIP, {.window_bits = 8}, WEIR_E_INVALID},
        {WEIR_COMPRESSION_GZIP, {.window_bits = UINT32_MAX}, WEIR_E_INVALID},
        {WEIR_COMPRESSION_BROTLI, {.window_bits = 25}, WEIR_E_INVALID},
        {WEIR_COMPRESSION_ZSTD, {.level = 20}, WEIR_E_INVALID},
        {WEIR_COMPRESSION_LZ4, {.window_bits = 16}, WEIR_E_INVALID},
        {WEIR_COMPRESSION_SNAPPY, {.level = 1}, WEIR_E_INVALID},
        {WEIR_COMPRESSION_ZSTD, {.piece = 63}, WEIR_E_INVALID},
        {WEIR_COMPRESSION_LZ4, {.dictionary = {(const uint8_t *)"abc", 3}}, WEIR_E_UNSUPPORTED},
        {WEIR_COMPRESSION_GZIP, {.dictionary = {(const uint8_t *)"abc", 3}}, WEIR_E_UNSUPPORTED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        weir_compressor *made = (weir_compressor *)1;
        expect_status(weir_compressor_new(&made, cases[i].format, &cases[i].options), cases[i].status);
        expect(made == NULL);
    }
}

/* ---- flushes ---- */

static void add_step(weir_compressor *compressor, weir_buf *in, weir_compress_flush flush, blob *to) {
    weir_buf *out;
    do {
        expect_status(weir_compressor_step(compressor, in, flush, &out), WEIR_OK);
        if (out != NULL) blob_add(to, out);
    } while (out != NULL);
}

WEIR_TEST(compressor, gives_all_so_far_at_a_sync) {
    for (int format = 0; format < WEIR_COMPRESSIONS; format++) {
        weir_compressor *compressor;
        expect_status(weir_compressor_new(&compressor, (weir_compression)format, NULL), WEIR_OK);
        blob plain = blob_make(BLOB_WORDS, 90000, 4), packed = blob_new(0);
        size_t given = 0;
        for (size_t n = 1; given + n < plain.len; n = n * 3 + 1) {
            weir_buf *in = weir_buf_new(n);
            require(in != NULL);
            weir_buf_write_bytes(in, plain.ptr + given, n);
            given += n;
            add_step(compressor, in, WEIR_COMPRESS_MORE, &packed);
            weir_buf_release(in);
            expect(weir_compressor_holds(compressor));
            add_step(compressor, NULL, WEIR_COMPRESS_SYNC, &packed);
            expect(!weir_compressor_holds(compressor));
            weir_status status;
            blob back = weir_unpack((weir_compression)format, NULL, &packed, CUT_WHOLE, &status);
            bool may_end = format == WEIR_COMPRESSION_SNAPPY;
            expect_status(status, may_end ? WEIR_OK : (weir_status)WEIR_E_TRUNCATED);
            expect(is_same((weir_compression)format, CUT_WHOLE, &back, &(blob){plain.ptr, given, 0}));
            blob_free(&back);
            size_t before = packed.len;
            add_step(compressor, NULL, WEIR_COMPRESS_SYNC, &packed);
            expect_eq(packed.len, before);
        }
        weir_compressor_free(compressor);
        blob_free(&plain);
        blob_free(&packed);
    }
}

WEIR_TEST(compressor, begins_another_stream_behind_a_finish) {
    for (int format = 0; format < WEIR_COMPRESSIONS; format++) {
        weir_compressor *compressor;
        expect_status(weir_compressor_new(&compressor, (weir_compression)format, NULL), WEIR_OK);
        blob plain = blob_make(BLOB_WORDS, 5000, 4);
        for (int i = 0; i < 3; i++) {
            blob packed = blob_new(0);
            size_t at = 0;
            weir_buf *in = blob_next(&plain, &at, CUT_COMPOSITE);
            add_step(compressor, in, WEIR_COMPRESS_FINISH, &packed);
            weir_buf_release(in);
            add_step(compressor, NULL, WEIR_COMPRESS_FINISH, &packed);
            add_step(compressor, NULL, WEIR_COMPRESS_SYNC, &packed);
            blob back = library_unpack((weir_compression)format, &packed, plain.len);
            expect(is_same((weir_compression)format, CUT_COMPOSITE, &back, &plain));
            blob_free(&back);
            blob_free(&packed);
        }
        weir_compressor_free(compressor);
        blob_free(&plain);
    }
}

/* ---- dictionaries ---- */

static const weir_compression with_dictionary[] = {WEIR_COMPRESSION_ZSTD, WEIR_COMPRESSION_ZLIB,
                                                   WEIR_COMPRESSION_DEFLATE};

WEIR_TEST(compressor, uses_a_dictionary_that_both_ends_know) {
    blob known = blob_make(BLOB_RANDOM, 4000, 1), other = blob_make(BLOB_RANDOM, 4000, 2);
    blob plain = blob_new(3000);
    memcpy(plain.ptr, known.ptr + 500, plain.len);
    for (size_t i = 0; i < sizeof with_dictionary / sizeof *with_dictionary; i++) {
        weir_compression format = with_dictionary[i];
        weir_status status;
        weir_compressor_options options = {.dictionary = weir_bytes_of(known.ptr, known.len)};
        weir_decompressor_options limits = {.dictionary = options.dictionary};
        blob packed = weir_pack(format, &options, &plain, CUT_WHOLE);
        expect(packed.len < 200);
        blob back = weir_unpack(format, &limits, &packed, CUT_BYTES, &status);
        expect_status(status, WEIR_OK);
        expect(blob_equal(&back, &plain));
        blob_free(&back);
        limits.dictionary = weir_bytes_of(other.ptr, other.len);
        back = weir_unpack(format, &limits, &packed, CUT_WHOLE, &status);
        expect(format == WEIR_COMPRESSION_DEFLATE || status != WEIR_OK);
        expect(!blob_equal(&back, &plain));
        blob_free(&back);
        back = weir_unpack(format, NULL, &packed, CUT_WHOLE, &status);
        expect(status == WEIR_E_INVALID || status == WEIR_E_FRAME_CORRUPT);
        blob_free(&back);
        blob_free(&packed);
    }
    blob_free(&known);
    blob_free(&other);
    blob_free(&plain);
}

/* ---- memory ---- */

static bool pack_within(void *arg) {
    weir_compression format = *(const weir_compression *)arg;
    static uint8_t some[70000];
    weir_compressor *compressor;
    if (weir_compressor_new(&compressor, format, NULL) != WEIR_OK) return false;
    weir_buf *in = weir_buf_wrap_const(some, sizeof some), *out = NULL;
    weir_status status = in == NULL ? (weir_status)WEIR_E_NO_MEMORY : WEIR_OK;
    for (int i = 0; i < 2 && status == WEIR_OK; i++) {
        if (i == 1) weir_buf_set_positions(in, 0, sizeof some);
        do {
            weir_buf_release(out);
            status = weir_compressor_step(compressor, in, WEIR_COMPRESS_FINISH, &out);
        } while (out != NULL);
    }
    if (status != WEIR_OK) expect_status(status, WEIR_E_NO_MEMORY);
    weir_buf_release(in);
    weir_compressor_free(compressor);
    return status == WEIR_OK;
}

static bool unpack_within(void *arg) {
    const blob *packed = arg;
    weir_decompressor *decompressor;
    if (weir_decompressor_new(&decompressor, (weir_compression)packed->ptr[packed->len], NULL) != WEIR_OK)
        return false;
    weir_buf *in = weir_buf_wrap_const(packed->ptr, packed->len), *out = NULL;
    weir_status status = in == NULL ? (weir_status)WEIR_E_NO_MEMORY : WEIR_OK;
    weir_error error = {0};
    do {
        weir_buf_release(out);
        out = NULL;
        if (status == WEIR_OK) status = weir_decompressor_step(decompressor, in, &out, &error);
    } while (out != NULL);
    if (status != WEIR_OK) expect_status(status, WEIR_E_NO_MEMORY);
    weir_buf_release(in);
    weir_decompressor_free(decompressor);
    return status == WEIR_OK;
}

WEIR_TEST(compressor, loses_nothing_when_memory_runs_out) {
    blob plain = blob_make(BLOB_WORDS, 70000, 2);
    for (int i = 0; i < WEIR_COMPRESSIONS; i++) {
        weir_compression format = (weir_compression)i;
        expect(weir_oom_sweep(pack_within, &format) > 3);
        blob packed = library_pack(format, &plain);
        packed.ptr[packed.len] = (uint8_t)i;
        expect(weir_oom_sweep(unpack_within, &packed) > 3);
        blob_free(&packed);
    }
    blob_free(&plain);
}
