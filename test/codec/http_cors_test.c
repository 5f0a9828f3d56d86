/* http_cors_test.c - what other origins may do. */
#include <weir/codec/http_cors.h>
#include <weir/testing.h>

#define VARY "Vary: Origin\n"
#define VARY_ALL "Vary: Origin, Access-Control-Request-Method, Access-Control-Request-Headers\n"

static const char *const origins[] = {"https://a.example", "https://b.example:8443"};

static weir_http_cors_options app(void) {
    return (weir_http_cors_options){
        .origins = origins, .origin_count = 2, .methods = "PUT, DELETE", .headers = "X-Token, Content-Type"};
}

static void expect_answer(weir_http_cors_options options, const char *method, const char *origin,
                          const char *wants, const char *headers, weir_http_cors expected,
                          const char *fields) {
    weir_http_cors_request request = {weir_bytes_str(method), weir_bytes_str(origin), weir_bytes_str(wants),
                                      weir_bytes_str(headers)};
    weir_http_cors_answer answer;
    char text[512] = "";
    size_t at = 0;
    weir_test_context("%s from %s", method, origin);
    expect_eq(weir_http_cors_check(&options, &request, &answer), expected);
    for (unsigned i = 0; i < answer.count; i++) {
        at += (size_t)snprintf(text + at, sizeof text - at, "%s: %.*s\n", answer.list[i].name,
                               (int)answer.list[i].value.len, (const char *)answer.list[i].value.ptr);
    }
    expect_str(text, fields);
}

WEIR_TEST(http_cors, allows_the_origins_of_its_list) {
    expect_answer(app(), "GET", NULL, NULL, NULL, WEIR_HTTP_CORS_NONE, VARY);
    expect_answer(app(), "GET", "https://a.example", NULL, NULL, WEIR_HTTP_CORS_ALLOWED,
                  VARY "Access-Control-Allow-Origin: https://a.example\n");
    static const char *const others[] = {
        "https://a.example.evil", "http://a.example",  "https://A.example", "null", "",
        "https://b.example",      "https://a.example/"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        expect_answer(app(), "GET", others[i], NULL, NULL, WEIR_HTTP_CORS_REFUSED, VARY);
    }
}

WEIR_TEST(http_cors, says_what_else_is_allowed) {
    weir_http_cors_options options = app();
    options.allow_credentials = true;
    options.exposed = "X-Total";
    expect_answer(options, "POST", "https://a.example", NULL, NULL, WEIR_HTTP_CORS_ALLOWED,
                  VARY
                  "Access-Control-Allow-Origin: https://a.example\nAccess-Control-Allow-Credentials: true\n"
                  "Access-Control-Expose-Headers: X-Total\n");
    options.allow_null = true;
    expect_answer(options, "GET", "null", NULL, NULL, WEIR_HTTP_CORS_ALLOWED,
                  VARY "Access-Control-Allow-Origin: null\nAccess-Control-Allow-Credentials: true\n"
                       "Access-Control-Expose-Headers: X-Total\n");
}

WEIR_TEST(http_cors, answers_preflights) {
    weir_http_cors_options options = app();
    options.max_age = 600;
    options.allow_credentials = true;
    expect_answer(
        options, "OPTIONS", "https://a.example", "PUT", "x-token, content-type", WEIR_HTTP_CORS_PREFLIGHT,
        VARY_ALL "Access-Control-Allow-Origin: https://a.example\nAccess-Control-Allow-Credentials: true\n"
                 "Access-Control-Allow-Methods: PUT\nAccess-Control-Allow-Headers: x-token, content-type\n"
                 "Access-Control-Max-Age: 600\n");
    expect_answer(app(), "OPTIONS", "https://a.example", "GET", NULL, WEIR_HTTP_CORS_PREFLIGHT,
                  VARY_ALL
                  "Access-Control-Allow-Origin: https://a.example\nAccess-Control-Allow-Methods: GET\n");
    expect_answer(app(), "OPTIONS", "https://a.example", "PATCH", NULL, WEIR_HTTP_CORS_REFUSED, VARY_ALL);
    expect_answer(app(), "OPTIONS", "https://a.example", "put", NULL, WEIR_HTTP_CORS_REFUSED, VARY_ALL);
    expect_answer(app(), "OPTIONS", "https://a.example", "PUT", "x-other", WEIR_HTTP_CORS_REFUSED, VARY_ALL);
    expect_answer(app(), "OPTIONS", "https://c.example", "PUT", NULL, WEIR_HTTP_CORS_REFUSED, VARY_ALL);
    expect_answer(app(), "OPTIONS", "https://a.example", NULL, NULL, WEIR_HTTP_CORS_ALLOWED,
                  VARY "Access-Control-Allow-Origin: https://a.example\n"); /* an OPTIONS like any other */
}

WEIR_TEST(http_cors, echoes_only_names_of_fields) {
    weir_http_cors_options options = app();
    options.headers = "*";
    expect_answer(options, "OPTIONS", "https://a.example", "PUT", "x-any", WEIR_HTTP_CORS_PREFLIGHT,
                  VARY_ALL
                  "Access-Control-Allow-Origin: https://a.example\nAccess-Control-Allow-Methods: PUT\n"
                  "Access-Control-Allow-Headers: x-any\n");
    expect_answer(options, "OPTIONS", "https://a.example", "PUT", "x y", WEIR_HTTP_CORS_REFUSED, VARY_ALL);
}

WEIR_TEST(http_cors, allows_everybody_without_credentials) {
    expect_answer((weir_http_cors_options){.any_origin = true}, "GET", "https://x", NULL, NULL,
                  WEIR_HTTP_CORS_ALLOWED, "Access-Control-Allow-Origin: *\n");
    expect_answer((weir_http_cors_options){.any_origin = true}, "GET", NULL, NULL, NULL, WEIR_HTTP_CORS_NONE,
                  "");
    expect_abort(expect_answer((weir_http_cors_options){.any_origin = true, .allow_credentials = true}, "GET",
                               "https://x", NULL, NULL, WEIR_HTTP_CORS_ALLOWED, ""),
                 "every site could act as its visitors");
}
