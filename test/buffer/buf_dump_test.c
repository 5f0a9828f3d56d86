/* buf_dump_test.c - bytes as text and back. */
#include <weir/testing.h>
#include <weir/testing/buf_kinds.h>

/* ---- tables ----------------------------------------------------------------------------------- */

static const char table[] = "00000000  47 45 54 20 2f 20 48 54  54 50 2f 31 2e 31 0d 0a  |GET / HTTP/1.1..|\n"
                            "00000010  7f 7e c3 a9                                       |.~..|\n";

static void check_table(weir_buf *buf, weir_bytes content) {
    weir_buf *out = weir_buf_new(0);
    weir_buf_dump(buf, 0, content.len, out);
    expect_same_bytes(weir_buf_peek(out), weir_bytes_str(table));
    expect(weir_buf_equal_bytes(buf, content));
    weir_buf_release(out);
}

WEIR_TEST(buf_dump, a_table_has_offset_hex_and_text) {
    weir_buf_kinds_each(WEIR_BUF_KIND_ANY, weir_bytes_str("GET / HTTP/1.1\r\n\x7f~\xc3\xa9"), check_table);
}

static void check_part_of_table(weir_buf *buf, weir_bytes content) {
    (void)content;
    weir_buf *out = weir_buf_composite_new();
    weir_buf_write_str(out, "request:\n");
    weir_buf_dump(buf, 4, 3, out);
    weir_buf_dump(buf, 4, 0, out);
    const char expected[] = "request:\n"
                            "00000000  6f 20 77                                          |o w|\n";
    expect(weir_buf_equal_bytes(out, weir_bytes_str(expected)));
    weir_buf_release(out);
}

WEIR_TEST(buf_dump, a_table_of_a_range_is_appended) {
    weir_buf_kinds_each(WEIR_BUF_KIND_ANY, weir_bytes_str("hello world"), check_part_of_table);
}

WEIR_TEST(buf_dump, misuse_stops_the_program) {
    weir_buf *buf = weir_buf_new(8), *out = weir_buf_new(8);
    weir_buf_write_str(buf, "x");
    expect_abort(weir_buf_dump(buf, 0, 1, buf), "dumped into itself");
    expect_abort(weir_buf_dump_hex(buf, buf), "dumped into itself");
    expect_abort(weir_buf_dump(buf, 1, 1, out), "readable ones");
    weir_buf_release(buf);
    weir_buf_release(out);
}

/* ---- hexadecimal ------------------------------------------------------------------------------ */

static void check_hex(weir_buf *buf, weir_bytes content) {
    weir_buf *text = weir_buf_new(0), *back = weir_buf_new(0);
    weir_buf_dump_hex(buf, text);
    expect_bytes(weir_buf_peek(text), "0009107f80ffab");
    expect_status(weir_buf_write_hex(back, weir_buf_peek(text)), WEIR_OK);
    expect_same_bytes(weir_buf_peek(back), content);
    weir_buf_release(text);
    weir_buf_release(back);
}

WEIR_TEST(buf_dump, hexadecimal_goes_there_and_back) {
    weir_buf_kinds_each(WEIR_BUF_KIND_ANY, weir_bytes_of("\x00\x09\x10\x7f\x80\xff\xab", 7), check_hex);
}

WEIR_TEST(buf_dump, hexadecimal_is_read_in_either_case_and_nothing_else) {
    weir_buf *buf = weir_buf_new(8);
    expect_status(weir_buf_write_hex(buf, weir_bytes_str("aBCd0F")), WEIR_OK);
    expect_bytes(weir_buf_peek(buf), "\xab\xcd\x0f");

    const char *const wrong[] = {"1", "abc", "0g", "0 ", "G0", "0x12", "1\x10", "@@", "``", "::", "//"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        expect_status(weir_buf_write_hex(buf, weir_bytes_str(wrong[i])), WEIR_E_INVALID);
    }
    expect_status(weir_buf_write_hex(buf, weir_bytes_of("1\0", 2)), WEIR_E_INVALID);
    expect_status(weir_buf_write_hex(buf, weir_bytes_str("")), WEIR_OK);

    expect_bytes(weir_buf_peek(buf), "\xab\xcd\x0f");
    expect_status(weir_buf_status(buf), WEIR_OK);
    weir_buf_release(buf);
}

/* ---- printf ----------------------------------------------------------------------------------- */

static void check_printf(weir_buf *buf, weir_bytes content) {
    weir_buf_printf(buf, "%s=%d;", "x", -7);
    weir_buf_printf(buf, "%s", "");
    weir_buf_printf(buf, "%*d", 1500, 9);
    expect_eq(weir_buf_readable(buf), content.len + 5 + 1500);
    expect(weir_buf_skip(buf, content.len));
    expect_bytes(weir_buf_coalesce(buf, 5), "x=-7;");
    expect(weir_buf_skip(buf, 5 + 1498));
    expect_bytes(weir_buf_coalesce(buf, 2), " 9");
}

WEIR_TEST(buf_dump, formatted_text_of_any_length_is_appended) {
    weir_buf_kinds_each(WEIR_BUF_KIND_GROWS, weir_bytes_str("before"), check_printf);
}

WEIR_TEST(buf_dump, formatted_text_needs_no_room_for_a_nul) {
    weir_buf *buf = weir_buf_new_limited(0, 600);
    weir_buf_printf(buf, "%600d", 5);
    expect_status(weir_buf_status(buf), WEIR_OK);
    expect_eq(weir_buf_readable(buf), 600u);

    weir_buf_clear(buf);
    weir_buf_printf(buf, "%601d", 5);
    expect_status(weir_buf_status(buf), WEIR_E_FULL);
    expect_eq(weir_buf_readable(buf), 0u);
    weir_buf_release(buf);
}
