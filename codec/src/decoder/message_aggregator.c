/* message_aggregator.c - collects the pieces of a message.
 *
 * Rule: what was collected is let go before anybody is told, and `depth` keeps `self` while somebody is: so whoever is
 * told may do anything.
 */
#include <weir/codec/cumulation.h>
#include <weir/codec/message_aggregator.h>
#include <weir/core/alloc.h>
#include <weir/transport/ctx.h>

typedef struct aggregator {
    const weir_message_aggregator_ops *ops;
    void *state;
    uint64_t max_length;
    weir_obj *head; /* of the message at hand, or NULL */
    weir_cumulation body;
    uint64_t length; /* of the body so far */
    unsigned depth;
    bool is_removed;
    bool is_skipping;
    bool is_pulled; /* a pull came that no message has answered */
} aggregator;

static void drop(aggregator *self) {
    weir_obj_release(self->head);
    self->head = NULL;
    weir_cumulation_clear(&self->body);
    self->length = 0;
}

weir_status weir_message_aggregator_add(weir_pipeline *pipeline, const weir_message_aggregator_ops *ops,
                                        void *state, uint64_t max_length) {
    aggregator *self = max_length == 0 ? NULL : weir_alloc_zeroed(NULL, 1, sizeof *self);
    weir_status status = max_length == 0 ? WEIR_E_INVALID : WEIR_E_NO_MEMORY;
    if (self != NULL) {
        *self = (aggregator){.ops = ops, .state = state, .max_length = max_length};
        status = weir_pipeline_add_last(pipeline, &ops->handler, self);
    }
    if (status == WEIR_OK) return WEIR_OK;
    weir_alloc_release(NULL, self);
    if (ops->free != NULL) ops->free(state);
    return status;
}

uint64_t weir_message_aggregator_max_length(const weir_ctx *ctx) {
    const aggregator *self = weir_ctx_state(ctx);
    return self->max_length;
}

/* ---- pieces ---- */

static void tell(weir_ctx *ctx, aggregator *self, weir_status status) {
    self->is_pulled = false;
    weir_ctx_fire_error(ctx, &(weir_error){.status = status, .what = "message", .maximum = self->max_length});
}

static void begin(weir_ctx *ctx, aggregator *self, weir_obj *msg) {
    bool is_early = self->head != NULL;
    drop(self);
    if (is_early) tell(ctx, self, WEIR_E_FRAME_CORRUPT);
    drop(self);
    weir_cumulation_init(&self->body, NULL);
    self->head = weir_obj_retain(msg);
    self->is_skipping = false;
}

static void refuse(weir_ctx *ctx, aggregator *self, uint64_t length) {
    weir_error error = {.status = WEIR_E_FRAME_TOO_LONG,
                        .what = "message body",
                        .actual = length,
                        .maximum = self->max_length};
    weir_obj *head = self->head;
    self->head = NULL;
    drop(self);
    self->is_skipping = true;
    self->is_pulled = false;
    const weir_message_aggregator_ops *ops = self->ops;
    bool is_done = ops->oversized != NULL && ops->oversized(ctx, self->state, head, &error);
    weir_obj_release(head);
    if (!is_done) weir_ctx_fire_error(ctx, &error);
}

/* False when the message was given up. */
static bool add_content(weir_ctx *ctx, aggregator *self, weir_obj *msg) {
    weir_buf *content = self->ops->content != NULL ? self->ops->content(self->state, msg)
                                                   : weir_buf_retain(weir_buf_from(msg));
    size_t n = content == NULL ? 0 : weir_buf_readable(content);
    if (n > self->max_length - self->length) {
        uint64_t length = self->length + n;
        weir_buf_release(content);
        refuse(ctx, self, length);
        return false;
    }
    self->length += n;
    weir_status status = weir_cumulation_add(&self->body, content);
    if (status == WEIR_OK) return true;
    drop(self);
    self->is_skipping = true;
    tell(ctx, self, status);
    return false;
}

/* Takes: end. */
static void finish(weir_ctx *ctx, aggregator *self, weir_obj *end) {
    weir_obj *head = self->head;
    weir_buf *body = weir_cumulation_take(&self->body);
    self->head = NULL;
    drop(self);
    weir_obj *whole = self->ops->finish(self->state, head, body, end);
    self->is_pulled = false;
    if (whole == NULL) {
        tell(ctx, self, WEIR_E_NO_MEMORY);
    } else {
        weir_ctx_fire_read(ctx, whole);
    }
}

/* ---- the slots ---- */

/* Borrows: msg, a piece of the message at hand or of one that starts with it. */
static void take_piece(weir_ctx *ctx, aggregator *self, weir_obj *msg, unsigned piece) {
    bool starts = (piece & WEIR_PIECE_START) != 0, ends = (piece & WEIR_PIECE_END) != 0;
    if (!starts && self->is_skipping) {
        self->is_skipping = !ends;
        return;
    }
    if (starts) begin(ctx, self, msg);
    if ((piece & WEIR_PIECE_BODY) != 0 && !add_content(ctx, self, msg)) {
        if (ends) self->is_skipping = false;
    } else if (ends) {
        finish(ctx, self, starts ? NULL : weir_obj_retain(msg));
    }
}

static void leave(aggregator *self) {
    if (self->depth > 0 || !self->is_removed) return;
    drop(self);
    if (self->ops->free != NULL) self->ops->free(self->state);
    weir_alloc_release(NULL, self);
}

void weir_message_aggregator_read(weir_ctx *ctx, weir_obj *msg) {
    aggregator *self = weir_ctx_state(ctx);
    unsigned piece = self->ops->look(self->state, msg);
    bool is_inside = self->head != NULL || self->is_skipping;
    if (piece == WEIR_PIECE_NONE || (!is_inside && (piece & WEIR_PIECE_START) == 0)) {
        weir_ctx_fire_read(ctx, msg);
        return;
    }
    self->depth++;
    take_piece(ctx, self, msg, piece);
    weir_obj_release(msg);
    self->depth--;
    leave(self);
}

void weir_message_aggregator_read_complete(weir_ctx *ctx) {
    aggregator *self = weir_ctx_state(ctx);
    bool is_unanswered = self->is_pulled;
    weir_ctx_fire_read_complete(ctx);
    if (is_unanswered) weir_ctx_pull(ctx);
}

void weir_message_aggregator_inactive(weir_ctx *ctx) {
    drop(weir_ctx_state(ctx));
    weir_ctx_fire_inactive(ctx);
}

void weir_message_aggregator_pull(weir_ctx *ctx) {
    aggregator *self = weir_ctx_state(ctx);
    self->is_pulled = true;
    weir_ctx_pull(ctx);
}

void weir_message_aggregator_removed(weir_ctx *ctx) {
    aggregator *self = weir_ctx_state(ctx);
    self->is_removed = true;
    leave(self);
}
