/* Keys of tickets: how long they seal and open, and who shares them. */
#include <weir/testing.h>

#include "tls/tls_context_inside.h"
#include "tls_wire.h"

enum {
    ROTATE = 100
};

static int64_t manual_seconds(void *arg) {
    return *(int64_t *)arg;
}

/* A sealed name, and whether it opens: what OpenSSL does around a ticket. */
static int run(tls_tickets *tickets, unsigned char name[16], int is_sealing) {
    unsigned char iv[EVP_MAX_IV_LENGTH] = {0};
    EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
    EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *mac = EVP_MAC_CTX_new(hmac);
    int result = tls_tickets_on_key(tickets, name, iv, cipher, mac, is_sealing);
    EVP_MAC_CTX_free(mac);
    EVP_MAC_free(hmac);
    EVP_CIPHER_CTX_free(cipher);
    return result;
}

WEIR_TEST(tls_ticket, a_key_seals_for_its_time_and_opens_for_as_long_again) {
    int64_t now = 5;
    tls_tickets *tickets = tls_tickets_new(ROTATE);
    require(tickets != NULL);
    tls_tickets_set_clock(tickets, manual_seconds, &now);
    unsigned char first[16], later[16];
    expect_eq(run(tickets, first, 1), 1);
    now = 5 + ROTATE - 1;
    expect_eq(run(tickets, later, 1), 1);
    expect_eq(memcmp(first, later, 16), 0);
    expect_eq(run(tickets, first, 0), 1);
    now = 5 + ROTATE;
    expect_eq(run(tickets, later, 1), 1);
    expect(memcmp(first, later, 16) != 0);
    expect_eq(run(tickets, first, 0), 2); /* good, and the client gets a new one */
    expect_eq(run(tickets, later, 0), 1);
    now = 5 + 2 * ROTATE - 1;
    expect_eq(run(tickets, first, 0), 2);
    now = 5 + 2 * ROTATE;
    expect_eq(run(tickets, first, 0), 0);
    expect_eq(run(tickets, later, 0), 2);
    tls_tickets_free(tickets);
}

WEIR_TEST(tls_ticket, after_a_long_silence_no_old_key_opens) {
    int64_t now = 0;
    tls_tickets *tickets = tls_tickets_new(ROTATE);
    require(tickets != NULL);
    tls_tickets_set_clock(tickets, manual_seconds, &now);
    unsigned char name[16];
    expect_eq(run(tickets, name, 1), 1);
    now = 10 * ROTATE;
    expect_eq(run(tickets, name, 0), 0);
    tls_tickets_free(tickets);
}

WEIR_TEST(tls_ticket, a_key_that_was_replaced_late_opens_no_longer_for_that) {
    int64_t now = 0;
    tls_tickets *tickets = tls_tickets_new(ROTATE);
    require(tickets != NULL);
    tls_tickets_set_clock(tickets, manual_seconds, &now);
    unsigned char first[16], later[16];
    expect_eq(run(tickets, first, 1), 1);
    now = ROTATE + ROTATE / 2;
    expect_eq(run(tickets, later, 1), 1);
    expect_eq(run(tickets, first, 0), 2);
    now = 2 * ROTATE;
    expect_eq(run(tickets, first, 0), 0);
    expect_eq(run(tickets, later, 0), 1);
    tls_tickets_free(tickets);
}

WEIR_TEST(tls_ticket, given_keys_do_not_change_by_themselves) {
    int64_t now = 0;
    tls_tickets *tickets = tls_tickets_new(ROTATE);
    require(tickets != NULL);
    tls_tickets_set_clock(tickets, manual_seconds, &now);
    unsigned char keys[3 * TLS_TICKET_KEY], name[16];
    for (size_t i = 0; i < sizeof keys; i++) keys[i] = (unsigned char)(i / TLS_TICKET_KEY + 1);
    expect_status(tls_tickets_set(tickets, weir_bytes_of(keys, sizeof keys)), WEIR_OK);
    now = 100 * ROTATE;
    expect_eq(run(tickets, name, 1), 1);
    expect_eq(name[0], 1);
    expect_eq(run(tickets, keys, 0), 1);
    expect_eq(run(tickets, keys + TLS_TICKET_KEY, 0), 2);
    expect_eq(run(tickets, keys + 2 * TLS_TICKET_KEY, 0), 2);
    memset(name, 9, sizeof name);
    expect_eq(run(tickets, name, 0), 0);
    tls_tickets_free(tickets);
}

WEIR_TEST(tls_ticket, keys_are_one_to_eight_times_80_bytes) {
    static const unsigned char keys[9 * 80] = {0};
    tls_ends ends = tls_ends_open(tls_certs_new(), NULL, NULL);
    static const size_t wrong[] = {0, 79, 81, 9 * 80};
    for (size_t i = 0; i < 4; i++)
        expect_status(weir_tls_context_set_ticket_keys(ends.server, weir_bytes_of(keys, wrong[i])),
                      WEIR_E_INVALID);
    expect_status(weir_tls_context_set_ticket_keys(ends.server, weir_bytes_of(keys, 8 * 80)), WEIR_OK);
    expect_status(weir_tls_context_set_ticket_keys(ends.client, weir_bytes_of(keys, 80)), WEIR_E_UNSUPPORTED);
    tls_ends_close(&ends);
}

static bool is_resumed(tls_ends *ends, weir_tls_context *server) {
    tls_wire_close(&ends->wire);
    expect(tls_wire_open(&ends->wire, ends->client, server, NULL));
    return SSL_session_reused(ends->wire.client) == 1;
}

WEIR_TEST(tls_ticket, two_servers_resume_each_others_clients_when_they_share_keys_and_trust) {
    unsigned char keys[80];
    memset(keys, 7, sizeof keys);
    tls_certs *certs = tls_certs_new();
    weir_tls_identity *identity = tls_certs_identity(certs, NULL);
    weir_tls_options options = {.identities = &identity, .identity_count = 1};
    tls_ends ends = tls_ends_open(certs, NULL, &options);
    weir_tls_context *twin, *stricter;
    expect_status(weir_tls_context_server(&twin, &options, NULL), WEIR_OK);
    options.client_cert = WEIR_TLS_CLIENT_CERT_REQUEST;
    options.ca = tls_certs_ca(certs);
    expect_status(weir_tls_context_server(&stricter, &options, NULL), WEIR_OK);

    expect(!is_resumed(&ends, ends.server));
    expect(!is_resumed(&ends, twin)); /* keys are each context's own */

    weir_tls_context *servers[] = {ends.server, twin, stricter};
    for (int i = 0; i < 3; i++)
        expect_status(weir_tls_context_set_ticket_keys(servers[i], weir_bytes_of(keys, 80)), WEIR_OK);
    is_resumed(&ends, ends.server); /* whatever is left of before */
    for (int i = 0; i < 4; i++) is_resumed(&ends, ends.server);
    expect(is_resumed(&ends, twin));
    expect(!is_resumed(&ends, stricter)); /* it would have looked at a certificate */
    weir_tls_context_release(twin);
    weir_tls_context_release(stricter);
    weir_tls_identity_release(identity);
    tls_ends_close(&ends);
}

WEIR_TEST(tls_ticket, a_session_without_a_certificate_does_not_open_a_server_that_requires_one) {
    static const unsigned char keys[80] = {1};
    tls_certs *certs = tls_certs_new();
    weir_tls_identity *identity = tls_certs_identity(certs, NULL);
    weir_tls_options options = {.identities = &identity, .identity_count = 1, .ca = tls_certs_ca(certs)};
    options.client_cert = WEIR_TLS_CLIENT_CERT_REQUEST;
    tls_ends ends = tls_ends_open(certs, NULL, &options);
    weir_tls_context *strict;
    options.client_cert = WEIR_TLS_CLIENT_CERT_REQUIRE;
    expect_status(weir_tls_context_server(&strict, &options, NULL), WEIR_OK);
    expect_status(weir_tls_context_set_ticket_keys(ends.server, weir_bytes_of(keys, 80)), WEIR_OK);
    expect_status(weir_tls_context_set_ticket_keys(strict, weir_bytes_of(keys, 80)), WEIR_OK);
    expect(!is_resumed(&ends, ends.server));
    tls_wire_close(&ends.wire);
    expect(!tls_wire_open(&ends.wire, ends.client, strict, NULL));
    expect_str(ends.wire.server_why.text, "handshake: the client sent no certificate");
    weir_tls_context_release(strict);
    weir_tls_identity_release(identity);
    tls_ends_close(&ends);
}

WEIR_TEST(tls_ticket, rotation_lets_a_client_in_by_its_old_ticket_and_then_no_more) {
    for (int max = WEIR_TLS_1_2; max <= WEIR_TLS_1_3; max++) {
        weir_test_context("version %d", max);
        int64_t now = 0;
        tls_ends ends = tls_ends_open(tls_certs_new(), &(weir_tls_options){.max = (weir_tls_version)max},
                                      &(weir_tls_options){.ticket_rotate_s = ROTATE, .tickets = 1});
        tls_tickets_set_clock(ends.server->tickets, manual_seconds, &now);
        expect(!is_resumed(&ends, ends.server));
        now = ROTATE;
        expect(is_resumed(&ends, ends.server)); /* and the client has a ticket of the new key */
        now = 3 * ROTATE - 1;
        expect(is_resumed(&ends, ends.server));
        now = 10 * ROTATE;
        expect(!is_resumed(&ends, ends.server));
        tls_ends_close(&ends);
    }
}
