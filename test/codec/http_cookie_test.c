/* http_cookie_test.c - cookies of RFC 6265, and the prefixes of RFC 6265bis. */
#include <weir/buffer.h>
#include <weir/codec/http_cookie.h>
#include <weir/testing.h>

WEIR_TEST(http_cookie, reads_the_example_of_the_rfc) {
    weir_http_cookie list[4];
    size_t count = 4;
    expect_status(weir_http_cookie_parse(weir_bytes_str("SID=31d4d96e407aad42; lang=en-US"), list, &count),
                  WEIR_OK);
    expect_eq(count, 2);
    expect_bytes(list[0].name, "SID");
    expect_bytes(list[0].value, "31d4d96e407aad42");
    expect_bytes(list[1].value, "en-US");
}

WEIR_TEST(http_cookie, takes_the_quotes_off) {
    weir_http_cookie cookie;
    expect(weir_http_cookie_find(weir_bytes_str("a=\"b=c\"; d="), "a", &cookie));
    expect_bytes(cookie.value, "b=c");
    expect(weir_http_cookie_find(weir_bytes_str("a=\"b=c\"; d="), "d", &cookie));
    expect_bytes(cookie.value, "");
    expect(!weir_http_cookie_find(weir_bytes_str("a=\"b=c\"; d="), "D", &cookie));
}

WEIR_TEST(http_cookie, strictly_refuses_what_lenience_passes_over) {
    static const char *const wrong[] = {"a",     "=b",     "a=b c", "a=\"b",      "a=b\"c",
                                        "a=b,c", "a=b\\c", "a b=c", "a=\xc3\xa4", "a=\x01"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char field[64];
        weir_http_cookie list[4];
        weir_http_cookie cookie;
        size_t count = 4;
        snprintf(field, sizeof field, "x=1; %s; y=2", wrong[i]);
        weir_test_context("%s", field);
        expect_status(weir_http_cookie_parse(weir_bytes_str(field), list, &count), WEIR_E_INVALID);
        expect_eq(count, 1);
        expect(weir_http_cookie_find(weir_bytes_str(field), "y", &cookie));
        expect(!weir_http_cookie_find(weir_bytes_str(field), "a", &cookie));
    }
}

WEIR_TEST(http_cookie, counts) {
    weir_http_cookie list[2];
    size_t count = 2;
    expect_status(weir_http_cookie_parse(weir_bytes_str("a=1; b=2; c=3"), list, &count), WEIR_E_LIMIT);
    expect_eq(count, 2);
}

WEIR_TEST(http_cookie, is_written_by_clients) {
    weir_buf *out = weir_buf_new(0);
    expect_status(weir_http_cookie_format(&(weir_http_cookie){weir_bytes_str("a"), weir_bytes_str("1")}, out),
                  WEIR_OK);
    expect_status(
        weir_http_cookie_format(&(weir_http_cookie){weir_bytes_str("b"), weir_bytes_str("x;y")}, out),
        WEIR_E_INVALID);
    expect_status(weir_http_cookie_format(&(weir_http_cookie){weir_bytes_str("c"), weir_bytes_str("")}, out),
                  WEIR_OK);
    expect_bytes(weir_buf_peek(out), "a=1; c=");
    weir_buf_release(out);
}

/* ---- Set-Cookie ---- */

static void expect_set(weir_http_set_cookie cookie, const char *expected) {
    weir_buf *out = weir_buf_new(0);
    expect_status(weir_http_set_cookie_format(&cookie, out), expected == NULL ? WEIR_E_INVALID : WEIR_OK);
    expect_same_bytes(weir_buf_peek(out), weir_bytes_str(expected));
    weir_buf_release(out);
}

#define NAMED(n, v) .name = weir_bytes_str(n), .value = weir_bytes_str(v)

WEIR_TEST(http_set_cookie, is_written_with_all_there_is) {
    expect_set((weir_http_set_cookie){NAMED("a", "b")}, "a=b");
    expect_set(
        (weir_http_set_cookie){NAMED("lang", "en-US"), .has_expires = true, .expires = 1623233894,
                               .has_max_age = true, .max_age = 3600, .domain = weir_bytes_str("example.com"),
                               .path = weir_bytes_str("/a"), .is_secure = true, .is_http_only = true,
                               .same_site = WEIR_HTTP_SAME_SITE_STRICT},
        "lang=en-US; Expires=Wed, 09 Jun 2021 10:18:14 GMT; Max-Age=3600; Domain=example.com; Path=/a; "
        "Secure; HttpOnly; SameSite=Strict");
    expect_set((weir_http_set_cookie){NAMED("a", ""), .has_max_age = true, .max_age = -7}, "a=; Max-Age=0");
}

WEIR_TEST(http_set_cookie, is_not_written_with_bytes_that_would_end_it) {
    expect_set((weir_http_set_cookie){NAMED("", "b")}, NULL);
    expect_set((weir_http_set_cookie){NAMED("a=", "b")}, NULL);
    expect_set((weir_http_set_cookie){NAMED("a", "b\r\nSet-Cookie: x")}, NULL);
    expect_set((weir_http_set_cookie){NAMED("a", "b; Secure")}, NULL);
    expect_set((weir_http_set_cookie){NAMED("a", "b"), .path = weir_bytes_str("/;x")}, NULL);
    expect_set((weir_http_set_cookie){NAMED("a", "b"), .domain = weir_bytes_str("x\n")}, NULL);
}

WEIR_TEST(http_set_cookie, keeps_the_promise_of_its_name) {
    weir_bytes root = weir_bytes_str("/");
    expect_set((weir_http_set_cookie){NAMED("__Secure-a", "b")}, NULL);
    expect_set((weir_http_set_cookie){NAMED("__Secure-a", "b"), .is_secure = true}, "__Secure-a=b; Secure");
    expect_set((weir_http_set_cookie){NAMED("__Host-a", "b"), .path = root}, NULL);
    expect_set((weir_http_set_cookie){NAMED("__Host-a", "b"), .is_secure = true}, NULL);
    expect_set((weir_http_set_cookie){NAMED("__host-a", "b"), .is_secure = true}, NULL);
    expect_set((weir_http_set_cookie){NAMED("__Host-a", "b"), .is_secure = true, .path = root,
                                      .domain = weir_bytes_str("a.example")},
               NULL);
    expect_set((weir_http_set_cookie){NAMED("__Host-a", "b"), .is_secure = true, .path = root},
               "__Host-a=b; Path=/; Secure");
    expect_set((weir_http_set_cookie){NAMED("a", "b"), .same_site = WEIR_HTTP_SAME_SITE_NONE}, NULL);
}

static weir_http_set_cookie read_set(const char *field) {
    weir_http_set_cookie cookie = {0};
    weir_test_context("%s", field);
    expect(weir_http_set_cookie_parse(weir_bytes_str(field), &cookie));
    return cookie;
}

WEIR_TEST(http_set_cookie, is_read_as_browsers_do) {
    weir_http_set_cookie cookie =
        read_set(" a = b c ; secure ; HTTPONLY=x; path=/x; Domain=.a.example; Max-Age=60;;"
                 " SameSite=lax; Unknown=1; Expires=Wed, 09 Jun 2021 10:18:14 GMT");
    expect_bytes(cookie.name, "a");
    expect_bytes(cookie.value, "b c");
    expect(cookie.is_secure && cookie.is_http_only);
    expect_bytes(cookie.path, "/x");
    expect_bytes(cookie.domain, "a.example");
    expect(cookie.has_max_age && cookie.max_age == 60);
    expect_eq(cookie.same_site, WEIR_HTTP_SAME_SITE_LAX);
    expect(cookie.has_expires && cookie.expires == 1623233894);

    cookie = read_set("a=b; Path=x; Max-Age=99999999999999999999; Max-Age=1x; Expires=never");
    expect(cookie.path.len == 0 && !cookie.has_expires);
    expect_eq(cookie.max_age, INT64_MAX);
    expect_eq(read_set("a=b; Max-Age=-5").max_age, 0);
}

/* RFC 6265 5.1.1. */
WEIR_TEST(http_set_cookie, reads_dates_in_any_order) {
    static const char *const same[] = {
        "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994",
        "1994 november 6 8:49:37",       "06-nov-1994 08:49:37 +0000",     "08:49:37pm 6 Novem 94",
    };
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        char field[80];
        snprintf(field, sizeof field, "a=b; Expires=%s", same[i]);
        expect_eq(read_set(field).expires, 784111777);
    }
    expect_eq(read_set("a=b; Expires=01 Jan 69 00:00:00").expires, 3124224000);
    static const char *const none[] = {"06 Nov 1994",          "08:49:37 Nov 1994",    "31 Feb 1994 08:49:37",
                                       "06 Nov 1600 08:49:37", "06 Nov 1994 24:00:00", "6 Nov 12345 1:1:1",
                                       "06 Nov 1994 08:49:60"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        char field[80];
        snprintf(field, sizeof field, "a=b; Expires=%s", none[i]);
        expect(!read_set(field).has_expires);
    }
}

WEIR_TEST(http_set_cookie, is_refused_where_a_browser_would) {
    static const char *const wrong[] = {
        "", "a", "=b", " =b; Secure", "a=b\x01", "__Host-a=b; Secure", "a=b; SameSite=None"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        weir_http_set_cookie cookie;
        weir_test_context("%s", wrong[i]);
        expect(!weir_http_set_cookie_parse(weir_bytes_str(wrong[i]), &cookie));
    }
}
