/* http_talk.c - messages as text. */
#include "codec/http_talk.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include <weir/buffer/buf_bytes.h>
#include <weir/buffer/buf_search.h>
#include <weir/testing.h>

#include "codec/frames.h"

/* ---- writing ---- */

static void WEIR_PRINTF(2, 3) say(weir_buf *text, const char *format, ...) {
    char line[256];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    require(n >= 0 && (size_t)n < sizeof line);
    weir_buf_write_bytes(text, line, (size_t)n);
}

static bool say_part(void *text, weir_bytes part) {
    for (size_t i = 0; i < part.len; i++) {
        uint8_t byte = part.ptr[i];
        bool plain = byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\';
        say(text, plain ? "%c" : "\\x%02x", byte);
    }
    return true;
}

static void say_named(weir_buf *text, const char *name, weir_bytes value) {
    if (value.ptr == NULL) return;
    say(text, " %s=", name);
    say_part(text, value);
}

static void say_fields(weir_buf *text, const weir_http_fields *fields, const char *mark) {
    size_t at = 0;
    weir_bytes name, value;
    while (weir_http_fields_next(fields, &at, &name, &value)) {
        say(text, "%s", mark);
        say_part(text, name);
        say(text, ": ");
        say_part(text, value);
        say(text, "\n");
    }
}

/* ---- objects ---- */

static void say_head(http_talk *self, const weir_http_head *head) {
    static const char *const framings[] = {"", "", " chunked", " close"};
    say(self->text, "%s", framings[head->framing]);
    if (head->framing == WEIR_HTTP_LENGTH) say(self->text, " length=%" PRIu64, head->length);
    if (head->keep_alive) say(self->text, " keep");
    if (head->upgrade) say(self->text, " upgrade");
    if (head->expect_continue) say(self->text, " expect");
    say(self->text, "\n");
    say_fields(self->text, &head->fields, "");
    self->keeps = head->keep_alive;
}

static void say_request(http_talk *self, const weir_http_request *request) {
    say_part(self->text, request->method_text);
    say(self->text, " ");
    say_part(self->text, request->target);
    say(self->text, " HTTP/1.%u", request->head.minor);
    say_named(self->text, "host", request->host);
    say_named(self->text, "path", request->path);
    say_named(self->text, "query", request->query);
    say_head(self, &request->head);
    if (request->head.upgrade) self->keeps = false;
}

static void say_response(http_talk *self, const weir_http_response *response) {
    say(self->text, "HTTP/1.%u %u \"", response->head.minor, response->status);
    say_part(self->text, response->reason);
    say(self->text, "\"");
    say_head(self, &response->head);
}

static void say_piece(http_talk *self, const weir_buf *piece) {
    if (self->in_body++ == 0) say(self->text, "\"");
    weir_buf_visit(piece, 0, weir_buf_readable(piece), say_part, self->text);
    self->pieces++;
    self->body += weir_buf_readable(piece);
}

static void end_body(http_talk *self) {
    if (self->in_body != 0) say(self->text, "\"\n");
    self->in_body = 0;
}

/* Takes: obj. Gives: the text, when the message is over. */
static weir_buf *say_object(http_talk *self, weir_obj *obj) {
    weir_buf *whole = NULL;
    if (self->text == NULL) self->text = weir_buf_new(0);
    if (weir_buf_from(obj) != NULL) {
        say_piece(self, weir_buf_from(obj));
    } else if (weir_http_end_from(obj) != NULL) {
        end_body(self);
        say_fields(self->text, &weir_http_end_from(obj)->trailers, "~");
        say(self->text, "end\n");
        whole = self->text;
        self->text = NULL;
        self->messages++;
    } else if (weir_http_request_from(obj) != NULL) {
        say_request(self, weir_http_request_from(obj));
    } else {
        require(weir_http_response_from(obj) != NULL);
        say_response(self, weir_http_response_from(obj));
    }
    weir_obj_release(obj);
    return whole;
}

/* ---- as a decode function ---- */

static weir_decode note_step(http_talk *self, weir_decode answer, weir_obj **out) {
    if (answer != WEIR_DECODE_AGAIN || *out == NULL) return answer;
    *out = (weir_obj *)say_object(self, *out);
    if (!self->parser.between) return answer;
    self->stopped = !self->keeps || self->parser.upgraded;
    if (!self->stopped) weir_http_parser_next(&self->parser, self->method);
    return answer;
}

weir_decode http_talk_decode(void *talk, weir_buf *in, weir_obj **out, weir_error *error) {
    http_talk *self = talk;
    return note_step(self, weir_http_parser_decode(&self->parser, in, out, error), out);
}

weir_decode http_talk_decode_last(void *talk, weir_buf *in, weir_obj **out, weir_error *error) {
    http_talk *self = talk;
    return note_step(self, weir_http_parser_end(&self->parser, in, out, error), out);
}

/* ---- by hand ---- */

void http_talk_init(http_talk *self, weir_http_role role, weir_http_method method,
                    const weir_http_limits *limits) {
    *self = (http_talk){.method = method, .log = weir_buf_new(0)};
    require(self->log != NULL);
    weir_http_parser_init(&self->parser, role, limits);
    weir_cumulation_init(&self->bytes, NULL);
    if (self->parser.between) weir_http_parser_next(&self->parser, method);
}

void http_talk_clear(http_talk *self) {
    weir_http_parser_clear(&self->parser);
    weir_cumulation_clear(&self->bytes);
    weir_buf_release(self->text);
    weir_buf_release(self->log);
    self->text = self->log = NULL;
}

/* Takes: out. */
static void keep(http_talk *self, weir_obj *out) {
    weir_buf *text = weir_buf_from(out);
    if (text != NULL) weir_buf_write_buf(self->log, text, weir_buf_readable(text));
    weir_obj_release(out);
}

static bool note_answer(http_talk *self, weir_decode answer, weir_obj *out, const weir_error *error) {
    keep(self, out);
    if (answer == WEIR_DECODE_MORE) return false;
    if (answer == WEIR_DECODE_AGAIN) return true;
    end_body(self);
    keep(self, (weir_obj *)self->text);
    self->text = NULL;
    self->stopped = true;
    say(self->log, "refused %u %s %s @%" PRIu64 "\n", self->parser.refusal, weir_status_name(error->status),
        error->what, error->offset);
    return false;
}

void http_talk_feed_buf(http_talk *self, weir_buf *buf) {
    weir_obj *out;
    weir_error error;
    weir_decode answer;
    expect_status(weir_cumulation_add(&self->bytes, buf), WEIR_OK);
    do {
        answer = weir_cumulation_next(&self->bytes, http_talk_decode, self, &out, &error);
    } while (note_answer(self, answer, out, &error));
}

void http_talk_feed(http_talk *self, const void *bytes, size_t n) {
    http_talk_feed_buf(self, frames_buf(bytes, n));
}

void http_talk_feed_pieces(http_talk *self, weir_bytes bytes, size_t n) {
    for (size_t at = 0; at < bytes.len; at += n) {
        weir_bytes piece = weir_bytes_sub(bytes, at, n);
        http_talk_feed(self, piece.ptr, piece.len);
    }
}

void http_talk_end(http_talk *self) {
    weir_obj *out;
    weir_error error;
    weir_decode answer;
    if (self->stopped) return;
    do {
        answer = weir_cumulation_end(&self->bytes, http_talk_decode_last, self, &out, &error);
    } while (note_answer(self, answer, out, &error));
}

const char *http_talk_said(http_talk *self) {
    weir_buf_write_bytes(self->log, "", 1);
    const char *text = (const char *)weir_buf_peek(self->log).ptr;
    weir_buf_clear(self->log);
    return text;
}
