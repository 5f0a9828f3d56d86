/* http_quality_test.c - Accept and its kin (RFC 9110 12.5). */
#include <weir/codec/http_quality.h>
#include <weir/testing.h>

typedef struct row {
    const char *field, *offer;
    unsigned quality;
} row;

static void check(weir_http_quality_fn *quality, const row *rows, size_t count) {
    for (size_t i = 0; i < count; i++) {
        weir_test_context("%s for %s", rows[i].field == NULL ? "absent" : rows[i].field, rows[i].offer);
        expect_eq(quality(weir_bytes_str(rows[i].field), weir_bytes_str(rows[i].offer)), rows[i].quality);
    }
}

#define CHECK(quality, rows) check(quality, rows, sizeof rows / sizeof *rows)

/* RFC 9110 12.5.1, table 5. */
WEIR_TEST(http_quality, of_media_types_is_that_of_the_most_exact_range) {
    static const char accept[] =
        "text/*;q=0.3, text/plain;q=0.7, text/plain;format=flowed, text/plain;format=fixed;q=0.4, */*;q=0.5";
    static const row rows[] = {
        {accept, "text/plain;format=flowed", 1000},
        {accept, "text/plain", 700},
        {accept, "text/html", 300},
        {accept, "image/jpeg", 500},
        {accept, "text/plain;format=fixed", 400},
        {accept, "text/html;level=3", 300},
        {NULL, "text/html", 1000},
        {"", "text/html", 0},
        {"audio/*; q=0.2, audio/basic", "audio/mp3", 200},
        {"text/html;q=0", "text/html", 0},
        {"TEXT/HTML;Q=0.5", "text/html", 500},
        {"a/b;c=\"x,y\";q=0.1, text/html", "text/html", 1000},
    };
    CHECK(weir_http_quality_media_type, rows);
}

/* RFC 9110 12.5.3. */
WEIR_TEST(http_quality, of_codings_knows_identity) {
    static const row rows[] = {
        {"compress, gzip", "gzip", 1000},
        {"compress, gzip", "br", 0},
        {"compress, gzip", "identity", 1},
        {"", "identity", 1},
        {"", "gzip", 0},
        {"*", "br", 1000},
        {"compress;q=0.5, gzip;q=1.0", "compress", 500},
        {"gzip;q=1.0, identity; q=0.5, *;q=0", "identity", 500},
        {"gzip;q=1.0, identity; q=0.5, *;q=0", "br", 0},
        {"gzip, *;q=0", "identity", 0},
        {"identity;q=0", "identity", 0},
        {"x-gzip;q=0.3", "gzip", 300},
        {"GZIP", "gzip", 1000},
        {NULL, "gzip", 0},
        {NULL, "identity", 1},
    };
    CHECK(weir_http_quality_coding, rows);
}

/* RFC 9110 12.5.4 and RFC 4647 3.3.1. */
WEIR_TEST(http_quality, of_languages_is_that_of_the_longest_prefix) {
    static const row rows[] = {
        {"da, en-gb;q=0.8, en;q=0.7", "da", 1000},
        {"da, en-gb;q=0.8, en;q=0.7", "en-GB", 800},
        {"da, en-gb;q=0.8, en;q=0.7", "en-US", 700},
        {"da, en-gb;q=0.8, en;q=0.7", "fr", 0},
        {"en;q=0.7, en-gb;q=0.8, *;q=0.1", "fr", 100},
        {"de-de", "de", 0},
        {"de", "den", 0},
        {"*;q=0.5, de;q=0.2", "de-AT", 200},
        {"de;q=0.2, *;q=0.5", "de-AT", 200},
        {NULL, "fr", 1000},
    };
    CHECK(weir_http_quality_language, rows);
}

WEIR_TEST(http_quality, of_tokens_is_exact_or_any) {
    static const row rows[] = {
        {"iso-8859-5, unicode-1-1;q=0.8", "unicode-1-1", 800},
        {"iso-8859-5", "utf-8", 0},
        {"utf-8;q=0.2, *;q=0.9", "UTF-8", 200},
        {"utf-8;q=0.2, *;q=0.9", "x", 900},
        {NULL, "utf-8", 1000},
    };
    CHECK(weir_http_quality_token, rows);
}

WEIR_TEST(http_quality, passes_over_elements_that_are_none) {
    static const row rows[] = {
        {"a;q=2", "a", 0},     {"a;q=1.001", "a", 0}, {"a;q=0.1234", "a", 0},   {"a;q=", "a", 0},
        {"a;q=x", "a", 0},     {"a;q=.5", "a", 0},    {"a;q=1.000", "a", 1000}, {"a;q=0.", "a", 0},
        {"a;q=1.", "a", 1000}, {"a;q=-1", "a", 0},    {"a;q=0.001", "a", 1},    {";q=1, a", "a", 1000},
        {"b c, a", "a", 1000}, {"a;x", "a", 0},
    };
    CHECK(weir_http_quality_token, rows);
}

WEIR_TEST(http_quality, chooses_what_is_wanted_most_and_the_first_of_equals) {
    static const char *const offers[] = {"br", "gzip", "identity"};
    weir_http_quality_fn *coding = weir_http_quality_coding;
    expect_eq(weir_http_quality_choose(coding, weir_bytes_str("gzip, br"), offers, 3), 0);
    expect_eq(weir_http_quality_choose(coding, weir_bytes_str("gzip, br;q=0.9"), offers, 3), 1);
    expect_eq(weir_http_quality_choose(coding, weir_bytes_str("deflate"), offers, 3), 2);
    expect_eq(weir_http_quality_choose(coding, weir_bytes_str("deflate, *;q=0"), offers, 3), WEIR_NOT_FOUND);
    expect_eq(weir_http_quality_choose(coding, weir_bytes_of(NULL, 0), offers, 3), 2);
}
