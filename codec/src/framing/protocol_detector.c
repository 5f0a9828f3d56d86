/* protocol_detector.c - the handler that waits for the first bytes and makes way for who understands them.
 *
 * Once it has decided (or failed) it only waits to be freed: all that comes passes by or is dropped.
 */
#include <weir/buffer/buf_bytes.h>
#include <weir/codec/cumulation.h>
#include <weir/codec/protocol_detector.h>
#include <weir/core/alloc.h>
#include <weir/transport/channel.h>
#include <weir/transport/ctx.h>
#include <weir/transport/event.h>
#include <weir/transport/timer.h>

enum {
    BYTES_DEFAULT = 64,
    BYTES_MAX = 512,
    TIMEOUT_DEFAULT = 10000
};

typedef struct detector {
    weir_protocol_detector_options options;
    weir_timer timer;
    weir_ctx *ctx;
    weir_cumulation bytes;
    bool holds_active; /* `active` came; who is found gets it */
    bool is_failed;
} detector;

static void stop(detector *self) {
    weir_timer_stop(&self->timer, weir_ctx_loop(self->ctx));
    self->is_failed = true;
    weir_cumulation_clear(&self->bytes);
}

static void fail(detector *self, weir_status status, uint64_t seen) {
    stop(self);
    weir_ctx_fire_error(self->ctx, &(weir_error){.status = status,
                                                 .what = "protocol",
                                                 .actual = seen,
                                                 .maximum = self->options.max_bytes});
}

/* The protocol found, NULL when that has to wait; `*is_none`: there will be none. */
static const weir_protocol *find(const detector *self, weir_bytes start, bool is_all, bool *is_none) {
    *is_none = false;
    for (size_t i = 0; i < self->options.count; i++) {
        const weir_protocol *protocol = &self->options.protocols[i];
        weir_protocol_answer answer = protocol->is(protocol->arg, start);
        if (answer == WEIR_PROTOCOL_YES) return protocol;
        if (answer == WEIR_PROTOCOL_MORE && !is_all) return NULL;
    }
    *is_none = true;
    return NULL;
}

/* Removing the detector hands on the bytes. */
static void make_way(detector *self, const weir_protocol *protocol) {
    weir_ctx *ctx = self->ctx;
    weir_timer_stop(&self->timer, weir_ctx_loop(ctx));
    weir_status status = protocol->build(weir_ctx_pipeline(ctx), protocol->build_arg);
    if (status != WEIR_OK) {
        stop(self);
        weir_ctx_abort(ctx, status);
        return;
    }
    if (self->holds_active) weir_ctx_fire_active(ctx);
    weir_pipeline_remove(ctx);
}

/* `self` may be gone afterwards. */
static void decide(detector *self, bool is_end) {
    uint8_t copy[BYTES_MAX];
    const weir_buf *in = self->bytes.in;
    size_t n = in == NULL ? 0 : weir_buf_readable(in);
    if (n > self->options.max_bytes) n = self->options.max_bytes;
    if (n != 0) weir_buf_get_bytes(in, weir_buf_reader_index(in), copy, n);
    bool is_none;
    const weir_protocol *found =
        find(self, weir_bytes_of(copy, n), is_end || n == self->options.max_bytes, &is_none);
    if (found != NULL) {
        make_way(self, found);
    } else if (is_none && (n != 0 || !is_end)) {
        fail(self, WEIR_E_FRAME_CORRUPT, n);
    }
}

/* ---- the slots ---- */

static void timed_out(weir_timer *timer) {
    detector *self = timer->arg;
    fail(self, WEIR_E_TIMEOUT, self->bytes.in == NULL ? 0 : weir_buf_readable(self->bytes.in));
}

static void ask_for_bytes(const detector *self) {
    if (!weir_channel_is_reading(weir_ctx_channel(self->ctx))) weir_ctx_pull(self->ctx);
}

static void start(detector *self) {
    self->holds_active = true;
    if (!self->options.no_timeout) {
        weir_timer_start(&self->timer, weir_ctx_loop(self->ctx), self->options.timeout_ms);
    }
    ask_for_bytes(self);
}

static void detector_added(weir_ctx *ctx) {
    detector *self = weir_ctx_state(ctx);
    self->ctx = ctx;
    if (weir_channel_is_active(weir_ctx_channel(ctx))) start(self);
}

static void detector_removed(weir_ctx *ctx) {
    detector *self = weir_ctx_state(ctx);
    weir_timer_stop(&self->timer, weir_ctx_loop(ctx));
    weir_buf *rest = weir_cumulation_take(&self->bytes);
    weir_alloc_release(NULL, self);
    if (rest == NULL) return;
    weir_ctx_fire_read(ctx, &rest->obj);
    weir_ctx_fire_read_complete(ctx);
}

static void detector_active(weir_ctx *ctx) {
    start(weir_ctx_state(ctx));
}

static void detector_read(weir_ctx *ctx, weir_obj *msg) {
    detector *self = weir_ctx_state(ctx);
    weir_buf *buf = weir_buf_from(msg);
    if (buf == NULL) {
        weir_ctx_fire_read(ctx, msg);
        return;
    }
    weir_status status = weir_cumulation_add(&self->bytes, buf);
    if (status != WEIR_OK) {
        fail(self, status, 0);
    } else if (!self->is_failed) {
        decide(self, false);
    }
}

/* Nothing is decided yet, and nobody else can ask for the bytes. */
static void detector_read_complete(weir_ctx *ctx) {
    const detector *self = weir_ctx_state(ctx);
    if (!self->is_failed) ask_for_bytes(self);
}

static void detector_event(weir_ctx *ctx, weir_obj *event) {
    detector *self = weir_ctx_state(ctx);
    if (event == &weir_event_peer_closed.obj && !self->is_failed) decide(self, true);
    weir_ctx_fire_event(ctx, event);
}

static void detector_inactive(weir_ctx *ctx) {
    detector *self = weir_ctx_state(ctx);
    weir_timer_stop(&self->timer, weir_ctx_loop(ctx));
    weir_cumulation_clear(&self->bytes);
    if (!self->holds_active) weir_ctx_fire_inactive(ctx); /* what nobody saw begin does not end */
}

const weir_handler weir_protocol_detector = {
    .name = "protocol_detector",
    .added = detector_added,
    .removed = detector_removed,
    .active = detector_active,
    .read = detector_read,
    .read_complete = detector_read_complete,
    .event = detector_event,
    .inactive = detector_inactive,
};

weir_status weir_protocol_detector_add(weir_pipeline *pipeline,
                                       const weir_protocol_detector_options *options) {
    if (options->count == 0 || options->max_bytes > BYTES_MAX) return WEIR_E_INVALID;
    detector *self = weir_alloc_zeroed(NULL, 1, sizeof *self);
    if (self == NULL) return WEIR_E_NO_MEMORY;
    self->options = *options;
    if (options->max_bytes == 0) self->options.max_bytes = BYTES_DEFAULT;
    if (options->timeout_ms == 0) self->options.timeout_ms = TIMEOUT_DEFAULT;
    weir_timer_init(&self->timer, timed_out, self);
    weir_cumulation_init(&self->bytes, NULL);
    weir_status status = weir_pipeline_add_last(pipeline, &weir_protocol_detector, self);
    if (status != WEIR_OK) weir_alloc_release(NULL, self);
    return status;
}
