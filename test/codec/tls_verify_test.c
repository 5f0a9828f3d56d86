/* Whom a client believes, and whom a server. */
#include <stdlib.h>
#include <weir/testing.h>

#include "tls_wire.h"

/* A server with this certificate, and a client that asks for `name`. */
static void expect_verdict(const tls_cert *cert, const char *name, weir_status status, const char *sentence) {
    tls_certs *certs = tls_certs_new();
    weir_tls_identity *identity = tls_certs_identity(certs, cert);
    tls_ends ends =
        tls_ends_open(certs, NULL, &(weir_tls_options){.identities = &identity, .identity_count = 1});
    expect_eq(tls_ends_connect(&ends, name), status == WEIR_OK);
    expect_status(ends.wire.client_status, status);
    expect_str(ends.wire.client_why.text, sentence);
    if (status == WEIR_OK) expect(tls_wire_talks(&ends.wire));
    weir_tls_identity_release(identity);
    tls_ends_close(&ends);
}

WEIR_TEST(tls_verify, a_name_must_be_one_of_the_certificate) {
    static const struct {
        const char *names, *asked, *sentence;
    } cases[] = {
        {"a.example", "a.example", ""},
        {"a.example", "A.EXAMPLE", ""},
        {"*.b.example", "www.b.example", ""},
        {"a.example", "a.example.", ""},
        {"192.0.2.1,2001:db8::1", "192.0.2.1", ""},
        {"192.0.2.1,2001:db8::1", "2001:DB8:0::1", ""},
        {"a.example", "b.example", "handshake: the peer's certificate is not for b.example"},
        {"*.b.example", "b.example", "handshake: the peer's certificate is not for b.example"},
        {"*.b.example", "x.www.b.example", "handshake: the peer's certificate is not for x.www.b.example"},
        {"w*.b.example", "www.b.example", "handshake: the peer's certificate is not for www.b.example"},
        {"192.0.2.1", "192.0.2.2", "handshake: the peer's certificate is not for that address"},
        {"a.example", "192.0.2.1", "handshake: the peer's certificate is not for that address"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        weir_test_context("%s for %s", cases[i].names, cases[i].asked);
        weir_status status = cases[i].sentence[0] == '\0' ? WEIR_OK : WEIR_E_UNTRUSTED;
        expect_verdict(&(tls_cert){.names = cases[i].names}, cases[i].asked, status, cases[i].sentence);
    }
}

WEIR_TEST(tls_verify, the_common_name_does_not_count) {
    expect_verdict(&(tls_cert){.names = "192.0.2.1", .common_name = "a.example"}, "a.example",
                   WEIR_E_UNTRUSTED, "handshake: the peer's certificate is not for a.example");
}

WEIR_TEST(tls_verify, a_name_with_a_nul_in_it_matches_nothing) {
    static const char trick[] = "a.example\0.evil.example";
    tls_cert cert = {.names = "evil.example", .raw_name = {(const uint8_t *)trick, sizeof trick - 1}};
    expect_verdict(&cert, "a.example", WEIR_E_UNTRUSTED,
                   "handshake: the peer's certificate is not for a.example");
}

WEIR_TEST(tls_verify, dates_signer_chain_and_purpose_count) {
    static const struct {
        tls_cert cert;
        const char *reason;
    } cases[] = {
        {{.from_days = -5, .to_days = -1}, "certificate has expired"},
        {{.from_days = 1, .to_days = 5}, "certificate is not yet valid"},
        {{.from_other_ca = true}, "unable to get local issuer certificate"},
        {{.without_chain = true}, "unable to get local issuer certificate"},
        {{.is_self_signed = true}, "self-signed certificate"},
        {{.is_for_clients = true}, "unsuitable certificate purpose"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char sentence[128];
        snprintf(sentence, sizeof sentence, "handshake: the peer's certificate is not trusted: %s",
                 cases[i].reason);
        weir_test_context("%s", cases[i].reason);
        expect_verdict(&cases[i].cert, NULL, WEIR_E_UNTRUSTED, sentence);
    }
}

WEIR_TEST(tls_verify, the_server_is_told_why_it_was_refused) {
    tls_certs *certs = tls_certs_new();
    tls_ends ends = tls_ends_open(certs, &(weir_tls_options){.ca = tls_certs_other_ca(certs)}, NULL);
    expect(!tls_ends_connect(&ends, NULL));
    expect_status(ends.wire.server_status, WEIR_E_TLS);
    expect_str(ends.wire.server_why.text, "handshake: the peer refused: unknown CA (alert 48)");
    tls_ends_close(&ends);
}

WEIR_TEST(tls_verify, what_is_given_is_trusted_root_or_not) {
    tls_certs *certs = tls_certs_new();
    tls_ends middle = tls_ends_open(certs, &(weir_tls_options){.ca = tls_certs_intermediate(certs)}, NULL);
    expect(tls_ends_connect(&middle, NULL));
    weir_tls_context_release(middle.client);
    tls_wire_close(&middle.wire);

    weir_tls_identity *own;
    tls_cert_text text = tls_certs_make(certs, &(tls_cert){.is_self_signed = true});
    expect_status(
        weir_tls_identity_load(&own, &(weir_tls_identity_options){.cert = text.cert, .key = text.key}, NULL),
        WEIR_OK);
    expect_status(weir_tls_context_set_identities(middle.server, &own, 1), WEIR_OK);
    expect_status(weir_tls_context_client(&middle.client, &(weir_tls_options){.ca = text.cert}, NULL),
                  WEIR_OK);
    expect(tls_ends_connect(&middle, NULL));
    weir_tls_identity_release(own);
    tls_ends_close(&middle);
}

WEIR_TEST(tls_verify, trust_comes_from_a_file_a_folder_or_the_system) {
    tls_certs *certs = tls_certs_new();
    tls_ends ends = tls_ends_open(
        certs, &(weir_tls_options){.ca_file = tls_certs_file(certs, "ca", tls_certs_ca(certs))}, NULL);
    expect(tls_ends_connect(&ends, NULL));
    weir_tls_context_release(ends.client);

    char *hash = tls_certs_hash_of_ca(certs);
    const char *path = tls_certs_file(certs, hash, tls_certs_ca(certs));
    char folder[128];
    snprintf(folder, sizeof folder, "%.*s", (int)(strrchr(path, '/') - path), path);
    expect_status(weir_tls_context_client(&ends.client, &(weir_tls_options){.ca_dir = folder}, NULL),
                  WEIR_OK);
    expect(tls_ends_connect(&ends, NULL));
    weir_tls_context_release(ends.client);

    /* OpenSSL's own variable for where the system keeps it */
    setenv("SSL_CERT_FILE", path, 1);
    expect_status(weir_tls_context_client(&ends.client, NULL, NULL), WEIR_OK);
    unsetenv("SSL_CERT_FILE");
    expect(tls_ends_connect(&ends, NULL));
    weir_tls_context_release(ends.client);

    expect_status(weir_tls_context_client(&ends.client, NULL, NULL), WEIR_OK);
    expect(!tls_ends_connect(&ends, NULL));
    expect_status(ends.wire.client_status, WEIR_E_UNTRUSTED);
    tls_ends_close(&ends);
}

WEIR_TEST(tls_verify, an_insecure_client_takes_whoever_is_there) {
    tls_certs *certs = tls_certs_new();
    weir_tls_identity *identity = tls_certs_identity(
        certs, &(tls_cert){.is_self_signed = true, .names = "other", .to_days = -1, .from_days = -2});
    tls_ends ends = tls_ends_open(certs, &(weir_tls_options){.insecure = true},
                                  &(weir_tls_options){.identities = &identity, .identity_count = 1});
    expect(tls_ends_connect(&ends, NULL));
    expect(SSL_get_verify_result(ends.wire.client) != X509_V_OK);
    weir_tls_identity_release(identity);
    tls_ends_close(&ends);
}

WEIR_TEST(tls_verify, a_chain_longer_than_allowed_is_refused) {
    tls_certs *certs = tls_certs_new();
    tls_ends ends = tls_ends_open(certs, &(weir_tls_options){.verify_depth = 1, .no_resumption = true}, NULL);
    expect(tls_ends_connect(&ends, NULL)); /* one intermediate */
    tls_wire_close(&ends.wire);
    SSL *client = tls_context_open(ends.client, "localhost");
    SSL_set_verify_depth(client, 0);
    expect(!tls_wire_open_with(&ends.wire, client, ends.server));
    expect_str(ends.wire.client_why.text,
               "handshake: the peer's certificate is not trusted: certificate chain too long");
    tls_ends_close(&ends);
}

WEIR_TEST(tls_verify, a_revoked_certificate_is_refused) {
    tls_certs *certs = tls_certs_new();
    tls_cert_text good = tls_certs_make(certs, NULL), bad = tls_certs_make(certs, NULL);
    weir_tls_identity *identities[2];
    weir_tls_identity_options options = {.cert = good.cert, .key = good.key};
    expect_status(weir_tls_identity_load(&identities[0], &options, NULL), WEIR_OK);
    options = (weir_tls_identity_options){.cert = bad.cert, .key = bad.key};
    expect_status(weir_tls_identity_load(&identities[1], &options, NULL), WEIR_OK);
    const char *list = tls_certs_file(certs, "crl", tls_certs_crl(certs, &bad));
    tls_ends ends = tls_ends_open(certs, &(weir_tls_options){.crl_file = list, .no_resumption = true},
                                  &(weir_tls_options){.identities = identities, .identity_count = 1});
    expect(tls_ends_connect(&ends, NULL));
    expect_status(weir_tls_context_set_identities(ends.server, &identities[1], 1), WEIR_OK);
    expect(!tls_ends_connect(&ends, NULL));
    expect_status(ends.wire.client_status, WEIR_E_UNTRUSTED);
    expect_str(ends.wire.client_why.text,
               "handshake: the peer's certificate is not trusted: certificate revoked");
    weir_tls_identity_release(identities[0]);
    weir_tls_identity_release(identities[1]);
    tls_ends_close(&ends);
}

WEIR_TEST(tls_verify, a_list_of_revoked_certificates_must_be_one) {
    tls_certs *certs = tls_certs_new();
    weir_tls_context *context;
    weir_tls_why why;
    const char *file = tls_certs_file(certs, "list", tls_certs_ca(certs));
    expect_status(weir_tls_context_client(&context, &(weir_tls_options){.crl_file = file}, &why),
                  WEIR_E_INVALID);
    char sentence[256];
    snprintf(sentence, sizeof sentence, "%s: there is no list of revoked certificates in it", file);
    expect_str(why.text, sentence);
    tls_certs_free(certs);
}

/* ---- certificates of clients ---- */

typedef struct client_case {
    weir_tls_client_cert wanted;
    const tls_cert *cert; /* NULL: the client has none */
    weir_status status;
    const char *server_says, *client_says;
} client_case;

static void expect_client(const client_case *expected, weir_tls_version newest) {
    tls_certs *certs = tls_certs_new();
    weir_tls_identity *identity = expected->cert == NULL ? NULL : tls_certs_identity(certs, expected->cert);
    weir_tls_options client = {
        .identities = &identity, .identity_count = identity == NULL ? 0 : 1, .max = newest};
    weir_tls_options server = {.client_cert = expected->wanted};
    if (server.client_cert != WEIR_TLS_CLIENT_CERT_NONE) server.ca = tls_certs_ca(certs);
    tls_ends ends = tls_ends_open(certs, &client, &server);
    expect_eq(tls_ends_connect(&ends, NULL), expected->status == WEIR_OK);
    expect_status(ends.wire.server_status, expected->status);
    expect_str(ends.wire.server_why.text, expected->server_says);
    expect_str(ends.wire.client_why.text, expected->client_says);
    bool is_shown = expected->cert != NULL && expected->wanted != WEIR_TLS_CLIENT_CERT_NONE;
    if (expected->status == WEIR_OK) expect_eq(SSL_get0_peer_certificate(ends.wire.server) != NULL, is_shown);
    weir_tls_identity_release(identity);
    tls_ends_close(&ends);
}

WEIR_TEST(tls_verify, a_server_may_want_certificates_of_its_clients) {
    static const tls_cert good = {.is_for_clients = true};
    static const tls_cert stranger = {.is_for_clients = true, .from_other_ca = true};
    static const tls_cert expired = {.is_for_clients = true, .from_days = -3, .to_days = -1};
    static const client_case cases[] = {
        {WEIR_TLS_CLIENT_CERT_NONE, &good, WEIR_OK, "", ""},
        {WEIR_TLS_CLIENT_CERT_REQUEST, NULL, WEIR_OK, "", ""},
        {WEIR_TLS_CLIENT_CERT_REQUEST, &good, WEIR_OK, "", ""},
        {WEIR_TLS_CLIENT_CERT_REQUEST, &expired, WEIR_E_UNTRUSTED,
         "handshake: the peer's certificate is not trusted: certificate has expired",
         "handshake: the peer refused: certificate expired (alert 45)"},
        {WEIR_TLS_CLIENT_CERT_REQUIRE, &good, WEIR_OK, "", ""},
        {WEIR_TLS_CLIENT_CERT_REQUIRE, &stranger, WEIR_E_UNTRUSTED,
         "handshake: the peer's certificate is not trusted: unable to get local issuer certificate",
         "handshake: the peer refused: unknown CA (alert 48)"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        weir_test_context("case %zu, 1.3", i);
        expect_client(&cases[i], WEIR_TLS_1_3);
        weir_test_context("case %zu, 1.2", i);
        expect_client(&cases[i], WEIR_TLS_1_2);
    }
}

WEIR_TEST(tls_verify, a_client_without_a_certificate_is_refused_where_one_is_required) {
    client_case none = {WEIR_TLS_CLIENT_CERT_REQUIRE, NULL, WEIR_E_UNTRUSTED,
                        "handshake: the client sent no certificate",
                        "handshake: the peer refused: handshake failure (alert 40)"};
    expect_client(&none, WEIR_TLS_1_2);
    none.client_says = "handshake: the peer refused: unknown (alert 116)";
    expect_client(&none, WEIR_TLS_1_3);
}

/* ---- stapled responses ---- */

static void expect_stapled(const tls_cert *cert, const char *reason) {
    tls_certs *certs = tls_certs_new();
    weir_tls_identity *identity = tls_certs_identity(certs, cert);
    for (int max = WEIR_TLS_1_2; max <= WEIR_TLS_1_3; max++) {
        tls_ends ends =
            tls_ends_open(tls_certs_new(),
                          &(weir_tls_options){
                              .ca = tls_certs_ca(certs), .require_ocsp = true, .max = (weir_tls_version)max},
                          &(weir_tls_options){.identities = &identity, .identity_count = 1});
        bool is_good = reason == NULL;
        expect_eq(tls_ends_connect(&ends, NULL), is_good);
        expect_status(ends.wire.client_status, is_good ? WEIR_OK : WEIR_E_UNTRUSTED);
        expect_str(ends.wire.client_why.text, is_good ? "" : reason);
        if (is_good) {
            expect(tls_ends_connect(&ends, NULL)); /* a session is resumed without a response */
            expect_eq(SSL_session_reused(ends.wire.client), 1);
        }
        tls_ends_close(&ends);
    }
    weir_tls_identity_release(identity);
    tls_certs_free(certs);
}

WEIR_TEST(tls_verify, a_client_can_require_a_stapled_response_that_says_good) {
    expect_stapled(&(tls_cert){.is_ocsp_good = true}, NULL);
    expect_stapled(&(tls_cert){.is_ocsp_good = true, .rsa_bits = 2048}, NULL);
    expect_stapled(&(tls_cert){.is_ocsp_good = true, .is_ocsp_sha256 = true}, NULL);
    expect_stapled(&(tls_cert){.is_ocsp_revoked = true},
                   "handshake: the peer's certificate is not trusted: certificate revoked");
    expect_stapled(&(tls_cert){0},
                   "handshake: the peer's certificate is not trusted: OCSP verification needed");
    expect_stapled(&(tls_cert){.is_ocsp_stale = true},
                   "handshake: the peer's certificate is not trusted: OCSP verification failed");
    expect_stapled(&(tls_cert){.is_ocsp_forged = true},
                   "handshake: the peer's certificate is not trusted: OCSP verification failed");
}

WEIR_TEST(tls_verify, nobody_is_sent_a_response_who_does_not_ask) {
    tls_certs *certs = tls_certs_new();
    weir_tls_identity *identity = tls_certs_identity(certs, &(tls_cert){.is_ocsp_good = true});
    tls_ends ends =
        tls_ends_open(certs, NULL, &(weir_tls_options){.identities = &identity, .identity_count = 1});
    expect(tls_ends_connect(&ends, NULL));
    const unsigned char *response;
    expect_eq(SSL_get_tlsext_status_ocsp_resp(ends.wire.client, &response), -1);
    weir_tls_identity_release(identity);
    tls_ends_close(&ends);
}
