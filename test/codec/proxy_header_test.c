/* proxy_header_test.c - the PROXY protocol's two headers; Netty's cases are test/vectors/proxy.txt. */
#include <stdio.h>
#include <string.h>

#include <weir/buffer.h>
#include <weir/codec/proxy_header.h>
#include <weir/testing.h>
#include <weir/testing/vectors.h>

#define LITERAL(text) weir_bytes_of(text, sizeof(text) - 1)
#define V2 "\r\n\r\n\0\r\nQUIT\n"

enum {
    LENGTH_MAX = 2048
};

static weir_decode parse(weir_bytes start, weir_proxy_header *header, size_t *used) {
    weir_error error;
    return weir_proxy_header_parse(start, LENGTH_MAX, header, used, &error);
}

/* FAILED or not, for all that begins as the whole does. */
static bool is_refused(weir_bytes start) {
    weir_proxy_header header;
    size_t used;
    return parse(start, &header, &used) == WEIR_DECODE_FAILED;
}

/* ---- the file ---- */

typedef struct replay {
    weir_vectors *vectors;
    weir_buf *fed;
    weir_proxy_header header;
    weir_bytes tlvs;
    size_t used;
    unsigned cases;
} replay;

static weir_bytes bytes_of(const weir_buf *buf) {
    require(buf != NULL);
    return weir_buf_peek(buf);
}

static void expect_addr(const replay *self, const weir_addr *addr) {
    char text[WEIR_ADDR_TEXT];
    expect_str(weir_addr_format(addr, text), weir_vectors_rest(self->vectors));
}

/* A header that is not whole is none yet, wherever it is cut. */
static void expect_header(replay *self) {
    weir_bytes whole = bytes_of(self->fed);
    size_t used = (size_t)weir_vectors_option(self->vectors, "used", 0);
    for (size_t n = 0; n < used; n++) {
        expect_eq(parse(weir_bytes_of(whole.ptr, n), &self->header, &self->used), WEIR_DECODE_MORE);
    }
    expect_eq(parse(whole, &self->header, &self->used), WEIR_DECODE_AGAIN);
    expect_eq(self->used, used);
    expect_eq(self->header.version, weir_vectors_option(self->vectors, "version", 0));
    expect_eq(self->header.is_local, weir_vectors_option(self->vectors, "local", 0));
    expect_eq(self->header.is_datagram, weir_vectors_option(self->vectors, "datagram", 0));
    self->tlvs = self->header.tlvs;
}

static void expect_tlv(replay *self) {
    uint8_t type = 0;
    weir_bytes value = {0};
    weir_buf *expected = weir_vectors_bytes(self->vectors);
    weir_bytes whole = bytes_of(expected);
    expect(weir_proxy_tlv_next(&self->tlvs, &type, &value));
    expect_eq(type, whole.ptr[0]);
    expect(weir_bytes_equal(value, weir_bytes_of(whole.ptr + 1, whole.len - 1)));
    weir_buf_release(expected);
}

static void replay_line(replay *self) {
    if (weir_vectors_is(self->vectors, "case")) {
        self->cases++;
    } else if (weir_vectors_is(self->vectors, "feed")) {
        weir_buf_release(self->fed);
        self->fed = weir_vectors_bytes(self->vectors);
    } else if (weir_vectors_is(self->vectors, "header")) {
        expect_header(self);
    } else if (weir_vectors_is(self->vectors, "source")) {
        expect_addr(self, &self->header.source);
    } else if (weir_vectors_is(self->vectors, "destination")) {
        expect_addr(self, &self->header.destination);
    } else if (weir_vectors_is(self->vectors, "tlv")) {
        expect_tlv(self);
    } else if (weir_vectors_is(self->vectors, "more")) {
        expect_eq(parse(bytes_of(self->fed), &self->header, &self->used), WEIR_DECODE_MORE);
    } else {
        require(weir_vectors_is(self->vectors, "refused"));
        expect(is_refused(bytes_of(self->fed)));
    }
}

WEIR_TEST(proxy_header, reads_what_netty_reads_and_refuses_what_it_refuses) {
    replay self = {.vectors = weir_vectors_open(WEIR_VECTORS_DIR "/proxy.txt")};
    while (weir_vectors_next(self.vectors)) replay_line(&self);
    expect_eq(self.cases, 30);
    weir_buf_release(self.fed);
    weir_vectors_close(self.vectors);
}

/* ---- what the cases leave out ---- */

WEIR_TEST(proxy_header, of_version_1_is_taken_to_the_letter) {
    expect(is_refused(LITERAL("PROXY  TCP4 1.2.3.4 5.6.7.8 1 2\r\n")));
    expect(is_refused(LITERAL("PROXY TCP4 1.2.3.4 5.6.7.8 01 2\r\n")));
    expect(is_refused(LITERAL("PROXY TCP4 1.2.3.4 5.6.7.8 +1 2\r\n")));
    expect(is_refused(LITERAL("PROXY TCP4 1.2.3.4 5.6.7.8 1 65536\r\n")));
    expect(is_refused(LITERAL("PROXY TCP4 1.2.3.4 5.6.7.8 1 2 \r\n")));
    expect(is_refused(LITERAL("PROXY TCP4 1.2.3.4\0 5.6.7.8 1 2\r\n")));
    expect(is_refused(LITERAL("PROXY TCP4 ::1 ::2 1 2\r\n")));
    expect(is_refused(LITERAL("PROXY TCP6 [::1] ::2 1 2\r\n")));
    expect(is_refused(LITERAL("PROXY TCP6 fe80::1%lo ::2 1 2\r\n")));
    expect(is_refused(LITERAL("PROXY UNKNOWNS\r\n")));
    expect(is_refused(LITERAL("PROXY \r\n")));
    expect(is_refused(LITERAL("proxy ")));
    weir_proxy_header header;
    size_t used;
    expect_eq(parse(LITERAL("PROXY TCP4 0.0.0.0 255.255.255.255 0 65535\r\n"), &header, &used),
              WEIR_DECODE_AGAIN);
    expect_eq(weir_addr_port(&header.destination), 65535);
}

WEIR_TEST(proxy_header, of_version_1_ends_within_107_bytes) {
    char line[WEIR_PROXY_LINE_MAX + 1] = "PROXY UNKNOWN ";
    weir_proxy_header header;
    size_t used, intro = strlen(line);
    memset(line + intro, 'x', sizeof line - intro);
    expect_eq(parse(weir_bytes_of(line, WEIR_PROXY_LINE_MAX - 1), &header, &used), WEIR_DECODE_MORE);
    expect(is_refused(weir_bytes_of(line, WEIR_PROXY_LINE_MAX)));
    memcpy(line + WEIR_PROXY_LINE_MAX - 2, "\r\n", 2);
    expect_eq(parse(weir_bytes_of(line, WEIR_PROXY_LINE_MAX), &header, &used), WEIR_DECODE_AGAIN);
    expect_eq(used, WEIR_PROXY_LINE_MAX);
    memcpy(line + WEIR_PROXY_LINE_MAX - 2, "x\r\n", 3);
    expect(is_refused(weir_bytes_of(line, sizeof line)));
}

WEIR_TEST(proxy_header, of_version_2_is_refused_as_soon_as_it_says_it_is_too_long) {
    weir_proxy_header header;
    weir_error error;
    size_t used;
    weir_bytes start = LITERAL(V2 "\x21\x11\x08\x00");
    expect_eq(weir_proxy_header_parse(start, 2048, &header, &used, &error), WEIR_DECODE_FAILED);
    expect_status(error.status, WEIR_E_FRAME_TOO_LONG);
    expect_eq(error.actual, 2064);
    expect_eq(weir_proxy_header_parse(start, 2064, &header, &used, &error), WEIR_DECODE_MORE);
}

WEIR_TEST(proxy_header, of_version_2_knows_its_families_and_no_others) {
    expect(is_refused(LITERAL(V2 "\x21\x10\x00\x0c\1\2\3\4\5\6\7\x08\0\1\0\2")));
    expect(is_refused(LITERAL(V2 "\x21\x13\x00\x0c\1\2\3\4\5\6\7\x08\0\1\0\2")));
    expect(is_refused(LITERAL(V2 "\x21\x01\x00\x00")));
    weir_proxy_header header;
    size_t used;
    expect_eq(parse(LITERAL(V2 "\x20\xff\x00\x01!"), &header, &used), WEIR_DECODE_AGAIN);
    expect(header.is_local && header.source.len == 0);
}

WEIR_TEST(proxy_header, refuses_tlvs_that_are_cut) {
    expect(is_refused(LITERAL(V2 "\x21\x11\x00\x0e\1\2\3\4\5\6\7\x08\0\1\0\2\1\0")));
    expect(is_refused(LITERAL(V2 "\x21\x11\x00\x10\1\2\3\4\5\6\7\x08\0\1\0\2\1\0\2x")));
}

WEIR_TEST(proxy_header, names_unix_sockets_as_the_system_does) {
    char bytes[16 + 216] = V2 "\x21\x31\x00\xd8\0abstract";
    bytes[15] = (char)216;
    char text[WEIR_ADDR_TEXT];
    weir_proxy_header header;
    size_t used;
    memset(bytes + 16 + 108, 'p', 108); /* a path may fill its place */
    expect_eq(parse(weir_bytes_of(bytes, sizeof bytes), &header, &used), WEIR_DECODE_AGAIN);
    expect_str(weir_addr_format(&header.source, text), "unix:@abstract");
    expect_eq(strlen(weir_addr_format(&header.destination, text)), 5 + 108);
    memset(bytes + 16, 0, 108);
    expect_eq(parse(weir_bytes_of(bytes, sizeof bytes), &header, &used), WEIR_DECODE_AGAIN);
    expect_str(weir_addr_format(&header.source, text), "unix:");
}
