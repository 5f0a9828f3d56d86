/* http_conditions_test.c - the order of RFC 9110 13.2.2, case by case. */
#include <weir/codec/http_conditions.h>
#include <weir/testing.h>

#define BEFORE "Sun, 06 Nov 1994 08:49:36 GMT"
#define THEN "Sun, 06 Nov 1994 08:49:37 GMT"
#define AFTER "Sun, 06 Nov 1994 08:49:38 GMT"
#define CHANGED INT64_C(784111777) /* THEN */

enum {
    SAME = 1,
    FAILED = 412,
    UNCHANGED = 304,
    WHOLE = 200,
};

typedef struct row {
    const char *method;
    const char *match, *unmodified, *none_match, *modified, *range;
    int expected;
} row;

static int verdict_of(const row *self, const weir_http_validators *now_is) {
    weir_http_conditions conditions = {
        .if_match = weir_bytes_str(self->match),
        .if_unmodified_since = weir_bytes_str(self->unmodified),
        .if_none_match = weir_bytes_str(self->none_match),
        .if_modified_since = weir_bytes_str(self->modified),
        .if_range = weir_bytes_str(self->range),
    };
    switch (weir_http_conditions_check(&conditions, weir_bytes_str(self->method), now_is, CHANGED + 100)) {
    case WEIR_HTTP_PROCEED: return SAME;
    case WEIR_HTTP_IGNORE_RANGE: return WHOLE;
    case WEIR_HTTP_NOT_MODIFIED: return UNCHANGED;
    case WEIR_HTTP_PRECONDITION_FAILED: return FAILED;
    }
    return 0;
}

static void check(const row *rows, size_t count, const weir_http_validators *now_is) {
    for (size_t i = 0; i < count; i++) {
        weir_test_context("row %zu", i);
        expect_eq(verdict_of(&rows[i], now_is), rows[i].expected);
    }
}

#define CHECK(rows, now_is) check(rows, sizeof rows / sizeof *rows, now_is)

static weir_http_validators file(void) {
    return (weir_http_validators){
        .etag = {.text = weir_bytes_str("x")}, .has_last_modified = true, .last_modified = CHANGED};
}

WEIR_TEST(http_conditions, proceed_without_any) {
    static const row rows[] = {{.method = "GET", .expected = SAME}, {.method = "PUT", .expected = SAME}};
    weir_http_validators now_is = file();
    CHECK(rows, &now_is);
}

WEIR_TEST(http_conditions, if_match_comes_first_and_compares_strongly) {
    static const row rows[] = {
        {"PUT", "\"x\"", NULL, NULL, NULL, NULL, SAME},
        {"PUT", "\"y\", \"x\"", NULL, NULL, NULL, NULL, SAME},
        {"PUT", "\"y\"", NULL, NULL, NULL, NULL, FAILED},
        {"PUT", "W/\"x\"", NULL, NULL, NULL, NULL, FAILED},
        {"PUT", "*", NULL, NULL, NULL, NULL, SAME},
        {"PUT", "junk", NULL, NULL, NULL, NULL, FAILED},
        {"PUT", "\"x\"", BEFORE, NULL, NULL, NULL, SAME}, /* If-Unmodified-Since does not count beside it */
        {"PUT", "\"y\"", AFTER, NULL, NULL, NULL, FAILED},
        {"GET", "\"x\"", NULL, "\"x\"", NULL, NULL, UNCHANGED}, /* holds: on to the next */
        {"GET", "\"y\"", NULL, "\"x\"", NULL, NULL, FAILED},
    };
    weir_http_validators now_is = file();
    CHECK(rows, &now_is);
}

WEIR_TEST(http_conditions, if_unmodified_since_compares_dates) {
    static const row rows[] = {
        {"PUT", NULL, BEFORE, NULL, NULL, NULL, FAILED}, {"PUT", NULL, THEN, NULL, NULL, NULL, SAME},
        {"PUT", NULL, AFTER, NULL, NULL, NULL, SAME},    {"PUT", NULL, "yesterday", NULL, NULL, NULL, SAME},
        {"GET", NULL, BEFORE, NULL, NULL, NULL, FAILED},
    };
    weir_http_validators now_is = file();
    CHECK(rows, &now_is);
    now_is.has_last_modified = false;
    expect_eq(verdict_of(&rows[0], &now_is), SAME);
}

WEIR_TEST(http_conditions, if_none_match_compares_weakly) {
    static const row rows[] = {
        {"GET", NULL, NULL, "\"x\"", NULL, NULL, UNCHANGED},
        {"HEAD", NULL, NULL, "W/\"x\"", NULL, NULL, UNCHANGED},
        {"GET", NULL, NULL, "*", NULL, NULL, UNCHANGED},
        {"GET", NULL, NULL, "\"y\"", NULL, NULL, SAME},
        {"PUT", NULL, NULL, "\"x\"", NULL, NULL, FAILED},
        {"PUT", NULL, NULL, "*", NULL, NULL, FAILED},
        {"PUT", NULL, NULL, "\"y\"", NULL, NULL, SAME},
        {"GET", NULL, NULL, "junk", NULL, NULL, SAME},
        {"PUT", NULL, NULL, "junk", NULL, NULL, FAILED}, /* nothing is overwritten on a riddle */
        {"GET", NULL, NULL, "\"y\"", AFTER, NULL, SAME}, /* If-Modified-Since does not count beside it */
    };
    weir_http_validators now_is = file();
    CHECK(rows, &now_is);
}

WEIR_TEST(http_conditions, if_modified_since_is_for_get_and_head) {
    static const row rows[] = {
        {"GET", NULL, NULL, NULL, BEFORE, NULL, SAME},      {"GET", NULL, NULL, NULL, THEN, NULL, UNCHANGED},
        {"HEAD", NULL, NULL, NULL, AFTER, NULL, UNCHANGED}, {"POST", NULL, NULL, NULL, AFTER, NULL, SAME},
        {"GET", NULL, NULL, NULL, "0", NULL, SAME},         {"get", NULL, NULL, NULL, AFTER, NULL, SAME},
    };
    weir_http_validators now_is = file();
    CHECK(rows, &now_is);
    now_is.has_last_modified = false;
    expect_eq(verdict_of(&rows[1], &now_is), SAME);
}

WEIR_TEST(http_conditions, if_range_wants_the_same_version) {
    static const row rows[] = {
        {"GET", NULL, NULL, NULL, NULL, "\"x\"", SAME},
        {"GET", NULL, NULL, NULL, NULL, "\"y\"", WHOLE},
        {"GET", NULL, NULL, NULL, NULL, "W/\"x\"", WHOLE},
        {"GET", NULL, NULL, NULL, NULL, THEN, SAME},
        {"GET", NULL, NULL, NULL, NULL, AFTER, WHOLE},
        {"GET", NULL, NULL, NULL, NULL, BEFORE, WHOLE},
        {"GET", NULL, NULL, NULL, NULL, "junk", WHOLE},
        {"HEAD", NULL, NULL, NULL, NULL, "junk", SAME},
        {"GET", NULL, NULL, "\"x\"", NULL, "\"y\"", UNCHANGED},
    };
    weir_http_validators now_is = file();
    CHECK(rows, &now_is);
    /* a file that changed this very second may change again within it (8.8.2.2) */
    expect(!weir_http_if_range_holds(weir_bytes_str(THEN), &now_is, CHANGED));
    expect(weir_http_if_range_holds(weir_bytes_str(THEN), &now_is, CHANGED + 1));
}

WEIR_TEST(http_conditions, nothing_matches_what_is_not_there) {
    static const row rows[] = {
        {"PUT", NULL, NULL, "*", NULL, NULL, SAME}, /* make it, but do not overwrite it */
        {"PUT", "*", NULL, NULL, NULL, NULL, FAILED},
        {"GET", NULL, NULL, NULL, NULL, "\"x\"", WHOLE},
        {"GET", NULL, NULL, NULL, AFTER, NULL, SAME},
    };
    CHECK(rows, (&(weir_http_validators){.is_missing = true}));
}
