/* proxy_protocol.c - the handler that waits for the header, keeps it, and makes way.
 *
 * Once it has decided (or failed) it only waits to be freed: all that comes passes by or is dropped.
 */
#include <errno.h>
#include <string.h>
#include <weir/buffer/buf_bytes.h>
#include <weir/codec/cumulation.h>
#include <weir/codec/proxy_protocol.h>
#include <weir/core/alloc.h>
#include <weir/transport/attribute.h>
#include <weir/transport/channel.h>
#include <weir/transport/ctx.h>
#include <weir/transport/timer.h>

enum {
    LENGTH_DEFAULT = 2048,
    LENGTH_MOST = 4096,
    TIMEOUT_DEFAULT = 10000
};

typedef struct waiter {
    weir_proxy_protocol_options options;
    weir_timer timer;
    weir_ctx *ctx;
    weir_cumulation bytes;
    bool holds_active; /* `active` came; who is behind gets it with the header */
    bool is_failed;
} waiter;

/* ---- what is kept ---- */

typedef struct kept_header {
    weir_proxy_header header;
    uint8_t tlvs[];
} kept_header;

static void free_kept(void *value) {
    weir_alloc_release(NULL, value);
}

static const weir_attribute_key header_key = {.name = "proxy_header", .free = free_kept};

static weir_status keep(weir_channel *channel, const weir_proxy_header *header) {
    kept_header *kept = weir_alloc_acquire(NULL, sizeof *kept + header->tlvs.len);
    if (kept == NULL) return WEIR_E_NO_MEMORY;
    kept->header = *header;
    if (header->tlvs.len != 0) memcpy(kept->tlvs, header->tlvs.ptr, header->tlvs.len);
    kept->header.tlvs = weir_bytes_of(kept->tlvs, header->tlvs.len);
    return weir_channel_set_attribute(channel, &header_key, kept);
}

const weir_proxy_header *weir_proxy_protocol_header(const weir_channel *channel) {
    const kept_header *kept = weir_channel_attribute(channel, &header_key);
    return kept != NULL ? &kept->header : NULL;
}

void weir_proxy_protocol_remote_addr(const weir_channel *channel, weir_addr *out) {
    const weir_proxy_header *header = weir_proxy_protocol_header(channel);
    if (header != NULL && header->source.len != 0) {
        *out = header->source;
    } else {
        weir_channel_remote_addr(channel, out);
    }
}

/* ---- ends ---- */

static void fail(waiter *self, const weir_error *error) {
    weir_timer_stop(&self->timer, weir_ctx_loop(self->ctx));
    weir_cumulation_clear(&self->bytes);
    self->is_failed = true;
    weir_ctx_fire_error(self->ctx, error);
}

/* Removing the handler hands on the bytes behind the header. `self` is gone afterwards. */
static void make_way(waiter *self) {
    weir_ctx *ctx = self->ctx;
    weir_timer_stop(&self->timer, weir_ctx_loop(ctx));
    if (self->holds_active) weir_ctx_fire_active(ctx);
    weir_pipeline_remove(ctx);
}

/* `self` may be gone afterwards. */
static void look(waiter *self) {
    uint8_t copy[LENGTH_MOST];
    weir_buf *in = self->bytes.in;
    size_t n = in == NULL ? 0 : weir_buf_readable(in), used;
    if (n > sizeof copy) n = sizeof copy;
    if (n == 0) return;
    weir_buf_get_bytes(in, weir_buf_reader_index(in), copy, n);
    weir_proxy_header header;
    weir_error error = {.offset = 0};
    weir_decode answer =
        weir_proxy_header_parse(weir_bytes_of(copy, n), self->options.max_length, &header, &used, &error);
    if (answer == WEIR_DECODE_MORE) return;
    if (answer == WEIR_DECODE_AGAIN) {
        error.status = keep(weir_ctx_channel(self->ctx), &header);
        error.what = "PROXY header";
    }
    if (error.status != WEIR_OK) {
        fail(self, &error);
        return;
    }
    weir_buf_skip(in, used);
    make_way(self);
}

static bool is_trusted(const waiter *self) {
    weir_addr peer;
    if (self->options.trusted == NULL) return true;
    weir_channel_remote_addr(weir_ctx_channel(self->ctx), &peer);
    return weir_ip_filter_allows(self->options.trusted, &peer);
}

static void ask_for_bytes(const waiter *self) {
    if (!weir_channel_is_reading(weir_ctx_channel(self->ctx))) weir_ctx_pull(self->ctx);
}

/* `self` may be gone afterwards. */
static void start(waiter *self) {
    if (!is_trusted(self)) {
        if (self->options.others_pass) {
            make_way(self);
        } else {
            fail(self, &(weir_error){.status = -EACCES, .what = "PROXY header of somebody not trusted"});
        }
        return;
    }
    if (!self->options.no_timeout) {
        weir_timer_start(&self->timer, weir_ctx_loop(self->ctx), self->options.timeout_ms);
    }
    ask_for_bytes(self);
}

/* ---- the slots ---- */

static void timed_out(weir_timer *timer) {
    waiter *self = timer->arg;
    fail(self, &(weir_error){.status = WEIR_E_TIMEOUT, .what = "PROXY header"});
}

static void waiter_added(weir_ctx *ctx) {
    waiter *self = weir_ctx_state(ctx);
    self->ctx = ctx;
    if (weir_channel_is_active(weir_ctx_channel(ctx))) start(self);
}

static void waiter_removed(weir_ctx *ctx) {
    waiter *self = weir_ctx_state(ctx);
    weir_timer_stop(&self->timer, weir_ctx_loop(ctx));
    weir_buf *rest = weir_cumulation_take(&self->bytes);
    weir_alloc_release(NULL, self);
    if (rest == NULL) return;
    if (weir_buf_readable(rest) == 0) {
        weir_buf_release(rest);
        return;
    }
    weir_ctx_fire_read(ctx, &rest->obj);
    weir_ctx_fire_read_complete(ctx);
}

static void waiter_active(weir_ctx *ctx) {
    waiter *self = weir_ctx_state(ctx);
    self->holds_active = true;
    if (!self->is_failed) start(self);
}

static void waiter_read(weir_ctx *ctx, weir_obj *msg) {
    waiter *self = weir_ctx_state(ctx);
    weir_buf *buf = weir_buf_from(msg);
    if (buf == NULL) {
        weir_ctx_fire_read(ctx, msg);
        return;
    }
    if (self->is_failed) {
        weir_buf_release(buf);
        return;
    }
    weir_status status = weir_cumulation_add(&self->bytes, buf);
    if (status != WEIR_OK) {
        fail(self, &(weir_error){.status = status, .what = "PROXY header"});
    } else {
        look(self);
    }
}

/* Nothing is decided yet, and nobody else can ask for the bytes. */
static void waiter_read_complete(weir_ctx *ctx) {
    const waiter *self = weir_ctx_state(ctx);
    if (!self->is_failed) ask_for_bytes(self);
}

static void waiter_inactive(weir_ctx *ctx) {
    waiter *self = weir_ctx_state(ctx);
    weir_timer_stop(&self->timer, weir_ctx_loop(ctx));
    weir_cumulation_clear(&self->bytes);
    if (!self->holds_active) weir_ctx_fire_inactive(ctx); /* what nobody saw begin does not end */
}

const weir_handler weir_proxy_protocol = {
    .name = "proxy_protocol",
    .added = waiter_added,
    .removed = waiter_removed,
    .active = waiter_active,
    .read = waiter_read,
    .read_complete = waiter_read_complete,
    .inactive = waiter_inactive,
};

weir_status weir_proxy_protocol_add(weir_pipeline *pipeline, const weir_proxy_protocol_options *options) {
    if (options->max_length > LENGTH_MOST) return WEIR_E_INVALID;
    waiter *self = weir_alloc_zeroed(NULL, 1, sizeof *self);
    if (self == NULL) return WEIR_E_NO_MEMORY;
    self->options = *options;
    if (options->max_length == 0) self->options.max_length = LENGTH_DEFAULT;
    if (options->timeout_ms == 0) self->options.timeout_ms = TIMEOUT_DEFAULT;
    weir_timer_init(&self->timer, timed_out, self);
    weir_cumulation_init(&self->bytes, NULL);
    weir_status status = weir_pipeline_add_last(pipeline, &weir_proxy_protocol, self);
    if (status != WEIR_OK) weir_alloc_release(NULL, self);
    return status;
}
