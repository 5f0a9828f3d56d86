/* flow_control_handler.c - a queue between what is read and who pulls. */
#include <weir/transport/flow_control_handler.h>

#include <weir/core/alloc.h>
#include <weir/core/list.h>
#include <weir/transport/channel.h>

#include "pipeline/pipeline_internal.h"

typedef struct held {
    weir_list link;
    weir_obj *obj;
    bool is_event;
} held;

typedef struct flow {
    weir_list queue;
    size_t waiting;
    bool wanted;     /* a pull that found nothing here */
    bool delivering; /* so a pull from inside a delivery only asks for one more */
    bool removed;    /* inside a delivery, which frees it */
} flow;

static bool hold(flow *self, weir_obj *obj, bool is_event) {
    held *made = weir_alloc_acquire(NULL, sizeof *made);
    if (made == NULL) {
        weir_obj_release(obj);
        return false;
    }
    made->obj = obj;
    made->is_event = is_event;
    weir_list_push_back(&self->queue, &made->link);
    self->waiting++;
    return true;
}

/* The first that waits: its object, and whether that is an event. NULL when nothing does. */
static weir_obj *take(flow *self, bool *is_event) {
    weir_list *link = weir_list_pop_front(&self->queue);
    if (link == NULL) return NULL;
    held taken = *WEIR_CONTAINER(link, held, link);
    weir_alloc_release(NULL, WEIR_CONTAINER(link, held, link));
    self->waiting--;
    *is_event = taken.is_event;
    return taken.obj;
}

static void release_all(flow *self) {
    bool is_event = false;
    for (weir_obj *obj = take(self, &is_event); obj != NULL; obj = take(self, &is_event))
        weir_obj_release(obj);
}

static bool first_is_event(const flow *self) {
    return self->waiting > 0 && WEIR_CONTAINER(self->queue.next, held, link)->is_event;
}

/* A message when one is wanted, and the events in front and behind it. Whoever gets one may pull again, or end all. */
static void deliver(weir_ctx *ctx) {
    flow *self = weir_ctx_state(ctx);
    if (self->delivering) return;
    self->delivering = true;
    while (self->waiting > 0 && (self->wanted || first_is_event(self))) {
        bool is_event = false;
        weir_obj *obj = take(self, &is_event);
        if (is_event) {
            weir_ctx_fire_event(ctx, obj);
        } else {
            self->wanted = false;
            weir_ctx_fire_read(ctx, obj);
            weir_ctx_fire_read_complete(ctx);
        }
    }
    self->delivering = false;
    if (self->removed) weir_alloc_release(NULL, self);
}

/* What was delivered has pulled again, and nothing is here any more. */
static bool wants_more(const weir_ctx *ctx) {
    if (ctx->removed) return false;
    const flow *self = weir_ctx_state(ctx);
    return self->wanted && !self->delivering;
}

/* ---- the handler ---- */

static void flow_removed(weir_ctx *ctx) {
    flow *self = weir_ctx_state(ctx);
    bool is_event = false, any = false;
    for (weir_obj *obj = take(self, &is_event); obj != NULL; obj = take(self, &is_event)) {
        if (!weir_channel_is_active(weir_ctx_channel(ctx))) {
            weir_obj_release(obj);
        } else if (is_event) {
            weir_ctx_fire_event(ctx, obj);
        } else {
            weir_ctx_fire_read(ctx, obj);
            any = true;
        }
    }
    if (any) weir_ctx_fire_read_complete(ctx);
    self->removed = true;
    if (!self->delivering) weir_alloc_release(NULL, self);
}

static void flow_read(weir_ctx *ctx, weir_obj *msg) {
    if (hold(weir_ctx_state(ctx), msg, false)) {
        deliver(ctx);
    } else {
        weir_ctx_fail(ctx, WEIR_E_NO_MEMORY, "flow control");
    }
}

/* Each message brings its own. A burst that made none leaves the wish where it was: with the wire. */
static void flow_read_complete(weir_ctx *ctx) {
    flow *self = weir_ctx_state(ctx);
    if (self->wanted) weir_ctx_pull(ctx);
}

static void flow_event(weir_ctx *ctx, weir_obj *event) {
    flow *self = weir_ctx_state(ctx);
    if (self->waiting == 0 && !self->delivering) {
        weir_ctx_fire_event(ctx, event);
    } else if (!hold(self, event, true)) {
        weir_ctx_fail(ctx, WEIR_E_NO_MEMORY, "flow control");
    }
}

static void flow_inactive(weir_ctx *ctx) {
    release_all(weir_ctx_state(ctx));
    weir_ctx_fire_inactive(ctx);
}

/* Nothing here: the wish goes on to the wire. What is delivered may remove this handler. */
static void flow_pull(weir_ctx *ctx) {
    flow *self = weir_ctx_state(ctx);
    bool is_here = self->waiting > 0 || self->delivering;
    self->wanted = true;
    if (is_here) deliver(ctx);
    if (!is_here || wants_more(ctx)) weir_ctx_pull(ctx);
}

const weir_handler weir_flow_control_handler = {
    .name = "flow_control",
    .removed = flow_removed,
    .read = flow_read,
    .read_complete = flow_read_complete,
    .event = flow_event,
    .inactive = flow_inactive,
    .pull = flow_pull,
};

weir_status weir_flow_control_handler_add(weir_pipeline *pipeline) {
    flow *self = weir_alloc_zeroed(NULL, 1, sizeof *self);
    if (self == NULL) return WEIR_E_NO_MEMORY;
    weir_list_init(&self->queue);
    weir_status status = weir_pipeline_add_last(pipeline, &weir_flow_control_handler, self);
    if (status != WEIR_OK) weir_alloc_release(NULL, self);
    return status;
}

size_t weir_flow_control_handler_waiting(const weir_ctx *ctx) {
    return ((const flow *)weir_ctx_state(ctx))->waiting;
}
