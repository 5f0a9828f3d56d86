/* fuzz_framing.c - the pure framers: no input may break them, and no cut may change what they give.
 *
 * The first eight bytes choose framer and options, the ninth how the rest is cut. The rest is decoded
 * twice, in one piece and in pieces, and both must give the same frames and refusals.
 */
#include <weir/buffer.h>
#include <weir/codec/cumulation.h>
#include <weir/codec/delimiter_framer.h>
#include <weir/codec/fixed_length_framer.h>
#include <weir/codec/json_framer.h>
#include <weir/codec/length_field_framer.h>
#include <weir/codec/line_framer.h>
#include <weir/codec/varint32_framer.h>

#include "fuzz/fuzz.h"

enum {
    HEADER = 9,
    SIZE_MOST = 1 << 16
};

typedef struct framer {
    union {
        weir_line_framer line;
        weir_length_field_framer sized;
        weir_delimiter_framer delimited;
        weir_fixed_length_framer fixed;
        weir_varint32_framer varint;
        weir_json_framer json;
    } state;
    weir_decode_fn *decode, *decode_last;
    weir_decoder_options options;
    size_t longest; /* frame there may be */
} framer;

/* What came out: how many, and a digest of each and their order. */
typedef struct outcome {
    uint64_t digest;
    uint64_t frames, refusals;
} outcome;

static void mix(outcome *self, uint64_t value) {
    self->digest = (self->digest ^ value) * UINT64_C(0x9E3779B97F4A7C15);
    self->digest ^= self->digest >> 29;
}

/* ---- options out of bytes ---- */

static bool choose_lines(framer *self, const uint8_t *data) {
    weir_line_options options = {
        .max_length = data[1],
        .keep_delimiter = (data[2] & 1) != 0,
        .accept_last = (data[2] & 2) != 0,
        .fail_late = (data[2] & 4) != 0,
        .recover = (data[2] & 8) != 0,
    };
    self->decode = weir_line_framer_decode;
    self->decode_last = weir_line_framer_decode_last;
    self->longest = options.max_length + (options.keep_delimiter ? 2 : 0);
    return weir_line_framer_init(&self->state.line, &options) == WEIR_OK;
}

static bool choose_length_fields(framer *self, const uint8_t *data) {
    static const int64_t extremes[] = {INT64_MIN, INT64_MAX, INT64_MIN + 1, INT64_MAX - 300};
    weir_length_field_options options = {
        .max_frame_length = (data[2] & 1) != 0 ? SIZE_MAX : (size_t)data[1] * 4,
        .length_field_length = data[3] % 9,
        .length_field_offset = data[4] % 32,
        .length_adjustment = (data[2] & 2) != 0 ? extremes[data[5] % 4] : (int8_t)data[5],
        .initial_bytes_to_strip = data[6] % 48,
        .little_endian = (data[2] & 4) != 0,
        .fail_late = (data[2] & 8) != 0,
        .recover = (data[2] & 16) != 0,
    };
    self->decode = weir_length_field_framer_decode;
    self->decode_last = weir_length_field_framer_decode_last;
    self->longest = options.max_frame_length;
    return weir_length_field_framer_init(&self->state.sized, &options) == WEIR_OK;
}

/* The delimiters share letters, so that one may begin, end or be inside another. */
static bool choose_delimiters(framer *self, const uint8_t *data) {
    static const char *const words[] = {"a", "ab", "ba", "aab", "b", "abab", "\n", "\r\n"};
    weir_bytes delimiters[8];
    size_t count = 0;
    for (size_t i = 0; i < 8; i++) {
        if ((data[3] >> i & 1) != 0) delimiters[count++] = weir_bytes_str(words[i]);
    }
    weir_delimiter_options options = {
        .max_length = data[1],
        .delimiters = delimiters,
        .count = count,
        .keep_delimiter = (data[2] & 1) != 0,
        .accept_last = (data[2] & 2) != 0,
        .fail_late = (data[2] & 4) != 0,
        .recover = (data[2] & 8) != 0,
    };
    self->decode = weir_delimiter_framer_decode;
    self->decode_last = weir_delimiter_framer_decode_last;
    self->longest = options.max_length + (options.keep_delimiter ? 4 : 0);
    return weir_delimiter_framer_init(&self->state.delimited, &options) == WEIR_OK;
}

static bool choose_fixed_length(framer *self, const uint8_t *data) {
    self->decode = weir_fixed_length_framer_decode;
    self->longest = data[1];
    weir_fixed_length_options options = {.length = data[1]};
    return weir_fixed_length_framer_init(&self->state.fixed, &options) == WEIR_OK;
}

static bool choose_varints(framer *self, const uint8_t *data) {
    weir_varint32_options options = {
        .max_frame_length = (data[2] & 1) != 0 ? SIZE_MAX : (size_t)data[1] * 4,
        .keep_length = (data[2] & 2) != 0,
        .fail_late = (data[2] & 4) != 0,
        .recover = (data[2] & 8) != 0,
    };
    self->decode = weir_varint32_framer_decode;
    self->decode_last = weir_varint32_framer_decode_last;
    self->longest = options.max_frame_length;
    return weir_varint32_framer_init(&self->state.varint, &options) == WEIR_OK;
}

static bool choose_json(framer *self, const uint8_t *data) {
    weir_json_options options = {
        .max_length = data[1],
        .stream_array = (data[2] & 1) != 0,
        .fail_late = (data[2] & 4) != 0,
        .recover = (data[2] & 8) != 0,
        .decoder = self->options,
    };
    self->decode = weir_json_framer_decode;
    self->decode_last = weir_json_framer_decode_last;
    self->longest = options.max_length;
    return weir_json_framer_init(&self->state.json, &options) == WEIR_OK;
}

static bool choose(framer *self, const uint8_t *data) {
    static bool (*const choices[])(framer *, const uint8_t *) = {choose_lines,      choose_length_fields,
                                                                 choose_delimiters, choose_fixed_length,
                                                                 choose_varints,    choose_json};
    self->options.contiguous = (data[7] & 1) != 0;
    self->options.ignore_partial = (data[7] & 2) != 0;
    return choices[data[0] % 6](self, data);
}

/* ---- one run ---- */

static void count_frame(const framer *self, outcome *seen, weir_buf *frame) {
    MUST(weir_buf_readable(frame) <= self->longest);
    if (self->options.contiguous) MUST(weir_buf_peek(frame).len == weir_buf_readable(frame));
    seen->frames++;
    mix(seen, weir_buf_hash(frame));
    weir_buf_release(frame);
}

/* False when there was nothing. */
static bool count_answer(const framer *self, outcome *seen, weir_decode answer, weir_obj *out,
                         const weir_error *error) {
    if (out != NULL) count_frame(self, seen, weir_buf_from(out));
    if (answer == WEIR_DECODE_SKIPPED || answer == WEIR_DECODE_FAILED) {
        MUST(error->status == WEIR_E_FRAME_TOO_LONG || error->status == WEIR_E_FRAME_CORRUPT ||
             error->status == WEIR_E_EOF);
        seen->refusals++;
        mix(seen, (uint64_t)(int64_t)error->status);
        mix(seen, error->offset);
    }
    return answer != WEIR_DECODE_MORE;
}

static void decode_all(framer *self, weir_cumulation *bytes, outcome *seen, bool at_end) {
    weir_obj *out;
    weir_error error;
    weir_decode answer;
    do {
        answer = at_end ? weir_cumulation_end(bytes, self->decode_last, &self->state, &out, &error)
                        : weir_cumulation_next(bytes, self->decode, &self->state, &out, &error);
    } while (count_answer(self, seen, answer, out, &error));
}

static size_t next_piece(uint32_t *random, size_t left) {
    *random = *random * 1664525 + 1013904223;
    size_t n = 1 + ((*random >> 8) & ((*random >> 28) < 4 ? 0x3ff : 0x7));
    return n < left ? n : left;
}

/* `seed` 0: in one piece. */
static outcome decode_in_pieces(framer self, const uint8_t *data, size_t size, uint32_t seed) {
    outcome seen = {0};
    weir_cumulation bytes;
    weir_cumulation_init(&bytes, &self.options);
    uint32_t random = seed;
    for (size_t at = 0, n; at < size; at += n) {
        n = seed == 0 ? size : next_piece(&random, size - at);
        weir_buf *piece = weir_buf_new(n);
        MUST(piece != NULL);
        weir_buf_write_bytes(piece, data + at, n);
        MUST(weir_cumulation_add(&bytes, piece) == WEIR_OK);
        decode_all(&self, &bytes, &seen, false);
    }
    decode_all(&self, &bytes, &seen, true);
    MUST(bytes.offset <= size);
    weir_cumulation_clear(&bytes);
    return seen;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    framer self = {0};
    if (size < HEADER || size > SIZE_MOST || !choose(&self, data)) return 0;
    outcome whole = decode_in_pieces(self, data + HEADER, size - HEADER, 0);
    outcome pieces = decode_in_pieces(self, data + HEADER, size - HEADER, data[8] + 1u);
    if (self.decode == weir_delimiter_framer_decode) weir_delimiter_framer_clear(&self.state.delimited);
    MUST(whole.frames == pieces.frames);
    MUST(whole.refusals == pieces.refusals);
    MUST(whole.digest == pieces.digest);
    return 0;
}
