/* log_handler.c - one line for every event that passes by. */
#include <weir/transport/log_handler.h>

#include <inttypes.h>

#include <weir/buffer/buf_composite.h>
#include <weir/buffer/buf_dump.h>
#include <weir/transport/channel.h>
#include <weir/transport/ctx.h>
#include <weir/transport/event.h>
#include <weir/transport/region.h>

#define LONGEST_DUMP 1024

typedef struct logger {
    weir_log_level level;
    bool dump;
} logger;

/* All there can be, so that no connection needs one of its own. */
static const logger loggers[][2] = {
    [WEIR_LOG_DEBUG] = {{WEIR_LOG_DEBUG, false}, {WEIR_LOG_DEBUG, true}},
    [WEIR_LOG_INFO] = {{WEIR_LOG_INFO, false}, {WEIR_LOG_INFO, true}},
    [WEIR_LOG_WARN] = {{WEIR_LOG_WARN, false}, {WEIR_LOG_WARN, true}},
    [WEIR_LOG_ERROR] = {{WEIR_LOG_ERROR, false}, {WEIR_LOG_ERROR, true}},
};

static void say(weir_ctx *ctx, const char *event) {
    const logger *self = weir_ctx_state(ctx);
    weir_log(self->level, "channel", "%" PRIu64 " %s", weir_channel_id(weir_ctx_channel(ctx)), event);
}

static void dump(const logger *self, const weir_buf *buf) {
    size_t n = weir_buf_readable(buf);
    weir_buf *text = weir_buf_new(0);
    if (text == NULL) return;
    weir_buf_dump(buf, 0, n < LONGEST_DUMP ? n : LONGEST_DUMP, text);
    weir_bytes rest = weir_buf_coalesce(text, weir_buf_readable(text)), line;
    while (weir_bytes_split(&rest, '\n', &line)) {
        if (line.len != 0) weir_log(self->level, "channel", "%.*s", (int)line.len, (const char *)line.ptr);
    }
    weir_buf_release(text);
}

static void say_message(weir_ctx *ctx, const char *verb, weir_obj *msg) {
    const logger *self = weir_ctx_state(ctx);
    if (!weir_log_is_on(self->level)) return;
    weir_log(self->level, "channel", "%" PRIu64 " %s %s of %" PRIu64 " bytes",
             weir_channel_id(weir_ctx_channel(ctx)), verb, msg->type->name, weir_obj_size(msg));
    if (self->dump && weir_buf_from(msg) != NULL) dump(self, weir_buf_from(msg));
}

static void log_removed(weir_ctx *ctx) {
    say(ctx, "removed");
}

static void log_active(weir_ctx *ctx) {
    say(ctx, "active");
    weir_ctx_fire_active(ctx);
}

static void log_read(weir_ctx *ctx, weir_obj *msg) {
    say_message(ctx, "read", msg);
    weir_ctx_fire_read(ctx, msg);
}

static void log_read_complete(weir_ctx *ctx) {
    say(ctx, "read_complete");
    weir_ctx_fire_read_complete(ctx);
}

static void log_event(weir_ctx *ctx, weir_obj *event) {
    const logger *self = weir_ctx_state(ctx);
    bool named = weir_obj_is(event, &weir_event_type);
    weir_log(self->level, "channel", "%" PRIu64 " event %s", weir_channel_id(weir_ctx_channel(ctx)),
             named ? WEIR_CONTAINER(event, weir_event, obj)->name : event->type->name);
    weir_ctx_fire_event(ctx, event);
}

static void log_writable_changed(weir_ctx *ctx) {
    say(ctx, weir_channel_is_writable(weir_ctx_channel(ctx)) ? "writable again" : "unwritable");
    weir_ctx_fire_writable_changed(ctx);
}

static void log_error(weir_ctx *ctx, const weir_error *error) {
    const logger *self = weir_ctx_state(ctx);
    weir_log(self->level, "channel", "%" PRIu64 " error %s: %s", weir_channel_id(weir_ctx_channel(ctx)),
             weir_status_name(error->status), weir_status_text(error->status));
    weir_ctx_fire_error(ctx, error);
}

static void log_inactive(weir_ctx *ctx) {
    say(ctx, "inactive");
    weir_ctx_fire_inactive(ctx);
}

static void log_write(weir_ctx *ctx, weir_obj *msg, weir_promise *promise) {
    say_message(ctx, "write", msg);
    weir_ctx_write(ctx, msg, promise);
}

static void log_flush(weir_ctx *ctx) {
    say(ctx, "flush");
    weir_ctx_flush(ctx);
}

static void log_pull(weir_ctx *ctx) {
    say(ctx, "pull");
    weir_ctx_pull(ctx);
}

static void log_shutdown(weir_ctx *ctx, weir_promise *promise) {
    say(ctx, "shutdown");
    weir_ctx_shutdown(ctx, promise);
}

static void log_close(weir_ctx *ctx, weir_promise *promise) {
    say(ctx, "close");
    weir_ctx_close(ctx, promise);
}

static void log_abort(weir_ctx *ctx, weir_status why) {
    say(ctx, "abort");
    weir_ctx_abort(ctx, why);
}

const weir_handler weir_log_handler = {
    .name = "log",
    .removed = log_removed,
    .active = log_active,
    .read = log_read,
    .read_complete = log_read_complete,
    .event = log_event,
    .writable_changed = log_writable_changed,
    .error = log_error,
    .inactive = log_inactive,
    .write = log_write,
    .flush = log_flush,
    .pull = log_pull,
    .shutdown = log_shutdown,
    .close = log_close,
    .abort = log_abort,
};

weir_status weir_log_handler_add(weir_pipeline *pipeline, weir_log_level level, bool dump_bytes) {
    if ((unsigned)level > WEIR_LOG_ERROR) return WEIR_E_INVALID;
    return weir_pipeline_add_last(pipeline, &weir_log_handler,
                                  (void *)(uintptr_t)&loggers[level][dump_bytes]);
}
