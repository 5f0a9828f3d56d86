/* http_section.c - heads and trailers: lines up to an empty one.
 *
 * Lines are parsed where they were read. When a read ends inside a section, what came of it is gathered in a buf
 * of the parser's own, and the rest behind it, each byte copied once. Places are counted from where the section begins,
 * so those that were noted stay true. A CR that comes last stays in the buf, so that what
 * ends a section is never only one byte.
 */
#include <weir/buffer/buf_bytes.h>
#include <weir/buffer/buf_view.h>

#include "http/http_parse.h"
#include "http/http_scan.h"

/* Of a read that may go far beyond the section. */
#define GATHER_STEP 1024

static void refuse_long(weir_http_parser *self, weir_error *error) {
    error->offset += self->at;
    const weir_http_limits *limits = &self->limits;
    if (self->state == HTTP_TRAILERS) {
        uint64_t actual = limits->trailers - self->room + self->clean;
        http_refuse_limit(self, error, 431, "trailers", actual, limits->trailers);
    } else if (self->started) {
        uint64_t actual = limits->fields - self->room + self->clean;
        http_refuse_limit(self, error, 431, "header fields", actual, limits->fields);
    } else {
        http_refuse_limit(self, error, 414, "start line", self->clean, limits->line);
    }
}

static http_step refuse_byte(weir_http_parser *self, size_t at, const char *what, weir_error *error) {
    error->offset += at;
    http_refuse(self, error, 400, what);
    return HTTP_REFUSED;
}

/* The line at hand: WHOLE when its CR LF is there, and self->clean its length. It may be looked at no further than the
 * limit goes: where it is refused may not depend on how much is there. */
static http_step read_line(weir_http_parser *self, weir_bytes bytes, weir_error *error) {
    size_t limit = self->room;
    size_t end = bytes.len - self->at - 1 > limit ? self->at + limit + 1 : bytes.len;
    size_t stop = self->at + self->clean;
    stop += http_scan_line(bytes.ptr + stop, end - stop);
    self->clean = stop - self->at;
    if (self->clean > limit) {
        refuse_long(self, error);
        return HTTP_REFUSED;
    }
    if (stop == bytes.len) return HTTP_MORE;
    if (bytes.ptr[stop] != '\r') {
        bool is_lf = bytes.ptr[stop] == '\n';
        return refuse_byte(self, stop, is_lf ? "LF without CR" : "control byte", error);
    }
    if (stop + 1 == bytes.len) return HTTP_MORE;
    if (bytes.ptr[stop + 1] != '\n') return refuse_byte(self, stop, "CR without LF", error);
    return HTTP_WHOLE;
}

/* The line at hand is whole. */
static bool take_line(weir_http_parser *self, weir_bytes line, weir_error *error) {
    if (self->started) {
        self->room -= line.len;
        return http_head_field(self, line, error);
    }
    if (line.len == 0 && self->at == 0) {
        self->start = 2; /* one empty line in front of a request is passed over (RFC 9112 2.2) */
        return true;
    }
    self->started = true;
    self->room = self->limits.fields;
    self->start_length = line.len;
    self->fields_at = self->at + line.len + 2;
    return http_head_start(self, line, error);
}

static http_step read_lines(weir_http_parser *self, weir_bytes bytes, weir_error *error) {
    while (self->at < bytes.len) {
        bool in_fields = self->started;
        if (!in_fields && !http_head_may_begin(self, bytes.ptr[self->at], error)) return HTTP_REFUSED;
        http_step step = read_line(self, bytes, error);
        if (step != HTTP_WHOLE) return step;
        weir_bytes line = weir_bytes_of(bytes.ptr + self->at, self->clean);
        bool is_last = in_fields && line.len == 0;
        if (!is_last && !take_line(self, line, error)) return HTTP_REFUSED;
        self->at += line.len + 2;
        self->clean = 0;
        if (is_last) return HTTP_WHOLE;
    }
    return HTTP_MORE;
}

static http_step out_of_memory(weir_http_parser *self, weir_error *error) {
    http_refuse(self, error, 503, "message");
    return HTTP_REFUSED;
}

/* ---- over several reads ---- */

/* The first `n` bytes are all there are, and the last of them is a CR that may be half of a line's end: not so behind
 * another CR, which was gathered then. */
static bool ends_in_cr(const weir_http_parser *self, const weir_buf *in, size_t n) {
    const uint8_t *ptr = weir_buf_peek(in).ptr;
    if (n == 0 || ptr[n - 1] != '\r' || n != weir_buf_readable(in)) return false;
    return n > 1 || self->gathered == NULL || !weir_buf_is_readable(self->gathered) ||
           self->gathered->wp[-1] != '\r';
}

static size_t next_piece(const weir_http_parser *self, const weir_buf *in) {
    size_t n = weir_buf_peek(in).len;
    if (n > GATHER_STEP) n = GATHER_STEP;
    return n - ends_in_cr(self, in, n);
}

/* What was looked at in place, all of it inside the section. */
static void gather_first(weir_http_parser *self, weir_buf *in) {
    weir_bytes window = weir_buf_peek(in);
    size_t n = window.len - ends_in_cr(self, in, window.len);
    self->gathered = weir_buf_new(n);
    if (self->gathered == NULL) return;
    weir_buf_write_bytes(self->gathered, window.ptr, n);
    weir_buf_skip(in, n);
    self->copied += n;
}

static http_step gather(weir_http_parser *self, weir_buf *in, weir_error *error) {
    if (self->gathered == NULL) gather_first(self, in);
    if (self->gathered == NULL) return out_of_memory(self, error);
    size_t n;
    while ((n = next_piece(self, in)) != 0) {
        weir_buf_write_bytes(self->gathered, weir_buf_peek(in).ptr, n);
        if (weir_buf_status(self->gathered) != WEIR_OK) return out_of_memory(self, error);
        http_step step = read_lines(self, weir_buf_peek(self->gathered), error);
        size_t beyond = step == HTTP_WHOLE ? weir_buf_readable(self->gathered) - self->at : 0;
        self->copied += n - beyond;
        if (step == HTTP_REFUSED) return step;
        weir_buf_skip(in, n - beyond - (step == HTTP_WHOLE));
        if (step == HTTP_WHOLE) return step;
    }
    return HTTP_MORE;
}

/* ---- either way: `in` is left with the last byte of the section ---- */

static http_step give_gathered(weir_http_parser *self, weir_buf **text) {
    *text = self->gathered;
    self->gathered = NULL;
    weir_buf_set_positions(*text, 0, self->at - 2);
    return HTTP_WHOLE;
}

static http_step give_slice(weir_http_parser *self, weir_buf *in, weir_buf **text, weir_error *error) {
    *text = weir_buf_slice(in, 0, self->at - 2);
    if (*text == NULL) return out_of_memory(self, error);
    weir_buf_skip(in, self->at - 1);
    return HTTP_WHOLE;
}

http_step http_section_read(weir_http_parser *self, weir_buf *in, weir_buf **text, weir_error *error) {
    if (self->gathered != NULL) error->offset -= weir_buf_readable(self->gathered);
    if (self->gathered == NULL) {
        http_step step = read_lines(self, weir_buf_peek(in), error);
        if (step == HTTP_WHOLE) return give_slice(self, in, text, error);
        if (step == HTTP_REFUSED) return step;
    }
    http_step step = gather(self, in, error);
    return step == HTTP_WHOLE ? give_gathered(self, text) : step;
}
