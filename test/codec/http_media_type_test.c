/* http_media_type_test.c - media types and their parameters (RFC 9110 8.3.1, 5.6.6). */
#include <weir/buffer.h>
#include <weir/codec/http_media_type.h>
#include <weir/testing.h>

static weir_http_media_type type_of(const char *text) {
    weir_http_media_type type = {0};
    weir_test_context("%s", text);
    expect(weir_http_media_type_parse(weir_bytes_str(text), &type));
    return type;
}

/* RFC 9110 8.3.1: these are the same. */
WEIR_TEST(http_media_type, reads_the_examples_of_the_rfc) {
    static const char *const same[] = {"text/html;charset=utf-8", "Text/HTML;Charset=\"utf-8\"",
                                       "text/html; charset=\"utf-8\"", "text/html;charset=UTF-8"};
    for (size_t i = 0; i < 4; i++) {
        weir_http_media_type type = type_of(same[i]);
        expect(weir_http_media_type_is(&type, "text/html"));
        expect(weir_bytes_equal_nocase(weir_http_media_type_charset(&type), weir_bytes_str("utf-8")));
    }
    weir_http_media_type plain = type_of("application/json");
    expect(plain.params.len == 0 && weir_http_media_type_charset(&plain).ptr == NULL);
    expect(!weir_http_media_type_is(&plain, "application/jso") && !weir_http_media_type_is(&plain, "json"));
}

WEIR_TEST(http_media_type, refuses_what_is_none) {
    static const char *const wrong[] = {"",
                                        "text",
                                        "text/",
                                        "/html",
                                        "text/ html",
                                        "text/html x",
                                        "text/html;a",
                                        "text/html;a=",
                                        "text/html; =b",
                                        "text/html;a b",
                                        "a/b;c=\"d",
                                        "a/b;c=\"d\\\"",
                                        "a/b;c=\"d\"e",
                                        "a/b; c = d",
                                        "a/b/c",
                                        "a/b;c=\"\x01\""};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        weir_http_media_type type;
        weir_test_context("%s", wrong[i]);
        expect(!weir_http_media_type_parse(weir_bytes_str(wrong[i]), &type));
    }
}

WEIR_TEST(http_param, walks_over_all_of_them) {
    weir_bytes rest = weir_bytes_str(" ;a=1; ;B=\"x;\\\"y\" ; c=\"\";");
    weir_http_param param;
    expect(weir_http_param_next(&rest, &param));
    expect_bytes(param.name, "a");
    expect(weir_http_param_next(&rest, &param));
    expect_bytes(param.value, "x;\\\"y");
    expect(param.is_escaped);
    weir_buf *out = weir_buf_new(0);
    weir_http_param_write(&param, out);
    expect_bytes(weir_buf_peek(out), "x;\"y");
    weir_buf_release(out);
    expect(weir_http_param_next(&rest, &param));
    expect_bytes(param.value, "");
    expect(!weir_http_param_next(&rest, &param));
    expect_eq(rest.len, 0);
    expect(!weir_http_param_are_valid(weir_bytes_str("a=1")));
    expect(weir_http_param_find(weir_bytes_str(";a=1;A=2"), "A", &param));
    expect_bytes(param.value, "1");
}

WEIR_TEST(http_param, is_quoted_where_it_must_be) {
    weir_buf *out = weir_buf_new(0);
    weir_http_param_format("a", weir_bytes_str("x.y"), out);
    weir_http_param_format("b", weir_bytes_str("x y\"\\"), out);
    weir_http_param_format("c", weir_bytes_str(""), out);
    expect_bytes(weir_buf_peek(out), "; a=x.y; b=\"x y\\\"\\\\\"; c=\"\"");
    weir_http_param_format("d", weir_bytes_str("x\r\ny"), out);
    expect_status(weir_buf_status(out), WEIR_E_INVALID);
    weir_buf_release(out);
}

WEIR_TEST(http_media_type, fits_into_ranges) {
    static const struct {
        const char *type, *range;
        unsigned exact;
    } rows[] = {
        {"text/html", "*/*", 1},
        {"text/html", "text/*", 2},
        {"text/html", "TEXT/HTML", 3},
        {"text/html;level=1", "text/html", 3},
        {"text/html;level=1", "text/html;level=1", 4},
        {"text/html", "text/html;level=1", 0},
        {"text/html;level=2", "text/html;level=1", 0},
        {"text/html", "text/plain", 0},
        {"text/html", "image/*", 0},
        {"text/html", "*/html", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        weir_http_media_type type = type_of(rows[i].type), range = type_of(rows[i].range);
        weir_test_context("row %zu", i);
        expect_eq(weir_http_media_type_match(&type, &range), rows[i].exact);
    }
}

WEIR_TEST(http_media_type, is_written_as_it_was_read) {
    weir_http_media_type type = type_of("multipart/form-data; boundary=\"a b\"");
    weir_buf *out = weir_buf_new(0);
    weir_http_media_type_format(&type, out);
    expect_bytes(weir_buf_peek(out), "multipart/form-data; boundary=\"a b\"");
    weir_buf_release(out);
}
