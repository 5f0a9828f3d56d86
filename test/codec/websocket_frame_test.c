/* websocket_frame_test.c - headers, masks and frames, against the bytes of RFC 6455, section 5.7. */
#include <weir/buffer.h>
#include <weir/codec/websocket_frame.h>
#include <weir/testing.h>

#include "websocket/mask.h"

static const uint8_t key[4] = {0x37, 0xfa, 0x21, 0x3d};

static weir_bytes written(weir_websocket_header header, uint8_t *out) {
    return weir_bytes_of(out, weir_websocket_header_write(&header, out));
}

WEIR_TEST(websocket_frame, writes_the_headers_of_the_rfc) {
    uint8_t out[WEIR_WEBSOCKET_HEADER_MOST];
    expect_bytes(
        written((weir_websocket_header){.opcode = WEIR_WEBSOCKET_TEXT, .final = true, .length = 5}, out),
        "\x81\x05");
    expect_bytes(written((weir_websocket_header){.opcode = WEIR_WEBSOCKET_TEXT, .length = 3}, out),
                 "\x01\x03");
    expect_bytes(written((weir_websocket_header){.final = true, .length = 2}, out), "\x80\x02");
    expect_bytes(
        written((weir_websocket_header){.opcode = WEIR_WEBSOCKET_BINARY, .final = true, .length = 256}, out),
        "\x82\x7e\x01\x00");
    expect_bytes(
        written((weir_websocket_header){.opcode = WEIR_WEBSOCKET_BINARY, .final = true, .length = 65536},
                out),
        "\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00");
    weir_websocket_header masked = {
        .opcode = WEIR_WEBSOCKET_PONG, .final = true, .masked = true, .length = 5};
    memcpy(masked.mask, key, 4);
    expect_bytes(written(masked, out), "\x8a\x85\x37\xfa\x21\x3d");
    expect_bytes(written((weir_websocket_header){.reserved = 4, .opcode = 1, .final = true}, out),
                 "\xc1\x00");
}

WEIR_TEST(websocket_frame, reads_back_every_header_it_writes_and_no_shorter_one) {
    static const uint64_t lengths[] = {0, 1, 125, 126, 127, 65535, 65536, UINT32_MAX, INT64_MAX};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        for (unsigned bits = 0; bits < 256; bits++) {
            weir_websocket_header header = {.length = lengths[i],
                                            .opcode = bits & 15,
                                            .reserved = bits >> 4 & 7,
                                            .final = bits >> 7 != 0,
                                            .masked = (bits & 1) != 0};
            if (header.masked) memcpy(header.mask, key, 4);
            uint8_t out[WEIR_WEBSOCKET_HEADER_MOST];
            size_t n = weir_websocket_header_write(&header, out);
            expect_eq(n, weir_websocket_header_size(&header));
            weir_websocket_header back = {0};
            for (size_t less = 0; less < n; less++) {
                expect_eq(weir_websocket_header_read(&back, weir_bytes_of(out, less)), 0);
            }
            require(weir_websocket_header_read(&back, weir_bytes_of(out, n)) == n && back.size == n);
            expect(back.length == header.length && back.opcode == header.opcode &&
                   back.final == header.final);
            expect(back.reserved == header.reserved && back.masked == header.masked);
            expect(memcmp(back.mask, header.mask, 4) == 0);
        }
    }
}

static const char *check(weir_websocket_header header, weir_websocket_role role) {
    return weir_websocket_header_check(&header, role, 0);
}

WEIR_TEST(websocket_frame, names_the_rule_a_header_breaks) {
    weir_websocket_header right = {.opcode = WEIR_WEBSOCKET_TEXT, .final = true, .masked = true};
    expect(check(right, WEIR_WEBSOCKET_SERVER) == NULL);
    expect_str(check(right, WEIR_WEBSOCKET_CLIENT), "mask of a frame");
    for (unsigned opcode = 0; opcode < 16; opcode++) {
        bool is_used = opcode <= 2 || (opcode >= 8 && opcode <= 10);
        weir_websocket_header header = {.opcode = (uint8_t)opcode, .final = true};
        expect_eq(check(header, WEIR_WEBSOCKET_CLIENT) == NULL, is_used);
        header.final = false;
        expect_eq(check(header, WEIR_WEBSOCKET_CLIENT) == NULL, opcode <= 2);
        header.final = true;
        header.length = 126;
        expect_eq(check(header, WEIR_WEBSOCKET_CLIENT) == NULL, opcode <= 2);
    }
    for (unsigned reserved = 1; reserved < 8; reserved++) {
        weir_websocket_header header = {.opcode = 1, .final = true, .reserved = (uint8_t)reserved};
        expect_str(check(header, WEIR_WEBSOCKET_CLIENT), "reserved bits of a frame");
        const char *extended = weir_websocket_header_check(&header, WEIR_WEBSOCKET_CLIENT, 4);
        expect_eq(extended == NULL, reserved == 4);
    }
    weir_websocket_header ping = {.opcode = WEIR_WEBSOCKET_PING, .final = true, .reserved = 4};
    expect_str(weir_websocket_header_check(&ping, WEIR_WEBSOCKET_CLIENT, 4), "compressed control frame");
}

/* ---- masks ---- */

enum {
    MASKED = 200,
    GUARD = 32
};

static void fill(uint8_t *bytes, size_t n) {
    for (size_t i = 0; i < n; i++) bytes[i] = (uint8_t)(i * 37 + 11);
}

WEIR_TEST(websocket_frame, masks_alike_at_every_alignment_length_and_phase_and_nothing_else) {
    uint8_t bytes[GUARD + MASKED + GUARD], before[sizeof bytes];
    for (size_t at = 0; at < 17; at++) {
        for (size_t n = 0; n < MASKED - 17; n++) {
            for (size_t phase = 0; phase < 4; phase++) {
                fill(bytes, sizeof bytes);
                memcpy(before, bytes, sizeof bytes);
                weir_websocket_mask(bytes + GUARD + at, n, key, phase);
                for (size_t i = 0; i < n; i++) before[GUARD + at + i] ^= key[(phase + i) & 3];
                require(memcmp(bytes, before, sizeof bytes) == 0);
            }
        }
    }
}

WEIR_TEST(websocket_frame, has_a_plain_mask_that_equals_the_fast_one) {
    uint8_t plain[MASKED], fast[MASKED];
    for (size_t at = 0; at < 17; at++) {
        for (size_t n = 0; n < MASKED - 17; n++) {
            fill(plain, MASKED);
            fill(fast, MASKED);
            websocket_mask_plain(plain + at, n, 0x3d21fa37u);
            websocket_mask(fast + at, n, 0x3d21fa37u);
            require(memcmp(plain, fast, MASKED) == 0);
        }
    }
}

WEIR_TEST(websocket_frame, draws_keys_that_differ) {
    weir_websocket_keys keys = {0};
    uint8_t drawn[40][4];
    size_t equal = 0;
    for (size_t i = 0; i < 40; i++) {
        expect_status(weir_websocket_keys_next(&keys, drawn[i]), WEIR_OK);
        for (size_t j = 0; j < i; j++) equal += memcmp(drawn[i], drawn[j], 4) == 0;
    }
    expect(equal < 3);
}

/* ---- frames ---- */

static weir_buf *text_with_headroom(size_t headroom, const char *text) {
    weir_buf *buf = weir_buf_new(64);
    weir_buf_reserve_headroom(buf, headroom);
    weir_buf_write_str(buf, text);
    return buf;
}

static void expect_frame(weir_websocket_header header, weir_buf *payload, weir_bytes expected,
                         bool is_composite) {
    weir_buf *frame = weir_websocket_frame(&header, payload, NULL);
    require(frame != NULL);
    expect_eq(weir_buf_is_composite(frame), is_composite);
    expect_same_bytes(weir_buf_coalesce(frame, weir_buf_readable(frame)), expected);
    weir_buf_release(frame);
}

WEIR_TEST(websocket_frame, puts_the_header_into_headroom_that_is_its_own_and_else_in_front) {
    weir_websocket_header plain = {.opcode = WEIR_WEBSOCKET_TEXT, .final = true}, masked = plain;
    masked.masked = true;
    memcpy(masked.mask, key, 4);
    weir_bytes hello = weir_bytes_of("\x81\x05Hello", 7);
    weir_bytes hidden = weir_bytes_of("\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", 11);
    expect_frame(plain, text_with_headroom(2, "Hello"), hello, false);
    expect_frame(plain, text_with_headroom(1, "Hello"), hello, true);
    expect_frame(masked, text_with_headroom(6, "Hello"), hidden, false);
    expect_frame(masked, text_with_headroom(0, "Hello"), hidden, true);
    expect_frame(plain, weir_buf_wrap_const("Hello", 5), hello, true);
    expect_frame(masked, weir_buf_wrap_const("Hello", 5), hidden, true);
}

WEIR_TEST(websocket_frame, changes_no_bytes_that_others_see) {
    weir_websocket_header masked = {.opcode = WEIR_WEBSOCKET_TEXT, .final = true, .masked = true};
    memcpy(masked.mask, key, 4);
    weir_buf *shared = text_with_headroom(14, "Hello");
    weir_buf *other = weir_buf_duplicate(shared);
    expect_frame(masked, shared, weir_bytes_of("\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", 11), false);
    expect_bytes(weir_buf_peek(other), "Hello");
    weir_buf_release(other);
}

WEIR_TEST(websocket_frame, masks_a_composite_across_its_parts_from_its_reader_on) {
    weir_buf *parts = weir_buf_composite_new();
    weir_buf_composite_append(parts, text_with_headroom(0, "..H"));
    weir_buf_composite_append(parts, text_with_headroom(0, "el"));
    weir_buf_composite_append(parts, text_with_headroom(0, "lo"));
    weir_buf_skip(parts, 2);
    weir_websocket_mask_buf(parts, key);
    expect_bytes(weir_buf_coalesce(parts, 5), "\x7f\x9f\x4d\x51\x58");
    weir_buf_release(parts);
}
