/* http_decompressor.c - the handler around http_codings.h: heads rewritten, bodies decoded as fast as they are taken.
 *
 * What waits is compressed, so it is never more than a burst of reads.
 */
#include <weir/codec/http_decompressor.h>

#include <weir/core/alloc.h>

#include "held_bytes.h"
#include "http/http_client_state.h"
#include "http/http_codings.h"
#include "http/http_decompressor_hold.h"
#include "http/http_server_state.h"
#include "paced_reader.h"

typedef struct decompressor {
    paced_reader pace;
    weir_http_decompressor_options options;
    http_decoding *decoding; /* of the message at hand; NULL: it passes as it is */
    held_bytes waiting;      /* bytes of it that are not decoded */
    weir_obj *end;           /* of it, which waits for them, or NULL */
    bool is_skipping;        /* nothing more of this message is passed on */
    unsigned status;         /* of the response being written */
} decompressor;

/* ---- what waits ---- */

static void drop(decompressor *self) {
    http_decoding_free(self->decoding);
    held_bytes_clear(&self->waiting);
    weir_obj_release(self->end);
    self->decoding = NULL;
    self->end = NULL;
    paced_reader_stop(&self->pace);
}

static void skip_message(decompressor *self) {
    drop(self);
    self->is_skipping = true;
}

static bool has_bytes(const decompressor *self) {
    return self->waiting.buf != NULL || http_decoding_has_more(self->decoding);
}

static bool has_work(const void *owner) {
    const decompressor *self = owner;
    return self->decoding != NULL && (self->end != NULL || has_bytes(self));
}

/* ---- refusing: as the codec refuses ---- */

static unsigned answer_to(weir_status status) {
    if (status == WEIR_E_LIMIT) return 413;
    return status == WEIR_E_NO_MEMORY ? 503 : 400;
}

static weir_ctx *find(const decompressor *self, const weir_handler *codec) {
    return weir_pipeline_find(weir_ctx_pipeline(self->pace.ctx), codec);
}

static http_server *server_of(const decompressor *self) {
    weir_ctx *at = find(self, &http_server_ops.handler);
    return at == NULL ? NULL : http_server_of(at);
}

static http_client *client_of(const decompressor *self) {
    weir_ctx *at = find(self, &http_client_ops.handler);
    return at == NULL ? NULL : http_client_of(at);
}

static void refuse(decompressor *self, const weir_error *error) {
    skip_message(self);
    http_server *server = server_of(self);
    weir_ctx *client = find(self, &http_client_ops.handler);
    if (server != NULL) {
        http_server_refuse(server, answer_to(error->status), error);
    } else if (client != NULL) {
        http_client_failed(client, error);
    } else {
        weir_ctx_fire_error(self->pace.ctx, error);
    }
}

/* RFC 9110 15.5.16: says what would have been understood. */
static void answer_unsupported(decompressor *self) {
    weir_buf *body;
    weir_bytes known = weir_bytes_str(HTTP_CODINGS_KNOWN);
    weir_http_response *response = http_server_text(self->pace.ctx, 415, NULL, &body);
    if (response != NULL &&
        weir_http_fields_add(&response->head.fields, WEIR_HTTP_ACCEPT_ENCODING, known) != WEIR_OK) {
        weir_obj_release(response);
        response = NULL;
    }
    weir_http_server_respond(self->pace.ctx, response, body, NULL);
}

/* Nobody has seen its head. */
static void refuse_codings(decompressor *self, const char *why) {
    if (server_of(self) != NULL) {
        skip_message(self);
        answer_unsupported(self);
    } else {
        refuse(self, &(weir_error){.status = WEIR_E_UNSUPPORTED, .what = why});
    }
}

/* ---- giving ---- */

/* The connection neither ends nor brings the next response before the end of this one is passed on. */
static void hold_client(const decompressor *self) {
    http_client *client = client_of(self);
    if (client != NULL) http_client_hold(client);
}

static void let_client_go_on(const decompressor *self) {
    http_client *client = client_of(self);
    if (client != NULL) http_client_go_on(client);
}

static void give_bytes(decompressor *self) {
    weir_buf *out;
    weir_error error;
    weir_status status = http_decoding_step(self->decoding, self->waiting.buf, &out, &error);
    held_bytes_drop_read(&self->waiting);
    if (status != WEIR_OK) {
        refuse(self, &error);
    } else if (out != NULL) {
        paced_reader_give(&self->pace, &out->obj);
    }
}

static void give_end(decompressor *self) {
    weir_obj *end = self->end;
    self->end = NULL;
    if (!http_decoding_is_whole(self->decoding)) {
        weir_obj_release(end);
        refuse(self, &(weir_error){.status = WEIR_E_FRAME_CORRUPT, .what = "content coding cut short"});
        return;
    }
    drop(self);
    paced_reader_give(&self->pace, end);
    let_client_go_on(self);
}

static void give_one(void *owner) {
    decompressor *self = owner;
    if (has_bytes(self)) {
        give_bytes(self);
    } else {
        give_end(self);
    }
}

static void free_decompressor(void *owner) {
    weir_alloc_release(NULL, owner);
}

static const paced_reader_ops ops = {.has_work = has_work, .give_one = give_one, .free = free_decompressor};

/* ---- messages ---- */

static weir_http_head *head_of(weir_obj *msg) {
    bool is_head = weir_http_request_from(msg) != NULL || weir_http_response_from(msg) != NULL;
    return is_head ? (weir_http_head *)(void *)msg : NULL;
}

static bool has_whole_body(const weir_http_head *head, const weir_obj *msg) {
    bool is_empty =
        head->framing == WEIR_HTTP_NO_BODY || (head->framing == WEIR_HTTP_LENGTH && head->length == 0);
    bool is_partial = weir_http_fields_has(&head->fields, WEIR_HTTP_CONTENT_RANGE);
    if (msg->type == &weir_http_response_type)
        is_partial = is_partial || ((const weir_http_response *)(const void *)msg)->status == 206;
    return !is_empty && !is_partial;
}

/* As the message is once decoded. */
static void rewrite(weir_http_head *head, bool has_codings) {
    weir_http_fields_remove(&head->fields, WEIR_HTTP_CONTENT_ENCODING);
    if (!has_codings) return;
    weir_http_fields_remove(&head->fields, WEIR_HTTP_CONTENT_LENGTH);
    if (head->framing == WEIR_HTTP_LENGTH) head->framing = WEIR_HTTP_CHUNKED;
    head->length = 0;
}

/* False when the message was refused. */
static bool begin_decoding(decompressor *self, weir_http_head *head) {
    http_codings codings;
    http_codings_read(&codings, &head->fields);
    if (codings.is_unknown) {
        if (self->options.refuse_unknown) refuse_codings(self, "content coding");
        return !self->options.refuse_unknown;
    }
    if (codings.is_too_many) {
        refuse_codings(self, "number of content codings");
        return false;
    }
    if (codings.count != 0) {
        weir_pool *pool = weir_loop_pool(weir_ctx_loop(self->pace.ctx));
        self->decoding = http_decoding_new(&codings, self->options.output_max, self->options.ratio_max, pool);
        if (self->decoding == NULL) {
            refuse(self, &(weir_error){.status = WEIR_E_NO_MEMORY, .what = "content coding"});
            return false;
        }
    }
    rewrite(head, codings.count != 0);
    return true;
}

/* Takes: msg, whose head it is. */
static void read_head(decompressor *self, weir_obj *msg, weir_http_head *head) {
    drop(self);
    self->is_skipping = false;
    bool is_coded = weir_http_fields_has(&head->fields, WEIR_HTTP_CONTENT_ENCODING);
    if (is_coded && has_whole_body(head, msg) && !begin_decoding(self, head)) {
        weir_obj_release(msg);
    } else {
        paced_reader_give(&self->pace, msg);
    }
}

/* Takes: msg. */
static void read_coded(decompressor *self, weir_obj *msg) {
    weir_buf *buf = weir_buf_from(msg);
    weir_status status = WEIR_OK;
    if (buf == NULL) {
        self->end = msg;
    } else {
        status = held_bytes_add(&self->waiting, buf);
    }
    if (status != WEIR_OK) {
        refuse(self, &(weir_error){.status = status, .what = "content coding"});
    } else {
        paced_reader_pump(&self->pace, false);
        if (self->end != NULL) hold_client(self);
    }
}

static void decompressor_read(weir_ctx *ctx, weir_obj *msg) {
    decompressor *self = weir_ctx_state(ctx);
    weir_http_head *head = head_of(msg);
    bool is_body = weir_buf_from(msg) != NULL || weir_http_end_from(msg) != NULL;
    paced_reader_enter(&self->pace);
    if (head != NULL) {
        read_head(self, msg, head);
    } else if (is_body && self->is_skipping) {
        weir_obj_release(msg);
    } else if (is_body && self->decoding != NULL) {
        read_coded(self, msg);
    } else {
        paced_reader_give(&self->pace, msg);
    }
    paced_reader_leave(&self->pace);
}

static void decompressor_read_complete(weir_ctx *ctx) {
    decompressor *self = weir_ctx_state(ctx);
    paced_reader_read_complete(&self->pace);
}

static void decompressor_pull(weir_ctx *ctx) {
    decompressor *self = weir_ctx_state(ctx);
    paced_reader_pull(&self->pace);
}

/* ---- ends ---- */

static void decompressor_event(weir_ctx *ctx, weir_obj *event) {
    decompressor *self = weir_ctx_state(ctx);
    if (event == &weir_event_reading_on.obj) paced_reader_reading_on(&self->pace);
    if (event == &weir_event_peer_closed.obj) paced_reader_pump_alone(&self->pace, true);
    weir_ctx_fire_event(ctx, event);
}

static void decompressor_inactive(weir_ctx *ctx) {
    decompressor *self = weir_ctx_state(ctx);
    paced_reader_enter(&self->pace);
    if (!weir_yield_is_waiting(&self->pace.yield)) paced_reader_pump_alone(&self->pace, true);
    drop(self);
    weir_ctx_fire_inactive(ctx);
    paced_reader_leave(&self->pace);
}

static bool is_final(unsigned status) {
    return status >= 200 || status == 101;
}

/* Behind its answer nothing more of a request comes; behind a 101 something else does. */
static void end_answer(decompressor *self) {
    if (self->decoding == NULL || !is_final(self->status) || server_of(self) == NULL) return;
    drop(self);
    self->is_skipping = self->status != 101;
}

static void decompressor_write(weir_ctx *ctx, weir_obj *msg, weir_promise *promise) {
    decompressor *self = weir_ctx_state(ctx);
    const weir_http_response *response = weir_http_response_from(msg);
    if (response != NULL) self->status = response->status;
    if (weir_http_end_from(msg) != NULL) end_answer(self);
    weir_ctx_write(ctx, msg, promise);
}

static void decompressor_added(weir_ctx *ctx) {
    decompressor *self = weir_ctx_state(ctx);
    paced_reader_added(&self->pace, ctx);
}

static void decompressor_removed(weir_ctx *ctx) {
    decompressor *self = weir_ctx_state(ctx);
    drop(self);
    let_client_go_on(self);
    paced_reader_removed(&self->pace);
}

static const weir_handler handler = {
    .name = "http_decompressor",
    .added = decompressor_added,
    .removed = decompressor_removed,
    .read = decompressor_read,
    .read_complete = decompressor_read_complete,
    .event = decompressor_event,
    .inactive = decompressor_inactive,
    .write = decompressor_write,
    .pull = decompressor_pull,
};

/* ---- from behind ---- */

void http_decompressor_hold(const weir_ctx *ctx, bool holds) {
    weir_ctx *at = weir_pipeline_find(weir_ctx_pipeline(ctx), &handler);
    if (at == NULL) return;
    decompressor *self = weir_ctx_state(at);
    self->pace.is_held = holds;
    if (!holds) paced_reader_reading_on(&self->pace);
}

weir_status weir_http_decompressor_add(weir_pipeline *pipeline,
                                       const weir_http_decompressor_options *options) {
    decompressor *self = weir_alloc_zeroed(NULL, 1, sizeof *self);
    if (self == NULL) return WEIR_E_NO_MEMORY;
    self->pace.ops = &ops;
    if (options != NULL) self->options = *options;
    if (self->options.output_max == 0) self->options.output_max = 64u << 20;
    if (self->options.ratio_max == 0) self->options.ratio_max = 200;
    weir_status status = weir_pipeline_add_last(pipeline, &handler, self);
    if (status != WEIR_OK) weir_alloc_release(NULL, self);
    return status;
}
