/* http_parser_test.c - bytes to messages and refusals. The cases of other parsers are in http_vectors_test.c. */
#include <weir/buffer.h>
#include <weir/codec/decoder.h>
#include <weir/testing.h>
#include <weir/testing/decoder_check.h>
#include <weir/testing/oom_sweep.h>

#include "codec/frames.h"
#include "codec/http_talk.h"

#define HOST "Host: a\r\n"

/* What one input gives, whole and byte by byte; `ends` when the stream ends behind it. */
static bool gives_with(weir_http_role role, weir_http_method method, const weir_http_limits *limits,
                       weir_bytes input, bool ends, const char *expected) {
    bool same = true;
    size_t steps[] = {SIZE_MAX, 1, 2, 7};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        http_talk talk;
        http_talk_init(&talk, role, method, limits);
        http_talk_feed_pieces(&talk, input, steps[i] < input.len ? steps[i] : input.len);
        if (ends) http_talk_end(&talk);
        same &= expect_str(http_talk_said(&talk), expected);
        http_talk_clear(&talk);
    }
    return same;
}

#define expect_requests(literal, expected)                                                                   \
    expect(gives_with(WEIR_HTTP_REQUESTS, WEIR_HTTP_METHOD_OTHER, NULL,                                      \
                      weir_bytes_of("" literal, sizeof(literal) - 1), false, expected))
#define expect_limited(options, literal, expected)                                                           \
    expect(gives_with(WEIR_HTTP_REQUESTS, WEIR_HTTP_METHOD_OTHER, &(weir_http_limits)options,                \
                      weir_bytes_of("" literal, sizeof(literal) - 1), false, expected))
#define expect_responses(method, literal, ends, expected)                                                    \
    expect(gives_with(WEIR_HTTP_RESPONSES, WEIR_HTTP_METHOD_##method, NULL,                                  \
                      weir_bytes_of("" literal, sizeof(literal) - 1), ends, expected))

/* Refused with this status, at this byte, by this rule. */
#define expect_refused(literal, refusal, what, offset)                                                       \
    expect_requests(literal, "refused " #refusal " WEIR_E_FRAME_CORRUPT " what " @" #offset "\n")

/* ---- requests ---- */

WEIR_TEST(http_parser, reads_a_request_without_a_body) {
    expect_requests("GET /a/b?c=d HTTP/1.1\r\nHost: a.example:80\r\nX-Two:\t 2 3 \t\r\nEmpty:\r\n\r\n",
                    "GET /a/b?c=d HTTP/1.1 host=a.example:80 path=/a/b query=c=d keep\n"
                    "Host: a.example:80\nX-Two: 2 3\nEmpty: \nend\n");
    expect_requests("GET / HTTP/1.0\r\n\r\n", "GET / HTTP/1.0 path=/\nend\n");
}

WEIR_TEST(http_parser, reads_bodies_of_a_length) {
    expect_requests(
        "POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhello"
        "POST / HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\n!"
        "POST / HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n"
        "PUT / HTTP/1.1\r\n" HOST "Content-Length: 002\r\n\r\nok",
        "POST / HTTP/1.1 host=a path=/ length=5 keep\nHost: a\nContent-Length: 5\n\"hello\"\nend\n"
        "POST / HTTP/1.1 host=a path=/ length=1 keep\nHost: a\nContent-Length: 1\n\"!\"\nend\n"
        "POST / HTTP/1.1 host=a path=/ length=0 keep\nHost: a\nContent-Length: 0\nend\n"
        "PUT / HTTP/1.1 host=a path=/ length=2 keep\nHost: a\nContent-Length: 002\n\"ok\"\nend\n");
}

#define CHUNKED "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
#define CHUNKED_SAID "POST / HTTP/1.1 host=a path=/ chunked keep\nHost: a\nTransfer-Encoding: chunked\n"

WEIR_TEST(http_parser, reads_chunks_extensions_and_trailers) {
    expect_requests(CHUNKED
                    "5\r\nhello\r\n00a;x;y=z;q=\"a \\\" b\"\r\n0123456789\r\n0\r\nOne: 1\r\nTwo: 2\r\n\r\n",
                    CHUNKED_SAID "\"hello0123456789\"\n~One: 1\n~Two: 2\nend\n");
    expect_requests(CHUNKED "0\r\n\r\n" CHUNKED "1\r\n\r\r\n0\r\n\r\n",
                    CHUNKED_SAID "end\n" CHUNKED_SAID "\"\\x0d\"\nend\n");
}

WEIR_TEST(http_parser, reads_pipelined_requests_until_one_closes) {
    expect_requests("GET /1 HTTP/1.1\r\n" HOST "\r\n\r\nGET /2 HTTP/1.1\r\n" HOST
                    "Connection: x, Close\r\n\r\nGET /3",
                    "GET /1 HTTP/1.1 host=a path=/1 keep\nHost: a\nend\n"
                    "GET /2 HTTP/1.1 host=a path=/2\nHost: a\nConnection: x, Close\nend\n");
}

WEIR_TEST(http_parser, waits_between_messages) {
    http_talk talk;
    http_talk_init(&talk, WEIR_HTTP_REQUESTS, WEIR_HTTP_METHOD_OTHER, NULL);
    http_talk_feed_str(&talk, "GET / HTTP/1.0\r\n\r\nmore");
    expect(talk.parser.between);
    expect_eq(weir_buf_readable(talk.bytes.in), 4);
    http_talk_clear(&talk);
}

WEIR_TEST(http_parser, understands_the_four_forms_of_a_target) {
    expect_requests(
        "GET http://b.example:8080/x?y HTTP/1.1\r\n" HOST "\r\n",
        "GET http://b.example:8080/x?y HTTP/1.1 host=b.example:8080 path=/x query=y keep\nHost: a\nend\n");
    expect_requests("GET http://b?y HTTP/1.1\r\n" HOST "\r\n",
                    "GET http://b?y HTTP/1.1 host=b path=/ query=y keep\nHost: a\nend\n");
    expect_requests("OPTIONS * HTTP/1.1\r\n" HOST "\r\n", "OPTIONS * HTTP/1.1 host=a keep\nHost: a\nend\n");
    expect_requests("CONNECT [::1]:443 HTTP/1.1\r\nHost: [::1]:443\r\n\r\n",
                    "CONNECT [::1]:443 HTTP/1.1 host=[::1]:443 keep upgrade\nHost: [::1]:443\nend\n");
    expect_refused("GET * HTTP/1.1\r\n" HOST "\r\n", 400, "request target", 0);
    expect_refused("GET b.example:80 HTTP/1.1\r\n" HOST "\r\n", 400, "request target", 0);
    expect_refused("GET //u@b/ HTTP/1.1\r\nHost: u@b\r\n\r\n", 400, "Host", 0);
    expect_refused("GET http://u@b/ HTTP/1.1\r\n" HOST "\r\n", 400, "request target", 0);
    expect_refused("GET http:///x HTTP/1.1\r\n" HOST "\r\n", 400, "request target", 0);
    expect_refused("CONNECT / HTTP/1.1\r\n" HOST "\r\n", 400, "request target", 0);
    expect_refused("CONNECT b HTTP/1.1\r\n" HOST "\r\n", 400, "request target", 0);
    expect_refused("CONNECT b: HTTP/1.1\r\n" HOST "\r\n", 400, "request target", 0);
    expect_refused("CONNECT b:65536 HTTP/1.1\r\n" HOST "\r\n", 400, "request target", 0);
}

WEIR_TEST(http_parser, sees_upgrades_and_expectations) {
    expect_requests("GET / HTTP/1.1\r\n" HOST
                    "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\r\nraw",
                    "GET / HTTP/1.1 host=a path=/ keep upgrade\nHost: a\nConnection: keep-alive, Upgrade\n"
                    "Upgrade: websocket\nend\n");
    expect_requests("PUT / HTTP/1.1\r\n" HOST "Expect: 100-Continue\r\nContent-Length: 2\r\n\r\nok",
                    "PUT / HTTP/1.1 host=a path=/ length=2 keep expect\nHost: a\nExpect: 100-Continue\n"
                    "Content-Length: 2\n\"ok\"\nend\n");
}

/* ---- refusals ---- */

WEIR_TEST(http_parser, refuses_at_once_what_can_never_be_http) {
    expect_refused("\x16\x03\x01", 400, "first byte", 0);
    expect_refused(" GET / HTTP/1.1", 400, "first byte", 0);
    expect_refused("\r\n\r\n", 400, "first byte", 2);
}

WEIR_TEST(http_parser, passes_over_one_empty_line_in_front_of_a_request) {
    expect_requests("\r\nGET / HTTP/1.0\r\nA: b\r\n\r\n", "GET / HTTP/1.0 path=/\nA: b\nend\n");
    expect_responses(GET, "\r\nHTTP/1.1 200 OK\r\n\r\n", false,
                     "refused 400 WEIR_E_FRAME_CORRUPT first byte @0\n");
}

WEIR_TEST(http_parser, refuses_start_lines_that_are_not_exact) {
    expect_refused("GET  / HTTP/1.1\r\n", 400, "request target", 0);
    expect_refused("GET\t/ HTTP/1.1\r\n", 400, "method", 0);
    expect_refused("G@T / HTTP/1.1\r\n", 400, "method", 0);
    expect_refused("GET\r\n", 400, "method", 0);
    expect_refused("GET /\r\n", 400, "request target", 0);
    expect_refused("GET / HTTP/1.1 \r\n", 400, "version", 0);
    expect_refused("GET / http/1.1\r\n", 400, "version", 0);
    expect_refused("GET / HTTP/1.10\r\n", 400, "version", 0);
    expect_refused("GET / HTTP/1.x\r\n", 400, "version", 0);
    expect_refused("GET /a#b HTTP/1.1\r\n", 400, "request target", 0);
    expect_refused("GET /\xc3\xa9 HTTP/1.1\r\n", 400, "request target", 0);
    expect_refused("GET /a\tb HTTP/1.1\r\n", 400, "request target", 0);
    expect_refused("GET /a\0b HTTP/1.1\r\n", 400, "control byte", 6);
    expect_requests("GET / HTTP/2.0\r\n", "refused 505 WEIR_E_UNSUPPORTED version @0\n");
    expect_requests("GET / HTTP/1.7\r\n" HOST "\r\n", "GET / HTTP/1.7 host=a path=/ keep\nHost: a\nend\n");
}

WEIR_TEST(http_parser, refuses_lines_that_do_not_end_in_cr_lf) {
    expect_refused("GET / HTTP/1.1\n", 400, "LF without CR", 14);
    expect_refused("GET / HTTP/1.1\r\nA: b\nC: d\r\n", 400, "LF without CR", 20);
    expect_refused("GET / HTTP/1.1\r\nA: b\rC: d\r\n", 400, "CR without LF", 20);
    expect_refused("GET / HTTP/1.1\r\nA: b\r\r\n", 400, "CR without LF", 20);
    expect_refused("GET / HTTP/1.1\r\r", 400, "CR without LF", 14);
}

WEIR_TEST(http_parser, refuses_fields_that_are_not_exact) {
    expect_refused("GET / HTTP/1.1\r\nHost : a\r\n", 400, "field name", 16);
    expect_refused("GET / HTTP/1.1\r\nHost\r\n", 400, "field name", 16);
    expect_refused("GET / HTTP/1.1\r\n: a\r\n", 400, "field name", 16);
    expect_refused("GET / HTTP/1.1\r\nA: b\r\n c\r\n", 400, "folded line", 22);
    expect_refused("GET / HTTP/1.1\r\n\tA: b\r\n", 400, "folded line", 16);
    expect_refused("GET / HTTP/1.1\r\nA=B: c\r\n", 400, "field name", 16);
    expect_refused("GET / HTTP/1.1\r\nA: \x01\r\n", 400, "control byte", 19);
    expect_refused("GET / HTTP/1.1\r\nA: \x7f\r\n", 400, "control byte", 19);
    expect_refused("GET / HTTP/1.1\r\nA: \0\r\n", 400, "control byte", 19);
}

WEIR_TEST(http_parser, wants_one_valid_host) {
    expect_refused("GET / HTTP/1.1\r\n\r\n", 400, "no Host", 0);
    expect_refused("GET / HTTP/1.1\r\nHost: a\r\nHOST: a\r\n", 400, "second Host", 25);
    expect_refused("GET / HTTP/1.1\r\nHost:\r\n\r\n", 400, "Host", 0);
    expect_refused("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400, "Host", 0);
    expect_refused("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400, "Host", 0);
    expect_refused("GET / HTTP/1.1\r\nHost: a%2\r\n\r\n", 400, "Host", 0);
    expect_refused("GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", 400, "Host", 0);
    expect_refused("GET / HTTP/1.1\r\nHost: a:b\r\n\r\n", 400, "Host", 0);
    expect_requests("GET / HTTP/1.0\r\nHost: a%20b:1\r\n\r\n",
                    "GET / HTTP/1.0 host=a%20b:1 path=/\nHost: a%20b:1\nend\n");
}

#define POST "POST / HTTP/1.1\r\n" HOST

WEIR_TEST(http_parser, refuses_lengths_that_could_be_read_in_two_ways) {
    expect_refused(POST "Content-Length: 5\r\nContent-Length: 5\r\n", 400, "second Content-Length", 45);
    expect_refused(POST "Content-Length: 5, 5\r\n\r\n", 400, "Content-Length", 0);
    expect_refused(POST "Content-Length: +5\r\n\r\n", 400, "Content-Length", 0);
    expect_refused(POST "Content-Length: -5\r\n\r\n", 400, "Content-Length", 0);
    expect_refused(POST "Content-Length: 0x5\r\n\r\n", 400, "Content-Length", 0);
    expect_refused(POST "Content-Length:\r\n\r\n", 400, "Content-Length", 0);
    expect_refused(POST "Content-Length: 5 5\r\n\r\n", 400, "Content-Length", 0);
    expect_refused(POST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 400,
                   "Content-Length with Transfer-Encoding", 0);
    expect_requests(POST "Content-Length: 18446744073709551621\r\n\r\n",
                    "refused 413 WEIR_E_FRAME_TOO_LONG Content-Length @0\n");
    expect_refused("CONNECT a:1 HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\n", 400, "body of CONNECT", 0);
}

WEIR_TEST(http_parser, refuses_transfer_codings_but_chunked) {
    expect_refused(POST "Transfer-Encoding: gzip\r\n\r\n", 400, "Transfer-Encoding", 0);
    expect_refused(POST "Transfer-Encoding: chunked, gzip\r\n\r\n", 400, "Transfer-Encoding", 0);
    expect_refused(POST "Transfer-Encoding: chunked, chunked\r\n\r\n", 400, "Transfer-Encoding", 0);
    expect_refused(POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n", 400,
                   "Transfer-Encoding", 0);
    expect_refused(POST "Transfer-Encoding:\r\n\r\n", 400, "Transfer-Encoding", 0);
    expect_refused(POST "Transfer-Encoding: , chunked\r\n\r\n", 400, "Transfer-Encoding", 0);
    expect_refused(POST "Transfer-Encoding: chunked;x=1\r\n\r\n", 400, "Transfer-Encoding", 0);
    expect_refused("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400,
                   "Transfer-Encoding in HTTP/1.0", 0);
    expect_requests(POST "Transfer-Encoding: gzip, chunked\r\n\r\n",
                    "refused 501 WEIR_E_UNSUPPORTED Transfer-Encoding @0\n");
    expect_requests(POST "Transfer-Encoding: Chunked\r\n\r\n0\r\n\r\n",
                    "POST / HTTP/1.1 host=a path=/ chunked keep\nHost: a\nTransfer-Encoding: Chunked\nend\n");
}

#define expect_chunks_refused(chunks, what, at)                                                              \
    expect_requests(CHUNKED chunks, CHUNKED_SAID "refused 400 WEIR_E_FRAME_CORRUPT " what " @" #at "\n")

/* The head has 56 bytes. */
WEIR_TEST(http_parser, refuses_chunks_that_are_not_exact) {
    expect_chunks_refused("\r\n", "chunk line", 56);
    expect_chunks_refused("g\r\n", "chunk line", 56);
    expect_chunks_refused("0x5\r\n", "chunk line", 57);
    expect_chunks_refused("-5\r\n", "chunk line", 56);
    expect_chunks_refused(" 5\r\n", "chunk line", 56);
    expect_chunks_refused("5 \r\n", "chunk line", 57);
    expect_chunks_refused("5\n", "chunk line", 57);
    expect_chunks_refused("5\rX", "chunk line", 58);
    expect_chunks_refused("5;\r\n", "chunk line", 58);
    expect_chunks_refused("5;a=\r\n", "chunk line", 60);
    expect_chunks_refused("5;a=\"\x01\"\r\n", "chunk line", 61);
    expect_chunks_refused("5;a=\"b\"c\r\n", "chunk line", 63);
    expect_requests(CHUNKED "1\r\naX",
                    CHUNKED_SAID "\"a\"\nrefused 400 WEIR_E_FRAME_CORRUPT end of chunk @60\n");
    expect_requests(CHUNKED "1\r\na\rX",
                    CHUNKED_SAID "\"a\"\nrefused 400 WEIR_E_FRAME_CORRUPT end of chunk @61\n");
    expect_requests(CHUNKED "10000000000000000\r\n",
                    CHUNKED_SAID "refused 413 WEIR_E_FRAME_TOO_LONG chunked body @74\n");
}

WEIR_TEST(http_parser, refuses_trailers_that_frame) {
    expect_chunks_refused("0\r\nContent-Length: 1\r\n\r\n", "trailer field", 59);
    expect_chunks_refused("0\r\na: b\r\nTransfer-Encoding: chunked\r\n\r\n", "trailer field", 65);
    expect_chunks_refused("0\r\nHost: b\r\n\r\n", "trailer field", 59);
    expect_chunks_refused("0\r\na : b\r\n\r\n", "field name", 59);
}

/* ---- limits: the last that is allowed, and the first that is not ---- */

WEIR_TEST(http_parser, keeps_its_limits) {
    expect_limited({.line = 14}, "GET / HTTP/1.0\r\n\r\n", "GET / HTTP/1.0 path=/\nend\n");
    expect_limited({.line = 13}, "GET / HTTP/1.0\r\n\r\n",
                   "refused 414 WEIR_E_FRAME_TOO_LONG start line @0\n");
    expect_limited({.line = 13}, "GET /\r\n", "refused 400 WEIR_E_FRAME_CORRUPT request target @0\n");
    expect_limited({.line = 13}, "GET /aaaaaaaaa", "refused 414 WEIR_E_FRAME_TOO_LONG start line @0\n");
    expect_limited({.fields = 8}, "GET / HTTP/1.0\r\nA: b\r\nC: d\r\n\r\n",
                   "GET / HTTP/1.0 path=/\nA: b\nC: d\nend\n");
    expect_limited({.fields = 7}, "GET / HTTP/1.0\r\nA: b\r\nC: d\r\n\r\n",
                   "refused 431 WEIR_E_FRAME_TOO_LONG header fields @22\n");
    expect_limited({.field_count = 1}, "GET / HTTP/1.0\r\nA: b\r\n\r\n",
                   "GET / HTTP/1.0 path=/\nA: b\nend\n");
    expect_limited({.field_count = 1}, "GET / HTTP/1.0\r\nA: b\r\nC: d\r\n\r\n",
                   "refused 431 WEIR_E_FRAME_TOO_LONG fields @22\n");
    expect_limited({.body = 5}, POST "Content-Length: 6\r\n\r\n",
                   "refused 413 WEIR_E_FRAME_TOO_LONG Content-Length @0\n");
    expect_limited({.body = 5}, CHUNKED "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", CHUNKED_SAID "\"abcde\"\nend\n");
    expect_limited({.body = 5}, CHUNKED "3\r\nabc\r\n3\r\n",
                   CHUNKED_SAID "\"abc\"\nrefused 413 WEIR_E_FRAME_TOO_LONG chunked body @66\n");
    expect_limited({.chunk_line = 3}, CHUNKED "1;a\r\nx\r\n0\r\n\r\n", CHUNKED_SAID "\"x\"\nend\n");
    expect_limited({.chunk_line = 3}, CHUNKED "1;ab\r\n",
                   CHUNKED_SAID "refused 400 WEIR_E_FRAME_TOO_LONG chunk line @61\n");
    expect_limited({.chunk_extensions = 4}, CHUNKED "1;a\r\nx\r\n1;a\r\ny\r\n0\r\n\r\n",
                   CHUNKED_SAID "\"xy\"\nend\n");
    expect_limited({.chunk_extensions = 3}, CHUNKED "1;a\r\nx\r\n1;a\r\n",
                   CHUNKED_SAID "\"x\"\nrefused 400 WEIR_E_FRAME_TOO_LONG chunk extensions @66\n");
    expect_limited({.trailers = 4}, CHUNKED "0\r\na: b\r\n\r\n", CHUNKED_SAID "~a: b\nend\n");
    expect_limited({.trailers = 3}, CHUNKED "0\r\na: b\r\n\r\n",
                   CHUNKED_SAID "refused 431 WEIR_E_FRAME_TOO_LONG trailers @59\n");
}

/* ---- responses ---- */

WEIR_TEST(http_parser, reads_responses_however_they_are_framed) {
    expect_responses(GET, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", false,
                     "HTTP/1.1 200 \"OK\" length=2 keep\nContent-Length: 2\n\"ok\"\nend\n");
    expect_responses(GET, "HTTP/1.1 404 \r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n", false,
                     "HTTP/1.1 404 \"\" chunked keep\nTransfer-Encoding: chunked\n\"x\"\nend\n");
    expect_responses(GET, "HTTP/1.0 200\r\n\r\nall of it", true,
                     "HTTP/1.0 200 \"\" close\n\"all of it\"\nend\n");
    expect_responses(
        GET, "HTTP/1.1 204 No\r\nContent-Length: 9\r\n\r\nHTTP/1.1 304 Not\r\nContent-Length: 9\r\n\r\n",
        true,
        "HTTP/1.1 204 \"No\" keep\nContent-Length: 9\nend\nHTTP/1.1 304 \"Not\" keep\nContent-Length: 9\nend\n");
    expect_responses(HEAD, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", true,
                     "HTTP/1.1 200 \"OK\" keep\nContent-Length: 9\nend\n");
    expect_responses(CONNECT, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nraw", false,
                     "HTTP/1.1 200 \"OK\" keep upgrade\nContent-Length: 9\nend\n");
    expect_responses(CONNECT, "HTTP/1.1 407 No\r\nContent-Length: 1\r\n\r\nx", false,
                     "HTTP/1.1 407 \"No\" length=1 keep upgrade\nContent-Length: 1\n\"x\"\nend\n");
}

WEIR_TEST(http_parser, limits_bodies_that_go_until_the_close) {
    weir_bytes input = weir_bytes_str("HTTP/1.1 200 OK\r\n\r\nabcdef");
    expect(gives_with(WEIR_HTTP_RESPONSES, WEIR_HTTP_METHOD_GET, &(weir_http_limits){.body = 6}, input, true,
                      "HTTP/1.1 200 \"OK\" close\n\"abcdef\"\nend\n"));
    expect(gives_with(WEIR_HTTP_RESPONSES, WEIR_HTTP_METHOD_GET, &(weir_http_limits){.body = 5}, input, true,
                      "HTTP/1.1 200 \"OK\" close\n\"abcde\"\nrefused 413 WEIR_E_FRAME_TOO_LONG body @24\n"));
}

WEIR_TEST(http_parser, reads_interim_responses_as_messages_of_their_own) {
    expect_responses(
        HEAD,
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 E\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n",
        true,
        "HTTP/1.1 100 \"Continue\" keep\nend\nHTTP/1.1 103 \"E\" keep\nLink: x\nend\n"
        "HTTP/1.1 200 \"OK\" keep\nContent-Length: 3\nend\n");
}

WEIR_TEST(http_parser, leaves_what_follows_a_switch_of_protocols) {
    http_talk talk;
    http_talk_init(&talk, WEIR_HTTP_RESPONSES, WEIR_HTTP_METHOD_GET, NULL);
    http_talk_feed_str(&talk, "HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n\x81\x00");
    expect(talk.parser.upgraded);
    expect_eq(weir_buf_readable(talk.bytes.in), 2);
    http_talk_clear(&talk);
}

WEIR_TEST(http_parser, refuses_status_lines_that_are_not_exact) {
    expect_responses(GET, "<html>", false, "refused 400 WEIR_E_FRAME_CORRUPT first byte @0\n");
    expect_responses(GET, "HTTP/1.1  200 OK\r\n", false, "refused 400 WEIR_E_FRAME_CORRUPT status code @0\n");
    expect_responses(GET, "HTTP/1.1 20 OK\r\n", false, "refused 400 WEIR_E_FRAME_CORRUPT status code @0\n");
    expect_responses(GET, "HTTP/1.1 2000 OK\r\n", false, "refused 400 WEIR_E_FRAME_CORRUPT status code @0\n");
    expect_responses(GET, "HTTP/1.1 099 OK\r\n", false, "refused 400 WEIR_E_FRAME_CORRUPT status code @0\n");
    expect_responses(GET, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", false,
                     "refused 400 WEIR_E_FRAME_CORRUPT Content-Length with Transfer-Encoding @0\n");
}

WEIR_TEST(http_parser, tells_when_the_stream_ends_inside_a_message) {
    expect_responses(
        GET, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab", true,
        "HTTP/1.1 200 \"OK\" length=3 keep\nContent-Length: 3\n\"a\"\nrefused 400 WEIR_E_EOF message @39\n");
    expect_responses(GET, "HTTP/1.1 200 OK\r\n", true, "refused 400 WEIR_E_EOF message @17\n");
    expect_responses(GET, "", true, "");
}

/* ---- pieces ---- */

WEIR_TEST(http_parser, gives_bodies_as_slices_of_what_came) {
    http_talk talk;
    http_talk_init(&talk, WEIR_HTTP_REQUESTS, WEIR_HTTP_METHOD_OTHER, NULL);
    http_talk_feed_str(&talk, POST "Content-Length: 10\r\n\r\nhello");
    http_talk_feed_str(&talk, "world");
    expect_eq(talk.pieces, 2);
    expect_eq(talk.parser.copied, 0);
    http_talk_clear(&talk);
}

WEIR_TEST(http_parser, copies_a_head_in_pieces_once) {
    http_talk talk;
    http_talk_init(&talk, WEIR_HTTP_REQUESTS, WEIR_HTTP_METHOD_OTHER, NULL);
    http_talk_feed_pieces(&talk, weir_bytes_str("GET / HTTP/1.1\r\n" HOST "\r\n"), 3);
    expect_eq(talk.parser.copied, strlen("GET / HTTP/1.1\r\n" HOST "\r\n"));
    expect_eq(talk.messages, 1);
    http_talk_clear(&talk);
}

static weir_status build(weir_pipeline *pipeline, void *arg) {
    static const weir_decoder_ops ops = {
        .handler = {.name = "http_talk", WEIR_DECODER_SLOTS},
        .decode = http_talk_decode,
        .decode_last = http_talk_decode_last,
    };
    http_talk *talk = arg;
    weir_http_role role = talk->parser.role;
    http_talk_clear(talk);
    http_talk_init(talk, role, WEIR_HTTP_METHOD_GET, NULL);
    return weir_decoder_add(pipeline, &ops, talk, NULL);
}

static bool is_the_same_however_cut(weir_http_role role, const char *input, bool ends) {
    http_talk talk;
    http_talk_init(&talk, role, WEIR_HTTP_METHOD_GET, NULL);
    bool same = weir_decoder_check_run(
        &(weir_decoder_check){.build = build, .arg = &talk, .input = weir_bytes_str(input), .ends = ends});
    http_talk_clear(&talk);
    return same;
}

WEIR_TEST(http_parser, gives_the_same_messages_however_they_are_cut) {
    expect(is_the_same_however_cut(
        WEIR_HTTP_REQUESTS,
        POST "Content-Length: 5\r\n\r\nhello\r\nGET /2 HTTP/1.1\r\n" HOST "\r\n" CHUNKED
             "5;a=\"b\"\r\nhello\r\n1\r\n!\r\n0\r\nT: u\r\n\r\n" POST "Content-Length: 1\r\n\r\nx",
        false));
    expect(is_the_same_however_cut(WEIR_HTTP_REQUESTS,
                                   "GET /1 HTTP/1.1\r\n" HOST "\r\n" CHUNKED "5\r\nhelloX", false));
    expect(is_the_same_however_cut(
        WEIR_HTTP_RESPONSES,
        "HTTP/1.1 100 C\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabHTTP/1.1 200 OK\r\n\r\nrest",
        true));
}

/* ---- little memory ---- */

/* True when it went through. */
static bool parse_with_little_memory(void *arg) {
    bool done = true;
    weir_bytes input = weir_bytes_str(CHUNKED "5\r\nhello\r\n0\r\nT: u\r\n\r\n");
    weir_http_parser parser;
    weir_cumulation bytes;
    weir_http_parser_init(&parser, WEIR_HTTP_REQUESTS, NULL);
    weir_cumulation_init(&bytes, NULL);
    size_t step = *(const size_t *)arg;
    for (size_t at = 0; at < input.len; at += step) {
        weir_bytes piece = weir_bytes_sub(input, at, step);
        weir_buf *buf = weir_buf_new(piece.len);
        done = buf != NULL;
        if (!done) break;
        weir_buf_write_view(buf, piece);
        done = weir_cumulation_add(&bytes, buf) == WEIR_OK;
        if (!done) break;
        weir_obj *out;
        weir_error error;
        weir_decode answer;
        while ((answer = weir_cumulation_next(&bytes, weir_http_parser_decode, &parser, &out, &error)) ==
               WEIR_DECODE_AGAIN) {
            weir_obj_release(out);
        }
        done = answer != WEIR_DECODE_FAILED;
        if (done) continue;
        expect_status(error.status, WEIR_E_NO_MEMORY);
        expect_eq(parser.refusal, 503);
        break;
    }
    weir_cumulation_clear(&bytes);
    weir_http_parser_clear(&parser);
    return done;
}

WEIR_TEST(http_parser, survives_every_failing_allocation) {
    size_t whole = SIZE_MAX, pieces = 9;
    expect(weir_oom_sweep(parse_with_little_memory, &whole) > 0);
    expect(weir_oom_sweep(parse_with_little_memory, &pieces) > 0);
}
