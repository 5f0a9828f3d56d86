/* framing_vectors_test.c - Netty's cases for framing, test/vectors/framing.txt, against the pure framers. */
#include <weir/buffer.h>
#include <weir/codec/cumulation.h>
#include <weir/codec/delimiter_framer.h>
#include <weir/codec/json_framer.h>
#include <weir/codec/length_field_framer.h>
#include <weir/codec/length_prefix.h>
#include <weir/codec/line_framer.h>
#include <weir/codec/varint32_framer.h>
#include <weir/testing.h>
#include <weir/testing/vectors.h>

#define CASES 50

typedef struct replay {
    weir_vectors *vectors;
    char name[64];
    unsigned cases;
    weir_decode_fn *decode; /* of the case at hand; NULL: it encodes */
    union {
        weir_line_framer line;
        weir_length_field_framer sized;
        weir_delimiter_framer delimited;
        weir_varint32_framer varint;
        weir_json_framer json;
    } framer;
    weir_delimiter_options delimiters; /* until the first feed makes the framer of them */
    weir_bytes until[4];
    weir_buf *until_bufs[4];
    weir_cumulation bytes;
    weir_length_prefix_options prefix;
    uint64_t length; /* of what is written */
    weir_buf *written;
} replay;

static int64_t option(const replay *self, const char *name) {
    return weir_vectors_option(self->vectors, name, 0);
}

/* ---- what a case is about ---- */

static void start_lines(replay *self) {
    self->decode = weir_line_framer_decode;
    expect_status(weir_line_framer_init(&self->framer.line,
                                        &(weir_line_options){
                                            .max_length = (size_t)option(self, "max_length"),
                                            .keep_delimiter = option(self, "keep_delimiter") != 0,
                                            .fail_late = option(self, "fail_late") != 0,
                                            .recover = option(self, "recover") != 0,
                                        }),
                  WEIR_OK);
}

static void start_length_fields(replay *self) {
    self->decode = weir_length_field_framer_decode;
    expect_status(weir_length_field_framer_init(
                      &self->framer.sized,
                      &(weir_length_field_options){
                          .max_frame_length = (size_t)option(self, "max_frame_length"),
                          .length_field_offset = (size_t)option(self, "length_field_offset"),
                          .length_field_length = (unsigned)option(self, "length_field_length"),
                          .length_adjustment = option(self, "length_adjustment"),
                          .initial_bytes_to_strip = (size_t)option(self, "initial_bytes_to_strip"),
                          .little_endian = option(self, "little_endian") != 0,
                          .fail_late = option(self, "fail_late") != 0,
                          .recover = option(self, "recover") != 0,
                      }),
                  WEIR_OK);
}

static void start_delimiters(replay *self) {
    self->decode = weir_delimiter_framer_decode;
    self->delimiters = (weir_delimiter_options){
        .max_length = (size_t)option(self, "max_length"),
        .delimiters = self->until,
        .keep_delimiter = option(self, "keep_delimiter") != 0,
        .fail_late = option(self, "fail_late") != 0,
        .recover = option(self, "recover") != 0,
    };
}

static void add_delimiter(replay *self) {
    size_t i = self->delimiters.count++;
    require(i < sizeof self->until / sizeof *self->until);
    self->until_bufs[i] = weir_vectors_bytes(self->vectors);
    self->until[i] = weir_buf_peek(self->until_bufs[i]);
}

static void finish_delimiters(replay *self) {
    if (self->delimiters.count == 0) return;
    expect_status(weir_delimiter_framer_init(&self->framer.delimited, &self->delimiters), WEIR_OK);
    while (self->delimiters.count > 0) weir_buf_release(self->until_bufs[--self->delimiters.count]);
}

static void start_varints(replay *self) {
    self->decode = weir_varint32_framer_decode;
    weir_varint32_options options = {.max_frame_length = (size_t)option(self, "max_frame_length")};
    expect_status(weir_varint32_framer_init(&self->framer.varint, &options), WEIR_OK);
}

static void start_json(replay *self) {
    self->decode = weir_json_framer_decode;
    weir_json_options options = {
        .max_length = (size_t)option(self, "max_length"),
        .stream_array = option(self, "stream_array") != 0,
        .recover = option(self, "recover") != 0,
    };
    expect_status(weir_json_framer_init(&self->framer.json, &options), WEIR_OK);
}

static void start_varint_prefix(replay *self) {
    self->prefix = (weir_length_prefix_options){.length_field_length = WEIR_LENGTH_VARINT32};
    self->length = (uint64_t)option(self, "length");
}

static void start_prefix(replay *self) {
    self->prefix = (weir_length_prefix_options){
        .length_field_length = (unsigned)option(self, "length_field_length"),
        .length_adjustment = option(self, "length_adjustment"),
        .includes_length = option(self, "includes_length") != 0,
        .little_endian = option(self, "little_endian") != 0,
    };
}

/* ---- what it brings ---- */

/* The next thing the decoder has to say. `*frame` Gives a buf. */
static weir_decode next_answer(replay *self, weir_buf **frame, weir_status *status) {
    weir_obj *out;
    weir_error error = {0};
    weir_decode answer;
    do {
        answer = weir_cumulation_next(&self->bytes, self->decode, &self->framer, &out, &error);
    } while (answer == WEIR_DECODE_AGAIN && out == NULL);
    *frame = (weir_buf *)(void *)out;
    *status = error.status;
    return answer;
}

static void expect_nothing_more(replay *self) {
    weir_buf *frame;
    weir_status status;
    if (self->decode != NULL) expect_eq(next_answer(self, &frame, &status), WEIR_DECODE_MORE);
    if (self->decode != NULL) weir_buf_release(frame);
}

static void end_case(replay *self) {
    expect_nothing_more(self);
    weir_cumulation_clear(&self->bytes);
    if (self->decode == weir_delimiter_framer_decode) weir_delimiter_framer_clear(&self->framer.delimited);
    weir_buf_release(self->written);
    self->written = NULL;
    self->decode = NULL;
}

static void start_case(replay *self) {
    end_case(self);
    weir_cumulation_init(&self->bytes, NULL);
    self->cases++;
    snprintf(self->name, sizeof self->name, "%s", weir_vectors_rest(self->vectors));
}

static void feed(replay *self) {
    finish_delimiters(self);
    expect_nothing_more(self);
    expect_status(weir_cumulation_add(&self->bytes, weir_vectors_bytes(self->vectors)), WEIR_OK);
}

static void expect_frame(replay *self) {
    weir_buf *frame;
    weir_status status;
    weir_buf *expected = weir_vectors_bytes(self->vectors);
    if (expect_eq(next_answer(self, &frame, &status), WEIR_DECODE_AGAIN)) {
        expect(weir_buf_equal(frame, expected));
    }
    weir_buf_release(frame);
    weir_buf_release(expected);
}

static weir_status encode(const replay *self, uint8_t *out, size_t *width) {
    return weir_length_prefix_write(&self->prefix, self->length, out, width);
}

static void expect_refusal(replay *self, weir_decode expected) {
    weir_buf *frame = NULL;
    weir_status status;
    uint8_t raw[WEIR_LENGTH_PREFIX_MAX];
    if (self->decode == NULL) {
        status = encode(self, raw, NULL);
    } else {
        expect_eq(next_answer(self, &frame, &status), expected);
    }
    expect_str(weir_status_name(status), weir_vectors_rest(self->vectors));
    weir_buf_release(frame);
}

static void expect_error(replay *self) {
    expect_refusal(self, WEIR_DECODE_SKIPPED);
}

static void expect_end(replay *self) {
    expect_refusal(self, WEIR_DECODE_FAILED);
}

static void expect_sent(replay *self) {
    uint8_t raw[WEIR_LENGTH_PREFIX_MAX];
    size_t width = 0;
    weir_buf *expected = weir_vectors_bytes(self->vectors);
    expect_status(encode(self, raw, &width), WEIR_OK);
    weir_buf *sent = weir_buf_new(0);
    weir_buf_write_bytes(sent, raw, width);
    if (self->written != NULL) weir_buf_write_buf(sent, self->written, weir_buf_readable(self->written));
    expect(weir_buf_equal(sent, expected));
    weir_buf_release(sent);
    weir_buf_release(expected);
}

/* ---- the file ---- */

static void skip_line(replay *self) {
    (void)self;
}

static void keep_written(replay *self) {
    self->written = weir_vectors_bytes(self->vectors);
    self->length = weir_buf_readable(self->written);
}

static const struct {
    const char *word;
    void (*act)(replay *self);
} words[] = {
    {"case", start_case},
    {"origin", skip_line},
    {"line", start_lines},
    {"length_field", start_length_fields},
    {"prepend", start_prefix},
    {"feed", feed},
    {"frame", expect_frame},
    {"error", expect_error},
    {"write", keep_written},
    {"sent", expect_sent},
    {"delimiter", start_delimiters},
    {"until", add_delimiter},
    {"varint32", start_varints},
    {"json", start_json},
    {"prefix", start_varint_prefix},
    {"end", expect_end},
};

WEIR_TEST(framing_vectors, hold) {
    replay self = {.vectors = weir_vectors_open(WEIR_VECTORS_DIR "/framing.txt")};
    while (weir_vectors_next(self.vectors)) {
        size_t i = 0;
        size_t n = sizeof words / sizeof words[0];
        while (i < n && !weir_vectors_is(self.vectors, words[i].word)) i++;
        weir_test_context("%s, line %u", self.name, weir_vectors_line(self.vectors));
        require(i < n);
        words[i].act(&self);
    }
    end_case(&self);
    expect_eq(self.cases, CASES);
    weir_vectors_close(self.vectors);
}
