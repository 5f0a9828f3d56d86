/* http_server_answer.c - what users call from behind the codec. */
#include <string.h>

#include <weir/buffer/buf_bytes.h>

#include "http/http_server_state.h"

static http_server *server_behind(const weir_ctx *ctx) {
    weir_ctx *at = weir_pipeline_find(weir_ctx_pipeline(ctx), &http_server_ops.handler);
    return at == NULL ? NULL : http_server_of(at);
}

/* ---- whole responses ---- */

static void note_length(weir_http_response *response, uint64_t n) {
    weir_http_head *head = &response->head;
    if (weir_http_fields_has(&head->fields, WEIR_HTTP_CONTENT_LENGTH)) return;
    head->framing = WEIR_HTTP_LENGTH;
    head->length = n;
}

static uint64_t size_of_body(const weir_obj *body) {
    return body == NULL ? 0 : weir_obj_size(body);
}

weir_http_response *http_server_text(weir_ctx *ctx, unsigned status, const char *text, weir_buf **body) {
    weir_http_response *response = weir_http_response_new_in(weir_loop_pool(weir_ctx_loop(ctx)), status);
    *body = weir_ctx_get_buf(ctx, 256);
    weir_bytes type = weir_bytes_of("text/plain", 10);
    if (response == NULL || *body == NULL ||
        weir_http_fields_add(&response->head.fields, WEIR_HTTP_CONTENT_TYPE, type) != WEIR_OK) {
        weir_obj_release(response);
        weir_buf_release(*body);
        *body = NULL;
        return NULL;
    }
    weir_bytes said = text != NULL ? weir_bytes_str(text) : response->reason;
    weir_buf_write_view(*body, said);
    weir_buf_write_bytes(*body, "\n", 1);
    return response;
}

/* A handler on the way may have kept what was written: then the gathering ends here. */
static void stop_gathering(http_server *self) {
    if (self->out.gathering) http_out_release(&self->out);
}

void http_server_answer(http_server *self, weir_http_response *response, weir_obj *body,
                        weir_promise *promise) {
    http_out_enter(&self->out);
    self->out.gathering = true;
    note_length(response, size_of_body(body));
    http_server_write_response(self, response, NULL);
    if (body != NULL) http_server_write_piece(self, body, NULL);
    http_server_write_end(self, &weir_http_end_plain, promise);
    if (!self->out.is_freed) stop_gathering(self);
    http_out_leave(&self->out);
}

/* The same through the handlers between: part by part, as they want it. */
static void answer_through(weir_ctx *ctx, http_server *self, weir_http_response *response, weir_obj *body,
                           weir_promise *promise) {
    self->out.gathering = true;
    note_length(response, size_of_body(body));
    weir_ctx_write(ctx, response, NULL);
    if (body != NULL) weir_ctx_write(ctx, body, NULL);
    weir_ctx_write(ctx, &weir_http_end_plain, promise);
    self = server_behind(ctx); /* or gone by now */
    if (self != NULL) stop_gathering(self);
}

void weir_http_server_respond(weir_ctx *ctx, weir_http_response *response, void *body,
                              weir_promise *promise) {
    weir_buf *text = NULL;
    if (response == NULL) {
        weir_obj_release(body);
        response = http_server_text(ctx, 500, NULL, &text);
        body = text;
    }
    if (response == NULL) {
        http_out_refuse(ctx, NULL, promise, WEIR_E_NO_MEMORY);
        weir_ctx_abort(ctx, WEIR_E_NO_MEMORY);
        return;
    }
    weir_ctx *next = weir_ctx_writes_to(ctx);
    bool is_next = weir_ctx_handler(next) == &http_server_ops.handler;
    http_server *self = is_next ? http_server_of(next) : server_behind(ctx);
    weir_status status = self == NULL ? (weir_status)WEIR_E_CLOSED : http_server_why_not(self);
    if (status != WEIR_OK) {
        weir_obj_release(body);
        http_out_refuse(ctx, &response->head.obj, promise, status);
    } else if (is_next) {
        http_server_answer(self, response, body, promise);
    } else {
        answer_through(ctx, self, response, body, promise);
    }
}

void weir_http_server_respond_text(weir_ctx *ctx, unsigned status, const char *text) {
    weir_buf *body;
    weir_http_response *response = http_server_text(ctx, status, text, &body);
    weir_http_server_respond(ctx, response, body, NULL);
}

/* ---- others ---- */

void weir_http_server_continue(weir_ctx *ctx) {
    http_server *self = server_behind(ctx);
    if (self != NULL && self->waits_continue && !self->ending && self->answer == HTTP_ANSWER_NONE)
        http_server_send_continue(self);
}

void http_server_continue_by_hand(weir_ctx *ctx) {
    http_server *self = server_behind(ctx);
    if (self != NULL) self->by_hand = true;
}

void weir_http_server_upgrade(weir_ctx *ctx) {
    http_server *self = server_behind(ctx);
    if (self == NULL || self->ending) return;
    WEIR_CHECK(self->switched && self->answer == HTTP_ANSWER_DONE,
               "no 101, or 2xx to CONNECT, was written with its end");
    if (self->asked == HTTP_ASKED_WHOLE) {
        weir_pipeline_remove(self->out.ctx);
    } else {
        self->leaving = true; /* the end of the request is still to be parsed */
    }
}
