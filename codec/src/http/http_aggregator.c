/* http_aggregator.c - the pieces of an HTTP message for the collector of message_aggregator.h. */
#include <weir/codec/http_aggregator.h>
#include <weir/codec/http_server.h>
#include <weir/core/alloc.h>

/* ---- whole messages ---- */

static weir_leak_counter fulls = {.name = "http full message"};

static void free_full(weir_obj *obj) {
    weir_http_full *self = (weir_http_full *)(void *)obj;
    weir_obj_release(self->head);
    weir_buf_release(self->body);
    weir_obj_release(self->end);
    weir_alloc_release(NULL, self);
}

const weir_obj_type weir_http_full_type = {.name = "http full message", .free = free_full, .live = &fulls};

static weir_obj *finish(void *state, weir_obj *head, weir_buf *body, weir_obj *end) {
    (void)state;
    weir_http_full *self = weir_alloc_acquire(NULL, sizeof *self);
    if (self == NULL) {
        weir_obj_release(head);
        weir_buf_release(body);
        weir_obj_release(end);
        return NULL;
    }
    weir_obj_init(&self->obj, &weir_http_full_type);
    self->head = head;
    self->body = body != NULL ? body : weir_buf_empty();
    self->end = (weir_http_end *)(void *)end;
    return &self->obj;
}

/* ---- pieces ---- */

static bool is_interim(const weir_http_response *response) {
    return response->status < 200 && response->status != 101;
}

static unsigned look(void *state, const weir_obj *msg) {
    (void)state;
    if (msg->type == &weir_buf_type) return WEIR_PIECE_BODY;
    if (msg->type == &weir_http_end_type) return WEIR_PIECE_END;
    if (msg->type == &weir_http_request_type) return WEIR_PIECE_START;
    if (msg->type != &weir_http_response_type) return WEIR_PIECE_NONE;
    return is_interim((const weir_http_response *)(const void *)msg) ? WEIR_PIECE_NONE : WEIR_PIECE_START;
}

/* ---- too long ---- */

/* Behind the answer no more of the request comes. */
static bool refuse(weir_ctx *ctx, void *state, const weir_obj *head, const weir_error *error) {
    (void)state, (void)error;
    if (head->type != &weir_http_request_type) return false;
    weir_http_server_respond_text(ctx, 413, NULL);
    return true;
}

static void aggregator_read(weir_ctx *ctx, weir_obj *msg) {
    const weir_http_request *request = weir_http_request_from(msg);
    bool is_long = request != NULL && request->head.framing == WEIR_HTTP_LENGTH &&
                   request->head.length > weir_message_aggregator_max_length(ctx);
    if (is_long && refuse(ctx, NULL, msg, NULL)) {
        weir_obj_release(msg);
    } else {
        weir_message_aggregator_read(ctx, msg);
    }
}

static const weir_message_aggregator_ops ops = {
    .handler =
        {
            .name = "http_aggregator",
            .removed = weir_message_aggregator_removed,
            .read = aggregator_read,
            .read_complete = weir_message_aggregator_read_complete,
            .inactive = weir_message_aggregator_inactive,
            .pull = weir_message_aggregator_pull,
        },
    .look = look,
    .finish = finish,
    .oversized = refuse,
};

weir_status weir_http_aggregator_add(weir_pipeline *pipeline, uint64_t max_length) {
    return weir_message_aggregator_add(pipeline, &ops, NULL, max_length);
}
