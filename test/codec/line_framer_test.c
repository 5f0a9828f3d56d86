/* line_framer_test.c - lines out of bytes, without a pipeline. Netty's cases are in
 * framing_vectors_test.c. */
#include <weir/buffer.h>
#include <weir/codec/line_framer.h>
#include <weir/testing.h>

#include "codec/frames.h"

typedef struct lines {
    weir_line_framer framer;
    frames frames;
} lines;

static void lines_init(lines *self, const weir_line_options *options) {
    expect_status(weir_line_framer_init(&self->framer, options), WEIR_OK);
    frames_init(&self->frames, weir_line_framer_decode, weir_line_framer_decode_last, &self->framer,
                &options->decoder);
}

#define feed(self, literal) frames_feed_str(&(self).frames, literal)
#define expect_log(self, lines) expect_str(frames_take_log(&(self).frames), lines)

WEIR_TEST(line_framer, needs_a_maximum) {
    weir_line_framer framer;
    expect_status(weir_line_framer_init(&framer, &(weir_line_options){.keep_delimiter = true}),
                  WEIR_E_INVALID);
}

WEIR_TEST(line_framer, ends_a_line_at_lf_or_cr_lf) {
    lines self;
    lines_init(&self, &(weir_line_options){.max_length = 100});
    feed(self, "one\ntwo\r\n\n\r\nthr\ree\r\r\nrest");
    expect_log(self, "\"one\"\n\"two\"\n\"\"\n\"\"\n\"thr\\x0dee\\x0d\"\n");
    frames_clear(&self.frames);
}

WEIR_TEST(line_framer, keeps_the_delimiter_when_asked) {
    lines self;
    lines_init(&self, &(weir_line_options){.max_length = 3, .keep_delimiter = true});
    feed(self, "one\ntwo\r\n");
    expect_log(self, "\"one\\x0a\"\n\"two\\x0d\\x0a\"\n");
    frames_clear(&self.frames);
}

WEIR_TEST(line_framer, finds_an_end_that_comes_in_two_pieces) {
    lines self;
    lines_init(&self, &(weir_line_options){.max_length = 3});
    feed(self, "one\r");
    feed(self, "\ntwo");
    feed(self, "\r");
    feed(self, "\n");
    expect_log(self, "\"one\"\n\"two\"\n");
    frames_clear(&self.frames);
}

WEIR_TEST(line_framer, allows_a_line_of_the_maximum_and_no_longer) {
    lines self;
    lines_init(&self, &(weir_line_options){.max_length = 4});
    feed(self, "four\nfour\r\nfives\nnever\n");
    expect_log(self, "\"four\"\n\"four\"\nWEIR_E_FRAME_TOO_LONG line length 5/4 @11\n");
    frames_clear(&self.frames);

    lines_init(&self, &(weir_line_options){.max_length = 4});
    feed(self, "four\r"); /* may be the end of a line of four, */
    expect_log(self, "");
    feed(self, "x"); /* but is not */
    expect_log(self, "WEIR_E_FRAME_TOO_LONG line length 6/4 @0\n");
    feed(self, "\nnever\n");
    expect_log(self, "");
    frames_clear(&self.frames);
}

WEIR_TEST(line_framer, refuses_as_soon_as_a_line_is_too_long) {
    lines self;
    lines_init(&self, &(weir_line_options){.max_length = 4});
    feed(self, "ok\nabc");
    feed(self, "de");
    expect_log(self, "\"ok\"\nWEIR_E_FRAME_TOO_LONG line length 5/4 @3\n");
    expect(self.frames.bytes.stopped);
    frames_clear(&self.frames);
}

WEIR_TEST(line_framer, refuses_at_the_end_of_the_line_when_asked) {
    lines self;
    lines_init(&self, &(weir_line_options){.max_length = 4, .fail_late = true});
    feed(self, "ok\nabcde");
    expect(self.frames.bytes.in == NULL);
    feed(self, "fgh\r");
    expect_log(self, "\"ok\"\n");
    feed(self, "\nnever\n");
    expect_log(self, "WEIR_E_FRAME_TOO_LONG line length 8/4 @3\n");
    frames_clear(&self.frames);
}

WEIR_TEST(line_framer, goes_on_with_the_next_line_when_asked) {
    lines self;
    lines_init(&self, &(weir_line_options){.max_length = 4, .recover = true});
    feed(self, "toolong");
    feed(self, "er\nok\ntoo long too\nfine\n");
    expect_log(self, "WEIR_E_FRAME_TOO_LONG line length 7/4 @0, goes on\n\"ok\"\n"
                     "WEIR_E_FRAME_TOO_LONG line length 12/4 @13, goes on\n\"fine\"\n");
    frames_clear(&self.frames);
}

/* ---- the end of the stream ---- */

WEIR_TEST(line_framer, leaves_an_unfinished_line_unless_asked_to_accept_it) {
    lines self;
    lines_init(&self, &(weir_line_options){.max_length = 4});
    feed(self, "one\ntwo");
    frames_end(&self.frames);
    expect_log(self, "\"one\"\nWEIR_E_EOF frame 3/0 @4\n");
    frames_clear(&self.frames);

    lines_init(&self, &(weir_line_options){.max_length = 4, .accept_last = true});
    feed(self, "one\ntwo");
    frames_end(&self.frames);
    expect_log(self, "\"one\"\n\"two\"\n");
    frames_clear(&self.frames);

    lines_init(&self, &(weir_line_options){.max_length = 4, .accept_last = true});
    feed(self, "four\r");
    frames_end(&self.frames);
    expect_log(self, "WEIR_E_FRAME_TOO_LONG line length 5/4 @0\n");
    frames_clear(&self.frames);
}

WEIR_TEST(line_framer, tells_of_a_long_line_that_never_ended_once) {
    lines self;
    lines_init(&self, &(weir_line_options){.max_length = 4, .fail_late = true, .recover = true});
    feed(self, "ok\ntoo long");
    frames_end(&self.frames);
    expect_log(self, "\"ok\"\nWEIR_E_FRAME_TOO_LONG line length 8/4 @3, goes on\n");
    frames_clear(&self.frames);

    lines_init(&self, &(weir_line_options){.max_length = 4, .recover = true});
    feed(self, "ok\ntoo long");
    frames_end(&self.frames);
    expect_log(self, "\"ok\"\nWEIR_E_FRAME_TOO_LONG line length 8/4 @3, goes on\n");
    frames_clear(&self.frames);
}

/* ---- cost ---- */

WEIR_TEST(line_framer, searches_each_byte_once) {
    lines self;
    lines_init(&self, &(weir_line_options){.max_length = 1000});
    static uint8_t memory[300];
    memset(memory, 'x', sizeof memory);
    weir_buf *chunk = weir_buf_wrap(memory, sizeof memory, NULL, NULL);
    frames_feed_buf(&self.frames, chunk);
    memory[0] = '\n'; /* nobody looks there again */
    feed(self, "y");
    memory[1] = '\n';
    feed(self, "\n");
    expect_eq(weir_buf_readable(self.frames.last), 301);
    feed(self, "ab");
    feed(self, "c\n");
    expect_eq(weir_buf_readable(self.frames.last), 3);
    frames_clear(&self.frames);
}

WEIR_TEST(line_framer, takes_a_mebibyte_in_tiny_pieces) {
    enum {
        SIZE = 1 << 20
    };
    lines self;
    lines_init(&self, &(weir_line_options){.max_length = SIZE});
    for (size_t at = 0; at < SIZE; at += 16) feed(self, "0123456789abcdef");
    expect_eq(self.framer.searched, SIZE);
    expect(weir_buf_composite_count(self.frames.bytes.in) < 40); /* 64 KiB each: not a chunk a piece */
    feed(self, "\n");
    expect_eq(weir_buf_readable(self.frames.last), SIZE);
    expect_eq(self.framer.searched, 0);
    frames_clear(&self.frames);
}
