/* http_client_test.c - requests out and their responses in, as http_client.h promises. */
#include <stdarg.h>
#include <stdio.h>

#include <weir/buffer.h>
#include <weir/codec/http_client.h>
#include <weir/core/log.h>
#include <weir/testing.h>
#include <weir/transport/channel.h>
#include <weir/transport/embedded.h>
#include <weir/transport/promise.h>

/* What comes back, as text: "200 ", bodies, ". " for an end, "[event]", "!error". */
typedef struct rig {
    weir_embedded *embedded;
    weir_ctx *ctx;
    weir_http_client_options options;
    weir_status result;
    unsigned upgrade_at; /* the status to leave HTTP at */
    char seen[4000], wrote[4000];
} rig;

static rig self;

static void WEIR_PRINTF(1, 2) say(const char *format, ...) {
    size_t at = strlen(self.seen);
    va_list args;
    va_start(args, format);
    vsnprintf(self.seen + at, sizeof self.seen - at, format, args);
    va_end(args);
}

static void on_added(weir_ctx *ctx) {
    self.ctx = ctx;
}

static void on_read(weir_ctx *ctx, weir_obj *msg) {
    const weir_http_response *response = weir_http_response_from(msg);
    weir_buf *buf = weir_buf_from(msg);
    if (response != NULL) {
        say("%u ", response->status);
        if (response->status == self.upgrade_at) weir_http_client_upgrade(ctx);
    } else if (buf != NULL) {
        char text[200] = {0};
        weir_buf_read_bytes(buf, text, weir_buf_readable(buf));
        say("%s", text);
    } else {
        say(". ");
    }
    weir_obj_release(msg);
}

static void on_event(weir_ctx *ctx, weir_obj *event) {
    say("[%s]", ((const weir_event *)(const void *)event)->name);
    weir_ctx_fire_event(ctx, event);
}

static void on_error(weir_ctx *ctx, const weir_error *error) {
    (void)ctx;
    say("!%s ", weir_status_name(error->status));
}

static const weir_handler handler = {
    .name = "rig", .added = on_added, .read = on_read, .event = on_event, .error = on_error};

static weir_status build(weir_pipeline *pipeline, void *arg) {
    (void)arg;
    weir_status status = weir_http_client_add(pipeline, &self.options);
    return status != WEIR_OK ? status : weir_pipeline_add_last(pipeline, &handler, NULL);
}

static void begin(const weir_http_client_options *options) {
    memset(&self, 0, sizeof self);
    if (options != NULL) self.options = *options;
    if (self.options.host == NULL) self.options.host = "h";
    self.embedded = weir_embedded_new(NULL, build, NULL);
    require(self.embedded != NULL);
}

static void end(void) {
    weir_embedded_free(self.embedded);
}

static void note_result(void *arg, weir_status status) {
    (void)arg;
    self.result = status;
}

static weir_promise *watch(void) {
    self.result = 1;
    weir_promise *promise = weir_promise_new(weir_embedded_loop(self.embedded));
    expect_status(weir_promise_listen(promise, note_result, NULL), WEIR_OK);
    return promise;
}

static weir_buf *text_of(const char *text) {
    weir_buf *buf = weir_buf_new(strlen(text));
    require(buf != NULL);
    weir_buf_write_str(buf, text);
    return buf;
}

static void ask(const char *method, const char *target, const char *body) {
    weir_http_client_request(self.ctx, weir_http_request_new(method, weir_bytes_str(target)),
                             body == NULL ? NULL : text_of(body), watch());
    weir_embedded_run(self.embedded);
}

static weir_http_request *request_with(const char *method, weir_http_name name, const char *value) {
    weir_http_request *request = weir_http_request_new(method, weir_bytes_str("/"));
    require(request != NULL);
    expect_status(weir_http_fields_add(&request->head.fields, name, weir_bytes_str(value)), WEIR_OK);
    return request;
}

static void answer(const char *text) {
    (void)weir_embedded_feed_bytes(self.embedded, text, strlen(text));
}

static bool saw(const char *expected) {
    bool same = strcmp(self.seen, expected) == 0;
    if (!same) fprintf(stderr, "expected: %s\nsaw:      %s\n", expected, self.seen);
    self.seen[0] = 0;
    return same;
}

static const char *wrote(void) {
    weir_embedded_run(self.embedded);
    weir_buf *all = weir_embedded_take_all(self.embedded);
    size_t n = weir_buf_readable(all);
    require(n < sizeof self.wrote);
    weir_buf_read_bytes(all, self.wrote, n);
    self.wrote[n] = 0;
    weir_buf_release(all);
    return self.wrote;
}

#define OK(n, body) "HTTP/1.1 200 OK\r\nContent-Length: " n "\r\n\r\n" body

/* ---- requests ---- */

WEIR_TEST(http_client, writes_requests_with_host_and_framing) {
    begin(NULL);
    ask("GET", "/a", NULL);
    expect_str(wrote(), "GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
    ask("POST", "/b", "body");
    expect_str(wrote(), "POST /b HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbody");
    ask("POST", "/c", NULL);
    expect_str(wrote(), "POST /c HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n");
    expect_status(self.result, WEIR_OK);
    weir_http_client_request(self.ctx, request_with("GET", WEIR_HTTP_HOST, "other"), NULL, NULL);
    expect_str(wrote(), "GET / HTTP/1.1\r\nHost: other\r\n\r\n");
    weir_ctx_write(self.ctx, request_with("PUT", WEIR_HTTP_TRANSFER_ENCODING, "chunked"), NULL);
    weir_ctx_write(self.ctx, text_of("abc"), NULL);
    weir_ctx_write(self.ctx, &weir_http_end_plain, NULL);
    expect_str(wrote(),
               "PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n");
    end();
}

WEIR_TEST(http_client, fails_what_may_not_be_written_now) {
    begin(NULL);
    weir_ctx_write(self.ctx, text_of("no head"), watch());
    expect_status(self.result, WEIR_E_INVALID);
    weir_ctx_write(self.ctx, weir_http_request_new("GET", weir_bytes_str("/")), NULL);
    weir_ctx_write(self.ctx, text_of("no body"), watch());
    expect_status(self.result, WEIR_E_INVALID);
    weir_ctx_write(self.ctx, weir_http_request_new("GET", weir_bytes_str("/")), watch());
    expect_status(self.result, WEIR_E_INVALID);
    weir_ctx_write(self.ctx, weir_http_response_new(200), watch());
    expect_status(self.result, WEIR_E_UNSUPPORTED);
    weir_ctx_write(self.ctx, &weir_http_end_plain, NULL);
    expect_str(wrote(), "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    weir_http_client_request(self.ctx, NULL, text_of("x"), watch());
    expect_status(self.result, WEIR_E_NO_MEMORY);
    end();
}

/* ---- responses ---- */

WEIR_TEST(http_client, gives_responses_in_the_order_of_pipelined_requests) {
    begin(NULL);
    ask("GET", "/a", NULL);
    ask("HEAD", "/b", NULL);
    ask("GET", "/c", NULL);
    answer(OK("1", "a") OK("1", "") OK("1", "c"));
    expect(saw("200 a. 200 . 200 c. [http ready]"));
    ask("GET", "/d", NULL);
    answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nd\r\n0\r\n\r\n");
    expect(saw("200 d. [http ready]"));
    expect(weir_embedded_is_open(self.embedded));
    end();
}

WEIR_TEST(http_client, bounds_how_many_requests_wait) {
    begin(NULL);
    for (int i = 0; i < WEIR_HTTP_CLIENT_PIPELINE; i++) ask("GET", "/", NULL);
    expect_status(self.result, WEIR_OK);
    ask("GET", "/", NULL);
    expect_status(self.result, WEIR_E_LIMIT);
    answer(OK("0", ""));
    self.seen[0] = 0;
    ask("GET", "/", NULL);
    expect_status(self.result, WEIR_OK);
    end();
}

WEIR_TEST(http_client, closes_behind_a_response_that_ends_the_connection) {
    begin(NULL);
    ask("GET", "/", NULL);
    answer("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nh");
    ask("GET", "/", NULL);
    expect_status(self.result, WEIR_E_CLOSED);
    self.seen[0] = 0;
    answer("i");
    expect(saw("hi. "));
    expect(!weir_embedded_is_open(self.embedded));
    end();
}

WEIR_TEST(http_client, reads_a_body_until_the_connection_ends) {
    begin(NULL);
    ask("GET", "/", NULL);
    answer("HTTP/1.0 200 OK\r\n\r\nall ");
    answer("of it");
    weir_embedded_feed_end(self.embedded);
    expect(saw("200 all of it. [peer_closed]"));
    expect(!weir_embedded_is_open(self.embedded));
    end();
}

WEIR_TEST(http_client, waits_for_all_responses_after_saying_close) {
    begin(NULL);
    ask("GET", "/a", NULL);
    weir_http_client_request(self.ctx, request_with("GET", WEIR_HTTP_CONNECTION, "close"), NULL, NULL);
    ask("GET", "/c", NULL);
    expect_status(self.result, WEIR_E_CLOSED);
    self.seen[0] = 0;
    answer(OK("1", "a"));
    answer(OK("1", "b"));
    expect(saw("200 a. 200 b. "));
    expect(!weir_embedded_is_open(self.embedded));
    end();
}

WEIR_TEST(http_client, passes_interim_responses_and_hides_100) {
    begin(NULL);
    ask("GET", "/", NULL);
    answer("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n" OK("0", ""));
    expect(saw("103 . 200 . [http ready]"));
    end();
    begin(&(weir_http_client_options){.pass_continue = true});
    ask("GET", "/", NULL);
    answer("HTTP/1.1 100 Continue\r\n\r\n" OK("0", ""));
    expect(saw("100 . 200 . [http ready]"));
    end();
}

/* ---- Expect ---- */

static void ask_expecting(void) {
    weir_http_request *request = request_with("PUT", WEIR_HTTP_EXPECT, "100-continue");
    expect_status(weir_http_fields_add_number(&request->head.fields, WEIR_HTTP_CONTENT_LENGTH, 3), WEIR_OK);
    weir_ctx_write(self.ctx, request, NULL);
    weir_embedded_run(self.embedded);
}

WEIR_TEST(http_client, says_when_a_body_may_be_sent) {
    begin(NULL);
    ask_expecting();
    answer("HTTP/1.1 100 Continue\r\n\r\n");
    expect(saw("[http continue]"));
    weir_ctx_write(self.ctx, text_of("abc"), NULL);
    weir_ctx_write(self.ctx, &weir_http_end_plain, NULL);
    weir_embedded_run(self.embedded);
    answer(OK("0", ""));
    expect(saw("200 . [http ready]"));
    end();
}

WEIR_TEST(http_client, waits_for_a_100_only_so_long) {
    begin(NULL);
    ask_expecting();
    weir_embedded_advance(self.embedded, 999);
    expect(saw(""));
    weir_embedded_advance(self.embedded, 1);
    expect(saw("[http continue]"));
    end();
}

WEIR_TEST(http_client, closes_when_a_response_comes_instead_of_100) {
    begin(NULL);
    ask_expecting();
    answer("HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n");
    expect(saw("417 . "));
    weir_channel_write(weir_embedded_channel(self.embedded), text_of("abc"), watch());
    expect(self.result < 0);
    expect(!weir_embedded_is_open(self.embedded));
    end();
}

WEIR_TEST(http_client, lets_no_earlier_response_stand_for_a_100) {
    begin(NULL);
    ask("GET", "/", NULL);
    ask_expecting();
    answer("HTTP/1.1 100 Continue\r\n\r\n");
    answer(OK("1", "a"));
    expect(saw("200 a. "));
    answer("HTTP/1.1 100 Continue\r\n\r\n");
    expect(saw("[http continue]"));
    weir_ctx_write(self.ctx, text_of("abc"), NULL);
    weir_ctx_write(self.ctx, &weir_http_end_plain, watch());
    weir_embedded_run(self.embedded);
    expect_status(self.result, WEIR_OK);
    answer(OK("0", ""));
    expect(saw("200 . [http ready]"));
    end();
}

/* ---- failures ---- */

WEIR_TEST(http_client, fails_once_and_closes) {
    static const char *const answers[] = {
        "SMTP ready\r\n", "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"};
    weir_log_set_level(WEIR_LOG_OFF);
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        begin(NULL);
        ask("GET", "/", NULL);
        answer(answers[i]);
        expect(saw("!WEIR_E_FRAME_CORRUPT "));
        expect(!weir_embedded_is_open(self.embedded));
        end();
    }
    begin(NULL);
    answer(OK("0", "")); /* nobody asked */
    expect(saw("!WEIR_E_FRAME_CORRUPT "));
    end();
    begin(NULL);
    ask("GET", "/", NULL);
    answer("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nraw");
    expect(saw("!WEIR_E_FRAME_CORRUPT "));
    expect(!weir_embedded_is_open(self.embedded));
    end();
}

WEIR_TEST(http_client, tells_of_an_end_before_the_response) {
    static const char *const answers[] = {"", "HTTP/1.1 200 OK\r\n",
                                          "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"};
    static const char *const told[] = {"!WEIR_E_EOF [peer_closed]", "!WEIR_E_EOF ", "200 !WEIR_E_EOF "};
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        begin(NULL);
        ask("GET", "/", NULL);
        if (answers[i][0] != 0) answer(answers[i]);
        weir_embedded_feed_end(self.embedded);
        expect(strncmp(self.seen, told[i], strlen(told[i])) == 0);
        expect(!weir_embedded_is_open(self.embedded));
        end();
    }
}

WEIR_TEST(http_client, times_out_while_a_response_is_due) {
    begin(&(weir_http_client_options){.response_timeout_ms = 5000});
    weir_embedded_advance(self.embedded, 60000);
    ask("GET", "/", NULL);
    weir_embedded_advance(self.embedded, 4000);
    answer("HTTP/1.1 200 OK\r\n");
    weir_embedded_advance(self.embedded, 4999);
    expect(saw(""));
    weir_embedded_advance(self.embedded, 1);
    expect(saw("!WEIR_E_TIMEOUT "));
    expect_status(weir_embedded_aborted(self.embedded), WEIR_E_TIMEOUT);
    end();
}

static weir_buf *big_body(void) {
    weir_buf *body = weir_buf_new(100000);
    require(body != NULL);
    weir_buf_write_fill(body, 0, 100000);
    return body;
}

static void ask_big(void) {
    weir_http_client_request(self.ctx, weir_http_request_new("POST", weir_bytes_str("/")), big_body(), NULL);
    weir_embedded_run(self.embedded);
}

WEIR_TEST(http_client, begins_to_wait_when_the_request_was_taken) {
    begin(&(weir_http_client_options){.response_timeout_ms = 5000});
    weir_embedded_stall(self.embedded, true);
    ask_big();
    weir_embedded_advance(self.embedded, 4000);
    weir_embedded_stall(self.embedded, false);
    weir_embedded_advance(self.embedded, 4999);
    expect(saw(""));
    weir_embedded_advance(self.embedded, 1);
    expect(saw("!WEIR_E_TIMEOUT "));
    end();
}

static void stop_taking(void *arg, weir_status status) {
    (void)arg, (void)status;
    weir_embedded_stall(self.embedded, true);
}

/* A piece behind which the peer takes no more for a while. */
static void write_piece(void) {
    weir_promise *promise = weir_promise_new(weir_embedded_loop(self.embedded));
    expect_status(weir_promise_listen(promise, stop_taking, NULL), WEIR_OK);
    weir_ctx_write(self.ctx, text_of("abc"), promise);
}

WEIR_TEST(http_client, waits_for_a_peer_that_still_takes_the_request) {
    begin(&(weir_http_client_options){.response_timeout_ms = 5000});
    weir_embedded_stall(self.embedded, true);
    weir_ctx_write(self.ctx, request_with("PUT", WEIR_HTTP_TRANSFER_ENCODING, "chunked"), NULL);
    for (int i = 0; i < 4; i++) write_piece();
    weir_ctx_write(self.ctx, &weir_http_end_plain, NULL);
    for (int i = 0; i < 4; i++) {
        weir_embedded_advance(self.embedded, 4900);
        weir_embedded_stall(self.embedded, false);
        weir_embedded_run(self.embedded);
    }
    expect(saw(""));
    expect(weir_channel_pending_bytes(weir_embedded_channel(self.embedded)) != 0);
    weir_embedded_advance(self.embedded, 10000); /* nothing any more */
    expect(saw("!WEIR_E_TIMEOUT "));
    end();
}

WEIR_TEST(http_client, counts_no_time_in_which_it_reads_nothing) {
    begin(&(weir_http_client_options){.response_timeout_ms = 5000});
    weir_channel *channel = weir_embedded_channel(self.embedded);
    ask("GET", "/", NULL);
    weir_embedded_advance(self.embedded, 1000);
    weir_channel_hold_reading(channel);
    weir_embedded_advance(self.embedded, 60000);
    weir_channel_let_read(channel);
    weir_embedded_advance(self.embedded, 3999);
    expect(saw(""));
    weir_channel_set_reading(channel, false);
    weir_embedded_advance(self.embedded, 60000);
    expect(saw(""));
    weir_channel_set_reading(channel, true);
    expect(saw("[reading_on]"));
    weir_embedded_advance(self.embedded, 5000);
    expect(saw("!WEIR_E_TIMEOUT "));
    end();
}

/* ---- upgrade ---- */

WEIR_TEST(http_client, hands_over_what_follows_an_upgrade) {
    static const struct {
        const char *method, *answer;
        unsigned status;
    } cases[] = {
        {"GET", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\nraw", 101},
        {"CONNECT", "HTTP/1.1 200 OK\r\n\r\nraw", 200},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char expected[50];
        begin(NULL);
        self.upgrade_at = cases[i].status;
        if (cases[i].status == 101)
            weir_http_client_request(self.ctx, request_with("GET", WEIR_HTTP_UPGRADE, "x"), NULL, NULL);
        else
            ask(cases[i].method, "h:1", NULL);
        answer(cases[i].answer);
        answer(" bytes");
        snprintf(expected, sizeof expected, "%u . raw bytes", cases[i].status);
        expect(saw(expected));
        (void)wrote();
        weir_ctx_write(self.ctx, text_of("raw too"), NULL);
        expect_str(wrote(), "raw too");
        end();
    }
}

WEIR_TEST(http_client, leaves_also_where_requests_stand_behind_the_upgrade) {
    begin(NULL);
    ask("CONNECT", "h:1", NULL);
    ask("GET", "/", NULL);
    answer("HTTP/1.1 200 OK\r\n\r\nraw");
    expect(saw("200 . "));
    weir_http_client_upgrade(self.ctx);
    expect(saw("raw"));
    end();
}

/* ---- memory ---- */

static bool one_exchange(void *arg) {
    (void)arg;
    memset(&self, 0, sizeof self);
    self.options.host = "h";
    self.embedded = weir_embedded_new(NULL, build, NULL);
    if (self.embedded == NULL) return false;
    weir_http_request *request = weir_http_request_new("PUT", weir_bytes_str("/"));
    if (request != NULL) {
        weir_status added =
            weir_http_fields_add(&request->head.fields, WEIR_HTTP_ACCEPT, weir_bytes_str("x"));
        if (added != WEIR_OK) say("!");
    }
    weir_buf *body = weir_buf_new(3);
    if (body != NULL) weir_buf_write_str(body, "abc");
    weir_http_client_request(self.ctx, request, body, NULL);
    weir_embedded_run(self.embedded);
    answer("HTTP/1.1 200 OK\r\nTransfer-Enc");
    answer("oding: chunked\r\n\r\n1\r\nd\r\n0\r\nX: y\r\n\r\n");
    weir_embedded_free(self.embedded);
    return strcmp(self.seen, "200 d. [http ready]") == 0;
}

WEIR_TEST(http_client, loses_nothing_when_memory_runs_out) {
    weir_log_set_level(WEIR_LOG_OFF);
    expect(weir_oom_sweep(one_exchange, NULL) > 8);
}
