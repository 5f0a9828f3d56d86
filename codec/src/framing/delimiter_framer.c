/* delimiter_framer.c - frames between delimiters.
 *
 * The search goes on across frames that are let go, so a delimiter is found also when its beginning is gone.
 */
#include <weir/buffer/buf_search.h>
#include <weir/codec/delimiter_framer.h>

#include "frame.h"

#define TABLES_MAX ((size_t)64 << 10)

weir_status weir_delimiter_framer_init(weir_delimiter_framer *self, const weir_delimiter_options *options) {
    *self = (weir_delimiter_framer){.options = *options};
    self->options.delimiters = NULL;
    if (options->max_length == 0 || options->count == 0) return WEIR_E_INVALID;
    for (size_t i = 0; i < options->count; i++) {
        size_t length = options->delimiters[i].len;
        if (length == 0) return WEIR_E_INVALID;
        if (length > self->longest) self->longest = length;
    }
    self->byte = options->delimiters[0].ptr[0];
    if (options->count == 1 && self->longest == 1) return WEIR_OK;
    return weir_matcher_new_many(options->delimiters, options->count, TABLES_MAX, &self->matcher);
}

void weir_delimiter_framer_clear(weir_delimiter_framer *self) {
    weir_matcher_free(self->matcher);
    self->matcher = NULL;
}

/* Where the first delimiter ends; match.len is then how long it is. */
static size_t find_end(weir_delimiter_framer *self, const weir_buf *in) {
    if (self->matcher != NULL) return weir_buf_match(in, self->searched, self->matcher, &self->match);
    size_t at = weir_buf_find(in, self->searched, self->byte);
    self->match.len = 1;
    return at == WEIR_NOT_FOUND ? at : at + 1;
}

static void start_frame(weir_delimiter_framer *self) {
    self->match = (weir_match){0};
    self->searched = 0;
    self->discarded = 0;
}

static weir_decode refuse(const weir_delimiter_framer *self, uint64_t length, weir_error *error) {
    weir_decode_fail(error, WEIR_E_FRAME_TOO_LONG, "frame length", length, self->options.max_length);
    return self->options.recover ? WEIR_DECODE_SKIPPED : WEIR_DECODE_FAILED;
}

static void discard_all(weir_delimiter_framer *self, weir_buf *in) {
    size_t n = weir_buf_readable(in);
    self->discarded += n;
    self->searched = 0;
    weir_buf_skip(in, n);
}

static weir_decode wait_for_end(weir_delimiter_framer *self, weir_buf *in, weir_error *error) {
    size_t n = weir_buf_readable(in), most = self->options.max_length;
    self->searched = n;
    /* The last bytes may be the beginning of a delimiter. */
    if (n < self->longest || n - (self->longest - 1) <= most) return WEIR_DECODE_MORE;
    discard_all(self, in);
    return self->options.fail_late ? WEIR_DECODE_MORE : refuse(self, n - (self->longest - 1), error);
}

static weir_decode discard_to(weir_delimiter_framer *self, weir_buf *in, size_t end, weir_error *error) {
    if (end == WEIR_NOT_FOUND) {
        discard_all(self, in);
        return WEIR_DECODE_MORE;
    }
    uint64_t length = self->discarded + end - self->match.len;
    error->offset -= self->discarded;
    weir_buf_skip(in, end);
    start_frame(self);
    return self->options.fail_late ? refuse(self, length, error) : WEIR_DECODE_AGAIN;
}

weir_decode weir_delimiter_framer_decode(void *framer, weir_buf *in, weir_obj **out, weir_error *error) {
    weir_delimiter_framer *self = framer;
    if (!weir_buf_is_readable(in)) return WEIR_DECODE_MORE;
    size_t end = find_end(self, in);
    if (self->discarded != 0) return discard_to(self, in, end, error);
    if (end == WEIR_NOT_FOUND) return wait_for_end(self, in, error);
    size_t length = end - self->match.len;
    start_frame(self);
    if (length <= self->options.max_length) {
        return frame_give(in, 0, self->options.keep_delimiter ? end : length, end, out, error);
    }
    weir_buf_skip(in, end);
    return refuse(self, length, error);
}

weir_decode weir_delimiter_framer_decode_last(void *framer, weir_buf *in, weir_obj **out, weir_error *error) {
    weir_delimiter_framer *self = framer;
    uint64_t discarded = self->discarded;
    size_t length = weir_buf_readable(in);
    start_frame(self);
    if (discarded != 0) {
        error->offset -= discarded;
        return self->options.fail_late ? refuse(self, discarded, error) : WEIR_DECODE_MORE;
    }
    if (length == 0 || !self->options.accept_last) return WEIR_DECODE_MORE;
    if (length <= self->options.max_length) return frame_give(in, 0, length, length, out, error);
    weir_buf_skip(in, length);
    return refuse(self, length, error);
}
