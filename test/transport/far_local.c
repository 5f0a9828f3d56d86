/* far_local.c - see far_local.h. */
#include "far_local.h"

#include <errno.h>
#include <time.h>

#include <weir/testing.h>

enum {
    PATIENCE_S = 10
};

/* ---- on the loop ---- */

static void change(far_local *self, bool *what) {
    pthread_mutex_lock(&self->lock);
    *what = true;
    pthread_cond_broadcast(&self->changed);
    pthread_mutex_unlock(&self->lock);
}

static void on_read(weir_ctx *ctx, weir_obj *msg) {
    far_local *self = weir_ctx_state(ctx);
    weir_buf *buf = weir_buf_from(msg);
    pthread_mutex_lock(&self->lock);
    weir_buf_write_buf(self->got, buf, weir_buf_readable(buf));
    pthread_cond_broadcast(&self->changed);
    pthread_mutex_unlock(&self->lock);
    weir_buf_release(buf);
}

/* Like a plain socket it stays open for writing after the other's end. */
static void on_event(weir_ctx *ctx, weir_obj *event) {
    far_local *self = weir_ctx_state(ctx);
    if (event == &weir_event_peer_closed.obj) change(self, &self->ended);
    weir_obj_release(event);
}

static void on_error(weir_ctx *ctx, const weir_error *error) {
    far_local *self = weir_ctx_state(ctx);
    if (error->status == -ECONNRESET) change(self, &self->broken);
}

static void on_removed(weir_ctx *ctx) {
    far_local *self = weir_ctx_state(ctx);
    change(self, &self->gone);
}

static const weir_handler far_handler = {
    .name = "far", .removed = on_removed, .read = on_read, .event = on_event, .error = on_error};

static weir_status build(weir_pipeline *pipeline, void *arg) {
    return weir_pipeline_add_last(pipeline, &far_handler, arg);
}

/* ---- in the test ---- */

weir_local_end far_local_init(far_local *self, weir_loop *loop) {
    *self = (far_local){.loop = loop, .got = weir_buf_new(0)};
    pthread_mutex_init(&self->lock, NULL);
    pthread_cond_init(&self->changed, NULL);
    return (weir_local_end){.loop = loop, .build = build, .build_arg = self};
}

/* For ten seconds from now on. False when they are over. */
static bool wait_for_change(far_local *self, const struct timespec *until) {
    return pthread_cond_timedwait(&self->changed, &self->lock, until) == 0;
}

static struct timespec patience(void) {
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE_S;
    return until;
}

void far_local_clear(far_local *self) {
    struct timespec until = patience();
    weir_channel_abort(self->channel, WEIR_E_CANCELED);
    pthread_mutex_lock(&self->lock);
    while (!self->gone && wait_for_change(self, &until)) continue;
    expect(self->gone);
    pthread_mutex_unlock(&self->lock);
    weir_channel_release(self->channel);
    weir_buf_release(self->got);
    pthread_cond_destroy(&self->changed);
    pthread_mutex_destroy(&self->lock);
}

void far_local_send(far_local *self, const void *bytes, size_t n) {
    weir_buf *buf = weir_buf_new(n);
    weir_buf_write_bytes(buf, bytes, n);
    weir_channel_write(self->channel, buf, NULL);
}

void far_local_take(far_local *self, bool takes) {
    weir_channel_set_reading(self->channel, takes);
}

size_t far_local_receive(far_local *self, void *dst, size_t n, bool *ended, bool *broken) {
    struct timespec until = patience();
    pthread_mutex_lock(&self->lock);
    while (weir_buf_readable(self->got) < n && !self->ended && !self->broken && !self->gone) {
        if (!wait_for_change(self, &until)) break;
    }
    size_t left = weir_buf_readable(self->got);
    size_t taken = left < n ? left : n;
    weir_buf_read_bytes(self->got, dst, taken);
    *ended = self->ended;
    *broken = self->broken;
    pthread_mutex_unlock(&self->lock);
    return taken;
}
