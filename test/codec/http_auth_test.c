/* http_auth_test.c - Basic authentication, RFC 7617, and base64, RFC 4648 10. */
#include <weir/buffer.h>
#include <weir/codec/http_auth.h>
#include <weir/testing.h>

static void expect_both_ways(const char *user, const char *password, const char *field) {
    weir_buf *out = weir_buf_new(0);
    weir_buf *scratch = weir_buf_new(0);
    weir_http_basic basic = {weir_bytes_str(user), weir_bytes_str(password)};
    weir_http_basic read = {0};
    weir_http_basic_format(&basic, out);
    expect_same_bytes(weir_buf_peek(out), weir_bytes_str(field));
    expect(weir_http_basic_parse(weir_bytes_str(field), scratch, &read));
    expect_same_bytes(read.user, basic.user);
    expect_same_bytes(read.password, basic.password);
    weir_buf_release(out);
    weir_buf_release(scratch);
}

WEIR_TEST(http_basic, is_written_and_read) {
    expect_both_ways("Aladdin", "open sesame", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
    expect_both_ways("test", "123\xc2\xa3", "Basic dGVzdDoxMjPCow==");
    expect_both_ways("", "", "Basic Og==");
    expect_both_ways("a", "b:c", "Basic YTpiOmM=");
    expect_both_ways("f", "o", "Basic Zjpv");
}

WEIR_TEST(http_basic, is_refused_when_it_is_none) {
    static const char *const wrong[] = {
        "",           "Basic",          "Basic ",     "Bearer Og==", "BasicOg==",
        "Basic Og=",  "Basic Og",       "Basic O===", "Basic Oh==",  "Basic Zm9v",
        "Basic Zj_v", "Basic Zg==Zjpv", "Basic CTo=", "Basic ====",  "Basic Z=pv"};
    weir_buf *scratch = weir_buf_new(0);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        weir_http_basic basic;
        weir_test_context("%s", wrong[i]);
        expect(!weir_http_basic_parse(weir_bytes_str(wrong[i]), scratch, &basic));
        expect_eq(weir_buf_readable(scratch), 0);
    }
    weir_http_basic basic;
    expect(weir_http_basic_parse(weir_bytes_str("bAsIc  Og== "), scratch, &basic));
    weir_buf_release(scratch);
}

WEIR_TEST(http_basic, is_not_written_when_it_could_not_be_read) {
    static const char *const wrong[][2] = {{"a:b", "c"}, {"a\n", "c"}, {"a", "\x7f"}};
    for (size_t i = 0; i < 3; i++) {
        weir_buf *out = weir_buf_new(0);
        weir_http_basic_format(&(weir_http_basic){weir_bytes_str(wrong[i][0]), weir_bytes_str(wrong[i][1])},
                               out);
        expect_status(weir_buf_status(out), WEIR_E_INVALID);
        weir_buf_release(out);
    }
}

WEIR_TEST(http_secret, is_equal_or_not) {
    static const char *const rows[][2] = {{"a", "a"}, {"", ""},    {"a", "b"},  {"a", ""},
                                          {"", "a"},  {"aa", "a"}, {"a", "aa"}, {"abc", "abd"}};
    for (size_t i = 0; i < 8; i++) {
        expect_eq(weir_http_secret_equal(weir_bytes_str(rows[i][0]), weir_bytes_str(rows[i][1])), i < 2);
    }
}
