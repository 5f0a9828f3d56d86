/* http_decompressor_limits_test.c - bombs, and what is corrupt, cut short, or followed by something. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "codec/http_coded_rig.h"

/* ---- bombs ---- */

static bytes bomb(void) {
    bytes inner = coded_zeros(10 << 20, GZIP);
    bytes out = coded_pack(inner.ptr, inner.len, GZIP);
    free(inner.ptr);
    return out;
}

WEIR_TEST(http_decompressor_limits, stops_a_bomb_by_its_ratio) {
    coded_begin();
    coded_feed_sized("gzip, gzip", bomb(), 100000);
    expect(coded.n <= 65536 + 16384 && coded_saw("head 2 0\nWEIR_E_LIMIT\n"));
    expect(coded_wrote("HTTP/1.1 413") && weir_embedded_is_shut(coded.e));
    coded_end();
    coded_begin_client();
    coded_feed_sized("gzip", coded_zeros(10 << 20, GZIP), 100000);
    expect(coded.n < 10 << 20 && coded_saw("head 2 0\nWEIR_E_LIMIT\n") && !weir_embedded_is_open(coded.e));
    coded_end();
}

WEIR_TEST(http_decompressor_limits, stops_what_is_larger_than_allowed) {
    for (int more = 0; more < 2; more++) {
        coded_clear();
        coded.options = (weir_http_decompressor_options){.output_max = 1 << 20, .ratio_max = UINT_MAX};
        coded_start();
        coded_feed_sized("gzip", coded_zeros((1 << 20) + (size_t)more, GZIP), 100000);
        expect(coded.n <= 1 << 20);
        expect(coded_saw(more ? "head 2 0\nWEIR_E_LIMIT\n" : DECODED) &&
               coded_wrote(more ? "HTTP/1.1 413" : "HTTP/1.1 204"));
        coded_end();
    }
}

WEIR_TEST(http_decompressor_limits, counts_what_is_between_two_codings) {
    coded_begin();
    bytes empty = coded_pack("", 0, GZIP), many = {malloc(200000 * empty.len), 200000 * empty.len};
    require(many.ptr != NULL);
    for (size_t i = 0; i < 200000; i++) memcpy(many.ptr + i * empty.len, empty.ptr, empty.len);
    bytes both = coded_pack(many.ptr, many.len, GZIP);
    free(empty.ptr);
    free(many.ptr);
    coded_feed_sized("gzip, gzip", both, 100000);
    expect(coded.n == 0 && coded_saw("head 2 0\nWEIR_E_LIMIT\n") && coded_wrote("HTTP/1.1 413"));
    coded_end();
}

/* ---- what is broken ---- */

static void refuses(const char *coding, bytes body, bool is_client) {
    if (is_client) {
        coded_begin_client();
    } else {
        coded_begin();
    }
    coded_feed_sized(coding, body, 11);
    expect(coded_saw("head 2 0\nWEIR_E_FRAME_CORRUPT\n"));
    expect(is_client ? !weir_embedded_is_open(coded.e) : coded_wrote("HTTP/1.1 400"));
    coded_end();
}

static bytes cut(bytes body, size_t n) {
    body.len -= n;
    return body;
}

static bytes spoil(bytes body, size_t at) {
    body.ptr[at] ^= 0x55;
    return body;
}

static bytes garbage(void) {
    return coded_pack("", 0, RAW);
}

WEIR_TEST(http_decompressor_limits, refuses_what_is_corrupt_cut_short_or_followed_by_something) {
    for (int is_client = 0; is_client < 2; is_client++) {
        refuses("gzip", cut(coded_text(GZIP), 1), is_client);
        refuses("gzip", cut(coded_text(GZIP), 20), is_client);
        refuses("deflate", cut(coded_text(RAW), 1), is_client);
        bytes byte = coded_text(ZLIB);
        refuses("deflate", cut(byte, byte.len - 1), is_client);
        bytes sum = coded_text(GZIP);
        refuses("gzip", spoil(sum, sum.len - 6), is_client);
        refuses("gzip", spoil(coded_text(GZIP), 0), is_client);
        refuses("gzip", coded_join(coded_text(GZIP), garbage()), is_client);
        refuses("deflate", coded_join(coded_text(ZLIB), garbage()), is_client);
        refuses("deflate", coded_join(coded_text(RAW), garbage()), is_client);
    }
}
