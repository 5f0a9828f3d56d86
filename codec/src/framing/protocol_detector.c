/* protocol_detector.c - the handler that waits for the first bytes and makes way for who understands them. */
#include <weir/codec/protocol_detector.h>
#include <weir/core/alloc.h>
#include <weir/transport/channel.h>
#include <weir/transport/ctx.h>
#include <weir/transport/event.h>

#include "framing/first_bytes.h"

enum {
    BYTES_DEFAULT = 64,
    BYTES_MAX = 512,
    TIMEOUT_MS = 10000
};

typedef struct detector {
    first_bytes first;
    weir_protocol_detector_options options;
} detector;

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

static void found(first_bytes *first, const weir_protocol *protocol) {
    weir_status status = protocol->build(weir_ctx_pipeline(first->ctx), protocol->build_arg);
    if (status == WEIR_OK) {
        first_bytes_make_way(first);
    } else {
        first_bytes_stop(first);
        weir_ctx_abort(first->ctx, status);
    }
}

/* `first` may be gone afterwards. */
static void look(first_bytes *first, bool is_end) {
    uint8_t room[BYTES_MAX];
    bool is_none;
    weir_bytes start = first_bytes_copy(first, room);
    const weir_protocol *protocol =
        find((detector *)first, start, is_end || start.len == first->most, &is_none);
    if (protocol != NULL) {
        found(first, protocol);
    } else if (is_none && (start.len != 0 || !is_end)) {
        first_bytes_fail(first, &(weir_error){.status = WEIR_E_FRAME_CORRUPT,
                                              .what = first->ops->what,
                                              .actual = start.len,
                                              .maximum = first->most});
    }
}

static void decide(first_bytes *first) {
    look(first, false);
}

/* Who is found gets `active` also when it came before the detector. */
static void start(first_bytes *first) {
    first->holds_active = true;
    first_bytes_wait(first);
}

static const first_bytes_ops waiting = {.what = "protocol", .start = start, .decide = decide};

/* ---- the handler ---- */

static void detector_event(weir_ctx *ctx, weir_obj *event) {
    first_bytes *first = weir_ctx_state(ctx);
    if (event == &weir_event_peer_closed.obj && !first->is_failed) look(first, true);
    weir_ctx_fire_event(ctx, event);
}

const weir_handler weir_protocol_detector = {
    .name = "protocol_detector",
    .added = first_bytes_added,
    .removed = first_bytes_removed,
    .active = first_bytes_active,
    .read = first_bytes_read,
    .read_complete = first_bytes_read_complete,
    .event = detector_event,
    .inactive = first_bytes_inactive,
};

weir_status weir_protocol_detector_add(weir_pipeline *pipeline,
                                       const weir_protocol_detector_options *options) {
    if (options->count == 0 || options->max_bytes > BYTES_MAX) return WEIR_E_INVALID;
    detector *self = weir_alloc_zeroed(NULL, 1, sizeof *self);
    if (self == NULL) return WEIR_E_NO_MEMORY;
    self->options = *options;
    self->first.ops = &waiting;
    self->first.most = options->max_bytes != 0 ? options->max_bytes : BYTES_DEFAULT;
    self->first.timeout_ms = options->timeout_ms == 0 ? TIMEOUT_MS : options->timeout_ms;
    if (options->no_timeout) self->first.timeout_ms = 0;
    return first_bytes_add(pipeline, &weir_protocol_detector, &self->first);
}
