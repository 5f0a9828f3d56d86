/* websocket_parser_test.c - the rules of RFC 6455 and 7692 one by one, over the pure parser. */
#include <weir/buffer.h>
#include <weir/codec/cumulation.h>
#include <weir/codec/websocket_close.h>
#include <weir/codec/websocket_parser.h>
#include <weir/testing.h>

#include "websocket_talk.h"

/* A case is frames in order; each is a first byte and a payload. */
typedef struct sent {
    uint8_t first;
    const char *payload;
    size_t length;
} sent;
#define SENT(first, literal)                                                                                 \
    { first, "" literal, sizeof("" literal) - 1 }

typedef struct rig {
    weir_websocket_parser parser;
    weir_cumulation bytes;
    weir_buf *log;
    weir_websocket_parser_options options;
    bool compressed;
    uint64_t offset; /* of the failure */
    unsigned waits;  /* answers that let others go first */
} rig;

static void open_rig(rig *self, weir_websocket_role role) {
    weir_websocket_deflate_params params = {.on = true, .own_window_bits = 15, .peer_window_bits = 15};
    weir_websocket_inflater *inflater =
        self->compressed ? weir_websocket_inflater_new(&params, false, NULL) : NULL;
    weir_websocket_parser_init(&self->parser, role, &self->options, inflater);
    weir_cumulation_init(&self->bytes, NULL);
    self->log = weir_buf_new(0);
}

static void close_rig(rig *self) {
    weir_cumulation_clear(&self->bytes);
    weir_websocket_parser_clear(&self->parser);
    weir_buf_release(self->log);
}

static void decode_all(rig *self) {
    weir_obj *out;
    weir_error error;
    for (;;) {
        weir_decode answer =
            weir_cumulation_next(&self->bytes, weir_websocket_parser_decode, &self->parser, &out, &error);
        if (out != NULL) talk_note(self->log, out);
        weir_obj_release(out);
        self->waits += answer == WEIR_DECODE_LATER;
        if (answer == WEIR_DECODE_FAILED) {
            weir_buf_printf(self->log, "%u %s\n", self->parser.refusal, error.what);
            self->offset = error.offset;
        }
        if (answer != WEIR_DECODE_AGAIN && answer != WEIR_DECODE_LATER) return;
    }
}

static void feed(rig *self, weir_buf *buf) {
    expect_status(weir_cumulation_add(&self->bytes, buf), WEIR_OK);
    decode_all(self);
}

static weir_buf *wire_of(const sent *frames, size_t count, weir_websocket_role sender) {
    weir_buf *all = weir_buf_new(64);
    for (size_t i = 0; i < count; i++) {
        weir_buf *frame =
            talk_frame(sender, frames[i].first, weir_bytes_of(frames[i].payload, frames[i].length));
        weir_buf_write_buf(all, frame, weir_buf_readable(frame));
        weir_buf_release(frame);
    }
    return all;
}

/* Whole, and byte by byte, at both ends: the same must be heard. */
static void expect_heard(rig base, const sent *frames, size_t count, const char *expected) {
    for (int pass = 0; pass < 4; pass++) {
        rig self = base;
        weir_websocket_role sender = pass < 2 ? WEIR_WEBSOCKET_CLIENT : WEIR_WEBSOCKET_SERVER;
        open_rig(&self, sender == WEIR_WEBSOCKET_CLIENT ? WEIR_WEBSOCKET_SERVER : WEIR_WEBSOCKET_CLIENT);
        weir_buf *wire = wire_of(frames, count, sender);
        while (pass % 2 == 1 && weir_buf_is_readable(wire)) {
            weir_buf *byte = weir_buf_read_slice(wire, 1);
            feed(&self, weir_buf_copy(byte));
            weir_buf_release(byte);
        }
        feed(&self, wire);
        expect_str(talk_heard(self.log), expected);
        close_rig(&self);
    }
}
#define EXPECT_HEARD(expected, ...)                                                                          \
    expect_heard((rig){0}, (const sent[]){__VA_ARGS__}, sizeof((const sent[]){__VA_ARGS__}) / sizeof(sent),  \
                 expected)
#define EXPECT_HEARD_WITH(base, expected, ...)                                                               \
    expect_heard(base, (const sent[]){__VA_ARGS__}, sizeof((const sent[]){__VA_ARGS__}) / sizeof(sent),      \
                 expected)

WEIR_TEST(websocket_parser, reads_the_examples_of_the_rfc) {
    EXPECT_HEARD("text 5 \"Hello\"\n", SENT(0x81, "Hello"));
    EXPECT_HEARD("text 5 \"Hello\"\n", SENT(0x01, "Hel"), SENT(0x80, "lo"));
    EXPECT_HEARD("ping 5 \"Hello\"\npong 5 \"Hello\"\n", SENT(0x89, "Hello"), SENT(0x8a, "Hello"));
}

WEIR_TEST(websocket_parser, reads_empty_messages_and_fragments) {
    EXPECT_HEARD("text 0 \"\"\nbinary 0 \"\"\n", SENT(0x81, ""), SENT(0x82, ""));
    EXPECT_HEARD("text 2 \"ab\"\n", SENT(0x01, ""), SENT(0x00, "ab"), SENT(0x00, ""), SENT(0x80, ""));
    EXPECT_HEARD("binary 0 \"\"\n", SENT(0x02, ""), SENT(0x80, ""));
}

WEIR_TEST(websocket_parser, reads_control_frames_between_fragments) {
    EXPECT_HEARD("ping 1 \"1\"\npong 0 \"\"\nbinary 3 \"abc\"\ntext 1 \"d\"\n", SENT(0x02, "a"),
                 SENT(0x89, "1"), SENT(0x00, "b"), SENT(0x8a, ""), SENT(0x80, "c"), SENT(0x81, "d"));
}

WEIR_TEST(websocket_parser, reads_nothing_behind_a_close) {
    EXPECT_HEARD("close 2 \"\\x03\\xe8\"\n", SENT(0x88, "\x03\xe8"), SENT(0x81, "late"), SENT(0x83, "wrong"));
}

WEIR_TEST(websocket_parser, refuses_what_breaks_the_order_of_fragments) {
    EXPECT_HEARD("1002 continuation of no message\n", SENT(0x80, "x"));
    EXPECT_HEARD("1002 continuation of no message\n", SENT(0x00, "x"));
    EXPECT_HEARD("1002 message inside a fragmented message\n", SENT(0x01, "x"), SENT(0x81, "y"));
    EXPECT_HEARD("1002 message inside a fragmented message\n", SENT(0x01, "x"), SENT(0x02, "y"));
}

WEIR_TEST(websocket_parser, refuses_reserved_bits_and_opcodes_and_fragmented_or_long_controls) {
    EXPECT_HEARD("1002 reserved bits of a frame\n", SENT(0xc1, "x"));
    EXPECT_HEARD("text 1 \"a\"\n1002 reserved bits of a frame\n", SENT(0x81, "a"), SENT(0x91, "x"));
    EXPECT_HEARD("1002 opcode of a frame\n", SENT(0x83, ""));
    EXPECT_HEARD("1002 opcode of a frame\n", SENT(0x8b, ""));
    EXPECT_HEARD("1002 fragmented control frame\n", SENT(0x09, "x"));
    char longest[126];
    memset(longest, 'p', sizeof longest);
    EXPECT_HEARD("1002 control frame length\n", {0x89, longest, 126});
    EXPECT_HEARD("ping 125 \"pppppppppppppppppppppppppppppppppppppppp\"...\n", {0x89, longest, 125});
}

static void expect_raw(weir_websocket_role role, const char *bytes, size_t n, const char *expected) {
    rig self = {0};
    open_rig(&self, role);
    weir_buf *buf = weir_buf_new(n);
    weir_buf_write_bytes(buf, bytes, n);
    feed(&self, buf);
    expect_str(talk_heard(self.log), expected);
    close_rig(&self);
}

WEIR_TEST(websocket_parser, refuses_masks_and_lengths_that_may_not_be_as_soon_as_they_show) {
    expect_raw(WEIR_WEBSOCKET_SERVER, "\x81\x05", 2, "1002 mask of a frame\n");
    expect_raw(WEIR_WEBSOCKET_CLIENT, "\x81\x85", 2, "1002 mask of a frame\n");
    expect_raw(WEIR_WEBSOCKET_CLIENT, "\x82\x7e\x00\x7d", 4, "1002 frame length not in its shortest form\n");
    expect_raw(WEIR_WEBSOCKET_CLIENT, "\x82\x7f\0\0\0\0\0\0\xff\xff", 10,
               "1002 frame length not in its shortest form\n");
    expect_raw(WEIR_WEBSOCKET_CLIENT, "\x82\x7f\x80\0\0\0\0\0\0\0", 10,
               "1002 frame length of 2^63 or more\n");
    expect_raw(WEIR_WEBSOCKET_CLIENT, "\x82\x7f\x7f\xff\xff\xff\xff\xff\xff\xff", 10, "1009 frame length\n");
    expect_raw(WEIR_WEBSOCKET_CLIENT, "\x89\x7e", 2, "1002 control frame length\n");
}

WEIR_TEST(websocket_parser, keeps_to_its_limits) {
    rig base = {.options.limits = {.message = 8, .frame = 6, .fragments = 3}};
    EXPECT_HEARD_WITH(base, "text 6 \"123456\"\n1009 frame length\n", SENT(0x81, "123456"),
                      SENT(0x81, "1234567"));
    EXPECT_HEARD_WITH(base, "text 8 \"12345678\"\n1009 message length\n", SENT(0x01, "1234"),
                      SENT(0x80, "5678"), SENT(0x01, "1234"), SENT(0x80, "56789"));
    EXPECT_HEARD_WITH(base, "text 3 \"abc\"\n1008 fragments of a message\n", SENT(0x01, "a"), SENT(0x00, "b"),
                      SENT(0x80, "c"), SENT(0x01, ""), SENT(0x00, ""), SENT(0x00, ""), SENT(0x80, ""));
}

/* ---- text ---- */

WEIR_TEST(websocket_parser, takes_text_whose_characters_are_cut_anywhere) {
    EXPECT_HEARD("text 7 \"\\xce\\xba\\xf0\\x9f\\x98\\x80x\"\n", SENT(0x01, "\xce"),
                 SENT(0x00, "\xba\xf0\x9f"), SENT(0x00, "\x98"), SENT(0x00, "\x80"), SENT(0x80, "x"));
}

WEIR_TEST(websocket_parser, fails_at_the_first_wrong_byte_of_text_without_waiting_for_its_end) {
    EXPECT_HEARD("1007 text is no UTF-8\n", SENT(0x81, "\xce\xba\xe1\xbd\xb9\xcf\x83\xed\xa0\x80"));
    EXPECT_HEARD("1007 text is no UTF-8\n", SENT(0x01, "ok\xf4"), SENT(0x00, "\x90"));
    EXPECT_HEARD("1007 text ends inside a character\n", SENT(0x81, "\xe2\x82"));
    EXPECT_HEARD("1007 text ends inside a character\n", SENT(0x01, "\xe2\x82"), SENT(0x80, ""));
    rig self = {0};
    open_rig(&self, WEIR_WEBSOCKET_CLIENT);
    weir_buf *begun = weir_buf_new(16);
    weir_buf_write_bytes(begun, "\x81\x7e\xff\xffok\xff", 7);
    feed(&self, begun);
    expect_str(talk_heard(self.log), "1007 text is no UTF-8\n");
    close_rig(&self);
    rig unchecked = {.options.unchecked_text = true};
    EXPECT_HEARD_WITH(unchecked, "text 1 \"\\xff\"\n", SENT(0x81, "\xff"));
}

WEIR_TEST(websocket_parser, says_where_the_frame_begins_that_broke_the_rule) {
    rig self = {0};
    open_rig(&self, WEIR_WEBSOCKET_SERVER);
    feed(&self, wire_of((const sent[]){SENT(0x81, "fine"), SENT(0x81, "wr\xff")}, 2, WEIR_WEBSOCKET_CLIENT));
    expect_eq(self.offset, 10);
    close_rig(&self);
}

/* ---- pieces ---- */

WEIR_TEST(websocket_parser, gives_pieces_as_they_come_when_asked) {
    rig self = {.options.pieces = true};
    open_rig(&self, WEIR_WEBSOCKET_CLIENT);
    char big[400];
    memset(big, 'b', sizeof big);
    weir_buf *wire = wire_of((const sent[]){{0x02, big, 400}, SENT(0x89, "p"), {0x80, big, 300}}, 3,
                             WEIR_WEBSOCKET_SERVER);
    weir_buf *head = weir_buf_read_slice(wire, 304);
    feed(&self, weir_buf_copy(head));
    expect_str(talk_heard(self.log), "binary... 300 \"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\"...\n");
    weir_buf_release(head);
    feed(&self, wire);
    expect_str(talk_heard(self.log),
               "+binary... 100 \"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\"...\nping 1 \"p\"\n"
               "+binary 300 \"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\"...\n");
    close_rig(&self);
}

/* ---- whose bytes ---- */

WEIR_TEST(websocket_parser, unmasks_in_place_what_is_its_own_however_many_messages_lie_in_it) {
    rig self = {0};
    open_rig(&self, WEIR_WEBSOCKET_SERVER);
    const sent frames[] = {SENT(0x81, "first"), SENT(0x82, "second"), SENT(0x81, "third")};
    weir_buf *wire = wire_of(frames, 3, WEIR_WEBSOCKET_CLIENT);
    const uint8_t *from = wire->base, *to = wire->ep;
    expect_status(weir_cumulation_add(&self.bytes, wire), WEIR_OK);
    weir_obj *kept[3];
    weir_error error;
    for (size_t i = 0; i < 3; i++) {
        weir_cumulation_next(&self.bytes, weir_websocket_parser_decode, &self.parser, &kept[i], &error);
        weir_websocket_message *message = weir_websocket_message_from(kept[i]);
        require(message != NULL);
        expect(message->payload->rp >= from && message->payload->rp < to);
        expect_same_bytes(weir_buf_peek(message->payload),
                          weir_bytes_of(frames[i].payload, frames[i].length));
    }
    expect_eq(self.parser.copied, 0);
    for (size_t i = 0; i < 3; i++) weir_obj_release(kept[i]);
    close_rig(&self);
}

/* The first chunk is shared by a message that was given out, so the second is linked to it, not copied. */
WEIR_TEST(websocket_parser, reads_a_header_that_lies_in_two_chunks_whose_first_is_its_own) {
    for (size_t cut = 1; cut < 6; cut++) {
        rig self = {0};
        open_rig(&self, WEIR_WEBSOCKET_SERVER);
        weir_buf *wire =
            wire_of((const sent[]){SENT(0x81, "first"), SENT(0x82, "second")}, 2, WEIR_WEBSOCKET_CLIENT);
        weir_buf *chunk = weir_buf_new(0);
        weir_buf_write_buf(chunk, wire, 11 + cut);
        expect_status(weir_cumulation_add(&self.bytes, chunk), WEIR_OK);
        weir_obj *first, *none;
        weir_error error;
        weir_cumulation_next(&self.bytes, weir_websocket_parser_decode, &self.parser, &first, &error);
        weir_cumulation_next(&self.bytes, weir_websocket_parser_decode, &self.parser, &none, &error);
        expect(first != NULL && none == NULL);
        feed(&self, weir_buf_copy(wire));
        expect_str(talk_heard(self.log), "binary 6 \"second\"\n");
        weir_obj_release(first);
        weir_buf_release(wire);
        close_rig(&self);
    }
}

WEIR_TEST(websocket_parser, copies_what_others_see_or_what_is_read_only) {
    for (int read_only = 0; read_only < 2; read_only++) {
        rig self = {0};
        open_rig(&self, WEIR_WEBSOCKET_SERVER);
        weir_buf *wire =
            wire_of((const sent[]){SENT(0x81, "first"), SENT(0x82, "second")}, 2, WEIR_WEBSOCKET_CLIENT);
        weir_buf *before = weir_buf_copy(wire);
        weir_buf *other = read_only == 0 ? weir_buf_duplicate(wire) : weir_buf_retain(wire);
        if (read_only == 1) weir_buf_set_read_only(wire);
        feed(&self, wire);
        expect_str(talk_heard(self.log), "text 5 \"first\"\nbinary 6 \"second\"\n");
        expect_eq(self.parser.copied, 11);
        weir_buf_set_positions(other, 0, weir_buf_writer_index(other));
        size_t n = weir_buf_readable(before);
        expect(memcmp(other->wp - n, before->rp, n) == 0);
        weir_buf_release(other);
        weir_buf_release(before);
        close_rig(&self);
    }
}

WEIR_TEST(websocket_parser, does_not_pin_a_read_buffer_for_each_dripped_byte) {
    rig self = {0};
    open_rig(&self, WEIR_WEBSOCKET_SERVER);
    char payload[2000];
    memset(payload, 'd', sizeof payload);
    weir_buf *wire = wire_of((const sent[]){{0x82, payload, sizeof payload}}, 1, WEIR_WEBSOCKET_CLIENT);
    while (weir_buf_readable(wire) > 1) {
        uint8_t byte;
        require(weir_buf_read_u8(wire, &byte));
        weir_buf *drop = weir_buf_new(65536);
        weir_buf_write_u8(drop, byte);
        feed(&self, drop);
    }
    expect(weir_buf_pinned(self.parser.message) < 16384);
    feed(&self, wire);
    expect_str(talk_heard(self.log), "binary 2000 \"dddddddddddddddddddddddddddddddddddddddd\"...\n");
    close_rig(&self);
}

/* ---- compressed: RFC 7692, section 7.2.3 ---- */

WEIR_TEST(websocket_parser, inflates_the_examples_of_the_rfc) {
    rig base = {.compressed = true};
    EXPECT_HEARD_WITH(base, "text 5 \"Hello\"\n", SENT(0xc1, "\xf2\x48\xcd\xc9\xc9\x07\x00"));
    EXPECT_HEARD_WITH(base, "text 5 \"Hello\"\n", SENT(0x41, "\xf2\x48\xcd"), SENT(0x80, "\xc9\xc9\x07\x00"));
    EXPECT_HEARD_WITH(base, "text 5 \"Hello\"\ntext 5 \"Hello\"\n",
                      SENT(0xc1, "\xf2\x48\xcd\xc9\xc9\x07\x00"), SENT(0xc1, "\xf2\x00\x11\x00\x00"));
    EXPECT_HEARD_WITH(base, "text 5 \"Hello\"\n", SENT(0xc1, "\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00"));
    EXPECT_HEARD_WITH(base, "text 5 \"Hello\"\ntext 5 \"Hello\"\n",
                      SENT(0xc1, "\xf3\x48\xcd\xc9\xc9\x07\x00\x00"), SENT(0xc1, "\xf2\x00\x11\x00\x00"));
    EXPECT_HEARD_WITH(base, "text 5 \"Hello\"\n",
                      SENT(0xc1, "\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00"));
    EXPECT_HEARD_WITH(base, "text 0 \"\"\ntext 2 \"ok\"\n", SENT(0xc1, "\x00"), SENT(0x81, "ok"));
}

WEIR_TEST(websocket_parser, refuses_what_is_wrongly_compressed) {
    rig base = {.compressed = true};
    EXPECT_HEARD_WITH(base, "1002 compressed continuation\n", SENT(0x41, "\xf2\x48"), SENT(0xc0, "\xcd"));
    EXPECT_HEARD_WITH(base, "1002 compressed control frame\n", SENT(0xc9, ""));
    EXPECT_HEARD_WITH(base, "1007 compressed message\n", SENT(0xc1, "\xff\xff\xff"));
    EXPECT_HEARD_WITH(base, "1002 reserved bits of a frame\n", SENT(0xe1, ""));
}

WEIR_TEST(websocket_parser, lets_no_bomb_grow_beyond_the_limit_on_messages) {
    weir_websocket_deflate_params params = {.on = true, .own_window_bits = 15, .peer_window_bits = 15};
    weir_websocket_deflater *deflater =
        weir_websocket_deflater_new(&params, &(weir_websocket_deflate_options){.on = true}, NULL);
    for (uint64_t limit = 999999; limit <= 1000000; limit++) {
        rig self = {.compressed = true, .options.limits.message = limit};
        open_rig(&self, WEIR_WEBSOCKET_CLIENT);
        weir_buf *zeros = weir_buf_new(1000000);
        weir_buf_write_fill(zeros, 'z', 1000000);
        weir_buf *small = weir_websocket_deflate(deflater, zeros, true);
        expect(weir_buf_readable(small) < 2000);
        feed(&self, talk_frame(WEIR_WEBSOCKET_SERVER, 0xc2, weir_buf_peek(small)));
        if (limit < 1000000) {
            expect_str(talk_heard(self.log), "1009 inflated message length\n");
        } else {
            expect_str(talk_heard(self.log),
                       "binary 1000000 \"zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz\"...\n");
        }
        weir_buf_release(small);
        weir_buf_release(zeros);
        close_rig(&self);
        weir_websocket_deflater_free(deflater);
        deflater = weir_websocket_deflater_new(&params, &(weir_websocket_deflate_options){.on = true}, NULL);
    }
    weir_websocket_deflater_free(deflater);
}

/* Two bytes are a block that says it is the last and brings nothing: there is no limit on how many make a message. */
WEIR_TEST(websocket_parser, lets_others_go_first_in_a_message_of_last_blocks) {
    enum {
        BLOCKS = 20000
    };
    rig self = {.compressed = true};
    open_rig(&self, WEIR_WEBSOCKET_CLIENT);
    feed(&self, talk_text(WEIR_WEBSOCKET_SERVER, 0xc1, "\xf2\x48\xcd\xc9\xc9\x07\x00"));
    weir_buf *blocks = weir_buf_new(2 * BLOCKS + 5);
    require(blocks != NULL);
    for (int i = 0; i < BLOCKS; i++) weir_buf_write_bytes(blocks, "\x03", 2);
    weir_buf_write_bytes(blocks, "\xf2\x00\x11\x00", 5); /* "Hello" again, out of the message before */
    feed(&self, talk_frame(WEIR_WEBSOCKET_SERVER, 0xc1, weir_buf_peek(blocks)));
    expect_str(talk_heard(self.log), "text 5 \"Hello\"\ntext 5 \"Hello\"\n");
    expect(self.waits >= BLOCKS / 128);
    weir_buf_release(blocks);
    close_rig(&self);
}

/* What comes out of a dripped byte is a few bytes as well. */
WEIR_TEST(websocket_parser, does_not_pin_a_buf_for_what_comes_of_each_dripped_byte) {
    weir_websocket_deflate_params params = {.on = true, .own_window_bits = 15, .peer_window_bits = 15};
    weir_websocket_deflater *deflater =
        weir_websocket_deflater_new(&params, &(weir_websocket_deflate_options){.on = true}, NULL);
    rig self = {.compressed = true};
    open_rig(&self, WEIR_WEBSOCKET_CLIENT);
    weir_buf *noise = weir_buf_new(4000);
    for (uint32_t i = 0, seed = 1; i < 4000; i++, seed = seed * 1664525 + 1013904223)
        weir_buf_write_u8(noise, (uint8_t)(seed >> 16));
    weir_buf *payload = weir_websocket_deflate(deflater, noise, true);
    weir_buf *wire = talk_frame(WEIR_WEBSOCKET_SERVER, 0xc2, weir_buf_peek(payload));
    while (weir_buf_readable(wire) > 1) {
        weir_buf *byte = weir_buf_read_slice(wire, 1);
        feed(&self, weir_buf_copy(byte));
        weir_buf_release(byte);
    }
    expect(weir_buf_pinned(self.parser.message) < 16384);
    feed(&self, wire);
    expect(strncmp(talk_heard(self.log), "binary 4000 ", 12) == 0);
    weir_buf_release(payload);
    weir_buf_release(noise);
    weir_websocket_deflater_free(deflater);
    close_rig(&self);
}
