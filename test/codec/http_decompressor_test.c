/* http_decompressor_test.c - bodies that come compressed, behind a server and a client, and those left alone. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <weir/core/log.h>

#include "codec/compress_rig.h"
#include "codec/http_coded_rig.h"

/* ---- what is decoded ---- */

WEIR_TEST(http_decompressor, decodes_each_coding_however_it_is_cut) {
    static const struct {
        const char *coding;
        int bits;
    } cases[] = {
        {"gzip", GZIP}, {"X-GZIP", GZIP}, {"deflate", ZLIB}, {"deflate", RAW}, {"identity, gzip", GZIP}};
    static const size_t steps[] = {1, 7, 100000};
    coded_begin();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (size_t k = 0; k < sizeof steps / sizeof steps[0]; k++) {
            coded_feed_sized(cases[i].coding, coded_text(cases[i].bits), steps[k]);
            expect(coded_got(TEXT) && coded_saw(DECODED) && coded_wrote("HTTP/1.1 204"));
            coded_feed_chunked(cases[i].coding, coded_text(cases[i].bits), steps[k]);
            expect(coded_got(TEXT) && coded_saw(DECODED) && coded_wrote("HTTP/1.1 204"));
        }
    }
    coded_end();
}

WEIR_TEST(http_decompressor, decodes_brotli_and_zstd) {
    static const struct {
        const char *coding;
        weir_compression format;
    } cases[] = {{"br", WEIR_COMPRESSION_BROTLI}, {"ZSTD", WEIR_COMPRESSION_ZSTD}};
    blob plain = {(uint8_t *)(uintptr_t)TEXT, strlen(TEXT), 0};
    coded_begin();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (size_t step = 1; step < 1000; step += 333) {
            blob packed = library_pack(cases[i].format, &plain);
            coded_feed_sized(cases[i].coding, (bytes){packed.ptr, packed.len}, step);
            expect(coded_got(TEXT) && coded_saw(DECODED) && coded_wrote("HTTP/1.1 204"));
        }
    }
    coded_end();
}

WEIR_TEST(http_decompressor, decodes_two_codings_on_top_of_each_other) {
    coded_begin();
    for (size_t step = 1; step < 1000; step += 333) {
        bytes inner = coded_text(ZLIB);
        bytes both = coded_pack(inner.ptr, inner.len, GZIP);
        free(inner.ptr);
        coded_feed_sized("deflate, gzip", both, step);
        expect(coded_got(TEXT) && coded_saw(DECODED));
    }
    coded_end();
}

WEIR_TEST(http_decompressor, decodes_responses_until_the_connection_closes) {
    coded_begin_client();
    bytes body = coded_text(GZIP);
    coded_feed_str("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n");
    coded_feed(body.ptr, body.len);
    free(body.ptr);
    expect(coded_saw("head 3 0\n"));
    weir_embedded_feed_end(coded.e);
    expect(coded_got(TEXT) && coded_saw("end\n"));
    coded_end();
}

WEIR_TEST(http_decompressor, keeps_the_connection_and_begins_anew) {
    coded_begin_client();
    coded_feed_sized("gzip", coded_text(GZIP), 5);
    expect(coded_got(TEXT) && coded_saw(DECODED "ready\n"));
    coded_ask("GET");
    coded_feed_sized("deflate", coded_text(RAW), 5);
    expect(coded_got(TEXT) && coded_saw(DECODED "ready\n"));
    coded_end();
}

WEIR_TEST(http_decompressor, reads_all_members_of_a_gzip_body) {
    coded_begin();
    coded_feed_sized("gzip",
                     coded_join(coded_text(GZIP), coded_join(coded_pack("", 0, GZIP), coded_text(GZIP))), 3);
    expect(coded_got(TEXT TEXT) && coded_saw(DECODED));
    coded_end();
}

WEIR_TEST(http_decompressor, makes_pieces_of_bounded_size) {
    coded_clear();
    coded.options.ratio_max = UINT_MAX;
    coded_start();
    coded_feed_sized("gzip", coded_zeros(10 << 20, GZIP), 1 << 20);
    expect_eq(coded.n, 10 << 20);
    expect_eq(coded.most, 16384);
    expect(coded_saw(DECODED));
    coded_end();
}

WEIR_TEST(http_decompressor, serves_an_aggregator) {
    coded_clear();
    coded.aggregates = true;
    coded_start();
    coded_feed_sized("gzip", coded_text(GZIP), 9);
    expect(coded_got(TEXT) && coded_saw("full\n") && coded_wrote("HTTP/1.1 204"));
    coded_feed_sized("gzip", coded_zeros(2000, GZIP), 9);
    expect(coded_saw("") && coded_wrote("HTTP/1.1 413"));
    coded_end();
}

/* ---- what is not ---- */

WEIR_TEST(http_decompressor, leaves_alone_what_has_no_body_or_a_part_of_one) {
    coded_begin_client();
    coded_feed_str("HTTP/1.1 304 Not Modified\r\nContent-Encoding: gzip\r\nContent-Length: 9\r\n\r\n");
    expect(coded_saw("head coded sized 0 0\nend\nready\n"));
    coded_ask("HEAD");
    coded_feed_str("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 9\r\n\r\n");
    expect(coded_saw("head coded sized 0 0\nend\nready\n"));
    coded_ask("GET");
    coded_feed_str("HTTP/1.1 204 No Content\r\nContent-Encoding: gzip\r\n\r\n");
    expect(coded_saw("head coded 0 0\nend\nready\n"));
    coded_ask("GET");
    coded_feed_str("HTTP/1.1 206 Partial Content\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc");
    expect(coded_saw("head coded sized 1 3\nend\nready\n") && coded_got("abc"));
    coded_end();
}

WEIR_TEST(http_decompressor, passes_on_what_it_does_not_know) {
    coded_begin();
    coded_feed_head("gzip, compress", "Content-Length: 3");
    coded_feed_str("abc");
    expect(coded_saw("head coded sized 1 3\nend\n") && coded_got("abc"));
    coded_feed_head("identity", "Content-Length: 3");
    coded_feed_str("abc");
    expect(coded_saw("head sized 1 3\nend\n") && coded_got("abc"));
    coded_end();
}

WEIR_TEST(http_decompressor, takes_an_empty_body_for_one) {
    coded_begin();
    coded_feed_head("gzip", "Transfer-Encoding: chunked");
    coded_feed_str("0\r\n\r\n");
    expect(coded_saw(DECODED) && coded_got(""));
    coded_end();
}

#define UNSUPPORTED                                                                                           \
    "HTTP/1.1 415 Unsupported Media Type\r\nContent-Type: text/plain\r\nAccept-Encoding: gzip, deflate, br, " \
    "zstd\r\n"

WEIR_TEST(http_decompressor, answers_415_to_what_it_does_not_know_if_asked_to) {
    coded_clear();
    coded.options.refuse_unknown = true;
    coded_start();
    coded_feed_head("compress", "Content-Length: 3");
    coded_feed_str("abc");
    expect(coded_saw("") && coded_wrote(UNSUPPORTED));
    coded_feed_sized("gzip", coded_text(GZIP), 9);
    expect(coded_got(TEXT) && coded_saw(DECODED) && coded_wrote("HTTP/1.1 204"));
    coded_end();
}

WEIR_TEST(http_decompressor, refuses_more_than_two_codings) {
    coded_begin();
    coded_feed_head("gzip, deflate, gzip", "Content-Length: 3");
    expect(coded_saw("") && coded_wrote(UNSUPPORTED));
    coded_end();
    coded_begin_client();
    coded_feed_head("gzip, deflate, gzip", "Content-Length: 3");
    expect(coded_saw("WEIR_E_UNSUPPORTED\n") && !weir_embedded_is_open(coded.e));
    coded_end();
}

/* ---- flow ---- */

/* `n` zeros, to a reader that stops at the first piece. */
static void feed_who_stops(bool is_client, const char *coding, size_t n) {
    coded_clear();
    coded.is_client = is_client;
    coded.stop_at = 1;
    coded.options.ratio_max = UINT_MAX;
    coded_start();
    if (is_client) coded_ask("GET");
    coded_feed_sized(coding, coded_zeros(n, GZIP), n);
}

static void go_on_reading(void) {
    coded.stop_at = 0;
    weir_channel_set_reading(weir_embedded_channel(coded.e), true);
    weir_embedded_run(coded.e);
}

WEIR_TEST(http_decompressor, holds_what_is_compressed_while_reading_is_off) {
    feed_who_stops(false, "gzip", 100000);
    expect(coded.n > 0 && coded.n <= 16384 && coded_saw("head 2 0\n"));
    uint64_t before = coded.n;
    weir_embedded_advance(coded.e, 1000);
    expect_eq(coded.n, before);
    go_on_reading();
    expect_eq(coded.n, 100000);
    expect(coded_saw("end\n") && coded_wrote("HTTP/1.1 204"));
    coded_end();
}

/* A body of `n` zeros, and the next request behind it, at which the server reads no further. */
static void feed_with_another_behind(size_t n) {
    bytes body = coded_zeros(n, GZIP);
    char head[200], next[] = "GET /next HTTP/1.1\r\nHost: a\r\n\r\n";
    int length = snprintf(
        head, sizeof head,
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Encoding: gzip\r\nContent-Length: %zu\r\n\r\n", body.len);
    bytes first = coded_join((bytes){(uint8_t *)strndup(head, (size_t)length), (size_t)length}, body);
    bytes both = coded_join(first, (bytes){(uint8_t *)strdup(next), sizeof next - 1});
    coded_feed(both.ptr, both.len);
    free(both.ptr);
}

WEIR_TEST(http_decompressor, goes_on_with_a_request_that_another_stands_behind) {
    coded_clear();
    coded.options.ratio_max = UINT_MAX;
    coded_start();
    feed_with_another_behind(1 << 20);
    expect_eq(coded.n, 1 << 20);
    expect(coded_saw(DECODED "head 0 0\nend\n"));
    coded_end();
}

WEIR_TEST(http_decompressor, stops_for_its_reader_also_while_another_request_stands_behind) {
    coded_clear();
    coded.options.ratio_max = UINT_MAX;
    coded.stop_at = 50000;
    coded_start();
    feed_with_another_behind(1 << 20);
    weir_embedded_advance(coded.e, 1000);
    expect(coded.n >= 50000 && coded.n <= 50000 + 16384);
    go_on_reading();
    expect_eq(coded.n, 1 << 20);
    expect(coded_saw(DECODED "head 0 0\nend\n"));
    coded_end();
}

/* The same zeros as a body in many chunks, which come in one read. */
static void feed_in_chunks(size_t n, size_t size) {
    bytes body = coded_zeros(n, GZIP);
    const char *head =
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n";
    bytes all = {(uint8_t *)strdup(head), strlen(head)};
    for (size_t at = 0; at < body.len; at += size) {
        size_t part = body.len - at < size ? body.len - at : size;
        char *chunk = malloc(part + 40);
        int length = snprintf(chunk, 40, "%zx\r\n", part);
        memcpy(chunk + length, body.ptr + at, part);
        memcpy(chunk + length + part, "\r\n", 2);
        all = coded_join(all, (bytes){(uint8_t *)chunk, (size_t)length + part + 2});
    }
    all = coded_join(all, (bytes){(uint8_t *)strdup("0\r\n\r\n"), 5});
    coded_feed(all.ptr, all.len);
    free(all.ptr);
    free(body.ptr);
}

WEIR_TEST(http_decompressor, holds_the_chunks_that_come_while_reading_is_off) {
    coded_clear();
    coded.options.ratio_max = UINT_MAX;
    coded.stop_at = 50000;
    coded_start();
    feed_in_chunks(1 << 20, 64);
    expect(coded.n >= 50000 && coded.n <= 50000 + 16384);
    go_on_reading();
    expect_eq(coded.n, 1 << 20);
    expect(coded_saw(DECODED));
    coded_end();
}

WEIR_TEST(http_decompressor, gives_a_piece_for_a_pull) {
    feed_who_stops(false, "gzip", 40000);
    unsigned pulls = 0;
    for (; pulls < 50 && strstr(coded.seen, "end") == NULL; pulls++) {
        uint64_t before = coded.n;
        weir_channel_pull(weir_embedded_channel(coded.e));
        weir_embedded_run(coded.e);
        expect(coded.n - before <= 16384);
    }
    expect(pulls >= 3 && pulls < 50);
    expect_eq(coded.n, 40000);
    coded_end();
}

WEIR_TEST(http_decompressor, ends_no_connection_before_its_reader_has_the_response) {
    feed_who_stops(true, "gzip\r\nConnection: close", 100000);
    weir_embedded_advance(coded.e, 100000);
    expect(coded.n < 100000 && weir_embedded_is_open(coded.e));
    go_on_reading();
    expect(coded.n == 100000 && coded_saw(DECODED) && !weir_embedded_is_open(coded.e));
    coded_end();
}

/* A response of so many zeros that they take turns. */
static void feed_client(const char *coding, size_t n, bool has_length) {
    coded_clear();
    coded.is_client = true;
    coded.options.ratio_max = UINT_MAX;
    coded_start();
    coded_ask("GET");
    coded_ask("GET");
    bytes body = coded_zeros(n, GZIP);
    if (has_length) {
        coded_feed_sized(coding, body, body.len);
        return;
    }
    coded_feed_head(coding, "Date: x");
    coded_feed(body.ptr, body.len);
    free(body.ptr);
    weir_embedded_feed_end(coded.e);
}

WEIR_TEST(http_decompressor, loses_nothing_of_a_response_that_takes_turns_when_the_connection_ends) {
    feed_client("gzip\r\nConnection: close", 1 << 20, true);
    expect(coded.n == 1 << 20 && coded_saw(DECODED) && !weir_embedded_is_open(coded.e));
    coded_end();
    feed_client("gzip", 1 << 20, false);
    expect(coded.n == 1 << 20 && coded_saw("head 3 0\nend\n") && !weir_embedded_is_open(coded.e));
    coded_end();
}

WEIR_TEST(http_decompressor, keeps_the_next_response_until_the_last_is_taken) {
    feed_client("gzip", 40000, true);
    expect(coded_saw(DECODED));
    coded.stop_at = 60000;
    coded_feed_sized("gzip", coded_zeros(40000, GZIP), 100);
    coded_ask("GET");
    coded_feed_str("HTTP/1.1 204 No Content\r\n\r\n");
    expect(coded.n < 80000 && coded_saw("head 2 0\n"));
    go_on_reading();
    expect(coded.n == 80000 && coded_saw("end\nhead 0 0\nend\nready\n"));
    coded_end();
}

WEIR_TEST(http_decompressor, says_ready_behind_the_end) {
    feed_who_stops(true, "gzip", 100000);
    expect(coded_saw("head 2 0\n"));
    go_on_reading();
    expect(coded.n == 100000 && coded_saw("end\nready\n"));
    coded_end();
}

WEIR_TEST(http_decompressor, lets_the_client_go_on_when_it_is_removed) {
    feed_who_stops(true, "gzip", 100000);
    (void)coded_saw("head 2 0\n");
    weir_pipeline_remove(weir_pipeline_find_name(weir_embedded_pipeline(coded.e), "http_decompressor"));
    expect(coded_saw("ready\n"));
    go_on_reading();
    coded_ask("GET");
    coded_feed_str("HTTP/1.1 204 No Content\r\n\r\n");
    expect(coded_saw("head 0 0\nend\nready\n"));
    coded_end();
}

WEIR_TEST(http_decompressor, drops_the_rest_of_what_is_answered) {
    coded_clear();
    coded.answers_at_head = true;
    coded_start();
    coded_feed_sized("gzip", coded_text(GZIP), 3);
    expect(coded_saw("head 2 0\n") && coded_got("") && coded_wrote("HTTP/1.1 204"));
    coded_feed_sized("gzip", coded_text(GZIP), 100000);
    expect(coded_saw("head 2 0\n") && coded_got("") && coded_wrote("HTTP/1.1 204"));
    coded_end();
}

/* ---- memory ---- */

static bool one_exchange(void *arg) {
    (void)arg;
    coded_clear();
    coded.e = weir_embedded_new(NULL, coded_build, NULL);
    if (coded.e == NULL) return false;
    static const uint8_t twice[] = {/* zlib around zlib around "ab", both stored */
                                    0x78, 0x01, 0x01, 0x0d, 0x00, 0xf2, 0xff, 0x78, 0x01, 0x01, 0x02, 0x00,
                                    0xfd, 0xff, 0x61, 0x62, 0x01, 0x26, 0x00, 0xc4, 0x1a, 0x9b, 0x04, 0x27};
    coded_feed_head("deflate, deflate", "Content-Length: 24");
    coded_feed(twice, 10);
    coded_feed(twice + 10, sizeof twice - 10);
    bool whole = coded_got("ab") && strcmp(coded.seen, DECODED) == 0;
    weir_embedded_free(coded.e);
    return whole;
}

/* A response that takes turns and ends the connection. */
static bool one_response(void *arg) {
    const bytes *body = arg;
    coded_clear();
    coded.is_client = true;
    coded.options.ratio_max = UINT_MAX;
    coded.e = weir_embedded_new(NULL, coded_build, NULL);
    if (coded.e == NULL) return false;
    coded_ask("GET");
    coded_feed_head("gzip", "Connection: close\r\nTransfer-Encoding: chunked");
    char size[20];
    snprintf(size, sizeof size, "%zx\r\n", body->len);
    coded_feed_str(size);
    coded_feed(body->ptr, body->len);
    coded_feed_str("\r\n0\r\n\r\n");
    bool whole = coded.n == 200000 && strcmp(coded.seen, DECODED) == 0;
    weir_embedded_free(coded.e);
    return whole;
}

WEIR_TEST(http_decompressor, loses_nothing_of_a_response_when_memory_runs_out) {
    weir_log_set_level(WEIR_LOG_OFF);
    bytes body = coded_zeros(200000, GZIP);
    expect(weir_oom_sweep(one_response, &body) > 5);
    free(body.ptr);
}

WEIR_TEST(http_decompressor, loses_nothing_when_memory_runs_out) {
    weir_log_set_level(WEIR_LOG_OFF);
    expect(weir_oom_sweep(one_exchange, NULL) > 5);
}
