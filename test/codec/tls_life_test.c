/* tls_life_test.c - TLS and the life of a channel: ends, removal, writes inside every callback, cuts at every byte, no
 * memory: each event once, each promise once, nothing kept.
 */
#include <errno.h>
#include <string.h>

#include <weir/core/log.h>

#include "codec/tls_talk.h"

static const char *const moments[] = {"active", "ready", "read", "complete", "peer_closed", "inactive"};
enum {
    MOMENTS = sizeof moments / sizeof moments[0],
    WRITES = 6
};

static size_t count_of(const char *trail, const char *word) {
    size_t count = 0, len = strlen(word);
    for (const char *at = strstr(trail, word); at != NULL; at = strstr(at + len, word)) {
        bool starts = at == trail || at[-1] == ' ';
        count += starts && (at[len] == 0 || at[len] == ' ');
    }
    return count;
}

/* ---- acting inside every callback ---- */

static const char *moment;
static tls_end_fn *act;
static tls_result results[2][WRITES];

static void act_then(tls_end *self, const char *event) {
    if (strcmp(event, moment) == 0) act(self, event);
}

static void close_it(tls_end *self, const char *event) {
    (void)event;
    weir_channel_close(self->channel, NULL);
}

static void abort_it(tls_end *self, const char *event) {
    (void)event;
    weir_channel_abort(self->channel, WEIR_E_LIMIT);
}

static void shut_it(tls_end *self, const char *event) {
    (void)event;
    weir_channel_shutdown(self->channel, NULL);
}

static void remove_it(tls_end *self, const char *event) {
    (void)event;
    weir_ctx *ctx = weir_pipeline_find(weir_ctx_pipeline(self->ctx), &weir_tls_handler);
    if (ctx != NULL) weir_pipeline_remove(ctx);
}

static void write_it(tls_end *self, const char *event) {
    (void)event;
    tls_end_fn *on = self->on;
    self->on = NULL;
    weir_ctx_write_flush(self->ctx, tls_text("inside"), NULL);
    tls_end_write(self, tls_pattern(100000), NULL);
    weir_channel_flush(self->channel);
    self->on = on;
}

static void update_it(tls_end *self, const char *event) {
    (void)event;
    weir_tls_update_keys(weir_ctx_pipeline(self->ctx));
}

static void write_all(tls_end *self, tls_result *to) {
    for (size_t i = 0; i < WRITES; i++) {
        size_t n = i == 3 ? 200000 : i == 4 ? 0 : 100 * i;
        if (i == 5) {
            tls_end_write(self, weir_region_buf(tls_pattern(150000)), tls_watch(self, &to[i]));
        } else {
            tls_end_write(self, tls_pattern(n), tls_watch(self, &to[i]));
        }
    }
}

static void expect_well_ended(tls_end *self, const tls_result *of) {
    expect(!weir_embedded_is_open(self->embedded));
    size_t active = count_of(self->trail, "active"), inactive = count_of(self->trail, "inactive");
    if (!expect(active <= 1 && inactive == active && count_of(self->trail, "peer_closed") <= 1 &&
                count_of(self->trail, "ready") <= active))
        expect_str(self->trail, "each once");
    for (size_t i = 0; i < WRITES; i++) expect_eq(of[i].times, 1);
    expect_eq(weir_channel_pending_bytes(self->channel), 0);
}

static void live_and_act(tls_talk *talk, bool at_server) {
    tls_end *self = at_server ? &talk->server : &talk->client;
    memset(results, 0, sizeof results);
    tls_talk_open(talk);
    self->on = act_then;
    write_all(&talk->client, results[0]);
    write_all(&talk->server, results[1]);
    tls_talk_carry(talk);
    weir_channel_close(talk->client.channel, NULL);
    tls_talk_carry(talk);
    for (int i = 0; i < 4; i++) {
        weir_embedded_advance(talk->client.embedded, 31000);
        weir_embedded_advance(talk->server.embedded, 31000);
        tls_talk_carry(talk);
    }
    weir_channel_abort(talk->client.channel, WEIR_E_CANCELED);
    weir_channel_abort(talk->server.channel, WEIR_E_CANCELED);
    weir_embedded_run(talk->client.embedded);
    weir_embedded_run(talk->server.embedded);
    expect_well_ended(&talk->client, results[0]);
    expect_well_ended(&talk->server, results[1]);
    tls_talk_close(talk);
}

static void act_in_every_callback(tls_end_fn *what) {
    tls_talk talk;
    weir_log_set_level(WEIR_LOG_OFF);
    tls_talk_begin(&talk, NULL, NULL);
    act = what;
    for (size_t i = 0; i < 2 * MOMENTS; i++) {
        moment = moments[i / 2];
        weir_test_context("%s at the %s", moment, i % 2 == 1 ? "server" : "client");
        live_and_act(&talk, i % 2 == 1);
    }
    tls_talk_end(&talk);
}

WEIR_TEST(tls_life, may_be_closed_inside_every_callback) {
    act_in_every_callback(close_it);
}

WEIR_TEST(tls_life, may_be_aborted_inside_every_callback) {
    act_in_every_callback(abort_it);
}

WEIR_TEST(tls_life, may_end_its_stream_inside_every_callback) {
    act_in_every_callback(shut_it);
}

WEIR_TEST(tls_life, may_be_removed_inside_every_callback) {
    act_in_every_callback(remove_it);
}

WEIR_TEST(tls_life, may_be_written_to_inside_every_callback) {
    act_in_every_callback(write_it);
}

WEIR_TEST(tls_life, may_change_keys_inside_every_callback) {
    act_in_every_callback(update_it);
}

/* ---- removal ---- */

WEIR_TEST(tls_life, aborts_when_it_is_removed_before_the_handshake_is_done) {
    tls_talk talk;
    tls_result written;
    weir_log_set_level(WEIR_LOG_OFF);
    tls_talk_begin(&talk, NULL, NULL);
    tls_talk_open(&talk);
    tls_end_write(&talk.client, tls_text("secret"), tls_watch(&talk.client, &written));
    weir_buf_release(weir_embedded_take_all(talk.client.embedded));
    weir_pipeline_remove(weir_pipeline_find(weir_embedded_pipeline(talk.client.embedded), &weir_tls_handler));
    weir_embedded_run(talk.client.embedded);
    expect_status(weir_embedded_aborted(talk.client.embedded), WEIR_E_CANCELED);
    expect_status(written.status, WEIR_E_CANCELED);
    expect(weir_embedded_take(talk.client.embedded) == NULL);
    expect(tls_end_saw(&talk.client, "active inactive"));
    tls_talk_end(&talk);
}

WEIR_TEST(tls_life, seals_what_was_accepted_when_it_is_removed) {
    tls_talk talk;
    tls_result written;
    tls_talk_begin(&talk, NULL, NULL);
    tls_talk_meet(&talk);
    tls_end_write(&talk.client, tls_text("last words"), tls_watch(&talk.client, &written));
    weir_pipeline_remove(weir_pipeline_find(weir_embedded_pipeline(talk.client.embedded), &weir_tls_handler));
    tls_talk_carry(&talk);
    expect_status(written.status, WEIR_OK);
    expect(tls_end_heard(&talk.server, "last words"));
    tls_talk_end(&talk);
}

/* ---- cuts ---- */

/* The client's peer breaks or ends after `n` bytes. False when that was all of the handshake. */
static bool cut_after(tls_talk *talk, size_t n, bool breaks) {
    size_t left = n;
    tls_result written;
    tls_talk_open(talk);
    tls_end_write(&talk->client, tls_text("x"), tls_watch(&talk->client, &written));
    for (int i = 0; i < 10; i++) {
        weir_buf *out = weir_embedded_take_all(talk->client.embedded);
        weir_embedded_feed(talk->server.embedded, out);
        weir_buf *in = weir_embedded_take_all(talk->server.embedded);
        size_t take = weir_buf_readable(in) < left ? weir_buf_readable(in) : left;
        left -= take;
        weir_embedded_feed(talk->client.embedded, weir_buf_read_slice(in, take));
        weir_buf_release(in);
    }
    bool is_done = strncmp(talk->client.trail, "active ready", 12) == 0;
    if (breaks) {
        weir_embedded_break(talk->client.embedded, -ECONNRESET);
    } else {
        weir_embedded_feed_end(talk->client.embedded);
    }
    weir_embedded_advance(talk->client.embedded, 1);
    expect(!weir_embedded_is_open(talk->client.embedded));
    expect_eq(written.times, 1);
    if (!is_done) {
        expect(tls_end_saw(&talk->client, breaks ? "error ECONNRESET" : "error WEIR_E_CUT_SHORT"));
        expect_status(written.status, breaks ? -ECONNRESET : (weir_status)WEIR_E_CUT_SHORT);
    }
    tls_talk_close(talk);
    return !is_done;
}

WEIR_TEST(tls_life, may_lose_its_peer_at_any_byte_of_a_handshake) {
    for (weir_tls_version version = WEIR_TLS_1_2; version <= WEIR_TLS_1_3; version++) {
        tls_talk talk;
        weir_tls_options only = {.min = version, .max = version, .no_resumption = true};
        weir_log_set_level(WEIR_LOG_OFF);
        tls_talk_begin(&talk, &only, &only);
        size_t n = 0;
        while (cut_after(&talk, n, n % 2 == 0) && n < 5000) n += n < 200 ? 1 : 13;
        expect(n > 200 && n < 5000);
        tls_talk_end(&talk);
    }
}

/* ---- memory ---- */

static bool live(void *arg) {
    tls_talk *talk = arg;
    bool all = false;
    talk->client.read = talk->server.read = NULL;
    talk->client.end_told = talk->server.end_told = false;
    tls_end *const ends[] = {&talk->client, &talk->server};
    for (int i = 0; i < 2; i++) {
        ends[i]->trail[0] = 0;
        ends[i]->read = weir_buf_new(200000);
        ends[i]->embedded = weir_embedded_new(NULL, tls_end_build, ends[i]);
        if (ends[i]->embedded != NULL) ends[i]->channel = weir_embedded_channel(ends[i]->embedded);
    }
    if (ends[0]->embedded != NULL && ends[1]->embedded != NULL && ends[0]->read != NULL &&
        ends[1]->read != NULL) {
        weir_promise *promise = weir_promise_new(weir_embedded_loop(talk->client.embedded));
        weir_buf *big = weir_buf_new(150000);
        if (big != NULL) weir_buf_write_fill(big, 'x', 150000);
        weir_channel_write(talk->client.channel, big, promise);
        tls_talk_carry(talk);
        for (int i = 0; i < 3; i++) {
            weir_buf *small = weir_buf_new(100);
            if (small != NULL) weir_buf_write_fill(small, 'x', 100);
            weir_channel_write(talk->client.channel, small,
                               weir_promise_new(weir_embedded_loop(talk->client.embedded)));
        }
        weir_channel_close(talk->client.channel, NULL);
        tls_talk_carry(talk);
        all = weir_buf_readable(talk->server.read) == 150300;
    }
    tls_talk_close(talk);
    return all;
}

WEIR_TEST(tls_life, may_run_out_of_memory_anywhere) {
    tls_talk talk;
    weir_log_set_level(WEIR_LOG_OFF);
    weir_tls_options options = {.no_resumption = true};
    tls_talk_begin(&talk, &options, &options);
    expect(weir_oom_sweep(live, &talk) > 20);
    tls_talk_end(&talk);
}

/* ---- inside what is told of a write ---- */

static void remove_at_result(void *arg, weir_status status) {
    tls_end *self = arg;
    (void)status;
    weir_ctx *tls = weir_pipeline_find(weir_embedded_pipeline(self->embedded), &weir_tls_handler);
    if (tls != NULL) weir_pipeline_remove(tls);
}

/* The write of which the end removes the handler is gathered, and not flushed yet. */
static void write_and_remove(tls_end *self) {
    weir_promise *promise = weir_promise_new(weir_embedded_loop(self->embedded));
    require(promise != NULL);
    weir_promise_listen(promise, remove_at_result, self);
    weir_ctx_write(self->ctx, tls_text("last words"), promise);
}

static void write_and_remove_at_read(tls_end *self, const char *event) {
    if (strcmp(event, "read") != 0) return;
    self->on = NULL;
    write_and_remove(self);
}

WEIR_TEST(tls_life, may_be_removed_by_a_write_that_its_failure_ends) {
    tls_talk talk;
    weir_log_set_level(WEIR_LOG_OFF);
    tls_talk_begin(&talk, NULL, NULL);
    tls_talk_meet(&talk);
    tls_end_say(&talk.client, "good");
    weir_buf *records = weir_embedded_take_all(talk.client.embedded);
    weir_buf_write_bytes(records, "\x17\x03\x03\0\x14is nothing of a kind", 25);
    talk.server.on = write_and_remove_at_read;
    talk.server.takes_error = true;
    weir_embedded_feed(talk.server.embedded, records);
    weir_embedded_advance(talk.server.embedded, 10000);
    expect(tls_end_saw(&talk.server, "error WEIR_E_TLS complete inactive"));
    expect(!weir_embedded_is_open(talk.server.embedded));
    tls_talk_end(&talk);
}

WEIR_TEST(tls_life, may_be_removed_by_a_write_that_its_close_sends) {
    tls_talk talk;
    tls_talk_begin(&talk, NULL, NULL);
    tls_talk_meet(&talk);
    write_and_remove(&talk.server);
    weir_channel_close(talk.server.channel, NULL);
    weir_embedded_advance(talk.server.embedded, 60000);
    expect(!weir_embedded_is_open(talk.server.embedded));
    tls_talk_end(&talk);
}
