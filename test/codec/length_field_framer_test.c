/* length_field_framer_test.c - frames by their length, without a pipeline. Netty's cases are in
 * framing_vectors_test.c. */
#include <weir/buffer.h>
#include <weir/codec/length_field_framer.h>
#include <weir/testing.h>

#include "codec/frames.h"

typedef struct sized {
    weir_length_field_framer framer;
    frames frames;
} sized;

static void sized_init(sized *self, const weir_length_field_options *options) {
    expect_status(weir_length_field_framer_init(&self->framer, options), WEIR_OK);
    frames_init(&self->frames, weir_length_field_framer_decode, weir_length_field_framer_decode_last,
                &self->framer, &options->decoder);
}

#define feed(self, literal) frames_feed_str(&(self).frames, literal)
#define expect_log(self, lines) expect_str(frames_take_log(&(self).frames), lines)

static weir_status try_options(weir_length_field_options options) {
    weir_length_field_framer framer;
    return weir_length_field_framer_init(&framer, &options);
}

WEIR_TEST(length_field_framer, refuses_options_that_make_no_sense) {
    for (unsigned width = 0; width < 20; width++) {
        bool is_known = width == 1 || width == 2 || width == 3 || width == 4 || width == 8;
        weir_test_context("width %u", width);
        expect_status(
            try_options((weir_length_field_options){.max_frame_length = 100, .length_field_length = width}),
            is_known ? WEIR_OK : WEIR_E_INVALID);
    }
    weir_length_field_options options = {.length_field_length = 4};
    expect_status(try_options(options), WEIR_E_INVALID); /* no maximum */
    options.max_frame_length = 3;
    expect_status(try_options(options), WEIR_E_INVALID);
    options.max_frame_length = 4;
    expect_status(try_options(options), WEIR_OK);
    options.initial_bytes_to_strip = 5;
    expect_status(try_options(options), WEIR_E_INVALID);
    options.initial_bytes_to_strip = 0;
    options.length_field_offset = SIZE_MAX - 2;
    options.max_frame_length = SIZE_MAX;
    expect_status(try_options(options), WEIR_E_INVALID);
}

WEIR_TEST(length_field_framer, reads_every_width_in_both_orders) {
    static const unsigned widths[] = {1, 2, 3, 4, 8};
    for (unsigned i = 0; i < 10; i++) {
        unsigned width = widths[i / 2];
        bool little = i % 2 == 1;
        weir_test_context("width %u, little endian %d", width, little);
        sized self;
        sized_init(&self, &(weir_length_field_options){.max_frame_length = 100,
                                                       .length_field_length = width,
                                                       .initial_bytes_to_strip = width,
                                                       .little_endian = little});
        uint8_t bytes[16] = {0};
        bytes[little ? 0 : width - 1] = 5;
        memcpy(bytes + width, "hello", 5);
        frames_feed(&self.frames, bytes, width + 5);
        expect_log(self, "\"hello\"\n");
        frames_clear(&self.frames);
    }
}

WEIR_TEST(length_field_framer, gives_empty_bodies) {
    sized self;
    sized_init(&self, &(weir_length_field_options){
                          .max_frame_length = 10, .length_field_length = 1, .initial_bytes_to_strip = 1});
    feed(self, "\0\x01"
               "a\0");
    expect_log(self, "\"\"\n\"a\"\n\"\"\n");
    frames_clear(&self.frames);
}

WEIR_TEST(length_field_framer, reads_a_length_that_comes_in_pieces) {
    sized self;
    sized_init(&self, &(weir_length_field_options){.max_frame_length = 300,
                                                   .length_field_offset = 1,
                                                   .length_field_length = 2,
                                                   .initial_bytes_to_strip = 3});
    feed(self, "h\x01");
    static uint8_t body[258];
    frames_feed(&self.frames, body, 258); /* its first byte is the rest of the length 256 */
    expect_log(self,
               "\"\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00"
               "\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00...\" 256\n");
    expect_eq(weir_buf_readable(self.frames.bytes.in), 1);
    frames_clear(&self.frames);
}

/* ---- broken lengths ---- */

static void expect_refusal(const weir_length_field_options *options, const void *bytes, size_t n,
                           const char *log) {
    sized self;
    sized_init(&self, options);
    frames_feed(&self.frames, bytes, n);
    expect_log(self, log);
    frames_feed(&self.frames, bytes, n);
    expect_log(self, "");
    frames_clear(&self.frames);
}

WEIR_TEST(length_field_framer, calls_a_length_corrupt_that_ends_before_itself) {
    weir_length_field_options options = {
        .max_frame_length = 100, .length_field_length = 2, .length_adjustment = -2};
    expect_refusal(&options, "\0\1", 2, "WEIR_E_FRAME_CORRUPT frame length 1/100 @0\n");
    options.recover = true; /* nobody knows where the next frame starts */
    expect_refusal(&options, "\0\1", 2, "WEIR_E_FRAME_CORRUPT frame length 1/100 @0\n");
    options.length_adjustment = INT64_MIN;
    expect_refusal(&options, "\xff\xff", 2, "WEIR_E_FRAME_CORRUPT frame length 65535/100 @0\n");
}

WEIR_TEST(length_field_framer, calls_a_negative_length_of_8_bytes_corrupt) {
    weir_length_field_options options = {.max_frame_length = 100, .length_field_length = 8};
    expect_refusal(&options, "\x80\0\0\0\0\0\0\0", 8,
                   "WEIR_E_FRAME_CORRUPT frame length 9223372036854775808/100 @0\n");
}

WEIR_TEST(length_field_framer, does_not_overflow) {
    weir_length_field_options options = {
        .max_frame_length = SIZE_MAX - 1, .length_field_length = 8, .length_field_offset = 100};
    uint8_t bytes[108] = {0};
    memset(bytes + 100, 0xff, 8);
    bytes[100] = 0x7f;
    options.length_adjustment = INT64_MAX;
    expect_refusal(&options, bytes, sizeof bytes,
                   "WEIR_E_FRAME_TOO_LONG frame length 18446744073709551615/18446744073709551614 @0\n");
}

WEIR_TEST(length_field_framer, refuses_a_frame_shorter_than_what_is_stripped) {
    weir_length_field_options options = {
        .max_frame_length = 100, .length_field_length = 1, .initial_bytes_to_strip = 4};
    expect_refusal(&options,
                   "\x02"
                   "ab",
                   3, "WEIR_E_FRAME_CORRUPT bytes to strip 3/100 @0\n");

    options.recover = true;
    sized self;
    sized_init(&self, &options);
    feed(self, "\x02"
               "a");
    feed(self, "b\x04"
               "wxyz");
    expect_log(self, "WEIR_E_FRAME_CORRUPT bytes to strip 3/100 @0, goes on\n\"z\"\n");
    frames_clear(&self.frames);
}

/* ---- frames too long ---- */

WEIR_TEST(length_field_framer, allows_a_frame_of_the_maximum_and_no_longer) {
    sized self;
    sized_init(&self, &(weir_length_field_options){.max_frame_length = 5, .length_field_length = 1});
    feed(self, "\x04"
               "four");
    feed(self, "\x05");
    feed(self, "fives");
    expect_log(self, "\"\\x04four\"\nWEIR_E_FRAME_TOO_LONG frame length 6/5 @5\n");
    frames_clear(&self.frames);
}

WEIR_TEST(length_field_framer, refuses_behind_the_frame_when_asked) {
    sized self;
    sized_init(&self, &(weir_length_field_options){
                          .max_frame_length = 5, .length_field_length = 1, .fail_late = true});
    feed(self, "\x01"
               "a\x06"
               "ab");
    expect(self.frames.bytes.in == NULL);
    feed(self, "cde");
    expect_log(self, "\"\\x01a\"\n");
    feed(self, "f\x01"
               "b");
    expect_log(self, "WEIR_E_FRAME_TOO_LONG frame length 7/5 @2\n");
    frames_clear(&self.frames);
}

WEIR_TEST(length_field_framer, goes_on_with_the_next_frame_when_asked) {
    for (int late = 0; late < 2; late++) {
        weir_test_context("fail late %d", late);
        sized self;
        sized_init(&self, &(weir_length_field_options){.max_frame_length = 5,
                                                       .length_field_length = 1,
                                                       .fail_late = late == 1,
                                                       .recover = true});
        feed(self, "\x06"
                   "abcdef\x01"
                   "a\x06");
        expect_log(self, late ? "WEIR_E_FRAME_TOO_LONG frame length 7/5 @0, goes on\n\"\\x01a\"\n"
                              : "WEIR_E_FRAME_TOO_LONG frame length 7/5 @0, goes on\n\"\\x01a\"\n"
                                "WEIR_E_FRAME_TOO_LONG frame length 7/5 @9, goes on\n");
        feed(self, "abcdef\x01"
                   "b");
        expect_log(self, late ? "WEIR_E_FRAME_TOO_LONG frame length 7/5 @9, goes on\n\"\\x01b\"\n"
                              : "\"\\x01b\"\n");
        frames_clear(&self.frames);
    }
}

WEIR_TEST(length_field_framer, tells_of_a_long_frame_that_never_ended_once) {
    for (int late = 0; late < 2; late++) {
        weir_test_context("fail late %d", late);
        sized self;
        sized_init(&self, &(weir_length_field_options){.max_frame_length = 5,
                                                       .length_field_length = 1,
                                                       .fail_late = late == 1,
                                                       .recover = true});
        feed(self, "\x01"
                   "a\x06"
                   "ab");
        feed(self, "cd");
        frames_end(&self.frames);
        expect_log(self, "\"\\x01a\"\nWEIR_E_FRAME_TOO_LONG frame length 7/5 @2, goes on\n");
        frames_clear(&self.frames);
    }
}
