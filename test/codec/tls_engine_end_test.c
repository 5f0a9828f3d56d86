/* tls_engine_end_test.c - two engines: ends in order and cut ones, damage, no memory. */
#include <errno.h>
#include <string.h>

#include <weir/testing.h>

#include "codec/tls_pair.h"

/* ---- ends ---- */

WEIR_TEST(tls_engine_end, ends_one_direction_and_reads_on) {
    FOR_BOTH_VERSIONS(version) {
        tls_pair pair;
        weir_status status;
        tls_pair_begin_version(&pair, version);
        require(tls_pair_shake_hands(&pair));
        expect_status(weir_tls_engine_write(pair.client, tls_pair_pattern(300)), WEIR_OK);
        expect_status(weir_tls_engine_end(pair.client), WEIR_OK);
        expect_status(weir_tls_engine_end(pair.client), WEIR_OK);
        tls_pair_carry(&pair, pair.client, pair.server);
        expect_status(weir_tls_engine_ended(pair.server), WEIR_E_CUT_SHORT);
        weir_buf *got = tls_pair_read(pair.server, &status);
        expect(tls_pair_is_pattern(got, 300));
        expect_status(status, WEIR_OK);
        weir_buf_release(got);
        expect_status(weir_tls_engine_ended(pair.server), WEIR_OK);
        expect(tls_pair_talks(&pair, pair.server, pair.client, 70000));
        expect_status(weir_tls_engine_ended(pair.client), WEIR_E_CUT_SHORT);
        expect_status(weir_tls_engine_end(pair.server), WEIR_OK);
        expect_eq(tls_pair_carry(&pair, pair.server, pair.client) > 0, true);
        weir_buf_release(tls_pair_read(pair.client, &status));
        expect_status(status, WEIR_OK);
        expect_status(weir_tls_engine_ended(pair.client), WEIR_OK);
        expect_abort(weir_tls_engine_write(pair.client, weir_buf_empty()), "after its end");
        tls_pair_end(&pair);
    }
}

/* ---- damage ---- */

WEIR_TEST(tls_engine_end, gives_what_came_before_damage_and_fails_for_good) {
    FOR_BOTH_VERSIONS(version) {
        tls_pair pair;
        weir_buf *plain;
        weir_status status;
        tls_pair_begin_version(&pair, version);
        require(tls_pair_shake_hands(&pair));
        weir_buf_release(tls_pair_read(pair.client, &status));
        expect_status(weir_tls_engine_write(pair.server, tls_pair_pattern(100)), WEIR_OK);
        tls_pair_carry(&pair, pair.server, pair.client);
        expect_status(weir_tls_engine_write(pair.server, tls_pair_pattern(100)), WEIR_OK);
        weir_buf *damaged = weir_tls_engine_take(pair.server);
        damaged->rp[50] ^= 1;
        expect_status(weir_tls_engine_feed(pair.client, damaged), WEIR_OK);
        expect_status(weir_tls_engine_read(pair.client, 1000, &plain), WEIR_OK);
        expect(plain != NULL && tls_pair_is_pattern(plain, 100));
        weir_buf_release(plain);
        expect_status(weir_tls_engine_read(pair.client, 1000, &plain), WEIR_E_TLS);
        expect_status(weir_tls_engine_read(pair.client, 1000, &plain), WEIR_E_TLS);
        expect_str(weir_tls_engine_why(pair.client), "TLS record: a record was changed on its way (bad MAC)");
        expect_status(weir_tls_engine_write(pair.client, tls_pair_pattern(1)), WEIR_E_TLS);
        expect(tls_pair_carry(&pair, pair.client, pair.server) > 0);
        weir_buf_release(tls_pair_read(pair.server, &status));
        expect_status(status, WEIR_E_TLS);
        expect(strstr(weir_tls_engine_why(pair.server), "bad record mac") != NULL);
        tls_pair_end(&pair);
    }
}

/* Who keeps what was read of them keeps little more than their bytes. */
WEIR_TEST(tls_engine_end, makes_no_room_for_the_heads_of_records) {
    FOR_BOTH_VERSIONS(version) {
        tls_pair pair;
        weir_buf *plain;
        tls_pair_begin_version(&pair, version);
        require(tls_pair_shake_hands(&pair));
        for (int i = 0; i < 2000; i++)
            expect_status(weir_tls_engine_write(pair.client, tls_pair_pattern(1)), WEIR_OK);
        expect(tls_pair_carry(&pair, pair.client, pair.server) > 40000);
        expect_status(weir_tls_engine_read(pair.server, 64 * 1024, &plain), WEIR_OK);
        require(plain != NULL);
        expect_eq(weir_buf_readable(plain), 2000);
        expect(weir_buf_writable(plain) <= 4 * 2000);
        weir_buf_release(plain);
        tls_pair_end(&pair);
    }
}

/* A peer may go on sending, and we may go on writing for hours. */
WEIR_TEST(tls_engine_end, keeps_nothing_that_comes_behind_the_end) {
    FOR_BOTH_VERSIONS(version) {
        tls_pair pair;
        weir_status status;
        tls_pair_begin_version(&pair, version);
        require(tls_pair_shake_hands(&pair));
        weir_buf *junk = tls_pair_pattern(50000), *same = tls_pair_pattern(50000);
        expect_status(weir_tls_engine_end(pair.client), WEIR_OK);
        weir_buf *wire = weir_tls_engine_take(pair.client);
        expect_status(weir_tls_engine_feed(pair.server, wire), WEIR_OK);
        expect_status(weir_tls_engine_feed(pair.server, weir_buf_retain(same)), WEIR_OK);
        weir_buf_release(tls_pair_read(pair.server, &status));
        expect_status(status, WEIR_OK);
        expect(weir_obj_is_unshared(&same->obj));
        expect_status(weir_tls_engine_feed(pair.server, weir_buf_retain(junk)), WEIR_OK);
        expect(weir_obj_is_unshared(&junk->obj));
        expect_status(weir_tls_engine_ended(pair.server), WEIR_OK);
        weir_buf_release(same);
        weir_buf_release(junk);
        expect(tls_pair_talks(&pair, pair.server, pair.client, 10000));
        tls_pair_end(&pair);
    }
}

WEIR_TEST(tls_engine_end, keeps_nothing_that_comes_behind_a_failure) {
    tls_pair pair;
    tls_pair_begin_version(&pair, WEIR_TLS_1_3);
    weir_buf *junk = tls_pair_pattern(50000);
    require(junk != NULL);
    expect_status(weir_tls_engine_feed(pair.server, tls_pair_pattern(100)), WEIR_OK);
    expect_status(weir_tls_engine_handshake(pair.server), WEIR_E_TLS);
    expect_status(weir_tls_engine_feed(pair.server, weir_buf_retain(junk)), WEIR_OK);
    expect(weir_obj_is_unshared(&junk->obj));
    weir_buf_release(junk);
    tls_pair_end(&pair);
}

/* The handshake ends for `self` after `n` bytes of its peer. */
static bool is_cut_well(tls_pair *pair, bool at_server, size_t n) {
    size_t left = n;
    tls_pair_open(pair, NULL, NULL);
    for (int i = 0; i < 20; i++) {
        weir_tls_engine *const ends[] = {pair->client, pair->server};
        for (int end = 0; end < 2; end++) {
            weir_status status = weir_tls_engine_handshake(ends[end]);
            if (status != WEIR_OK) expect_status(status, -EAGAIN);
            weir_buf *wire = weir_tls_engine_take(ends[end]);
            if (wire == NULL) continue;
            bool is_cut = (end == 1) == !at_server;
            size_t there = weir_buf_readable(wire), take = !is_cut || there < left ? there : left;
            if (is_cut) left -= take;
            expect_status(weir_tls_engine_feed(ends[1 - end], weir_buf_read_slice(wire, take)), WEIR_OK);
            weir_buf_release(wire);
        }
    }
    weir_tls_engine *self = at_server ? pair->server : pair->client;
    weir_status status = weir_tls_engine_handshake(self);
    bool is_done = status == WEIR_OK;
    if (!is_done) expect_status(status, -EAGAIN);
    expect_status(weir_tls_engine_ended(self), WEIR_E_CUT_SHORT);
    tls_pair_close(pair);
    return is_done;
}

/* At every byte of the first flight, and then in steps: the certificates are long. */
WEIR_TEST(tls_engine_end, may_lose_its_peer_at_any_byte_of_a_handshake) {
    FOR_BOTH_VERSIONS(version) {
        tls_pair pair;
        weir_tls_options only = {.min = version, .max = version, .no_resumption = true};
        tls_pair_begin(&pair, &only, &only);
        for (int at_server = 0; at_server < 2; at_server++) {
            size_t n = 0;
            while (!is_cut_well(&pair, at_server == 1, n) && n < 10000) n += n < 300 ? 1 : 7;
            expect(n > 100 && n < 10000);
        }
        tls_pair_end(&pair);
    }
}

/* ---- memory ---- */

/* What `from` wants sent reaches `to`. */
static bool hands_over(weir_tls_engine *from, weir_tls_engine *to) {
    weir_buf *wire = weir_tls_engine_take(from);
    if (wire == NULL) return true;
    if (weir_buf_status(wire) == WEIR_OK) return weir_tls_engine_feed(to, wire) == WEIR_OK;
    weir_buf_release(wire);
    return false;
}

static bool goes_on(weir_tls_engine *engine) {
    weir_status status = weir_tls_engine_handshake(engine);
    return status == WEIR_OK || status == -EAGAIN;
}

static bool meets(tls_pair *pair) {
    for (int i = 0; i < 5; i++) {
        if (!goes_on(pair->client) || !hands_over(pair->client, pair->server)) return false;
        if (!goes_on(pair->server) || !hands_over(pair->server, pair->client)) return false;
    }
    return weir_tls_engine_handshake(pair->client) == WEIR_OK &&
           weir_tls_engine_handshake(pair->server) == WEIR_OK;
}

/* As much as comes over of `n` bytes in many parts. */
static size_t tells(tls_pair *pair, size_t n) {
    weir_buf *parts = weir_buf_composite_new(), *got;
    size_t total = 0;
    for (size_t i = 0; parts != NULL && i < n / 1000; i++) {
        weir_buf *part = weir_buf_new(1000);
        if (part != NULL) weir_buf_write_fill(part, 'x', 1000);
        weir_buf_composite_append(parts, part);
    }
    if (parts == NULL || weir_tls_engine_write(pair->client, parts) != WEIR_OK) return 0;
    if (!hands_over(pair->client, pair->server)) return 0;
    while (weir_tls_engine_read(pair->server, 65536, &got) == WEIR_OK && got != NULL) {
        total += weir_buf_readable(got);
        weir_buf_release(got);
    }
    return total;
}

static bool live_a_life(void *arg) {
    tls_pair *pair = arg;
    weir_tls_engine_options options = {.peer_name = "localhost"};
    bool all = weir_tls_engine_new(&pair->client, pair->client_context, &options, NULL) == WEIR_OK &&
               weir_tls_engine_new(&pair->server, pair->server_context, NULL, NULL) == WEIR_OK &&
               meets(pair) && tells(pair, 100000) == 100000;
    tls_pair_close(pair);
    return all;
}

WEIR_TEST(tls_engine_end, may_run_out_of_memory_anywhere) {
    tls_pair pair;
    weir_tls_options options = {.no_resumption = true};
    tls_pair_begin(&pair, &options, &options);
    expect(weir_oom_sweep(live_a_life, &pair) > 5);
    tls_pair_end(&pair);
}
