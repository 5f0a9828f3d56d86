/* websocket_handshake_test.c - the hash, keys, and which parameters of permessage-deflate both ends agree on. */
#include <weir/buffer.h>
#include <weir/codec/websocket_handshake.h>
#include <weir/testing.h>

#include "websocket/base64.h"
#include "websocket/sha1.h"

static void expect_hash(weir_bytes message, const char *expected) {
    uint8_t hash[20];
    char hex[41];
    websocket_sha1(message, hash);
    for (size_t i = 0; i < 20; i++) snprintf(hex + 2 * i, 3, "%02x", hash[i]);
    expect_str(hex, expected);
}

WEIR_TEST(websocket_handshake, hashes_as_fips_180_says) {
    static char million[1000000];
    memset(million, 'a', sizeof million);
    expect_hash(weir_bytes_str(""), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
    expect_hash(weir_bytes_str("abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
    expect_hash(weir_bytes_str("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
                "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
    expect_hash(weir_bytes_of(million, sizeof million), "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
    expect_hash(weir_bytes_of(million, 55), "c1c8bbdc22796e28c0e15163d20899b65621d65a");
    expect_hash(weir_bytes_of(million, 64), "0098ba824b5c16427bd7a1122a5a442a25ec644d");
}

WEIR_TEST(websocket_handshake, makes_the_accept_of_the_rfc_and_keys_that_it_takes_itself) {
    char accept[29], key[WEIR_WEBSOCKET_KEY + 1], other[WEIR_WEBSOCKET_KEY + 1];
    weir_websocket_accept(weir_bytes_str("dGhlIHNhbXBsZSBub25jZQ=="), accept);
    expect_str(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    for (int i = 0; i < 50; i++) {
        expect_status(weir_websocket_key(key), WEIR_OK);
        expect(websocket_is_key(weir_bytes_str(key)));
    }
    weir_websocket_key(other);
    expect(strcmp(key, other) != 0);
}

/* ---- permessage-deflate ---- */

static void expect_answer(weir_websocket_deflate_options options, const char *offers, const char *expected) {
    weir_websocket_deflate_params params;
    options.on = true;
    weir_test_context("%s", offers);
    bool accepted = weir_websocket_deflate_accept(&params, weir_bytes_str(offers), &options);
    expect_eq(accepted, expected != NULL);
    expect_eq(params.on, accepted);
    if (expected == NULL || !accepted) return;
    weir_buf *answer = weir_buf_new(0);
    weir_websocket_deflate_answer(&params, answer);
    expect_same_bytes(weir_buf_peek(answer), weir_bytes_str(expected));
    weir_buf_release(answer);
}

WEIR_TEST(websocket_handshake, answers_offers_of_compression) {
    weir_websocket_deflate_options usual = {0};
    expect_answer(usual, "permessage-deflate", "permessage-deflate");
    expect_answer(usual, "x-other; a=1, permessage-deflate; client_max_window_bits", "permessage-deflate");
    expect_answer(usual, "permessage-deflate; server_max_window_bits=10",
                  "permessage-deflate; server_max_window_bits=10");
    expect_answer(usual, "permessage-deflate; client_max_window_bits=\"12\"",
                  "permessage-deflate; client_max_window_bits=12");
    expect_answer(usual, "Permessage-Deflate ; server_no_context_takeover;client_no_context_takeover",
                  "permessage-deflate; server_no_context_takeover; client_no_context_takeover");
    expect_answer((weir_websocket_deflate_options){.peer_window_bits = 11},
                  "permessage-deflate; client_max_window_bits",
                  "permessage-deflate; client_max_window_bits=11");
    expect_answer((weir_websocket_deflate_options){.peer_window_bits = 11}, "permessage-deflate",
                  "permessage-deflate");
    expect_answer((weir_websocket_deflate_options){.own_window_bits = 9, .own_no_takeover = true},
                  "permessage-deflate",
                  "permessage-deflate; server_no_context_takeover; server_max_window_bits=9");
}

WEIR_TEST(websocket_handshake, takes_the_first_offer_it_can_and_none_that_is_wrong) {
    weir_websocket_deflate_options usual = {0};
    expect_answer(usual, "permessage-deflate; server_max_window_bits=8, permessage-deflate",
                  "permessage-deflate");
    expect_answer(usual, "permessage-deflate; unknown", NULL);
    expect_answer(usual, "permessage-deflate; server_max_window_bits", NULL);
    expect_answer(usual, "permessage-deflate; server_max_window_bits=16", NULL);
    expect_answer(usual, "permessage-deflate; server_max_window_bits=07", NULL);
    expect_answer(usual, "permessage-deflate; server_max_window_bits=010", NULL);
    expect_answer(usual, "permessage-deflate; client_max_window_bits=7", NULL);
    expect_answer(usual, "permessage-deflate; server_no_context_takeover=1", NULL);
    expect_answer(usual, "permessage-deflate; server_no_context_takeover; server_no_context_takeover", NULL);
    expect_answer(usual, "", NULL);
    expect_answer(usual, "permessage-bzip2", NULL);
    expect_answer(usual, "x-other; a=\"b, permessage-deflate\"", NULL);
    expect_answer(usual, "x-other; a=\"b\\\", permessage-deflate, c=\"", NULL);
    weir_websocket_deflate_params params;
    expect(!weir_websocket_deflate_accept(&params, weir_bytes_str("permessage-deflate"), &usual));
}

static bool confirms(weir_websocket_deflate_options options, const char *answer) {
    weir_websocket_deflate_params params;
    options.on = true;
    return weir_websocket_deflate_confirm(&params, weir_bytes_str(answer), &options);
}

WEIR_TEST(websocket_handshake, confirms_answers_that_ask_for_no_more_than_was_offered) {
    weir_websocket_deflate_options usual = {0}, small = {.peer_window_bits = 10, .own_window_bits = 12},
                                   alone = {.peer_no_takeover = true};
    expect(confirms(usual, "permessage-deflate"));
    expect(confirms(usual, "permessage-deflate; client_max_window_bits=9; server_max_window_bits=8"));
    expect(!confirms(usual, "permessage-deflate; client_max_window_bits=8"));
    expect(!confirms(usual, "permessage-deflate; client_max_window_bits"));
    expect(!confirms(usual, "permessage-deflate, permessage-deflate"));
    expect(!confirms(usual, "x-other"));
    expect(confirms(small, "permessage-deflate; server_max_window_bits=10"));
    expect(!confirms(small, "permessage-deflate; server_max_window_bits=11"));
    expect(!confirms(small, "permessage-deflate"));
    expect(!confirms(small, "permessage-deflate; server_max_window_bits=10; client_max_window_bits=13"));
    expect(!confirms(alone, "permessage-deflate"));
    expect(confirms(alone, "permessage-deflate; server_no_context_takeover"));
}

WEIR_TEST(websocket_handshake, offers_what_a_server_of_ours_accepts) {
    weir_websocket_deflate_options options = {.on = true,
                                              .own_no_takeover = true,
                                              .peer_no_takeover = true,
                                              .own_window_bits = 11,
                                              .peer_window_bits = 10};
    weir_buf *offer = weir_buf_new(0), *answer = weir_buf_new(0);
    weir_websocket_deflate_params server, client;
    weir_websocket_deflate_offer(&options, offer);
    expect_bytes(weir_buf_peek(offer),
                 "permessage-deflate; server_no_context_takeover; client_no_context_takeover; "
                 "server_max_window_bits=10; client_max_window_bits=11");
    require(weir_websocket_deflate_accept(&server, weir_buf_peek(offer),
                                          &(weir_websocket_deflate_options){.on = true}));
    weir_websocket_deflate_answer(&server, answer);
    require(weir_websocket_deflate_confirm(&client, weir_buf_peek(answer), &options));
    expect(client.own_window_bits == 11 && server.peer_window_bits == 11);
    expect(client.peer_window_bits == 10 && server.own_window_bits == 10);
    expect(client.own_no_takeover && client.peer_no_takeover && server.own_no_takeover &&
           server.peer_no_takeover);
    weir_buf_release(offer);
    weir_buf_release(answer);
}
