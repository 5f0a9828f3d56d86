/* http_date_test.c - dates of RFC 9110 5.6.7. */
#include <weir/codec/http_date.h>
#include <weir/testing.h>

#define EXAMPLE 784111777 /* Sun, 06 Nov 1994 08:49:37 GMT */
#define NOW 1750000000    /* 2025-06-15 */

static void expect_date(const char *text, int64_t now, int64_t expected) {
    int64_t seconds = 0;
    weir_test_context("%s", text);
    expect(weir_http_date_parse(weir_bytes_str(text), now, &seconds));
    expect_eq(seconds, expected);
}

static void expect_format(int64_t seconds, const char *expected) {
    char text[WEIR_HTTP_DATE_SIZE];
    weir_http_date_format(seconds, text);
    expect_same_bytes(weir_bytes_of(text, sizeof text), weir_bytes_str(expected));
}

WEIR_TEST(http_date, reads_the_three_forms) {
    expect_date("Sun, 06 Nov 1994 08:49:37 GMT", NOW, EXAMPLE);
    expect_date("Sunday, 06-Nov-94 08:49:37 GMT", NOW, EXAMPLE);
    expect_date("Sun Nov  6 08:49:37 1994", NOW, EXAMPLE);
    expect_date("Wed Nov 16 08:49:37 1994", NOW, EXAMPLE + 10 * 86400);
}

WEIR_TEST(http_date, reads_the_edges_of_the_calendar) {
    expect_date("Thu, 01 Jan 1970 00:00:00 GMT", NOW, 0);
    expect_date("Wed, 31 Dec 1969 23:59:59 GMT", NOW, -1);
    expect_date("Tue, 29 Feb 2000 12:00:00 GMT", NOW, 951825600);
    expect_date("Sat, 01 Jan 0000 00:00:00 GMT", NOW, WEIR_HTTP_DATE_MIN);
    expect_date("Fri, 31 Dec 9999 23:59:59 GMT", NOW, WEIR_HTTP_DATE_MAX);
    expect_date("Sat, 31 Dec 2016 23:59:60 GMT", NOW, 1483228800); /* a leap second */
}

WEIR_TEST(http_date, takes_two_digits_for_the_year_that_is_at_most_50_ahead) {
    expect_date("Saturday, 15-Jun-75 15:06:40 GMT", NOW, 3327836800);        /* 50 years to the second */
    expect_date("Sunday, 15-Jun-75 15:06:41 GMT", NOW, 172076801);           /* and one more: past */
    expect_date("Thursday, 31-Dec-99 23:59:59 GMT", 3600000000, 4102444799); /* in 2084, 99 is 2099 */
}

WEIR_TEST(http_date, refuses_what_is_none) {
    static const char *const wrong[] = {
        "",
        "Sun, 06 Nov 1994 08:49:37",
        "Sun, 06 Nov 1994 08:49:37 gmt",
        "Sun, 06 Nov 1994 08:49:37 GMT ",
        " Sun, 06 Nov 1994 08:49:37 GMT",
        "Sun, 06 nov 1994 08:49:37 GMT",
        "sun, 06 Nov 1994 08:49:37 GMT",
        "Mon, 06 Nov 1994 08:49:37 GMT",
        "Xxx, 06 Nov 1994 08:49:37 GMT",
        "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun, 00 Nov 1994 08:49:37 GMT",
        "Thu, 31 Nov 1994 08:49:37 GMT",
        "Wed, 29 Feb 1995 08:49:37 GMT",
        "Thu, 29 Feb 1900 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:00:00 GMT",
        "Sun, 06 Nov 1994 08:60:37 GMT",
        "Sun, 06 Nov 1994 08:49:61 GMT",
        "Sun, 06 Nov 19a4 08:49:37 GMT",
        "Sun, 06-Nov-94 08:49:37 GMT",
        "Sunday, 06-Nov-1994 08:49:37 GMT",
        "Someday, 06-Nov-94 08:49:37 GMT",
        "Sunday, 06-Foo-94 08:49:37 GMT",
        "Sun Nov 06 08:49:37 94",
        "Sun Nov  x 08:49:37 1994",
        "0",
        "-1",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        int64_t seconds = 7;
        weir_test_context("%s", wrong[i]);
        expect(!weir_http_date_parse(weir_bytes_str(wrong[i]), NOW, &seconds));
        expect_eq(seconds, 7);
    }
}

WEIR_TEST(http_date, writes_what_it_reads) {
    expect_format(EXAMPLE, "Sun, 06 Nov 1994 08:49:37 GMT");
    expect_format(0, "Thu, 01 Jan 1970 00:00:00 GMT");
    expect_format(WEIR_HTTP_DATE_MIN, "Sat, 01 Jan 0000 00:00:00 GMT");
    expect_format(WEIR_HTTP_DATE_MAX, "Fri, 31 Dec 9999 23:59:59 GMT");
    for (int64_t at = WEIR_HTTP_DATE_MIN; at <= WEIR_HTTP_DATE_MAX; at += 86400 * 17 + 12345) {
        char text[WEIR_HTTP_DATE_SIZE];
        int64_t seconds = 0;
        weir_http_date_format(at, text);
        if (!weir_http_date_parse(weir_bytes_of(text, sizeof text), NOW, &seconds) || seconds != at) {
            require(expect_eq(seconds, at));
        }
    }
}

WEIR_TEST(http_date, writes_the_last_year_there_is_for_what_lies_beyond) {
    expect_format(INT64_MIN, "Sat, 01 Jan 0000 00:00:00 GMT");
    expect_format(INT64_MAX, "Fri, 31 Dec 9999 23:59:59 GMT");
}

WEIR_TEST(http_date, formats_a_line_once_a_second) {
    weir_http_date_cache cache = {0};
    expect_bytes(weir_http_date_line(&cache, 0), "Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n");
    cache.text[6] = 't';
    expect_bytes(weir_http_date_line(&cache, 0), "Date: thu, 01 Jan 1970 00:00:00 GMT\r\n");
    expect_bytes(weir_http_date_line(&cache, EXAMPLE), "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n");
}
