/* relay_handler.c - each half writes into the other one's pipeline, and goes when its channel goes.
 *
 * A half knows the other while both are in their pipelines, and a handler is removed before its channel's memory
 * goes: so neither half holds a reference.
 */
#include <weir/transport/relay_handler.h>

#include <weir/core/log.h>
#include <weir/transport/ctx.h>
#include <weir/transport/event.h>

#include "channel/channel_internal.h"

typedef struct relay_half relay_half;
struct relay_half {
    weir_ctx *ctx;
    relay_half *other; /* NULL: it is gone, and this channel is closing */
};

static weir_channel *channel_at(const relay_half *half) {
    return weir_ctx_channel(half->ctx);
}

static void relay_added(weir_ctx *ctx) {
    relay_half *self = weir_ctx_state(ctx);
    self->ctx = ctx;
}

static void relay_removed(weir_ctx *ctx) {
    relay_half *self = weir_ctx_state(ctx), *other = self->other;
    weir_alloc_release(NULL, self);
    if (other == NULL) return;
    other->other = NULL;
    weir_channel_close(channel_at(other), NULL);
}

static void relay_read(weir_ctx *ctx, weir_obj *msg) {
    relay_half *self = weir_ctx_state(ctx);
    if (self->other == NULL) {
        weir_obj_release(msg);
        return;
    }
    weir_channel *to = channel_at(self->other);
    weir_ctx_write(self->other->ctx, msg, NULL); /* its failure is an error there, and may end both */
    if (!weir_channel_is_writable(to)) weir_channel_set_reading(weir_ctx_channel(ctx), false);
}

static void relay_read_complete(weir_ctx *ctx) {
    relay_half *self = weir_ctx_state(ctx);
    if (self->other != NULL) weir_ctx_flush(self->other->ctx);
}

static void relay_writable_changed(weir_ctx *ctx) {
    relay_half *self = weir_ctx_state(ctx);
    if (self->other != NULL) {
        weir_channel_set_reading(channel_at(self->other), weir_channel_is_writable(weir_ctx_channel(ctx)));
    }
    weir_ctx_fire_writable_changed(ctx);
}

static void relay_event(weir_ctx *ctx, weir_obj *event) {
    relay_half *self = weir_ctx_state(ctx);
    if (event != &weir_event_peer_closed.obj || self->other == NULL) {
        weir_ctx_fire_event(ctx, event);
        return;
    }
    weir_obj_release(event);
    weir_ctx_shutdown(self->other->ctx, NULL);
}

/* Bytes were lost, or will be: both streams end here, and neither may look whole. */
static void relay_error(weir_ctx *ctx, const weir_error *error) {
    relay_half *self = weir_ctx_state(ctx);
    if (self->other != NULL) weir_ctx_abort(self->other->ctx, error->status);
    weir_ctx_abort(ctx, error->status);
    weir_ctx_fire_error(ctx, error);
}

static void relay_abort(weir_ctx *ctx, weir_status why) {
    relay_half *self = weir_ctx_state(ctx);
    if (self->other != NULL) weir_ctx_abort(self->other->ctx, why);
    weir_ctx_abort(ctx, why);
}

const weir_handler weir_relay_handler = {
    .name = "relay",
    .added = relay_added,
    .removed = relay_removed,
    .read = relay_read,
    .read_complete = relay_read_complete,
    .event = relay_event,
    .writable_changed = relay_writable_changed,
    .error = relay_error,
    .abort = relay_abort,
};

static weir_status add_half(weir_channel *channel, relay_half **out) {
    relay_half *half = weir_alloc_zeroed(NULL, 1, sizeof *half);
    if (half == NULL) return WEIR_E_NO_MEMORY;
    weir_status status = weir_pipeline_add_last(weir_channel_pipeline(channel), &weir_relay_handler, half);
    if (status != WEIR_OK) {
        weir_alloc_release(NULL, half);
    } else {
        *out = half;
    }
    return status;
}

weir_status weir_relay_pair(weir_channel *one, weir_channel *other) {
    relay_half *left, *right;
    WEIR_CHECK(one->loop == other->loop, "weir_relay_pair: channels of two loops");
    if (!one->options->read_while_unwritable || !other->options->read_while_unwritable) {
        weir_log(WEIR_LOG_ERROR, "relay", "both channels need the option read_while_unwritable");
        return WEIR_E_INVALID;
    }
    weir_status status = add_half(one, &left);
    if (status != WEIR_OK) return status;
    status = add_half(other, &right);
    if (status != WEIR_OK) {
        weir_pipeline_remove(left->ctx);
        return status;
    }
    left->other = right;
    right->other = left;
    return WEIR_OK;
}
