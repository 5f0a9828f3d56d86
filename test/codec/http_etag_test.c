/* http_etag_test.c - entity tags of RFC 9110 8.8.3 and lists of them. */
#include <weir/buffer.h>
#include <weir/codec/http_etag.h>
#include <weir/testing.h>

static weir_http_etag tag(const char *text) {
    weir_http_etag etag = {0};
    require(weir_http_etag_parse(weir_bytes_str(text), &etag));
    return etag;
}

WEIR_TEST(http_etag, reads_and_writes_strong_and_weak) {
    static const char *const tags[] = {"\"xyzzy\"", "W/\"xyzzy\"", "\"\"", "\"a,b\\c'\"", "\"\xc3\xa4\""};
    for (size_t i = 0; i < 5; i++) {
        weir_http_etag etag = tag(tags[i]);
        weir_buf *out = weir_buf_new(0);
        weir_http_etag_format(&etag, out);
        expect_same_bytes(weir_buf_peek(out), weir_bytes_str(tags[i]));
        expect_eq(etag.is_weak, i == 1);
        weir_buf_release(out);
    }
}

WEIR_TEST(http_etag, refuses_what_is_none) {
    static const char *const wrong[] = {"",         "xyzzy", "\"",      "\"a",        "a\"",    "w/\"a\"",
                                        "W/ \"a\"", "W/",    "\"a b\"", "\"a\"\"b\"", "\"a\" ", "\"\x7f\""};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        weir_http_etag etag;
        weir_test_context("%s", wrong[i]);
        expect(!weir_http_etag_parse(weir_bytes_str(wrong[i]), &etag));
    }
}

WEIR_TEST(http_etag, does_not_write_a_byte_that_would_end_it) {
    weir_buf *out = weir_buf_new(0);
    weir_http_etag_format(&(weir_http_etag){.text = weir_bytes_str("a\"\r\nb")}, out);
    expect_status(weir_buf_status(out), WEIR_E_INVALID);
    expect_eq(weir_buf_readable(out), 0);
    weir_buf_release(out);
}

WEIR_TEST(http_etag, is_made_of_inode_size_and_time) {
    char memory[WEIR_HTTP_ETAG_MADE];
    expect_bytes(weir_http_etag_make(0x1f, 0, 255, memory).text, "1f-0-ff");
    weir_http_etag longest = weir_http_etag_make(UINT64_MAX, UINT64_MAX, -1, memory);
    expect_bytes(longest.text, "ffffffffffffffff-ffffffffffffffff-ffffffffffffffff");
    expect_eq(longest.text.len, WEIR_HTTP_ETAG_MADE);
}

/* RFC 9110 8.8.3.2, the table of examples. */
WEIR_TEST(http_etag, compares_as_the_table_of_the_rfc_says) {
    static const struct {
        const char *one, *other;
        bool strong, weak;
    } rows[] = {
        {"W/\"1\"", "W/\"1\"", false, true},
        {"W/\"1\"", "W/\"2\"", false, false},
        {"W/\"1\"", "\"1\"", false, true},
        {"\"1\"", "\"1\"", true, true},
    };
    for (size_t i = 0; i < 4; i++) {
        weir_http_etag one = tag(rows[i].one), other = tag(rows[i].other), none = {0};
        expect_eq(weir_http_etag_equal(&one, &other, WEIR_HTTP_ETAG_STRONG), rows[i].strong);
        expect_eq(weir_http_etag_equal(&one, &other, WEIR_HTTP_ETAG_WEAK), rows[i].weak);
        expect(!weir_http_etag_equal(&one, &none, WEIR_HTTP_ETAG_WEAK));
        expect(!weir_http_etag_equal(&none, &none, WEIR_HTTP_ETAG_WEAK));
    }
}

WEIR_TEST(http_etag, is_found_in_a_list) {
    static const struct {
        const char *list;
        weir_http_etag_found found;
    } rows[] = {
        {"\"x\"", WEIR_HTTP_ETAG_PRESENT},
        {"\"a\", W/\"b\",\"x\"", WEIR_HTTP_ETAG_PRESENT},
        {" ,, \"x\" , ", WEIR_HTTP_ETAG_PRESENT},
        {"\"a,\", \"b\"", WEIR_HTTP_ETAG_ABSENT},
        {"\"x,\"", WEIR_HTTP_ETAG_ABSENT},
        {"W/\"x\"", WEIR_HTTP_ETAG_ABSENT},
        {"*", WEIR_HTTP_ETAG_ANY},
        {" * ", WEIR_HTTP_ETAG_ANY},
        {"*, \"x\"", WEIR_HTTP_ETAG_INVALID},
        {"", WEIR_HTTP_ETAG_INVALID},
        {" , ", WEIR_HTTP_ETAG_INVALID},
        {"\"a\" \"x\"", WEIR_HTTP_ETAG_INVALID},
        {"x", WEIR_HTTP_ETAG_INVALID},
        {"\"a\", x", WEIR_HTTP_ETAG_INVALID},
    };
    weir_http_etag wanted = tag("\"x\"");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        weir_test_context("%s", rows[i].list);
        expect_eq(weir_http_etag_find(weir_bytes_str(rows[i].list), &wanted, WEIR_HTTP_ETAG_STRONG),
                  rows[i].found);
    }
    expect_eq(weir_http_etag_find(weir_bytes_str("W/\"x\""), &wanted, WEIR_HTTP_ETAG_WEAK),
              WEIR_HTTP_ETAG_PRESENT);
}
