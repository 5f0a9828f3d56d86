/* http_client_write.c - requests out. */
#include "http/http_client_state.h"

weir_status http_client_why_not(const http_client *self) {
    if (self->ending || self->closing || self->switched || self->out.broken) return WEIR_E_CLOSED;
    if (self->sending) return WEIR_E_INVALID;
    return self->count == WEIR_HTTP_CLIENT_PIPELINE ? (weir_status)WEIR_E_LIMIT : WEIR_OK;
}

/* What usually has a body says that it has none (RFC 9110 8.6). */
static bool usually_has_body(weir_http_method method) {
    return method == WEIR_HTTP_METHOD_POST || method == WEIR_HTTP_METHOD_PUT ||
           method == WEIR_HTTP_METHOD_PATCH;
}

static weir_status frame(const weir_http_request *request, http_body *body, http_extra *extra) {
    weir_status status = http_encoder_frame(&request->head, true, true, body, extra);
    if (status == WEIR_OK && body->framing == WEIR_HTTP_NO_BODY && usually_has_body(request->method)) {
        body->framing = WEIR_HTTP_LENGTH;
        extra->writes_length = true;
    }
    return status;
}

static void note_request(http_client *self, const weir_http_request *request) {
    const weir_http_fields *fields = &request->head.fields;
    unsigned upgrade = weir_http_fields_has(fields, WEIR_HTTP_UPGRADE) ? HTTP_CLIENT_ASKS_UPGRADE : 0;
    self->methods[(self->first + self->count++) % WEIR_HTTP_CLIENT_PIPELINE] =
        (uint8_t)((unsigned)request->method | upgrade);
    self->sending = true;
    self->closing = weir_http_fields_has(fields, WEIR_HTTP_CONNECTION) &&
                    weir_http_fields_has_token(fields, WEIR_HTTP_CONNECTION, "close");
    self->waits_continue = weir_http_fields_has(fields, WEIR_HTTP_EXPECT) &&
                           weir_http_fields_has_token(fields, WEIR_HTTP_EXPECT, "100-continue");
}

/* Takes: request, promise. */
static void write_request(http_client *self, weir_http_request *request, weir_promise *promise) {
    http_extra extra = {0};
    http_body body;
    weir_status status = http_client_why_not(self);
    if (status == WEIR_OK) status = frame(request, &body, &extra);
    weir_buf *head = NULL;
    if (status == WEIR_OK) {
        if (!weir_http_fields_has(&request->head.fields, WEIR_HTTP_HOST)) extra.host = self->host;
        head = http_encoder_request(self->ctx, request, &body, &extra, http_out_room(&self->out, &body));
        if (head == NULL) status = WEIR_E_NO_MEMORY;
    }
    if (status != WEIR_OK) {
        http_out_refuse(self->ctx, &request->head.obj, promise, status);
        return;
    }
    note_request(self, request);
    weir_obj_release(request);
    http_out_begin(&self->out, &body);
    http_client_mark(self);
    http_out_put(&self->out, head, promise);
}

static weir_status why_no_body(const http_client *self) {
    if (self->sending && !self->ending && !self->out.broken && !self->switched) return WEIR_OK;
    weir_status status = http_client_why_not(self);
    return status == WEIR_OK ? (weir_status)WEIR_E_INVALID : status;
}

/* Takes: end, promise. */
static void write_end(http_client *self, weir_http_end *end, weir_promise *promise) {
    if (!http_out_end(&self->out, end, promise)) return;
    self->sending = self->waits_continue = false;
    http_client_mark(self);
    http_client_ready(self);
}

void http_client_write(weir_ctx *ctx, weir_obj *msg, weir_promise *promise) {
    http_client *self = http_client_of(ctx);
    weir_http_end *end = weir_http_end_from(msg);
    if (weir_http_request_from(msg) != NULL) {
        write_request(self, weir_http_request_from(msg), promise);
        return;
    }
    bool is_part = end != NULL || weir_obj_is(msg, &weir_buf_type) || weir_obj_is(msg, &weir_region_type);
    weir_status status = is_part ? why_no_body(self) : (weir_status)WEIR_E_UNSUPPORTED;
    if (status == WEIR_OK && end == NULL && self->out.framing == WEIR_HTTP_NO_BODY && weir_obj_size(msg) != 0)
        status = WEIR_E_INVALID;
    if (status != WEIR_OK) {
        http_out_refuse(ctx, msg, promise, status);
    } else if (end != NULL) {
        write_end(self, end, promise);
    } else {
        self->waits_continue = false;
        http_out_piece(&self->out, msg, promise);
    }
}
