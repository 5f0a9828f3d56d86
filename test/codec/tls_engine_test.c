/* tls_engine_test.c - two engines and the bytes between them: handshakes, records, keys. */
#include <errno.h>
#include <openssl/err.h>
#include <string.h>

#include <weir/testing.h>

#include "codec/tls_pair.h"
#include "tls/tls_engine_state.h"

/* ---- handshakes ---- */

WEIR_TEST(tls_engine, shakes_hands_and_carries_bytes_both_ways) {
    FOR_BOTH_VERSIONS(version) {
        tls_pair pair;
        tls_pair_begin_version(&pair, version);
        expect_status(weir_tls_engine_handshake(pair.client), -EAGAIN);
        expect_str(weir_tls_engine_why(pair.client), "");
        expect(tls_pair_shake_hands(&pair));
        for (size_t n = 1; n <= 1 << 20; n = n * 7 + 3) {
            expect(tls_pair_talks(&pair, pair.client, pair.server, n));
            expect(tls_pair_talks(&pair, pair.server, pair.client, n));
        }
        weir_tls_context_stats stats;
        weir_tls_context_get_stats(pair.server_context, &stats);
        expect_eq(stats.handshakes, 1);
        expect_eq(stats.failures, 0);
        tls_pair_end(&pair);
    }
}

WEIR_TEST(tls_engine, does_not_mind_how_bytes_are_cut) {
    FOR_BOTH_VERSIONS(version) {
        tls_pair pair;
        tls_pair_begin_version(&pair, version);
        for (size_t step = 1; step <= 17; step += 8) {
            tls_pair_close(&pair);
            tls_pair_open(&pair, NULL, NULL);
            pair.step = step;
            expect(tls_pair_shake_hands(&pair));
            expect(tls_pair_talks(&pair, pair.client, pair.server, 5000));
            expect(tls_pair_talks(&pair, pair.server, pair.client, 40000));
        }
        tls_pair_end(&pair);
    }
}

WEIR_TEST(tls_engine, needs_a_name_to_verify) {
    tls_pair pair;
    weir_tls_engine *engine;
    tls_pair_begin(&pair, NULL, NULL);
    expect_status(weir_tls_engine_new(&engine, pair.client_context, NULL, NULL), WEIR_E_INVALID);
    expect(engine == NULL);
    tls_pair_end(&pair);
}

/* How a handshake ends, and what both say of it. */
static void expect_refused(tls_pair *pair, weir_status client, const char *client_says, weir_status server,
                           const char *server_says) {
    tls_pair_open(pair, NULL, NULL);
    expect(!tls_pair_shake_hands(pair));
    expect_status(pair->client_status, client);
    expect_status(pair->server_status, server);
    expect(strstr(weir_tls_engine_why(pair->client), client_says) != NULL ||
           !expect_str(weir_tls_engine_why(pair->client), client_says));
    expect(strstr(weir_tls_engine_why(pair->server), server_says) != NULL ||
           !expect_str(weir_tls_engine_why(pair->server), server_says));
    weir_buf *plain;
    expect_abort(weir_tls_engine_read(pair->client, 1, &plain), "before its handshake was done");
    tls_pair_end(pair);
}

WEIR_TEST(tls_engine, says_on_both_sides_why_a_handshake_failed) {
    tls_pair pair;
    tls_pair_begin(&pair, &(weir_tls_options){.min = WEIR_TLS_1_3}, &(weir_tls_options){.max = WEIR_TLS_1_2});
    expect_refused(&pair, WEIR_E_TLS, "protocol version", WEIR_E_TLS, "no version of TLS in common");
    tls_pair_begin(&pair,
                   &(weir_tls_options){.max = WEIR_TLS_1_2, .ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256"},
                   &(weir_tls_options){.max = WEIR_TLS_1_2, .ciphers = "ECDHE-ECDSA-AES256-GCM-SHA384"});
    expect_refused(&pair, WEIR_E_TLS, "handshake failure", WEIR_E_TLS, "no cipher suite in common");
    const char *const h2 = "h2", *const http = "http/1.1";
    tls_pair_begin(&pair, &(weir_tls_options){.alpn = &h2, .alpn_count = 1},
                   &(weir_tls_options){.alpn = &http, .alpn_count = 1, .alpn_required = true});
    expect_refused(&pair, WEIR_E_TLS, "no application protocol", WEIR_E_TLS, "no application protocol");
}

WEIR_TEST(tls_engine, ends_in_order_what_it_does_not_like_at_last) {
    static const char *const h2 = "h2";
    tls_pair pair;
    weir_status status;
    tls_pair_begin(&pair, &(weir_tls_options){.alpn = &h2, .alpn_count = 1, .alpn_required = true}, NULL);
    tls_pair_open(&pair, NULL, NULL);
    expect(!tls_pair_shake_hands(&pair));
    expect_status(pair.client_status, WEIR_E_TLS);
    require(pair.server_status == WEIR_OK);
    weir_buf_release(tls_pair_read(pair.server, &status));
    expect_status(status, WEIR_OK);
    expect_status(weir_tls_engine_ended(pair.server), WEIR_OK);
    tls_pair_end(&pair);
}

WEIR_TEST(tls_engine, trusts_nobody_it_was_not_told_to_trust) {
    tls_pair pair;
    tls_pair_begin(&pair, NULL, NULL);
    weir_tls_context_release(pair.client_context);
    weir_tls_options other = {.ca = tls_certs_other_ca(pair.certs)};
    require(weir_tls_context_client(&pair.client_context, &other, NULL) == WEIR_OK);
    expect_refused(&pair, WEIR_E_UNTRUSTED, "certificate", WEIR_E_TLS, "unknown CA");
}

WEIR_TEST(tls_engine, counts_handshakes_that_were_given_up) {
    tls_pair pair;
    weir_tls_context_stats stats;
    tls_pair_begin(&pair, NULL, NULL);
    tls_pair_open(&pair, NULL, NULL);
    weir_tls_engine_handshake(pair.client);
    tls_pair_close(&pair);
    weir_tls_context_get_stats(pair.client_context, &stats);
    expect_eq(stats.failures, 1);
    weir_tls_context_get_stats(pair.server_context, &stats);
    expect_eq(stats.failures, 0);
    tls_pair_end(&pair);
}

/* ---- what was agreed on ---- */

WEIR_TEST(tls_engine, tells_what_was_agreed_on) {
    const char *const protocols[] = {"h2", "http/1.1"};
    weir_tls_options options = {.alpn = protocols, .alpn_count = 2};
    tls_pair pair;
    weir_tls_info info;
    tls_pair_begin(&pair, &options, &options);
    tls_pair_open(&pair, NULL, NULL);
    require(tls_pair_shake_hands(&pair));
    weir_tls_engine_get_info(pair.client, &info);
    expect_str(info.version, "TLSv1.3");
    expect_str(info.cipher, "TLS_AES_128_GCM_SHA256");
    expect_str(info.group, "X25519");
    expect_bytes(info.alpn, "h2");
    expect(!info.resumed && info.has_peer_cert && info.verified);
    expect_str(info.peer_subject, "CN=leaf");
    expect(strncmp(info.peer_issuer, "CN=", 3) == 0);
    expect_eq(info.peer_sha256.len, 32);
    expect(info.peer_der.len > 100 && info.peer_not_after > 0);
    weir_tls_engine_get_info(pair.server, &info);
    expect_str(info.server_name, "localhost");
    expect(!info.has_peer_cert && !info.verified);
    expect_str(info.peer_subject, "");
    tls_pair_end(&pair);
}

WEIR_TEST(tls_engine, asks_a_client_for_its_certificate) {
    FOR_BOTH_VERSIONS(version) {
        tls_pair pair;
        weir_tls_info info;
        tls_pair_begin(&pair, NULL, NULL);
        weir_tls_identity *alice =
            tls_certs_identity(pair.certs, &(tls_cert){.common_name = "alice", .is_for_clients = true});
        weir_tls_identity *local = tls_certs_identity(pair.certs, NULL);
        weir_tls_options ours = {
            .identities = &alice, .identity_count = 1, .ca = tls_certs_ca(pair.certs), .max = version};
        weir_tls_options theirs = {.identities = &local,
                                   .identity_count = 1,
                                   .ca = tls_certs_ca(pair.certs),
                                   .client_cert = WEIR_TLS_CLIENT_CERT_REQUIRE};
        weir_tls_context_release(pair.client_context);
        weir_tls_context_release(pair.server_context);
        require(weir_tls_context_client(&pair.client_context, &ours, NULL) == WEIR_OK);
        require(weir_tls_context_server(&pair.server_context, &theirs, NULL) == WEIR_OK);
        tls_pair_open(&pair, NULL, NULL);
        expect(tls_pair_shake_hands(&pair));
        weir_tls_engine_get_info(pair.server, &info);
        expect(info.has_peer_cert && info.verified);
        expect_str(info.peer_subject, "CN=alice");
        weir_tls_identity_release(alice);
        weir_tls_identity_release(local);
        tls_pair_end(&pair);
    }
}

WEIR_TEST(tls_engine, resumes) {
    FOR_BOTH_VERSIONS(version) {
        tls_pair pair;
        weir_tls_info info;
        weir_status status;
        tls_pair_begin_version(&pair, version);
        expect(tls_pair_shake_hands(&pair));
        weir_buf_release(tls_pair_read(pair.client, &status));
        tls_pair_close(&pair);
        tls_pair_open(&pair, NULL, NULL);
        expect(tls_pair_shake_hands(&pair));
        weir_tls_engine_get_info(pair.client, &info);
        expect(info.resumed && info.has_peer_cert && info.verified);
        expect(tls_pair_talks(&pair, pair.client, pair.server, 100));
        weir_tls_context_stats stats;
        weir_tls_context_get_stats(pair.server_context, &stats);
        expect_eq(stats.resumed, 1);
        tls_pair_end(&pair);
    }
}

/* ---- records ---- */

/* The lengths of the records in `wire`, which is taken. */
static size_t record_lengths(weir_buf *wire, size_t *out, size_t most) {
    size_t count = 0;
    require(wire != NULL);
    while (weir_buf_is_readable(wire) && count < most) {
        uint8_t head[5];
        require(weir_buf_read_bytes(wire, head, sizeof head));
        out[count] = (size_t)head[3] << 8 | head[4];
        require(weir_buf_skip(wire, out[count]));
        count++;
    }
    weir_buf_release(wire);
    return count;
}

/* Of 1.3: the tag and the type. */
#define SEALED(n) ((n) + 17)

WEIR_TEST(tls_engine, sends_small_records_first_and_then_full_ones) {
    tls_pair pair;
    size_t lengths[64] = {0};
    tls_pair_begin(&pair, NULL, NULL);
    tls_pair_open(
        &pair, NULL,
        &(weir_tls_engine_options){.record_first = 1000, .record_grow = 5000, .record_idle_ms = 50});
    require(tls_pair_shake_hands(&pair));
    expect_status(weir_tls_engine_write(pair.server, tls_pair_pattern(5000 + 2 * 16384 + 10)), WEIR_OK);
    expect_eq(record_lengths(weir_tls_engine_take(pair.server), lengths, 64), 8);
    for (size_t i = 0; i < 5; i++) expect_eq(lengths[i], SEALED(1000));
    expect_eq(lengths[5], SEALED(16384));
    expect_eq(lengths[6], SEALED(16384));
    expect_eq(lengths[7], SEALED(10));
    weir_tls_engine_set_now(pair.server, 49);
    expect_status(weir_tls_engine_write(pair.server, tls_pair_pattern(2000)), WEIR_OK);
    expect_eq(record_lengths(weir_tls_engine_take(pair.server), lengths, 64), 1);
    weir_tls_engine_set_now(pair.server, 49 + 50);
    expect_status(weir_tls_engine_write(pair.server, tls_pair_pattern(2000)), WEIR_OK);
    expect_eq(record_lengths(weir_tls_engine_take(pair.server), lengths, 64), 2);
    tls_pair_end(&pair);
}

WEIR_TEST(tls_engine, joins_small_parts_in_one_record) {
    tls_pair pair;
    size_t lengths[64];
    weir_status status;
    tls_pair_begin(&pair, NULL, NULL);
    tls_pair_open(&pair, NULL, &(weir_tls_engine_options){.record_grow = 1});
    require(tls_pair_shake_hands(&pair));
    expect(tls_pair_talks(&pair, pair.server, pair.client, 1));
    weir_buf *all = tls_pair_pattern(30000), *parts = weir_buf_composite_new();
    for (size_t i = 0; i < 300; i++) weir_buf_composite_append(parts, weir_buf_slice(all, i * 100, 100));
    weir_buf_release(all);
    expect_status(weir_tls_engine_write(pair.server, parts), WEIR_OK);
    weir_buf *wire = weir_tls_engine_take(pair.server);
    expect_eq(record_lengths(weir_buf_duplicate(wire), lengths, 64), 2);
    expect_eq(lengths[0], SEALED(16384));
    expect_status(weir_tls_engine_feed(pair.client, wire), WEIR_OK);
    weir_buf *got = tls_pair_read(pair.client, &status);
    expect(tls_pair_is_pattern(got, 30000));
    weir_buf_release(got);
    tls_pair_end(&pair);
}

WEIR_TEST(tls_engine, copies_each_byte_once_in_each_direction) {
    enum {
        TOTAL = 1 << 20
    };
    tls_pair pair;
    weir_tls_stats before, after;
    tls_pair_begin(&pair, NULL, NULL);
    tls_pair_open(&pair, NULL, NULL);
    require(tls_pair_shake_hands(&pair));
    weir_tls_engine_get_stats(pair.server, &before);
    expect(tls_pair_talks(&pair, pair.server, pair.client, TOTAL));
    weir_tls_engine_get_stats(pair.server, &after);
    uint64_t records = after.records_written - before.records_written;
    expect_eq(after.plain_written, TOTAL);
    expect_eq(after.copied_bytes - before.copied_bytes, TOTAL + records * (5 + 17));
    weir_tls_engine_get_stats(pair.client, &after);
    expect_eq(after.plain_read, TOTAL);
    expect(after.records_read > records && after.copied_bytes < TOTAL + 64 * 1024);
    tls_pair_end(&pair);
}

/* ---- keys ---- */

WEIR_TEST(tls_engine, changes_keys_when_told_to) {
    tls_pair pair;
    weir_tls_context_stats stats;
    weir_status status;
    tls_pair_begin(&pair, NULL, NULL);
    tls_pair_open(&pair, NULL, NULL);
    require(tls_pair_shake_hands(&pair));
    for (int i = 0; i < 5; i++) {
        expect_status(weir_tls_engine_update_keys(pair.client), WEIR_OK);
        expect(tls_pair_talks(&pair, pair.client, pair.server, 1000));
        expect(tls_pair_talks(&pair, pair.server, pair.client, 1000));
    }
    weir_buf_release(tls_pair_read(pair.client, &status));
    weir_tls_context_get_stats(pair.server_context, &stats);
    expect_eq(stats.key_updates, 5);
    weir_tls_context_get_stats(pair.client_context, &stats);
    expect_eq(stats.key_updates, 5);
    expect_status(weir_tls_engine_end(pair.client), WEIR_OK);
    expect_status(weir_tls_engine_update_keys(pair.client), WEIR_E_CLOSED);
    tls_pair_end(&pair);
}

WEIR_TEST(tls_engine, has_one_key_only_with_1_2) {
    tls_pair pair;
    tls_pair_begin_version(&pair, WEIR_TLS_1_2);
    require(tls_pair_shake_hands(&pair));
    expect_status(weir_tls_engine_update_keys(pair.client), WEIR_E_UNSUPPORTED);
    expect(tls_pair_talks(&pair, pair.client, pair.server, 1000));
    tls_pair_end(&pair);
}

WEIR_TEST(tls_engine, changes_its_key_by_itself_in_time) {
    tls_pair pair;
    weir_tls_context_stats stats;
    tls_pair_begin(&pair, NULL, NULL);
    tls_pair_open(&pair, NULL, &(weir_tls_engine_options){.rekey_records = 10});
    require(tls_pair_shake_hands(&pair));
    for (int i = 0; i < 35; i++) expect(tls_pair_talks(&pair, pair.server, pair.client, 100));
    weir_tls_context_get_stats(pair.client_context, &stats);
    expect(stats.key_updates >= 3 && stats.key_updates <= 4);
    tls_pair_end(&pair);
}

/* OpenSSL's client insists; ours would not. */
WEIR_TEST(tls_engine, refuses_to_negotiate_again) {
    tls_pair pair;
    weir_buf *plain;
    tls_pair_begin_version(&pair, WEIR_TLS_1_2);
    require(tls_pair_shake_hands(&pair));
    expect_eq(SSL_renegotiate(pair.client->ssl), 0);
    SSL_clear_options(pair.client->ssl, SSL_OP_NO_RENEGOTIATION);
    expect_eq(SSL_renegotiate(pair.client->ssl), 1);
    SSL_do_handshake(pair.client->ssl);
    expect(tls_pair_carry(&pair, pair.client, pair.server) > 100);
    expect_status(weir_tls_engine_read(pair.server, 100, &plain), -EAGAIN);
    expect(tls_pair_carry(&pair, pair.server, pair.client) < 50);
    expect(SSL_do_handshake(pair.client->ssl) != 1);
    expect(strstr(ERR_reason_error_string(ERR_peek_last_error()), "no renegotiation") != NULL);
    ERR_clear_error();
    weir_tls_context_stats stats;
    weir_tls_context_get_stats(pair.server_context, &stats);
    expect_eq(stats.handshakes, 1);
    expect_status(weir_tls_engine_write(pair.server, tls_pair_pattern(70000)), WEIR_OK);
    tls_pair_end(&pair);
}
