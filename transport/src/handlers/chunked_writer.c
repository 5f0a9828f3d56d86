/* chunked_writer.c - a queue that begins with a source: asked while the channel is writable.
 *
 * The promise of a source goes with an empty buf behind its last piece: so it completes when that has left.
 *
 * What waits behind a source makes the channel unwritable, too, and does not go before the source has: then only what is
 * really on its way counts. That it has left no event tells; an empty buf behind it, the mark, does.
 *
 * Where a handler on the way makes little of much, or nothing of it, the channel stays writable: after what is one's share
 * of a turn others have theirs.
 */
#include <weir/transport/chunked_writer.h>

#include <errno.h>

#include <weir/transport/waiting_line.h>
#include <weir/transport/yield.h>

#include "channel/channel_internal.h"
#include "channel/outbound_queue.h"

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

typedef struct writer {
    weir_waiting_line line;
    weir_ctx *ctx;
    weir_yield yield;
    uint64_t given; /* of pieces, in one go, as they count in the queue */
    bool pumping;
    bool is_blocked; /* the source in front is not asked: too much is on its way */
    bool is_marked;  /* a mark is on its way */
    bool removed;    /* freed by the last of pumping and the mark */
} writer;

static void free_if_done(writer *self) {
    if (self->removed && !self->pumping && !self->is_marked) weir_alloc_release(NULL, self);
}

static bool is_source(const weir_obj *msg) {
    return msg != NULL && weir_obj_is(msg, &weir_chunk_source_type);
}

/* ---- pumping ---- */

static void end_source(weir_ctx *ctx, writer *self, weir_status status) {
    weir_waiting first = weir_waiting_line_take(&self->line, ctx);
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
    const weir_waiting *first = self->removed ? NULL : weir_waiting_line_first(&self->line);
    bool is_first = first != NULL && first->msg == msg;
    if (!is_first) {
        weir_obj_release(piece);
    } else if (piece != NULL) {
        self->given += weir_obj_size(piece) + OUTBOUND_OVERHEAD;
        weir_ctx_write(ctx, piece, NULL);
    } else if (status != -EAGAIN) {
        end_source(ctx, self, status);
    }
    weir_obj_release(source);
    return piece != NULL || status != -EAGAIN;
}

static void pump(weir_ctx *ctx);

static void on_mark(void *arg, weir_status status) {
    writer *self = arg;
    self->is_marked = false;
    if (status == WEIR_OK && !self->removed && self->is_blocked) pump(self->ctx);
    free_if_done(self);
}

/* Behind all that is on its way. */
static void mark(weir_ctx *ctx, writer *self) {
    weir_promise *promise = weir_promise_new(weir_ctx_loop(ctx));
    if (promise == NULL) {
        weir_ctx_abort(ctx, WEIR_E_NO_MEMORY);
        return;
    }
    self->is_marked = true;
    weir_promise_listen(promise, on_mark, self);
    weir_ctx_write(ctx, weir_buf_empty(), promise);
}

static bool may_ask(const writer *self, const weir_channel *channel) {
    uint64_t on_its_way = channel->queue.pending - self->line.held;
    return weir_channel_is_writable(channel) ||
           (channel_is_open(channel) && on_its_way < channel->options->low_water);
}

/* The source in front. False when it is not to be asked further now. */
static bool ask(weir_ctx *ctx, writer *self, weir_obj *source) {
    self->is_blocked = !may_ask(self, weir_ctx_channel(ctx));
    if (!self->is_blocked && self->given >= weir_ctx_channel(ctx)->options->region_bytes_per_turn) {
        weir_yield_wait(&self->yield, ctx);
        return false;
    }
    if (!self->is_blocked) return write_piece(ctx, self, source);
    if (!self->is_marked) mark(ctx, self);
    return false;
}

/* Goes on while the channel takes more. What waits behind a source goes out as soon as it is in front. */
static void pump(weir_ctx *ctx) {
    writer *self = weir_ctx_state(ctx);
    if (self->pumping || weir_yield_is_waiting(&self->yield)) return;
    self->pumping = true;
    self->given = 0;
    bool more = true;
    for (const weir_waiting *first; more && (first = weir_waiting_line_first(&self->line)) != NULL;) {
        if (is_source(first->msg)) {
            more = ask(ctx, self, first->msg);
        } else {
            weir_waiting_line_pass(&self->line, ctx);
        }
    }
    self->pumping = false;
    free_if_done(self);
}

static void go_on(weir_yield *yield) {
    pump(WEIR_CONTAINER(yield, writer, yield)->ctx);
}

/* ---- the handler ---- */

static void writer_added(weir_ctx *ctx) {
    writer *self = weir_ctx_state(ctx);
    self->ctx = ctx;
    weir_yield_init(&self->yield, go_on);
}

static void writer_removed(weir_ctx *ctx) {
    writer *self = weir_ctx_state(ctx);
    self->removed = true;
    weir_yield_stop(&self->yield);
    weir_waiting_line_fail(&self->line, ctx, WEIR_E_CANCELED);
    free_if_done(self);
}

static void writer_writable_changed(weir_ctx *ctx) {
    if (weir_channel_is_writable(weir_ctx_channel(ctx))) pump(ctx);
    weir_ctx_fire_writable_changed(ctx);
}

static void writer_inactive(weir_ctx *ctx) {
    writer *self = weir_ctx_state(ctx);
    weir_waiting_line_fail(&self->line, ctx, WEIR_E_CLOSED);
    weir_ctx_fire_inactive(ctx);
}

static void writer_write(weir_ctx *ctx, weir_obj *msg, weir_promise *promise) {
    writer *self = weir_ctx_state(ctx);
    bool is_first = weir_waiting_line_first(&self->line) == NULL;
    if (is_first && !is_source(msg)) {
        weir_ctx_write(ctx, msg, promise);
    } else if (weir_waiting_line_push(&self->line, ctx, WEIR_WAITING_WRITE, msg, promise) && is_first) {
        pump(ctx);
    }
}

static void writer_shutdown(weir_ctx *ctx, weir_promise *promise) {
    writer *self = weir_ctx_state(ctx);
    weir_waiting_line_shutdown(&self->line, ctx, promise);
}

static void writer_close(weir_ctx *ctx, weir_promise *promise) {
    writer *self = weir_ctx_state(ctx);
    weir_waiting_line_close(&self->line, ctx, promise);
}

const weir_handler weir_chunked_writer_handler = {
    .name = "chunked_writer",
    .added = writer_added,
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
    weir_waiting_line_init(&self->line);
    weir_status status = weir_pipeline_add_last(pipeline, &weir_chunked_writer_handler, self);
    if (status != WEIR_OK) weir_alloc_release(NULL, self);
    return status;
}

void weir_chunked_writer_resume(weir_pipeline *pipeline) {
    weir_ctx *ctx = weir_pipeline_find(pipeline, &weir_chunked_writer_handler);
    if (ctx != NULL) pump(ctx);
}
