/* http_message_test.c - objects: made to be sent, and those a parser gave. */
#include <weir/buffer.h>
#include <weir/codec/cumulation.h>
#include <weir/codec/http_message.h>
#include <weir/codec/http_parser.h>
#include <weir/testing.h>

#include "codec/frames.h"

WEIR_TEST(http_message, is_a_request) {
    weir_http_request *request = weir_http_request_new("GET", weir_bytes_str("/a?b=c?d"));
    require(request != NULL);
    expect_eq(request->method, WEIR_HTTP_METHOD_GET);
    expect_bytes(request->method_text, "GET");
    expect_bytes(request->target, "/a?b=c?d");
    expect_bytes(request->path, "/a");
    expect_bytes(request->query, "b=c?d");
    expect(weir_http_request_from(&request->head.obj) == request);
    expect(weir_http_response_from(&request->head.obj) == NULL);
    weir_obj_release(request);

    request = weir_http_request_new("PURGE", weir_bytes_str("*"));
    require(request != NULL);
    expect_eq(request->method, WEIR_HTTP_METHOD_OTHER);
    expect(request->path.ptr == NULL);
    expect(request->query.ptr == NULL);
    weir_obj_release(request);
}

/* As when it comes (RFC 9112 3.2). */
WEIR_TEST(http_message, has_the_path_that_its_form_of_target_has) {
    static const struct {
        const char *method, *target, *path, *query;
    } rows[] = {{"GET", "http://a.example:80/b/c?d", "/b/c", "d"},
                {"GET", "http://a.example?d", "/", "d"},
                {"CONNECT", "a.example:443", NULL, NULL},
                {"OPTIONS", "*", NULL, NULL}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        weir_http_request *request = weir_http_request_new(rows[i].method, weir_bytes_str(rows[i].target));
        require(request != NULL);
        weir_test_context("%s", rows[i].target);
        expect_same_bytes(request->path, weir_bytes_str(rows[i].path));
        expect_eq(request->path.ptr == NULL, rows[i].path == NULL);
        expect_same_bytes(request->query, weir_bytes_str(rows[i].query));
        expect_same_bytes(request->target, weir_bytes_str(rows[i].target));
        weir_obj_release(request);
    }
}

WEIR_TEST(http_message, is_no_request_with_bytes_that_split_it) {
    expect(weir_http_request_new("GET ", weir_bytes_str("/")) == NULL);
    expect(weir_http_request_new("", weir_bytes_str("/")) == NULL);
    expect(weir_http_request_new("GET", weir_bytes_str("")) == NULL);
    expect(weir_http_request_new("GET", weir_bytes_str("/ HTTP/1.1\r\nA: b")) == NULL);
    expect(weir_http_request_new("GET", weir_bytes_str("/#a")) == NULL);
}

WEIR_TEST(http_message, is_a_response_with_its_reason) {
    weir_http_response *response = weir_http_response_new(404);
    require(response != NULL);
    expect_eq(response->status, 404);
    expect_bytes(response->reason, "Not Found");
    expect(weir_http_response_from(&response->head.obj) == response);
    weir_obj_release(response);
    expect_abort({ weir_obj_release(weir_http_response_new(600)); }, "600 is no status");
}

/* More than there is room for where the message lies, and again once that was left. */
WEIR_TEST(http_message, of_a_pool_takes_any_fields) {
    weir_pool *pool = weir_pool_new(NULL);
    require(pool != NULL);
    weir_http_response *response = weir_http_response_new_in(pool, 200);
    weir_http_request *request = weir_http_request_new_in(pool, "GET", weir_bytes_str("/a"));
    require(response != NULL && request != NULL);
    weir_http_fields *of[] = {&response->head.fields, &request->head.fields};
    for (size_t i = 0; i < 2; i++) {
        expect_eq(weir_http_fields_add(of[i], WEIR_HTTP_ETAG, weir_bytes_str("\"first\"")), WEIR_OK);
        for (uint64_t n = 0; n < 100; n++)
            expect_eq(weir_http_fields_add_number(of[i], WEIR_HTTP_AGE, n), WEIR_OK);
        expect_eq(weir_http_fields_set(of[i], WEIR_HTTP_AGE, weir_bytes_str("last")), WEIR_OK);
        expect_eq(weir_http_fields_count(of[i]), 2);
        expect_bytes(weir_http_fields_get(of[i], WEIR_HTTP_ETAG), "\"first\"");
        expect_bytes(weir_http_fields_get(of[i], WEIR_HTTP_AGE), "last");
        weir_http_fields_clear(of[i]);
        expect_eq(weir_http_fields_add(of[i], WEIR_HTTP_VARY, weir_bytes_str("*")), WEIR_OK);
        expect_bytes(weir_http_fields_get(of[i], WEIR_HTTP_VARY), "*");
    }
    expect_eq(response->status, 200);
    expect_bytes(request->target, "/a");
    weir_obj_release(response);
    weir_obj_release(request);

    response = weir_http_response_new_in(pool, 404);
    require(response != NULL);
    weir_http_fields_clear(&response->head.fields); /* still at home */
    expect_bytes(response->reason, "Not Found");
    weir_obj_release(response);
    weir_pool_stats stats;
    weir_pool_get_stats(pool, &stats);
    expect_eq(stats.live, 0);
    weir_pool_free(pool);
}

WEIR_TEST(http_message, has_a_reason_for_every_usual_status) {
    expect_str(weir_http_reason(100), "Continue");
    expect_str(weir_http_reason(200), "OK");
    expect_str(weir_http_reason(431), "Request Header Fields Too Large");
    expect_str(weir_http_reason(511), "Network Authentication Required");
    expect_str(weir_http_reason(0), "Unknown");
    expect_str(weir_http_reason(299), "Unknown");
    expect_str(weir_http_reason(999), "Unknown");
}

WEIR_TEST(http_message, has_an_end_that_is_a_constant) {
    weir_obj *end = &weir_http_end_plain.obj;
    weir_obj_release(weir_obj_retain(end));
    weir_obj_release(end);
    expect(weir_http_end_from(end) == &weir_http_end_plain);
    expect_eq(weir_http_fields_count(&weir_http_end_plain.trailers), 0);
}

static weir_http_request *parse(weir_cumulation *bytes, weir_http_parser *parser, const char *text) {
    weir_obj *out;
    weir_error error;
    weir_cumulation_init(bytes, NULL);
    weir_http_parser_init(parser, WEIR_HTTP_REQUESTS, NULL);
    expect_status(weir_cumulation_add(bytes, frames_buf(text, strlen(text))), WEIR_OK);
    expect_eq(weir_cumulation_next(bytes, weir_http_parser_decode, parser, &out, &error), WEIR_DECODE_AGAIN);
    weir_http_request *request = weir_http_request_from(out);
    require(request != NULL);
    return request;
}

/* The head owns what its views show, and changing its fields does not move the start line. */
WEIR_TEST(http_message, lives_on_without_its_parser_and_can_be_changed) {
    weir_cumulation bytes;
    weir_http_parser parser;
    weir_http_request *request =
        parse(&bytes, &parser, "GET /path HTTP/1.1\r\nHost: a\r\nCookie: x\r\nX:  y \r\n\r\n");
    weir_http_parser_clear(&parser);
    weir_cumulation_clear(&bytes);
    expect_eq(parser.copied, 0);
    weir_http_fields *fields = &request->head.fields;
    expect_bytes(weir_buf_peek(fields->text), "Host: a\r\nCookie: x\r\nX:  y \r\n");
    expect_status(weir_http_fields_set(fields, WEIR_HTTP_COOKIE, weir_bytes_str("z")), WEIR_OK);
    expect_eq(weir_http_fields_remove(fields, WEIR_HTTP_HOST), 1);
    expect_bytes(request->path, "/path");
    expect_bytes(request->host, "a");
    weir_buf *out = weir_buf_new(0);
    expect_status(weir_http_fields_write(fields, out), WEIR_OK);
    expect_bytes(weir_buf_peek(out), "X: y\r\nCookie: z\r\n");
    weir_buf_release(out);
    weir_obj_release(request);
}

WEIR_TEST(http_message, is_sent_as_it_came_when_nothing_was_changed) {
    weir_cumulation bytes;
    weir_http_parser parser;
    weir_http_request *request = parse(&bytes, &parser, "GET / HTTP/1.1\r\nhOST:a\r\nX:  y \r\n\r\n");
    weir_buf *out = weir_buf_new(0);
    expect_status(weir_http_fields_write(&request->head.fields, out), WEIR_OK);
    expect_bytes(weir_buf_peek(out), "hOST:a\r\nX:  y \r\n");
    weir_buf_release(out);
    weir_obj_release(request);
    weir_http_parser_clear(&parser);
    weir_cumulation_clear(&bytes);
}
