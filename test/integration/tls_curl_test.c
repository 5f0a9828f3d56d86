/* tls_curl_test.c - curl reads and writes files over TLS: versions, ciphers, lengths, and what is refused. */
#include <stdio.h>
#include <string.h>

#include <weir/testing.h>

#include "tls_place.h"

#define CURL "curl -sS -m 90 --cacert ca.pem "

static void check_ciphers(const tls_cert *cert, const char *kind) {
    char script[1200];
    struct tls_place place;
    tls_place_open(&place);
    tls_place_cert(&place, "cert.pem", cert);
    place_write(&place.place, "page", 100000);
    tls_place_serve_files(&place);
    snprintf(
        script, sizeof script,
        "for cipher in ECDHE-%s-AES128-GCM-SHA256 ECDHE-%s-AES256-GCM-SHA384 ECDHE-%s-CHACHA20-POLY1305; do\n"
        "    " CURL "-v --tls-max 1.2 --ciphers $cipher https://127.0.0.1:$port/page 2>log | cmp - page\n"
        "    grep -q \"using TLSv1.2 / $cipher\" log || { cat log; fail $cipher; }\n"
        "done\n"
        "for cipher in TLS_AES_128_GCM_SHA256 TLS_AES_256_GCM_SHA384 TLS_CHACHA20_POLY1305_SHA256; do\n"
        "    " CURL "-v --tlsv1.3 --tls13-ciphers $cipher https://127.0.0.1:$port/page 2>log | cmp - page\n"
        "    grep -q \"using TLSv1.3 / $cipher\" log || { cat log; fail $cipher; }\n"
        "done",
        kind, kind, kind);
    tls_place_run(&place, script);
    tls_place_close(&place);
}

WEIR_TEST(tls_curl, is_served_by_every_version_and_cipher_with_an_ecdsa_key) {
    check_ciphers(NULL, "ECDSA");
}

WEIR_TEST(tls_curl, is_served_by_every_version_and_cipher_with_an_rsa_key) {
    check_ciphers(&(tls_cert){.rsa_bits = 2048}, "RSA");
}

/* 35: the handshake failed. */
WEIR_TEST(tls_curl, is_refused_with_old_versions_and_weak_ciphers) {
    struct tls_place place;
    tls_place_open(&place);
    place_write(&place.place, "page", 1000);
    tls_place_serve_files(&place);
    tls_place_run(
        &place,
        "refused() {\n"
        "    answer=0; " CURL "\"$@\" https://127.0.0.1:$port/page >got 2>log || answer=$?\n"
        "    [ $answer = 35 ] || { cat log; fail \"$answer with $*\"; }\n"
        "}\n"
        "refused --tlsv1.0 --tls-max 1.0 --ciphers 'ALL:@SECLEVEL=0'\n"
        "refused --tlsv1.1 --tls-max 1.1 --ciphers 'ALL:@SECLEVEL=0'\n"
        "for cipher in ECDHE-ECDSA-AES128-SHA ECDHE-ECDSA-AES256-SHA384 AES128-GCM-SHA256 DHE-RSA-AES128-GCM-SHA256\n"
        "do refused --tls-max 1.2 --ciphers $cipher; done\n"
        "refused --tls-max 1.2 --ciphers ALL --curves P-521\n" CURL
        "https://127.0.0.1:$port/page | cmp - page");
    expect(program_complains(&place.server, "no version of TLS in common"));
    tls_place_close(&place);
}

/* 60: it does not like the certificate. */
WEIR_TEST(tls_curl, trusts_our_chain_for_our_names_alone) {
    struct tls_place place;
    tls_place_open(&place);
    tls_place_cert(&place, "cert.pem", &(tls_cert){.names = "a.example,*.b.example"});
    place_write(&place.place, "page", 1000);
    tls_place_serve_files(&place);
    tls_place_run(
        &place,
        "get() { curl -sS -m 90 --resolve \"*:$port:127.0.0.1\" --cacert \"$1\" \"https://$2:$port/page\"; }\n"
        "for name in a.example x.b.example; do get ca.pem $name | cmp - page; done\n"
        "for name in b.example x.y.b.example 127.0.0.1; do\n"
        "    answer=0; get ca.pem $name >got 2>log || answer=$?; [ $answer = 60 ] || fail $name\n"
        "done\n"
        "answer=0; get other.pem a.example >got 2>log || answer=$?; [ $answer = 60 ]");
    tls_place_close(&place);
}

WEIR_TEST(tls_curl, gets_bodies_of_every_length_whole) {
    static const size_t sizes[] = {0,     1,     1368,  1369,  1370,   16383,
                                   16384, 16385, 65535, 65537, 131072, 1 << 20};
    struct tls_place place;
    tls_place_open(&place);
    tls_place_serve_files(&place);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        char name[32];
        snprintf(name, sizeof name, "f%zu", sizes[i]);
        place_write(&place.place, name, sizes[i]);
    }
    tls_place_run(
        &place, "for version in --tlsv1.3 '--tls-max 1.2'; do\n"
                "    for name in f*; do " CURL "$version https://127.0.0.1:$port/$name | cmp - $name; done\n"
                "    " CURL "$version --remote-name-all --output-dir got --create-dirs " /* one connection */
                "$(for name in f*; do echo https://127.0.0.1:$port/$name; done)\n"
                "    for name in f*; do cmp got/$name $name; done\n"
                "    " CURL "$version -r 16380-16390 https://127.0.0.1:$port/f1048576 >part\n"
                "    tail -c +16381 f1048576 | head -c 11 | cmp - part\n"
                "done");
    tls_place_close(&place);
}

/* Holes, and every MiB and 13 bytes some noise. */
#define SPARSE(name, mib)                                                                                    \
    "truncate -s " #mib "M " name "; at=0\n"                                                                 \
    "while [ $at -lt " #mib " ]; do\n"                                                                       \
    "    dd if=noise of=" name                                                                               \
    " bs=1048589 oflag=seek_bytes seek=$((at * 1048589)) conv=notrunc status=none\n"                         \
    "    at=$((at + 37))\n"                                                                                  \
    "done\n"

WEIR_TEST(tls_curl, gets_a_hundred_mebibytes_by_both_versions) {
    struct tls_place place;
    tls_place_open(&place);
    place_write(&place.place, "noise", 50000);
    tls_place_serve_files(&place);
    tls_place_run(&place,
                  SPARSE("big", 100) "sum=$(sha256sum <big)\n"
                                     "for version in --tlsv1.3 '--tls-max 1.2'; do\n"
                                     "    [ \"$(" CURL
                                     "$version https://127.0.0.1:$port/big | sha256sum)\" = \"$sum\" ]\n"
                                     "done");
    tls_place_close(&place);
}

WEIR_TEST(tls_curl, gets_a_gibibyte) {
    struct tls_place place;
    tls_place_open(&place);
    place_write(&place.place, "noise", 50000);
    tls_place_serve_files(&place);
    tls_place_run(&place, SPARSE("big", 1024) CURL "https://127.0.0.1:$port/big | cmp - big");
    tls_place_close(&place);
}

WEIR_TEST(tls_curl, puts_files_of_every_length) {
    struct tls_place place;
    tls_place_open(&place);
    place_write(&place.place, "f1", 1);
    place_write(&place.place, "f16385", 16385);
    place_write(&place.place, "f20000000", 20000000);
    tls_place_serve(&place, "http_file_server", "--root", place.place.folder, "--put");
    tls_place_run(&place, "for name in f*; do for fields in 'X: y' 'Transfer-Encoding: chunked'; do\n"
                          "    " CURL "-H \"$fields\" -T $name https://127.0.0.1:$port/up-$name\n"
                          "    cmp $name up-$name; rm up-$name\n"
                          "done; done");
    tls_place_close(&place);
}
