/* http_server_write.c - responses out: a head once, a body as the head said, and what contradicts it refused. */
#include <time.h>

#include <weir/buffer/buf_bytes.h>
#include <weir/codec/http_date.h>

#include "http/http_server_state.h"

/* ---- heads ---- */

static weir_bytes date_line(const http_server *self, const weir_http_fields *fields) {
    static _Thread_local weir_http_date_cache cache;
    if (self->shared->options.no_date || weir_http_fields_has(fields, WEIR_HTTP_DATE))
        return weir_bytes_of(NULL, 0);
    return weir_http_date_line(&cache, time(NULL));
}

static bool opens_tunnel(const http_server *self, unsigned status) {
    return status == 101 || (self->method == WEIR_HTTP_METHOD_CONNECT && status >= 200 && status < 300);
}

/* How the body of a response goes out, if it may have one (RFC 9110 6.4.1, 8.6; RFC 9112 6.1). */
static weir_status frame(http_server *self, const weir_http_response *response, http_body *body,
                         http_extra *extra) {
    unsigned status = response->status;
    weir_status framed = http_encoder_frame(&response->head, self->minor != 0, false, body, extra);
    if (framed != WEIR_OK) return framed;
    bool has_no_length = status < 200 || status == 204 || opens_tunnel(self, status);
    if (has_no_length) {
        extra->drops_length = true;
        extra->writes_length = false;
    }
    if (status == 304 && body->left == 0) extra->writes_length = false;
    if (has_no_length || status == 304 || self->method == WEIR_HTTP_METHOD_HEAD)
        body->framing = WEIR_HTTP_NO_BODY;
    return WEIR_OK;
}

static void agree_on_connection(http_server *self, const weir_http_response *response, http_extra *extra) {
    const weir_http_fields *fields = &response->head.fields;
    bool has_field = weir_http_fields_has(fields, WEIR_HTTP_CONNECTION);
    bool says_close = has_field && weir_http_fields_has_token(fields, WEIR_HTTP_CONNECTION, "close");
    self->closing = self->closing || says_close || self->out.framing == WEIR_HTTP_UNTIL_CLOSE ||
                    self->waits_continue || (self->out.gathering && !http_server_would_drain(self));
    if (opens_tunnel(self, response->status)) return;
    extra->closes = self->closing && !says_close;
    extra->keeps = !self->closing && self->minor == 0 &&
                   !(has_field && weir_http_fields_has_token(fields, WEIR_HTTP_CONNECTION, "keep-alive"));
}

weir_status http_server_why_not(const http_server *self) {
    if (self->ending || self->switched || self->out.broken) return WEIR_E_CLOSED;
    if (self->asked == HTTP_ASKED_NOTHING || self->answer != HTTP_ANSWER_NONE) return WEIR_E_INVALID;
    return WEIR_OK;
}

/* Takes: response, promise. */
static void write_interim(http_server *self, weir_http_response *response, weir_promise *promise) {
    http_extra extra = {.drops_length = true, .drops_coding = true};
    http_body body = {.framing = WEIR_HTTP_NO_BODY};
    self->interim = true;
    if (response->status == 100) http_server_continued(self);
    bool is_known = self->minor != 0; /* HTTP/1.0 has no interim responses (RFC 9110 15.2) */
    weir_buf *head =
        is_known ? http_encoder_response(self->out.ctx, response, &body, &extra, 0) : weir_buf_empty();
    weir_obj_release(response);
    if (head == NULL) {
        http_out_refuse(self->out.ctx, NULL, promise, WEIR_E_NO_MEMORY);
    } else {
        http_out_put(&self->out, head, promise);
    }
}

/* Takes: response, promise. */
static void write_final(http_server *self, weir_http_response *response, weir_promise *promise) {
    http_extra extra = {0};
    http_body body;
    weir_status status = frame(self, response, &body, &extra);
    if (status != WEIR_OK) {
        http_out_refuse(self->out.ctx, &response->head.obj, promise, status);
        return;
    }
    http_out_begin(&self->out, &body);
    agree_on_connection(self, response, &extra);
    extra.date = date_line(self, &response->head.fields);
    bool has_server = weir_http_fields_has(&response->head.fields, WEIR_HTTP_SERVER);
    if (!has_server) extra.server = self->shared->server_name;
    size_t room = http_out_room(&self->out, &body);
    weir_buf *head = http_encoder_response(self->out.ctx, response, &body, &extra, room);
    bool is_upgrade = opens_tunnel(self, response->status);
    weir_obj_release(response);
    if (head == NULL) {
        http_out_refuse(self->out.ctx, NULL, promise, WEIR_E_NO_MEMORY);
        return;
    }
    self->answer = HTTP_ANSWER_BEGUN;
    self->interim = self->waits_continue = false;
    self->switched = is_upgrade;
    http_out_put(&self->out, head, promise);
}

/* ---- bodies ---- */

static weir_status why_no_body(const http_server *self) {
    if (self->answer == HTTP_ANSWER_BEGUN && !self->ending && !self->out.broken) return WEIR_OK;
    weir_status status = http_server_why_not(self);
    return status == WEIR_OK ? (weir_status)WEIR_E_INVALID : status;
}

void http_server_write_end(http_server *self, weir_http_end *end, weir_promise *promise) {
    weir_status status = why_no_body(self);
    if (self->interim && self->answer == HTTP_ANSWER_NONE) {
        self->interim = false;
        weir_obj_release(end);
        http_out_put(&self->out, weir_buf_empty(), promise);
    } else if (status != WEIR_OK) {
        http_out_refuse(self->out.ctx, &end->obj, promise, status);
    } else if (http_out_end(&self->out, end, promise)) {
        self->answer = HTTP_ANSWER_DONE;
        http_server_answered(self);
    }
}

void http_server_write_piece(http_server *self, weir_obj *msg, weir_promise *promise) {
    weir_status status = why_no_body(self);
    bool is_bytes = weir_obj_is(msg, &weir_buf_type) || weir_obj_is(msg, &weir_region_type);
    if (!is_bytes) status = WEIR_E_UNSUPPORTED;
    if (status != WEIR_OK) {
        http_out_refuse(self->out.ctx, msg, promise, status);
    } else {
        http_out_piece(&self->out, msg, promise);
    }
}

void http_server_write_response(http_server *self, weir_http_response *response, weir_promise *promise) {
    weir_status status = http_server_why_not(self);
    if (status != WEIR_OK) {
        http_out_refuse(self->out.ctx, &response->head.obj, promise, status);
    } else if (response->status < 200 && response->status != 101) {
        write_interim(self, response, promise);
    } else {
        write_final(self, response, promise);
    }
}

void http_server_write(weir_ctx *ctx, weir_obj *msg, weir_promise *promise) {
    http_server *self = http_server_of(ctx);
    if (weir_http_response_from(msg) != NULL) {
        http_server_write_response(self, weir_http_response_from(msg), promise);
    } else if (weir_http_end_from(msg) != NULL) {
        http_server_write_end(self, weir_http_end_from(msg), promise);
    } else {
        http_server_write_piece(self, msg, promise);
    }
}
