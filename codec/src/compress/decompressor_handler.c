/* decompressor_handler.c - a decompressor in a pipeline, at the pace of the handlers behind it. */
#include <weir/codec/decompressor_handler.h>
#include <weir/core/alloc.h>
#include <weir/transport/event.h>
#include <weir/transport/loop.h>

#include "held_bytes.h"
#include "paced_reader.h"

#define FRUITLESS_MAX 4096 /* as much work as a piece, where each block of them is empty */

typedef struct unpacker {
    paced_reader pace;
    weir_decompressor *decompressor;
    held_bytes waiting;
    bool has_failed;
    bool has_ended; /* peer_closed waits for what came before it */
} unpacker;

static bool has_bytes(const unpacker *self) {
    return !self->has_failed && (self->waiting.buf != NULL || weir_decompressor_has_more(self->decompressor));
}

static bool has_work(const void *owner) {
    const unpacker *self = owner;
    return has_bytes(self) || self->has_ended;
}

static void fail(unpacker *self, const weir_error *error) {
    self->has_failed = true;
    held_bytes_clear(&self->waiting);
    weir_ctx_fire_error(self->pace.ctx, error);
}

static void give_end(unpacker *self) {
    weir_status status = weir_decompressor_end(self->decompressor);
    weir_ctx *ctx = self->pace.ctx;
    self->has_ended = false;
    if (!self->has_failed && status != WEIR_OK) {
        uint64_t taken = weir_decompressor_taken(self->decompressor);
        fail(self, &(weir_error){.status = status, .what = "compressed stream", .offset = taken});
    }
    weir_ctx_fire_event(ctx, &weir_event_peer_closed.obj);
}

static void give_one(void *owner) {
    unpacker *self = owner;
    weir_buf *out;
    weir_error error;
    if (!has_bytes(self)) {
        give_end(self);
        return;
    }
    weir_status status = weir_decompressor_step(self->decompressor, self->waiting.buf, &out, &error);
    held_bytes_drop_read(&self->waiting);
    if (status != WEIR_OK) {
        fail(self, &error);
    } else if (out != NULL) {
        paced_reader_give(&self->pace, &out->obj);
    }
}

static void free_unpacker(void *owner) {
    unpacker *self = owner;
    held_bytes_clear(&self->waiting);
    weir_decompressor_free(self->decompressor);
    weir_alloc_release(NULL, self);
}

static const paced_reader_ops ops = {.has_work = has_work, .give_one = give_one, .free = free_unpacker};

/* ---- slots ---- */

static void handler_added(weir_ctx *ctx) {
    unpacker *self = weir_ctx_state(ctx);
    paced_reader_added(&self->pace, ctx);
}

static void handler_removed(weir_ctx *ctx) {
    unpacker *self = weir_ctx_state(ctx);
    paced_reader_removed(&self->pace);
}

/* Takes: buf. */
static void read_bytes(unpacker *self, weir_buf *buf) {
    weir_status status = held_bytes_add(&self->waiting, buf);
    if (status != WEIR_OK) {
        fail(self, &(weir_error){.status = status, .what = "bytes read"});
    } else {
        paced_reader_pump(&self->pace, false);
    }
}

static void handler_read(weir_ctx *ctx, weir_obj *msg) {
    unpacker *self = weir_ctx_state(ctx);
    weir_buf *buf = weir_buf_from(msg);
    paced_reader_enter(&self->pace);
    if (buf == NULL) {
        paced_reader_give(&self->pace, msg);
    } else if (self->has_failed) {
        weir_buf_release(buf);
    } else {
        read_bytes(self, buf);
    }
    paced_reader_leave(&self->pace);
}

static void handler_read_complete(weir_ctx *ctx) {
    unpacker *self = weir_ctx_state(ctx);
    paced_reader_read_complete(&self->pace);
}

static void handler_event(weir_ctx *ctx, weir_obj *event) {
    unpacker *self = weir_ctx_state(ctx);
    if (event == &weir_event_reading_on.obj) paced_reader_reading_on(&self->pace);
    if (event != &weir_event_peer_closed.obj) {
        weir_ctx_fire_event(ctx, event);
        return;
    }
    self->has_ended = true;
    paced_reader_enter(&self->pace);
    paced_reader_pump(&self->pace, !has_bytes(self));
    paced_reader_leave(&self->pace);
}

static void handler_inactive(weir_ctx *ctx) {
    unpacker *self = weir_ctx_state(ctx);
    self->has_failed = true;
    self->has_ended = false;
    held_bytes_clear(&self->waiting);
    weir_ctx_fire_inactive(ctx);
}

static void handler_pull(weir_ctx *ctx) {
    unpacker *self = weir_ctx_state(ctx);
    paced_reader_pull(&self->pace);
}

const weir_handler weir_decompressor_handler = {
    .name = "decompressor",
    .added = handler_added,
    .removed = handler_removed,
    .read = handler_read,
    .read_complete = handler_read_complete,
    .event = handler_event,
    .inactive = handler_inactive,
    .pull = handler_pull,
};

weir_status weir_decompressor_handler_add(weir_pipeline *pipeline, weir_compression format,
                                          const weir_decompressor_options *options) {
    weir_decompressor_options chosen = {0};
    if (options != NULL) chosen = *options;
    if (chosen.output_max == 0) chosen.output_max = UINT64_MAX;
    if (chosen.fruitless_max == 0) chosen.fruitless_max = FRUITLESS_MAX;
    if (chosen.pool == NULL) chosen.pool = weir_loop_pool(weir_channel_loop(weir_pipeline_channel(pipeline)));
    unpacker *self = weir_alloc_zeroed(NULL, 1, sizeof *self);
    if (self == NULL) return WEIR_E_NO_MEMORY;
    self->pace.ops = &ops;
    weir_status status = weir_decompressor_new(&self->decompressor, format, &chosen);
    if (status == WEIR_OK) status = weir_pipeline_add_last(pipeline, &weir_decompressor_handler, self);
    if (status != WEIR_OK) free_unpacker(self);
    return status;
}
