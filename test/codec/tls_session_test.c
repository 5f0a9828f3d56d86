/* Sessions: the store of a client, and what is resumed between two ends. */
#include <time.h>
#include <weir/testing.h>

#include "tls/tls_session.h"
#include "tls_wire.h"

/* ---- the store ---- */

enum {
    NOW = 1700000000
};

static SSL_SESSION *session_of(int version, unsigned char id) {
    SSL_SESSION *session = SSL_SESSION_new();
    require(session != NULL);
    expect_eq(SSL_SESSION_set_protocol_version(session, version), 1);
    expect_eq(SSL_SESSION_set1_id(session, &id, 1), 1);
    SSL_SESSION_set_time(session, NOW);
    SSL_SESSION_set_timeout(session, 100);
    return session;
}

static void put(tls_sessions *sessions, const char *peer, int version, unsigned char id) {
    expect(tls_sessions_put(sessions, peer, session_of(version, id)));
}

/* The id of what is taken, or 0. */
static unsigned char take(tls_sessions *sessions, const char *peer, int64_t now) {
    SSL_SESSION *session = tls_sessions_take(sessions, peer, now);
    if (session == NULL) return 0;
    unsigned len;
    unsigned char id = SSL_SESSION_get_id(session, &len)[0];
    SSL_SESSION_free(session);
    return id;
}

WEIR_TEST(tls_session, one_of_1_3_is_taken_once_and_the_newest_first) {
    tls_sessions *sessions = tls_sessions_new(10);
    put(sessions, "a", TLS1_3_VERSION, 1);
    put(sessions, "b", TLS1_3_VERSION, 2);
    put(sessions, "a", TLS1_3_VERSION, 3);
    expect_eq(tls_sessions_count(sessions), 3);
    expect_eq(take(sessions, "a", NOW), 3);
    expect_eq(take(sessions, "a", NOW), 1);
    expect_eq(take(sessions, "a", NOW), 0);
    expect_eq(take(sessions, "c", NOW), 0);
    expect_eq(tls_sessions_count(sessions), 1);
    tls_sessions_free(sessions);
}

WEIR_TEST(tls_session, one_of_1_2_stays_until_the_next_replaces_it) {
    tls_sessions *sessions = tls_sessions_new(10);
    put(sessions, "a", TLS1_2_VERSION, 1);
    expect_eq(take(sessions, "a", NOW), 1);
    expect_eq(take(sessions, "a", NOW), 1);
    put(sessions, "a", TLS1_2_VERSION, 2);
    expect_eq(take(sessions, "a", NOW), 2);
    expect_eq(tls_sessions_count(sessions), 1);
    tls_sessions_free(sessions);
}

WEIR_TEST(tls_session, an_old_one_is_forgotten_when_it_is_met) {
    tls_sessions *sessions = tls_sessions_new(10);
    put(sessions, "a", TLS1_3_VERSION, 1);
    put(sessions, "b", TLS1_2_VERSION, 2);
    expect_eq(take(sessions, "b", NOW + 99), 2);
    expect_eq(take(sessions, "a", NOW + 100), 0);
    expect_eq(take(sessions, "b", NOW + 100), 0);
    expect_eq(tls_sessions_count(sessions), 0);
    tls_sessions_free(sessions);
}

WEIR_TEST(tls_session, the_one_used_longest_ago_makes_room) {
    tls_sessions *sessions = tls_sessions_new(3);
    put(sessions, "a", TLS1_2_VERSION, 1);
    put(sessions, "b", TLS1_2_VERSION, 2);
    put(sessions, "c", TLS1_2_VERSION, 3);
    expect_eq(take(sessions, "a", NOW), 1);
    put(sessions, "d", TLS1_2_VERSION, 4);
    expect_eq(tls_sessions_count(sessions), 3);
    expect_eq(take(sessions, "b", NOW), 0);
    expect_eq(take(sessions, "a", NOW), 1);
    expect_eq(take(sessions, "d", NOW), 4);
    tls_sessions_free(sessions);
}

WEIR_TEST(tls_session, one_peer_cannot_fill_the_store) {
    tls_sessions *sessions = tls_sessions_new(100);
    put(sessions, "other", TLS1_3_VERSION, 200);
    for (unsigned char i = 1; i <= 50; i++) put(sessions, "greedy", TLS1_3_VERSION, i);
    expect_eq(tls_sessions_count(sessions), 5);
    expect_eq(take(sessions, "greedy", NOW), 50);
    expect_eq(take(sessions, "other", NOW), 200);
    tls_sessions_free(sessions);
}

WEIR_TEST(tls_session, a_store_of_one_and_many_peers_hold) {
    tls_sessions *sessions = tls_sessions_new(1);
    char peer[24];
    for (int i = 0; i < 300; i++) {
        snprintf(peer, sizeof peer, "peer %d", i);
        put(sessions, peer, TLS1_3_VERSION, (unsigned char)i);
        expect_eq(tls_sessions_count(sessions), 1);
    }
    expect_eq(take(sessions, peer, NOW), 299 % 256);
    tls_sessions_free(sessions);
}

static bool keep_some(void *arg) {
    (void)arg;
    tls_sessions *sessions = tls_sessions_new(2);
    if (sessions == NULL) return false;
    bool is_kept = tls_sessions_put(sessions, "a", session_of(TLS1_2_VERSION, 1));
    tls_sessions_free(sessions);
    return is_kept;
}

WEIR_TEST(tls_session, the_store_survives_running_out_of_memory) {
    weir_oom_sweep(keep_some, NULL);
}

/* ---- between two ends ---- */

static bool is_resumed(tls_ends *ends, const char *peer) {
    expect(tls_ends_connect(ends, peer));
    expect(tls_wire_talks(&ends->wire));
    expect_eq(SSL_session_reused(ends->wire.client), SSL_session_reused(ends->wire.server));
    return SSL_session_reused(ends->wire.client) == 1;
}

static void expect_resumption(const weir_tls_options *client, const weir_tls_options *server, bool expected) {
    tls_ends ends = tls_ends_open(tls_certs_new(), client, server);
    expect(!is_resumed(&ends, NULL));
    expect_eq(is_resumed(&ends, NULL), expected);
    expect_eq(is_resumed(&ends, NULL), expected);
    expect_eq(SSL_get_verify_result(ends.wire.client), X509_V_OK);
    expect(!is_resumed(&ends, "127.0.0.1"));
    expect_eq(is_resumed(&ends, "127.0.0.1"), expected);
    tls_ends_close(&ends);
}

WEIR_TEST(tls_session, a_second_connection_to_the_same_name_is_resumed) {
    static const weir_tls_options only_1_2 = {.max = WEIR_TLS_1_2}, in_memory = {.no_tickets = true};
    weir_test_context("1.3, tickets");
    expect_resumption(NULL, NULL, true);
    weir_test_context("1.2, tickets");
    expect_resumption(&only_1_2, NULL, true);
    weir_test_context("1.3, in memory");
    expect_resumption(NULL, &in_memory, true);
    weir_test_context("1.2, in memory");
    expect_resumption(&only_1_2, &in_memory, true);
}

WEIR_TEST(tls_session, either_end_can_do_without) {
    static const weir_tls_options only_1_2 = {.max = WEIR_TLS_1_2}, none = {.no_resumption = true};
    static const weir_tls_options none_1_2 = {.no_resumption = true, .max = WEIR_TLS_1_2};
    expect_resumption(&none, NULL, false);
    expect_resumption(NULL, &none, false);
    expect_resumption(&none_1_2, NULL, false);
    expect_resumption(&only_1_2, &none, false);
}

WEIR_TEST(tls_session, a_client_without_tickets_is_resumed_by_id_and_within_the_limit) {
    weir_tls_options small = {.sessions_max = 3};
    tls_ends ends = tls_ends_open(tls_certs_new(), NULL, &small);
    SSL_SESSION *session = NULL;
    for (int i = 0; i < 10; i++) {
        SSL *client = tls_context_open(ends.client, "192.0.2.1");
        SSL_set1_host(client, "localhost");
        X509_VERIFY_PARAM_set1_ip(SSL_get0_param(client), NULL, 0);
        SSL_set_max_proto_version(client, TLS1_2_VERSION);
        SSL_set_options(client, SSL_OP_NO_TICKET);
        if (i == 9) SSL_set_session(client, session);
        expect(tls_wire_open_with(&ends.wire, client, ends.server));
        expect_eq(SSL_session_reused(client), i == 9);
        SSL_SESSION_free(session);
        session = SSL_get1_session(client);
        tls_wire_close(&ends.wire);
    }
    SSL_SESSION_free(session);
    weir_tls_context_stats stats;
    weir_tls_context_get_stats(ends.server, &stats);
    expect_eq(stats.sessions, 3);
    tls_ends_close(&ends);
}

WEIR_TEST(tls_session, a_server_sends_as_many_tickets_as_it_is_told) {
    static const struct {
        unsigned tickets;
        uint64_t kept;
    } cases[] = {{0, 2}, {1, 1}, {4, 4}, {UINT32_MAX, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tls_ends ends =
            tls_ends_open(tls_certs_new(), NULL, &(weir_tls_options){.tickets = cases[i].tickets});
        expect(tls_ends_connect(&ends, NULL));
        weir_tls_context_stats stats;
        weir_tls_context_get_stats(ends.client, &stats);
        expect_eq(stats.sessions, cases[i].kept);
        tls_ends_close(&ends);
    }
}

WEIR_TEST(tls_session, sessions_outlive_new_identities) {
    tls_certs *certs = tls_certs_new();
    tls_ends ends = tls_ends_open(certs, NULL, NULL);
    expect(!is_resumed(&ends, NULL));
    weir_tls_identity *newer = tls_certs_identity(certs, NULL);
    expect_status(weir_tls_context_set_identities(ends.server, &newer, 1), WEIR_OK);
    weir_tls_identity_release(newer);
    expect(is_resumed(&ends, NULL));
    tls_ends_close(&ends);
}

WEIR_TEST(tls_session, a_session_of_a_client_is_never_offered_to_another_peer) {
    tls_ends ends = tls_ends_open(tls_certs_new(), &(weir_tls_options){.insecure = true}, NULL);
    expect(tls_ends_connect(&ends, "a.example"));
    SSL *other = tls_context_open(ends.client, "b.example");
    expect_eq(SSL_get_session(other), NULL);
    SSL *same = tls_context_open(ends.client, "a.example");
    expect(SSL_get_session(same) != NULL);
    SSL_free(other);
    SSL_free(same);
    tls_ends_close(&ends);
}
