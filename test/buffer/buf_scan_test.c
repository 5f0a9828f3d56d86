/* buf_scan_test.c - sets of bytes and last needles, on every kind of buf, against a loop over an array. */
#include <stdlib.h>

#include <weir/testing.h>
#include <weir/testing/buf_kinds.h>

static size_t expected_in(weir_bytes content, size_t from, const char *set, size_t set_len, bool wanted) {
    for (size_t i = from; i < content.len; i++) {
        if ((memchr(set, content.ptr[i], set_len) != NULL) == wanted) return i;
    }
    return WEIR_NOT_FOUND;
}

static size_t expected_last(weir_bytes content, const char *set, size_t set_len, bool wanted) {
    for (size_t i = content.len; i-- > 0;) {
        if ((memchr(set, content.ptr[i], set_len) != NULL) == wanted) return i;
    }
    return WEIR_NOT_FOUND;
}

/* Set at hand, and the bytes it must hold. */
static const struct {
    const weir_byte_set *set;
    const char *bytes;
    size_t len;
} sets[] = {
    {&weir_byte_set_nul, "\0", 1},      {&weir_byte_set_cr, "\r", 1},     {&weir_byte_set_lf, "\n", 1},
    {&weir_byte_set_crlf, "\r\n", 2},   {&weir_byte_set_blank, " \t", 2}, {&weir_byte_set_comma, ",", 1},
    {&weir_byte_set_semicolon, ";", 1},
};

enum {
    SETS = sizeof sets / sizeof sets[0]
};

static void check_sets(weir_buf *buf, weir_bytes content) {
    for (size_t i = 0; i < SETS; i++) {
        for (size_t from = 0; from <= content.len + 1; from++) {
            expect_eq(weir_buf_find_in(buf, from, sets[i].set),
                      expected_in(content, from, sets[i].bytes, sets[i].len, true));
            expect_eq(weir_buf_find_out(buf, from, sets[i].set),
                      expected_in(content, from, sets[i].bytes, sets[i].len, false));
        }
        expect_eq(weir_buf_find_last_in(buf, sets[i].set),
                  expected_last(content, sets[i].bytes, sets[i].len, true));
        expect_eq(weir_buf_find_last_out(buf, sets[i].set),
                  expected_last(content, sets[i].bytes, sets[i].len, false));
    }
    expect(weir_buf_equal_bytes(buf, content));
}

WEIR_TEST(buf_scan, bytes_in_and_out_of_a_set_are_found_both_ways) {
    weir_buf_kinds_each(WEIR_BUF_KIND_ANY, weir_bytes_of("a:\t b,c;\r\n\0\n", 12), check_sets);
    weir_buf_kinds_each(WEIR_BUF_KIND_ANY, weir_bytes_str("\r\n\r\n"), check_sets);
    weir_buf_kinds_each(WEIR_BUF_KIND_ANY, weir_bytes_str(" \t \t\t"), check_sets);
}

WEIR_TEST(buf_scan, a_set_holds_what_it_is_made_of_and_nothing_else) {
    weir_byte_set set = weir_byte_set_of(weir_bytes_of("\0?@\x7f\x80\xff", 6));
    for (unsigned byte = 0; byte < 256; byte++) {
        expect_eq(weir_byte_set_has(&set, (uint8_t)byte), memchr("\0?@\x7f\x80\xff", (int)byte, 6) != NULL);
    }
}

static void check_nothing_readable(weir_buf *buf, weir_bytes content) {
    weir_buf_skip(buf, content.len);
    expect_eq(weir_buf_find_in(buf, 0, &weir_byte_set_lf), WEIR_NOT_FOUND);
    expect_eq(weir_buf_find_last_in(buf, &weir_byte_set_lf), WEIR_NOT_FOUND);
    expect_eq(weir_buf_find_last_out(buf, &weir_byte_set_lf), WEIR_NOT_FOUND);
    expect_eq(weir_buf_find_last_bytes(buf, weir_bytes_str("x")), WEIR_NOT_FOUND);
    expect_eq(weir_buf_find_last_bytes(buf, weir_bytes_str("")), 0u);
}

WEIR_TEST(buf_scan, what_was_read_is_not_searched) {
    weir_buf_kinds_each(WEIR_BUF_KIND_ANY, weir_bytes_str("x\nx"), check_nothing_readable);
    weir_buf_kinds_each(WEIR_BUF_KIND_ANY, weir_bytes_str(""), check_nothing_readable);
}

/* ---- the last needle -------------------------------------------------------------------------- */

static size_t expected_last_needle(weir_bytes content, weir_bytes needle) {
    for (size_t at = content.len + 1; at-- > 0;) {
        if (needle.len <= content.len - at && memcmp(content.ptr + at, needle.ptr, needle.len) == 0)
            return at;
    }
    return WEIR_NOT_FOUND;
}

static void check_last_needles(weir_buf *buf, weir_bytes content) {
    for (size_t at = 0; at < content.len; at++) {
        for (size_t len = 0; at + len <= content.len; len++) {
            weir_bytes needle = weir_bytes_sub(content, at, len);
            expect_eq(weir_buf_find_last_bytes(buf, needle), expected_last_needle(content, needle));
        }
    }
    expect_eq(weir_buf_find_last_bytes(buf, weir_bytes_str("zz")), WEIR_NOT_FOUND);
    expect_eq(weir_buf_find_last_bytes(buf, weir_bytes_str("longer than all of it is")), WEIR_NOT_FOUND);
}

WEIR_TEST(buf_scan, the_last_needle_is_found_across_every_seam) {
    weir_buf_kinds_each(WEIR_BUF_KIND_ANY, weir_bytes_str("abaababaabaab"), check_last_needles);
}

/* Needles around and beyond 64 bytes, over two letters, in parts of random sizes. */
WEIR_TEST(buf_scan, long_last_needles_are_found_where_a_loop_finds_them) {
    unsigned seed = 11;
    uint8_t text[400], word[120];
    for (int round = 0; round < 600; round++) {
        for (size_t i = 0; i < sizeof text; i++) text[i] = rand_r(&seed) % 40 == 0 ? 'b' : 'a';
        weir_bytes content = weir_bytes_of(text, sizeof text);
        size_t len = 1 + (size_t)rand_r(&seed) % sizeof word;
        memcpy(word, text + (size_t)rand_r(&seed) % (sizeof text - len), len);
        if (round % 3 == 0) word[(size_t)rand_r(&seed) % len] ^= 3;
        weir_buf *buf = weir_buf_composite_new();
        for (size_t at = 0, n; at < content.len; at += n) {
            n = 1 + (size_t)rand_r(&seed) % 50;
            weir_bytes piece = weir_bytes_sub(content, at, n);
            weir_buf_composite_append(buf, weir_buf_wrap_const(piece.ptr, piece.len));
        }
        weir_test_context("round %d", round);
        expect_eq(weir_buf_find_last_bytes(buf, weir_bytes_of(word, len)),
                  expected_last_needle(content, weir_bytes_of(word, len)));
        weir_buf_release(buf);
    }
}
