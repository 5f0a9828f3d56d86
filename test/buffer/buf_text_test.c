/* buf_text_test.c - UTF-8 checked and written, against a decoder of another kind and the tables of RFC 3629. */
#include <weir/testing.h>
#include <weir/testing/buf_kinds.h>

/* ---- a decoder that works the other way round: decode first, judge the number ------------------ */

/* The length of the character at the front, or 0 when there is none. */
static size_t judge(const uint8_t *p, size_t n) {
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t len = p[0] < 0x80 ? 1 : p[0] >> 5 == 6 ? 2 : p[0] >> 4 == 14 ? 3 : p[0] >> 3 == 30 ? 4 : 0;
    if (len == 0 || len > n) return 0;
    uint32_t number = len == 1 ? p[0] : p[0] & (0xffu >> (len + 1));
    for (size_t i = 1; i < len; i++) {
        if (p[i] >> 6 != 2) return 0;
        number = number << 6 | (p[i] & 0x3f);
    }
    bool is_surrogate = number >= 0xd800 && number < 0xe000;
    return number < least[len] || number > 0x10ffff || is_surrogate ? 0 : len;
}

static bool is_right(const uint8_t *p, size_t n) {
    for (size_t len; n > 0; p += len, n -= len) {
        if ((len = judge(p, n)) == 0) return false;
    }
    return true;
}

static bool feed_all(const uint8_t *p, size_t n) {
    weir_utf8 text = {0};
    return weir_utf8_feed(&text, weir_bytes_of(p, n)) && weir_utf8_is_whole(&text);
}

/* ---- checking --------------------------------------------------------------------------------- */

WEIR_TEST(buf_text, every_pair_of_bytes_is_judged_as_by_decoding) {
    for (uint32_t i = 0; i < 0x10000; i++) {
        uint8_t bytes[2] = {(uint8_t)(i >> 8), (uint8_t)i};
        if (feed_all(bytes, 2) != is_right(bytes, 2)) weir_test_fail(__FILE__, __LINE__, "bytes %04x", i);
    }
}

/* Three and four bytes, behind every lead byte, with what follows drawn from the edges. */
WEIR_TEST(buf_text, every_edge_of_longer_characters_is_judged_as_by_decoding) {
    static const uint8_t edges[] = {0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc2, 0xff};
    enum {
        EDGES = sizeof edges
    };
    for (unsigned lead = 0xc0; lead < 0x100; lead++) {
        for (size_t i = 0; i < (size_t)EDGES * EDGES * EDGES; i++) {
            uint8_t bytes[4] = {(uint8_t)lead, edges[i % EDGES], edges[i / EDGES % EDGES],
                                edges[i / EDGES / EDGES]};
            for (size_t n = 1; n <= 4; n++) {
                if (feed_all(bytes, n) == is_right(bytes, n)) continue;
                weir_test_fail(__FILE__, __LINE__, "lead %02x, edges %zu, %zu bytes", lead, i, n);
            }
        }
    }
}

static void check_right(weir_buf *buf, weir_bytes content) {
    expect(weir_buf_is_utf8(buf));
    expect_eq(weir_buf_is_ascii(buf), memchr(content.ptr, 0xc3, content.len) == NULL);
    expect(weir_buf_equal_bytes(buf, content));
}

WEIR_TEST(buf_text, a_character_cut_in_two_by_a_seam_is_whole) {
    weir_buf_kinds_each(WEIR_BUF_KIND_ANY,
                        weir_bytes_str("d\xc3\xa9j\xc3\xa0 \xe2\x82\xac \xf0\x9f\x8c\x8a!"), check_right);
    weir_buf_kinds_each(WEIR_BUF_KIND_ANY, weir_bytes_str("plain and simple text"), check_right);
}

static void check_wrong(weir_buf *buf, weir_bytes content) {
    expect(!weir_buf_is_utf8(buf));
    expect(!weir_buf_is_ascii(buf));
    (void)content;
}

WEIR_TEST(buf_text, wrong_bytes_are_seen_behind_any_seam) {
    static const char *const wrong[] = {
        "0123456789abc\x80",         /* a byte that only continues */
        "0123456789abc\xc3",         /* an unfinished character */
        "0123456789\xc0\xaf",        /* overlong */
        "01234567\xed\xa0\x80z",     /* a surrogate */
        "01234567\xf4\x90\x80\x80z", /* above U+10FFFF */
        "0123456\xe2\x82z9",         /* broken off */
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        weir_buf_kinds_each(WEIR_BUF_KIND_ANY, weir_bytes_str(wrong[i]), check_wrong);
    }
}

WEIR_TEST(buf_text, a_stream_says_where_it_went_wrong_and_never_recovers) {
    weir_utf8 text = {0};
    expect(weir_utf8_feed(&text, weir_bytes_str("0123456789 \xe2\x82")));
    expect(!weir_utf8_is_whole(&text));
    expect(weir_utf8_feed(&text, weir_bytes_str("\xac")));
    expect(weir_utf8_is_whole(&text));
    expect(!weir_utf8_feed(&text, weir_bytes_str("0123456789\xff"
                                                 "abc")));
    expect_eq(text.checked, 24u);
    expect(!weir_utf8_feed(&text, weir_bytes_str("abc")));
    expect(!weir_utf8_is_whole(&text));
    expect_eq(text.checked, 24u);
}

WEIR_TEST(buf_text, one_byte_that_is_not_ascii_is_seen_at_any_place) {
    uint8_t bytes[40];
    memset(bytes, 'a', sizeof bytes);
    for (size_t at = 0; at < sizeof bytes; at++) {
        bytes[at] = 0x80;
        weir_buf *buf = weir_buf_wrap_const(bytes, sizeof bytes);
        weir_utf8 text = {0};
        weir_test_context("at %zu", at);
        expect(!weir_buf_is_utf8(buf));
        expect(!weir_buf_is_ascii(buf));
        expect(!weir_utf8_feed(&text, weir_bytes_of(bytes, sizeof bytes)));
        expect_eq(text.checked, at);
        weir_buf_release(buf);
        bytes[at] = 'a';
    }
}

/* ---- writing ---------------------------------------------------------------------------------- */

WEIR_TEST(buf_text, every_character_is_written_as_it_is_checked) {
    weir_buf *buf = weir_buf_new(8);
    for (uint32_t point = 0; point < 0x110000; point += point < 0x3000 ? 1 : 7) {
        if (point >= 0xd800 && point < 0xe000) continue;
        weir_buf_clear(buf);
        weir_buf_write_utf8(buf, point);
        weir_bytes bytes = weir_buf_peek(buf);
        if (bytes.len == weir_utf8_size(point) && judge(bytes.ptr, bytes.len) == bytes.len) continue;
        weir_test_fail(__FILE__, __LINE__, "code point %04x", point);
    }
    weir_buf_release(buf);
}

static void check_written(weir_buf *buf, weir_bytes content) {
    static const uint32_t points[] = {'$',      0xa3,   0x7ff,  0x20ac,   0xffff,    0x10348,
                                      0x10ffff, 0xd800, 0xdfff, 0x110000, UINT32_MAX};
    for (size_t i = 0; i < sizeof points / sizeof points[0]; i++) weir_buf_write_utf8(buf, points[i]);
    expect(weir_buf_skip(buf, content.len));
    expect(
        weir_buf_equal_bytes(buf, weir_bytes_str("$\xc2\xa3\xdf\xbf\xe2\x82\xac\xef\xbf\xbf\xf0\x90\x8d\x88"
                                                 "\xf4\x8f\xbf\xbf\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
                                                 "\xef\xbf\xbd")));
    expect_eq(weir_utf8_size(0xd800), 3u);
}

WEIR_TEST(buf_text, what_is_no_character_is_written_as_its_replacement) {
    weir_buf_kinds_each(WEIR_BUF_KIND_GROWS, weir_bytes_str("before"), check_written);
}

#define FFFD "\xef\xbf\xbd"

/* The examples of the Unicode Standard, tables 3-8 to 3-11, and some ends. */
static void check_lossy(weir_buf *buf, weir_bytes content) {
    static const char *const examples[][2] = {
        {"\xc0\xaf\xe0\x80\xbf\xf0\x81\x82\x41", FFFD FFFD FFFD FFFD FFFD FFFD FFFD FFFD "A"},
        {"\xed\xa0\x80\xed\xbf\xbf\xed\xaf\x41", FFFD FFFD FFFD FFFD FFFD FFFD FFFD FFFD "A"},
        {"\xf4\x91\x92\x93\xff\x41\x80\xbf\x42", FFFD FFFD FFFD FFFD FFFD "A" FFFD FFFD "B"},
        {"\xe1\x80\xe2\xf0\x91\x92\xf1\xbf\x41", FFFD FFFD FFFD FFFD "A"},
        {"caf\xc3\xa9", "caf\xc3\xa9"},
        {"caf\xc3", "caf" FFFD},
        {"\xf0\x9f\x8c", FFFD},
        {"", ""},
    };
    weir_buf_skip(buf, content.len);
    for (size_t i = 0; i < sizeof examples / sizeof examples[0]; i++) {
        weir_buf_write_utf8_lossy(buf, weir_bytes_str(examples[i][0]));
        expect(weir_buf_is_utf8(buf));
        expect(weir_buf_equal_bytes(buf, weir_bytes_str(examples[i][1])));
        weir_buf_skip(buf, weir_buf_readable(buf));
    }
}

WEIR_TEST(buf_text, broken_text_is_replaced_as_the_unicode_standard_shows) {
    weir_buf_kinds_each(WEIR_BUF_KIND_GROWS, weir_bytes_str("before"), check_lossy);
}
