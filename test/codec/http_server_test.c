/* http_server_test.c - exchanges: their order, their framing, what each side is held to. See http_server.h. */
#include <weir/buffer.h>
#include <weir/codec/http_server.h>
#include <weir/core/log.h>
#include <weir/testing.h>
#include <weir/transport/event.h>
#include <weir/transport/region.h>

#include "codec/http_rig.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"
#define OK(n, body) "HTTP/1.1 200 OK\r\nContent-Length: " n "\r\n\r\n" body

static http_rig rig;

/* ---- order ---- */

WEIR_TEST(http_server, answers_pipelined_requests_in_order) {
    http_rig_begin(&rig, NULL, http_rig_at_head);
    http_rig_send(&rig, GET("/a") GET("/b") GET("/c"));
    expect_str(http_rig_wrote(&rig), OK("5", "ok /a") OK("5", "ok /b") OK("5", "ok /c"));
    expect(http_rig_saw(&rig, "GET /a\nGET /b\nGET /c\n"));
    http_rig_end(&rig);
}

WEIR_TEST(http_server, shows_one_request_until_its_answer_has_ended) {
    http_rig_begin(&rig, NULL, NULL);
    http_rig_send(&rig, GET("/a") GET("/b"));
    expect(http_rig_saw(&rig, "GET /a\nend\n"));
    expect(!weir_channel_can_read(rig.channel)); /* what waits is bounded */
    http_rig_head(&rig, 200, "2");
    http_rig_piece(&rig, "hi");
    expect(http_rig_saw(&rig, ""));
    http_rig_finish(&rig);
    expect(http_rig_saw(&rig, "GET /b\nend\n"));
    expect(weir_channel_can_read(rig.channel));
    http_rig_head(&rig, 204, NULL);
    http_rig_finish(&rig);
    expect_str(http_rig_wrote(&rig), OK("2", "hi") "HTTP/1.1 204 No Content\r\n\r\n");
    expect_eq(rig.results, 5);
    http_rig_end(&rig);
}

WEIR_TEST(http_server, does_not_stop_reading_while_nobody_pipelines) {
    http_rig_begin(&rig, NULL, NULL);
    http_rig_send(&rig, GET("/a"));
    expect(weir_channel_can_read(rig.channel));
    http_rig_end(&rig);
}

WEIR_TEST(http_server, answers_thousands_of_pipelined_requests_without_nesting) {
    enum {
        COUNT = 5000
    };
    http_rig_begin(&rig, NULL, http_rig_at_end);
    weir_buf *many = weir_buf_new(0);
    for (int i = 0; i < COUNT; i++) weir_buf_write_str(many, GET("/"));
    expect_status(weir_embedded_feed(rig.embedded, many), WEIR_OK);
    weir_buf *all = weir_embedded_take_all(rig.embedded);
    expect_eq(weir_buf_readable(all), COUNT * (sizeof OK("4", "done") - 1));
    weir_buf_release(all);
    http_rig_end(&rig);
}

/* ---- framing ---- */

static void answer_hello(http_rig *self, weir_obj *msg) {
    if (weir_http_end_from(msg) == NULL) return;
    http_rig_head(self, 200, NULL);
    http_rig_piece(self, "hello ");
    http_rig_piece(self, "");
    http_rig_piece(self, "world");
    http_rig_finish(self);
}

WEIR_TEST(http_server, sends_a_body_of_unknown_length_in_chunks) {
    http_rig_begin(&rig, NULL, answer_hello);
    http_rig_send(&rig, GET("/"));
    expect_str(http_rig_wrote(&rig),
               "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nhello \r\n5\r\nworld\r\n0\r\n\r\n");
    expect_eq(rig.results, 5);
    expect_status(rig.result, WEIR_OK);
    http_rig_end(&rig);
}

WEIR_TEST(http_server, sends_a_body_of_unknown_length_until_close_to_http_1_0) {
    http_rig_begin(&rig, NULL, answer_hello);
    http_rig_send(&rig, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    expect_str(http_rig_wrote(&rig), "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello world");
    expect(!weir_embedded_is_open(rig.embedded));
    http_rig_end(&rig);
}

WEIR_TEST(http_server, releases_bodies_that_may_not_be) {
    http_rig_begin(&rig, NULL, answer_hello);
    http_rig_send(&rig, "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
    expect_str(http_rig_wrote(&rig), "HTTP/1.1 200 OK\r\n\r\n");
    expect_eq(rig.results, 5);
    http_rig_end(&rig);

    http_rig_begin(&rig, NULL, http_rig_at_head);
    http_rig_send(&rig, "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n" GET("/"));
    expect_str(http_rig_wrote(&rig), OK("4", "") OK("4", "ok /"));
    http_rig_end(&rig);

    unsigned statuses[] = {204, 304};
    const char *heads[] = {"HTTP/1.1 204 No Content\r\n\r\n",
                           "HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n"};
    for (int i = 0; i < 2; i++) {
        http_rig_begin(&rig, NULL, NULL);
        http_rig_send(&rig, GET("/"));
        http_rig_head(&rig, statuses[i], "7");
        http_rig_piece(&rig, "no");
        http_rig_finish(&rig);
        expect_str(http_rig_wrote(&rig), heads[i]);
        expect_status(rig.result, WEIR_OK);
        http_rig_end(&rig);
    }
}

WEIR_TEST(http_server, sends_trailers_behind_chunks) {
    http_rig_begin(&rig, NULL, NULL);
    http_rig_send(&rig, GET("/"));
    http_rig_head(&rig, 200, NULL);
    weir_http_end *end = weir_http_end_new();
    require(end != NULL);
    expect_status(weir_http_fields_add(&end->trailers, WEIR_HTTP_ETAG, weir_bytes_str("\"x\"")), WEIR_OK);
    weir_ctx_write(rig.ctx, end, NULL);
    weir_embedded_run(rig.embedded);
    expect_str(http_rig_wrote(&rig),
               "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nETag: \"x\"\r\n\r\n");
    http_rig_end(&rig);
}

WEIR_TEST(http_server, puts_its_own_framing_in_the_place_of_a_transfer_encoding) {
    const char *versions[] = {GET("/"), "GET / HTTP/1.0\r\n\r\n"};
    const char *heads[] = {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
                           "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nx"};
    for (int i = 0; i < 2; i++) {
        http_rig_begin(&rig, NULL, NULL);
        http_rig_send(&rig, versions[i]);
        weir_http_response *response = weir_http_response_new(200);
        require(response != NULL);
        expect_status(weir_http_fields_add(&response->head.fields, WEIR_HTTP_TRANSFER_ENCODING,
                                           weir_bytes_str("Chunked")),
                      WEIR_OK);
        weir_ctx_write(rig.ctx, response, NULL);
        http_rig_piece(&rig, "x");
        http_rig_finish(&rig);
        expect_str(http_rig_wrote(&rig), heads[i]);
        http_rig_end(&rig);
    }
}

WEIR_TEST(http_server, sends_large_pieces_and_regions_without_copying_them) {
    http_rig_begin(&rig, NULL, NULL);
    http_rig_send(&rig, GET("/"));
    http_rig_head(&rig, 200, NULL);
    char big[2001] = {0};
    memset(big, 'x', 2000);
    weir_buf *piece = http_rig_text(big);
    weir_ctx_write(rig.ctx, weir_buf_retain(piece), NULL);
    weir_ctx_write(rig.ctx, weir_region_buf(http_rig_text("region")), NULL);
    http_rig_finish(&rig);
    weir_obj_release(weir_embedded_take(rig.embedded)); /* the head */
    weir_obj_release(weir_embedded_take(rig.embedded)); /* the size */
    weir_obj *sent = weir_embedded_take(rig.embedded);
    expect(sent == (weir_obj *)piece);
    weir_obj_release(sent);
    weir_buf_release(piece);
    expect_str(http_rig_wrote(&rig), "\r\n6\r\nregion\r\n0\r\n\r\n");
    http_rig_end(&rig);
}

WEIR_TEST(http_server, gathers_a_small_response_into_one_part) {
    http_rig_begin(&rig, NULL, http_rig_at_head);
    http_rig_send(&rig, GET("/"));
    weir_obj *one = weir_embedded_take(rig.embedded);
    expect(one != NULL);
    expect(weir_embedded_take(rig.embedded) == NULL);
    weir_obj_release(one);
    http_rig_end(&rig);
}

WEIR_TEST(http_server, aborts_when_a_body_is_longer_than_its_content_length) {
    http_rig_begin(&rig, NULL, NULL);
    http_rig_send(&rig, GET("/"));
    http_rig_head(&rig, 200, "3");
    http_rig_piece(&rig, "abcd");
    expect_status(rig.result, WEIR_E_INVALID);
    weir_embedded_run(rig.embedded);
    expect_status(weir_embedded_aborted(rig.embedded), WEIR_E_INVALID);
    http_rig_end(&rig);
}

WEIR_TEST(http_server, aborts_when_a_body_is_shorter_than_its_content_length) {
    http_rig_begin(&rig, NULL, NULL);
    http_rig_send(&rig, GET("/"));
    http_rig_head(&rig, 200, "3");
    http_rig_piece(&rig, "ab");
    http_rig_finish(&rig);
    expect_status(rig.result, WEIR_E_TRUNCATED);
    expect_status(weir_embedded_aborted(rig.embedded), WEIR_E_TRUNCATED);
    http_rig_end(&rig);
}

WEIR_TEST(http_server, aborts_when_a_piece_is_refused_by_the_channel) {
    http_rig_begin(&rig, NULL, NULL);
    http_rig_send(&rig, GET("/"));
    http_rig_head(&rig, 200, NULL);
    weir_buf *full = weir_buf_new_limited(1, 1);
    weir_buf_write_str(full, "two");
    weir_ctx_write(rig.ctx, full, http_rig_watch(&rig));
    expect_status(rig.result, WEIR_E_FULL);
    weir_embedded_run(rig.embedded);
    expect_status(weir_embedded_aborted(rig.embedded), WEIR_E_FULL);
    http_rig_end(&rig);
}

WEIR_TEST(http_server, refuses_a_head_that_contradicts_itself_and_takes_a_better_one) {
    http_rig_begin(&rig, NULL, NULL);
    http_rig_send(&rig, GET("/"));
    http_rig_head(&rig, 200, "12x");
    expect_status(rig.result, WEIR_E_INVALID);
    weir_http_response *twice = weir_http_response_new(200);
    require(twice != NULL);
    for (int i = 0; i < 2; i++)
        expect_status(weir_http_fields_add_number(&twice->head.fields, WEIR_HTTP_CONTENT_LENGTH, 0), WEIR_OK);
    weir_ctx_write(rig.ctx, twice, http_rig_watch(&rig));
    expect_status(rig.result, WEIR_E_INVALID);
    http_rig_head(&rig, 200, "0");
    http_rig_finish(&rig);
    expect_str(http_rig_wrote(&rig), OK("0", ""));
    http_rig_end(&rig);
}

WEIR_TEST(http_server, fails_what_answers_nothing) {
    http_rig_begin(&rig, NULL, NULL);
    http_rig_head(&rig, 200, "0");
    expect_status(rig.result, WEIR_E_INVALID);
    http_rig_finish(&rig);
    expect_status(rig.result, WEIR_E_INVALID);
    http_rig_send(&rig, GET("/"));
    http_rig_piece(&rig, "no head");
    expect_status(rig.result, WEIR_E_INVALID);
    http_rig_head(&rig, 200, "0");
    http_rig_head(&rig, 200, "0");
    expect_status(rig.result, WEIR_E_INVALID);
    weir_ctx_write(rig.ctx, weir_http_request_new("GET", weir_bytes_str("/")), http_rig_watch(&rig));
    expect_status(rig.result, WEIR_E_UNSUPPORTED);
    http_rig_end(&rig);
}

WEIR_TEST(http_server, fails_an_answer_that_comes_after_the_peer_has_left) {
    http_rig_begin(&rig, NULL, NULL);
    http_rig_send(&rig, GET("/"));
    weir_embedded_break(rig.embedded, WEIR_E_CLOSED);
    weir_promise *promise = http_rig_watch(&rig);
    weir_channel_write(rig.channel, weir_http_response_new(200), promise);
    expect_eq(rig.results, 1);
    expect(rig.result != WEIR_OK);
    http_rig_end(&rig);
}

/* ---- the connection ---- */

WEIR_TEST(http_server, keeps_or_closes_as_both_sides_agreed) {
    static const struct {
        const char *request, *connection;
        bool stays;
    } cases[] = {
        {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "", true},
        {"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "Connection: close\r\n", false},
        {"GET / HTTP/1.0\r\n\r\n", "Connection: close\r\n", false},
        {"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "Connection: keep-alive\r\n", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char expected[200];
        http_rig_begin(&rig, NULL, http_rig_at_head);
        http_rig_send(&rig, cases[i].request);
        snprintf(expected, sizeof expected, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n%s\r\nok /",
                 cases[i].connection);
        expect_str(http_rig_wrote(&rig), expected);
        expect_eq(weir_embedded_is_open(rig.embedded), cases[i].stays);
        http_rig_end(&rig);
    }
}

WEIR_TEST(http_server, closes_when_the_handler_says_so) {
    http_rig_begin(&rig, NULL, NULL);
    http_rig_send(&rig, GET("/"));
    weir_http_response *response = weir_http_response_new(200);
    require(response != NULL);
    expect_status(weir_http_fields_add(&response->head.fields, WEIR_HTTP_CONNECTION, weir_bytes_str("close")),
                  WEIR_OK);
    weir_http_server_respond(rig.ctx, response, NULL, NULL);
    weir_embedded_run(rig.embedded);
    expect_str(http_rig_wrote(&rig), "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    expect(!weir_embedded_is_open(rig.embedded));
    http_rig_end(&rig);
}

WEIR_TEST(http_server, closes_after_requests_max) {
    http_rig_begin(&rig, &(weir_http_server_options){.requests_max = 2}, http_rig_at_head);
    http_rig_send(&rig, GET("/a") GET("/b") GET("/c"));
    expect_str(http_rig_wrote(&rig),
               OK("5", "ok /a") "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nok /b");
    expect(http_rig_saw(&rig, "GET /a\nGET /b\n"));
    expect(weir_embedded_is_shut(rig.embedded));
    weir_embedded_feed_end(rig.embedded);
    expect(!weir_embedded_is_open(rig.embedded));
    http_rig_end(&rig);
}

WEIR_TEST(http_server, adds_server_and_date) {
    http_rig_begin(&rig, &(weir_http_server_options){.server_name = "weir"}, http_rig_at_head);
    http_rig_send(&rig, GET("/"));
    expect_str(http_rig_wrote(&rig), "HTTP/1.1 200 OK\r\nServer: weir\r\nContent-Length: 4\r\n\r\nok /");
    rig.options.server_name = "a\r\nb: c";
    expect_status(weir_http_server_add(weir_embedded_pipeline(rig.embedded), &rig.options), WEIR_E_INVALID);
    http_rig_end(&rig);
}

WEIR_TEST(http_server, answers_a_peer_that_has_ended_its_side) {
    http_rig_begin(&rig, NULL, NULL);
    http_rig_send(&rig, GET("/a") GET("/b"));
    weir_embedded_feed_end(rig.embedded);
    expect(weir_embedded_is_open(rig.embedded));
    for (int i = 0; i < 2; i++) {
        weir_http_server_respond(rig.ctx, weir_http_response_new(204), NULL, NULL);
        weir_embedded_run(rig.embedded);
    }
    expect_str(http_rig_wrote(&rig), "HTTP/1.1 204 No Content\r\n\r\n"
                                     "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
    expect(!weir_embedded_is_open(rig.embedded));
    http_rig_end(&rig);
}

/* As a TLS handler tells of a peer that is gone without its close_notify. */
static void cut(weir_ctx *ctx, weir_obj *event) {
    if (event == &weir_event_peer_closed.obj) weir_ctx_fail(ctx, WEIR_E_CUT_SHORT, "TLS");
    weir_ctx_fire_event(ctx, event);
}

static const weir_handler cutter = {.name = "cutter", .event = cut};

static void send_and_cut(const char *text, http_rig_fn *on) {
    http_rig_begin(&rig, NULL, on);
    expect_status(weir_pipeline_add_first(weir_embedded_pipeline(rig.embedded), &cutter, NULL), WEIR_OK);
    http_rig_send(&rig, text);
    weir_embedded_feed_end(rig.embedded);
}

WEIR_TEST(http_server, takes_a_connection_that_is_cut_between_requests_as_ended) {
    static const char *const before[] = {"", GET("/")};
    for (size_t i = 0; i < 2; i++) {
        send_and_cut(before[i], http_rig_at_end);
        expect(http_rig_saw(&rig, i == 0 ? "inactive\n" : "GET /\nend\ninactive\n"));
        expect_status(weir_embedded_aborted(rig.embedded), WEIR_OK);
        expect(!weir_embedded_is_open(rig.embedded));
        http_rig_end(&rig);
    }
}

WEIR_TEST(http_server, answers_who_cut_the_connection_behind_a_whole_request) {
    send_and_cut(GET("/"), NULL);
    expect(http_rig_saw(&rig, "GET /\nend\n"));
    http_rig_head(&rig, 200, "2");
    http_rig_piece(&rig, "ok");
    http_rig_finish(&rig);
    expect_str(http_rig_wrote(&rig), "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
    expect(!weir_embedded_is_open(rig.embedded));
    http_rig_end(&rig);
}

WEIR_TEST(http_server, fails_a_request_that_is_cut) {
    send_and_cut("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n12345", NULL);
    expect_eq(strstr(rig.seen, "error WEIR_E_CUT_SHORT\n") != NULL, true);
    http_rig_end(&rig);
    send_and_cut("GET / HT", NULL);
    expect_eq(strstr(rig.seen, "error WEIR_E_CUT_SHORT\n") != NULL, true);
    http_rig_end(&rig);
}

WEIR_TEST(http_server, gives_up_a_request_whose_peer_ends_inside_it) {
    http_rig_begin(&rig, NULL, NULL);
    http_rig_send(&rig, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc");
    weir_embedded_feed_end(rig.embedded);
    expect(http_rig_saw(&rig, "POST /\nbody 3 \"abc\"\nerror WEIR_E_EOF\ninactive\n"));
    expect_str(http_rig_wrote(&rig), "");
    http_rig_end(&rig);
}

/* ---- bodies nobody reads ---- */

#define POST(n) "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: " n "\r\n\r\n"

WEIR_TEST(http_server, drops_the_rest_of_a_request_behind_its_answer) {
    http_rig_begin(&rig, NULL, http_rig_at_head);
    http_rig_send(&rig, POST("6") "abc");
    http_rig_send(&rig, "def" GET("/b"));
    expect(http_rig_saw(&rig, "POST /\nGET /b\n"));
    expect_str(http_rig_wrote(&rig), OK("4", "ok /") OK("5", "ok /b"));
    http_rig_end(&rig);
}

WEIR_TEST(http_server, closes_rather_than_drop_a_long_rest) {
    http_rig_begin(&rig, &(weir_http_server_options){.drain_max = 10}, http_rig_at_head);
    http_rig_send(&rig, POST("100") "abc");
    expect_str(http_rig_wrote(&rig), "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nok /");
    expect(weir_embedded_is_shut(rig.embedded) && weir_embedded_is_open(rig.embedded));
    http_rig_end(&rig);

    http_rig_begin(&rig, &(weir_http_server_options){.drain_max = 10}, http_rig_at_head);
    http_rig_send(&rig, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n12345678\r\n");
    expect(!weir_embedded_is_shut(rig.embedded));
    http_rig_send(&rig, "8\r\n12345678\r\n");
    expect(weir_embedded_is_shut(rig.embedded));
    http_rig_end(&rig);
}

WEIR_TEST(http_server, gives_a_body_no_faster_than_it_is_read) {
    http_rig_begin(&rig, NULL, NULL);
    http_rig_send(&rig, POST("6") "ab");
    weir_channel_set_reading(rig.channel, false);
    http_rig_send(&rig, "cd");
    expect(http_rig_saw(&rig, "POST /\nbody 2 \"ab\"\n"));
    weir_channel_pull(rig.channel);
    weir_embedded_run(rig.embedded);
    expect(http_rig_saw(&rig, "body 2 \"cd\"\n"));
    weir_channel_set_reading(rig.channel, true);
    http_rig_send(&rig, "ef");
    expect(http_rig_saw(&rig, "body 2 \"ef\"\nend\n"));
    http_rig_end(&rig);
}

/* ---- memory ---- */

static void answer_from_pool(http_rig *self, weir_obj *msg) {
    if (weir_http_request_from(msg) == NULL) return;
    weir_http_response *response = weir_http_response_new_in(weir_loop_pool(weir_ctx_loop(self->ctx)), 200);
    require(response != NULL);
    expect_status(
        weir_http_fields_add(&response->head.fields, WEIR_HTTP_CONTENT_TYPE, weir_bytes_str("text/plain")),
        WEIR_OK);
    weir_buf *body = weir_ctx_get_buf(self->ctx, 64);
    require(body != NULL);
    weir_buf_write_str(body, "Hello, World!");
    weir_http_server_respond(self->ctx, response, body, NULL);
    self->length = 0;
}

/* Allocations that the wire makes for so many messages, each with its place in the queue. */
static uint64_t calls_of_writes(http_rig *self, int count) {
    weir_tracking_alloc_fail_never(weir_test_alloc());
    for (int i = 0; i < count; i++) {
        weir_buf *buf = weir_ctx_get_buf(self->ctx, 64);
        weir_buf_write_str(buf, "x");
        weir_channel_write(self->channel, buf, NULL);
    }
    weir_embedded_run(self->embedded);
    uint64_t calls = weir_tracking_alloc_calls(weir_test_alloc());
    for (weir_obj *out; (out = weir_embedded_take(self->embedded)) != NULL;) weir_obj_release(out);
    return calls;
}

static uint64_t calls_of_exchanges(http_rig *self, int count) {
    weir_buf *requests = weir_ctx_get_buf(self->ctx, 4096);
    for (int i = 0; i < count; i++) weir_buf_write_str(requests, GET("/"));
    weir_tracking_alloc_fail_never(weir_test_alloc());
    expect_status(weir_embedded_feed(self->embedded, requests), WEIR_OK);
    uint64_t calls = weir_tracking_alloc_calls(weir_test_alloc());
    for (weir_obj *out; (out = weir_embedded_take(self->embedded)) != NULL;) weir_obj_release(out);
    return calls;
}

WEIR_TEST(http_server, allocates_nothing_for_an_exchange_in_steady_state) {
    weir_leak_track(false); /* it keeps what is released aside, so that a pool has nothing to reuse */
    http_rig_begin(&rig, NULL, answer_from_pool);
    uint64_t exchanges[2], writes[2];
    for (int round = 0; round < 3; round++) {
        exchanges[0] = calls_of_exchanges(&rig, 1);
        exchanges[1] = calls_of_exchanges(&rig, 32);
    }
    weir_ctx *http = weir_pipeline_find_name(weir_embedded_pipeline(rig.embedded), "http_server");
    weir_pipeline_remove(http);
    for (int round = 0; round < 3; round++) {
        writes[0] = calls_of_writes(&rig, 1);
        writes[1] = calls_of_writes(&rig, 32);
    }
    uint64_t views =
        31; /* the header of the slice a head lies in: recycled, but not under a test's allocator */
    expect_eq(exchanges[1] - exchanges[0], writes[1] - writes[0] + views);
    http_rig_end(&rig);
}
