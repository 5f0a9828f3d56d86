/* bytes_test.c - views: every function at its edges. */
#include <stdint.h>

#include <weir/core/bytes.h>
#include <weir/testing.h>

static const weir_bytes nothing = {NULL, 0};

static weir_bytes view(const char *text) {
    return weir_bytes_str(text);
}

WEIR_TEST(bytes, are_equal_by_content) {
    expect(weir_bytes_is_empty(view(NULL)));
    expect(weir_bytes_is_empty(nothing));
    expect(weir_bytes_equal(nothing, view("")));
    expect(weir_bytes_equal(view("abc"), weir_bytes_of("abcd", 3)));
    expect(!weir_bytes_equal(view("abc"), view("abd")));
    expect(!weir_bytes_equal(view("abc"), view("ab")));
    expect(weir_bytes_equal_str(view("abc"), "abc"));
    expect(!weir_bytes_equal_str(weir_bytes_of("a\0", 2), "a"));
}

WEIR_TEST(bytes, compare_without_case_in_ascii_only) {
    expect(weir_bytes_equal_nocase(view("Content-Length"), view("cOnTENT-lENGTH")));
    expect(weir_bytes_equal_nocase(nothing, view("")));
    expect(!weir_bytes_equal_nocase(view("a"), view("ab")));
    expect(!weir_bytes_equal_nocase(view("@"), view("`")));
    expect(!weir_bytes_equal_nocase(view("["), view("{")));
    expect(!weir_bytes_equal_nocase(view("\xC4"), view("\xE4")));
    expect(weir_bytes_equal_nocase(view("AZ"), view("az")));
}

WEIR_TEST(bytes, compare_in_unsigned_order_with_the_prefix_first) {
    expect_eq(weir_bytes_compare(nothing, view("")), 0);
    expect(weir_bytes_compare(view("a"), view("b")) < 0);
    expect(weir_bytes_compare(view("b"), view("a")) > 0);
    expect(weir_bytes_compare(view("\xff"), view("a")) > 0);
    expect(weir_bytes_compare(view("ab"), view("abc")) < 0);
    expect(weir_bytes_compare(view("abc"), view("ab")) > 0);
    expect(weir_bytes_compare(nothing, view("a")) < 0);
    expect_eq(weir_bytes_compare(view("abc"), view("abc")), 0);
}

WEIR_TEST(bytes, know_their_ends) {
    expect(weir_bytes_starts_with(view("GET /"), view("GET ")));
    expect(weir_bytes_starts_with(view("GET"), nothing));
    expect(weir_bytes_starts_with(nothing, nothing));
    expect(!weir_bytes_starts_with(view("GE"), view("GET")));
    expect(!weir_bytes_starts_with(view("PUT"), view("GET")));
    expect(weir_bytes_ends_with(view("a.html"), view(".html")));
    expect(weir_bytes_ends_with(view("a"), nothing));
    expect(!weir_bytes_ends_with(view("l"), view("ml")));
    expect(!weir_bytes_ends_with(view("a.htm"), view(".html")));
}

WEIR_TEST(bytes, find_the_first_and_the_last_byte) {
    expect_eq(weir_bytes_find(view("abcb"), 'b'), 1);
    expect_eq(weir_bytes_find_last(view("abcb"), 'b'), 3);
    expect_eq(weir_bytes_find(view("abc"), 'x'), WEIR_NOT_FOUND);
    expect_eq(weir_bytes_find_last(view("abc"), 'x'), WEIR_NOT_FOUND);
    expect_eq(weir_bytes_find(nothing, 0), WEIR_NOT_FOUND);
    expect_eq(weir_bytes_find_last(nothing, 0), WEIR_NOT_FOUND);
    expect_eq(weir_bytes_find(weir_bytes_of("a\0b", 3), 0), 1);
    expect_eq(weir_bytes_find(weir_bytes_of("abc", 2), 'c'), WEIR_NOT_FOUND);
}

WEIR_TEST(bytes, find_a_needle) {
    expect_eq(weir_bytes_find_bytes(view("a\r\nb\r\n\r\n"), view("\r\n\r\n")), 4);
    expect_eq(weir_bytes_find_bytes(view("aab"), view("ab")), 1);
    expect_eq(weir_bytes_find_bytes(view("abc"), nothing), 0);
    expect_eq(weir_bytes_find_bytes(nothing, nothing), 0);
    expect_eq(weir_bytes_find_bytes(nothing, view("a")), WEIR_NOT_FOUND);
    expect_eq(weir_bytes_find_bytes(view("ab"), view("abc")), WEIR_NOT_FOUND);
    expect_eq(weir_bytes_find_bytes(weir_bytes_of("abcd", 3), view("cd")), WEIR_NOT_FOUND);
}

WEIR_TEST(bytes, cut_a_part_to_what_is_there) {
    expect_bytes(weir_bytes_sub(view("hello"), 1, 3), "ell");
    expect_bytes(weir_bytes_sub(view("hello"), 3, 99), "lo");
    expect_bytes(weir_bytes_sub(view("hello"), 3, SIZE_MAX), "lo");
    expect_bytes(weir_bytes_sub(view("hello"), 5, 1), "");
    expect_bytes(weir_bytes_sub(view("hello"), SIZE_MAX, SIZE_MAX), "");
    expect_eq(weir_bytes_sub(nothing, 3, 4).ptr, NULL);
}

WEIR_TEST(bytes, trim_spaces_and_tabs) {
    expect_bytes(weir_bytes_trim(view(" \t a b\t ")), "a b");
    expect_bytes(weir_bytes_trim(view("a")), "a");
    expect_bytes(weir_bytes_trim(view(" \t ")), "");
    expect_bytes(weir_bytes_trim(nothing), "");
    expect_bytes(weir_bytes_trim(view("\na\r")), "\na\r");
}

/* Pieces of `text` in brackets. */
static const char *pieces(weir_bytes rest) {
    static char joined[100];
    size_t used = 0;
    weir_bytes piece;
    joined[0] = '\0';
    while (weir_bytes_split(&rest, ',', &piece)) {
        used += (size_t)snprintf(joined + used, sizeof joined - used, "[%.*s]", (int)piece.len,
                                 (const char *)piece.ptr);
    }
    expect_eq(rest.ptr, NULL);
    return joined;
}

WEIR_TEST(bytes, split_into_all_pieces_also_empty_ones) {
    expect_str(pieces(view("a,,b")), "[a][][b]");
    expect_str(pieces(view("one")), "[one]");
    expect_str(pieces(view("")), "[]");
    expect_str(pieces(view(",")), "[][]");
    expect_str(pieces(view("a,")), "[a][]");
    expect_str(pieces(nothing), "");
}

static bool reads_u64(const char *text, uint64_t expected) {
    uint64_t value = 77;
    return weir_bytes_to_u64(view(text), &value) && value == expected;
}

static bool refuses_u64(const char *text) {
    uint64_t value = 77;
    return !weir_bytes_to_u64(view(text), &value) && value == 77;
}

WEIR_TEST(bytes, become_an_unsigned_number) {
    expect(reads_u64("0", 0));
    expect(reads_u64("18446744073709551615", UINT64_MAX));
    expect(reads_u64("00000000000000000000000000000012", 12));
    expect(refuses_u64(""));
    expect(refuses_u64("18446744073709551616"));
    expect(refuses_u64("18446744073709551620"));
    expect(refuses_u64("99999999999999999999"));
    expect(refuses_u64("-1"));
    expect(refuses_u64("+1"));
    expect(refuses_u64(" 1"));
    expect(refuses_u64("1 "));
    expect(refuses_u64("12a"));
    expect(refuses_u64("1/"));
    expect(refuses_u64("1:"));
}

static bool reads_i64(const char *text, int64_t expected) {
    int64_t value = 77;
    return weir_bytes_to_i64(view(text), &value) && value == expected;
}

static bool refuses_i64(const char *text) {
    int64_t value = 77;
    return !weir_bytes_to_i64(view(text), &value) && value == 77;
}

WEIR_TEST(bytes, become_a_signed_number) {
    expect(reads_i64("0", 0));
    expect(reads_i64("-0", 0));
    expect(reads_i64("-1", -1));
    expect(reads_i64("9223372036854775807", INT64_MAX));
    expect(reads_i64("-9223372036854775808", INT64_MIN));
    expect(refuses_i64("9223372036854775808"));
    expect(refuses_i64("-9223372036854775809"));
    expect(refuses_i64("-99999999999999999999"));
    expect(refuses_i64("-"));
    expect(refuses_i64("--1"));
    expect(refuses_i64("+1"));
    expect(refuses_i64(""));
}

static bool reads_hex(const char *text, uint64_t expected) {
    uint64_t value = 77;
    return weir_bytes_hex_to_u64(view(text), &value) && value == expected;
}

static bool refuses_hex(const char *text) {
    uint64_t value = 77;
    return !weir_bytes_hex_to_u64(view(text), &value) && value == 77;
}

WEIR_TEST(bytes, become_a_number_from_hex) {
    expect(reads_hex("0", 0));
    expect(reads_hex("fF", 255));
    expect(reads_hex("0123456789abcdef", 0x0123456789abcdef));
    expect(reads_hex("FFFFFFFFFFFFFFFF", UINT64_MAX));
    expect(refuses_hex(""));
    expect(refuses_hex("00000000000000001"));
    expect(refuses_hex("0x1"));
    expect(refuses_hex("g"));
    expect(refuses_hex("G"));
    expect(refuses_hex("@"));
    expect(refuses_hex("-1"));
}
