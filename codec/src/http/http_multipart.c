/* http_multipart.c - boundaries, heads and what lies between them.
 *
 * A boundary begins with the CR LF in front of it. The very first has none: PREAMBLE looks for it without, once. The
 * CR LF behind a boundary is left to the head, so that an empty head ends in CR LF CR LF like any other.
 */
#include <weir/buffer/buf_search.h>
#include <weir/buffer/buf_view.h>
#include <weir/codec/http_media_type.h>
#include <weir/codec/http_multipart.h>

#include "frame.h"
#include "http/http_lex.h"

enum {
    START,    /* nothing came yet */
    PREAMBLE, /* in front of the first boundary */
    HEAD,
    BODY_START, /* at the empty line behind a head */
    BODY,
    EPILOGUE /* behind the last */
};

enum {
    HEAD_MAX = 8192,
    PARTS_MAX = 1024,
    BLANKS_MAX = 256 /* behind a boundary, in its line */
};

#define TOTAL_MAX (UINT64_C(1) << 30)

/* ---- options ---- */

static bool is_boundary(weir_bytes text) {
    for (size_t i = 0; i < text.len; i++) {
        uint8_t byte = text.ptr[i];
        if (!http_is_letter(byte) && !http_is_digit(byte) &&
            (byte == 0 || strchr("'()+_,-./:=? ", byte) == NULL))
            return false;
    }
    return text.len != 0 && text.len <= WEIR_HTTP_BOUNDARY_MAX && text.ptr[text.len - 1] != ' ';
}

bool weir_http_multipart_boundary(weir_bytes content_type, weir_bytes *boundary) {
    weir_http_media_type type;
    weir_http_param param;
    if (!weir_http_media_type_parse(content_type, &type)) return false;
    if (!weir_bytes_equal_nocase(type.type, weir_bytes_str("multipart"))) return false;
    if (!weir_http_param_find(type.params, "boundary", &param) || !is_boundary(param.value)) return false;
    *boundary = param.value;
    return true;
}

weir_status weir_http_multipart_init(weir_http_multipart *self, const weir_http_multipart_options *options) {
    if (!is_boundary(options->boundary)) return WEIR_E_INVALID;
    *self = (weir_http_multipart){
        .delimiter = "\r\n--",
        .delimiter_length = 4 + options->boundary.len,
        .max_head = options->max_head == 0 ? HEAD_MAX : options->max_head,
        .max_parts = options->max_parts == 0 ? PARTS_MAX : options->max_parts,
        .max_total = options->max_total == 0 ? TOTAL_MAX : options->max_total,
        .is_form = options->is_form,
    };
    memcpy(self->delimiter + 4, options->boundary.ptr, options->boundary.len);
    return WEIR_OK;
}

/* ---- boundaries ---- */

typedef enum finding {
    IS_CUT,  /* more bytes must tell */
    IS_DATA, /* it only looks like a boundary */
    IS_BOUNDARY,
    IS_LAST
} finding;

/* What follows a delimiter that ends at `at`; `*end`: where its line ends, its CR LF not counted. */
static finding look_behind(const weir_buf *in, size_t at, bool is_end, size_t *end) {
    size_t readable = weir_buf_readable(in);
    size_t left = readable - at;
    bool is_last = left >= 2 && frame_byte_at(in, at) == '-' && frame_byte_at(in, at + 1) == '-';
    if (left < 2 && !is_end && (left == 0 || frame_byte_at(in, at) == '-')) return IS_CUT;
    size_t i = at + (is_last ? 2 : 0);
    size_t most = i + BLANKS_MAX;
    while (i < readable && i < most && (frame_byte_at(in, i) == ' ' || frame_byte_at(in, i) == '\t')) i++;
    *end = i;
    if (i == readable) return !is_end ? IS_CUT : is_last ? IS_LAST : IS_DATA;
    if (frame_byte_at(in, i) != '\r') return IS_DATA;
    if (i + 1 == readable) return is_end ? IS_DATA : IS_CUT;
    if (frame_byte_at(in, i + 1) != '\n') return IS_DATA;
    return is_last ? IS_LAST : IS_BOUNDARY;
}

/* How many of the last bytes could be the beginning of a delimiter. */
static size_t undecided(const weir_http_multipart *self, const weir_buf *in) {
    uint8_t raw[sizeof self->delimiter];
    size_t readable = weir_buf_readable(in);
    size_t n = readable < self->delimiter_length - 1 ? readable : self->delimiter_length - 1;
    const uint8_t *tail = frame_bytes_at(in, readable - n, n, raw);
    for (; n > 0; n--, tail++) {
        if (*tail == '\r' && memcmp(tail, self->delimiter, n) == 0) return n;
    }
    return 0;
}

/* What stands at the front of `in`: `*data` bytes that are no boundary, and then, with IS_BOUNDARY and IS_LAST, one whose
 * line is `*line` bytes long. Data comes first: the boundary is found again when it is gone. */
static finding find_boundary(const weir_http_multipart *self, const weir_buf *in, bool is_end, size_t *data,
                             size_t *line) {
    weir_bytes delimiter = weir_bytes_of(self->delimiter, self->delimiter_length);
    size_t at = weir_buf_find_bytes(in, 0, delimiter);
    if (at == WEIR_NOT_FOUND) {
        *data = weir_buf_readable(in) - (is_end ? 0 : undecided(self, in));
        return IS_CUT;
    }
    *data = at;
    if (at != 0) return IS_DATA;
    finding found = look_behind(in, delimiter.len, is_end, line);
    if (found == IS_DATA) *data = delimiter.len;
    return found;
}

/* ---- states ---- */

static weir_decode corrupt(weir_error *error, const char *rule) {
    return weir_decode_fail(error, WEIR_E_FRAME_CORRUPT, rule, 0, 0);
}

/* Every byte is counted when it is passed, so the limit holds whatever it is part of. */
static weir_decode pass(weir_http_multipart *self, weir_buf *in, size_t n, weir_error *error) {
    self->total += n;
    if (self->total > self->max_total) {
        return weir_decode_fail(error, WEIR_E_FRAME_TOO_LONG, "multipart length", self->total,
                                self->max_total);
    }
    if (n == 0)
        return WEIR_DECODE_MORE; /* and an `in` that may be the empty buf, which is everybody's, stays untouched */
    weir_buf_skip(in, n);
    return WEIR_DECODE_AGAIN;
}

static void begin_head(weir_http_multipart *self) {
    self->state = HEAD;
    self->searched = 0;
}

/* The first boundary may stand at the very beginning, where there is no line to end. */
static weir_decode decode_start(weir_http_multipart *self, weir_buf *in, bool is_end, weir_error *error) {
    weir_bytes delimiter = weir_bytes_of(self->delimiter + 2, self->delimiter_length - 2);
    uint8_t raw[sizeof self->delimiter];
    size_t readable = weir_buf_readable(in);
    size_t n = readable < delimiter.len ? readable : delimiter.len;
    if (n == 0) return WEIR_DECODE_MORE;
    bool differs = memcmp(frame_bytes_at(in, 0, n, raw), delimiter.ptr, n) != 0;
    if (!differs && n < delimiter.len && !is_end) return WEIR_DECODE_MORE;
    size_t line = 0;
    finding found = differs || n < delimiter.len ? IS_DATA : look_behind(in, delimiter.len, is_end, &line);
    if (found == IS_CUT) return WEIR_DECODE_MORE;
    if (found == IS_BOUNDARY) begin_head(self);
    if (found == IS_LAST) self->state = EPILOGUE;
    if (found == IS_DATA) self->state = PREAMBLE;
    return pass(self, in, found == IS_DATA ? 1 : line, error);
}

static weir_decode decode_preamble(weir_http_multipart *self, weir_buf *in, bool is_end, weir_error *error) {
    size_t data;
    size_t line = 0;
    finding found = find_boundary(self, in, is_end, &data, &line);
    if (found == IS_BOUNDARY) begin_head(self);
    if (found == IS_LAST) self->state = EPILOGUE;
    return pass(self, in, found == IS_BOUNDARY || found == IS_LAST ? line : data, error);
}

static weir_decode give_part(weir_http_multipart *self, weir_buf *in, size_t head, size_t whole,
                             weir_obj **out, weir_error *error) {
    if (self->parts == self->max_parts) {
        return weir_decode_fail(error, WEIR_E_LIMIT, "parts", (uint64_t)self->parts + 1, self->max_parts);
    }
    weir_http_part *part = NULL;
    weir_buf *copy = weir_buf_slice(in, 2, head);
    if (copy != NULL && weir_buf_peek(copy).len != head) {
        weir_buf *joined = weir_buf_copy(copy);
        weir_buf_release(copy);
        copy = joined;
    }
    weir_status status = copy == NULL ? WEIR_E_NO_MEMORY : weir_http_part_new(weir_buf_peek(copy), &part);
    weir_buf_release(copy);
    if (status != WEIR_OK) return weir_decode_fail(error, status, "part head", head, self->max_head);
    bool is_field = weir_bytes_equal_nocase(part->disposition, weir_bytes_str("form-data"));
    weir_decode answer = self->is_form && (!is_field || part->name.ptr == NULL)
                             ? corrupt(error, "form field without a name")
                             : pass(self, in, whole, error);
    if (answer != WEIR_DECODE_AGAIN) {
        weir_obj_release(part);
        return answer;
    }
    self->parts++;
    self->state = BODY_START;
    *out = &part->obj;
    return WEIR_DECODE_AGAIN;
}

/* `in` begins with the CR LF behind the boundary. The empty line behind the head is left to BODY_START. */
static weir_decode decode_head(weir_http_multipart *self, weir_buf *in, weir_obj **out, weir_error *error) {
    size_t end = weir_buf_find_bytes(in, self->searched, weir_bytes_str("\r\n\r\n"));
    size_t readable = weir_buf_readable(in);
    size_t length = end == WEIR_NOT_FOUND ? readable : end;
    if (length > self->max_head && length - self->max_head > (end == WEIR_NOT_FOUND ? 4 : 0)) {
        return weir_decode_fail(error, WEIR_E_FRAME_TOO_LONG, "part head", length, self->max_head);
    }
    if (end == WEIR_NOT_FOUND) {
        self->searched = readable < 3 ? 0 : readable - 3;
        return WEIR_DECODE_MORE;
    }
    return give_part(self, in, end, end + 2, out, error);
}

static weir_decode give_body(weir_http_multipart *self, weir_buf *in, size_t n, weir_obj **out,
                             weir_error *error) {
    if (n == 0) return WEIR_DECODE_MORE;
    weir_buf *body = weir_buf_slice(in, 0, n);
    if (body == NULL) return weir_decode_fail(error, WEIR_E_NO_MEMORY, "part body", n, 0);
    weir_decode answer = pass(self, in, n, error);
    if (answer == WEIR_DECODE_AGAIN)
        *out = &body->obj;
    else
        weir_buf_release(body);
    return answer;
}

static weir_decode end_part(weir_http_multipart *self, weir_buf *in, finding found, size_t line,
                            weir_obj **out, weir_error *error) {
    weir_decode answer = pass(self, in, line, error);
    if (answer != WEIR_DECODE_AGAIN) return answer;
    if (found == IS_LAST)
        self->state = EPILOGUE;
    else
        begin_head(self);
    *out = &weir_http_part_end;
    return answer;
}

/* The empty line behind the head belongs to a delimiter when the body is not even empty (RFC 2046 5.1.1). */
static weir_decode decode_body_start(weir_http_multipart *self, weir_buf *in, bool is_end, weir_obj **out,
                                     weir_error *error) {
    uint8_t raw[sizeof self->delimiter];
    size_t readable = weir_buf_readable(in);
    size_t n = readable < self->delimiter_length ? readable : self->delimiter_length;
    bool differs = memcmp(frame_bytes_at(in, 0, n, raw), self->delimiter, n) != 0;
    if (!differs && n < self->delimiter_length && !is_end) return WEIR_DECODE_MORE;
    size_t line = 0;
    finding found = differs || n < self->delimiter_length
                        ? IS_DATA
                        : look_behind(in, self->delimiter_length, is_end, &line);
    if (found == IS_CUT) return WEIR_DECODE_MORE;
    if (found == IS_DATA) {
        self->state = BODY;
        return pass(self, in, 2, error);
    }
    return end_part(self, in, found, line, out, error);
}

static weir_decode decode_body(weir_http_multipart *self, weir_buf *in, bool is_end, weir_obj **out,
                               weir_error *error) {
    size_t data = 0;
    size_t line = 0;
    finding found = find_boundary(self, in, is_end, &data, &line);
    if (found == IS_BOUNDARY || found == IS_LAST) return end_part(self, in, found, line, out, error);
    return give_body(self, in, data, out, error);
}

static weir_decode decode_state(weir_http_multipart *self, weir_buf *in, bool is_end, weir_obj **out,
                                weir_error *error) {
    switch (self->state) {
    case START: return decode_start(self, in, is_end, error);
    case PREAMBLE: return decode_preamble(self, in, is_end, error);
    case HEAD: return decode_head(self, in, out, error);
    case BODY_START: return decode_body_start(self, in, is_end, out, error);
    case BODY: return decode_body(self, in, is_end, out, error);
    default: return pass(self, in, weir_buf_readable(in), error);
    }
}

weir_decode weir_http_multipart_decode(void *self, weir_buf *in, weir_obj **out, weir_error *error) {
    return decode_state(self, in, false, out, error);
}

weir_decode weir_http_multipart_decode_last(void *state, weir_buf *in, weir_obj **out, weir_error *error) {
    weir_http_multipart *self = state;
    weir_decode answer = decode_state(self, in, true, out, error);
    if (answer != WEIR_DECODE_MORE || self->state == EPILOGUE) return answer;
    return weir_decode_fail(error, WEIR_E_EOF, "multipart without its last boundary", self->total, 0);
}
