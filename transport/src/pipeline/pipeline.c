/* pipeline.c - the chain: adding and removing, also while events are walking along it. */
#include "pipeline/pipeline_internal.h"

#include <string.h>

#include "channel/channel_internal.h"

static const struct {
    const char *name;
    size_t slot;
} slots[] = {
    /* in the order of the EVENT_ bits */
    {"active", offsetof(weir_handler, active)},
    {"read", offsetof(weir_handler, read)},
    {"read_complete", offsetof(weir_handler, read_complete)},
    {"event", offsetof(weir_handler, event)},
    {"writable_changed", offsetof(weir_handler, writable_changed)},
    {"error", offsetof(weir_handler, error)},
    {"inactive", offsetof(weir_handler, inactive)},
    {"write", offsetof(weir_handler, write)},
    {"flush", offsetof(weir_handler, flush)},
    {"pull", offsetof(weir_handler, pull)},
    {"shutdown", offsetof(weir_handler, shutdown)},
    {"close", offsetof(weir_handler, close)},
    {"abort", offsetof(weir_handler, abort)},
};

enum {
    SLOTS = sizeof slots / sizeof slots[0]
};

const char *pipeline_event_name(unsigned bit) {
    return slots[bit].name;
}

static uint32_t events_of(const weir_handler *handler) {
    uint32_t events = 0;
    for (unsigned i = 0; i < SLOTS; i++) {
        void (*slot)(void);
        memcpy(&slot, (const char *)handler + slots[i].slot, sizeof slot);
        if (slot != NULL) events |= 1u << i;
    }
    return events;
}

static weir_loop *loop_of(weir_pipeline *pipeline) {
    return channel_of(pipeline)->loop;
}

void pipeline_init(weir_pipeline *pipeline) {
    weir_ctx *ends = &pipeline->ends;
    *ends = (weir_ctx){
        .next = ends, .prev = ends, .handler = &pipeline_ends, .pipeline = pipeline, .events = EVENT_ALL};
}

weir_channel *weir_pipeline_channel(weir_pipeline *pipeline) {
    return channel_of(pipeline);
}

/* ---- adding ---- */

/* *made, unless NULL, is the new place; `added` may have taken it out again. */
static weir_status insert_after(weir_ctx *at, const weir_handler *handler, void *state, weir_ctx **made) {
    weir_loop *loop = loop_of(at->pipeline);
    loop_check_current(loop, __func__);
    WEIR_CHECK(!at->removed, "a handler was added next to \"%s\", which is not in the pipeline any more",
               at->handler->name);
    if (channel_is_gone(channel_of(at->pipeline))) return WEIR_E_CLOSED;
    pipeline_place *place = weir_alloc_acquire(loop->alloc, sizeof *place);
    if (place == NULL) return WEIR_E_NO_MEMORY;
    weir_ctx *ctx = &place->ctx;
    *ctx = (weir_ctx){
        .next = at->next,
        .prev = at,
        .handler = handler,
        .state = state,
        .pipeline = at->pipeline,
        .events = events_of(handler),
    };
    at->next->prev = ctx;
    at->next = ctx;
    if (made != NULL) *made = ctx;
    if (handler->added != NULL) handler->added(ctx);
    return WEIR_OK;
}

weir_status weir_pipeline_add_last(weir_pipeline *pipeline, const weir_handler *handler, void *state) {
    return insert_after(pipeline->ends.prev, handler, state, NULL);
}

weir_status weir_pipeline_add_first(weir_pipeline *pipeline, const weir_handler *handler, void *state) {
    return insert_after(&pipeline->ends, handler, state, NULL);
}

weir_status weir_pipeline_add_before(weir_ctx *at, const weir_handler *handler, void *state) {
    WEIR_CHECK(!at->removed, "a handler was added before \"%s\", which is not in the pipeline any more",
               at->handler->name);
    return insert_after(at->prev, handler, state, NULL);
}

weir_status weir_pipeline_add_after(weir_ctx *at, const weir_handler *handler, void *state) {
    return insert_after(at, handler, state, NULL);
}

/* ---- removing ---- */

void pipeline_free_removed(weir_loop *loop) {
    for (pipeline_place *place = loop->graveyard, *next; place != NULL; place = next) {
        weir_channel *channel = channel_of(place->ctx.pipeline);
        next = place->next_removed;
        loop->graveyard = next;
        weir_alloc_release(loop->alloc, place);
        weir_channel_release(channel);
    }
}

void weir_pipeline_remove(weir_ctx *ctx) {
    weir_channel *channel = channel_of(ctx->pipeline);
    loop_check_current(channel->loop, __func__);
    if (ctx->removed) return;
    ctx->removed = true;
    ctx->prev->next = ctx->next;
    ctx->next->prev = ctx->prev;
    if (ctx->handler->removed != NULL) ctx->handler->removed(ctx);
    ctx->events = 0;
    weir_channel_retain(channel); /* a removed context still points into the channel */
    pipeline_place *place = WEIR_CONTAINER(ctx, pipeline_place, ctx);
    place->next_removed = channel->loop->graveyard;
    channel->loop->graveyard = place;
}

weir_status weir_pipeline_replace(weir_ctx *ctx, const weir_handler *handler, void *state) {
    weir_ctx *replacement;
    weir_status status = insert_after(ctx, handler, state, &replacement);
    if (status != WEIR_OK) return status;
    weir_pipeline_remove(ctx);
    ctx->next = replacement->next;
    return WEIR_OK;
}

bool pipeline_sees_writes(const weir_pipeline *pipeline) {
    const weir_ctx *ctx = pipeline->ends.prev;
    while ((ctx->events & EVENT_WRITE) == 0) ctx = ctx->prev;
    return ctx != &pipeline->ends;
}

void pipeline_clear(weir_pipeline *pipeline) {
    while (pipeline->ends.prev != &pipeline->ends) weir_pipeline_remove(pipeline->ends.prev);
}

/* ---- looking ---- */

weir_ctx *weir_pipeline_find(weir_pipeline *pipeline, const weir_handler *handler) {
    loop_check_current(loop_of(pipeline), __func__);
    for (weir_ctx *ctx = pipeline->ends.next; ctx != &pipeline->ends; ctx = ctx->next) {
        if (ctx->handler == handler) return ctx;
    }
    return NULL;
}

weir_ctx *weir_pipeline_find_name(weir_pipeline *pipeline, const char *name) {
    loop_check_current(loop_of(pipeline), __func__);
    for (weir_ctx *ctx = pipeline->ends.next; ctx != &pipeline->ends; ctx = ctx->next) {
        if (strcmp(ctx->handler->name, name) == 0) return ctx;
    }
    return NULL;
}

void weir_pipeline_dump(weir_pipeline *pipeline, FILE *out) {
    loop_check_current(loop_of(pipeline), __func__);
    int place = 1;
    for (weir_ctx *ctx = pipeline->ends.next; ctx != &pipeline->ends; ctx = ctx->next) {
        fprintf(out, "%2d %-20s", place++, ctx->handler->name);
        for (unsigned i = 0; i < SLOTS; i++) {
            if ((ctx->events & 1u << i) != 0) fprintf(out, " %s", slots[i].name);
        }
        fputc('\n', out);
    }
}
