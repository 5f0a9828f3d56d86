/* http_server_limits_test.c - what a server protects itself from: malformed requests, slow ones, endless ones; how it
 * ends, and what it does without memory. See http_server.h.
 */
#include <stdio.h>

#include <weir/buffer.h>
#include <weir/codec/http_server.h>
#include <weir/core/log.h>
#include <weir/testing.h>
#include <weir/transport/event.h>
#include <weir/transport/loop.h>

#include "codec/http_rig.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"
#define REFUSED(status, reason, n)                                                                           \
    "HTTP/1.1 " status " " reason "\r\nContent-Type: text/plain\r\nContent-Length: " n                       \
    "\r\nConnection: close\r\n\r\n" reason "\n"

static http_rig rig;

/* ---- refusing ---- */

WEIR_TEST(http_server_limits, answers_what_is_malformed_and_parses_nothing_behind_it) {
    static const struct {
        const char *request, *answer;
    } cases[] = {
        {"GET / HTTP/1.1\r\nHost : a\r\n\r\n" GET("/b"), REFUSED("400", "Bad Request", "12")},
        {"GET / HTTP/2.0\r\n\r\n", REFUSED("505", "HTTP Version Not Supported", "27")},
        {"GET /aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa HTTP/1.1\r\n", REFUSED("414", "URI Too Long", "13")},
        {"GET / HTTP/1.1\r\nA: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n",
         REFUSED("431", "Request Header Fields Too Large", "32")},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2000\r\n\r\n",
         REFUSED("413", "Content Too Large", "18")},
        {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
         REFUSED("501", "Not Implemented", "16")},
    };
    weir_http_server_options options = {.limits = {.line = 40, .fields = 50, .body = 1000}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        http_rig_begin(&rig, &options, http_rig_at_head);
        http_rig_send(&rig, cases[i].request);
        expect_str(http_rig_wrote(&rig), cases[i].answer);
        expect(http_rig_saw(&rig, ""));
        expect(weir_embedded_is_shut(rig.embedded)); /* and reads on, so that the peer can too */
        expect(weir_embedded_is_open(rig.embedded));
        http_rig_send(&rig, GET("/c"));
        expect(http_rig_saw(&rig, ""));
        weir_embedded_feed_end(rig.embedded);
        expect(!weir_embedded_is_open(rig.embedded));
        http_rig_end(&rig);
    }
}

WEIR_TEST(http_server_limits, refuses_behind_the_answers_that_were_due) {
    http_rig_begin(&rig, NULL, NULL);
    http_rig_send(&rig, GET("/a") "nonsense\r\n\r\n");
    expect_str(http_rig_wrote(&rig), "");
    weir_http_server_respond(rig.ctx, weir_http_response_new(204), NULL, NULL);
    weir_embedded_run(rig.embedded);
    expect_str(http_rig_wrote(&rig), "HTTP/1.1 204 No Content\r\n\r\n" REFUSED("400", "Bad Request", "12"));
    http_rig_end(&rig);
}

WEIR_TEST(http_server_limits, tells_a_handler_whose_request_breaks_and_fails_its_answer) {
    http_rig_begin(&rig, NULL, NULL);
    http_rig_send(&rig, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n");
    expect(http_rig_saw(&rig, "POST /\nerror WEIR_E_FRAME_CORRUPT\n"));
    expect_str(http_rig_wrote(&rig), REFUSED("400", "Bad Request", "12"));
    http_rig_head(&rig, 200, "0");
    expect_status(rig.result, WEIR_E_CLOSED);
    weir_http_server_respond(rig.ctx, weir_http_response_new(200), NULL, NULL);
    weir_channel_close(rig.channel, NULL); /* the lingering goes on */
    weir_embedded_run(rig.embedded);
    expect(weir_embedded_is_open(rig.embedded));
    expect_str(http_rig_wrote(&rig), "");
    http_rig_end(&rig);
}

WEIR_TEST(http_server_limits, aborts_an_answer_under_way_when_its_request_breaks) {
    http_rig_begin(&rig, NULL, NULL);
    http_rig_send(&rig, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n");
    http_rig_head(&rig, 200, NULL);
    http_rig_send(&rig, "zz\r\n");
    expect_status(weir_embedded_aborted(rig.embedded), WEIR_E_FRAME_CORRUPT);
    http_rig_end(&rig);
}

static weir_http_response *make_refusal(void *arg, unsigned status, const weir_error *error,
                                        weir_buf **body) {
    expect_str(error->what, "first byte");
    if (arg == NULL) return NULL;
    *body = http_rig_text(arg);
    return weir_http_response_new(status + 22);
}

WEIR_TEST(http_server_limits, lets_the_answer_to_an_error_be_replaced) {
    static char text[] = "my words";
    weir_http_server_options options = {.refusal = make_refusal, .refusal_arg = text};
    http_rig_begin(&rig, &options, NULL);
    http_rig_send(&rig, "\x01");
    expect_str(http_rig_wrote(&rig), "HTTP/1.1 422 Unprocessable Content\r\nContent-Length: 8\r\n"
                                     "Connection: close\r\n\r\nmy words");
    http_rig_end(&rig);
    options.refusal_arg = NULL;
    http_rig_begin(&rig, &options, NULL);
    http_rig_send(&rig, "\x01");
    expect_str(http_rig_wrote(&rig), REFUSED("400", "Bad Request", "12"));
    http_rig_end(&rig);
}

/* ---- time ---- */

WEIR_TEST(http_server_limits, closes_what_idles) {
    http_rig_begin(&rig, NULL, http_rig_at_head);
    weir_embedded_advance(rig.embedded, 59000);
    http_rig_send(&rig, GET("/"));
    weir_embedded_advance(rig.embedded, 59999);
    expect(weir_embedded_is_open(rig.embedded));
    weir_embedded_advance(rig.embedded, 1);
    expect(!weir_embedded_is_open(rig.embedded));
    http_rig_end(&rig);
}

WEIR_TEST(http_server_limits, answers_408_to_a_head_that_drips) {
    http_rig_begin(&rig, NULL, http_rig_at_head);
    http_rig_send(&rig, GET("/a"));
    (void)http_rig_wrote(&rig);
    weir_embedded_advance(rig.embedded, 30000);
    http_rig_send(&rig, "G");
    for (int i = 0; i < 9; i++) {
        weir_embedded_advance(rig.embedded, 1000);
        http_rig_send(&rig, i == 0 ? "ET /bbb" : "b");
    }
    expect_str(http_rig_wrote(&rig), "");
    weir_embedded_advance(rig.embedded, 1000);
    expect_str(http_rig_wrote(&rig), REFUSED("408", "Request Timeout", "16"));
    weir_embedded_advance(rig.embedded, 4999);
    expect(weir_embedded_is_open(rig.embedded));
    weir_embedded_advance(rig.embedded, 1);
    expect(!weir_embedded_is_open(rig.embedded)); /* lingered long enough */
    http_rig_end(&rig);
}

static const char upload[] = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n";

WEIR_TEST(http_server_limits, answers_408_to_a_body_that_drips) {
    char second[129] = {0};
    memset(second, 'x', 128);
    http_rig_begin(&rig, NULL, NULL);
    http_rig_send(&rig, upload);
    for (int i = 0; i < 25; i++) { /* just fast enough */
        http_rig_send(&rig, second);
        weir_embedded_advance(rig.embedded, 1000);
    }
    expect_str(http_rig_wrote(&rig), "");
    for (int i = 0; i < 20; i++) {
        http_rig_send(&rig, "x");
        weir_embedded_advance(rig.embedded, 1000);
    }
    expect_str(http_rig_wrote(&rig), REFUSED("408", "Request Timeout", "16"));
    http_rig_end(&rig);
}

WEIR_TEST(http_server_limits, misses_no_bytes_that_nobody_reads) {
    http_rig_begin(&rig, NULL, NULL);
    http_rig_send(&rig, upload);
    weir_channel_set_reading(rig.channel, false);
    weir_embedded_advance(rig.embedded, 3600 * 1000);
    expect(weir_embedded_is_open(rig.embedded) && !weir_embedded_is_shut(rig.embedded));
    http_rig_end(&rig);
}

WEIR_TEST(http_server_limits, gives_a_handler_all_the_time_it_wants) {
    http_rig_begin(&rig, NULL, NULL);
    http_rig_send(&rig, GET("/"));
    weir_embedded_advance(rig.embedded, 3600 * 1000);
    http_rig_head(&rig, 200, "0");
    http_rig_finish(&rig);
    expect_str(http_rig_wrote(&rig), "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    weir_embedded_advance(rig.embedded, 60000); /* and then idles as any other */
    expect(!weir_embedded_is_open(rig.embedded));
    http_rig_end(&rig);
}

WEIR_TEST(http_server_limits, has_times_that_can_be_turned_off) {
    http_rig_begin(&rig,
                   &(weir_http_server_options){.head_timeout_ms = WEIR_LOOP_NEVER,
                                               .idle_timeout_ms = WEIR_LOOP_NEVER,
                                               .body_rate = WEIR_LOOP_NEVER},
                   NULL);
    weir_embedded_advance(rig.embedded, 3600 * 1000);
    http_rig_send(&rig, "POST / HTTP/1.1\r\nHost: a\r\n");
    weir_embedded_advance(rig.embedded, 3600 * 1000);
    http_rig_send(&rig, "Content-Length: 1000\r\n\r\n");
    weir_embedded_advance(rig.embedded, 3600 * 1000);
    expect(weir_embedded_is_open(rig.embedded));
    expect_str(http_rig_wrote(&rig), "");
    http_rig_end(&rig);
}

/* ---- stopping ---- */

WEIR_TEST(http_server_limits, closes_what_is_idle_when_the_server_stops) {
    http_rig_begin(&rig, NULL, NULL);
    weir_channel_fire_event(rig.channel, &weir_event_stopping.obj);
    weir_embedded_run(rig.embedded);
    expect(!weir_embedded_is_open(rig.embedded));
    http_rig_end(&rig);
}

WEIR_TEST(http_server_limits, finishes_the_request_under_way_when_the_server_stops) {
    http_rig_begin(&rig, NULL, NULL);
    http_rig_send(&rig, GET("/a") GET("/b"));
    weir_channel_fire_event(rig.channel, &weir_event_stopping.obj);
    expect(http_rig_saw(&rig, "GET /a\nend\nstopping\n"));
    http_rig_head(&rig, 200, "2");
    http_rig_piece(&rig, "ok");
    http_rig_finish(&rig);
    expect_str(http_rig_wrote(&rig), "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
    expect(http_rig_saw(&rig, ""));
    weir_embedded_feed_end(rig.embedded);
    expect(!weir_embedded_is_open(rig.embedded));
    http_rig_end(&rig);
}

static void stop_the_server(void *arg) {
    http_rig *self = arg;
    weir_channel_fire_event(self->channel, &weir_event_stopping.obj);
}

static void answer_and_stop_once(http_rig *self, weir_obj *msg) {
    if (self->results++ == 0) weir_loop_post(weir_channel_loop(self->channel), stop_the_server, self);
    http_rig_at_end(self, msg);
}

/* The server stops while they wait for their turn: one more is answered, and told that it is the last. */
WEIR_TEST(http_server_limits, answers_one_more_of_those_that_wait_when_the_server_stops) {
    http_rig_begin(&rig, NULL, answer_and_stop_once);
    weir_buf *many = weir_buf_new(0);
    for (int i = 0; i < 1000; i++) weir_buf_write_str(many, GET("/"));
    expect_status(weir_embedded_feed(rig.embedded, many), WEIR_OK);
    const char *wrote = http_rig_wrote(&rig);
    const char *last = strstr(wrote, "Connection: close\r\n\r\ndone");
    expect(last != NULL && strstr(last, "HTTP/1.1") == NULL);
    http_rig_end(&rig);
}

WEIR_TEST(http_server_limits, finishes_a_head_that_had_begun_when_the_server_stops) {
    http_rig_begin(&rig, NULL, http_rig_at_head);
    http_rig_send(&rig, "GET /a HT");
    weir_channel_fire_event(rig.channel, &weir_event_stopping.obj);
    http_rig_send(&rig, "TP/1.1\r\nHost: a\r\n\r\n");
    expect_str(http_rig_wrote(&rig),
               "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nok /a");
    expect(!weir_embedded_is_open(rig.embedded));
    http_rig_end(&rig);
}

static void stop_with_grace(http_rig *self) {
    http_rig_begin(self, &(weir_http_server_options){.no_date = true, .stopping_idle_ms = 500},
                   http_rig_at_head);
    weir_channel_fire_event(self->channel, &weir_event_stopping.obj);
    weir_embedded_run(self->embedded);
}

WEIR_TEST(http_server_limits, answers_what_was_on_its_way_when_the_server_stopped) {
    stop_with_grace(&rig);
    expect(weir_embedded_is_open(rig.embedded));
    weir_embedded_advance(rig.embedded, 499);
    http_rig_send(&rig, GET("/a"));
    expect_str(http_rig_wrote(&rig),
               "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nok /a");
    weir_embedded_feed_end(rig.embedded);
    expect(!weir_embedded_is_open(rig.embedded));
    http_rig_end(&rig);
}

WEIR_TEST(http_server_limits, waits_no_longer_than_told_when_the_server_stopped) {
    stop_with_grace(&rig);
    weir_embedded_advance(rig.embedded, 499);
    expect(weir_embedded_is_open(rig.embedded));
    weir_embedded_advance(rig.embedded, 1);
    expect(!weir_embedded_is_open(rig.embedded));
    http_rig_end(&rig);
}

/* Its head has said nothing of an end. */
WEIR_TEST(http_server_limits, answers_one_more_behind_an_answer_that_had_begun_when_the_server_stopped) {
    http_rig_begin(&rig, &(weir_http_server_options){.no_date = true, .stopping_idle_ms = 500}, NULL);
    http_rig_send(&rig, GET("/a"));
    http_rig_head(&rig, 200, "2");
    weir_channel_fire_event(rig.channel, &weir_event_stopping.obj);
    http_rig_piece(&rig, "ok");
    http_rig_finish(&rig);
    expect_str(http_rig_wrote(&rig), "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    weir_embedded_advance(rig.embedded, 499);
    expect(weir_embedded_is_open(rig.embedded));
    http_rig_send(&rig, GET("/b"));
    http_rig_head(&rig, 200, "0");
    http_rig_finish(&rig);
    expect_str(http_rig_wrote(&rig), "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    weir_embedded_feed_end(rig.embedded);
    expect(!weir_embedded_is_open(rig.embedded));
    http_rig_end(&rig);
}

/* ---- memory ---- */

static void answer_in_parts(http_rig *self, weir_obj *msg) {
    if (weir_http_end_from(msg) == NULL) return;
    weir_http_response *response = weir_http_response_new(200);
    weir_ctx_write(self->ctx, response, NULL);
    weir_buf *piece = weir_buf_new(4);
    if (piece != NULL) weir_buf_write_str(piece, "body");
    weir_ctx_write(self->ctx, piece, NULL);
    weir_ctx_write(self->ctx, &weir_http_end_plain, NULL);
}

/* Two exchanges; true when both answers came out whole. */
static bool two_exchanges(void *arg) {
    (void)arg;
    static const char requests[] = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                                   "3\r\nabc\r\n0\r\nX: y\r\n\r\n" GET("/b");
    static const char answers[] =
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n"
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n";
    memset(&rig, 0, sizeof rig);
    rig.options.no_date = true;
    rig.on = answer_in_parts;
    rig.embedded = weir_embedded_new(NULL, http_rig_build, &rig);
    if (rig.embedded == NULL) return false;
    for (size_t at = 0; at < sizeof requests - 1; at += 40) {
        size_t n = sizeof requests - 1 - at < 40 ? sizeof requests - 1 - at : 40;
        (void)weir_embedded_feed_bytes(rig.embedded, requests + at, n);
    }
    weir_buf *all = weir_embedded_take_all(rig.embedded);
    bool whole = all != NULL && weir_buf_readable(all) == sizeof answers - 1;
    weir_buf_release(all);
    weir_embedded_free(rig.embedded);
    return whole;
}

WEIR_TEST(http_server_limits, loses_nothing_when_memory_runs_out) {
    weir_log_set_level(WEIR_LOG_OFF);
    expect(weir_oom_sweep(two_exchanges, NULL) > 10);
}

/* The feed has its memory; what asks next is refused, or everything from then on. */
static void ask_without_memory(bool for_good) {
    http_rig_begin(&rig, NULL, http_rig_at_head);
    weir_buf *request = http_rig_text(GET("/a"));
    if (for_good) {
        weir_tracking_alloc_fail_from(weir_test_alloc(), 1);
    } else {
        weir_tracking_alloc_fail_nth(weir_test_alloc(), 1);
    }
    (void)weir_embedded_feed(rig.embedded, request);
    weir_tracking_alloc_fail_never(weir_test_alloc());
}

WEIR_TEST(http_server_limits, ends_a_connection_that_finds_no_memory_for_a_parser) {
    weir_log_set_level(WEIR_LOG_OFF);
    ask_without_memory(false);
    expect(http_rig_saw(&rig, ""));
    expect(strncmp(http_rig_wrote(&rig), "HTTP/1.1 503 Service Unavailable\r\n", 34) == 0);
    weir_embedded_feed_end(rig.embedded);
    expect(!weir_embedded_is_open(rig.embedded));
    http_rig_end(&rig);
    ask_without_memory(true);
    expect(!weir_embedded_is_open(rig.embedded));
    http_rig_end(&rig);
}
