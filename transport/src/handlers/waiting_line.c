/* waiting_line.c - see waiting_line.h. */
#include <weir/transport/waiting_line.h>

#include <weir/buffer/buf_view.h>

#include "channel/channel_internal.h"

void weir_waiting_line_init(weir_waiting_line *line) {
    weir_list_init(&line->queue);
    line->held = 0;
}

/* Positive and negative alike. Bytes of regions are not memory; what each entry costs is. */
static void count(weir_waiting_line *line, weir_channel *channel, const weir_obj *msg, uint64_t bytes,
                  uint64_t overhead) {
    bool elsewhere = msg != NULL && weir_obj_is(msg, &weir_region_type);
    line->held += bytes + overhead;
    channel_hold(channel, bytes + overhead, elsewhere ? bytes : 0);
}

static weir_status refusal(const weir_channel *channel, const weir_obj *msg, uint64_t size) {
    if (!channel_is_open(channel)) return WEIR_E_CLOSED;
    if (msg == NULL) return WEIR_OK;
    uint64_t memory = outbound_queue_memory(&channel->queue) + OUTBOUND_OVERHEAD;
    if (!weir_obj_is(msg, &weir_region_type)) memory += size;
    return memory > channel->write_cap ? (weir_status)WEIR_E_BACKPRESSURE : WEIR_OK;
}

weir_status weir_waiting_line_admits(const weir_ctx *ctx, const weir_obj *msg) {
    return refusal(weir_ctx_channel(ctx), msg, weir_obj_size(msg));
}

bool weir_waiting_line_push(weir_waiting_line *line, weir_ctx *ctx, weir_waiting_kind kind, weir_obj *msg,
                            weir_promise *promise) {
    weir_channel *channel = weir_ctx_channel(ctx);
    uint64_t size = msg != NULL ? weir_obj_size(msg) : 0;
    weir_status status = refusal(channel, msg, size);
    weir_waiting *made = status == WEIR_OK ? weir_alloc_acquire(channel->loop->alloc, sizeof *made) : NULL;
    if (made != NULL) {
        *made = (weir_waiting){.kind = kind, .msg = msg, .promise = promise, .size = size};
        weir_list_push_back(&line->queue, &made->link);
        count(line, channel, msg, size, OUTBOUND_OVERHEAD);
        channel_note_held(channel);
        return true;
    }
    if (status == WEIR_OK) status = WEIR_E_NO_MEMORY;
    weir_obj_release(msg);
    channel_write_failed(channel, promise, kind == WEIR_WAITING_WRITE ? status : (weir_status)WEIR_E_CLOSED);
    if (kind != WEIR_WAITING_WRITE && channel_is_open(channel)) weir_ctx_abort(ctx, status);
    return false;
}

/* The next `n` bytes of what has more. Gives: a message, or NULL when out of memory. */
static weir_obj *cut(const weir_waiting *first, uint64_t n) {
    weir_buf *buf = weir_buf_from(first->msg);
    if (buf != NULL) return (weir_obj *)weir_buf_read_slice(buf, (size_t)n);
    weir_region *whole = weir_region_from(first->msg);
    return (weir_obj *)weir_region_slice(whole, whole->length - first->size, n);
}

bool weir_waiting_line_pass_part(weir_waiting_line *line, weir_ctx *ctx, uint64_t n) {
    weir_obj *part = cut(weir_waiting_line_first(line), n);
    if (part == NULL) return false;
    weir_waiting_line_took(line, ctx, n);
    weir_ctx_write(ctx, part, NULL);
    channel_note_held(weir_ctx_channel(ctx));
    return true;
}

weir_buf *weir_waiting_line_take_part(weir_waiting_line *line, weir_ctx *ctx, size_t n) {
    weir_buf *part = weir_buf_from(cut(weir_waiting_line_first(line), n));
    if (part != NULL) weir_waiting_line_took(line, ctx, n);
    return part;
}

void weir_waiting_line_took(weir_waiting_line *line, weir_ctx *ctx, uint64_t n) {
    weir_waiting *first = weir_waiting_line_first(line);
    first->size -= n;
    count(line, weir_ctx_channel(ctx), first->msg, -n, 0);
}

void weir_waiting_line_note(weir_ctx *ctx) {
    channel_note_held(weir_ctx_channel(ctx));
}

/* The rest of a region some of which has gone already, in its place. */
static bool keep_rest(weir_waiting *first) {
    weir_region *region = first->msg != NULL ? weir_region_from(first->msg) : NULL;
    if (region == NULL || first->size == region->length) return true;
    weir_obj *rest = cut(first, first->size);
    if (rest == NULL) return false;
    weir_obj_release(first->msg);
    first->msg = rest;
    return true;
}

weir_waiting weir_waiting_line_take(weir_waiting_line *line, weir_ctx *ctx) {
    weir_channel *channel = weir_ctx_channel(ctx);
    weir_waiting *first = weir_waiting_line_first(line);
    weir_waiting taken = *first;
    weir_list_remove(&first->link);
    weir_alloc_release(channel->loop->alloc, first);
    count(line, channel, taken.msg, -taken.size, -(uint64_t)OUTBOUND_OVERHEAD);
    return taken;
}

bool weir_waiting_line_pass(weir_waiting_line *line, weir_ctx *ctx) {
    if (!keep_rest(weir_waiting_line_first(line))) return false;
    weir_waiting first = weir_waiting_line_take(line, ctx);
    if (first.kind == WEIR_WAITING_WRITE) weir_ctx_write(ctx, first.msg, first.promise);
    if (first.kind == WEIR_WAITING_SHUTDOWN) weir_ctx_shutdown(ctx, first.promise);
    if (first.kind == WEIR_WAITING_CLOSE) weir_ctx_close(ctx, first.promise);
    channel_note_held(weir_ctx_channel(ctx));
    return true;
}

void weir_waiting_line_shutdown(weir_waiting_line *line, weir_ctx *ctx, weir_promise *promise) {
    if (weir_waiting_line_first(line) == NULL) {
        weir_ctx_shutdown(ctx, promise);
    } else {
        weir_waiting_line_push(line, ctx, WEIR_WAITING_SHUTDOWN, NULL, promise);
    }
}

void weir_waiting_line_close(weir_waiting_line *line, weir_ctx *ctx, weir_promise *promise) {
    if (weir_waiting_line_first(line) == NULL) {
        weir_ctx_close(ctx, promise);
    } else {
        weir_waiting_line_push(line, ctx, WEIR_WAITING_CLOSE, NULL, promise);
    }
}

weir_status weir_waiting_line_cause(const weir_ctx *ctx, weir_status why) {
    const weir_channel *channel = weir_ctx_channel(ctx);
    return !channel_is_open(channel) && channel->cause != WEIR_OK ? channel->cause : why;
}

void weir_waiting_line_fail(weir_waiting_line *line, weir_ctx *ctx, weir_status why) {
    why = weir_waiting_line_cause(ctx, why);
    while (weir_waiting_line_first(line) != NULL) {
        weir_waiting first = weir_waiting_line_take(line, ctx);
        weir_obj_release(first.msg);
        if (first.promise != NULL) weir_promise_complete(first.promise, why);
    }
    channel_note_held(weir_ctx_channel(ctx));
}
