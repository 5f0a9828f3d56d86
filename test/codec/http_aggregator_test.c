/* http_aggregator_test.c - whole messages behind a server and a client, and what is too long for them. */
#include <stdio.h>

#include <weir/buffer.h>
#include <weir/codec/http_aggregator.h>
#include <weir/codec/http_client.h>
#include <weir/codec/http_server.h>
#include <weir/core/log.h>
#include <weir/testing.h>
#include <weir/transport/embedded.h>

#include "codec/http_rig.h"

static char seen[2000];
static weir_ctx *handler_ctx;

static void note_full(const weir_http_full *full) {
    size_t at = strlen(seen);
    char body[200] = {0};
    weir_buf_get_bytes(full->body, weir_buf_reader_index(full->body), body, weir_buf_readable(full->body));
    const weir_http_request *request = weir_http_full_request(full);
    const weir_http_response *response = weir_http_full_response(full);
    expect((request == NULL) != (response == NULL));
    weir_bytes trailer = weir_http_fields_get(&full->end->trailers, WEIR_HTTP_ETAG);
    snprintf(seen + at, sizeof seen - at, "%u \"%s\"%.*s\n", response != NULL ? response->status : 0, body,
             (int)trailer.len, (const char *)trailer.ptr);
}

static void on_added(weir_ctx *ctx) {
    handler_ctx = ctx;
}

static void on_read(weir_ctx *ctx, weir_obj *msg) {
    const weir_http_full *full = weir_http_full_from(msg);
    if (full != NULL) {
        note_full(full);
        if (weir_http_full_request(full) != NULL)
            weir_http_server_respond(ctx, weir_http_response_new(204), NULL, NULL);
    } else {
        strcat(seen, "piece\n");
    }
    weir_obj_release(msg);
}

static void on_error(weir_ctx *ctx, const weir_error *error) {
    (void)ctx;
    strcat(seen, weir_status_name(error->status));
}

static const weir_handler handler = {.name = "test", .added = on_added, .read = on_read, .error = on_error};

static weir_status build(weir_pipeline *pipeline, void *is_client) {
    weir_status status = is_client != NULL
                             ? weir_http_client_add(pipeline, NULL)
                             : weir_http_server_add(pipeline, &(weir_http_server_options){.no_date = true});
    if (status == WEIR_OK) status = weir_http_aggregator_add(pipeline, 10);
    return status != WEIR_OK ? status : weir_pipeline_add_last(pipeline, &handler, NULL);
}

static weir_embedded *begin(bool is_client) {
    static char yes;
    seen[0] = 0;
    weir_embedded *e = weir_embedded_new(NULL, build, is_client ? &yes : NULL);
    require(e != NULL);
    return e;
}

static void feed(weir_embedded *e, const char *text) {
    (void)weir_embedded_feed_bytes(e, text, strlen(text));
}

static bool wrote(weir_embedded *e, const char *expected) {
    weir_buf *all = weir_embedded_take_all(e);
    bool same = all != NULL && weir_buf_equal_bytes(all, weir_bytes_str(expected));
    weir_buf_release(all);
    return same;
}

#define POST "POST / HTTP/1.1\r\nHost: a\r\n"
#define NO_CONTENT "HTTP/1.1 204 No Content\r\n\r\n"

WEIR_TEST(http_aggregator, gives_whole_requests) {
    weir_embedded *e = begin(false);
    feed(e, POST "Content-Length: 10\r\n\r\n01234");
    expect_str(seen, "");
    feed(e, "56789" POST "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\nETag: t\r\n\r\n");
    feed(e, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    expect_str(seen, "0 \"0123456789\"\n0 \"abc\"t\n0 \"\"\n");
    expect(wrote(e, NO_CONTENT NO_CONTENT NO_CONTENT));
    weir_embedded_free(e);
}

#define TOO_LARGE(more)                                                                                      \
    "HTTP/1.1 413 Content Too Large\r\nContent-Type: text/plain\r\nContent-Length: 18\r\n" more              \
    "\r\nContent Too Large\n"

WEIR_TEST(http_aggregator, answers_a_request_that_is_too_long_and_drops_it) {
    weir_embedded *e = begin(false);
    feed(e, POST "Content-Length: 11\r\n\r\n0123");
    expect(wrote(e, TOO_LARGE("")));
    feed(e, "4567890" POST "Transfer-Encoding: chunked\r\n\r\n8\r\n01234567\r\n");
    expect(wrote(e, ""));
    feed(e, "8\r\n01234567\r\n");
    expect(wrote(e, TOO_LARGE("")));
    feed(e, "0\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n");
    expect(wrote(e, NO_CONTENT));
    expect_str(seen, "0 \"\"\n");
    weir_embedded_free(e);
}

WEIR_TEST(http_aggregator, sends_no_100_for_what_is_too_long) {
    weir_embedded *e = begin(false);
    feed(e, POST "Content-Length: 11\r\nExpect: 100-continue\r\n\r\n");
    expect(wrote(e, TOO_LARGE("Connection: close\r\n")));
    expect(weir_embedded_is_shut(e));
    weir_embedded_free(e);
    e = begin(false);
    feed(e, POST "Content-Length: 3\r\nExpect: 100-continue\r\n\r\n");
    expect(wrote(e, "HTTP/1.1 100 Continue\r\n\r\n"));
    feed(e, "abc");
    expect_str(seen, "0 \"abc\"\n");
    weir_embedded_free(e);
}

WEIR_TEST(http_aggregator, gives_whole_responses) {
    weir_embedded *e = begin(true);
    weir_http_client_request(handler_ctx, weir_http_request_new("GET", weir_bytes_str("/")), NULL, NULL);
    feed(e, "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n012");
    feed(e, "34");
    expect_str(seen, "piece\npiece\n200 \"01234\"\n");
    weir_embedded_free(e);
}

WEIR_TEST(http_aggregator, fails_a_response_that_is_too_long) {
    weir_embedded *e = begin(true);
    weir_http_client_request(handler_ctx, weir_http_request_new("GET", weir_bytes_str("/")), NULL, NULL);
    feed(e, "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n0123456789");
    feed(e, "0");
    expect_str(seen, "WEIR_E_FRAME_TOO_LONG");
    weir_embedded_free(e);
}

WEIR_TEST(http_aggregator, needs_a_limit) {
    weir_embedded *e = begin(false);
    expect_status(weir_http_aggregator_add(weir_embedded_pipeline(e), 0), WEIR_E_INVALID);
    weir_embedded_free(e);
}

static bool one_exchange(void *arg) {
    (void)arg;
    seen[0] = 0;
    weir_embedded *e = weir_embedded_new(NULL, build, NULL);
    if (e == NULL) return false;
    feed(e, POST "Content-Length: 10\r\n\r\n01234");
    feed(e, "56789");
    bool whole = wrote(e, NO_CONTENT);
    weir_embedded_free(e);
    return whole;
}

WEIR_TEST(http_aggregator, loses_nothing_when_memory_runs_out) {
    weir_log_set_level(WEIR_LOG_OFF);
    expect(weir_oom_sweep(one_exchange, NULL) > 5);
}
