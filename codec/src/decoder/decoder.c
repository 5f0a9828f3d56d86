/* decoder.c - the decode loop as a handler.
 *
 * Rule: nothing of `self` is trusted across a call into the pipeline but that it exists: `depth` counts our
 * callbacks on the stack, and a decoder that was removed lives until the outermost returns.
 */
#include <weir/codec/cumulation.h>
#include <weir/codec/decoder.h>
#include <weir/core/alloc.h>
#include <weir/transport/channel.h>
#include <weir/transport/ctx.h>
#include <weir/transport/event.h>

typedef struct decoder {
    const weir_decoder_ops *ops;
    void *state;
    weir_cumulation bytes;
    uint64_t messages;
    unsigned depth;
    bool is_removed;
    bool is_paused;
    bool holds_reads; /* it was us who stopped the channel's reading */
    bool has_ended;   /* the end of the stream came and is not passed on yet */
    bool is_pulled;   /* a pull came that no message has answered */
    bool has_told;    /* a message or an error, since that pull and the last read_complete */
    bool burst_ended; /* a read_complete waits for the callback under way, or for the resume */
} decoder;

static decoder *decoder_of(const weir_ctx *ctx) {
    return weir_ctx_state(ctx);
}

/* ---- life ---- */

void *weir_decoder_new(const weir_decoder_ops *ops, void *state, const weir_decoder_options *options) {
    WEIR_CHECK(ops->decode != NULL && ops->handler.removed == weir_decoder_removed,
               "decoder \"%s\" has no decode function, or not the slots of a decoder", ops->handler.name);
    decoder *self = weir_alloc_zeroed(NULL, 1, sizeof *self);
    if (self == NULL) {
        if (ops->free != NULL) ops->free(state);
        return NULL;
    }
    self->ops = ops;
    self->state = state;
    weir_cumulation_init(&self->bytes, options);
    return self;
}

void weir_decoder_free(void *of) {
    decoder *self = of;
    if (self == NULL) return;
    weir_cumulation_clear(&self->bytes);
    if (self->ops->free != NULL) self->ops->free(self->state);
    weir_alloc_release(NULL, self);
}

weir_status weir_decoder_add(weir_pipeline *pipeline, const weir_decoder_ops *ops, void *state,
                             const weir_decoder_options *options) {
    decoder *self = weir_decoder_new(ops, state, options);
    if (self == NULL) return WEIR_E_NO_MEMORY;
    weir_status status = weir_pipeline_add_last(pipeline, &ops->handler, self);
    if (status != WEIR_OK) weir_decoder_free(self);
    return status;
}

/* ---- looking ---- */

void *weir_decoder_state(const weir_ctx *ctx) {
    return decoder_of(ctx)->state;
}

void weir_decoder_get_stats(const weir_ctx *ctx, weir_decoder_stats *out) {
    const decoder *self = decoder_of(ctx);
    *out = (weir_decoder_stats){
        .bytes = self->bytes.offset,
        .messages = self->messages,
        .copied = self->bytes.copied,
        .waiting = self->bytes.in == NULL ? 0 : weir_buf_readable(self->bytes.in),
    };
}

/* ---- the loop ---- */

static void tell(weir_ctx *ctx, decoder *self, const weir_error *failure) {
    self->has_told = true;
    if (self->ops->failed != NULL) {
        self->ops->failed(ctx, failure);
    } else {
        weir_ctx_fire_error(ctx, failure);
    }
}

static void give(weir_ctx *ctx, decoder *self, weir_obj *message) {
    self->has_told = true;
    self->messages++;
    if (self->ops->message != NULL) {
        self->ops->message(ctx, message);
    } else {
        weir_ctx_fire_read(ctx, message);
    }
}

/* Passes on what one step brought; false when that was nothing. */
static bool pass_on(weir_ctx *ctx, decoder *self, weir_decode answer, weir_obj *message,
                    const weir_error *failure) {
    switch (answer) {
    case WEIR_DECODE_MORE: return false;
    case WEIR_DECODE_AGAIN:
        if (message != NULL) give(ctx, self, message);
        return true;
    case WEIR_DECODE_SKIPPED:
    case WEIR_DECODE_FAILED: tell(ctx, self, failure); return true;
    }
    WEIR_UNREACHABLE();
}

typedef weir_decode step_fn(weir_cumulation *bytes, weir_decode_fn *decode, void *state, weir_obj **out,
                            weir_error *error);

static void decode_all(weir_ctx *ctx, decoder *self, step_fn *step, weir_decode_fn *decode) {
    weir_obj *message;
    weir_error failure;
    weir_decode answer;
    do {
        if (self->is_removed || self->is_paused) return;
        answer = step(&self->bytes, decode, self->state, &message, &failure);
    } while (pass_on(ctx, self, answer, message, &failure));
}

/* ---- in and out of a callback ---- */

static void pass_end(weir_ctx *ctx, decoder *self) {
    if (!self->has_ended) return;
    self->has_ended = false;
    weir_ctx_fire_event(ctx, &weir_event_peer_closed.obj);
}

/* All that waits goes to whoever is next. */
static void hand_on_rest(weir_ctx *ctx, decoder *self) {
    weir_buf *rest = weir_cumulation_take(&self->bytes);
    if (rest != NULL) {
        weir_ctx_fire_read(ctx, &rest->obj);
        weir_ctx_fire_read_complete(ctx);
    }
    pass_end(ctx, self);
}

/* Downstream may do anything in here, also remove us: nothing is touched after it. */
static void end_burst(weir_ctx *ctx, decoder *self) {
    bool is_unanswered = self->is_pulled && !self->has_told;
    self->is_pulled = is_unanswered;
    self->has_told = self->burst_ended = false;
    weir_ctx_fire_read_complete(ctx);
    if (is_unanswered) weir_ctx_pull(ctx);
}

static bool may_go_on(const decoder *self) {
    return !self->is_removed && !self->is_paused;
}

/* The end of the stream does not overtake a read_complete that waits. */
static void end_waiting_burst(weir_ctx *ctx, decoder *self) {
    if (self->burst_ended && may_go_on(self)) end_burst(ctx, self);
}

/* What came before the end, and then the end, unless that has to wait. */
static void end_stream(weir_ctx *ctx, decoder *self) {
    decode_all(ctx, self, weir_cumulation_next, self->ops->decode);
    decode_all(ctx, self, weir_cumulation_end, self->ops->decode_last);
    end_waiting_burst(ctx, self);
    if (!may_go_on(self)) return;
    if (self->ops->ended != NULL && self->has_ended) {
        self->has_ended = false;
        self->ops->ended(ctx);
    } else {
        pass_end(ctx, self);
    }
}

/* `self` may be gone afterwards. */
static void leave(weir_ctx *ctx, decoder *self) {
    if (self->is_removed) hand_on_rest(ctx, self);
    if (--self->depth > 0) return;
    if (self->is_removed) {
        weir_decoder_free(self);
    } else {
        end_waiting_burst(ctx, self);
    }
}

/* ---- pausing ---- */

static void hold_reads(weir_ctx *ctx, decoder *self) {
    weir_channel *channel = weir_ctx_channel(ctx);
    if (!weir_channel_is_reading(channel)) return;
    weir_channel_set_reading(channel, false);
    self->holds_reads = true;
}

static void release_reads(weir_ctx *ctx, decoder *self) {
    if (self->holds_reads) weir_channel_set_reading(weir_ctx_channel(ctx), true);
    self->holds_reads = false;
}

bool weir_decoder_is_paused(const weir_ctx *ctx) {
    return decoder_of(ctx)->is_paused;
}

void weir_decoder_pause(weir_ctx *ctx) {
    decoder *self = decoder_of(ctx);
    self->is_paused = true;
    hold_reads(ctx, self);
}

/* Within a callback of ours the loop that called it goes on by itself. */
void weir_decoder_resume(weir_ctx *ctx) {
    decoder *self = decoder_of(ctx);
    if (!self->is_paused) return;
    self->is_paused = false;
    release_reads(ctx, self);
    if (self->depth > 0) return;
    self->depth++;
    decode_all(ctx, self, weir_cumulation_next, self->ops->decode);
    if (self->has_ended) end_stream(ctx, self);
    bool wants_bytes = self->is_pulled && !self->has_told && !self->burst_ended;
    if (wants_bytes && may_go_on(self)) weir_ctx_pull(ctx);
    leave(ctx, self);
}

/* ---- the slots ---- */

void weir_decoder_removed(weir_ctx *ctx) {
    decoder *self = decoder_of(ctx);
    self->is_removed = true;
    release_reads(ctx, self);
    if (self->depth > 0) return;
    self->depth++;
    leave(ctx, self);
}

void weir_decoder_read(weir_ctx *ctx, weir_obj *msg) {
    decoder *self = decoder_of(ctx);
    weir_buf *buf = weir_buf_from(msg);
    if (buf == NULL) {
        weir_ctx_fire_read(ctx, msg);
        return;
    }
    self->depth++;
    weir_error failure = {.what = "bytes read", .offset = self->bytes.offset};
    failure.status = weir_cumulation_add(&self->bytes, buf);
    if (failure.status != WEIR_OK) tell(ctx, self, &failure);
    if (self->depth == 1) decode_all(ctx, self, weir_cumulation_next, self->ops->decode);
    leave(ctx, self);
}

void weir_decoder_read_complete(weir_ctx *ctx) {
    decoder *self = decoder_of(ctx);
    if (self->is_paused) hold_reads(ctx, self);
    if (self->depth > 0 || self->is_paused) {
        self->burst_ended = true;
    } else {
        end_burst(ctx, self);
    }
}

void weir_decoder_event(weir_ctx *ctx, weir_obj *event) {
    if (event != &weir_event_peer_closed.obj) {
        weir_ctx_fire_event(ctx, event);
        return;
    }
    decoder *self = decoder_of(ctx);
    self->has_ended = true;
    self->depth++;
    end_stream(ctx, self);
    leave(ctx, self);
}

void weir_decoder_inactive(weir_ctx *ctx) {
    decoder *self = decoder_of(ctx);
    self->has_ended = false;
    self->depth++;
    decode_all(ctx, self, weir_cumulation_next, self->ops->decode);
    if (!self->is_removed) weir_cumulation_clear(&self->bytes);
    end_waiting_burst(ctx, self);
    leave(ctx, self);
    weir_ctx_fire_inactive(ctx);
}

void weir_decoder_pull(weir_ctx *ctx) {
    decoder *self = decoder_of(ctx);
    self->is_pulled = true;
    self->has_told = false;
    if (!self->is_paused) weir_ctx_pull(ctx);
}
