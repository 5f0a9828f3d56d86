/* length_field_framer.c - frames that carry their length.
 *
 * Lengths are unsigned 64 bit; a sum that leaves that range is a frame of UINT64_MAX bytes: too long.
 */
#include <weir/buffer/buf_int.h>
#include <weir/codec/length_field_framer.h>

#include "frame.h"
#include "framing/length_width.h"
#include "framing/sized_frame.h"

weir_status weir_length_field_framer_init(weir_length_field_framer *self,
                                          const weir_length_field_options *options) {
    *self = (weir_length_field_framer){.options = *options};
    size_t header;
    if (!length_width_is_known(options->length_field_length) ||
        __builtin_add_overflow(options->length_field_offset, options->length_field_length, &header) ||
        header > options->max_frame_length || options->initial_bytes_to_strip > options->max_frame_length) {
        return WEIR_E_INVALID;
    }
    return WEIR_OK;
}

static size_t header_length(const weir_length_field_options *options) {
    return options->length_field_offset + options->length_field_length;
}

static uint64_t read_length(const weir_length_field_options *options, const weir_buf *in) {
    uint8_t raw[8];
    size_t width = options->length_field_length;
    const uint8_t *field = frame_bytes_at(in, options->length_field_offset, width, raw);
    return options->little_endian ? weir_load_le(field, width) : weir_load_be(field, width);
}

static uint64_t add_saturated(uint64_t a, uint64_t b) {
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

/* The whole frame's length; false when the length contradicts itself. */
static bool frame_length(const weir_length_field_options *options, uint64_t length, uint64_t *out) {
    if (length > INT64_MAX) return false;
    uint64_t body;
    if (options->length_adjustment >= 0) {
        body = length + (uint64_t)options->length_adjustment;
    } else {
        uint64_t less = 0 - (uint64_t)options->length_adjustment;
        if (less > length) return false;
        body = length - less;
    }
    *out = add_saturated(body, header_length(options));
    return true;
}

/* ---- a frame that is refused goes by ---- */

static weir_decode tell_refusal(const weir_length_field_framer *self, weir_error *error) {
    const char *what = self->refusal == WEIR_E_FRAME_TOO_LONG ? "frame length" : "bytes to strip";
    weir_decode_fail(error, self->refusal, what, self->refused, self->options.max_frame_length);
    return self->options.recover ? WEIR_DECODE_SKIPPED : WEIR_DECODE_FAILED;
}

static void discard(weir_length_field_framer *self, weir_buf *in) {
    size_t n = weir_buf_readable(in);
    if (n > self->discard_left) n = (size_t)self->discard_left;
    weir_buf_skip(in, n);
    self->discard_left -= n;
}

static weir_decode refuse(weir_length_field_framer *self, weir_status why, uint64_t length, weir_buf *in,
                          weir_error *error) {
    self->refusal = why;
    self->refused = self->discard_left = length;
    discard(self, in);
    bool is_over = self->discard_left == 0;
    if (self->options.fail_late && !is_over) return WEIR_DECODE_MORE;
    weir_decode answer = tell_refusal(self, error);
    if (is_over) self->refusal = WEIR_OK;
    return answer;
}

/* Its last byte has come, or the stream has ended; `passed` bytes of it were discarded before `in`. */
static weir_decode leave_refused(weir_length_field_framer *self, uint64_t passed, weir_error *error) {
    weir_decode answer = WEIR_DECODE_AGAIN;
    if (self->options.fail_late) {
        error->offset -= passed;
        answer = tell_refusal(self, error);
    }
    self->refusal = WEIR_OK;
    return answer;
}

weir_decode sized_frame_pass(weir_length_field_framer *self, weir_buf *in, weir_error *error) {
    uint64_t passed = self->refused - self->discard_left;
    discard(self, in);
    return self->discard_left == 0 ? leave_refused(self, passed, error) : WEIR_DECODE_MORE;
}

/* ---- frames ---- */

weir_decode sized_frame_take(weir_length_field_framer *self, uint64_t whole, size_t strip, weir_buf *in,
                             weir_obj **out, weir_error *error) {
    if (whole > self->options.max_frame_length) return refuse(self, WEIR_E_FRAME_TOO_LONG, whole, in, error);
    if (strip > whole) return refuse(self, WEIR_E_FRAME_CORRUPT, whole, in, error);
    if (weir_buf_readable(in) < whole) return WEIR_DECODE_MORE;
    return frame_give(in, strip, (size_t)whole - strip, (size_t)whole, out, error);
}

weir_decode weir_length_field_framer_decode(void *framer, weir_buf *in, weir_obj **out, weir_error *error) {
    weir_length_field_framer *self = framer;
    const weir_length_field_options *options = &self->options;
    if (self->refusal != WEIR_OK) return sized_frame_pass(self, in, error);
    if (weir_buf_readable(in) < header_length(options)) return WEIR_DECODE_MORE;
    uint64_t length = read_length(options, in);
    uint64_t whole;
    if (!frame_length(options, length, &whole)) {
        return weir_decode_fail(error, WEIR_E_FRAME_CORRUPT, "frame length", length,
                                options->max_frame_length);
    }
    return sized_frame_take(self, whole, options->initial_bytes_to_strip, in, out, error);
}

weir_decode weir_length_field_framer_decode_last(void *framer, weir_buf *in, weir_obj **out,
                                                 weir_error *error) {
    weir_length_field_framer *self = framer;
    (void)in;
    (void)out;
    if (self->refusal == WEIR_OK || !self->options.fail_late) return WEIR_DECODE_MORE;
    return leave_refused(self, self->refused - self->discard_left, error);
}
