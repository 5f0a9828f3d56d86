/* http_chunk.c - "1a;name=value\r\n", a byte at a time (RFC 9112 7.1). Extensions are checked and passed over. */
#include "http/http_chars.h"
#include "http/http_parse.h"

static unsigned hex_value(uint8_t byte) {
    return http_is_digit(byte) ? byte & 0xfu : (byte & 0xfu) + 9;
}

/* Once the size cannot be right any more it stays at the most there is. */
static http_state take_digit(weir_http_parser *self, uint8_t byte) {
    self->left = self->left > UINT64_MAX >> 4 ? UINT64_MAX : self->left << 4 | hex_value(byte);
    return HTTP_SIZE;
}

/* What may follow a size, a name or a value. */
static http_state take_end(uint8_t byte) {
    if (byte == '\r') return HTTP_SIZE_LF;
    return byte == ';' ? HTTP_EXT_NAME_FIRST : HTTP_FAILED;
}

/* RFC 9110 5.6.4: what may stand in a quoted string, and behind a backslash. */
static bool is_text(uint8_t byte) {
    return byte == '\t' || (byte >= 0x20 && byte != 0x7f);
}

static http_state take_extension(const weir_http_parser *self, uint8_t byte) {
    bool is_token = http_is(byte, HTTP_TOKEN);
    switch ((http_state)self->state) {
    case HTTP_EXT_NAME_FIRST: return is_token ? HTTP_EXT_NAME : HTTP_FAILED;
    case HTTP_EXT_NAME:
        if (byte == '=') return HTTP_EXT_VALUE_FIRST;
        return is_token ? HTTP_EXT_NAME : take_end(byte);
    case HTTP_EXT_VALUE_FIRST:
        if (byte == '"') return HTTP_EXT_QUOTED;
        return is_token ? HTTP_EXT_VALUE : HTTP_FAILED;
    case HTTP_EXT_VALUE: return is_token ? HTTP_EXT_VALUE : take_end(byte);
    case HTTP_EXT_QUOTED:
        if (byte == '"') return HTTP_EXT_UNQUOTED;
        if (byte == '\\') return HTTP_EXT_ESCAPED;
        return is_text(byte) ? HTTP_EXT_QUOTED : HTTP_FAILED;
    case HTTP_EXT_ESCAPED: return is_text(byte) ? HTTP_EXT_QUOTED : HTTP_FAILED;
    default: return take_end(byte);
    }
}

static http_state take_byte(weir_http_parser *self, uint8_t byte) {
    bool is_hex = http_is(byte, HTTP_HEX);
    switch ((http_state)self->state) {
    case HTTP_SIZE_FIRST: return is_hex ? take_digit(self, byte) : HTTP_FAILED;
    case HTTP_SIZE: return is_hex ? take_digit(self, byte) : take_end(byte);
    case HTTP_SIZE_LF: return byte == '\n' ? HTTP_CHUNK_DATA : HTTP_FAILED;
    default: return take_extension(self, byte);
    }
}

/* Counts the byte; false when it is one too many. */
static bool is_within_limits(weir_http_parser *self, weir_error *error) {
    self->chunk_line++;
    if (self->state >= HTTP_EXT_NAME_FIRST && self->state <= HTTP_EXT_UNQUOTED) self->extensions++;
    if (self->chunk_line > self->limits.chunk_line + 2)
        return http_refuse_limit(self, error, 400, "chunk line", self->chunk_line - 2,
                                 self->limits.chunk_line);
    if (self->extensions > self->limits.chunk_extensions)
        return http_refuse_limit(self, error, 400, "chunk extensions", self->extensions,
                                 self->limits.chunk_extensions);
    return true;
}

static bool body_may_grow(weir_http_parser *self, weir_error *error) {
    uint64_t most = self->limits.body - self->body;
    if (self->left <= most) return true;
    uint64_t all = self->left > UINT64_MAX - self->body ? UINT64_MAX : self->body + self->left;
    return http_refuse_limit(self, error, 413, "chunked body", all, self->limits.body);
}

static bool take(weir_http_parser *self, uint8_t byte, weir_error *error) {
    http_state next = take_byte(self, byte);
    if (next == HTTP_FAILED) return http_refuse(self, error, 400, "chunk line");
    self->state = (uint8_t)next;
    if (next == HTTP_CHUNK_DATA && !body_may_grow(self, error)) return false;
    return is_within_limits(self, error);
}

http_step http_chunk_read(weir_http_parser *self, weir_buf *in, weir_error *error) {
    while (weir_buf_is_readable(in)) {
        weir_bytes window = weir_buf_peek(in);
        size_t n = 0;
        while (n < window.len && self->state != HTTP_CHUNK_DATA) {
            if (!take(self, window.ptr[n], error)) {
                error->offset += n;
                return HTTP_REFUSED;
            }
            n++;
        }
        weir_buf_skip(in, n);
        error->offset += n;
        if (self->state == HTTP_CHUNK_DATA) return HTTP_WHOLE;
    }
    return HTTP_MORE;
}
