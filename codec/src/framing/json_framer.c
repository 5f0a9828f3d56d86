/* json_framer.c - JSON values by their brackets, each byte looked at once.
 */
#include <weir/buffer/buf_scan.h>
#include <weir/buffer/buf_search.h>
#include <weir/codec/json_framer.h>

#include "frame.h"

/* Space, tab, line feed, carriage return: RFC 8259, 2. */
static const weir_byte_set white_space = {
    {UINT64_C(1) << ' ' | UINT64_C(1) << '\t' | UINT64_C(1) << '\n' | UINT64_C(1) << '\r'}};

weir_status weir_json_framer_init(weir_json_framer *self, const weir_json_options *options) {
    *self = (weir_json_framer){.options = *options};
    return options->max_length == 0 ? WEIR_E_INVALID : WEIR_OK;
}

/* ---- inside a value ---- */

typedef enum reach {
    REACH_ON,
    REACH_BEHIND, /* the value ends with this byte */
    REACH_BEFORE, /* the value, a scalar, ended before it */
} reach;

static reach step_in_string(weir_json_framer *self, uint8_t byte) {
    if (self->is_escaped) {
        self->is_escaped = false;
    } else if (byte == '\\') {
        self->is_escaped = true;
    } else if (byte == '"') {
        self->in_string = false;
        return self->depth == 0 ? REACH_BEHIND : REACH_ON;
    }
    return REACH_ON;
}

static reach step_outside(weir_json_framer *self, uint8_t byte) {
    switch (byte) {
    case '"': self->in_string = true; return REACH_ON;
    case '{':
    case '[': self->depth++; return REACH_ON;
    case '}':
    case ']':
        if (self->depth == 0) return REACH_BEFORE;
        return --self->depth == 0 ? REACH_BEHIND : REACH_ON;
    case ',': return self->depth == 0 ? REACH_BEFORE : REACH_ON;
    default: return self->depth == 0 && weir_byte_set_has(&white_space, byte) ? REACH_BEFORE : REACH_ON;
    }
}

/* A weir_buf_visit_fn; stops at the end of the value. */
static bool look_at(void *framer, weir_bytes part) {
    weir_json_framer *self = framer;
    for (size_t i = 0; i < part.len; i++) {
        uint8_t byte = part.ptr[i];
        reach reached = self->in_string ? step_in_string(self, byte) : step_outside(self, byte);
        self->searched += reached != REACH_BEFORE;
        if (reached != REACH_ON) return false;
    }
    return true;
}

static weir_decode refuse(const weir_json_framer *self, uint64_t length, weir_error *error) {
    weir_decode_fail(error, WEIR_E_FRAME_TOO_LONG, "JSON value", length, self->options.max_length);
    return self->options.recover ? WEIR_DECODE_SKIPPED : WEIR_DECODE_FAILED;
}

static void leave_value(weir_json_framer *self) {
    self->is_inside = self->in_string = self->is_escaped = false;
    self->depth = self->searched = 0;
    self->discarded = 0;
    if (self->place != WEIR_JSON_TOP) self->place = WEIR_JSON_COMMA;
}

/* The value ends after `searched` bytes more. */
static weir_decode end_value(weir_json_framer *self, weir_buf *in, weir_obj **out, weir_error *error) {
    size_t n = self->searched;
    uint64_t discarded = self->discarded;
    leave_value(self);
    if (discarded == 0 && n <= self->options.max_length) return frame_give(in, 0, n, n, out, error);
    error->offset -= discarded;
    weir_buf_skip(in, n);
    bool is_told = discarded != 0 && !self->options.fail_late;
    return is_told ? WEIR_DECODE_AGAIN : refuse(self, discarded + n, error);
}

/* Of a value that is let go the last byte stays: a scalar may end in front of what comes next. */
static weir_decode go_through_value(weir_json_framer *self, weir_buf *in, weir_obj **out, weir_error *error) {
    size_t n = weir_buf_readable(in);
    bool goes_on = weir_buf_visit(in, self->searched, n - self->searched, look_at, self);
    if (!goes_on) return end_value(self, in, out, error);
    if (self->discarded == 0 && n <= self->options.max_length) return WEIR_DECODE_MORE;
    bool is_told = self->discarded != 0 || self->options.fail_late;
    weir_buf_skip(in, n - 1);
    self->discarded += n - 1;
    self->searched = 1;
    return is_told ? WEIR_DECODE_MORE : refuse(self, n, error);
}

/* ---- between values ---- */

static weir_decode refuse_byte(uint8_t byte, weir_error *error) {
    return weir_decode_fail(error, WEIR_E_FRAME_CORRUPT, "byte between JSON values", byte, 0);
}

static weir_decode move_to(weir_json_framer *self, weir_json_place place, weir_buf *in) {
    self->place = place;
    weir_buf_skip(in, 1);
    return WEIR_DECODE_AGAIN;
}

/* At a byte that is no white space. MORE: a value starts there. */
static weir_decode look_between(weir_json_framer *self, uint8_t byte, weir_buf *in, weir_error *error) {
    bool in_array = self->place != WEIR_JSON_TOP;
    if (byte == ']' && (self->place == WEIR_JSON_FIRST || self->place == WEIR_JSON_COMMA)) {
        return move_to(self, WEIR_JSON_TOP, in);
    }
    if (self->place == WEIR_JSON_COMMA) {
        return byte == ',' ? move_to(self, WEIR_JSON_ELEMENT, in) : refuse_byte(byte, error);
    }
    if (!in_array && byte == '[' && self->options.stream_array) return move_to(self, WEIR_JSON_FIRST, in);
    bool starts = in_array ? memchr(",]}:", byte, 4) == NULL : byte == '{' || byte == '[';
    if (!starts) return refuse_byte(byte, error);
    self->is_inside = true;
    return WEIR_DECODE_MORE;
}

weir_decode weir_json_framer_decode(void *framer, weir_buf *in, weir_obj **out, weir_error *error) {
    weir_json_framer *self = framer;
    if (self->is_inside) return go_through_value(self, in, out, error);
    size_t blank = weir_buf_find_out(in, 0, &white_space);
    bool is_all_blank = blank == WEIR_NOT_FOUND;
    if (is_all_blank) blank = weir_buf_readable(in);
    weir_buf_skip(in, blank);
    error->offset += blank;
    if (is_all_blank) return WEIR_DECODE_MORE;
    weir_decode answer = look_between(self, frame_byte_at(in, 0), in, error);
    return self->is_inside ? go_through_value(self, in, out, error) : answer;
}

weir_decode weir_json_framer_decode_last(void *framer, weir_buf *in, weir_obj **out, weir_error *error) {
    weir_json_framer *self = framer;
    (void)out;
    uint64_t discarded = self->discarded;
    if (discarded != 0) {
        size_t n = weir_buf_readable(in);
        leave_value(self);
        error->offset -= discarded;
        weir_buf_skip(in, n);
        return self->options.fail_late ? refuse(self, discarded + n, error) : WEIR_DECODE_MORE;
    }
    bool is_open = self->place != WEIR_JSON_TOP && !weir_buf_is_readable(in);
    if (!is_open || self->options.decoder.ignore_partial) return WEIR_DECODE_MORE;
    return weir_decode_fail(error, WEIR_E_EOF, "JSON array", 0, 0);
}
