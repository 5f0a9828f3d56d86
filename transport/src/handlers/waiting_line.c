/* waiting_line.c - see waiting_line.h. */
#include "handlers/waiting_line.h"

#include <weir/buffer/buf_view.h>

void waiting_line_init(waiting_line *line) {
    weir_list_init(&line->queue);
}

/* Positive and negative alike. Bytes of regions are not memory; what each entry costs is. */
static void count(weir_channel *channel, const weir_obj *msg, uint64_t bytes, uint64_t overhead) {
    bool elsewhere = msg != NULL && weir_obj_is(msg, &weir_region_type);
    channel_hold(channel, bytes + overhead, elsewhere ? bytes : 0);
}

static weir_status refusal(const weir_channel *channel, const weir_obj *msg, uint64_t size) {
    if (!channel_is_open(channel)) return WEIR_E_CLOSED;
    if (msg == NULL) return WEIR_OK;
    uint64_t memory = outbound_queue_memory(&channel->queue) + OUTBOUND_OVERHEAD;
    if (!weir_obj_is(msg, &weir_region_type)) memory += size;
    return memory > channel->write_cap ? (weir_status)WEIR_E_BACKPRESSURE : WEIR_OK;
}

bool waiting_line_push(waiting_line *line, weir_ctx *ctx, waiting_kind kind, weir_obj *msg,
                       weir_promise *promise) {
    weir_channel *channel = weir_ctx_channel(ctx);
    uint64_t size = msg != NULL ? weir_obj_size(msg) : 0;
    weir_status status = refusal(channel, msg, size);
    waiting *made = status == WEIR_OK ? weir_alloc_acquire(channel->loop->alloc, sizeof *made) : NULL;
    if (made != NULL) {
        *made = (waiting){.kind = kind, .msg = msg, .promise = promise, .size = size};
        weir_list_push_back(&line->queue, &made->link);
        count(channel, msg, size, OUTBOUND_OVERHEAD);
        channel_note_held(channel);
        return true;
    }
    if (status == WEIR_OK) status = WEIR_E_NO_MEMORY;
    weir_obj_release(msg);
    channel_write_failed(channel, promise, kind == WAITING_WRITE ? status : (weir_status)WEIR_E_CLOSED);
    if (kind != WAITING_WRITE && channel_is_open(channel)) weir_ctx_abort(ctx, status);
    return false;
}

/* The next `n` bytes of what has more. Gives: a message, or NULL when out of memory. */
static weir_obj *cut(const waiting *first, uint64_t n) {
    weir_buf *buf = weir_buf_from(first->msg);
    if (buf != NULL) return (weir_obj *)weir_buf_read_slice(buf, (size_t)n);
    weir_region *whole = weir_region_from(first->msg);
    return (weir_obj *)weir_region_slice(whole, whole->length - first->size, n);
}

bool waiting_line_pass_part(waiting_line *line, weir_ctx *ctx, uint64_t n) {
    waiting *first = waiting_line_first(line);
    weir_channel *channel = weir_ctx_channel(ctx);
    weir_obj *part = cut(first, n);
    if (part == NULL) return false;
    first->size -= n;
    count(channel, first->msg, -n, 0);
    weir_ctx_write(ctx, part, NULL);
    channel_note_held(channel);
    return true;
}

/* The rest of a region some of which has gone already, in its place. */
static bool keep_rest(waiting *first) {
    weir_region *region = first->msg != NULL ? weir_region_from(first->msg) : NULL;
    if (region == NULL || first->size == region->length) return true;
    weir_obj *rest = cut(first, first->size);
    if (rest == NULL) return false;
    weir_obj_release(first->msg);
    first->msg = rest;
    return true;
}

waiting waiting_line_pop(waiting_line *line, weir_ctx *ctx) {
    weir_channel *channel = weir_ctx_channel(ctx);
    waiting *first = waiting_line_first(line);
    waiting taken = *first;
    weir_list_remove(&first->link);
    weir_alloc_release(channel->loop->alloc, first);
    count(channel, taken.msg, -taken.size, -(uint64_t)OUTBOUND_OVERHEAD);
    return taken;
}

bool waiting_line_pass(waiting_line *line, weir_ctx *ctx) {
    if (!keep_rest(waiting_line_first(line))) return false;
    waiting first = waiting_line_pop(line, ctx);
    if (first.kind == WAITING_WRITE) weir_ctx_write(ctx, first.msg, first.promise);
    if (first.kind == WAITING_SHUTDOWN) weir_ctx_shutdown(ctx, first.promise);
    if (first.kind == WAITING_CLOSE) weir_ctx_close(ctx, first.promise);
    channel_note_held(weir_ctx_channel(ctx));
    return true;
}

void waiting_line_shutdown(waiting_line *line, weir_ctx *ctx, weir_promise *promise) {
    if (waiting_line_first(line) == NULL) {
        weir_ctx_shutdown(ctx, promise);
    } else {
        waiting_line_push(line, ctx, WAITING_SHUTDOWN, NULL, promise);
    }
}

void waiting_line_close(waiting_line *line, weir_ctx *ctx, weir_promise *promise) {
    if (waiting_line_first(line) == NULL) {
        weir_ctx_close(ctx, promise);
    } else {
        waiting_line_push(line, ctx, WAITING_CLOSE, NULL, promise);
    }
}

void waiting_line_fail(waiting_line *line, weir_ctx *ctx, weir_status why) {
    const weir_channel *channel = weir_ctx_channel(ctx);
    if (!channel_is_open(channel) && channel->cause != WEIR_OK) why = channel->cause;
    while (waiting_line_first(line) != NULL) {
        waiting first = waiting_line_pop(line, ctx);
        weir_obj_release(first.msg);
        if (first.promise != NULL) weir_promise_complete(first.promise, why);
    }
    channel_note_held(weir_ctx_channel(ctx));
}
