/* http_decompressor.c - the handler around http_inflate.h: heads rewritten, bodies decoded as fast as they are taken.
 *
 * Rule: nothing of `self` is trusted across a call into the pipeline but that it exists: `depth` counts ours on the
 * stack. What waits is compressed, so it is never more than a burst of reads.
 */
#include <weir/codec/http_decompressor.h>

#include <limits.h>

#include <weir/buffer/buf_composite.h>
#include <weir/core/alloc.h>

#include "http/http_client_state.h"
#include "http/http_inflate.h"
#include "http/http_server_state.h"

#define LOOK_MS 10 /* whether reading is on again: nobody says so */

typedef struct decompressor {
    weir_ctx *ctx;
    weir_http_decompressor_options options;
    http_inflate *inflate; /* of the message at hand; NULL: it passes as it is */
    weir_buf *waiting;     /* bytes of it that are not decoded, or NULL */
    weir_obj *end;         /* of it, which waits for them, or NULL */
    weir_timer timer;
    unsigned depth;
    bool is_chain;    /* waiting is a composite of our own */
    bool is_wanted;   /* a pull that nothing has answered */
    bool is_skipping; /* nothing more of this message is passed on */
    bool is_ready;    /* the client's event, which waits for the end */
    unsigned status;  /* of the response being written */
    bool is_pumping;
    bool is_removed;
} decompressor;

/* ---- what waits ---- */

static void drop(decompressor *self) {
    http_inflate_free(self->inflate);
    weir_buf_release(self->waiting);
    weir_obj_release(self->end);
    self->inflate = NULL;
    self->waiting = NULL;
    self->end = NULL;
    self->is_chain = self->is_ready = false;
    if (self->ctx != NULL) weir_timer_stop(&self->timer, weir_ctx_loop(self->ctx));
}

static void skip_message(decompressor *self) {
    drop(self);
    self->is_skipping = true;
}

static bool has_bytes(const decompressor *self) {
    return self->waiting != NULL || http_inflate_has_more(self->inflate);
}

static bool has_work(const decompressor *self) {
    return self->inflate != NULL && (self->end != NULL || has_bytes(self));
}

/* Takes: buf. */
static weir_status hold(decompressor *self, weir_buf *buf) {
    if (self->waiting == NULL) {
        self->waiting = buf;
        return WEIR_OK;
    }
    if (!self->is_chain) {
        weir_buf *chain = weir_buf_composite_new();
        weir_status status =
            chain == NULL ? WEIR_E_NO_MEMORY : weir_buf_composite_append(chain, self->waiting);
        if (chain != NULL) self->waiting = chain;
        self->is_chain = chain != NULL;
        if (status != WEIR_OK) {
            weir_buf_release(buf);
            return status;
        }
    }
    return weir_buf_composite_append(self->waiting, buf);
}

static void let_go_of_read(decompressor *self) {
    if (self->waiting == NULL) return;
    if (!weir_buf_is_readable(self->waiting)) {
        weir_buf_release(self->waiting);
        self->waiting = NULL;
        self->is_chain = false;
    } else if (self->is_chain) {
        weir_buf_composite_drop_read(self->waiting);
    }
}

/* ---- refusing: as the codec refuses ---- */

static unsigned answer_to(weir_status status) {
    if (status == WEIR_E_LIMIT) return 413;
    return status == WEIR_E_NO_MEMORY ? 503 : 400;
}

static http_server *server_of(const decompressor *self) {
    weir_ctx *at = weir_pipeline_find(weir_ctx_pipeline(self->ctx), &http_server_ops.handler);
    return at == NULL ? NULL : http_server_of(at);
}

static void refuse(decompressor *self, const weir_error *error) {
    skip_message(self);
    http_server *server = server_of(self);
    weir_ctx *client = weir_pipeline_find(weir_ctx_pipeline(self->ctx), &http_client_ops.handler);
    if (server != NULL) {
        http_server_refuse(server, answer_to(error->status), error);
    } else if (client != NULL) {
        http_client_failed(client, error);
    } else {
        weir_ctx_fire_error(self->ctx, error);
    }
}

/* RFC 9110 15.5.16: says what would have been understood. */
static void answer_unsupported(decompressor *self) {
    weir_buf *body;
    weir_bytes known = weir_bytes_str("gzip, deflate");
    weir_http_response *response = http_server_text(self->ctx, 415, NULL, &body);
    if (response != NULL &&
        weir_http_fields_add(&response->head.fields, WEIR_HTTP_ACCEPT_ENCODING, known) != WEIR_OK) {
        weir_obj_release(response);
        response = NULL;
    }
    weir_http_server_respond(self->ctx, response, body, NULL);
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

static void give(decompressor *self, weir_obj *msg) {
    self->is_wanted = false;
    weir_ctx_fire_read(self->ctx, msg);
}

static void give_bytes(decompressor *self) {
    weir_buf *out;
    weir_error error;
    weir_buf *in = self->waiting != NULL ? self->waiting : weir_buf_empty();
    weir_status status = http_inflate_step(self->inflate, in, &out, &error);
    let_go_of_read(self);
    if (status != WEIR_OK) {
        refuse(self, &error);
    } else if (out != NULL) {
        give(self, &out->obj);
    }
}

static void give_end(decompressor *self) {
    weir_obj *end = self->end;
    self->end = NULL;
    if (!http_inflate_is_whole(self->inflate)) {
        weir_obj_release(end);
        refuse(self, &(weir_error){.status = WEIR_E_FRAME_CORRUPT, .what = "content coding cut short"});
        return;
    }
    bool is_ready = self->is_ready;
    drop(self);
    give(self, end);
    if (is_ready && !self->is_removed) weir_ctx_fire_event(self->ctx, &weir_http_event_ready.obj);
}

static bool may_give(const decompressor *self, bool all) {
    bool is_taken = all || self->is_wanted || weir_channel_is_reading(weir_ctx_channel(self->ctx));
    return has_work(self) && is_taken && !self->is_removed;
}

static void enter(decompressor *self) {
    self->depth++;
}

static void leave(decompressor *self) {
    if (--self->depth == 0 && self->is_removed) weir_alloc_release(NULL, self);
}

/* As much as is taken; `all` because the connection ends. */
static bool pump(decompressor *self, bool all) {
    bool any = false;
    if (self->is_pumping) return false;
    self->is_pumping = true;
    while (may_give(self, all)) {
        any = true;
        if (has_bytes(self)) {
            give_bytes(self);
        } else {
            give_end(self);
        }
    }
    self->is_pumping = false;
    if (has_work(self) && !self->is_removed && !weir_timer_is_running(&self->timer))
        weir_timer_start(&self->timer, weir_ctx_loop(self->ctx), LOOK_MS);
    return any;
}

/* Outside a burst of reads: each answer to a pull is a burst of its own. */
static void pump_alone(decompressor *self, bool all) {
    if (self->is_pumping) return;
    enter(self);
    while (pump(self, all) && !self->is_removed) {
        self->is_pumping = true; /* a pull from in here is a wish for the next round */
        weir_ctx_fire_read_complete(self->ctx);
        self->is_pumping = false;
    }
    if (self->is_wanted && !self->is_removed && !has_work(self)) weir_ctx_pull(self->ctx);
    leave(self);
}

static void look_again(weir_timer *timer) {
    decompressor *self = timer->arg;
    if (may_give(self, false)) {
        pump_alone(self, false);
    } else if (has_work(self)) {
        weir_timer_start(timer, weir_ctx_loop(self->ctx), LOOK_MS);
    }
}

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
        weir_pool *pool = weir_loop_pool(weir_ctx_loop(self->ctx));
        self->inflate = http_inflate_new(&codings, self->options.output_max, self->options.ratio_max, pool);
        if (self->inflate == NULL) {
            refuse(self, &(weir_error){.status = WEIR_E_NO_MEMORY, .what = "content coding"});
            return false;
        }
    }
    rewrite(head, codings.count != 0);
    return true;
}

/* Takes: msg, whose head it is. */
static void read_head(decompressor *self, weir_obj *msg, weir_http_head *head) {
    pump(self, true); /* a response that comes behind another does not wait */
    drop(self);
    self->is_skipping = false;
    bool is_coded = weir_http_fields_has(&head->fields, WEIR_HTTP_CONTENT_ENCODING);
    if (is_coded && has_whole_body(head, msg) && !begin_decoding(self, head)) {
        weir_obj_release(msg);
    } else {
        give(self, msg);
    }
}

/* Takes: msg. */
static void read_coded(decompressor *self, weir_obj *msg) {
    weir_buf *buf = weir_buf_from(msg);
    weir_status status = WEIR_OK;
    if (buf == NULL) {
        self->end = msg;
    } else if (weir_buf_is_readable(buf)) {
        status = hold(self, buf);
    } else {
        weir_buf_release(buf);
    }
    if (status != WEIR_OK) {
        refuse(self, &(weir_error){.status = status, .what = "content coding"});
    } else {
        pump(self, false);
    }
}

static void decompressor_read(weir_ctx *ctx, weir_obj *msg) {
    decompressor *self = weir_ctx_state(ctx);
    weir_http_head *head = head_of(msg);
    bool is_body = weir_buf_from(msg) != NULL || weir_http_end_from(msg) != NULL;
    enter(self);
    if (head != NULL) {
        read_head(self, msg, head);
    } else if (is_body && self->is_skipping) {
        weir_obj_release(msg);
    } else if (is_body && self->inflate != NULL) {
        read_coded(self, msg);
    } else {
        give(self, msg);
    }
    leave(self);
}

/* A burst that gave nothing has not answered a pull. */
static void decompressor_read_complete(weir_ctx *ctx) {
    decompressor *self = weir_ctx_state(ctx);
    enter(self);
    weir_ctx_fire_read_complete(ctx);
    if (self->is_wanted && !self->is_removed && !has_work(self)) weir_ctx_pull(ctx);
    leave(self);
}

static void decompressor_pull(weir_ctx *ctx) {
    decompressor *self = weir_ctx_state(ctx);
    self->is_wanted = true;
    if (has_work(self)) {
        pump_alone(self, false);
    } else {
        weir_ctx_pull(ctx);
    }
}

/* ---- ends ---- */

static void decompressor_event(weir_ctx *ctx, weir_obj *event) {
    decompressor *self = weir_ctx_state(ctx);
    if (event == &weir_http_event_ready.obj && has_work(self)) {
        self->is_ready = true;
        return;
    }
    if (event == &weir_event_peer_closed.obj) pump_alone(self, true);
    weir_ctx_fire_event(ctx, event);
}

static void decompressor_inactive(weir_ctx *ctx) {
    decompressor *self = weir_ctx_state(ctx);
    enter(self);
    pump_alone(self, true);
    drop(self);
    weir_ctx_fire_inactive(ctx);
    leave(self);
}

static bool is_final(unsigned status) {
    return status >= 200 || status == 101;
}

/* Behind its answer nothing more of a request comes; behind a 101 something else does. */
static void end_answer(decompressor *self) {
    if (self->inflate == NULL || !is_final(self->status) || server_of(self) == NULL) return;
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
    self->ctx = ctx;
    weir_timer_init(&self->timer, look_again, self);
}

static void decompressor_removed(weir_ctx *ctx) {
    decompressor *self = weir_ctx_state(ctx);
    enter(self);
    drop(self);
    self->is_removed = true;
    leave(self);
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

weir_status weir_http_decompressor_add(weir_pipeline *pipeline,
                                       const weir_http_decompressor_options *options) {
    decompressor *self = weir_alloc_zeroed(NULL, 1, sizeof *self);
    if (self == NULL) return WEIR_E_NO_MEMORY;
    if (options != NULL) self->options = *options;
    if (self->options.output_max == 0) self->options.output_max = 64u << 20;
    if (self->options.ratio_max == 0) self->options.ratio_max = 200;
    weir_status status = weir_pipeline_add_last(pipeline, &handler, self);
    if (status != WEIR_OK) weir_alloc_release(NULL, self);
    return status;
}
