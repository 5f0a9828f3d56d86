/* http_encoder.c - heads and body framing as bytes. A head is sized first and then written without further checks. */
#include "http/http_encoder.h"

#include <weir/buffer/buf_bytes.h>

#define LENGTH_LINE (sizeof "Content-Length: \r\n" - 1 + 20)
#define CHUNK_LINE (16 + 2)

/* ---- framing ---- */

/* Two of them are two messages to two readers, also where they are equal (RFC 9110 8.6). */
static weir_status frame_by_field(const weir_http_fields *fields, http_body *body) {
    size_t at = 0;
    weir_bytes value;
    (void)weir_http_fields_next_of(fields, WEIR_HTTP_CONTENT_LENGTH, &at, &value);
    if (!weir_bytes_to_u64(value, &body->left) || body->left > INT64_MAX) return WEIR_E_INVALID;
    if (weir_http_fields_next_of(fields, WEIR_HTTP_CONTENT_LENGTH, &at, NULL)) return WEIR_E_INVALID;
    body->framing = WEIR_HTTP_LENGTH;
    return WEIR_OK;
}

weir_status http_encoder_frame(const weir_http_head *head, bool may_chunk, bool is_request, http_body *body,
                               http_extra *extra) {
    const weir_http_fields *fields = &head->fields;
    bool has_length = weir_http_fields_has(fields, WEIR_HTTP_CONTENT_LENGTH);
    *body = (http_body){.framing = may_chunk ? WEIR_HTTP_CHUNKED : WEIR_HTTP_UNTIL_CLOSE};
    if (weir_http_fields_has(fields, WEIR_HTTP_TRANSFER_ENCODING)) {
        extra->drops_coding = true;
        bool is_chunked = weir_http_fields_has_token(fields, WEIR_HTTP_TRANSFER_ENCODING, "chunked");
        return is_chunked && !has_length ? WEIR_OK : (weir_status)WEIR_E_INVALID;
    }
    if (has_length) return frame_by_field(fields, body);
    if (head->framing == WEIR_HTTP_LENGTH) {
        *body = (http_body){.framing = WEIR_HTTP_LENGTH, .left = head->length};
        extra->writes_length = true;
    } else if (is_request && head->framing != WEIR_HTTP_CHUNKED) {
        body->framing = WEIR_HTTP_NO_BODY;
    }
    return WEIR_OK;
}

/* ---- putting; the caller has made room ---- */

static inline uint8_t *put(uint8_t *at, const void *src, size_t n) {
    memcpy(at, src, n);
    return at + n;
}
#define PUT(at, literal) put(at, "" literal, sizeof("" literal) - 1)

static inline uint8_t *put_view(uint8_t *at, weir_bytes view) {
    return view.len == 0 ? at : put(at, view.ptr, view.len);
}

static uint8_t *put_decimal(uint8_t *at, uint64_t number) {
    uint8_t digits[20];
    size_t first = sizeof digits;
    do {
        digits[--first] = (uint8_t)('0' + number % 10);
        number /= 10;
    } while (number != 0);
    return put(at, digits + first, sizeof digits - first);
}

static uint8_t *put_hex(uint8_t *at, uint64_t number) {
    unsigned shift = number == 0 ? 0 : (63 - (unsigned)__builtin_clzll(number)) / 4 * 4;
    for (;; shift -= 4) {
        *at++ = (uint8_t) "0123456789abcdef"[number >> shift & 15];
        if (shift == 0) return at;
    }
}

/* ---- heads ---- */

/* Requires: three digits. */
static uint8_t *put_status(uint8_t *at, unsigned status) {
    at[0] = (uint8_t)('0' + status / 100);
    at[1] = (uint8_t)('0' + status / 10 % 10);
    at[2] = (uint8_t)('0' + status % 10);
    return at + 3;
}

static bool is_dropped(const weir_http_field *field, const http_extra *extra) {
    if (field->removed) return true;
    return (extra->drops_length && field->name == WEIR_HTTP_CONTENT_LENGTH) ||
           (extra->drops_coding && field->name == WEIR_HTTP_TRANSFER_ENCODING);
}

static uint8_t *put_some_fields(uint8_t *at, const weir_http_fields *fields, const http_extra *extra) {
    for (size_t i = 0; i < fields->count; i++) {
        const weir_http_field *field = &fields->list[i];
        if (is_dropped(field, extra)) continue;
        at = put(at, fields->text->rp + field->name_at, field->name_length);
        at = PUT(at, ": ");
        at = put(at, fields->text->rp + field->value_at, field->value_length);
        at = PUT(at, "\r\n");
    }
    return at;
}

static uint8_t *put_fields(uint8_t *at, const weir_http_fields *fields, const http_extra *extra) {
    if (fields->any_removed || extra->drops_length || extra->drops_coding)
        return put_some_fields(at, fields, extra);
    return fields->text == NULL ? at : put_view(at, weir_buf_peek(fields->text));
}

static size_t size_of_fields(const weir_http_fields *fields) {
    return (fields->text == NULL ? 0 : weir_buf_readable(fields->text)) + 2 * (size_t)fields->count;
}

static uint8_t *put_framing(uint8_t *at, const http_body *body, const http_extra *extra) {
    if (extra->writes_length) {
        at = PUT(at, "Content-Length: ");
        at = put_decimal(at, body->left);
        return PUT(at, "\r\n");
    }
    return body->framing == WEIR_HTTP_CHUNKED ? PUT(at, "Transfer-Encoding: chunked\r\n") : at;
}

static uint8_t *put_line(uint8_t *at, weir_bytes name, weir_bytes value) {
    at = put_view(at, name);
    at = put_view(at, value);
    return PUT(at, "\r\n");
}

static uint8_t *put_rest(uint8_t *at, const weir_http_fields *fields, const http_body *body,
                         const http_extra *extra) {
    at = put_fields(at, fields, extra);
    at = put_view(at, extra->date);
    if (extra->host.ptr != NULL) at = put_line(at, weir_bytes_of("Host: ", 6), extra->host);
    if (extra->server.len != 0) at = put_line(at, weir_bytes_of("Server: ", 8), extra->server);
    at = put_framing(at, body, extra);
    if (extra->closes) at = PUT(at, "Connection: close\r\n");
    if (extra->keeps) at = PUT(at, "Connection: keep-alive\r\n");
    return PUT(at, "\r\n");
}

static size_t size_of_rest(const weir_http_fields *fields, const http_extra *extra) {
    return size_of_fields(fields) + extra->date.len + extra->host.len + extra->server.len +
           sizeof "Host: \r\nServer: \r\n" + LENGTH_LINE + sizeof "Connection: keep-alive\r\n" + 2;
}

weir_buf *http_encoder_response(weir_ctx *ctx, const weir_http_response *response, const http_body *body,
                                const http_extra *extra, size_t room) {
    size_t size = sizeof "HTTP/1.1 200 \r\n" + response->reason.len;
    weir_buf *buf = weir_ctx_get_buf(ctx, size + size_of_rest(&response->head.fields, extra) + room);
    if (buf == NULL) return NULL;
    uint8_t *at = PUT(buf->wp, "HTTP/1.1 ");
    at = put_status(at, response->status);
    *at++ = ' ';
    at = put_view(at, response->reason);
    at = PUT(at, "\r\n");
    at = put_rest(at, &response->head.fields, body, extra);
    weir_buf_commit(buf, (size_t)(at - buf->wp));
    return buf;
}

weir_buf *http_encoder_request(weir_ctx *ctx, const weir_http_request *request, const http_body *body,
                               const http_extra *extra, size_t room) {
    size_t size = request->method_text.len + request->target.len + sizeof "  HTTP/1.1\r\n";
    weir_buf *buf = weir_ctx_get_buf(ctx, size + size_of_rest(&request->head.fields, extra) + room);
    if (buf == NULL) return NULL;
    uint8_t *at = put_view(buf->wp, request->method_text);
    *at++ = ' ';
    at = put_view(at, request->target);
    at = PUT(at, " HTTP/1.1\r\n");
    at = put_rest(at, &request->head.fields, body, extra);
    weir_buf_commit(buf, (size_t)(at - buf->wp));
    return buf;
}

/* ---- chunks (RFC 9112 7.1) ---- */

weir_buf *http_encoder_chunk(weir_ctx *ctx, uint64_t n, const weir_buf *small) {
    size_t more = small == NULL ? 0 : (size_t)n + 2;
    weir_buf *buf = weir_ctx_get_buf(ctx, CHUNK_LINE + more);
    if (buf == NULL) return NULL;
    uint8_t *at = put_hex(buf->wp, n);
    at = PUT(at, "\r\n");
    if (small != NULL) {
        weir_buf_get_bytes(small, weir_buf_reader_index(small), at, (size_t)n);
        at = PUT(at + n, "\r\n");
    }
    weir_buf_commit(buf, (size_t)(at - buf->wp));
    return buf;
}

weir_buf *http_encoder_last_chunk(weir_ctx *ctx, const weir_http_fields *trailers) {
    weir_buf *buf = weir_ctx_get_buf(ctx, sizeof "0\r\n\r\n" + size_of_fields(trailers));
    if (buf == NULL) return NULL;
    uint8_t *at = PUT(buf->wp, "0\r\n");
    at = put_fields(at, trailers, &(http_extra){.drops_length = true, .drops_coding = true});
    at = PUT(at, "\r\n");
    weir_buf_commit(buf, (size_t)(at - buf->wp));
    return buf;
}
