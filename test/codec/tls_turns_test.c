/* tls_turns_test.c - how much of what a peer sent is opened before others have their turn: counted in records, as a peer may
 * send many that are small, or hold nothing but work (KeyUpdate, HelloRequest).
 */
#include <errno.h>
#include <string.h>

#include <weir/core/log.h>
#include <weir/transport/loop_stats.h>

#include "codec/tls_talk.h"

enum {
    USUAL = 64,   /* records a turn, when nothing else is said */
    RECORDS = 500 /* in one read */
};

#define FOR_BOTH_VERSIONS(version)                                                                           \
    for (weir_tls_version version = WEIR_TLS_1_2; version <= WEIR_TLS_1_3; version++)

/* What a read, or the end of a burst, came after. */
static struct { uint64_t turn, turns, records, most; } seen;

static uint64_t turn_of(const tls_end *self) {
    weir_loop_stats stats;
    weir_loop_get_stats(weir_embedded_loop(self->embedded), &stats);
    return stats.turns;
}

static uint64_t records_of(const tls_end *self) {
    weir_tls_stats stats;
    require(weir_tls_get_stats(weir_embedded_pipeline(self->embedded), &stats));
    return stats.records_read;
}

/* At the beginning of each turn that gives something it is looked how many records the last one has opened. */
static void note_turn(tls_end *self, const char *event) {
    uint64_t turn = turn_of(self), records = records_of(self);
    if (strcmp(event, "read") != 0 && strcmp(event, "complete") != 0) return;
    if (turn != seen.turn) seen.turns++;
    if (records - seen.records > seen.most) seen.most = records - seen.records;
    seen.turn = turn;
    seen.records = records;
}

static void begin_turns(tls_talk *talk, weir_tls_version version, unsigned a_turn) {
    weir_tls_options only = {.min = version, .max = version};
    weir_test_context("TLS 1.%d", version == WEIR_TLS_1_2 ? 2 : 3);
    weir_log_set_level(WEIR_LOG_OFF);
    tls_talk_begin(talk, &only, &only);
    talk->server.channel_options.messages_per_turn = a_turn;
    tls_talk_meet(talk);
    memset(&seen, 0, sizeof seen);
    seen.records = records_of(&talk->server);
    talk->server.on = note_turn;
}

/* One read of `n` records of one byte, or of nothing but keys that change. */
static weir_buf *many_bytes(tls_end *from, unsigned n) {
    for (unsigned i = 0; i < n; i++) {
        tls_end_say(from, "x");
        weir_channel_flush(from->channel);
    }
    return weir_embedded_take_all(from->embedded);
}

static weir_buf *many_keys(tls_end *from, unsigned n) {
    for (unsigned i = 0; i < n; i++)
        expect_status(weir_tls_update_keys(weir_embedded_pipeline(from->embedded)), WEIR_OK);
    return weir_embedded_take_all(from->embedded);
}

WEIR_TEST(tls_turns, opens_so_many_records_and_the_others_in_later_turns) {
    FOR_BOTH_VERSIONS(version) {
        tls_talk talk;
        begin_turns(&talk, version, 0);
        weir_embedded_feed(talk.server.embedded, many_bytes(&talk.client, RECORDS));
        expect_eq(weir_buf_readable(talk.server.read), RECORDS);
        expect(seen.most <= USUAL);
        expect(seen.turns >= RECORDS / USUAL);
        tls_end_say(&talk.client, "y");
        tls_talk_carry(&talk);
        expect_eq(weir_buf_readable(talk.server.read), RECORDS + 1);
        tls_talk_end(&talk);
    }
}

WEIR_TEST(tls_turns, opens_as_many_as_the_channel_says) {
    tls_talk talk;
    begin_turns(&talk, WEIR_TLS_1_3, 1);
    weir_embedded_feed(talk.server.embedded, many_bytes(&talk.client, 20));
    expect_eq(weir_buf_readable(talk.server.read), 20);
    expect(seen.most <= 2); /* one, and the head of the next */
    expect(seen.turns >= 20);
    tls_talk_end(&talk);
}

/* Each costs as much as dozens of small records, and nobody behind sees one of them. */
WEIR_TEST(tls_turns, counts_records_without_plaintext) {
    tls_talk talk;
    begin_turns(&talk, WEIR_TLS_1_3, 0);
    weir_buf *wire = many_keys(&talk.client, RECORDS);
    uint64_t before = turn_of(&talk.server);
    weir_embedded_feed(talk.server.embedded, wire);
    expect(turn_of(&talk.server) - before >= RECORDS / USUAL);
    expect_eq(records_of(&talk.server) - seen.records, RECORDS);
    tls_talk_carry(&talk);
    tls_end_say(&talk.client, "still here");
    tls_talk_carry(&talk);
    expect(tls_end_heard(&talk.server, "still here"));
    tls_talk_end(&talk);
}

WEIR_TEST(tls_turns, counts_records_of_a_handshake) {
    tls_talk talk;
    tls_talk_begin(&talk, NULL, NULL);
    talk.server.channel_options.messages_per_turn = 8;
    tls_talk_open(&talk);
    weir_buf *hello = weir_embedded_take_all(talk.client.embedded), *small = weir_buf_new(0);
    require(weir_buf_skip(hello, 5));
    uint8_t byte;
    while (weir_buf_read_u8(hello, &byte)) weir_buf_write_bytes(small, (uint8_t[]){22, 3, 1, 0, 1, byte}, 6);
    weir_buf_release(hello);
    size_t records = weir_buf_readable(small) / 6;
    uint64_t before = turn_of(&talk.server);
    weir_embedded_feed(talk.server.embedded, small);
    expect(turn_of(&talk.server) - before >= records / 8);
    tls_talk_carry(&talk);
    expect(tls_end_saw(&talk.server, "active ready"));
    tls_talk_end(&talk);
}

/* ---- what happens in between ---- */

static void break_it(tls_end *self, const char *event) {
    if (strcmp(event, "complete") != 0) return;
    self->on = NULL;
    weir_embedded_break(self->embedded, -ECONNRESET);
}

static void end_it(tls_end *self, const char *event) {
    if (strcmp(event, "complete") != 0) return;
    self->on = NULL;
    weir_ctx *head = weir_pipeline_find(weir_ctx_pipeline(self->ctx), &weir_tls_handler);
    weir_tls_handler.event(head, &weir_event_peer_closed.obj);
}

WEIR_TEST(tls_turns, gives_all_that_came_before_a_reset) {
    tls_talk talk;
    begin_turns(&talk, WEIR_TLS_1_3, 0);
    weir_buf *wire = many_bytes(&talk.client, RECORDS);
    talk.server.on = break_it;
    weir_embedded_feed(talk.server.embedded, wire);
    expect_eq(weir_buf_readable(talk.server.read), RECORDS);
    expect(tls_end_saw(&talk.server, "complete error ECONNRESET complete inactive"));
    tls_talk_end(&talk);
}

WEIR_TEST(tls_turns, gives_all_that_came_before_the_end) {
    tls_talk talk;
    begin_turns(&talk, WEIR_TLS_1_3, 0);
    talk.server.takes_end = true;
    for (unsigned i = 0; i < RECORDS; i++) {
        tls_end_say(&talk.client, "x");
        weir_channel_flush(talk.client.channel);
    }
    weir_channel_shutdown(talk.client.channel, NULL);
    weir_buf *wire = weir_embedded_take_all(talk.client.embedded);
    talk.server.on = end_it;
    weir_embedded_feed(talk.server.embedded, wire);
    expect_eq(weir_buf_readable(talk.server.read), RECORDS);
    expect(strstr(talk.server.trail, "error") == NULL);
    expect(strstr(talk.server.trail, "peer_closed") != NULL);
    tls_talk_end(&talk);
}

/* What is told of it ends the connection, and nothing is told of the end behind it. */
WEIR_TEST(tls_turns, tells_one_error_when_what_waits_before_the_end_is_bad) {
    tls_talk talk;
    begin_turns(&talk, WEIR_TLS_1_3, 0);
    weir_buf *wire = many_bytes(&talk.client, RECORDS);
    wire->wp[-1] ^= 0x40;
    talk.server.on = end_it;
    talk.server.takes_error = true;
    weir_embedded_feed(talk.server.embedded, wire);
    expect_eq(weir_buf_readable(talk.server.read), RECORDS - 1);
    expect(tls_end_saw(&talk.server, "complete error WEIR_E_TLS complete inactive"));
    tls_talk_end(&talk);
}

static void close_it(tls_end *self, const char *event) {
    (void)event;
    self->on = NULL;
    weir_channel_close(self->channel, NULL);
}

static void remove_it(tls_end *self, const char *event) {
    (void)event;
    self->on = NULL;
    weir_pipeline_remove(weir_pipeline_find(weir_ctx_pipeline(self->ctx), &weir_tls_handler));
}

static void remove_it_in_the_next_turn(tls_end *self, const char *event) {
    if (strcmp(event, "complete") == 0) self->on = remove_it;
}

WEIR_TEST(tls_turns, ends_the_burst_in_which_it_is_removed) {
    tls_talk talk;
    begin_turns(&talk, WEIR_TLS_1_3, 0);
    weir_buf *wire = many_bytes(&talk.client, RECORDS);
    talk.server.on = remove_it_in_the_next_turn;
    weir_embedded_feed(talk.server.embedded, wire);
    expect(weir_buf_readable(talk.server.read) < RECORDS);
    expect(tls_end_saw(&talk.server, "complete complete"));
    tls_talk_end(&talk);
}

static void end_it_and_remove_it(tls_end *self, const char *event) {
    if (strcmp(event, "complete") != 0) return;
    self->on = remove_it;
    weir_ctx *head = weir_pipeline_find(weir_ctx_pipeline(self->ctx), &weir_tls_handler);
    weir_tls_handler.event(head, &weir_event_peer_closed.obj);
}

WEIR_TEST(tls_turns, tells_the_end_also_when_it_is_removed_by_what_came_before) {
    tls_talk talk;
    begin_turns(&talk, WEIR_TLS_1_3, 0);
    talk.server.takes_end = true;
    weir_buf *wire = many_bytes(&talk.client, RECORDS);
    talk.server.on = end_it_and_remove_it;
    weir_embedded_feed(talk.server.embedded, wire);
    expect(tls_end_saw(&talk.server, "complete complete peer_closed"));
    tls_talk_end(&talk);
}

WEIR_TEST(tls_turns, may_be_closed_or_removed_while_records_wait) {
    tls_end_fn *const acts[] = {close_it, remove_it};
    for (int i = 0; i < 2; i++) {
        tls_talk talk;
        begin_turns(&talk, WEIR_TLS_1_3, 0);
        weir_buf *wire = many_bytes(&talk.client, RECORDS);
        talk.server.on = acts[i];
        weir_embedded_feed(talk.server.embedded, wire);
        expect(weir_buf_readable(talk.server.read) <= USUAL);
        tls_end_say(&talk.client, "more");
        weir_channel_close(talk.client.channel, NULL);
        tls_talk_carry(&talk);
        expect(i == 1 || !weir_embedded_is_open(talk.server.embedded));
        tls_talk_end(&talk);
    }
}

/* A pull is answered by what waits, and not by another read. */
WEIR_TEST(tls_turns, reads_no_more_for_a_pull_while_records_wait) {
    tls_talk talk;
    begin_turns(&talk, WEIR_TLS_1_3, 0);
    weir_channel_set_reading(talk.server.channel, false);
    weir_buf *wire = many_keys(&talk.client, RECORDS);
    tls_end_say(&talk.client, "answer");
    weir_buf *answer = weir_embedded_take_all(talk.client.embedded);
    tls_end_say(&talk.client, "not asked for");
    weir_buf *more = weir_embedded_take_all(talk.client.embedded);
    require(weir_buf_write_buf(wire, answer, weir_buf_readable(answer)));
    weir_buf_release(answer);
    weir_embedded_feed(talk.server.embedded, wire);
    weir_embedded_feed(talk.server.embedded, more);
    weir_channel_pull(talk.server.channel);
    weir_embedded_run(talk.server.embedded);
    expect(tls_end_heard(&talk.server, "answer"));
    weir_channel_pull(talk.server.channel);
    weir_embedded_run(talk.server.embedded);
    expect(tls_end_heard(&talk.server, "not asked for"));
    tls_talk_end(&talk);
}

static void pull_once(tls_end *self, const char *event) {
    if (strcmp(event, "complete") != 0) return;
    self->on = NULL;
    weir_channel_pull(self->channel);
}

WEIR_TEST(tls_turns, answers_a_pull_in_between_by_what_waits) {
    tls_talk talk;
    begin_turns(&talk, WEIR_TLS_1_3, 0);
    weir_channel_set_reading(talk.server.channel, false);
    talk.server.on = pull_once;
    weir_embedded_feed(talk.server.embedded, many_bytes(&talk.client, USUAL + 10));
    tls_end_say(&talk.client, "not asked for");
    weir_embedded_feed(talk.server.embedded, weir_embedded_take_all(talk.client.embedded));
    weir_channel_pull(talk.server.channel);
    weir_embedded_run(talk.server.embedded);
    expect_eq(weir_buf_readable(talk.server.read), USUAL + 10);
    tls_talk_end(&talk);
}

static void pull_and_remove(tls_end *self, const char *event) {
    pull_once(self, event);
    if (self->on == NULL) remove_it(self, event);
}

/* It is for who is behind. */
WEIR_TEST(tls_turns, passes_on_a_pull_when_it_is_removed_in_between) {
    tls_talk talk;
    begin_turns(&talk, WEIR_TLS_1_3, 0);
    weir_channel_set_reading(talk.server.channel, false);
    talk.server.on = pull_and_remove;
    weir_embedded_feed(talk.server.embedded, many_bytes(&talk.client, USUAL + 10));
    weir_embedded_feed_bytes(talk.server.embedded, "plain", 5);
    weir_channel_pull(talk.server.channel);
    weir_embedded_run(talk.server.embedded);
    weir_buf_skip(talk.server.read, weir_buf_readable(talk.server.read) - 5);
    expect(tls_end_heard(&talk.server, "plain"));
    tls_talk_end(&talk);
}
