/* tls_openssl_test.c - openssl s_client talks to ours, and openssl s_server is talked to by ours. */
#include <stdio.h>
#include <string.h>

#include <weir/testing.h>

#include "scripted_server.h"
#include "tls_place.h"

/* begin OPTIONS starts a client that says what stands in descriptor 3; say has a line echoed; finish ends it well. */
#define CLIENT                                                                                                   \
    "begin() {\n"                                                                                                \
    "    rm -f in out; mkfifo in; : >out\n"                                                                      \
    "    openssl s_client -connect 127.0.0.1:$port -CAfile ca.pem -verify_return_error \"$@\" <in >out 2>&1 &\n" \
    "    peer=$!\n"                                                                                              \
    "    exec 3>in\n"                                                                                            \
    "}\n"                                                                                                        \
    "say() { echo \"$1\" >&3; await \"^$1\" out; }\n"                                                            \
    "finish() { exec 3>&-; wait $peer || { cat out; fail 'it ended badly'; }; }\n"

static void set_up(struct tls_place *self) {
    tls_place_open(self);
    tls_place_serve(self, "tls_echo", NULL, NULL, NULL);
}

/* How many times the server has said so. */
static int said(struct tls_place *self, const char *words) {
    int count = 0;
    for (const char *at = program_out(&self->server); (at = strstr(at, words)) != NULL; at++) count++;
    return count;
}

WEIR_TEST(tls_openssl, client_is_echoed_by_both_versions) {
    struct tls_place place;
    set_up(&place);
    tls_place_run(&place, CLIENT "for version in -tls1_2 -tls1_3; do\n"
                                 "    begin $version\n"
                                 "    say hello; say again\n"
                                 "    await 'Verify return code: 0 (ok)' out; await 'OCSP\\|Cipher' out\n"
                                 "    finish\n"
                                 "done");
    expect_eq(said(&place, "TLSv1.2, ECDHE-ECDSA-"), 1);
    expect_eq(said(&place, "TLSv1.3, TLS_AES_"), 1);
    expect_str(program_err(&place.server), ""); /* the client's close_notify was seen */
    tls_place_close(&place);
}

WEIR_TEST(tls_openssl, client_resumes_its_session) {
    struct tls_place place;
    set_up(&place);
    tls_place_run(&place,
                  CLIENT "for version in -tls1_2 -tls1_3; do\n"
                         "    begin $version -sess_out session; say first; finish\n"
                         "    begin $version -sess_in session; say second; await '^Reused' out; finish\n"
                         "done");
    expect_eq(said(&place, "full handshake"), 2);
    expect_eq(said(&place, "resumed"), 2);
    tls_place_run(&place, CLIENT "begin -tls1_2 -reconnect; say third; finish\n"
                                 "[ $(grep -c '^Reused' out) = 5 ]");
    expect_eq(said(&place, "full handshake"), 3);
    expect_eq(said(&place, "resumed"), 7);
    tls_place_close(&place);
}

/* Of TLS 1.3 a client uses a ticket once. */
WEIR_TEST(tls_openssl, client_that_resumes_gets_another_ticket) {
    struct tls_place place;
    set_up(&place);
    tls_place_run(&place, CLIENT "begin -tls1_3 -sess_out session; say first; finish\n"
                                 "for n in 1 2 3; do\n"
                                 "    mv session old; begin -tls1_3 -sess_in old -sess_out session\n"
                                 "    say more; await '^Reused' out; finish; [ -s session ]\n"
                                 "done");
    expect_eq(said(&place, "full handshake"), 1);
    expect_eq(said(&place, "resumed"), 3);
    tls_place_close(&place);
}

WEIR_TEST(tls_openssl, client_names_the_server_and_is_answered_without_a_staple) {
    struct tls_place place;
    set_up(&place);
    tls_place_run(&place, CLIENT "begin -servername some.example -status\n"
                                 "say hello; await 'OCSP response: no response sent' out; finish");
    expect_eq(said(&place, ", asked for some.example"), 1);
    tls_place_close(&place);
}

WEIR_TEST(tls_openssl, client_changes_keys_again_and_again) {
    struct tls_place place;
    tls_place_open(&place);
    tls_place_serve(&place, "tls_echo", "--tls-no-kernel", NULL, NULL); /* which keeps the keys it has */
    tls_place_run(&place, CLIENT
                  "begin -tls1_3; say before\n"
                  "changes() { echo $1 >&3; until [ $(grep -c KEYUPDATE out) = $2 ]; do sleep 0.02; done; }\n"
                  "for n in 1 3 5 7 9; do changes K $n; say both$n; changes k $((n + 1)); say one$n; done\n"
                  "finish");
    expect_str(program_err(&place.server), "");
    tls_place_close(&place);
}

WEIR_TEST(tls_openssl, client_may_not_renegotiate) {
    struct tls_place place;
    set_up(&place);
    tls_place_run(&place, CLIENT "begin -tls1_2; say before; echo R >&3\n"
                                 "await 'no renegotiation\\|handshake failure' out\n"
                                 "exec 3>&-; wait $peer || true\n"
                                 "begin -tls1_2; say after; finish");
    tls_place_close(&place);
}

WEIR_TEST(tls_openssl, client_that_is_killed_has_cut_the_stream_short) {
    struct tls_place place;
    set_up(&place);
    tls_place_run(&place, CLIENT "begin; say hello; kill -9 $peer; exec 3>&-; wait $peer || true");
    expect(program_complains(&place.server, "the connection ended without TLS's close_notify"));
    tls_place_run(&place, CLIENT "begin; say after; finish");
    tls_place_close(&place);
}

WEIR_TEST(tls_openssl, a_stranger_without_tls_is_told_apart_and_the_server_goes_on) {
    struct tls_place place;
    char reply[1000];
    set_up(&place);
    expect(converse(dial(place.port), "GET / HTTP/1.1\r\n\r\n", 18, reply, sizeof reply) >= 0);
    expect(program_complains(&place.server, "a plain HTTP request came where TLS was expected"));
    tls_place_run(&place, CLIENT "begin; say after; finish");
    tls_place_close(&place);
}

WEIR_TEST(tls_openssl, client_agrees_on_a_protocol_and_sees_an_orderly_end) {
    struct tls_place place;
    tls_place_open(&place);
    tls_place_serve_files(&place);
    tls_place_run(
        &place, "printf body >page\n"
                "ask() { printf 'GET /page HTTP/1.1\\r\\nHost: a\\r\\nConnection: close\\r\\n\\r\\n' |\n"
                "    openssl s_client -connect 127.0.0.1:$port -CAfile ca.pem -ign_eof \"$@\" >out 2>&1; }\n"
                "for version in -tls1_2 -tls1_3; do\n"
                "    ask $version -alpn h2,http/1.1 || { cat out; fail $version; }\n"
                "    grep -q '^ALPN protocol: http/1.1' out && grep -q body out && grep -q closed out\n"
                "    ask $version; grep -q '^No ALPN negotiated' out\n"
                "    ask $version -alpn other; grep -q '^No ALPN negotiated' out && grep -q body out\n"
                "done");
    expect_str(program_err(&place.server), "");
    tls_place_close(&place);
}

/* ---- openssl s_server, and weir_get ---- */

/* begin OPTIONS starts a server; $port is its own then. */
#define SERVER                                                                                               \
    "begin() {\n"                                                                                            \
    "    : >said; [ -e in ] || : >in\n"                                                                      \
    "    openssl s_server -accept 0 \"$@\" <in >said 2>&1 &\n"                                               \
    "    peer=$!\n"                                                                                          \
    "    await '^ACCEPT ' said\n"                                                                            \
    "    port=$(sed -n 's/^ACCEPT .*://p' said)\n"                                                           \
    "}\n"                                                                                                    \
    "finish() { kill $peer; wait $peer || true; }\n"                                                         \
    "get() { $bin/weir_get -o got --cacert ca.pem --timeout 60 \"https://127.0.0.1:$port/$1\"; }\n"          \
    "says() {\n"                                                                                             \
    "    ! get \"$1\" 2>log || fail 'it did not fail'\n"                                                     \
    "    grep -qx \"weir_get: $2\" log || { cat log; fail \"not '$2'\"; }\n"                                 \
    "    [ ! -e got ]\n"                                                                                     \
    "}\n"

WEIR_TEST(tls_openssl, server_is_read_by_every_version_and_cipher) {
    struct tls_place place;
    tls_place_open(&place);
    tls_place_cert(&place, "cert.pem", NULL);
    tls_place_cert(&place, "rsa.pem", &(tls_cert){.rsa_bits = 2048});
    place_write(&place.place, "page", 3000000);
    tls_place_run(
        &place, SERVER
        "try() { begin -WWW \"$@\"; get page || { cat said; fail \"$*\"; }; cmp got page; rm got; finish; }\n"
        "for cipher in AES128-GCM-SHA256 AES256-GCM-SHA384 CHACHA20-POLY1305; do\n"
        "    try -cert cert.pem -chainCAfile ca.pem -cert_chain cert.pem -tls1_2 -cipher ECDHE-ECDSA-$cipher\n"
        "    try -cert rsa.pem -cert_chain rsa.pem -tls1_2 -cipher ECDHE-RSA-$cipher\n"
        "done\n"
        "for cipher in TLS_AES_128_GCM_SHA256 TLS_AES_256_GCM_SHA384 TLS_CHACHA20_POLY1305_SHA256; do\n"
        "    try -cert cert.pem -cert_chain cert.pem -tls1_3 -ciphersuites $cipher\n"
        "done\n"
        "for group in X25519 P-256 P-384; do try -cert cert.pem -cert_chain cert.pem -groups $group; done");
    tls_place_close(&place);
}

WEIR_TEST(tls_openssl, server_that_cannot_be_trusted_is_one_sentence) {
    struct tls_place place;
    tls_place_open(&place);
    tls_place_cert(&place, "stranger.pem", &(tls_cert){.from_other_ca = true});
    tls_place_cert(&place, "self.pem", &(tls_cert){.is_self_signed = true});
    tls_place_cert(&place, "named.pem", &(tls_cert){.names = "a.example"});
    tls_place_cert(&place, "expired.pem", &(tls_cert){.from_days = -9, .to_days = -1});
    tls_place_cert(&place, "future.pem", &(tls_cert){.from_days = 1, .to_days = 9});
    tls_place_cert(&place, "client.pem", &(tls_cert){.is_for_clients = true});
    tls_place_cert(&place, "bare.pem", &(tls_cert){.without_chain = true});
    tls_place_run(
        &place, SERVER
        "printf body >page\n"
        "refuses() {\n"
        "    begin -WWW -cert $1 -cert_chain $1\n"
        "    says page \"cannot get 'https://127.0.0.1:$port/page': TLS handshake: the peer's certificate $2\"\n"
        "    $bin/weir_get --insecure -o got https://127.0.0.1:$port/page; cmp got page; rm got; finish\n"
        "}\n"
        "refuses stranger.pem 'is not trusted: .*'\n"
        "refuses self.pem 'is not trusted: .*self.signed.*'\n"
        "refuses named.pem 'is not for that address'\n"
        "refuses expired.pem 'is not trusted: certificate has expired'\n"
        "refuses future.pem 'is not trusted: certificate is not yet valid'\n"
        "refuses client.pem 'is not trusted: .*purpose.*'\n"
        "refuses bare.pem 'is not trusted: unable to get local issuer certificate'");
    tls_place_close(&place);
}

WEIR_TEST(tls_openssl, server_without_a_version_in_common_is_one_sentence) {
    struct tls_place place;
    tls_place_open(&place);
    tls_place_cert(&place, "cert.pem", NULL);
    tls_place_run(
        &place, SERVER
        "begin -WWW -cert cert.pem -cert_chain cert.pem -tls1_1 -cipher ALL:@SECLEVEL=0\n"
        "says page \"cannot get .*page': TLS handshake: .*version.*\"; finish\n"
        "begin -WWW -cert cert.pem -cert_chain cert.pem -tls1_2 -cipher ECDHE-ECDSA-AES128-SHA\n"
        "says page \"cannot get .*page': TLS handshake: the peer refused: handshake failure (alert 40)\"\n"
        "finish");
    tls_place_close(&place);
}

/* What a server has not ended itself may have been ended by somebody in the middle. */
WEIR_TEST(tls_openssl, server_that_is_killed_leaves_no_whole_file) {
    struct tls_place place;
    tls_place_open(&place);
    tls_place_cert(&place, "cert.pem", NULL);
    tls_place_run(
        &place, SERVER
        "mkfifo in; exec 3<>in; begin -cert cert.pem -cert_chain cert.pem\n"
        "get page 2>log & getter=$!\n"
        "await '^GET /page' said\n"
        "printf 'HTTP/1.0 200 OK\\r\\n\\r\\nhalf of it' >&3\n"
        "tries=0; until [ -s .got.part ] || [ $tries = 1000 ]; do tries=$((tries + 1)); sleep 0.02; done\n"
        "kill -9 $peer; ! wait $getter || fail 'it did not fail'\n"
        "cat log; [ ! -e got ]\n"
        "grep -qx \"weir_get: cannot get 'https://127.0.0.1:$port/page': .*\" log");
    tls_place_close(&place);
}

WEIR_TEST(tls_openssl, a_redirect_leads_from_http_to_https) {
    struct tls_place place;
    struct scripted_server plain;
    char head[200], script[300];
    tls_place_open(&place);
    tls_place_serve_files(&place);
    place_write(&place.place, "page", 100000);
    scripted_server_open(&plain);
    snprintf(head, sizeof head, "HTTP/1.1 301 Moved\r\nLocation: https://127.0.0.1:%u/page\r\n\r\n",
             place.port);
    scripted_server_start(&plain, &(struct script_turn){.head = head}, 1);
    snprintf(script, sizeof script,
             "$bin/weir_get --cacert ca.pem -o got http://127.0.0.1:%u/moved; cmp got page", plain.port);
    tls_place_run(&place, script);
    scripted_server_end(&plain);
    tls_place_close(&place);
}

WEIR_TEST(tls_openssl, a_redirect_never_leads_from_https_to_http) {
    struct tls_place place;
    tls_place_open(&place);
    tls_place_cert(&place, "cert.pem", NULL);
    tls_place_run(&place, SERVER
                  "printf body >page\n"
                  "begin -HTTP -cert cert.pem -cert_chain cert.pem\n"
                  "printf 'HTTP/1.0 302 Found\\r\\nLocation: http://127.0.0.1:1/page\\r\\n\\r\\n' >moved\n"
                  "says moved \"'https://127.0.0.1:$port/moved' redirects to 'http://127.0.0.1:1/page': "
                  "from https to http it does not go\"\n"
                  "printf 'HTTP/1.0 302 Found\\r\\nLocation: /there\\r\\n\\r\\n' >moved\n"
                  "printf 'HTTP/1.0 200 OK\\r\\nContent-Length: 4\\r\\n\\r\\nbody' >there\n"
                  "get moved; cmp got page; finish");
    tls_place_close(&place);
}
