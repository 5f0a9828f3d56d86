#include <errno.h>
#include <weir/testing.h>

#include "tls/tls_why.h"
#include "tls_wire.h"

WEIR_TEST(tls_context, by_default_two_ends_agree_on_1_3_and_verify) {
    tls_ends ends = tls_ends_open(tls_certs_new(), NULL, NULL);
    expect(tls_ends_connect(&ends, NULL));
    expect_str(SSL_get_version(ends.wire.client), "TLSv1.3");
    expect_eq(SSL_get_verify_result(ends.wire.client), X509_V_OK);
    expect(tls_wire_talks(&ends.wire));
    tls_ends_close(&ends);
}

WEIR_TEST(tls_context, two_ends_limited_to_1_2_use_a_forward_secret_aead_suite) {
    weir_tls_options only = {.max = WEIR_TLS_1_2};
    tls_ends ends = tls_ends_open(tls_certs_new(), &only, NULL);
    expect(tls_ends_connect(&ends, NULL));
    expect_str(SSL_get_version(ends.wire.client), "TLSv1.2");
    expect_str(SSL_get_cipher_name(ends.wire.client), "ECDHE-ECDSA-AES128-GCM-SHA256");
    tls_ends_close(&ends);
}

WEIR_TEST(tls_context, versions_without_overlap_fail_on_both_ends_with_a_reason) {
    weir_tls_options older = {.max = WEIR_TLS_1_2}, newer = {.min = WEIR_TLS_1_3};
    tls_ends ends = tls_ends_open(tls_certs_new(), &older, &newer);
    expect(!tls_ends_connect(&ends, NULL));
    expect_status(ends.wire.server_status, WEIR_E_TLS);
    expect_str(ends.wire.server_why.text, "handshake: no version of TLS in common");
    expect_status(ends.wire.client_status, WEIR_E_TLS);
    expect_str(ends.wire.client_why.text, "handshake: the peer refused: protocol version (alert 70)");
    tls_ends_close(&ends);
}

/* A client of OpenSSL set to what weir would not offer. */
static SSL *weaken(weir_tls_context *client, long version, const char *ciphers) {
    SSL *ssl = tls_context_open(client, "localhost");
    SSL_set_security_level(ssl, 0);
    SSL_set_min_proto_version(ssl, TLS1_VERSION);
    SSL_set_max_proto_version(ssl, (int)version);
    SSL_set_cipher_list(ssl, ciphers);
    return ssl;
}

WEIR_TEST(tls_context, weak_clients_are_refused_by_default) {
    static const struct {
        long version;
        const char *ciphers, *reason;
    } cases[] = {
        {TLS1_VERSION, "ALL", "handshake: no version of TLS in common"},
        {TLS1_1_VERSION, "ALL", "handshake: no version of TLS in common"},
        {TLS1_2_VERSION, "ECDHE-ECDSA-AES128-SHA256",
         "handshake: no cipher suite in common, or no certificate that the client can use"},
        {TLS1_2_VERSION, "AES128-GCM-SHA256:AES256-SHA",
         "handshake: no cipher suite in common, or no certificate that the client can use"},
        {TLS1_2_VERSION, "DHE-RSA-AES128-GCM-SHA256",
         "handshake: no cipher suite in common, or no certificate that the client can use"},
    };
    tls_ends ends = tls_ends_open(tls_certs_new(), NULL, NULL);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        weir_test_context("case %zu", i);
        expect(!tls_wire_open_with(&ends.wire, weaken(ends.client, cases[i].version, cases[i].ciphers),
                                   ends.server));
        expect_str(ends.wire.server_why.text, cases[i].reason);
        tls_wire_close(&ends.wire);
    }
    tls_ends_close(&ends);
}

static const char *server_cipher(tls_ends *ends, const char *suites_1_3, const char *ciphers_1_2) {
    tls_wire_close(&ends->wire);
    SSL *client = tls_context_open(ends->client, "localhost");
    if (suites_1_3 != NULL) SSL_set_ciphersuites(client, suites_1_3);
    if (ciphers_1_2 != NULL) {
        SSL_set_max_proto_version(client, TLS1_2_VERSION);
        SSL_set_cipher_list(client, ciphers_1_2);
    }
    expect(tls_wire_open_with(&ends->wire, client, ends->server));
    return SSL_get_cipher_name(ends->wire.client);
}

WEIR_TEST(tls_context, the_server_chooses_the_cipher_unless_the_client_likes_chacha_best) {
    tls_ends ends = tls_ends_open(tls_certs_new(), &(weir_tls_options){.no_resumption = true}, NULL);
    expect_str(server_cipher(&ends, "TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256", NULL),
               "TLS_AES_128_GCM_SHA256");
    expect_str(server_cipher(&ends, "TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256", NULL),
               "TLS_CHACHA20_POLY1305_SHA256");
    expect_str(server_cipher(&ends, NULL, "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256"),
               "ECDHE-ECDSA-AES128-GCM-SHA256");
    expect_str(server_cipher(&ends, NULL, "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES128-GCM-SHA256"),
               "ECDHE-ECDSA-CHACHA20-POLY1305");
    tls_ends_close(&ends);
}

WEIR_TEST(tls_context, ciphers_suites_and_groups_are_options) {
    weir_tls_options wanted = {.cipher_suites = "TLS_CHACHA20_POLY1305_SHA256", .groups = "P-384"};
    tls_ends ends = tls_ends_open(tls_certs_new(), NULL, &wanted);
    expect(tls_ends_connect(&ends, NULL));
    expect_str(SSL_get_cipher_name(ends.wire.client), "TLS_CHACHA20_POLY1305_SHA256");
    expect_eq(SSL_get_negotiated_group(ends.wire.client), NID_secp384r1);
    tls_ends_close(&ends);
}

WEIR_TEST(tls_context, renegotiation_is_refused) {
    weir_tls_options only = {.max = WEIR_TLS_1_2};
    tls_ends ends = tls_ends_open(tls_certs_new(), &only, NULL);
    require(tls_ends_connect(&ends, NULL));
    expect_eq(SSL_renegotiate(ends.wire.client), 0);
    SSL_clear_options(ends.wire.client, SSL_OP_NO_RENEGOTIATION);
    expect_eq(SSL_renegotiate(ends.wire.client), 1);
    SSL_do_handshake(ends.wire.client);
    char byte;
    expect(SSL_read(ends.wire.server, &byte, 1) <= 0);
    expect(SSL_do_handshake(ends.wire.client) <= 0);
    weir_tls_why why;
    expect_status(tls_why_from_ssl(&why, ends.wire.client, "read"), WEIR_E_TLS);
    expect_str(why.text, "read: no renegotiation");
    tls_ends_close(&ends);
}

/* ---- which identity ---- */

static weir_tls_identity *named(tls_certs *certs, const char *names, const char *common_name,
                                unsigned rsa_bits) {
    return tls_certs_identity(certs,
                              &(tls_cert){.names = names, .common_name = common_name, .rsa_bits = rsa_bits});
}

static void release_all(weir_tls_identity **identities, size_t count) {
    for (size_t i = 0; i < count; i++) weir_tls_identity_release(identities[i]);
}

WEIR_TEST(tls_context, a_server_shows_the_certificate_of_the_name_that_is_asked_for) {
    tls_certs *certs = tls_certs_new();
    weir_tls_identity *identities[] = {
        named(certs, "a.example", "first", 0),
        named(certs, "*.b.example", "wildcard", 0),
        named(certs, "www.b.example", "exact", 0),
    };
    tls_ends ends = tls_ends_open(certs, &(weir_tls_options){.insecure = true, .no_resumption = true},
                                  &(weir_tls_options){.identities = identities, .identity_count = 3});
    static const struct {
        const char *asked, *shown;
    } cases[] = {
        {"a.example", "first"},         {"A.Example", "first"}, {"www.b.example", "exact"},
        {"mail.b.example", "wildcard"}, {"b.example", "first"}, {"x.mail.b.example", "first"},
        {"other.example", "first"},     {"192.0.2.1", "first"},
    };
    char shown[64];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        weir_test_context("%s", cases[i].asked);
        expect(tls_ends_connect(&ends, cases[i].asked));
        expect_str(tls_wire_server_cert(&ends.wire, shown), cases[i].shown);
    }
    release_all(identities, 3);
    tls_ends_close(&ends);
}

WEIR_TEST(tls_context, an_unknown_name_can_be_refused) {
    weir_tls_options strict = {.refuse_unknown_names = true};
    tls_ends ends = tls_ends_open(tls_certs_new(), NULL, &strict);
    expect(tls_ends_connect(&ends, "localhost"));
    expect(tls_ends_connect(&ends, "127.0.0.1")); /* no name is sent */
    expect(!tls_ends_connect(&ends, "other.example"));
    expect_status(ends.wire.client_status, WEIR_E_TLS);
    expect_str(ends.wire.client_why.text, "handshake: the peer refused: unrecognized name (alert 112)");
    expect_str(ends.wire.server_why.text,
               "handshake: the client asks for \"other.example\", which nobody answers to");
    tls_wire_close(&ends.wire);
    SSL *client = tls_context_open(ends.client, "localhost");
    SSL_set_tlsext_host_name(client, "a\nweir error: b");
    expect(!tls_wire_open_with(&ends.wire, client, ends.server)); /* into a log, a line stays a line */
    expect_str(ends.wire.server_why.text,
               "handshake: the client asks for \"a?weir error: b\", which nobody answers to");
    tls_ends_close(&ends);
}

WEIR_TEST(tls_context, what_a_client_may_ask_for) {
    tls_ends ends = tls_ends_open(tls_certs_new(), NULL, NULL);
    weir_tls_context *insecure;
    expect_status(weir_tls_context_client(&insecure, &(weir_tls_options){.insecure = true}, NULL), WEIR_OK);
    static const char *const wrong[] = {"", ".", "a b", "a\nb", "a\tb", ".com", "\xc3\xbc.example"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        expect(!tls_context_can_ask(ends.client, wrong[i]));
        expect(!tls_context_can_ask(insecure, wrong[i]));
    }
    char name[255];
    memset(name, 'a', 254);
    name[254] = '\0';
    expect(!tls_context_can_ask(ends.client, name));
    name[253] = '\0';
    expect(tls_context_can_ask(ends.client, name));
    SSL *ssl = tls_context_open(ends.client, name);
    expect(ssl != NULL);
    tls_context_close(ssl);
    expect(!tls_context_can_ask(ends.client, NULL));
    expect(tls_context_can_ask(insecure, NULL));
    expect(tls_context_can_ask(ends.server, NULL));
    weir_tls_context_release(insecure);
    tls_ends_close(&ends);
}

WEIR_TEST(tls_context, of_an_rsa_and_an_ecdsa_certificate_for_a_name_the_client_gets_the_one_it_can_use) {
    tls_certs *certs = tls_certs_new();
    weir_tls_identity *identities[] = {named(certs, "a.example", "ecdsa", 0),
                                       named(certs, "a.example", "rsa", 2048)};
    tls_ends ends = tls_ends_open(certs, &(weir_tls_options){.no_resumption = true},
                                  &(weir_tls_options){.identities = identities, .identity_count = 2});
    char shown[64];
    expect(tls_ends_connect(&ends, "a.example"));
    expect_str(tls_wire_server_cert(&ends.wire, shown), "ecdsa");
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        weir_test_context("version %x", (unsigned)version);
        tls_wire_close(&ends.wire);
        SSL *client = tls_context_open(ends.client, "a.example");
        SSL_set_max_proto_version(client, version);
        /* its root is ECDSA too, so only the leaf's own signature is limited */
        SSL_set1_sigalgs_list(client,
                              version == TLS1_3_VERSION ? "RSA-PSS+SHA256:ECDSA+SHA512" : "RSA-PSS+SHA256");
        if (version == TLS1_2_VERSION) SSL_set_cipher_list(client, "ECDHE-RSA-AES128-GCM-SHA256");
        expect(tls_wire_open_with(&ends.wire, client, ends.server));
        expect_str(tls_wire_server_cert(&ends.wire, shown), "rsa");
    }
    release_all(identities, 2);
    tls_ends_close(&ends);
}

WEIR_TEST(tls_context, new_identities_serve_new_connections_and_leave_open_ones_alone) {
    tls_certs *certs = tls_certs_new();
    weir_tls_identity *older = named(certs, "localhost", "older", 0),
                      *newer = named(certs, "localhost", "newer", 0);
    tls_ends ends = tls_ends_open(certs, &(weir_tls_options){.no_resumption = true},
                                  &(weir_tls_options){.identities = &older, .identity_count = 1});
    char shown[64];
    tls_wire after = {0};
    expect(tls_ends_connect(&ends, NULL));
    expect_status(weir_tls_context_set_identities(ends.server, &newer, 1), WEIR_OK);
    release_all(&older, 1);
    expect(tls_wire_open(&after, ends.client, ends.server, NULL));
    expect_str(tls_wire_server_cert(&after, shown), "newer");
    expect_str(tls_wire_server_cert(&ends.wire, shown), "older");
    expect(tls_wire_talks(&ends.wire));
    expect(tls_wire_talks(&after));
    tls_wire_close(&after);
    release_all(&newer, 1);
    tls_ends_close(&ends);
}

WEIR_TEST(tls_context, a_handshake_that_has_begun_survives_new_identities) {
    tls_certs *certs = tls_certs_new();
    tls_ends ends = tls_ends_open(certs, NULL, NULL);
    weir_tls_identity *newer = named(certs, "localhost", "newer", 0);
    SSL *client = tls_context_open(ends.client, "localhost");
    expect_status(weir_tls_context_set_identities(ends.server, &newer, 1), WEIR_OK);
    expect(tls_wire_open_with(&ends.wire, client, ends.server));
    char shown[64];
    expect_str(tls_wire_server_cert(&ends.wire, shown), "newer");
    release_all(&newer, 1);
    tls_ends_close(&ends);
}

WEIR_TEST(tls_context, a_set_of_identities_that_makes_no_sense_changes_nothing) {
    tls_ends ends = tls_ends_open(tls_certs_new(), NULL, NULL);
    weir_tls_identity *nobody = NULL;
    expect_status(weir_tls_context_set_identities(ends.server, NULL, 0), WEIR_E_INVALID);
    expect_status(weir_tls_context_set_identities(ends.server, &nobody, 1), WEIR_E_INVALID);
    expect(tls_ends_connect(&ends, NULL));
    tls_ends_close(&ends);
}

/* ---- options that are wrong ---- */

static void expect_refused(bool is_server, const weir_tls_options *options, weir_status status,
                           const char *sentence) {
    weir_tls_context *context = (weir_tls_context *)&context;
    weir_tls_why why;
    expect_status((is_server ? weir_tls_context_server : weir_tls_context_client)(&context, options, &why),
                  status);
    expect_eq(context, NULL);
    expect_str(why.text, sentence);
    expect_status((is_server ? weir_tls_context_server : weir_tls_context_client)(&context, options, NULL),
                  status);
}

WEIR_TEST(tls_context, a_wrong_option_is_told_in_one_sentence) {
    static const weir_bytes nonsense = {(const uint8_t *)"nonsense", 8};
    expect_refused(true, NULL, WEIR_E_INVALID, "a server needs an identity");
    expect_refused(false, &(weir_tls_options){.min = WEIR_TLS_1_3, .max = WEIR_TLS_1_2}, WEIR_E_INVALID,
                   "the least version is newer than the newest");
    expect_refused(false, &(weir_tls_options){.ciphers = "NO-SUCH"}, WEIR_E_INVALID,
                   "ciphers \"NO-SUCH\": no cipher match");
    expect_refused(false, &(weir_tls_options){.cipher_suites = "NO_SUCH"}, WEIR_E_INVALID,
                   "cipher_suites \"NO_SUCH\": no cipher match");
    expect_refused(false, &(weir_tls_options){.groups = "P-1"}, WEIR_E_INVALID,
                   "groups \"P-1\": not a list of groups that OpenSSL knows");
    expect_refused(false, &(weir_tls_options){.ca = nonsense}, WEIR_E_INVALID,
                   "the CA in memory: there is no certificate in it");
    expect_refused(false, &(weir_tls_options){.ca_file = "/no/such"}, -ENOENT,
                   "/no/such: no such file or directory");
    expect_refused(false, &(weir_tls_options){.ca_file = "/"}, -EISDIR, "/: is a directory");
    expect_refused(false, &(weir_tls_options){.ca_dir = "/no/such"}, -ENOENT,
                   "/no/such: no such file or directory");
    expect_refused(false, &(weir_tls_options){.ca_dir = "/dev/null"}, -ENOTDIR, "/dev/null: not a directory");
    expect_refused(false, &(weir_tls_options){.crl_file = "/dev/null"}, WEIR_E_UNSUPPORTED,
                   "/dev/null: not a regular file");
    expect_refused(false, &(weir_tls_options){.insecure = true, .require_ocsp = true}, WEIR_E_INVALID,
                   "insecure and require_ocsp contradict each other");
    expect_refused(false, &(weir_tls_options){.session_s = 604801}, WEIR_E_INVALID,
                   "session_s is at most 604800 and tickets at most 16");
    expect_refused(false, &(weir_tls_options){.tickets = 17}, WEIR_E_INVALID,
                   "session_s is at most 604800 and tickets at most 16");
}

WEIR_TEST(tls_context, a_key_that_is_too_short_is_refused_at_once) {
    tls_certs *certs = tls_certs_new();
    weir_tls_identity *identities[] = {tls_certs_identity(certs, NULL),
                                       named(certs, "localhost", "short", 1024)};
    expect_refused(true, &(weir_tls_options){.identities = identities, .identity_count = 2}, WEIR_E_INVALID,
                   "identity 2 cannot be used: ee key too small");
    tls_ends ends = tls_ends_open(certs, NULL, NULL);
    expect_status(weir_tls_context_set_identities(ends.server, identities, 2), WEIR_E_INVALID);
    expect(tls_ends_connect(&ends, NULL));
    release_all(identities, 2);
    tls_ends_close(&ends);
}

WEIR_TEST(tls_context, a_server_and_a_client_refuse_what_is_the_others) {
    tls_certs *certs = tls_certs_new();
    weir_tls_identity *identities[] = {tls_certs_identity(certs, NULL), tls_certs_identity(certs, NULL)};
    expect_refused(false, &(weir_tls_options){.identities = identities, .identity_count = 2}, WEIR_E_INVALID,
                   "a client takes at most one identity");
    weir_tls_options server = {.identities = identities, .identity_count = 1};
    server.client_cert = WEIR_TLS_CLIENT_CERT_REQUIRE;
    expect_refused(true, &server, WEIR_E_INVALID,
                   "client certificates need a CA to be trusted by: ca_file, ca_dir or ca");
    server.client_cert = WEIR_TLS_CLIENT_CERT_NONE;
    server.insecure = true;
    expect_refused(true, &server, WEIR_E_INVALID,
                   "insecure is for clients: a server asks for certificates, or it does not");
    release_all(identities, 2);
    tls_certs_free(certs);
}

WEIR_TEST(tls_context, memory_that_runs_out_is_an_answer) {
    tls_certs *certs = tls_certs_new();
    weir_tls_identity *identity = tls_certs_identity(certs, NULL);
    weir_tls_context *context;
    weir_tls_why why;
    weir_tls_options options = {.identities = &identity, .identity_count = 1};
    weir_tracking_alloc_fail_nth(weir_test_alloc(), 0);
    expect_status(weir_tls_context_server(&context, &options, &why), WEIR_E_NO_MEMORY);
    expect_str(why.text, "out of memory, or over the memory limit that was set");
    weir_tracking_alloc_fail_never(weir_test_alloc());
    weir_tls_identity_release(identity);
    tls_certs_free(certs);
}
