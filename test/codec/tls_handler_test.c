/* tls_handler_test.c - two channels by hand that speak TLS: beginnings, writing, ends, time. */
#include <errno.h>
#include <string.h>

#include <weir/core/log.h>

#include "codec/tls_talk.h"

#define FOR_BOTH_VERSIONS(version)                                                                           \
    for (weir_tls_version version = WEIR_TLS_1_2; version <= WEIR_TLS_1_3; version++)

static void begin_version(tls_talk *talk, weir_tls_version version) {
    weir_tls_options only = {.min = version, .max = version};
    weir_test_context("TLS 1.%d", version == WEIR_TLS_1_2 ? 2 : 3);
    tls_talk_begin(talk, &only, &only);
}

static void begin_quietly(tls_talk *talk) {
    weir_log_set_level(WEIR_LOG_OFF);
    tls_talk_begin(talk, NULL, NULL);
}

/* ---- beginning ---- */

WEIR_TEST(tls_handler, tells_active_when_the_handshake_is_done_and_carries_bytes_both_ways) {
    FOR_BOTH_VERSIONS(version) {
        tls_talk talk;
        begin_version(&talk, version);
        tls_talk_open(&talk);
        expect(tls_end_saw(&talk.client, ""));
        tls_talk_carry(&talk);
        expect(tls_end_saw(&talk.client, "active ready"));
        expect(tls_end_saw(&talk.server, "active ready"));
        tls_end_say(&talk.client, "hello");
        tls_talk_carry(&talk);
        expect(tls_end_heard(&talk.server, "hello"));
        tls_end_say(&talk.server, "good day");
        tls_talk_carry(&talk);
        expect(tls_end_heard(&talk.client, "good day"));
        expect(tls_end_saw(&talk.server, "complete"));
        tls_talk_end(&talk);
    }
}

WEIR_TEST(tls_handler, does_not_mind_how_bytes_are_cut) {
    FOR_BOTH_VERSIONS(version) {
        tls_talk talk;
        begin_version(&talk, version);
        talk.step = 1;
        tls_talk_meet(&talk);
        tls_end_write(&talk.client, tls_pattern(5000), NULL);
        tls_talk_carry(&talk);
        expect(tls_is_pattern(talk.server.read, 5000));
        tls_talk_end(&talk);
    }
}

WEIR_TEST(tls_handler, lets_writes_wait_for_the_handshake) {
    tls_talk talk;
    tls_result first, last;
    tls_talk_begin(&talk, NULL, NULL);
    tls_talk_open(&talk);
    tls_end_write(&talk.client, tls_text("before "), tls_watch(&talk.client, &first));
    tls_end_write(&talk.client, tls_pattern(100000), tls_watch(&talk.client, &last));
    weir_channel_flush(talk.client.channel);
    expect_eq(first.times + last.times, 0);
    expect(weir_channel_pending_bytes(talk.client.channel) > 100007);
    expect(!weir_channel_is_writable(talk.client.channel));
    tls_talk_carry(&talk);
    expect_eq(first.times, 1);
    expect_eq(last.times, 1);
    expect_status(last.status, WEIR_OK);
    expect_eq(weir_channel_pending_bytes(talk.client.channel), 0);
    expect(weir_channel_is_writable(talk.client.channel));
    weir_buf_skip(talk.server.read, 7);
    expect(tls_is_pattern(talk.server.read, 100000));
    tls_talk_end(&talk);
}

WEIR_TEST(tls_handler, refuses_what_waits_beyond_the_cap) {
    tls_talk talk;
    tls_result result;
    tls_talk_begin(&talk, NULL, NULL);
    talk.client.channel_options = (weir_channel_options){.write_cap = 100000};
    tls_talk_open(&talk);
    tls_end_write(&talk.client, tls_pattern(90000), NULL);
    tls_end_write(&talk.client, tls_pattern(20000), tls_watch(&talk.client, &result));
    expect_status(result.status, WEIR_E_BACKPRESSURE);
    tls_talk_carry(&talk);
    expect(tls_is_pattern(talk.server.read, 90000));
    tls_talk_end(&talk);
}

WEIR_TEST(tls_handler, tells_a_failed_handshake_as_one_error_and_the_end) {
    tls_talk talk;
    tls_result result;
    begin_quietly(&talk);
    weir_tls_context_release(talk.client.context);
    weir_tls_options other = {.ca = tls_certs_other_ca(talk.certs)};
    require(weir_tls_context_client(&talk.client.context, &other, NULL) == WEIR_OK);
    tls_talk_open(&talk);
    tls_end_write(&talk.client, tls_text("secret"), tls_watch(&talk.client, &result));
    tls_talk_carry(&talk);
    expect(tls_end_saw(&talk.client, "error WEIR_E_UNTRUSTED"));
    expect(strncmp(talk.client.what, "TLS handshake: ", 15) == 0 && strlen(talk.client.what) > 25);
    expect(tls_end_saw(&talk.server, "error WEIR_E_TLS"));
    expect_status(result.status, WEIR_E_UNTRUSTED);
    expect_eq(result.times, 1);
    expect(!weir_embedded_is_open(talk.client.embedded) && !weir_embedded_is_open(talk.server.embedded));
    expect(weir_embedded_aborted(talk.client.embedded) == WEIR_OK);
    tls_talk_end(&talk);
}

WEIR_TEST(tls_handler, gives_up_a_handshake_that_takes_too_long) {
    tls_talk talk;
    begin_quietly(&talk);
    talk.server.options.handshake_timeout_ms = 500;
    talk.server.takes_error = true;
    tls_talk_open(&talk);
    weir_embedded_advance(talk.server.embedded, 499);
    expect(tls_end_saw(&talk.server, ""));
    weir_embedded_advance(talk.server.embedded, 1);
    expect(tls_end_saw(&talk.server, "error WEIR_E_TIMEOUT"));
    expect(!weir_embedded_is_open(talk.server.embedded));
    tls_talk_end(&talk);
}

WEIR_TEST(tls_handler, tells_when_the_peer_leaves_in_the_middle_of_the_handshake) {
    tls_talk talk;
    begin_quietly(&talk);
    tls_talk_open(&talk);
    weir_embedded_feed_end(talk.client.embedded);
    expect(tls_end_saw(&talk.client, "error WEIR_E_CUT_SHORT"));
    expect(!weir_embedded_is_open(talk.client.embedded));
    weir_embedded_break(talk.server.embedded, -ECONNRESET);
    expect(tls_end_saw(&talk.server, "error ECONNRESET"));
    tls_talk_end(&talk);
}

WEIR_TEST(tls_handler, takes_regions_and_refuses_what_is_not_bytes) {
    tls_talk talk;
    begin_quietly(&talk);
    tls_talk_meet(&talk);
    tls_end_say(&talk.client, "spliced");
    weir_embedded_feed(talk.server.embedded, weir_region_buf(weir_embedded_take_all(talk.client.embedded)));
    expect(tls_end_heard(&talk.server, "spliced"));
    weir_embedded_feed(talk.server.embedded, weir_obj_retain(&weir_event_stopping.obj));
    expect(tls_end_saw(&talk.server, "complete error WEIR_E_UNSUPPORTED inactive"));
    tls_talk_end(&talk);
}

WEIR_TEST(tls_handler, gives_up_the_handshake_when_it_is_closed) {
    tls_talk talk;
    tls_result written, closed;
    begin_quietly(&talk);
    tls_talk_open(&talk);
    tls_end_write(&talk.client, tls_text("lost"), tls_watch(&talk.client, &written));
    weir_channel_close(talk.client.channel, tls_watch(&talk.client, &closed));
    weir_embedded_run(talk.client.embedded);
    expect_status(written.status, WEIR_E_CANCELED);
    expect_status(closed.status, WEIR_OK);
    expect(tls_end_saw(&talk.client, ""));
    tls_talk_end(&talk);
}

static void read_by_pulls(unsigned a_turn) {
    tls_talk talk;
    tls_talk_begin(&talk, NULL, NULL);
    talk.client.channel_options.manual_read = talk.server.channel_options.manual_read = true;
    talk.client.channel_options.messages_per_turn = talk.server.channel_options.messages_per_turn = a_turn;
    tls_talk_meet(&talk);
    tls_end_say(&talk.client, "one");
    tls_talk_carry(&talk);
    expect(tls_end_heard(&talk.server, ""));
    weir_channel_pull(talk.server.channel);
    tls_talk_carry(&talk);
    expect(tls_end_heard(&talk.server, "one"));
    tls_end_say(&talk.client, "two");
    talk.step = 5;
    tls_talk_carry(&talk);
    expect(tls_end_heard(&talk.server, ""));
    weir_channel_pull(talk.server.channel);
    tls_talk_carry(&talk);
    expect(tls_end_heard(&talk.server, "two"));
    tls_talk_end(&talk);
}

WEIR_TEST(tls_handler, shakes_hands_where_reading_is_by_pulls) {
    read_by_pulls(0);
}

/* A handshake that waits for its next turn needs no more bytes. */
WEIR_TEST(tls_handler, shakes_hands_in_many_turns_where_reading_is_by_pulls) {
    read_by_pulls(1);
}

/* ---- writing ---- */

static size_t count_records(tls_end *from, tls_end *to) {
    size_t count = 0;
    weir_buf *wire = weir_embedded_take_all(from->embedded);
    require(wire != NULL);
    for (weir_buf *look = weir_buf_duplicate(wire); look != NULL;) {
        uint8_t head[5];
        if (weir_buf_read_bytes(look, head, sizeof head)) {
            count++;
            require(weir_buf_skip(look, (size_t)head[3] << 8 | head[4]));
        } else {
            weir_buf_release(look);
            break;
        }
    }
    weir_embedded_feed(to->embedded, wire);
    return count;
}

WEIR_TEST(tls_handler, gathers_what_is_written_between_two_flushes_in_one_record) {
    tls_talk talk;
    tls_result results[100];
    tls_talk_begin(&talk, NULL, NULL);
    tls_talk_meet(&talk);
    for (int i = 0; i < 100; i++)
        tls_end_write(&talk.server, tls_text("0123456"), tls_watch(&talk.server, &results[i]));
    expect_eq(results[0].times, 0);
    expect_eq(count_records(&talk.server, &talk.client), 1);
    for (int i = 0; i < 100; i++) expect(results[i].times == 1 && results[i].status == WEIR_OK);
    expect_eq(weir_buf_readable(talk.client.read), 700);
    tls_end_say(&talk.server, "a");
    weir_channel_flush(talk.server.channel);
    tls_end_say(&talk.server, "b");
    weir_channel_flush(talk.server.channel);
    expect_eq(count_records(&talk.server, &talk.client), 2);
    tls_talk_end(&talk);
}

WEIR_TEST(tls_handler, begins_another_record_when_one_is_full) {
    tls_talk talk;
    tls_talk_begin(&talk, NULL, NULL);
    talk.server.options.engine.record_first = 1000;
    tls_talk_meet(&talk);
    for (int i = 0; i < 10; i++) tls_end_write(&talk.server, tls_pattern(300), NULL);
    expect_eq(count_records(&talk.server, &talk.client), 4);
    expect_eq(weir_buf_readable(talk.client.read), 3000);
    tls_talk_end(&talk);
}

WEIR_TEST(tls_handler, refuses_what_is_neither_bytes_nor_a_region) {
    tls_talk talk;
    tls_result result;
    tls_talk_begin(&talk, NULL, NULL);
    tls_talk_meet(&talk);
    tls_end_write(&talk.client, weir_obj_retain(&weir_event_stopping.obj), tls_watch(&talk.client, &result));
    expect_status(result.status, WEIR_E_UNSUPPORTED);
    weir_buf *failed = weir_buf_new(1);
    weir_buf_fail(failed, WEIR_E_FULL);
    tls_end_write(&talk.client, failed, tls_watch(&talk.client, &result));
    expect_status(result.status, WEIR_E_FULL);
    tls_end_write(&talk.client, weir_buf_empty(), tls_watch(&talk.client, &result));
    weir_embedded_run(talk.client.embedded);
    expect_status(result.status, WEIR_OK);
    tls_talk_end(&talk);
}

WEIR_TEST(tls_handler, changes_keys_between_records) {
    tls_talk talk;
    weir_tls_context_stats stats;
    tls_talk_begin(&talk, NULL, NULL);
    tls_talk_open(&talk);
    expect_status(weir_tls_update_keys(weir_embedded_pipeline(talk.client.embedded)), WEIR_E_UNSUPPORTED);
    tls_talk_carry(&talk);
    tls_end_say(&talk.client, "old ");
    expect_status(weir_tls_update_keys(weir_embedded_pipeline(talk.client.embedded)), WEIR_OK);
    tls_end_say(&talk.client, "new");
    tls_talk_carry(&talk);
    expect(tls_end_heard(&talk.server, "old new"));
    tls_end_say(&talk.server, "too");
    tls_talk_carry(&talk);
    expect(tls_end_heard(&talk.client, "too"));
    weir_tls_context_get_stats(talk.client.context, &stats);
    expect_eq(stats.key_updates, 1);
    tls_talk_end(&talk);
}

WEIR_TEST(tls_handler, resumes_and_sees_the_name_the_client_asked_for) {
    tls_talk talk;
    weir_tls_info info;
    tls_talk_begin(&talk, NULL, NULL);
    tls_talk_meet(&talk);
    weir_channel_close(talk.client.channel, NULL);
    tls_talk_carry(&talk);
    tls_talk_close(&talk);
    tls_talk_meet(&talk);
    expect(weir_tls_get_info(weir_embedded_pipeline(talk.server.embedded), &info));
    expect(info.resumed);
    expect_str(info.server_name, "localhost");
    tls_talk_end(&talk);
}

/* ---- ends ---- */

WEIR_TEST(tls_handler, closes_in_order_on_both_sides) {
    FOR_BOTH_VERSIONS(version) {
        tls_talk talk;
        tls_result written, closed;
        begin_version(&talk, version);
        tls_talk_meet(&talk);
        tls_end_write(&talk.client, tls_text("bye"), tls_watch(&talk.client, &written));
        weir_channel_close(talk.client.channel, tls_watch(&talk.client, &closed));
        expect_eq(closed.times, 0);
        tls_end_write(&talk.client, tls_text("late"), NULL);
        tls_talk_carry(&talk);
        expect_status(written.status, WEIR_OK);
        expect_status(closed.status, WEIR_OK);
        expect(tls_end_heard(&talk.server, "bye"));
        expect(tls_end_saw(&talk.server, "complete peer_closed inactive"));
        expect(tls_end_saw(&talk.client, "inactive"));
        tls_talk_end(&talk);
    }
}

WEIR_TEST(tls_handler, waits_for_the_peers_end_only_so_long) {
    tls_talk talk;
    tls_result first, second;
    tls_talk_begin(&talk, NULL, NULL);
    talk.client.options.close_timeout_ms = 200;
    tls_talk_meet(&talk);
    weir_channel_close(talk.client.channel, tls_watch(&talk.client, &first));
    weir_channel_close(talk.client.channel, tls_watch(&talk.client, &second));
    weir_embedded_advance(talk.client.embedded, 199);
    expect(weir_embedded_is_open(talk.client.embedded));
    tls_end_say(&talk.server, "are you there?");
    weir_obj *unread = weir_embedded_take(talk.server.embedded);
    weir_embedded_feed(talk.client.embedded, unread);
    expect(tls_end_heard(&talk.client, ""));
    weir_embedded_advance(talk.client.embedded, 1);
    expect(!weir_embedded_is_open(talk.client.embedded));
    expect(first.times == 1 && second.times == 1 && first.status == WEIR_OK);
    expect(tls_end_saw(&talk.client, "inactive"));
    tls_talk_end(&talk);
}

WEIR_TEST(tls_handler, tells_an_end_without_close_notify_as_an_error) {
    FOR_BOTH_VERSIONS(version) {
        tls_talk talk;
        begin_version(&talk, version);
        weir_log_set_level(WEIR_LOG_OFF);
        tls_talk_meet(&talk);
        talk.client.takes_error = talk.client.takes_end = true;
        tls_end_say(&talk.server, "half of");
        weir_embedded_run(talk.server.embedded);
        weir_embedded_feed(talk.client.embedded, weir_embedded_take(talk.server.embedded));
        weir_embedded_feed_end(talk.client.embedded);
        expect(tls_end_heard(&talk.client, "half of"));
        expect(tls_end_saw(&talk.client, "complete error WEIR_E_CUT_SHORT peer_closed"));
        tls_end_say(&talk.client, "still here");
        tls_talk_carry(&talk);
        expect(tls_end_heard(&talk.server, "still here"));
        tls_talk_end(&talk);
    }
}

WEIR_TEST(tls_handler, ends_one_direction_and_reads_on) {
    FOR_BOTH_VERSIONS(version) {
        tls_talk talk;
        tls_result shut;
        begin_version(&talk, version);
        tls_talk_meet(&talk);
        talk.server.takes_end = talk.client.takes_end = true;
        tls_end_say(&talk.client, "question");
        weir_channel_shutdown(talk.client.channel, tls_watch(&talk.client, &shut));
        tls_end_say(&talk.client, "too late");
        tls_talk_carry(&talk);
        expect_status(shut.status, WEIR_OK);
        expect(tls_end_heard(&talk.server, "question"));
        expect(tls_end_saw(&talk.server, "complete peer_closed"));
        tls_end_write(&talk.server, tls_pattern(200000), NULL);
        tls_talk_carry(&talk);
        expect(tls_is_pattern(talk.client.read, 200000));
        talk.client.trail[0] = 0;
        weir_channel_shutdown(talk.server.channel, NULL);
        tls_talk_carry(&talk);
        expect(tls_end_saw(&talk.client, "peer_closed inactive"));
        expect(tls_end_saw(&talk.server, "inactive"));
        tls_talk_end(&talk);
    }
}

WEIR_TEST(tls_handler, shuts_down_after_a_handshake_that_was_not_done_yet) {
    tls_talk talk;
    tls_talk_begin(&talk, NULL, NULL);
    tls_talk_open(&talk);
    tls_end_say(&talk.client, "all");
    weir_channel_shutdown(talk.client.channel, NULL);
    tls_talk_carry(&talk);
    expect(tls_end_heard(&talk.server, "all"));
    expect(tls_end_saw(&talk.server, "active ready complete peer_closed inactive"));
    tls_talk_end(&talk);
}

static void pull_at_read(tls_end *self, const char *event) {
    if (strcmp(event, "read") == 0) weir_channel_pull(self->channel);
}

WEIR_TEST(tls_handler, ends_each_burst_also_when_more_is_pulled_inside_of_it) {
    tls_talk talk;
    tls_talk_begin(&talk, NULL, NULL);
    tls_talk_meet(&talk);
    weir_channel_set_reading(talk.server.channel, false);
    talk.server.on = pull_at_read;
    weir_channel_pull(talk.server.channel);
    for (int i = 0; i < 3; i++) {
        tls_end_say(&talk.client, "some");
        tls_talk_carry(&talk);
        expect(tls_end_heard(&talk.server, "some"));
        expect(tls_end_saw(&talk.server, "complete"));
    }
    tls_talk_end(&talk);
}

WEIR_TEST(tls_handler, tells_a_record_that_does_not_verify) {
    tls_talk talk;
    begin_quietly(&talk);
    tls_talk_meet(&talk);
    tls_end_say(&talk.server, "trust me");
    weir_buf *record = weir_embedded_take_all(talk.server.embedded);
    record->rp[12] ^= 0x40;
    weir_embedded_feed(talk.client.embedded, record);
    expect(tls_end_saw(&talk.client, "error WEIR_E_TLS"));
    tls_talk_carry(&talk);
    expect(tls_end_saw(&talk.client, "inactive"));
    expect(tls_end_saw(&talk.server, "error WEIR_E_TLS inactive"));
    expect(strstr(talk.server.what, "bad record mac") != NULL ||
           !expect_str(talk.server.what, "bad record mac"));
    tls_talk_end(&talk);
}
