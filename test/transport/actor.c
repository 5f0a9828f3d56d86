/* actor.c - every slot alike: count, write down, act, pass on. */
#include "actor.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/testing.h>

#include "channel/channel_internal.h"

const char *const actor_slot_names[ACTOR_SLOTS] = {
    "active",   "read",     "read_complete", "event", "writable_changed",
    "error",    "inactive", "write",         "flush", "pull",
    "shutdown", "close",    "abort",         "added", "removed",
};

void trail_add(trail *self, const char *format, ...) {
    va_list args;
    va_start(args, format);
    int n = vsnprintf(self->text + self->length, sizeof self->text - self->length, format, args);
    va_end(args);
    self->length += (size_t)n;
    WEIR_CHECK(self->length + 1 < sizeof self->text, "a trail is too long");
    self->text[self->length++] = '\n';
    self->text[self->length] = '\0';
}

bool trail_is(trail *self, const char *expected) {
    self->text[self->length] = '\0';
    bool same = strcmp(self->text, expected) == 0;
    if (!same) fprintf(stderr, "--- seen\n%s--- expected\n%s---\n", self->text, expected);
    self->length = 0;
    return same;
}

static actor *note(weir_ctx *ctx, actor_slot slot) {
    actor *self = weir_ctx_state(ctx);
    self->seen[slot]++;
    if (self->trail != NULL) trail_add(self->trail, "%s.%s", self->name, actor_slot_names[slot]);
    if (self->act != NULL && (self->when == slot || self->when == ACTOR_SLOTS)) self->act(self, ctx, slot);
    return self;
}

static void on_added(weir_ctx *ctx) {
    note(ctx, ACTOR_ADDED);
}
static void on_removed(weir_ctx *ctx) {
    note(ctx, ACTOR_REMOVED);
}

static void on_active(weir_ctx *ctx) {
    note(ctx, ACTOR_ACTIVE);
    weir_ctx_fire_active(ctx);
}

static void on_read(weir_ctx *ctx, weir_obj *msg) {
    if (note(ctx, ACTOR_READ)->keeps) {
        weir_obj_release(msg);
    } else {
        weir_ctx_fire_read(ctx, msg);
    }
}

static void on_read_complete(weir_ctx *ctx) {
    note(ctx, ACTOR_READ_COMPLETE);
    weir_ctx_fire_read_complete(ctx);
}

static void on_event(weir_ctx *ctx, weir_obj *event) {
    if (note(ctx, ACTOR_EVENT)->keeps) {
        weir_obj_release(event);
    } else {
        weir_ctx_fire_event(ctx, event);
    }
}

static void on_writable_changed(weir_ctx *ctx) {
    note(ctx, ACTOR_WRITABLE_CHANGED);
    weir_ctx_fire_writable_changed(ctx);
}

static void on_error(weir_ctx *ctx, const weir_error *error) {
    if (!note(ctx, ACTOR_ERROR)->keeps) weir_ctx_fire_error(ctx, error);
}

static void on_inactive(weir_ctx *ctx) {
    note(ctx, ACTOR_INACTIVE);
    weir_ctx_fire_inactive(ctx);
}

static void on_write(weir_ctx *ctx, weir_obj *msg, weir_promise *promise) {
    note(ctx, ACTOR_WRITE);
    weir_ctx_write(ctx, msg, promise);
}

static void on_flush(weir_ctx *ctx) {
    note(ctx, ACTOR_FLUSH);
    weir_ctx_flush(ctx);
}

static void on_pull(weir_ctx *ctx) {
    note(ctx, ACTOR_PULL);
    weir_ctx_pull(ctx);
}

static void on_shutdown(weir_ctx *ctx, weir_promise *promise) {
    note(ctx, ACTOR_SHUTDOWN);
    weir_ctx_shutdown(ctx, promise);
}

static void on_close(weir_ctx *ctx, weir_promise *promise) {
    note(ctx, ACTOR_CLOSE);
    weir_ctx_close(ctx, promise);
}

static void on_abort(weir_ctx *ctx, weir_status why) {
    note(ctx, ACTOR_ABORT);
    weir_ctx_abort(ctx, why);
}

const weir_handler actor_handler = {
    .name = "actor",
    .added = on_added,
    .removed = on_removed,
    .active = on_active,
    .read = on_read,
    .read_complete = on_read_complete,
    .event = on_event,
    .writable_changed = on_writable_changed,
    .error = on_error,
    .inactive = on_inactive,
    .write = on_write,
    .flush = on_flush,
    .pull = on_pull,
    .shutdown = on_shutdown,
    .close = on_close,
    .abort = on_abort,
};

const weir_handler mute_handler = {.name = "mute", .removed = on_removed};

void actor_add(actor *self, weir_pipeline *pipeline) {
    require(weir_pipeline_add_last(pipeline, &actor_handler, self) == WEIR_OK);
}

weir_status build_with_actor(weir_pipeline *pipeline, void *arg) {
    return weir_pipeline_add_last(pipeline, &actor_handler, arg);
}

/* ---- promises ---- */

typedef struct promised {
    trail *trail;
    const char *name;
} promised;

static void write_down(void *arg, weir_status status) {
    promised *self = arg;
    trail_add(self->trail, "%s=%s", self->name, weir_status_name(status));
    free(self);
}

weir_promise *trail_promise(trail *self, weir_loop *loop, const char *name) {
    promised *arg = malloc(sizeof *arg);
    weir_promise *promise = weir_promise_new(loop);
    require(arg != NULL && promise != NULL);
    *arg = (promised){self, name};
    require(weir_promise_listen(promise, write_down, arg) == WEIR_OK);
    return promise;
}

/* ---- events from nowhere ---- */

static weir_event some_event = WEIR_EVENT_CONSTANT("some");

void fire_through(weir_pipeline *pipeline, actor_slot slot) {
    weir_ctx *ends = &pipeline->ends;
    switch (slot) {
    case ACTOR_ACTIVE: weir_ctx_fire_active(ends); break;
    case ACTOR_READ: weir_ctx_fire_read(ends, &weir_buf_new(0)->obj); break;
    case ACTOR_READ_COMPLETE: weir_ctx_fire_read_complete(ends); break;
    case ACTOR_EVENT: weir_ctx_fire_event(ends, &some_event.obj); break;
    case ACTOR_WRITABLE_CHANGED: weir_ctx_fire_writable_changed(ends); break;
    case ACTOR_ERROR: weir_ctx_fail(ends, WEIR_E_INVALID, "test"); break;
    case ACTOR_INACTIVE: weir_ctx_fire_inactive(ends); break;
    case ACTOR_WRITE: weir_ctx_write(ends, weir_buf_new(0), NULL); break;
    case ACTOR_FLUSH: weir_ctx_flush(ends); break;
    case ACTOR_PULL: weir_ctx_pull(ends); break;
    case ACTOR_SHUTDOWN: weir_ctx_shutdown(ends, NULL); break;
    case ACTOR_CLOSE: weir_ctx_close(ends, NULL); break;
    case ACTOR_ABORT: weir_ctx_abort(ends, WEIR_E_CANCELED); break;
    default: WEIR_UNREACHABLE();
    }
}
