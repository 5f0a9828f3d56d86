/* http_client_test.c - requests out and their responses in, as http_client.h promises. */
#include <stdio.h>

#include <weir/buffer.h>
#include <weir/codec/http_client.h>
#include <weir/core/log.h>
#include <weir/testing.h>
#include <weir/transport/channel.h>
#include <weir/transport/embedded.h>

#include "codec/http_client_rig.h"

/* ---- requests ---- */

WEIR_TEST(http_client, writes_requests_with_host_and_framing) {
    client_begin(NULL);
    client_ask("GET", "/a", NULL);
    expect_str(client_wrote(), "GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
    client_ask("POST", "/b", "body");
    expect_str(client_wrote(), "POST /b HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbody");
    client_ask("POST", "/c", NULL);
    expect_str(client_wrote(), "POST /c HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n");
    expect_status(client.result, WEIR_OK);
    weir_http_client_request(client.ctx, client_request_with("GET", WEIR_HTTP_HOST, "other"), NULL, NULL);
    expect_str(client_wrote(), "GET / HTTP/1.1\r\nHost: other\r\n\r\n");
    weir_ctx_write(client.ctx, client_request_with("PUT", WEIR_HTTP_TRANSFER_ENCODING, "chunked"), NULL);
    weir_ctx_write(client.ctx, client_text("abc"), NULL);
    weir_ctx_write(client.ctx, &weir_http_end_plain, NULL);
    expect_str(client_wrote(),
               "PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n");
    client_end();
}

WEIR_TEST(http_client, fails_what_may_not_be_written_now) {
    client_begin(NULL);
    weir_ctx_write(client.ctx, client_text("no head"), client_watch());
    expect_status(client.result, WEIR_E_INVALID);
    weir_ctx_write(client.ctx, weir_http_request_new("GET", weir_bytes_str("/")), NULL);
    weir_ctx_write(client.ctx, client_text("no body"), client_watch());
    expect_status(client.result, WEIR_E_INVALID);
    weir_ctx_write(client.ctx, weir_http_request_new("GET", weir_bytes_str("/")), client_watch());
    expect_status(client.result, WEIR_E_INVALID);
    weir_ctx_write(client.ctx, weir_http_response_new(200), client_watch());
    expect_status(client.result, WEIR_E_UNSUPPORTED);
    weir_ctx_write(client.ctx, &weir_http_end_plain, NULL);
    expect_str(client_wrote(), "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    weir_http_client_request(client.ctx, NULL, client_text("x"), client_watch());
    expect_status(client.result, WEIR_E_NO_MEMORY);
    client_end();
}

/* ---- responses ---- */

WEIR_TEST(http_client, gives_responses_in_the_order_of_pipelined_requests) {
    client_begin(NULL);
    client_ask("GET", "/a", NULL);
    client_ask("HEAD", "/b", NULL);
    client_ask("GET", "/c", NULL);
    client_answer(CLIENT_OK("1", "a") CLIENT_OK("1", "") CLIENT_OK("1", "c"));
    expect(client_saw("200 a. 200 . 200 c. [http ready]"));
    client_ask("GET", "/d", NULL);
    client_answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nd\r\n0\r\n\r\n");
    expect(client_saw("200 d. [http ready]"));
    expect(weir_embedded_is_open(client.embedded));
    client_end();
}

WEIR_TEST(http_client, bounds_how_many_requests_wait) {
    client_begin(NULL);
    for (int i = 0; i < WEIR_HTTP_CLIENT_PIPELINE; i++) client_ask("GET", "/", NULL);
    expect_status(client.result, WEIR_OK);
    client_ask("GET", "/", NULL);
    expect_status(client.result, WEIR_E_LIMIT);
    client_answer(CLIENT_OK("0", ""));
    client.seen[0] = 0;
    client_ask("GET", "/", NULL);
    expect_status(client.result, WEIR_OK);
    client_end();
}

WEIR_TEST(http_client, closes_behind_a_response_that_ends_the_connection) {
    client_begin(NULL);
    client_ask("GET", "/", NULL);
    client_answer("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nh");
    client_ask("GET", "/", NULL);
    expect_status(client.result, WEIR_E_CLOSED);
    client.seen[0] = 0;
    client_answer("i");
    expect(client_saw("hi. "));
    expect(!weir_embedded_is_open(client.embedded));
    client_end();
}

WEIR_TEST(http_client, reads_a_body_until_the_connection_ends) {
    client_begin(NULL);
    client_ask("GET", "/", NULL);
    client_answer("HTTP/1.0 200 OK\r\n\r\nall ");
    client_answer("of it");
    weir_embedded_feed_end(client.embedded);
    expect(client_saw("200 all of it. [peer_closed]"));
    expect(!weir_embedded_is_open(client.embedded));
    client_end();
}

WEIR_TEST(http_client, waits_for_all_responses_after_saying_close) {
    client_begin(NULL);
    client_ask("GET", "/a", NULL);
    weir_http_client_request(client.ctx, client_request_with("GET", WEIR_HTTP_CONNECTION, "close"), NULL,
                             NULL);
    client_ask("GET", "/c", NULL);
    expect_status(client.result, WEIR_E_CLOSED);
    client.seen[0] = 0;
    client_answer(CLIENT_OK("1", "a"));
    client_answer(CLIENT_OK("1", "b"));
    expect(client_saw("200 a. 200 b. "));
    expect(!weir_embedded_is_open(client.embedded));
    client_end();
}

WEIR_TEST(http_client, passes_interim_responses_and_hides_100) {
    client_begin(NULL);
    client_ask("GET", "/", NULL);
    client_answer("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n" CLIENT_OK("0", ""));
    expect(client_saw("103 . 200 . [http ready]"));
    client_end();
    client_begin(&(weir_http_client_options){.pass_continue = true});
    client_ask("GET", "/", NULL);
    client_answer("HTTP/1.1 100 Continue\r\n\r\n" CLIENT_OK("0", ""));
    expect(client_saw("100 . 200 . [http ready]"));
    client_end();
}

/* ---- Expect ---- */

static void ask_expecting(void) {
    weir_http_request *request = client_request_with("PUT", WEIR_HTTP_EXPECT, "100-continue");
    expect_status(weir_http_fields_add_number(&request->head.fields, WEIR_HTTP_CONTENT_LENGTH, 3), WEIR_OK);
    weir_ctx_write(client.ctx, request, NULL);
    weir_embedded_run(client.embedded);
}

WEIR_TEST(http_client, says_when_a_body_may_be_sent) {
    client_begin(NULL);
    ask_expecting();
    client_answer("HTTP/1.1 100 Continue\r\n\r\n");
    expect(client_saw("[http continue]"));
    weir_ctx_write(client.ctx, client_text("abc"), NULL);
    weir_ctx_write(client.ctx, &weir_http_end_plain, NULL);
    weir_embedded_run(client.embedded);
    client_answer(CLIENT_OK("0", ""));
    expect(client_saw("200 . [http ready]"));
    client_end();
}

WEIR_TEST(http_client, waits_for_a_100_only_so_long) {
    client_begin(NULL);
    ask_expecting();
    weir_embedded_advance(client.embedded, 999);
    expect(client_saw(""));
    weir_embedded_advance(client.embedded, 1);
    expect(client_saw("[http continue]"));
    client_end();
}

WEIR_TEST(http_client, closes_when_a_response_comes_instead_of_100) {
    client_begin(NULL);
    ask_expecting();
    client_answer("HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n");
    expect(client_saw("417 . "));
    weir_channel_write(weir_embedded_channel(client.embedded), client_text("abc"), client_watch());
    expect(client.result < 0);
    expect(!weir_embedded_is_open(client.embedded));
    client_end();
}

WEIR_TEST(http_client, lets_no_earlier_response_stand_for_a_100) {
    client_begin(NULL);
    client_ask("GET", "/", NULL);
    ask_expecting();
    client_answer("HTTP/1.1 100 Continue\r\n\r\n");
    client_answer(CLIENT_OK("1", "a"));
    expect(client_saw("200 a. "));
    client_answer("HTTP/1.1 100 Continue\r\n\r\n");
    expect(client_saw("[http continue]"));
    weir_ctx_write(client.ctx, client_text("abc"), NULL);
    weir_ctx_write(client.ctx, &weir_http_end_plain, client_watch());
    weir_embedded_run(client.embedded);
    expect_status(client.result, WEIR_OK);
    client_answer(CLIENT_OK("0", ""));
    expect(client_saw("200 . [http ready]"));
    client_end();
}

/* ---- failures ---- */

WEIR_TEST(http_client, fails_once_and_closes) {
    static const char *const answers[] = {
        "SMTP ready\r\n", "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"};
    weir_log_set_level(WEIR_LOG_OFF);
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        client_begin(NULL);
        client_ask("GET", "/", NULL);
        client_answer(answers[i]);
        expect(client_saw("!WEIR_E_FRAME_CORRUPT "));
        expect(!weir_embedded_is_open(client.embedded));
        client_end();
    }
    client_begin(NULL);
    client_answer(CLIENT_OK("0", "")); /* nobody asked */
    expect(client_saw("!WEIR_E_FRAME_CORRUPT "));
    client_end();
    client_begin(NULL);
    client_ask("GET", "/", NULL);
    client_answer("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nraw");
    expect(client_saw("!WEIR_E_FRAME_CORRUPT "));
    expect(!weir_embedded_is_open(client.embedded));
    client_end();
}

WEIR_TEST(http_client, tells_of_an_end_before_the_response) {
    static const char *const answers[] = {"", "HTTP/1.1 200 OK\r\n",
                                          "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"};
    static const char *const told[] = {"!WEIR_E_EOF [peer_closed]", "!WEIR_E_EOF ", "200 !WEIR_E_EOF "};
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        client_begin(NULL);
        client_ask("GET", "/", NULL);
        if (answers[i][0] != 0) client_answer(answers[i]);
        weir_embedded_feed_end(client.embedded);
        expect(strncmp(client.seen, told[i], strlen(told[i])) == 0);
        expect(!weir_embedded_is_open(client.embedded));
        client_end();
    }
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
        client_begin(NULL);
        client.upgrade_at = cases[i].status;
        if (cases[i].status == 101)
            weir_http_client_request(client.ctx, client_request_with("GET", WEIR_HTTP_UPGRADE, "x"), NULL,
                                     NULL);
        else
            client_ask(cases[i].method, "h:1", NULL);
        client_answer(cases[i].answer);
        client_answer(" bytes");
        snprintf(expected, sizeof expected, "%u . raw bytes", cases[i].status);
        expect(client_saw(expected));
        (void)client_wrote();
        weir_ctx_write(client.ctx, client_text("raw too"), NULL);
        expect_str(client_wrote(), "raw too");
        client_end();
    }
}

WEIR_TEST(http_client, leaves_also_where_requests_stand_behind_the_upgrade) {
    client_begin(NULL);
    client_ask("CONNECT", "h:1", NULL);
    client_ask("GET", "/", NULL);
    client_answer("HTTP/1.1 200 OK\r\n\r\nraw");
    expect(client_saw("200 . "));
    weir_http_client_upgrade(client.ctx);
    expect(client_saw("raw"));
    client_end();
}

/* ---- memory ---- */

static bool one_exchange(void *arg) {
    (void)arg;
    memset(&client, 0, sizeof client);
    client.options.host = "h";
    client.embedded = weir_embedded_new(NULL, client_build, NULL);
    if (client.embedded == NULL) return false;
    weir_http_request *request = weir_http_request_new("PUT", weir_bytes_str("/"));
    if (request != NULL) {
        weir_status added =
            weir_http_fields_add(&request->head.fields, WEIR_HTTP_ACCEPT, weir_bytes_str("x"));
        if (added != WEIR_OK) client_say("!");
    }
    weir_buf *body = weir_buf_new(3);
    if (body != NULL) weir_buf_write_str(body, "abc");
    weir_http_client_request(client.ctx, request, body, NULL);
    weir_embedded_run(client.embedded);
    client_answer("HTTP/1.1 200 OK\r\nTransfer-Enc");
    client_answer("oding: chunked\r\n\r\n1\r\nd\r\n0\r\nX: y\r\n\r\n");
    weir_embedded_free(client.embedded);
    return strcmp(client.seen, "200 d. [http ready]") == 0;
}

WEIR_TEST(http_client, loses_nothing_when_memory_runs_out) {
    weir_log_set_level(WEIR_LOG_OFF);
    expect(weir_oom_sweep(one_exchange, NULL) > 8);
}
