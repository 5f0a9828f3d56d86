/* line_framer.c - lines that end in LF or CR LF, each byte searched once.
 */
#include <weir/buffer/buf_search.h>
#include <weir/codec/line_framer.h>

#include "frame.h"

weir_status weir_line_framer_init(weir_line_framer *self, const weir_line_options *options) {
    *self = (weir_line_framer){.options = *options};
    return options->max_length == 0 ? WEIR_E_INVALID : WEIR_OK;
}

/* The line that starts at error->offset is too long. */
static weir_decode refuse(const weir_line_framer *self, uint64_t length, weir_error *error) {
    weir_decode_fail(error, WEIR_E_FRAME_TOO_LONG, "line length", length, self->options.max_length);
    return self->options.recover ? WEIR_DECODE_SKIPPED : WEIR_DECODE_FAILED;
}

/* ---- a line that is too long goes by ---- */

static void discard_all(weir_line_framer *self, weir_buf *in) {
    size_t n = weir_buf_readable(in);
    self->ended_in_cr = frame_byte_at(in, n - 1) == '\r';
    self->discarded += n;
    self->searched = 0;
    weir_buf_skip(in, n);
}

static weir_decode discard_to_end(weir_line_framer *self, weir_buf *in, size_t end, weir_error *error) {
    if (end == WEIR_NOT_FOUND) {
        discard_all(self, in);
        return WEIR_DECODE_MORE;
    }
    bool after_cr = end == 0 ? self->ended_in_cr : frame_byte_at(in, end - 1) == '\r';
    uint64_t length = self->discarded + end - after_cr;
    error->offset -= self->discarded;
    self->discarded = 0;
    weir_buf_skip(in, end + 1);
    return self->options.fail_late ? refuse(self, length, error) : WEIR_DECODE_AGAIN;
}

/* ---- lines ---- */

static weir_decode wait_for_end(weir_line_framer *self, weir_buf *in, weir_error *error) {
    size_t n = weir_buf_readable(in);
    self->searched = n;
    /* A last CR may be half of the line's end. */
    size_t length = n - (frame_byte_at(in, n - 1) == '\r');
    if (length <= self->options.max_length) return WEIR_DECODE_MORE;
    discard_all(self, in);
    return self->options.fail_late ? WEIR_DECODE_MORE : refuse(self, length, error);
}

static weir_decode give_line(weir_line_framer *self, weir_buf *in, size_t end, weir_obj **out,
                             weir_error *error) {
    size_t length = end - (end > 0 && frame_byte_at(in, end - 1) == '\r');
    self->searched = 0;
    if (length > self->options.max_length) {
        weir_buf_skip(in, end + 1);
        return refuse(self, length, error);
    }
    return frame_give(in, 0, self->options.keep_delimiter ? end + 1 : length, end + 1, out, error);
}

weir_decode weir_line_framer_decode(void *framer, weir_buf *in, weir_obj **out, weir_error *error) {
    weir_line_framer *self = framer;
    if (!weir_buf_is_readable(in)) return WEIR_DECODE_MORE;
    size_t end = weir_buf_find(in, self->searched, '\n');
    if (self->discarded != 0) return discard_to_end(self, in, end, error);
    if (end == WEIR_NOT_FOUND) return wait_for_end(self, in, error);
    return give_line(self, in, end, out, error);
}

weir_decode weir_line_framer_decode_last(void *framer, weir_buf *in, weir_obj **out, weir_error *error) {
    weir_line_framer *self = framer;
    if (self->discarded != 0) {
        uint64_t length = self->discarded;
        error->offset -= length;
        self->discarded = 0;
        return self->options.fail_late ? refuse(self, length, error) : WEIR_DECODE_MORE;
    }
    size_t length = weir_buf_readable(in);
    if (length == 0 || !self->options.accept_last) return WEIR_DECODE_MORE;
    if (length <= self->options.max_length) return frame_give(in, 0, length, length, out, error);
    weir_buf_skip(in, length);
    return refuse(self, length, error);
}
