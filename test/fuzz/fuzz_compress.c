/* fuzz_compress.c - decoders of every format: no input may break them, and no cut may change what they give. What they
 * take apart is then put together again by the encoder, and has to come back.
 *
 * The first byte chooses the format and whether deflate may have no header, the second how the rest is cut.
 */
#include <weir/buffer.h>
#include <weir/codec/compressor.h>
#include <weir/codec/decompressor.h>

#include "fuzz/fuzz.h"

enum {
    HEADER = 2,
    OUTPUT_MOST = 1 << 18,
    PIECE = 1000
};

static weir_buf *wrap(const uint8_t *bytes, size_t n) {
    weir_buf *buf = weir_buf_wrap_const(bytes, n);
    MUST(buf != NULL);
    return buf;
}

/* Takes: in, or NULL. */
static weir_status unpack_some(weir_decompressor *decompressor, weir_buf *in, weir_buf *all) {
    weir_status status;
    weir_buf *out;
    do {
        status = weir_decompressor_step(decompressor, in, &out, NULL);
        if (out == NULL) break;
        MUST(status == WEIR_OK && weir_buf_is_readable(out) && weir_buf_readable(out) <= PIECE);
        weir_buf_write_buf(all, out, weir_buf_readable(out));
        weir_buf_release(out);
    } while (true);
    MUST(status != WEIR_OK || in == NULL || !weir_buf_is_readable(in));
    weir_buf_release(in);
    return status;
}

/* Gives: all that came, and in `*status` how it ended. */
static weir_buf *unpack(weir_compression format, bool or_deflate, const uint8_t *bytes, size_t n, size_t step,
                        weir_status *status) {
    weir_decompressor *decompressor;
    weir_decompressor_options options = {.output_max = OUTPUT_MOST, .or_deflate = or_deflate, .piece = PIECE};
    weir_buf *all = weir_buf_new(0);
    MUST(all != NULL && weir_decompressor_new(&decompressor, format, &options) == WEIR_OK);
    *status = WEIR_OK;
    for (size_t at = 0; at < n && *status == WEIR_OK; at += step)
        *status = unpack_some(decompressor, wrap(bytes + at, n - at < step ? n - at : step), all);
    if (*status == WEIR_OK) *status = weir_decompressor_end(decompressor);
    MUST(weir_buf_readable(all) <= OUTPUT_MOST);
    MUST(weir_decompressor_taken(decompressor) <= n);
    weir_decompressor_free(decompressor);
    return all;
}

static weir_buf *pack(weir_compression format, const uint8_t *bytes, size_t n, size_t step, unsigned syncs) {
    static const int levels[WEIR_COMPRESSIONS] = {1, 1, 1, 2, 1, 1, 0};
    weir_compressor *compressor;
    weir_compressor_options options = {.level = levels[format], .piece = PIECE};
    weir_buf *all = weir_buf_new(0), *out;
    MUST(all != NULL && weir_compressor_new(&compressor, format, &options) == WEIR_OK);
    for (size_t at = 0; at <= n; at += step) {
        weir_compress_flush flush =
            n - at < step ? WEIR_COMPRESS_FINISH : (weir_compress_flush)(syncs >> at / step % 8 & 1);
        weir_buf *in = wrap(bytes + at, n - at < step ? n - at : step);
        do {
            MUST(weir_compressor_step(compressor, in, flush, &out) == WEIR_OK);
            if (out != NULL) weir_buf_write_buf(all, out, weir_buf_readable(out));
            weir_buf_release(out);
        } while (out != NULL);
        MUST(!weir_buf_is_readable(in));
        weir_buf_release(in);
    }
    weir_compressor_free(compressor);
    return all;
}

static bool is_same(const weir_buf *one, const weir_buf *other) {
    return weir_bytes_equal(weir_buf_peek(one), weir_buf_peek(other));
}

static void pack_again(weir_compression format, weir_buf *plain, size_t step, unsigned syncs) {
    weir_status status;
    weir_bytes bytes = weir_buf_peek(plain);
    if (bytes.len > 1 << 14 || bytes.len / step > 1000) return;
    weir_buf *packed = pack(format, bytes.ptr, bytes.len, step, syncs);
    weir_bytes small = weir_buf_peek(packed);
    weir_buf *back = unpack(format, false, small.ptr, small.len, small.len, &status);
    MUST((status == WEIR_OK && is_same(back, plain)) || status == WEIR_E_LIMIT);
    weir_buf_release(back);
    weir_buf_release(packed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size <= HEADER) return 0;
    weir_compression format = (weir_compression)(data[0] % WEIR_COMPRESSIONS);
    bool or_deflate = format == WEIR_COMPRESSION_ZLIB && data[0] >= 128;
    size_t step = data[1] % 97 + 1u, n = size - HEADER;
    weir_status whole_status, cut_status;
    weir_buf *whole = unpack(format, or_deflate, data + HEADER, n, n, &whole_status);
    weir_buf *cut = unpack(format, or_deflate, data + HEADER, n, step, &cut_status);
    if (whole_status == WEIR_OK || cut_status == WEIR_OK)
        MUST(whole_status == cut_status && is_same(whole, cut));
    pack_again(format, whole, step, data[1]);
    weir_buf_release(whole);
    weir_buf_release(cut);
    return 0;
}
