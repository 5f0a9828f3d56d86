/* http_framing.c - how a body ends (RFC 9112 6.3) and whether the connection goes on (9.3). */
#include "http/http_names.h"
#include "http/http_parse.h"
#include "value_list.h"

/* The value of the next field of this name from `*at`; false when there is none. */
static bool next_value(const weir_http_fields *fields, weir_http_name name, size_t *at, weir_bytes *value) {
    while (*at < fields->count) {
        const weir_http_field *field = &fields->list[(*at)++];
        if (field->name != name) continue;
        *value = weir_bytes_of(fields->text->rp + field->value_at, field->value_length);
        return true;
    }
    return false;
}

/* ---- the body ---- */

/* What all Transfer-Encoding fields say together. */
typedef struct codings {
    bool chunked; /* it is the last, and there once */
    bool broken;  /* an empty element, or one behind chunked */
    bool others;  /* codings that nobody here knows */
} codings;

static void read_coding(codings *self, weir_bytes element) {
    self->broken |= element.len == 0 || self->chunked;
    bool is_chunked = weir_bytes_equal_nocase(element, weir_bytes_of("chunked", 7));
    self->chunked |= is_chunked;
    self->others |= !is_chunked;
}

static codings read_codings(const weir_http_fields *fields) {
    codings all = {0};
    size_t at = 0;
    weir_bytes rest, element;
    while (next_value(fields, WEIR_HTTP_TRANSFER_ENCODING, &at, &rest)) {
        while (value_list_next(&rest, ',', &element)) read_coding(&all, element);
    }
    return all;
}

static bool frame_by_coding(weir_http_parser *self, weir_http_head *head, weir_error *error) {
    if (head->minor == 0) return http_refuse(self, error, 400, "Transfer-Encoding in HTTP/1.0");
    if (weir_http_fields_has(&head->fields, WEIR_HTTP_CONTENT_LENGTH))
        return http_refuse(self, error, 400, "Content-Length with Transfer-Encoding");
    codings all = read_codings(&head->fields);
    if (all.broken || !all.chunked) return http_refuse(self, error, 400, "Transfer-Encoding");
    if (all.others) return http_refuse(self, error, 501, "Transfer-Encoding");
    head->framing = WEIR_HTTP_CHUNKED;
    return true;
}

/* Digits only; more than fit are too many. */
static bool read_length(weir_bytes text, uint64_t *length) {
    if (text.len == 0) return false;
    for (size_t i = 0; i < text.len; i++) {
        if ((uint8_t)(text.ptr[i] - '0') > 9) return false;
    }
    if (!weir_bytes_to_u64(text, length)) *length = UINT64_MAX;
    return true;
}

static bool frame_by_length(weir_http_parser *self, weir_http_head *head, weir_error *error) {
    weir_bytes value = weir_http_fields_get(&head->fields, WEIR_HTTP_CONTENT_LENGTH);
    if (!read_length(value, &head->length)) return http_refuse(self, error, 400, "Content-Length");
    if (head->length > self->limits.body)
        return http_refuse_limit(self, error, 413, "Content-Length", head->length, self->limits.body);
    head->framing = WEIR_HTTP_LENGTH;
    return true;
}

/* False when refused; else `*framed` says whether there was a field for it. */
static bool frame(weir_http_parser *self, weir_http_head *head, bool *framed, weir_error *error) {
    *framed = true;
    if (weir_http_fields_has(&head->fields, WEIR_HTTP_TRANSFER_ENCODING))
        return frame_by_coding(self, head, error);
    if (weir_http_fields_has(&head->fields, WEIR_HTTP_CONTENT_LENGTH))
        return frame_by_length(self, head, error);
    *framed = false;
    return true;
}

/* ---- the connection ---- */

/* What all Connection fields say together. */
typedef struct options {
    bool keeps, closes, upgrades;
} options;

/* False: a word of its own, or more than one. */
static bool read_option(options *self, weir_bytes word) {
    if (http_is_word(word, weir_bytes_of("keep-alive", 10))) return self->keeps = true;
    if (http_is_word(word, weir_bytes_of("close", 5))) return self->closes = true;
    if (http_is_word(word, weir_bytes_of("upgrade", 7))) return self->upgrades = true;
    return false;
}

/* Mostly one word and no list. */
static options read_options(const weir_http_fields *fields) {
    options all = {0};
    size_t at = 0;
    weir_bytes rest, element;
    while (next_value(fields, WEIR_HTTP_CONNECTION, &at, &rest)) {
        if (read_option(&all, rest)) continue;
        while (value_list_next(&rest, ',', &element)) read_option(&all, value_list_token(element));
    }
    return all;
}

static void read_connection(weir_http_head *head) {
    head->keep_alive = head->minor != 0;
    if (!weir_http_fields_has(&head->fields, WEIR_HTTP_CONNECTION)) return;
    options all = read_options(&head->fields);
    head->keep_alive = (head->minor != 0 || all.keeps) && !all.closes;
    head->upgrade = all.upgrades && weir_http_fields_has(&head->fields, WEIR_HTTP_UPGRADE);
}

static bool is_continue_expected(const weir_http_head *head) {
    return head->minor != 0 && weir_http_fields_has_token(&head->fields, WEIR_HTTP_EXPECT, "100-continue");
}

bool http_framing_request(weir_http_parser *self, weir_http_request *request, weir_error *error) {
    weir_http_head *head = &request->head;
    bool framed;
    if (!frame(self, head, &framed, error)) return false;
    read_connection(head);
    bool has_body = framed && (head->framing == WEIR_HTTP_CHUNKED || head->length != 0);
    if (weir_http_fields_has(&head->fields, WEIR_HTTP_EXPECT))
        head->expect_continue = has_body && is_continue_expected(head);
    if (request->method != WEIR_HTTP_METHOD_CONNECT) return true;
    if (has_body) return http_refuse(self, error, 400, "body of CONNECT");
    head->upgrade = true;
    return true;
}

/* No body whatever the fields say (RFC 9112 6.3, 1 and 2). */
static bool never_has_body(const weir_http_parser *self, unsigned status) {
    if (status < 200 || status == 204 || status == 304 || self->method == WEIR_HTTP_METHOD_HEAD) return true;
    return self->method == WEIR_HTTP_METHOD_CONNECT && status < 300;
}

bool http_framing_response(weir_http_parser *self, weir_http_response *response, weir_error *error) {
    weir_http_head *head = &response->head;
    read_connection(head);
    head->upgrade = head->upgrade || self->method == WEIR_HTTP_METHOD_CONNECT;
    if (never_has_body(self, response->status)) return true;
    bool framed;
    if (!frame(self, head, &framed, error)) return false;
    if (framed) return true;
    head->framing = WEIR_HTTP_UNTIL_CLOSE;
    head->keep_alive = false;
    return true;
}
