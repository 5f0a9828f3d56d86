/* frames.c - a decode loop of a program without the transport. */
#include "codec/frames.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include <weir/buffer/buf_bytes.h>
#include <weir/testing.h>

void frames_init(frames *self, weir_decode_fn *decode, weir_decode_fn *decode_last, void *state,
                 const weir_decoder_options *options) {
    *self = (frames){.decode = decode, .decode_last = decode_last, .state = state};
    weir_cumulation_init(&self->bytes, options);
}

void frames_clear(frames *self) {
    weir_cumulation_clear(&self->bytes);
    weir_buf_release(self->last);
    self->last = NULL;
}

static void WEIR_PRINTF(2, 3) note(frames *self, const char *format, ...) {
    va_list args;
    va_start(args, format);
    int n = vsnprintf(self->log + self->length, sizeof self->log - self->length, format, args);
    va_end(args);
    require(n >= 0 && (size_t)n < sizeof self->log - self->length);
    self->length += (size_t)n;
}

/* Takes: buf. */
static void note_frame(frames *self, weir_buf *buf) {
    weir_buf_release(self->last);
    self->last = buf;
    if (weir_buf_is_composite(buf)) self->composites++;
    note(self, "\"");
    size_t n = weir_buf_readable(buf);
    for (size_t i = 0; i < n && i < 32; i++) {
        uint8_t byte = 0;
        require(weir_buf_get_bytes(buf, weir_buf_reader_index(buf) + i, &byte, 1));
        note(self, byte >= 0x20 && byte < 0x7f ? "%c" : "\\x%02x", byte);
    }
    note(self, n > 32 ? "...\" %zu\n" : "\"\n", n);
}

static void note_refusal(frames *self, const weir_error *error, bool goes_on) {
    note(self, "%s %s %" PRIu64 "/%" PRIu64 " @%" PRIu64 "%s\n", weir_status_name(error->status), error->what,
         error->actual, error->maximum, error->offset, goes_on ? ", goes on" : "");
}

/* False when there was nothing. */
static bool note_step(frames *self, weir_decode answer, weir_obj *out, const weir_error *error) {
    if (answer == WEIR_DECODE_AGAIN && out != NULL) note_frame(self, (weir_buf *)(void *)out);
    if (answer == WEIR_DECODE_SKIPPED || answer == WEIR_DECODE_FAILED) {
        note_refusal(self, error, answer == WEIR_DECODE_SKIPPED);
    }
    return answer != WEIR_DECODE_MORE;
}

weir_buf *frames_buf(const void *bytes, size_t n) {
    weir_buf *buf = weir_buf_new(n);
    require(buf != NULL);
    weir_buf_write_bytes(buf, bytes, n);
    require(weir_buf_status(buf) == WEIR_OK);
    return buf;
}

void frames_feed_buf(frames *self, weir_buf *buf) {
    weir_obj *out;
    weir_error error;
    weir_decode answer;
    weir_status status = weir_cumulation_add(&self->bytes, buf);
    if (status != WEIR_OK) note(self, "add: %s\n", weir_status_name(status));
    do {
        answer = weir_cumulation_next(&self->bytes, self->decode, self->state, &out, &error);
    } while (note_step(self, answer, out, &error));
}

void frames_feed(frames *self, const void *bytes, size_t n) {
    frames_feed_buf(self, frames_buf(bytes, n));
}

void frames_end(frames *self) {
    weir_obj *out;
    weir_error error;
    weir_decode answer;
    do {
        answer = weir_cumulation_end(&self->bytes, self->decode_last, self->state, &out, &error);
    } while (note_step(self, answer, out, &error));
}

const char *frames_take_log(frames *self) {
    self->log[self->length] = '\0';
    self->length = 0;
    return self->log;
}
