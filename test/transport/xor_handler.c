/* xor_handler.c - see xor_handler.h. */
#include "xor_handler.h"

#include <errno.h>

#include <weir/testing.h>

typedef struct written {
    weir_list link;
    weir_obj *msg; /* NULL: a region that is in the reader */
    weir_promise *promise;
} written;

static weir_buf *xored(weir_buf *buf) {
    weir_buf *out = weir_buf_new(weir_buf_readable(buf));
    for (uint8_t byte; weir_buf_read_u8(buf, &byte);) weir_buf_write_u8(out, byte ^ XOR_KEY);
    weir_buf_release(buf);
    return out;
}

static written *front_of(xor_handler *self) {
    return weir_list_is_empty(&self->queue) ? NULL : WEIR_CONTAINER(self->queue.next, written, link);
}

/* Takes the front out and gives its promise. */
static weir_promise *finish_front(xor_handler *self) {
    written *front = front_of(self);
    weir_promise *promise = front->promise;
    weir_list_remove(&front->link);
    weir_obj_release(front->msg);
    weir_region_reader_clear(&self->reader);
    weir_alloc_release(NULL, front);
    return promise;
}

static void pump(void *arg);

/* False: no more for now. */
static bool send_chunk(xor_handler *self) {
    weir_buf *chunk;
    weir_status status = weir_region_reader_next(&self->reader, &chunk);
    if (status == -EAGAIN) return false;
    if (status != WEIR_OK) {
        weir_promise_complete(finish_front(self), status);
        weir_ctx_abort(self->ctx, status); /* the peer was promised more */
        return false;
    }
    if (chunk == NULL) chunk = weir_buf_new(0); /* an empty region */
    bool is_last = weir_region_reader_left(&self->reader) == 0;
    weir_ctx_write(self->ctx, xored(chunk), is_last ? finish_front(self) : NULL);
    return true;
}

static bool send_front(xor_handler *self) {
    written *front = front_of(self);
    weir_buf *buf = weir_buf_from(front->msg);
    if (buf != NULL) {
        front->msg = NULL;
        weir_ctx_write(self->ctx, xored(buf), finish_front(self));
        return true;
    }
    if (front->msg != NULL) {
        weir_region_reader_options options = {.chunk = self->chunk, .ready = pump, .arg = self};
        weir_region_reader_init(&self->reader, weir_ctx_loop(self->ctx), weir_region_from(front->msg),
                                &options);
        front->msg = NULL;
    }
    return send_chunk(self);
}

static void pump(void *arg) {
    xor_handler *self = arg;
    weir_channel *channel = weir_ctx_channel(self->ctx);
    if (self->pumping) return;
    self->pumping = true;
    while (front_of(self) != NULL && weir_channel_is_writable(channel) && send_front(self)) {
        uint64_t pending = weir_channel_pending_bytes(channel);
        if (pending > self->most_pending) self->most_pending = pending;
    }
    self->pumping = false;
}

static void xor_write(weir_ctx *ctx, weir_obj *msg, weir_promise *promise) {
    xor_handler *self = weir_ctx_state(ctx);
    written *entry = weir_alloc_acquire(NULL, sizeof *entry);
    require(entry != NULL);
    *entry = (written){.msg = msg, .promise = promise};
    weir_list_push_back(&self->queue, &entry->link);
    pump(self);
}

static void xor_writable_changed(weir_ctx *ctx) {
    pump(weir_ctx_state(ctx));
    weir_ctx_fire_writable_changed(ctx);
}

static void xor_added(weir_ctx *ctx) {
    xor_handler *self = weir_ctx_state(ctx);
    self->ctx = ctx;
    weir_list_init(&self->queue);
}

static void xor_removed(weir_ctx *ctx) {
    xor_handler *self = weir_ctx_state(ctx);
    while (front_of(self) != NULL) weir_promise_complete(finish_front(self), WEIR_E_CLOSED);
    self->removed++;
}

static const weir_handler handler = {
    .name = "xor",
    .added = xor_added,
    .removed = xor_removed,
    .write = xor_write,
    .writable_changed = xor_writable_changed,
};

weir_status build_with_xor(weir_pipeline *pipeline, void *arg) {
    return weir_pipeline_add_last(pipeline, &handler, arg);
}
