/* compress_rig.c - see compress_rig.h. */
#include "codec/compress_rig.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <brotli/decode.h>
#include <brotli/encode.h>
#include <lz4frame.h>
#include <snappy-c.h>
#include <zlib.h>
#include <zstd.h>

static unsigned random_next(unsigned *seed) {
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

/* ---- blobs ---- */

blob blob_new(size_t n) {
    blob made = {malloc(n + 1), n, n};
    require(made.ptr != NULL);
    return made;
}

static void fill_words(blob *self, unsigned seed) {
    static const char *const words[] = {"buffer ", "channel ", "the ",  "loop ",    "of ",
                                        "pool ",   "region ",  "and\n", "handler ", "17 "};
    for (size_t at = 0; at < self->len;) {
        const char *word = words[random_next(&seed) % 10];
        size_t n = strlen(word), left = self->len - at;
        memcpy(self->ptr + at, word, n < left ? n : left);
        at += n < left ? n : left;
    }
}

blob blob_make(blob_kind kind, size_t n, unsigned seed) {
    blob made = blob_new(n);
    if (kind == BLOB_ZEROS) memset(made.ptr, 0, n);
    if (kind == BLOB_WORDS) fill_words(&made, seed);
    for (size_t i = 0; kind == BLOB_RANDOM && i < n; i++) made.ptr[i] = (uint8_t)random_next(&seed);
    return made;
}

void blob_free(blob *self) {
    free(self->ptr);
    *self = (blob){0};
}

bool blob_equal(const blob *self, const blob *other) {
    return self->len == other->len && memcmp(self->ptr, other->ptr, self->len) == 0;
}

void blob_add(blob *self, weir_buf *buf) {
    size_t n = weir_buf_readable(buf);
    if (self->len + n > self->room) {
        self->room = 2 * (self->len + n);
        self->ptr = realloc(self->ptr, self->room + 1);
        require(self->ptr != NULL);
    }
    expect(weir_buf_read_bytes(buf, self->ptr + self->len, n));
    self->len += n;
    weir_buf_release(buf);
}

/* ---- the libraries ---- */

static int bits_of(weir_compression format) {
    return format == WEIR_COMPRESSION_GZIP ? 31 : format == WEIR_COMPRESSION_ZLIB ? 15 : -15;
}

static size_t pack_zlib(weir_compression format, const blob *from, blob *to) {
    z_stream z = {0};
    require(deflateInit2(&z, 9, Z_DEFLATED, bits_of(format), 8, Z_DEFAULT_STRATEGY) == Z_OK);
    z.next_in = from->ptr;
    z.avail_in = (uInt)from->len;
    z.next_out = to->ptr;
    z.avail_out = (uInt)to->len;
    require(deflate(&z, Z_FINISH) == Z_STREAM_END);
    deflateEnd(&z);
    return z.total_out;
}

static void unpack_zlib(weir_compression format, const blob *from, blob *to) {
    z_stream z = {.next_in = from->ptr,
                  .avail_in = (uInt)from->len,
                  .next_out = to->ptr,
                  .avail_out = (uInt)to->len + 1};
    require(inflateInit2(&z, bits_of(format)) == Z_OK);
    int answer = inflate(&z, Z_FINISH);
    expect(answer == Z_STREAM_END && z.avail_in == 0);
    to->len = z.total_out;
    inflateEnd(&z);
}

/* The framing by hand, every block compressed; the sums are what weir_checksum says, tested elsewhere. */
static size_t pack_snappy(const blob *from, blob *to) {
    uint8_t *at = to->ptr;
    memcpy(at, "\xff\x06\0\0sNaPpY", 10);
    at += 10;
    for (size_t done = 0; done < from->len; done += 65536) {
        size_t n = from->len - done < 65536 ? from->len - done : 65536, packed = 80000;
        require(snappy_compress((char *)from->ptr + done, n, (char *)at + 8, &packed) == SNAPPY_OK);
        uint32_t sum = weir_checksum_update(WEIR_CHECKSUM_CRC32C, weir_checksum_start(WEIR_CHECKSUM_CRC32C),
                                            weir_bytes_of(from->ptr + done, n));
        sum = (sum >> 15 | sum << 17) + 0xa282ead8u;
        uint32_t head = (uint32_t)(packed + 4) << 8;
        memcpy(at, &head, 4); /* little endian, as this machine */
        memcpy(at + 4, &sum, 4);
        at += 8 + packed;
    }
    return (size_t)(at - to->ptr);
}

static void unpack_snappy(const blob *from, blob *to) {
    size_t at = 10, made = 0;
    require(from->len >= 10 && memcmp(from->ptr, "\xff\x06\0\0sNaPpY", 10) == 0);
    while (at < from->len) {
        const uint8_t *chunk = from->ptr + at;
        size_t n = chunk[1] | (size_t)chunk[2] << 8 | (size_t)chunk[3] << 16, room = to->len + 1 - made;
        if (chunk[0] == 1) {
            require(n - 4 <= room);
            memcpy(to->ptr + made, chunk + 8, n - 4);
            room = n - 4;
        } else {
            require(chunk[0] == 0);
            require(snappy_uncompress((const char *)chunk + 8, n - 4, (char *)to->ptr + made, &room) ==
                    SNAPPY_OK);
        }
        made += room;
        at += 4 + n;
    }
    to->len = made;
}

blob library_pack(weir_compression format, const blob *from) {
    blob to = blob_new(from->len + from->len / 4 + 100000);
    size_t len = to.len;
    switch (format) {
    case WEIR_COMPRESSION_BROTLI:
        require(BrotliEncoderCompress(5, 22, BROTLI_MODE_GENERIC, from->len, from->ptr, &len, to.ptr));
        to.len = len;
        break;
    case WEIR_COMPRESSION_ZSTD: to.len = ZSTD_compress(to.ptr, to.len, from->ptr, from->len, 3); break;
    case WEIR_COMPRESSION_LZ4: to.len = LZ4F_compressFrame(to.ptr, to.len, from->ptr, from->len, NULL); break;
    case WEIR_COMPRESSION_SNAPPY: to.len = pack_snappy(from, &to); break;
    default: to.len = pack_zlib(format, from, &to);
    }
    require(to.len < from->len + from->len / 4 + 100000);
    return to;
}

static void unpack_lz4(const blob *from, blob *to) {
    LZ4F_dctx *dctx;
    size_t taken = from->len, made = to->len + 1;
    require(!LZ4F_isError(LZ4F_createDecompressionContext(&dctx, LZ4F_VERSION)));
    expect(LZ4F_decompress(dctx, to->ptr, &made, from->ptr, &taken, NULL) == 0 && taken == from->len);
    LZ4F_freeDecompressionContext(dctx);
    to->len = made;
}

blob library_unpack(weir_compression format, const blob *from, size_t n) {
    blob to = blob_new(n);
    size_t made = n;
    switch (format) {
    case WEIR_COMPRESSION_BROTLI:
        expect(BrotliDecoderDecompress(from->len, from->ptr, &made, to.ptr) == BROTLI_DECODER_RESULT_SUCCESS);
        to.len = made;
        break;
    case WEIR_COMPRESSION_ZSTD: to.len = ZSTD_decompress(to.ptr, n, from->ptr, from->len); break;
    case WEIR_COMPRESSION_LZ4: unpack_lz4(from, &to); break;
    case WEIR_COMPRESSION_SNAPPY: unpack_snappy(from, &to); break;
    default: unpack_zlib(format, from, &to);
    }
    return to;
}

/* ---- weir ---- */

static weir_buf *cut_composite(const blob *from) {
    static unsigned seed = 7;
    weir_buf *all = weir_buf_composite_new();
    for (size_t at = 0; at < from->len;) {
        size_t n = random_next(&seed) % (from->len / 7 + 2), left = from->len - at;
        if (n > left) n = left;
        weir_buf *part = weir_buf_new(n);
        require(part != NULL);
        weir_buf_write_bytes(part, from->ptr + at, n);
        expect_status(weir_buf_composite_append(all, part), WEIR_OK);
        at += n;
    }
    return all;
}

weir_buf *blob_next(const blob *from, size_t *at, blob_cut cut) {
    static unsigned seed = 5;
    size_t left = from->len - *at, n = left;
    if (left == 0) return NULL;
    if (cut == CUT_COMPOSITE) {
        *at = from->len;
        return cut_composite(from);
    }
    if (cut == CUT_BYTES) n = 1;
    if (cut == CUT_RANDOM) n = 1 + random_next(&seed) % (from->len / 5 + 1);
    if (n > left) n = left;
    weir_buf *buf = weir_buf_new(n);
    require(buf != NULL);
    weir_buf_write_bytes(buf, from->ptr + *at, n);
    *at += n;
    return buf;
}

static void pack_more(weir_compressor *compressor, weir_buf *in, weir_compress_flush flush, size_t most,
                      blob *to) {
    for (weir_buf *out = in; out != NULL;) {
        expect_status(weir_compressor_step(compressor, in, flush, &out), WEIR_OK);
        if (out == NULL) break;
        expect(weir_buf_is_readable(out) && weir_buf_readable(out) <= most);
        blob_add(to, out);
    }
}

blob weir_pack(weir_compression format, const weir_compressor_options *options, const blob *from,
               blob_cut cut) {
    weir_compressor *compressor;
    blob to = blob_new(0);
    size_t at = 0, most = options == NULL || options->piece == 0 ? 16384 : options->piece;
    expect_status(weir_compressor_new(&compressor, format, options), WEIR_OK);
    require(compressor != NULL);
    for (weir_buf *in; (in = blob_next(from, &at, cut)) != NULL;) {
        pack_more(compressor, in, WEIR_COMPRESS_MORE, most, &to);
        expect(!weir_buf_is_readable(in));
        weir_buf_release(in);
    }
    weir_buf *last;
    expect_status(weir_compressor_step(compressor, NULL, WEIR_COMPRESS_FINISH, &last), WEIR_OK);
    for (; last != NULL;) {
        blob_add(&to, last);
        expect_status(weir_compressor_step(compressor, NULL, WEIR_COMPRESS_FINISH, &last), WEIR_OK);
    }
    expect(!weir_compressor_holds(compressor));
    weir_compressor_free(compressor);
    return to;
}

static weir_status unpack_more(weir_decompressor *decompressor, weir_buf *in, size_t most, blob *to) {
    for (weir_buf *out;;) {
        weir_error error = {0};
        weir_status status = weir_decompressor_step(decompressor, in, &out, &error);
        expect_eq(status, error.status);
        if (out == NULL) return status;
        expect(weir_buf_is_readable(out) && weir_buf_readable(out) <= most);
        blob_add(to, out);
    }
}

blob weir_unpack(weir_compression format, const weir_decompressor_options *options, const blob *from,
                 blob_cut cut, weir_status *status) {
    static const weir_decompressor_options unlimited = {.output_max = UINT64_MAX, .ratio_max = UINT_MAX};
    if (options == NULL) options = &unlimited;
    weir_decompressor *decompressor;
    blob to = blob_new(0);
    size_t at = 0, most = options->piece == 0 ? 16384 : options->piece;
    *status = weir_decompressor_new(&decompressor, format, options);
    if (*status != WEIR_OK) return to;
    for (weir_buf *in; *status == WEIR_OK && (in = blob_next(from, &at, cut)) != NULL;) {
        *status = unpack_more(decompressor, in, most, &to);
        expect(*status != WEIR_OK || !weir_buf_is_readable(in));
        weir_buf_release(in);
    }
    if (*status == WEIR_OK) *status = weir_decompressor_end(decompressor);
    expect_eq(weir_decompressor_made(decompressor) >= to.len, true);
    weir_decompressor_free(decompressor);
    return to;
}
