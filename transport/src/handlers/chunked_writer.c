/* chunked_writer.c - a queue that begins with a source: asked while the channel is writable.
 *
 * The promise of a source goes with an empty buf behind its last piece: so it completes when that has left.
 */
#include <weir/transport/chunked_writer.h>

#include <errno.h>

#include "channel/channel_internal.h"

static weir_leak_counter living = {.name = "chunk_source"};

static void free_source(weir_obj *obj) {
    weir_chunk_source *source = (weir_chunk_source *)(void *)obj;
    source->ops->free(source);
}

const weir_obj_type weir_chunk_source_type = {.name = "chunk_source", .free = free_source, .live = &living};

void weir_chunk_source_init(weir_chunk_source *source, const weir_chunk_source_ops *ops) {
    source->ops = ops;
    weir_obj_init(&source->obj, &weir_chunk_source_type);
}

/* ---- what waits ---- */

typedef enum waiting_kind {
    WAITING_WRITE,
    WAITING_SHUTDOWN,
    WAITING_CLOSE,
} waiting_kind;

typedef struct waiting {
    weir_list link;
    waiting_kind kind;
    weir_obj *msg;
    weir_promise *promise;
} waiting;

typedef struct writer {
    weir_list queue;
    uint64_t bytes; /* of the bufs that wait */
    bool pumping;
    bool removed; /* while pumping, which frees it */
} writer;

static bool is_source(const weir_obj *msg) {
    return weir_obj_is(msg, &weir_chunk_source_type);
}

static uint64_t cost_of(const weir_obj *msg) {
    return sizeof(waiting) + (weir_obj_is(msg, &weir_buf_type) ? weir_obj_size(msg) : 0);
}

static void complete(weir_promise *promise, weir_status status) {
    if (promise != NULL) weir_promise_complete(promise, status);
}

/* Takes: msg, promise. */
static void refuse(weir_ctx *ctx, weir_obj *msg, weir_promise *promise, weir_status status) {
    weir_obj_release(msg);
    channel_write_failed(weir_ctx_channel(ctx), promise, status);
}

/* Takes: what. */
static void wait_in_line(weir_ctx *ctx, waiting what) {
    writer *self = weir_ctx_state(ctx);
    uint64_t cost = what.msg != NULL ? cost_of(what.msg) : 0;
    weir_status status = WEIR_E_BACKPRESSURE;
    if (self->bytes + cost <= weir_ctx_channel(ctx)->write_cap) {
        waiting *made = weir_alloc_acquire(NULL, sizeof *made);
        status = WEIR_E_NO_MEMORY;
        if (made != NULL) {
            *made = what;
            weir_list_push_back(&self->queue, &made->link);
            self->bytes += cost;
            return;
        }
    }
    refuse(ctx, what.msg, what.promise, status);
}

static waiting take_first(writer *self) {
    waiting *first = WEIR_CONTAINER(weir_list_pop_front(&self->queue), waiting, link);
    waiting taken = *first;
    weir_alloc_release(NULL, first);
    if (taken.msg != NULL) self->bytes -= cost_of(taken.msg);
    return taken;
}

/* With what ended the channel, if it has ended. */
static void fail_all(weir_ctx *ctx, weir_status why) {
    writer *self = weir_ctx_state(ctx);
    const weir_channel *channel = weir_ctx_channel(ctx);
    if (!channel_is_open(channel) && channel->cause != WEIR_OK) why = channel->cause;
    while (!weir_list_is_empty(&self->queue)) {
        waiting first = take_first(self);
        weir_obj_release(first.msg);
        complete(first.promise, why);
    }
}

/* ---- pumping ---- */

static void pass_first(weir_ctx *ctx, writer *self) {
    waiting first = take_first(self);
    if (first.kind == WAITING_WRITE) weir_ctx_write(ctx, first.msg, first.promise);
    if (first.kind == WAITING_SHUTDOWN) weir_ctx_shutdown(ctx, first.promise);
    if (first.kind == WAITING_CLOSE) weir_ctx_close(ctx, first.promise);
}

static void end_source(weir_ctx *ctx, writer *self, weir_status status) {
    waiting first = take_first(self);
    weir_obj_release(first.msg);
    if (status == WEIR_OK) {
        weir_ctx_write(ctx, weir_buf_empty(), first.promise);
    } else {
        channel_write_failed(weir_ctx_channel(ctx), first.promise, status);
        weir_ctx_abort(ctx, status);
    }
}

/* One piece of the source in front; false when it has none now. It is held: asking may end the channel. */
static bool write_piece(weir_ctx *ctx, writer *self, weir_obj *msg) {
    weir_chunk_source *source = weir_obj_retain(msg);
    weir_obj *piece = NULL;
    weir_status status = source->ops->next(source, ctx, &piece);
    bool is_first = !self->removed && !weir_list_is_empty(&self->queue) &&
                    WEIR_CONTAINER(self->queue.next, waiting, link)->msg == msg;
    if (!is_first) {
        weir_obj_release(piece);
    } else if (piece != NULL) {
        weir_ctx_write(ctx, piece, NULL);
    } else if (status != -EAGAIN) {
        end_source(ctx, self, status);
    }
    weir_obj_release(source);
    return piece != NULL || status != -EAGAIN;
}

/* Goes on while the channel takes more. What waits behind a source goes out as soon as it is in front. */
static void pump(weir_ctx *ctx) {
    writer *self = weir_ctx_state(ctx);
    weir_channel *channel = weir_ctx_channel(ctx);
    if (self->pumping) return;
    self->pumping = true;
    bool more = true;
    while (more && !weir_list_is_empty(&self->queue)) {
        weir_obj *msg = WEIR_CONTAINER(self->queue.next, waiting, link)->msg;
        if (msg == NULL || !is_source(msg)) {
            pass_first(ctx, self);
        } else {
            more = weir_channel_is_writable(channel) && write_piece(ctx, self, msg);
        }
    }
    self->pumping = false;
    if (self->removed) weir_alloc_release(NULL, self);
}

/* ---- the handler ---- */

static void writer_removed(weir_ctx *ctx) {
    writer *self = weir_ctx_state(ctx);
    self->removed = true;
    fail_all(ctx, WEIR_E_CANCELED);
    if (!self->pumping) weir_alloc_release(NULL, self);
}

static void writer_writable_changed(weir_ctx *ctx) {
    if (weir_channel_is_writable(weir_ctx_channel(ctx))) pump(ctx);
    weir_ctx_fire_writable_changed(ctx);
}

static void writer_inactive(weir_ctx *ctx) {
    fail_all(ctx, WEIR_E_CLOSED);
    weir_ctx_fire_inactive(ctx);
}

static void writer_write(weir_ctx *ctx, weir_obj *msg, weir_promise *promise) {
    const writer *self = weir_ctx_state(ctx);
    bool is_first = weir_list_is_empty(&self->queue);
    if (is_first && !is_source(msg)) {
        weir_ctx_write(ctx, msg, promise);
    } else if (!channel_is_open(weir_ctx_channel(ctx))) {
        refuse(ctx, msg, promise, WEIR_E_CLOSED);
    } else {
        wait_in_line(ctx, (waiting){.kind = WAITING_WRITE, .msg = msg, .promise = promise});
        if (is_first) pump(ctx);
    }
}

static void writer_shutdown(weir_ctx *ctx, weir_promise *promise) {
    const writer *self = weir_ctx_state(ctx);
    if (weir_list_is_empty(&self->queue)) {
        weir_ctx_shutdown(ctx, promise);
    } else {
        wait_in_line(ctx, (waiting){.kind = WAITING_SHUTDOWN, .promise = promise});
    }
}

static void writer_close(weir_ctx *ctx, weir_promise *promise) {
    const writer *self = weir_ctx_state(ctx);
    if (weir_list_is_empty(&self->queue)) {
        weir_ctx_close(ctx, promise);
    } else {
        wait_in_line(ctx, (waiting){.kind = WAITING_CLOSE, .promise = promise});
    }
}

const weir_handler weir_chunked_writer_handler = {
    .name = "chunked_writer",
    .removed = writer_removed,
    .writable_changed = writer_writable_changed,
    .inactive = writer_inactive,
    .write = writer_write,
    .shutdown = writer_shutdown,
    .close = writer_close,
};

weir_status weir_chunked_writer_add(weir_pipeline *pipeline) {
    writer *self = weir_alloc_zeroed(NULL, 1, sizeof *self);
    if (self == NULL) return WEIR_E_NO_MEMORY;
    weir_list_init(&self->queue);
    weir_status status = weir_pipeline_add_last(pipeline, &weir_chunked_writer_handler, self);
    if (status != WEIR_OK) weir_alloc_release(NULL, self);
    return status;
}

void weir_chunked_writer_resume(weir_pipeline *pipeline) {
    weir_ctx *ctx = weir_pipeline_find(pipeline, &weir_chunked_writer_handler);
    if (ctx != NULL) pump(ctx);
}
