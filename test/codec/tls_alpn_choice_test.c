/* ALPN between two contexts. */
#include <weir/testing.h>

#include "tls_wire.h"

static const char *const both[] = {"h2", "http/1.1"}, *const older[] = {"http/1.1"},
                         *const reversed[] = {"http/1.1", "h2"}, *const other[] = {"dot"};

#define LIST(name) .alpn = name, .alpn_count = sizeof name / sizeof name[0]

static void expect_protocol(tls_ends *ends, const char *expected) {
    for (int i = 0; i < 2; i++) {
        const unsigned char *chosen;
        unsigned len;
        SSL_get0_alpn_selected(i == 0 ? ends->wire.client : ends->wire.server, &chosen, &len);
        expect_same_bytes(weir_bytes_of(chosen, len), weir_bytes_str(expected));
    }
}

WEIR_TEST(tls_alpn_choice, the_first_of_the_server_that_the_client_has_is_chosen) {
    const struct {
        weir_tls_options client, server;
        const char *expected;
    } cases[] = {
        {{LIST(both)}, {LIST(both)}, "h2"},
        {{LIST(reversed)}, {LIST(both)}, "h2"},
        {{LIST(older)}, {LIST(both)}, "http/1.1"},
        {{LIST(other)}, {LIST(both)}, ""},
        {{LIST(both)}, {0}, ""},
        {{0}, {LIST(both)}, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        weir_test_context("case %zu", i);
        tls_ends ends = tls_ends_open(tls_certs_new(), &cases[i].client, &cases[i].server);
        expect(tls_ends_connect(&ends, NULL));
        expect_protocol(&ends, cases[i].expected);
        expect(tls_ends_connect(&ends, NULL)); /* resumed: agreed on anew */
        expect_protocol(&ends, cases[i].expected);
        tls_ends_close(&ends);
    }
}

WEIR_TEST(tls_alpn_choice, a_server_can_require_a_protocol) {
    const weir_tls_options server = {LIST(both), .alpn_required = true};
    const weir_tls_options clients[] = {{LIST(older)}, {LIST(other)}, {0}};
    for (int i = 0; i < 3; i++) {
        tls_ends ends = tls_ends_open(tls_certs_new(), &clients[i], &server);
        expect_eq(tls_ends_connect(&ends, NULL), i == 0);
        if (i != 0) {
            expect_status(ends.wire.client_status, WEIR_E_TLS);
            expect_str(ends.wire.client_why.text,
                       "handshake: the peer refused: no application protocol (alert 120)");
            expect_str(ends.wire.server_why.text, i == 2 ? "handshake: the client offers no protocol (ALPN)"
                                                         : "handshake: no application protocol");
        }
        tls_ends_close(&ends);
    }
}

WEIR_TEST(tls_alpn_choice, a_client_can_require_a_protocol) {
    const weir_tls_options client = {LIST(both), .alpn_required = true};
    tls_ends ends = tls_ends_open(tls_certs_new(), &client, NULL);
    expect(!tls_ends_connect(&ends, NULL));
    expect_status(ends.wire.client_status, WEIR_E_TLS);
    expect_str(ends.wire.client_why.text, "handshake: no protocol in common (ALPN)");
    tls_ends_close(&ends);
    ends = tls_ends_open(tls_certs_new(), &client, &(weir_tls_options){LIST(older)});
    expect(tls_ends_connect(&ends, NULL));
    tls_ends_close(&ends);
}

static void expect_refused(const weir_tls_options *options, const char *sentence) {
    weir_tls_context *context;
    weir_tls_why why;
    expect_status(weir_tls_context_client(&context, options, &why), WEIR_E_INVALID);
    expect_str(why.text, sentence);
}

WEIR_TEST(tls_alpn_choice, a_protocol_has_1_to_255_bytes) {
    char name[257];
    memset(name, 'x', 256);
    name[256] = '\0';
    const char *const names[] = {name}, *const empty[] = {"h2", ""}, *const none[] = {NULL};
    static const char wrong[] = "a protocol for ALPN is empty or longer than 255 bytes";
    expect_refused(&(weir_tls_options){LIST(names)}, wrong);
    expect_refused(&(weir_tls_options){LIST(empty)}, wrong);
    expect_refused(&(weir_tls_options){LIST(none)}, wrong);
    expect_refused(&(weir_tls_options){.alpn_required = true}, "alpn_required without a protocol");
    name[255] = '\0';
    weir_tls_context *context;
    expect_status(weir_tls_context_client(&context, &(weir_tls_options){LIST(names)}, NULL), WEIR_OK);
    weir_tls_context_release(context);
    const char *many[256];
    for (size_t i = 0; i < 256; i++) many[i] = name;
    expect_refused(&(weir_tls_options){LIST(many)}, "too many protocols for ALPN");
}
