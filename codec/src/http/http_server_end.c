/* http_server_end.c - how a connection ends: after its answers, with an error told, or because the peer has left.
 *
 * A socket that is closed with unread bytes resets the connection, and the peer may lose what we had told it (RFC 9112
 * 9.6). So where something may still come our side is ended first, and what comes is dropped for a while.
 */
#include <weir/buffer/buf_bytes.h>
#include <weir/core/log.h>

#include "http/http_server_state.h"

static bool may_have_unread(const http_server *self) {
    return self->asked == HTTP_ASKED_HEAD || http_server_has_begun(self) || http_server_has_waiting(self);
}

static void linger(http_server *self) {
    weir_ctx *ctx = self->out.ctx;
    self->lingering = true;
    self->discarded = 0;
    http_server_mark(self);
    http_out_enter(&self->out);
    weir_ctx_shutdown(ctx, NULL); /* which flushes: promises are kept, and whoever hears that may remove us */
    http_server_note_taken(self);
    weir_channel_set_reading(weir_ctx_channel(ctx), true);
    if (http_out_leave(&self->out)) weir_decoder_resume(ctx);
}

void http_server_close(http_server *self) {
    bool lingers = !self->peer_ended && may_have_unread(self);
    self->ending = true;
    if (lingers) {
        linger(self);
    } else {
        weir_ctx_close(self->out.ctx, NULL);
    }
}

/* ---- refusing ---- */

static void answer_refusal(http_server *self, unsigned status, const weir_error *error) {
    weir_buf *body = NULL;
    weir_http_response *response = NULL;
    const weir_http_server_options *options = &self->shared->options;
    if (options->refusal != NULL) response = options->refusal(options->refusal_arg, status, error, &body);
    self->closing = true;
    if (self->reading != NULL)
        self->reading->length = UINT64_MAX; /* what is left of it is not known any more */
    if (self->asked == HTTP_ASKED_NOTHING) {
        self->asked = HTTP_ASKED_HEAD;
        self->method = WEIR_HTTP_METHOD_OTHER;
        self->minor = 1;
        self->answer = HTTP_ANSWER_NONE;
    }
    if (response == NULL) {
        weir_buf_release(body);
        response = http_server_text(self->out.ctx, status, NULL, &body);
    }
    if (response == NULL) {
        self->ending = true;
        weir_ctx_abort(self->out.ctx, WEIR_E_NO_MEMORY);
    } else {
        http_server_answer(self, response, (weir_obj *)body, NULL);
    }
}

/* A handler that has seen the head is told; nobody else would know what to do with it. */
void http_server_refuse(http_server *self, unsigned status, const weir_error *error) {
    if (self->ending) return;
    weir_ctx *ctx = self->out.ctx;
    bool is_seen = self->asked != HTTP_ASKED_NOTHING && self->answer != HTTP_ANSWER_DONE;
    weir_log(WEIR_LOG_DEBUG, "http", "%llu: refused with %u: %s",
             (unsigned long long)weir_channel_id(weir_ctx_channel(ctx)), status, error->what);
    if (is_seen && self->answer == HTTP_ANSWER_BEGUN) {
        self->ending = true;
        weir_ctx_abort(ctx, error->status);
    } else if (self->answer == HTTP_ANSWER_DONE && self->asked != HTTP_ASKED_NOTHING) {
        http_server_close(self);
    } else {
        answer_refusal(self, status, error);
    }
    if (is_seen) weir_ctx_fire_error(ctx, error);
}

/* The peer has ended its side inside a request: nobody waits for an answer. */
static void give_up(weir_ctx *ctx, http_server *self, const weir_error *failure) {
    bool is_seen = self->asked != HTTP_ASKED_NOTHING && self->answer != HTTP_ANSWER_DONE;
    self->ending = true;
    if (is_seen) weir_ctx_fire_error(ctx, failure);
    weir_ctx_close(ctx, NULL);
}

void http_server_failed(weir_ctx *ctx, const weir_error *failure) {
    http_server *self = http_server_of(ctx);
    if (self->ending) return;
    unsigned status = self->reading != NULL ? self->reading->parser.refusal : 0;
    if (failure->status == WEIR_E_EOF) {
        give_up(ctx, self, failure);
    } else {
        http_server_refuse(self, status != 0 ? status : 503, failure);
    }
}

/* ---- the peer's end ---- */

void http_server_ended(weir_ctx *ctx) {
    http_server *self = http_server_of(ctx);
    self->peer_ended = self->closing = true;
    if (self->switched) {
        weir_ctx_fire_event(ctx, &weir_event_peer_closed.obj);
    } else if (self->ending) {
        weir_ctx_close(ctx, NULL);
    } else if (self->asked == HTTP_ASKED_NOTHING) {
        http_server_close(self);
    }
}
