/* tls_alpn.c - the rest of a pipeline by what was agreed on: a handler that waits for it, builds, and leaves. */
#include <string.h>

#include <weir/codec/tls_handler.h>
#include <weir/core/alloc.h>
#include <weir/transport/channel.h>
#include <weir/transport/ctx.h>

typedef struct alpn {
    const weir_tls_alpn *table;
    size_t count;
    bool holds_active; /* for those that are built */
} alpn;

static const weir_tls_alpn *find(const alpn *self, weir_bytes agreed) {
    for (size_t i = 0; i < self->count; i++) {
        const char *protocol = self->table[i].protocol;
        if (protocol == NULL || weir_bytes_equal(agreed, weir_bytes_str(protocol))) return &self->table[i];
    }
    return NULL;
}

static void build(weir_ctx *ctx, const alpn *self, weir_bytes agreed) {
    const weir_tls_alpn *found = find(self, agreed);
    bool holds_active = self->holds_active;
    if (found == NULL) {
        weir_ctx_fail(ctx, WEIR_E_UNSUPPORTED, "ALPN: no protocol for what was agreed on");
        return;
    }
    weir_status status = found->build(weir_ctx_pipeline(ctx), found->build_arg);
    if (status != WEIR_OK) {
        weir_ctx_abort(ctx, status);
        return;
    }
    weir_pipeline_remove(ctx);
    if (holds_active) weir_ctx_fire_active(ctx);
}

static void alpn_active(weir_ctx *ctx) {
    alpn *self = weir_ctx_state(ctx);
    self->holds_active = true;
}

static void alpn_event(weir_ctx *ctx, weir_obj *event) {
    weir_tls_info info;
    if (event == &weir_tls_event_ready.obj && weir_tls_get_info(weir_ctx_pipeline(ctx), &info))
        build(ctx, weir_ctx_state(ctx), info.alpn);
    weir_ctx_fire_event(ctx, event);
}

/* Nobody behind it has seen `active`. */
static void alpn_inactive(weir_ctx *ctx) {
    const alpn *self = weir_ctx_state(ctx);
    if (!self->holds_active) weir_ctx_fire_inactive(ctx);
}

static void alpn_removed(weir_ctx *ctx) {
    weir_alloc_release(NULL, weir_ctx_state(ctx));
}

static const weir_handler alpn_handler = {
    .name = "tls_alpn",
    .removed = alpn_removed,
    .active = alpn_active,
    .event = alpn_event,
    .inactive = alpn_inactive,
};

weir_status weir_tls_alpn_add(weir_pipeline *pipeline, const weir_tls_alpn *table, size_t count) {
    alpn *self = weir_alloc_zeroed(NULL, 1, sizeof *self);
    if (self == NULL) return WEIR_E_NO_MEMORY;
    self->table = table;
    self->count = count;
    weir_status status = weir_pipeline_add_last(pipeline, &alpn_handler, self);
    if (status != WEIR_OK) weir_alloc_release(NULL, self);
    return status;
}
