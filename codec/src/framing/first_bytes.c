/* first_bytes.c - see first_bytes.h. */
#include "framing/first_bytes.h"

#include <weir/buffer/buf_bytes.h>
#include <weir/core/alloc.h>
#include <weir/transport/channel.h>
#include <weir/transport/ctx.h>

/* ---- waiting ---- */

static void ask_for_bytes(const first_bytes *self) {
    if (!weir_channel_is_reading(weir_ctx_channel(self->ctx))) weir_ctx_pull(self->ctx);
}

void first_bytes_wait(first_bytes *self) {
    if (self->timeout_ms != 0) weir_timer_start(&self->timer, weir_ctx_loop(self->ctx), self->timeout_ms);
    ask_for_bytes(self);
}

weir_bytes first_bytes_copy(const first_bytes *self, uint8_t *room) {
    const weir_buf *in = self->bytes.in;
    size_t n = in == NULL ? 0 : weir_buf_readable(in);
    if (n > self->most) n = self->most;
    if (n != 0) weir_buf_get_bytes(in, weir_buf_reader_index(in), room, n);
    return weir_bytes_of(room, n);
}

/* ---- ends ---- */

void first_bytes_stop(first_bytes *self) {
    weir_timer_stop(&self->timer, weir_ctx_loop(self->ctx));
    weir_cumulation_clear(&self->bytes);
    self->is_failed = true;
}

void first_bytes_fail(first_bytes *self, const weir_error *error) {
    first_bytes_stop(self);
    weir_ctx_fire_error(self->ctx, error);
}

/* Removing the handler hands on the bytes. */
void first_bytes_make_way(first_bytes *self) {
    weir_ctx *ctx = self->ctx;
    weir_timer_stop(&self->timer, weir_ctx_loop(ctx));
    if (self->holds_active) weir_ctx_fire_active(ctx);
    weir_pipeline_remove(ctx);
}

static void timed_out(weir_timer *timer) {
    first_bytes *self = timer->arg;
    uint64_t seen = self->bytes.in == NULL ? 0 : weir_buf_readable(self->bytes.in);
    first_bytes_fail(
        self, &(weir_error){
                  .status = WEIR_E_TIMEOUT, .what = self->ops->what, .actual = seen, .maximum = self->most});
}

/* ---- slots ---- */

void first_bytes_added(weir_ctx *ctx) {
    first_bytes *self = weir_ctx_state(ctx);
    self->ctx = ctx;
    if (weir_channel_is_active(weir_ctx_channel(ctx))) self->ops->start(self);
}

void first_bytes_removed(weir_ctx *ctx) {
    first_bytes *self = weir_ctx_state(ctx);
    weir_timer_stop(&self->timer, weir_ctx_loop(ctx));
    weir_buf *rest = weir_cumulation_take(&self->bytes);
    weir_alloc_release(NULL, self);
    if (rest == NULL) return;
    if (!weir_buf_is_readable(rest)) {
        weir_buf_release(rest);
        return;
    }
    weir_ctx_fire_read(ctx, &rest->obj);
    weir_ctx_fire_read_complete(ctx);
}

void first_bytes_active(weir_ctx *ctx) {
    first_bytes *self = weir_ctx_state(ctx);
    self->holds_active = true;
    if (!self->is_failed) self->ops->start(self);
}

void first_bytes_read(weir_ctx *ctx, weir_obj *msg) {
    first_bytes *self = weir_ctx_state(ctx);
    weir_buf *buf = weir_buf_from(msg);
    if (buf == NULL) {
        weir_ctx_fire_read(ctx, msg);
        return;
    }
    weir_status status = weir_cumulation_add(&self->bytes, buf); /* which drops it after a failure */
    if (self->is_failed) return;
    if (status == WEIR_OK) {
        self->ops->decide(self);
    } else {
        first_bytes_fail(self, &(weir_error){.status = status, .what = self->ops->what});
    }
}

/* Nothing is decided yet, and nobody else can ask for the bytes. */
void first_bytes_read_complete(weir_ctx *ctx) {
    const first_bytes *self = weir_ctx_state(ctx);
    if (!self->is_failed) ask_for_bytes(self);
}

void first_bytes_inactive(weir_ctx *ctx) {
    first_bytes *self = weir_ctx_state(ctx);
    weir_timer_stop(&self->timer, weir_ctx_loop(ctx));
    weir_cumulation_clear(&self->bytes);
    if (!self->holds_active) weir_ctx_fire_inactive(ctx); /* what nobody saw begin does not end */
}

/* ---- adding ---- */

weir_status first_bytes_add(weir_pipeline *pipeline, const weir_handler *handler, first_bytes *self) {
    weir_timer_init(&self->timer, timed_out, self);
    weir_cumulation_init(&self->bytes, NULL);
    weir_status status = weir_pipeline_add_last(pipeline, handler, self);
    if (status != WEIR_OK) weir_alloc_release(NULL, self);
    return status;
}
