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
#include <weir/transport/yield.h>

/* Why nothing is decoded now: any of these. */
enum {
    STOP_REMOVED = 1,
    STOP_PAUSED = 2,  /* by who gets the messages */
    STOP_CHOKED = 4,  /* until the peer has taken more of what is written to it */
    STOP_YIELDED = 8, /* for this turn enough was decoded */
};

typedef struct decoder {
    const weir_decoder_ops *ops;
    void *state;
    weir_cumulation bytes;
    uint64_t messages;
    weir_yield *place;    /* in the line of those who wait for their turn; made when it is needed */
    unsigned share, left; /* messages a turn, and of this one; 0: not known yet */
    uint16_t depth;
    uint8_t stops;    /* STOP_ bits */
    bool has_ended;   /* the end of the stream came and is not passed on yet */
    bool is_pulled;   /* a pull came that no message has answered */
    bool has_told;    /* a message or an error, since that pull and the last read_complete */
    bool burst_ended; /* a read_complete waits for the callback under way, or for the resume */
} decoder;

static decoder *decoder_of(const weir_ctx *ctx) {
    return weir_ctx_state(ctx);
}

static void go_on(weir_yield *yield);

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
    weir_alloc_release(NULL, self->place);
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
    case WEIR_DECODE_LATER:
        if (message != NULL) give(ctx, self, message);
        return true;
    case WEIR_DECODE_SKIPPED:
    case WEIR_DECODE_FAILED: tell(ctx, self, failure); return true;
    }
    WEIR_UNREACHABLE();
}

static bool has_bytes(const decoder *self) {
    return self->bytes.in != NULL || self->bytes.later;
}

static void begin_share(weir_ctx *ctx, decoder *self) {
    if (self->share == 0) self->share = weir_channel_messages_per_turn(weir_ctx_channel(ctx));
    self->left = self->share;
}

/* False when out of memory: then nobody waits for a turn. */
static bool has_place(decoder *self) {
    if (self->place != NULL) return true;
    self->place = weir_alloc_acquire(NULL, sizeof *self->place);
    if (self->place != NULL) weir_yield_init(self->place, go_on);
    return self->place != NULL;
}

static void wait_for_turn(weir_ctx *ctx, decoder *self) {
    self->stops |= STOP_YIELDED;
    weir_yield_wait(self->place, ctx);
}

static void stop_waiting(decoder *self) {
    if (self->place != NULL) weir_yield_stop(self->place);
}

/* That was this turn's share, or as much work. */
static WEIR_COLD void end_share(weir_ctx *ctx, decoder *self) {
    begin_share(ctx, self);
    if (has_bytes(self) && (self->stops & STOP_REMOVED) == 0 && has_place(self)) wait_for_turn(ctx, self);
}

typedef weir_decode step_fn(weir_cumulation *bytes, weir_decode_fn *decode, void *state, weir_obj **out,
                            weir_error *error);

static void decode_all(weir_ctx *ctx, decoder *self, step_fn *step, weir_decode_fn *decode) {
    weir_obj *message;
    weir_error failure;
    while (self->stops == 0) {
        weir_decode answer = step(&self->bytes, decode, self->state, &message, &failure);
        if (!pass_on(ctx, self, answer, message, &failure)) return;
        if (WEIR_UNLIKELY(--self->left == 0 || answer == WEIR_DECODE_LATER)) end_share(ctx, self);
        if (step == weir_cumulation_next && !has_bytes(self)) return;
    }
}

/* ---- in and out of a callback ---- */

static void pass_end(weir_ctx *ctx, decoder *self) {
    if (!self->has_ended) return;
    self->has_ended = false;
    weir_ctx_fire_event(ctx, &weir_event_peer_closed.obj);
}

/* All that waits goes to whoever is next; a pull that nothing has answered, to the wire. */
static void hand_on_rest(weir_ctx *ctx, decoder *self) {
    weir_buf *rest = weir_cumulation_take(&self->bytes);
    bool misses = rest == NULL && self->is_pulled && !self->has_told;
    self->is_pulled = false;
    if (misses) weir_ctx_pull(ctx);
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

/* What waits for its turn, or for the peer, goes on by itself: what was told until then is a burst, nothing is none. */
static bool may_end_burst(const decoder *self) {
    if ((self->stops & (STOP_REMOVED | STOP_PAUSED)) != 0) return false;
    return self->stops == 0 || self->has_told;
}

/* The end of the stream does not overtake a read_complete that waits. */
static void end_waiting_burst(weir_ctx *ctx, decoder *self) {
    if (self->burst_ended && may_end_burst(self)) end_burst(ctx, self);
}

/* What came before the end, and then the end, unless that has to wait. */
static void end_stream(weir_ctx *ctx, decoder *self) {
    decode_all(ctx, self, weir_cumulation_next, self->ops->decode);
    decode_all(ctx, self, weir_cumulation_end, self->ops->decode_last);
    end_waiting_burst(ctx, self);
    if (self->stops != 0) return;
    if (self->ops->ended != NULL && self->has_ended) {
        self->has_ended = false;
        self->ops->ended(ctx);
    } else {
        pass_end(ctx, self);
    }
}

/* `self` may be gone afterwards. */
static void leave(weir_ctx *ctx, decoder *self) {
    bool is_removed = (self->stops & STOP_REMOVED) != 0;
    if (is_removed) hand_on_rest(ctx, self);
    if (--self->depth > 0) return;
    if (is_removed) {
        weir_decoder_free(self);
    } else {
        end_waiting_burst(ctx, self);
    }
}

/* Outside of a callback of ours; `self` may be gone afterwards. */
static void decode_on(weir_ctx *ctx, decoder *self) {
    self->depth++;
    decode_all(ctx, self, weir_cumulation_next, self->ops->decode);
    if (self->has_ended) end_stream(ctx, self);
    bool wants_bytes = self->is_pulled && !self->has_told && !self->burst_ended;
    if (wants_bytes && self->stops == 0) weir_ctx_pull(ctx);
    leave(ctx, self);
}

/* ---- in turns ---- */

/* The next share: a burst of its own. */
static void go_on(weir_yield *yield) {
    weir_ctx *ctx = yield->ctx;
    decoder *self = decoder_of(ctx);
    self->stops &= (uint8_t)~STOP_YIELDED;
    if ((self->stops & STOP_PAUSED) == 0) self->burst_ended = true;
    begin_share(ctx, self);
    decode_on(ctx, self);
}

/* ---- pausing ---- */

bool weir_decoder_is_paused(const weir_ctx *ctx) {
    return (decoder_of(ctx)->stops & STOP_PAUSED) != 0;
}

void weir_decoder_pause(weir_ctx *ctx) {
    decoder *self = decoder_of(ctx);
    if ((self->stops & (STOP_PAUSED | STOP_REMOVED)) != 0) return;
    self->stops |= STOP_PAUSED;
    weir_channel_hold_reading(weir_ctx_channel(ctx));
}

static void end_pause(weir_ctx *ctx, decoder *self) {
    if ((self->stops & STOP_PAUSED) == 0) return;
    self->stops &= (uint8_t)~STOP_PAUSED;
    weir_channel_let_read(weir_ctx_channel(ctx));
}

/* Within a callback of ours the loop that called it goes on by itself. */
void weir_decoder_resume(weir_ctx *ctx) {
    decoder *self = decoder_of(ctx);
    if ((self->stops & STOP_PAUSED) == 0) return;
    end_pause(ctx, self);
    if (self->depth == 0) decode_on(ctx, self);
}

/* ---- the slots ---- */

void weir_decoder_removed(weir_ctx *ctx) {
    decoder *self = decoder_of(ctx);
    self->stops |= STOP_REMOVED;
    stop_waiting(self);
    end_pause(ctx, self);
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
    if (WEIR_UNLIKELY(self->left == 0)) begin_share(ctx, self);
    self->depth++;
    weir_error failure = {.what = "bytes read", .offset = self->bytes.offset};
    failure.status = weir_cumulation_add(&self->bytes, buf);
    if (failure.status != WEIR_OK) tell(ctx, self, &failure);
    if (self->depth == 1) decode_all(ctx, self, weir_cumulation_next, self->ops->decode);
    leave(ctx, self);
}

void weir_decoder_read_complete(weir_ctx *ctx) {
    decoder *self = decoder_of(ctx);
    if ((self->stops & STOP_YIELDED) == 0) self->left = self->share;
    if (self->depth > 0 || !may_end_burst(self)) {
        self->burst_ended = true;
    } else {
        end_burst(ctx, self);
    }
}

weir_event weir_decoder_event_boundary = WEIR_EVENT_CONSTANT("boundary");

static WEIR_COLD void refuse_rest(weir_ctx *ctx, decoder *self) {
    weir_error failure = {.status = WEIR_E_FRAME_CORRUPT,
                          .what = "more came before another stream begins",
                          .offset = self->bytes.offset};
    if (self->bytes.in == NULL) return;
    failure.actual = weir_buf_readable(self->bytes.in);
    weir_cumulation_clear(&self->bytes);
    tell(ctx, self, &failure);
}

void weir_decoder_event(weir_ctx *ctx, weir_obj *event) {
    if (event == &weir_decoder_event_boundary.obj) {
        decoder *self = decoder_of(ctx);
        self->depth++;
        refuse_rest(ctx, self);
        weir_ctx_fire_event(ctx, event);
        leave(ctx, self);
        return;
    }
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
    stop_waiting(self);
    self->stops &= (uint8_t) ~(STOP_CHOKED | STOP_YIELDED);
    if ((self->stops & STOP_REMOVED) == 0) weir_cumulation_clear(&self->bytes);
    end_waiting_burst(ctx, self);
    leave(ctx, self);
    weir_ctx_fire_inactive(ctx);
}

void weir_decoder_writable_changed(weir_ctx *ctx) {
    decoder *self = decoder_of(ctx);
    const weir_channel *channel = weir_ctx_channel(ctx);
    if (weir_channel_is_choked(channel)) {
        if (weir_channel_is_reading(channel) && has_place(self)) self->stops |= STOP_CHOKED;
    } else if ((self->stops & STOP_CHOKED) != 0) {
        self->stops &= (uint8_t)~STOP_CHOKED;
        if (has_bytes(self) || self->has_ended || self->is_pulled) wait_for_turn(ctx, self);
    }
    weir_ctx_fire_writable_changed(ctx);
}

void weir_decoder_pull(weir_ctx *ctx) {
    decoder *self = decoder_of(ctx);
    self->is_pulled = true;
    self->has_told = false;
    if (self->stops == 0) weir_ctx_pull(ctx);
}
