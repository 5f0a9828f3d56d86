/* length_prepender.c - the length in front of each message written, without touching the message.
 */
#include <weir/buffer/buf_bytes.h>
#include <weir/buffer/buf_composite.h>
#include <weir/codec/length_prepender.h>
#include <weir/core/alloc.h>
#include <weir/transport/channel.h>
#include <weir/transport/ctx.h>
#include <weir/transport/promise.h>
#include <weir/transport/region.h>

typedef struct length_bytes {
    uint8_t bytes[WEIR_LENGTH_PREFIX_MAX];
    size_t width;
} length_bytes;

/* Nothing was written. Takes: msg, promise. */
static void refuse(weir_ctx *ctx, void *msg, weir_promise *promise, weir_status status) {
    weir_obj_release(msg);
    if (promise == NULL) {
        weir_ctx_fail(ctx, status, "length prefix");
    } else {
        weir_promise_complete(promise, status);
    }
}

static weir_buf *new_prefix_buf(weir_ctx *ctx, const length_bytes *prefix) {
    weir_buf *buf = weir_ctx_get_buf(ctx, prefix->width);
    if (buf != NULL) weir_buf_write_bytes(buf, prefix->bytes, prefix->width);
    return buf;
}

/* ---- a buf ---- */

static bool goes_into_headroom(weir_buf *buf, const length_bytes *prefix) {
    if (weir_buf_is_composite(buf) || weir_buf_is_read_only(buf) || !weir_buf_is_unshared(buf)) return false;
    if (!weir_buf_prepend(buf, prefix->width)) return false;
    memcpy(buf->rp, prefix->bytes, prefix->width);
    return true;
}

/* Takes: buf. Gives: one buf for both, or NULL. */
static weir_buf *join(weir_ctx *ctx, const length_bytes *prefix, weir_buf *buf) {
    weir_buf *both = weir_buf_composite_new();
    if (both == NULL) {
        weir_buf_release(buf);
        return NULL;
    }
    weir_status status = weir_buf_composite_append(both, new_prefix_buf(ctx, prefix));
    if (weir_buf_composite_append(both, buf) == WEIR_OK && status == WEIR_OK) return both;
    weir_buf_release(both);
    return NULL;
}

static void write_buf(weir_ctx *ctx, const length_bytes *prefix, weir_buf *buf, weir_promise *promise) {
    if (!goes_into_headroom(buf, prefix)) buf = join(ctx, prefix, buf);
    if (buf == NULL) {
        refuse(ctx, NULL, promise, WEIR_E_NO_MEMORY);
    } else {
        weir_ctx_write(ctx, buf, promise);
    }
}

/* ---- a region ---- */

static void abort_when_failed(void *channel, weir_status status) {
    if (status != WEIR_OK) weir_channel_abort(channel, status);
}

/* Takes: region, promise. */
static void write_region(weir_ctx *ctx, const length_bytes *prefix, weir_region *region,
                         weir_promise *promise) {
    weir_promise *done = promise != NULL ? promise : weir_promise_new(weir_ctx_loop(ctx));
    weir_buf *length = new_prefix_buf(ctx, prefix);
    if (done == NULL || length == NULL ||
        weir_promise_listen(done, abort_when_failed, weir_ctx_channel(ctx)) != WEIR_OK) {
        if (promise == NULL) weir_promise_release(done);
        weir_buf_release(length);
        refuse(ctx, region, promise, WEIR_E_NO_MEMORY);
        return;
    }
    weir_ctx_write(ctx, length, NULL);
    weir_ctx_write(ctx, region, done);
}

/* ---- the handler ---- */

static void write_prefixed(weir_ctx *ctx, weir_obj *msg, weir_promise *promise) {
    const weir_length_prefix_options *options = weir_ctx_state(ctx);
    weir_buf *buf = weir_buf_from(msg);
    weir_region *region = weir_region_from(msg);
    bool is_failed = buf != NULL && weir_buf_status(buf) != WEIR_OK;
    if ((buf == NULL && region == NULL) || is_failed) {
        weir_ctx_write(ctx, msg, promise); /* a failed buf is refused by the channel */
        return;
    }
    length_bytes prefix;
    uint64_t length = buf != NULL ? weir_buf_readable(buf) : region->length;
    weir_status status = weir_length_prefix_write(options, length, prefix.bytes, &prefix.width);
    if (status != WEIR_OK) {
        refuse(ctx, msg, promise, status);
    } else if (buf != NULL) {
        write_buf(ctx, &prefix, buf, promise);
    } else {
        write_region(ctx, &prefix, region, promise);
    }
}

static void free_options(weir_ctx *ctx) {
    weir_alloc_release(NULL, weir_ctx_state(ctx));
}

const weir_handler weir_length_prepender = {
    .name = "length_prepender",
    .removed = free_options,
    .write = write_prefixed,
};

weir_status weir_length_prepender_add(weir_pipeline *pipeline, const weir_length_prefix_options *options) {
    weir_status status = weir_length_prefix_check(options);
    if (status != WEIR_OK) return status;
    weir_length_prefix_options *state = weir_alloc_acquire(NULL, sizeof *state);
    if (state == NULL) return WEIR_E_NO_MEMORY;
    *state = *options;
    status = weir_pipeline_add_last(pipeline, &weir_length_prepender, state);
    if (status != WEIR_OK) weir_alloc_release(NULL, state);
    return status;
}
