/* http_head.c - start lines, field lines, and what a whole head must have. Views get their place when the head is
 * whole: until then it may still move.
 */
#include <weir/buffer/buf_bytes.h>

#include "http/http_chars.h"
#include "http/http_fields_list.h"
#include "http/http_message_new.h"
#include "http/http_parse.h"
#include "http/http_scan.h"

#define VERSION_LENGTH 8 /* HTTP/1.1 */

bool http_head_may_begin(weir_http_parser *self, uint8_t byte, weir_error *error) {
    bool may = self->role == WEIR_HTTP_REQUESTS ? http_is(byte, HTTP_TOKEN) || (byte == '\r' && self->at == 0)
                                                : byte == 'H';
    if (may) return true;
    error->offset += self->at;
    return http_refuse(self, error, 400, "first byte");
}

/* Fails at the line at hand. */
static bool refuse_line(weir_http_parser *self, weir_error *error, unsigned refusal, const char *what) {
    error->offset += self->at;
    return http_refuse(self, error, refusal, what);
}

/* "HTTP/1.x"; other majors are no HTTP/1 (RFC 9112 2.3). Requires: VERSION_LENGTH bytes. */
static bool read_version(weir_http_parser *self, const uint8_t *text, uint8_t *minor, weir_error *error) {
    bool is_http = memcmp(text, "HTTP/", 5) == 0 && http_is_digit(text[5]) && text[6] == '.';
    if (!is_http || !http_is_digit(text[7])) return refuse_line(self, error, 400, "version");
    if (text[5] != '1') return refuse_line(self, error, 505, "version");
    *minor = (uint8_t)(text[7] - '0');
    return true;
}

static bool out_of_memory(weir_http_parser *self, weir_error *error) {
    return http_refuse(self, error, 503, "message");
}

/* ---- start lines ---- */

static bool start_request(weir_http_parser *self, weir_bytes line, weir_error *error) {
    size_t method = http_run(line, HTTP_TOKEN);
    if (method == 0 || method == line.len || line.ptr[method] != ' ')
        return refuse_line(self, error, 400, "method");
    weir_bytes rest = weir_bytes_of(line.ptr + method + 1, line.len - method - 1);
    size_t target = http_scan_target(rest.ptr, rest.len);
    if (target == 0 || target == rest.len || rest.ptr[target] != ' ')
        return refuse_line(self, error, 400, "request target");
    if (rest.len != target + 1 + VERSION_LENGTH) return refuse_line(self, error, 400, "version");
    weir_http_request *request = http_request_make(self->pool);
    if (request == NULL) return out_of_memory(self, error);
    self->making = &request->head.obj;
    self->fields = &request->head.fields;
    request->method = http_method_of(weir_bytes_of(line.ptr, method));
    request->method_text.len = method;
    request->target.len = target;
    return read_version(self, rest.ptr + target + 1, &request->head.minor, error);
}

/* The space behind the code may be missing when there is no reason. */
static bool start_response(weir_http_parser *self, weir_bytes line, weir_error *error) {
    const uint8_t *code = line.ptr + VERSION_LENGTH + 1;
    size_t code_end = VERSION_LENGTH + 4;
    if (line.len < code_end || code[-1] != ' ') return refuse_line(self, error, 400, "status line");
    bool is_code =
        http_is_digit(code[0]) && http_is_digit(code[1]) && http_is_digit(code[2]) && code[0] != '0';
    if (!is_code || (line.len > code_end && line.ptr[code_end] != ' '))
        return refuse_line(self, error, 400, "status code");
    weir_http_response *response = http_response_make(self->pool);
    if (response == NULL) return out_of_memory(self, error);
    self->making = &response->head.obj;
    self->fields = &response->head.fields;
    response->status = (code[0] - '0') * 100u + (code[1] - '0') * 10u + (code[2] - '0');
    response->reason.len = line.len > code_end ? line.len - code_end - 1 : 0;
    return read_version(self, line.ptr, &response->head.minor, error);
}

bool http_head_start(weir_http_parser *self, weir_bytes line, weir_error *error) {
    return self->role == WEIR_HTTP_REQUESTS ? start_request(self, line, error)
                                            : start_response(self, line, error);
}

/* ---- field lines ---- */

static bool may_not_be_in_trailers(weir_http_name name) {
    return name == WEIR_HTTP_CONTENT_LENGTH || name == WEIR_HTTP_TRANSFER_ENCODING || name == WEIR_HTTP_HOST;
}

static bool make_end(weir_http_parser *self, weir_error *error) {
    weir_http_end *end = weir_http_end_new();
    if (end == NULL) return out_of_memory(self, error);
    self->making = &end->obj;
    self->fields = &end->trailers;
    return true;
}

/* A name that frames the message is there once, and not in trailers. */
static bool name_may_be_here(weir_http_parser *self, weir_http_name name, weir_error *error) {
    if (name == WEIR_HTTP_OTHER) return true;
    if (self->state == HTTP_TRAILERS && may_not_be_in_trailers(name))
        return refuse_line(self, error, 400, "trailer field");
    if (!weir_http_fields_has(self->fields, name)) return true;
    if (name == WEIR_HTTP_CONTENT_LENGTH) return refuse_line(self, error, 400, "second Content-Length");
    if (name == WEIR_HTTP_HOST) return refuse_line(self, error, 400, "second Host");
    return true;
}

static bool note_field(weir_http_parser *self, const weir_http_field *field, weir_error *error) {
    if (self->fields->count >= self->limits.field_count) {
        error->offset += self->at;
        return http_refuse_limit(self, error, 431, "fields", self->fields->count + 1u,
                                 self->limits.field_count);
    }
    return http_fields_note(self->fields, field) == WEIR_OK || out_of_memory(self, error);
}

static bool is_blank(uint8_t byte) {
    return byte == ' ' || byte == '\t';
}

/* The length of the name in front of the first colon, or 0. One that is known is a token: only others are looked at
 * byte by byte. */
static size_t read_name(weir_bytes line, weir_http_name *known) {
    const uint8_t *colon = memchr(line.ptr, ':', line.len);
    size_t n = colon == NULL ? 0 : (size_t)(colon - line.ptr);
    weir_bytes name = weir_bytes_of(line.ptr, n);
    *known = weir_http_name_of(name);
    return *known != WEIR_HTTP_OTHER || (n <= UINT16_MAX && http_is_token(name)) ? n : 0;
}

bool http_head_field(weir_http_parser *self, weir_bytes line, weir_error *error) {
    if (self->fields == NULL && !make_end(self, error)) return false;
    weir_http_name known;
    size_t name = read_name(line, &known);
    if (name == 0) return refuse_line(self, error, 400, is_blank(line.ptr[0]) ? "folded line" : "field name");
    size_t from = name + 1, to = line.len;
    while (from < to && is_blank(line.ptr[from])) from++;
    while (to > from && is_blank(line.ptr[to - 1])) to--;
    if (!name_may_be_here(self, known, error)) return false;
    size_t at = self->at - self->fields_at;
    return note_field(self,
                      &(weir_http_field){
                          .name_at = (uint32_t)at,
                          .value_at = (uint32_t)(at + from),
                          .value_length = (uint32_t)(to - from),
                          .name_length = (uint16_t)name,
                          .name = (uint8_t)known,
                      },
                      error);
}

/* ---- the whole ---- */

/* One reference is enough for the start line and the fields. */
static weir_buf *let_message_hold(weir_http_fields *fields) {
    fields->text_is_held = true;
    return fields->text;
}

static bool finish_request(weir_http_parser *self, const uint8_t *line, weir_error *error) {
    weir_http_request *request = weir_http_request_from(self->making);
    request->method_text.ptr = line;
    request->target.ptr = line + request->method_text.len + 1;
    request->line = let_message_hold(self->fields);
    return http_target_read(self, request, error) && http_framing_request(self, request, error);
}

static bool finish_response(weir_http_parser *self, const uint8_t *line, weir_error *error) {
    weir_http_response *response = weir_http_response_from(self->making);
    response->reason.ptr = line + self->start_length - response->reason.len;
    response->line = let_message_hold(self->fields);
    return http_framing_response(self, response, error);
}

bool http_head_finish(weir_http_parser *self, const uint8_t *ptr, weir_error *error) {
    const uint8_t *line = ptr + self->start;
    return self->role == WEIR_HTTP_REQUESTS ? finish_request(self, line, error)
                                            : finish_response(self, line, error);
}
