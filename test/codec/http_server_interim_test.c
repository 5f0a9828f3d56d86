/* http_server_interim_test.c - what comes before a response, and what comes after HTTP. See http_server.h. */
#include <weir/buffer.h>
#include <weir/codec/http_server.h>
#include <weir/core/log.h>
#include <weir/testing.h>
#include <weir/testing/oom_sweep.h>
#include <weir/transport/event.h>
#include <weir/transport/promise.h>

#include "codec/http_rig.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"
#define EXPECTING "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n"
#define CONTINUE "HTTP/1.1 100 Continue\r\n\r\n"

static http_rig rig;

/* ---- 100 ---- */

WEIR_TEST(http_server_interim, sends_100_when_a_handler_has_not_answered_the_head) {
    http_rig_begin(&rig, NULL, http_rig_at_end);
    http_rig_send(&rig, EXPECTING);
    expect_str(http_rig_wrote(&rig), CONTINUE);
    http_rig_send(&rig, "abc");
    expect_str(http_rig_wrote(&rig), "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone");
    http_rig_end(&rig);
}

WEIR_TEST(http_server_interim, closes_behind_an_answer_in_the_place_of_100) {
    http_rig_begin(&rig, NULL, http_rig_at_head);
    http_rig_send(&rig, EXPECTING);
    expect_str(http_rig_wrote(&rig), "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nok /");
    expect(weir_embedded_is_shut(rig.embedded));
    http_rig_end(&rig);
}

WEIR_TEST(http_server_interim, sends_100_by_hand_only_when_told_so) {
    http_rig_begin(&rig, &(weir_http_server_options){.manual_continue = true}, http_rig_at_end);
    http_rig_send(&rig, EXPECTING);
    expect_str(http_rig_wrote(&rig), "");
    weir_http_server_continue(rig.ctx);
    weir_http_server_continue(rig.ctx);
    weir_embedded_run(rig.embedded);
    expect_str(http_rig_wrote(&rig), CONTINUE);
    http_rig_end(&rig);
}

static void pause_reading(http_rig *self, weir_obj *msg) {
    if (weir_http_request_from(msg) != NULL) weir_channel_set_reading(self->channel, false);
}

WEIR_TEST(http_server_interim, sends_100_at_a_pull_when_reading_is_off) {
    http_rig_begin(&rig, NULL, pause_reading);
    http_rig_send(&rig, EXPECTING);
    expect_str(http_rig_wrote(&rig), "");
    weir_channel_pull(rig.channel);
    weir_embedded_run(rig.embedded);
    expect_str(http_rig_wrote(&rig), CONTINUE);
    http_rig_end(&rig);
}

WEIR_TEST(http_server_interim, sends_100_when_reading_is_switched_on_again) {
    http_rig_begin(&rig, NULL, pause_reading);
    http_rig_send(&rig, EXPECTING);
    expect_str(http_rig_wrote(&rig), "");
    weir_channel_set_reading(rig.channel, true);
    weir_embedded_run(rig.embedded);
    expect_str(http_rig_wrote(&rig), CONTINUE);
    weir_channel_set_reading(rig.channel, false);
    weir_channel_set_reading(rig.channel, true);
    weir_embedded_run(rig.embedded);
    expect_str(http_rig_wrote(&rig), "");
    http_rig_end(&rig);
}

/* Whoever sends it, and however long that took. */
WEIR_TEST(http_server_interim, gives_a_body_its_time_from_the_100_on) {
    for (int by = 0; by < 2; by++) {
        http_rig_begin(&rig, &(weir_http_server_options){.manual_continue = true}, NULL);
        http_rig_send(&rig, EXPECTING);
        weir_embedded_advance(rig.embedded, 9990);
        if (by == 0) weir_http_server_continue(rig.ctx);
        if (by == 1) http_rig_head(&rig, 100, NULL);
        weir_embedded_advance(rig.embedded, 9999);
        expect_str(http_rig_wrote(&rig), CONTINUE);
        weir_embedded_advance(rig.embedded, 1);
        expect(strncmp(http_rig_wrote(&rig), "HTTP/1.1 408", 12) == 0);
        http_rig_end(&rig);
    }
}

/* ---- others ---- */

WEIR_TEST(http_server_interim, takes_interim_responses_with_and_without_end) {
    http_rig_begin(&rig, NULL, NULL);
    http_rig_send(&rig, GET("/"));
    http_rig_head(&rig, 103, NULL);
    http_rig_finish(&rig);
    http_rig_head(&rig, 103, "5"); /* a length it may not have */
    http_rig_head(&rig, 200, "0");
    http_rig_finish(&rig);
    expect_str(http_rig_wrote(&rig), "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n"
                                     "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    expect_eq(rig.results, 5);
    http_rig_head(&rig, 103, NULL); /* answers nothing */
    expect_status(rig.result, WEIR_E_INVALID);
    http_rig_end(&rig);
}

WEIR_TEST(http_server_interim, sends_none_to_http_1_0) {
    http_rig_begin(&rig, NULL, NULL);
    http_rig_send(&rig, "GET / HTTP/1.0\r\n\r\n");
    http_rig_head(&rig, 103, NULL);
    weir_embedded_run(rig.embedded);
    expect_str(http_rig_wrote(&rig), "");
    expect_status(rig.result, WEIR_OK);
    http_rig_end(&rig);
}

/* ---- upgrade ---- */

#define UPGRADE "GET /x HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n"

static void switch_protocols(http_rig *self, weir_obj *msg) {
    const weir_http_request *request = weir_http_request_from(msg);
    if (request == NULL) return;
    bool tunnels = request->method == WEIR_HTTP_METHOD_CONNECT;
    weir_ctx_write(self->ctx, weir_http_response_new(tunnels ? 200 : 101), NULL);
    weir_ctx_write(self->ctx, &weir_http_end_plain, NULL);
    weir_http_server_upgrade(self->ctx);
}

WEIR_TEST(http_server_interim, hands_over_what_follows_an_upgrade) {
    http_rig_begin(&rig, NULL, switch_protocols);
    http_rig_send(&rig, UPGRADE "raw");
    expect_str(http_rig_wrote(&rig), "HTTP/1.1 101 Switching Protocols\r\n\r\n");
    expect(http_rig_saw(&rig, "GET /x\nbody 3 \"raw\"\n"));
    http_rig_send(&rig, GET("/no"));
    expect(http_rig_saw(&rig, "body 29 \"GET /no HTTP/1.1\"\n"));
    weir_ctx_write(rig.ctx, http_rig_text("raw too"), NULL);
    weir_embedded_run(rig.embedded);
    expect_str(http_rig_wrote(&rig), "raw too");
    weir_embedded_advance(rig.embedded, 3600 * 1000);
    expect(weir_embedded_is_open(rig.embedded));
    http_rig_end(&rig);
}

WEIR_TEST(http_server_interim, opens_a_tunnel_for_connect) {
    http_rig_begin(&rig, NULL, switch_protocols);
    http_rig_send(&rig, "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\nraw");
    expect_str(http_rig_wrote(&rig), "HTTP/1.1 200 OK\r\n\r\n");
    expect(http_rig_saw(&rig, "CONNECT a:1\nbody 3 \"raw\"\n"));
    http_rig_end(&rig);
}

WEIR_TEST(http_server_interim, keeps_what_follows_an_upgrade_until_it_is_done) {
    http_rig_begin(&rig, NULL, NULL);
    http_rig_send(&rig, UPGRADE "raw");
    http_rig_head(&rig, 101, NULL);
    http_rig_finish(&rig);
    expect(http_rig_saw(&rig, "GET /x\nend\n"));
    http_rig_head(&rig, 200, NULL); /* HTTP is over */
    expect_status(rig.result, WEIR_E_CLOSED);
    weir_http_server_upgrade(rig.ctx);
    expect(http_rig_saw(&rig, "body 3 \"raw\"\n"));
    http_rig_end(&rig);
}

WEIR_TEST(http_server_interim, stays_with_http_when_an_upgrade_is_not_taken_up) {
    http_rig_begin(&rig, NULL, http_rig_at_head);
    http_rig_send(&rig, UPGRADE GET("/b"));
    expect(http_rig_saw(&rig, "GET /x\nGET /b\n"));
    http_rig_end(&rig);
}

/* ---- a codec that goes ---- */

static void remove_codec(void *arg, weir_status status) {
    (void)arg, (void)status;
    weir_ctx *codec = weir_pipeline_find_name(weir_embedded_pipeline(rig.embedded), "http_server");
    if (codec != NULL) weir_pipeline_remove(codec);
}

WEIR_TEST(http_server_interim, may_be_removed_when_its_last_answer_is_out) {
    http_rig_begin(&rig, NULL, NULL);
    http_rig_send(&rig, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n");
    weir_promise *sent = weir_promise_new(weir_embedded_loop(rig.embedded));
    expect_status(weir_promise_listen(sent, remove_codec, NULL), WEIR_OK);
    weir_http_response *response = weir_http_response_new(200);
    require(response != NULL);
    (void)weir_http_fields_add(&response->head.fields, WEIR_HTTP_CONNECTION, weir_bytes_str("close"));
    weir_http_server_respond(rig.ctx, response, NULL, sent);
    weir_embedded_run(rig.embedded);
    expect(strncmp(http_rig_wrote(&rig), "HTTP/1.1 200", 12) == 0);
    expect(weir_pipeline_find_name(weir_embedded_pipeline(rig.embedded), "http_server") == NULL);
    http_rig_end(&rig);
}

/* ---- memory ---- */

static void leave_on_error(weir_ctx *ctx, const weir_error *error) {
    (void)error;
    weir_ctx *codec = weir_pipeline_find_name(weir_ctx_pipeline(ctx), "http_server");
    if (codec != NULL) weir_pipeline_remove(codec);
}

static const weir_handler leaver = {.name = "leaver", .error = leave_on_error};

static weir_status build_with_leaver(weir_pipeline *pipeline, void *arg) {
    weir_status status = http_rig_build(pipeline, arg);
    weir_ctx *codec = weir_pipeline_find_name(pipeline, "http_server");
    return status != WEIR_OK ? status : weir_pipeline_add_after(codec, &leaver, NULL);
}

static bool continue_at_a_pull(void *arg) {
    (void)arg;
    rig = (http_rig){.on = pause_reading};
    rig.embedded = weir_embedded_new(NULL, build_with_leaver, &rig);
    if (rig.embedded == NULL) return false;
    rig.channel = weir_embedded_channel(rig.embedded);
    http_rig_send(&rig, EXPECTING);
    weir_channel_pull(rig.channel);
    weir_embedded_run(rig.embedded);
    weir_buf *all = weir_embedded_take_all(rig.embedded);
    bool is_sent = all != NULL && weir_buf_readable(all) == sizeof CONTINUE - 1;
    weir_buf_release(all);
    weir_embedded_free(rig.embedded);
    return is_sent;
}

WEIR_TEST(http_server_interim, may_be_removed_by_whoever_hears_that_there_is_no_memory) {
    weir_log_set_level(WEIR_LOG_OFF);
    expect(weir_oom_sweep(continue_at_a_pull, NULL) > 3);
}
