/* tls_gnutls_test.c - gnutls-cli, a TLS with no line of OpenSSL in it, talks to ours. */
#include <string.h>

#include <weir/testing.h>

#include "tls_place.h"

/* As for openssl. The certificate is for localhost; the name is resolved by gnutls-cli itself. */
#define CLIENT                                                                                               \
    "begin() {\n"                                                                                            \
    "    rm -f in out; mkfifo in; : >out\n"                                                                  \
    "    gnutls-cli --x509cafile=ca.pem -p $port 127.0.0.1 \"$@\" <in >out 2>&1 & peer=$!\n"                 \
    "    exec 3>in; await 'Simple Client Mode' out\n"                                                        \
    "}\n"                                                                                                    \
    "say() { echo \"$1\" >&3; await \"^$1\" out; }\n"                                                        \
    "finish() { exec 3>&-; wait $peer || { cat out; fail 'it ended badly'; }; }\n"

WEIR_TEST(tls_gnutls, is_echoed_by_every_version_and_cipher) {
    struct tls_place place;
    tls_place_open(&place);
    tls_place_serve(&place, "tls_echo", NULL, NULL, NULL);
    tls_place_run(&place, CLIENT
                  "for version in 1.2 1.3; do for cipher in AES-128-GCM AES-256-GCM CHACHA20-POLY1305; do\n"
                  "    begin --priority NORMAL:-VERS-ALL:+VERS-TLS$version:-CIPHER-ALL:+$cipher\n"
                  "    say hello; say again; grep -q \"TLS$version.*$cipher\" out\n"
                  "    grep -q 'Status: The certificate is trusted' out; finish\n"
                  "done; done");
    expect_str(program_err(&place.server), "");
    tls_place_close(&place);
}

WEIR_TEST(tls_gnutls, resumes) {
    struct tls_place place;
    tls_place_open(&place);
    tls_place_serve(&place, "tls_echo", NULL, NULL, NULL);
    tls_place_run(&place,
                  CLIENT "for version in 1.2 1.3; do\n"
                         "    begin --priority NORMAL:-VERS-ALL:+VERS-TLS$version --resume --waitresumption\n"
                         "    say hello; grep -q 'This is a resumed session' out; finish\n"
                         "done");
    tls_place_close(&place);
}

/* It asks for others', too, which the kernel cannot give. */
WEIR_TEST(tls_gnutls, changes_keys) {
    struct tls_place place;
    tls_place_open(&place);
    tls_place_serve(&place, "tls_echo", "--tls-no-kernel", NULL, NULL);
    tls_place_run(&place, CLIENT "begin --priority NORMAL:-VERS-ALL:+VERS-TLS1.3 --inline-commands\n"
                                 "say before; echo ^rekey^ >&3; say after; finish");
    tls_place_close(&place);
}

WEIR_TEST(tls_gnutls, is_refused_with_what_is_weak) {
    struct tls_place place;
    tls_place_open(&place);
    tls_place_serve(&place, "tls_echo", NULL, NULL, NULL);
    tls_place_run(
        &place, CLIENT
        "for priority in NORMAL:-VERS-ALL:+VERS-TLS1.1 NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+AES-128-CBC\n"
        "do ! gnutls-cli --x509cafile=ca.pem -p $port 127.0.0.1 --priority $priority </dev/null || fail $priority\n"
        "done; begin; say after; finish");
    tls_place_close(&place);
}
