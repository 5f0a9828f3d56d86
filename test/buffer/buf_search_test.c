/* buf_search_test.c - finding and comparing, in one piece and across parts. */
#include <stdlib.h>

#include <weir/testing.h>
#include <weir/testing/buf_kinds.h>

static weir_buf *composite_of(weir_bytes content, size_t part) {
    weir_buf *buf = weir_buf_composite_new();
    for (size_t at = 0; at < content.len; at += part) {
        weir_bytes piece = weir_bytes_sub(content, at, part);
        expect_status(weir_buf_composite_append(buf, weir_buf_wrap_const(piece.ptr, piece.len)), WEIR_OK);
    }
    return buf;
}

static size_t offset_of(const uint8_t *hit, weir_bytes content) {
    return hit == NULL ? WEIR_NOT_FOUND : (size_t)(hit - content.ptr);
}

/* ---- one byte --------------------------------------------------------------------------------- */

static void check_bytes(weir_buf *buf, weir_bytes content) {
    for (size_t from = 0; from <= content.len + 1; from++) {
        weir_bytes rest = weir_bytes_sub(content, from, content.len);
        for (const char *byte = "abcx"; *byte != '\0'; byte++) {
            const uint8_t *hit = rest.len == 0 ? NULL : memchr(rest.ptr, *byte, rest.len);
            expect_eq(weir_buf_find(buf, from, (uint8_t)*byte), offset_of(hit, content));
        }
        const uint8_t *any = rest.ptr;
        while (any < content.ptr + content.len && *any != 'b' && *any != 'c') any++;
        size_t expected =
            rest.len > 0 && any < content.ptr + content.len ? offset_of(any, content) : WEIR_NOT_FOUND;
        expect_eq(weir_buf_find_any(buf, from, weir_bytes_str("cb")), expected);
    }
    for (const char *byte = "abcx"; *byte != '\0'; byte++) {
        const uint8_t *last = memrchr(content.ptr, *byte, content.len);
        expect_eq(weir_buf_find_last(buf, (uint8_t)*byte), offset_of(last, content));
    }
    expect_eq(weir_buf_find_any(buf, 0, weir_bytes_str("")), WEIR_NOT_FOUND);
}

WEIR_TEST(buf_search, a_byte_is_found_first_last_and_from_anywhere) {
    weir_buf_kinds_each(WEIR_BUF_KIND_ANY, weir_bytes_str("aabaacaabacaadaab"), check_bytes);
}

static void check_not_in_headroom(weir_buf *buf, weir_bytes content) {
    expect(weir_buf_skip(buf, 2));
    expect_eq(weir_buf_find(buf, 0, content.ptr[0]), WEIR_NOT_FOUND);
    expect_eq(weir_buf_find_last(buf, content.ptr[0]), WEIR_NOT_FOUND);
    expect_eq(weir_buf_find_last(buf, content.ptr[2]), 0u);
}

WEIR_TEST(buf_search, what_was_read_is_not_found_any_more) {
    weir_buf_kinds_each(WEIR_BUF_KIND_ANY, weir_bytes_str("xyabc"), check_not_in_headroom);
}

/* ---- many bytes ------------------------------------------------------------------------------- */

static void check_needles(weir_buf *buf, weir_bytes content) {
    for (size_t at = 0; at < content.len; at++) {
        for (size_t len = 1; at + len <= content.len; len += 2) {
            weir_bytes needle = weir_bytes_sub(content, at, len);
            for (size_t from = 0; from <= at; from += 1 + at / 3) {
                weir_bytes rest = weir_bytes_sub(content, from, content.len);
                const uint8_t *hit = memmem(rest.ptr, rest.len, needle.ptr, needle.len);
                expect_eq(weir_buf_find_bytes(buf, from, needle), offset_of(hit, content));
            }
        }
    }
    expect_eq(weir_buf_find_bytes(buf, 3, weir_bytes_str("")), 3u);
    expect_eq(weir_buf_find_bytes(buf, content.len, weir_bytes_str("")), content.len);
    expect_eq(weir_buf_find_bytes(buf, content.len + 1, weir_bytes_str("")), WEIR_NOT_FOUND);
    expect_eq(weir_buf_find_bytes(buf, 0, weir_bytes_str("abd")), WEIR_NOT_FOUND);
    expect_eq(weir_buf_find_bytes(buf, SIZE_MAX, weir_bytes_str("a")), WEIR_NOT_FOUND);
}

WEIR_TEST(buf_search, a_needle_is_found_across_every_seam) {
    weir_buf_kinds_each(WEIR_BUF_KIND_ANY, weir_bytes_str("abaababaabaababaababa"), check_needles);
    weir_buf_kinds_each(WEIR_BUF_KIND_ANY, weir_bytes_str("aaaabaaaabaaaac"), check_needles);
}

static size_t below(unsigned *seed, unsigned n) {
    return (size_t)rand_r(seed) % n;
}

static void fill_with_two_letters(unsigned *seed, uint8_t *text, size_t len, unsigned rarity) {
    for (size_t i = 0; i < len; i++) text[i] = below(seed, rarity) == 0 ? 'b' : 'a';
}

/* Against memmem, on words over two letters: the hardest for a search that skips. */
WEIR_TEST(buf_search, random_needles_are_found_where_memmem_finds_them) {
    unsigned seed = 7;
    uint8_t text[300], word[40];
    for (int round = 0; round < 3000; round++) {
        unsigned rarity = 2 + (unsigned)below(&seed, 6);
        fill_with_two_letters(&seed, text, sizeof text, rarity);
        fill_with_two_letters(&seed, word, sizeof word, rarity);
        weir_bytes content = weir_bytes_of(text, 1 + below(&seed, sizeof text));
        weir_bytes needle = weir_bytes_of(word, 1 + below(&seed, sizeof word));
        if (round % 2 == 0) needle = weir_bytes_sub(content, below(&seed, (unsigned)content.len), needle.len);
        weir_buf *buf = composite_of(content, 1 + below(&seed, 50));
        const uint8_t *hit = memmem(content.ptr, content.len, needle.ptr, needle.len);
        weir_test_context("round %d", round);
        expect_eq(weir_buf_find_bytes(buf, 0, needle), offset_of(hit, content));
        weir_buf_release(buf);
    }
}

/* A search that starts anew at each seam would compare 2.5 billion bytes here, over as many parts; one that
 * is linear some hundred thousand. */
WEIR_TEST(buf_search, a_long_needle_over_many_tiny_parts_takes_linear_time) {
    enum {
        TEXT = 100000,
        NEEDLE = 50000
    };
    static uint8_t text[TEXT], word[NEEDLE];
    memset(text, 'a', TEXT);
    memset(word, 'a', NEEDLE);
    word[NEEDLE - 1] = 'b';
    weir_buf *tiny = composite_of(weir_bytes_of(text, TEXT), 1);

    expect_eq(weir_buf_find_bytes(tiny, 0, weir_bytes_of(word, NEEDLE)), WEIR_NOT_FOUND);
    expect_eq(weir_buf_find_bytes(tiny, 1, weir_bytes_of(text, NEEDLE)), 1u);
    weir_buf_write_u8(tiny, 'b');
    expect_eq(weir_buf_find_bytes(tiny, 0, weir_bytes_of(word, NEEDLE)), (size_t)TEXT - NEEDLE + 1);

    weir_buf_release(tiny);
}

/* ---- visiting --------------------------------------------------------------------------------- */

struct visit {
    uint8_t bytes[64];
    size_t len, parts, stop_after;
};

static bool collect(void *arg, weir_bytes part) {
    struct visit *self = arg;
    memcpy(self->bytes + self->len, part.ptr, part.len);
    self->len += part.len;
    self->parts++;
    return self->parts != self->stop_after;
}

static void check_visits(weir_buf *buf, weir_bytes content) {
    for (size_t at = 0; at <= content.len; at++) {
        for (size_t len = 0; at + len <= content.len; len++) {
            struct visit visit = {.stop_after = SIZE_MAX};
            expect(weir_buf_visit(buf, at, len, collect, &visit));
            expect_same_bytes(weir_bytes_of(visit.bytes, visit.len), weir_bytes_sub(content, at, len));
        }
    }
    struct visit stopped = {.stop_after = 1};
    expect(!weir_buf_visit(buf, 0, content.len, collect, &stopped));
    expect_eq(stopped.parts, 1u);
}

WEIR_TEST(buf_search, a_visitor_sees_every_byte_once_and_may_stop) {
    weir_buf_kinds_each(WEIR_BUF_KIND_ANY, weir_bytes_str("visit me in parts"), check_visits);
}

/* ---- comparing -------------------------------------------------------------------------------- */

static int sign(int number) {
    return (number > 0) - (number < 0);
}

static void check_order(weir_buf *buf, weir_bytes content) {
    static const char *const others[] = {"",          "m",   "middle", "middle\x80", "middle way",
                                         "middleman", "mid", "n",      "a",          "\xff"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        weir_bytes other = weir_bytes_str(others[i]);
        int expected = sign(weir_bytes_compare(content, other));
        for (size_t part = 1; part < 4; part++) {
            weir_buf *against = composite_of(other, part);
            expect_eq(sign(weir_buf_compare(buf, against)), expected);
            expect_eq(sign(weir_buf_compare(against, buf)), -expected);
            expect_eq(weir_buf_equal(buf, against), expected == 0);
            expect_eq(weir_buf_equal_bytes(buf, other), expected == 0);
            expect_eq(weir_buf_hash(buf) == weir_buf_hash(against), expected == 0);
            weir_buf_release(against);
        }
    }
}

WEIR_TEST(buf_search, bufs_compare_by_their_readable_bytes_however_they_are_cut) {
    weir_buf_kinds_each(WEIR_BUF_KIND_ANY, weir_bytes_str("middle"), check_order);
}

/* Published values of the function (Fowler, Noll, Vo). */
WEIR_TEST(buf_search, the_hash_is_fnv_1a) {
    weir_buf *empty = weir_buf_wrap_const("", 0), *a = weir_buf_wrap_const("a", 1);
    weir_buf *foobar = weir_buf_wrap_const("foobar", 6);

    expect_eq(weir_buf_hash(empty), 0xcbf29ce484222325u);
    expect_eq(weir_buf_hash(a), 0xaf63dc4c8601ec8cu);
    expect_eq(weir_buf_hash(foobar), 0x85944171f73967e8u);

    weir_buf_release(empty);
    weir_buf_release(a);
    weir_buf_release(foobar);
}
