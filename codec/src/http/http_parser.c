/* http_parser.c - what comes next: a head, a body of one of three kinds, trailers, an end.
 *
 * The contract of decode.h is that an object is made while consuming. A message without a body has a head and an
 * end in the same bytes, a body of n bytes and its end have n: so the last byte of a message is only passed when the end
 * is given. For that a body's last two bytes are given together, and the last byte of a head in front of a body of
 * one byte stays behind too (`held`).
 */
#include <weir/buffer/buf_bytes.h>
#include <weir/buffer/buf_view.h>

#include "http/http_parse.h"

/* ---- refusing ---- */

bool http_refuse_limit(weir_http_parser *self, weir_error *error, unsigned refusal, const char *what,
                       uint64_t actual, uint64_t maximum) {
    weir_status status = maximum != 0 || actual != 0 ? WEIR_E_FRAME_TOO_LONG : WEIR_E_FRAME_CORRUPT;
    if (refusal == 501 || refusal == 505) status = WEIR_E_UNSUPPORTED;
    if (refusal == 503) status = WEIR_E_NO_MEMORY;
    self->refusal = refusal;
    self->state = HTTP_FAILED;
    weir_decode_fail(error, status, what, actual, maximum);
    return false;
}

bool http_refuse(weir_http_parser *self, weir_error *error, unsigned refusal, const char *what) {
    return http_refuse_limit(self, error, refusal, what, 0, 0);
}

/* ---- life ---- */

static size_t or_default(size_t limit, size_t value) {
    return limit == 0 ? value : limit;
}

static void fill_in_limits(weir_http_limits *limits) {
    limits->line = or_default(limits->line, 8 * 1024);
    limits->fields = or_default(limits->fields, 32 * 1024);
    limits->chunk_line = or_default(limits->chunk_line, 256);
    limits->chunk_extensions = or_default(limits->chunk_extensions, 16 * 1024);
    limits->trailers = or_default(limits->trailers, 8 * 1024);
    if (limits->field_count == 0) limits->field_count = 100;
    if (limits->body == 0 || limits->body > INT64_MAX) limits->body = INT64_MAX;
    /* Places in a head are 32 bits wide. */
    if (limits->line > INT32_MAX) limits->line = INT32_MAX;
    if (limits->fields > INT32_MAX) limits->fields = INT32_MAX;
    if (limits->trailers > INT32_MAX) limits->trailers = INT32_MAX;
}

static void begin_section(weir_http_parser *self, http_state state) {
    self->state = (uint8_t)state;
    self->started = state == HTTP_TRAILERS;
    self->room = self->started ? self->limits.trailers : self->limits.line;
    self->at = self->clean = self->start = self->fields_at = 0;
}

void weir_http_parser_init(weir_http_parser *parser, weir_http_role role, const weir_http_limits *limits) {
    *parser = (weir_http_parser){.role = role, .between = role == WEIR_HTTP_RESPONSES};
    if (limits != NULL) parser->limits = *limits;
    fill_in_limits(&parser->limits);
    begin_section(parser, parser->between ? HTTP_DONE : HTTP_HEAD);
}

static void let_go(weir_http_parser *self) {
    weir_buf_release(self->gathered);
    weir_obj_release(self->making);
    self->gathered = NULL;
    self->making = NULL;
    self->fields = NULL;
}

void weir_http_parser_clear(weir_http_parser *parser) {
    let_go(parser);
    parser->state = HTTP_FAILED;
}

static void begin_message(weir_http_parser *self) {
    begin_section(self, HTTP_HEAD);
    self->between = false;
    self->body = self->left = 0;
    self->extensions = 0;
}

void weir_http_parser_next(weir_http_parser *parser, weir_http_method request) {
    WEIR_CHECK(parser->between && !parser->upgraded, "a message is under way, or the protocol was left");
    parser->method = (uint8_t)request;
    begin_message(parser);
}

/* ---- objects ---- */

static weir_decode give(weir_obj *obj, weir_obj **out) {
    *out = obj;
    return WEIR_DECODE_AGAIN;
}

/* Takes: what was made, to be given. */
static weir_decode give_made(weir_http_parser *self, weir_obj **out) {
    weir_obj *made = self->making;
    self->making = NULL;
    self->fields = NULL;
    return give(made, out);
}

static void end_message(weir_http_parser *self) {
    self->state = HTTP_DONE;
    self->between = true;
}

static weir_decode give_plain_end(weir_http_parser *self, weir_obj **out) {
    if (self->interim) { /* the next response answers the same request */
        begin_message(self);
    } else {
        end_message(self);
    }
    return give(&weir_http_end_plain.obj, out);
}

/* ---- heads ---- */

static void expect_end(weir_http_parser *self, weir_buf *in, uint64_t length) {
    self->left = length;
    self->held = length < 2;
    if (!self->held) weir_buf_skip(in, 1);
    self->state = length == 0 ? HTTP_LAST_BYTE : HTTP_LENGTH_BODY;
}

static void begin_chunk(weir_http_parser *self) {
    self->state = HTTP_SIZE_FIRST;
    self->chunk_line = 0;
    self->left = 0;
}

/* Interim responses are followed by another one; 101 and what answers CONNECT by another protocol. */
static void look_beyond(weir_http_parser *self) {
    const weir_http_response *response = weir_http_response_from(self->making);
    if (response == NULL) return;
    self->interim = response->status < 200 && response->status != 101;
    bool tunnels =
        self->method == WEIR_HTTP_METHOD_CONNECT && response->status >= 200 && response->status < 300;
    self->upgraded = response->status == 101 || tunnels;
}

static void begin_body(weir_http_parser *self, weir_buf *in) {
    const weir_http_head *head = (const weir_http_head *)(const void *)self->making;
    switch (head->framing) {
    case WEIR_HTTP_NO_BODY: expect_end(self, in, 0); break;
    case WEIR_HTTP_LENGTH: expect_end(self, in, head->length); break;
    case WEIR_HTTP_CHUNKED:
        weir_buf_skip(in, 1);
        begin_chunk(self);
        break;
    case WEIR_HTTP_UNTIL_CLOSE:
        weir_buf_skip(in, 1);
        self->state = HTTP_CLOSE_BODY;
        break;
    }
    look_beyond(self);
}

static weir_decode fail(weir_http_parser *self) {
    let_go(self);
    return WEIR_DECODE_FAILED;
}

static weir_decode read_head(weir_http_parser *self, weir_buf *in, weir_obj **out, weir_error *error) {
    weir_buf *text;
    http_step step = http_section_read(self, in, &text, error);
    if (step == HTTP_MORE) return WEIR_DECODE_MORE;
    if (step == HTTP_REFUSED) return fail(self);
    const uint8_t *begin = text->rp;
    weir_buf_skip(text, self->fields_at);
    self->fields->text = text;
    if (!http_head_finish(self, begin, error)) return fail(self);
    begin_body(self, in);
    return give_made(self, out);
}

static weir_decode read_trailers(weir_http_parser *self, weir_buf *in, weir_obj **out, weir_error *error) {
    weir_buf *text;
    http_step step = http_section_read(self, in, &text, error);
    if (step == HTTP_MORE) return WEIR_DECODE_MORE;
    if (step == HTTP_REFUSED) return fail(self);
    weir_buf_skip(in, 1);
    end_message(self);
    if (self->making == NULL) {
        weir_buf_release(text);
        return give(&weir_http_end_plain.obj, out);
    }
    self->fields->text = text;
    return give_made(self, out);
}

/* ---- bodies ---- */

/* The next `n` bytes behind what is held; `kept` of them stay until the end is given. */
static weir_decode give_piece(weir_http_parser *self, weir_buf *in, size_t n, bool kept, weir_obj **out,
                              weir_error *error) {
    weir_buf *piece = weir_buf_slice(in, self->held, n);
    if (piece == NULL) {
        http_refuse(self, error, 503, "body");
        return fail(self);
    }
    weir_buf_skip(in, self->held + n - kept);
    self->held = kept;
    self->body += n;
    return give(&piece->obj, out);
}

static weir_decode read_length_body(weir_http_parser *self, weir_buf *in, weir_obj **out, weir_error *error) {
    size_t have = weir_buf_readable(in) - self->held;
    if (have >= self->left) {
        self->state = HTTP_LAST_BYTE;
        return give_piece(self, in, (size_t)self->left, true, out, error);
    }
    size_t window = weir_buf_peek(in).len;
    if (have > self->left - 2) have = (size_t)self->left - 2;
    if (have > window) have = window;
    if (have == 0) return WEIR_DECODE_MORE;
    self->left -= have;
    return give_piece(self, in, have, false, out, error);
}

static weir_decode read_last_byte(weir_http_parser *self, weir_buf *in, weir_obj **out) {
    weir_buf_skip(in, 1);
    self->held = false;
    return give_plain_end(self, out);
}

static weir_decode read_close_body(weir_http_parser *self, weir_buf *in, weir_obj **out, weir_error *error) {
    size_t n = weir_buf_peek(in).len;
    uint64_t room = self->limits.body - self->body;
    if (room == 0) {
        http_refuse_limit(self, error, 413, "body", self->body + n, self->limits.body);
        return fail(self);
    }
    return give_piece(self, in, n < room ? n : (size_t)room, false, out, error);
}

static weir_decode read_chunk_data(weir_http_parser *self, weir_buf *in, weir_obj **out, weir_error *error) {
    size_t window = weir_buf_peek(in).len;
    size_t n = self->left < window ? (size_t)self->left : window;
    self->left -= n;
    if (self->left == 0) self->state = HTTP_CHUNK_CR;
    return give_piece(self, in, n, false, out, error);
}

static weir_decode read_chunk_end(weir_http_parser *self, weir_buf *in, weir_error *error) {
    bool is_cr = self->state == HTTP_CHUNK_CR;
    if (weir_buf_peek(in).ptr[0] != (is_cr ? '\r' : '\n')) {
        http_refuse(self, error, 400, "end of chunk");
        return fail(self);
    }
    weir_buf_skip(in, 1);
    error->offset++;
    self->state = HTTP_CHUNK_LF;
    if (!is_cr) begin_chunk(self);
    return WEIR_DECODE_MORE;
}

static weir_decode read_chunk_line(weir_http_parser *self, weir_buf *in, weir_error *error) {
    http_step step = http_chunk_read(self, in, error);
    if (step == HTTP_REFUSED) return fail(self);
    if (step == HTTP_WHOLE && self->left == 0) begin_section(self, HTTP_TRAILERS);
    return WEIR_DECODE_MORE;
}

/* ---- the decode functions ---- */

/* One step; MORE with bytes left and another state means: go on. */
static weir_decode read_some(weir_http_parser *self, weir_buf *in, weir_obj **out, weir_error *error) {
    switch ((http_state)self->state) {
    case HTTP_HEAD: return read_head(self, in, out, error);
    case HTTP_LENGTH_BODY: return read_length_body(self, in, out, error);
    case HTTP_CLOSE_BODY: return read_close_body(self, in, out, error);
    case HTTP_LAST_BYTE: return read_last_byte(self, in, out);
    case HTTP_CHUNK_DATA: return read_chunk_data(self, in, out, error);
    case HTTP_CHUNK_CR:
    case HTTP_CHUNK_LF: return read_chunk_end(self, in, error);
    case HTTP_TRAILERS: return read_trailers(self, in, out, error);
    case HTTP_DONE: return WEIR_DECODE_MORE;
    case HTTP_FAILED: http_refuse(self, error, self->refusal, "failed before"); return WEIR_DECODE_FAILED;
    default: return read_chunk_line(self, in, error);
    }
}

weir_decode weir_http_parser_decode(void *parser, weir_buf *in, weir_obj **out, weir_error *error) {
    weir_http_parser *self = parser;
    while (weir_buf_is_readable(in)) {
        uint8_t before = self->state;
        weir_decode answer = read_some(self, in, out, error);
        if (answer != WEIR_DECODE_MORE || self->state == before) return answer;
    }
    return WEIR_DECODE_MORE;
}

/* Nothing but the empty line that may stand in front of a request. */
static bool has_nothing(const weir_http_parser *self, const weir_buf *in) {
    return self->state == HTTP_DONE || (self->state == HTTP_HEAD && self->at == self->start &&
                                        self->clean == 0 && !weir_buf_is_readable(in));
}

weir_decode weir_http_parser_end(void *parser, weir_buf *in, weir_obj **out, weir_error *error) {
    weir_http_parser *self = parser;
    if (self->state == HTTP_FAILED || has_nothing(self, in)) return WEIR_DECODE_MORE;
    if (self->state == HTTP_CLOSE_BODY) {
        end_message(self);
        return give(&weir_http_end_plain.obj, out);
    }
    let_go(self);
    self->state = HTTP_FAILED;
    self->refusal = 400;
    return weir_decode_fail(error, WEIR_E_EOF, "message", weir_buf_readable(in), 0);
}
