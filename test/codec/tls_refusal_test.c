/* tls_refusal_test.c - a peer that is refused learns why: what it still sends is dropped for a while, so that no reset overtakes
 * the alert.
 */
#include <errno.h>
#include <string.h>

#include <weir/core/log.h>

#include "codec/tls_talk.h"

static void begin(tls_talk *talk) {
    weir_log_set_level(WEIR_LOG_OFF);
    tls_talk_begin(talk, NULL, NULL);
    talk->server.options.close_timeout_ms = 200;
}

/* The server has refused a record, has told so, and its client goes on. */
static void refuse(tls_talk *talk) {
    begin(talk);
    tls_talk_meet(talk);
    tls_end_say(&talk->client, "trust me");
    weir_buf *record = weir_embedded_take_all(talk->client.embedded);
    record->rp[12] ^= 0x40;
    weir_embedded_feed(talk->server.embedded, record);
    expect(tls_end_saw(&talk->server, "error WEIR_E_TLS"));
}

static void expect_alert(tls_talk *talk) {
    weir_buf *told = weir_embedded_take_all(talk->server.embedded);
    expect(weir_buf_readable(told) > 5 && (told->rp[0] == 21 || told->rp[0] == 23));
    weir_buf_release(told);
}

WEIR_TEST(tls_refusal, ends_its_own_side_and_drops_what_comes_until_the_peer_ends) {
    tls_talk talk;
    refuse(&talk);
    expect_alert(&talk);
    expect(weir_embedded_is_shut(talk.server.embedded));
    expect(weir_embedded_is_open(talk.server.embedded));
    tls_end_write(&talk.client, tls_pattern(100000), NULL);
    weir_embedded_feed(talk.server.embedded, weir_embedded_take_all(talk.client.embedded));
    expect(weir_embedded_is_open(talk.server.embedded));
    expect(tls_end_heard(&talk.server, ""));
    weir_embedded_feed_end(talk.server.embedded);
    expect(!weir_embedded_is_open(talk.server.embedded));
    expect_status(weir_embedded_aborted(talk.server.embedded), WEIR_OK);
    expect(tls_end_saw(&talk.server, "inactive"));
    tls_talk_end(&talk);
}

WEIR_TEST(tls_refusal, waits_for_the_peer_only_so_long) {
    tls_talk talk;
    tls_result closed;
    refuse(&talk);
    weir_channel_close(talk.server.channel, tls_watch(&talk.server, &closed));
    weir_embedded_advance(talk.server.embedded, 199);
    expect(weir_embedded_is_open(talk.server.embedded));
    expect_eq(closed.times, 0);
    weir_embedded_advance(talk.server.embedded, 1);
    expect(!weir_embedded_is_open(talk.server.embedded));
    expect_eq(closed.times, 1);
    expect_status(closed.status, WEIR_OK);
    tls_talk_end(&talk);
}

WEIR_TEST(tls_refusal, drops_what_comes_also_where_reading_is_off) {
    tls_talk talk;
    begin(&talk);
    talk.server.channel_options.manual_read = true;
    tls_talk_open(&talk);
    weir_embedded_feed_bytes(talk.server.embedded, "\x16\x03\x01\0\x04\x02\0\0\0", 9);
    expect(tls_end_saw(&talk.server, "error WEIR_E_TLS"));
    expect_alert(&talk);
    for (int i = 0; i < 3; i++) weir_embedded_feed_bytes(talk.server.embedded, "more", 4);
    weir_embedded_feed_end(talk.server.embedded);
    expect(!weir_embedded_is_open(talk.server.embedded));
    expect(tls_end_saw(&talk.server, ""));
    tls_talk_end(&talk);
}

WEIR_TEST(tls_refusal, ends_at_once_when_it_is_aborted) {
    tls_talk talk;
    refuse(&talk);
    weir_channel_abort(talk.server.channel, WEIR_E_LIMIT);
    weir_embedded_run(talk.server.embedded);
    expect_status(weir_embedded_aborted(talk.server.embedded), WEIR_E_LIMIT);
    tls_talk_end(&talk);
}

static void abort_inside(tls_end *self, const char *event) {
    if (strncmp(event, "error", 5) == 0) weir_channel_abort(self->channel, WEIR_E_LIMIT);
}

WEIR_TEST(tls_refusal, is_on_the_wire_before_the_error_is_told) {
    tls_talk talk;
    begin(&talk);
    tls_talk_meet(&talk);
    talk.server.on = abort_inside;
    weir_embedded_feed_bytes(talk.server.embedded, "\x17\x03\x03\0\x14is nothing of a kind", 25);
    expect_status(weir_embedded_aborted(talk.server.embedded), WEIR_E_LIMIT);
    expect_alert(&talk);
    tls_talk_end(&talk);
}

static void remove_it(tls_end *self) {
    weir_pipeline_remove(weir_pipeline_find(weir_embedded_pipeline(self->embedded), &weir_tls_handler));
}

static void remove_inside(tls_end *self, const char *event) {
    if (strncmp(event, "error", 5) == 0) remove_it(self);
}

/* What comes then is not plaintext. */
WEIR_TEST(tls_refusal, closes_when_the_handler_is_removed) {
    tls_talk talk;
    refuse(&talk);
    remove_it(&talk.server);
    weir_embedded_run(talk.server.embedded);
    expect(!weir_embedded_is_open(talk.server.embedded));
    tls_talk_close(&talk);
    tls_talk_open(&talk);
    talk.server.on = remove_inside;
    weir_embedded_feed_bytes(talk.server.embedded, "GET / HTTP/1.1\r\n\r\n", 18);
    expect(!weir_embedded_is_open(talk.server.embedded));
    expect(tls_end_heard(&talk.server, ""));
    tls_talk_end(&talk);
}

/* Nobody was told anything. */
WEIR_TEST(tls_refusal, is_not_waited_for_when_it_is_the_peers_silence) {
    tls_talk talk;
    begin(&talk);
    talk.server.options.handshake_timeout_ms = 100;
    tls_talk_open(&talk);
    weir_embedded_advance(talk.server.embedded, 100);
    expect(tls_end_saw(&talk.server, "error WEIR_E_TIMEOUT"));
    expect(!weir_embedded_is_open(talk.server.embedded));
    tls_talk_end(&talk);
}
