/* recorder.c - every slot of a handler, each a line of text.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <weir/buffer/buf.h>
#include <weir/buffer/buf_search.h>
#include <weir/core/check.h>
#include <weir/testing/recorder.h>
#include <weir/transport/channel.h>
#include <weir/transport/ctx.h>
#include <weir/transport/event.h>
#include <weir/transport/region.h>

/* Of longer messages the rest is told by a hash. */
#define SHOWN_BYTES 64

struct weir_recorder {
    char *log;
    size_t length, room;
    unsigned places; /* in pipelines */
    weir_recorder_read_fn *on_read;
    void *arg;
};

/* ---- text ---- */

static void append(weir_recorder *self, const char *format, va_list args) {
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, again);
    va_end(again);
    size_t need = self->length + (size_t)n + 1;
    if (need > self->room) {
        self->room = need * 2;
        self->log = realloc(self->log, self->room);
        WEIR_CHECK(self->log != NULL, "out of memory for a recorder");
    }
    vsnprintf(self->log + self->length, (size_t)n + 1, format, args);
    self->length += (size_t)n;
}

static void WEIR_PRINTF(2, 3) add_text(weir_recorder *self, const char *format, ...) {
    va_list args;
    va_start(args, format);
    append(self, format, args);
    va_end(args);
}

static void add_byte(weir_recorder *self, uint8_t byte) {
    switch (byte) {
    case '\r': add_text(self, "\\r"); break;
    case '\n': add_text(self, "\\n"); break;
    case '\t': add_text(self, "\\t"); break;
    case '"':
    case '\\': add_text(self, "\\%c", byte); break;
    default: add_text(self, byte >= 0x20 && byte < 0x7f ? "%c" : "\\x%02x", byte);
    }
}

typedef struct shown {
    weir_recorder *recorder;
    size_t left;
} shown;

static bool show_part(void *arg, weir_bytes part) {
    shown *self = arg;
    for (size_t i = 0; i < part.len && self->left > 0; i++, self->left--) {
        add_byte(self->recorder, part.ptr[i]);
    }
    return true;
}

static void add_buf(weir_recorder *self, const weir_buf *buf) {
    size_t n = weir_buf_readable(buf);
    add_text(self, "%zu \"", n);
    shown all = {self, SHOWN_BYTES};
    weir_buf_visit(buf, 0, n, show_part, &all);
    add_text(self, "\"");
    if (n > SHOWN_BYTES) add_text(self, "... hash=%016" PRIx64, weir_buf_hash(buf));
}

static void add_message(weir_recorder *self, const char *verb, weir_obj *msg) {
    add_text(self, "%s ", verb);
    weir_buf *buf = weir_buf_from(msg);
    weir_region *region = weir_region_from(msg);
    if (buf != NULL) {
        add_buf(self, buf);
    } else if (region != NULL) {
        add_text(self, "region %" PRIu64, region->length);
    } else {
        add_text(self, "%s", msg->type->name);
    }
    add_text(self, "\n");
}

/* ---- life ---- */

weir_recorder *weir_recorder_new(void) {
    weir_recorder *self = calloc(1, sizeof *self);
    WEIR_CHECK(self != NULL, "out of memory for a recorder");
    add_text(self, "%s", "");
    return self;
}

void weir_recorder_free(weir_recorder *recorder) {
    if (recorder == NULL) return;
    WEIR_CHECK(recorder->places == 0, "a recorder was freed that is in %u pipelines", recorder->places);
    free(recorder->log);
    free(recorder);
}

/* ---- the handler ---- */

static weir_recorder *recorder_of(weir_ctx *ctx) {
    return weir_ctx_state(ctx);
}

static void record_added(weir_ctx *ctx) {
    recorder_of(ctx)->places++;
}

static void record_removed(weir_ctx *ctx) {
    recorder_of(ctx)->places--;
    add_text(recorder_of(ctx), "removed\n");
}

static void record_active(weir_ctx *ctx) {
    add_text(recorder_of(ctx), "active\n");
    weir_ctx_fire_active(ctx);
}

static void note_read(weir_ctx *ctx, weir_obj *msg) {
    weir_recorder *self = recorder_of(ctx);
    add_message(self, "read", msg);
    if (self->on_read != NULL) self->on_read(self->arg, ctx, msg);
}

static void record_read(weir_ctx *ctx, weir_obj *msg) {
    note_read(ctx, msg);
    weir_obj_release(msg);
}

static void record_read_passing(weir_ctx *ctx, weir_obj *msg) {
    note_read(ctx, msg);
    weir_ctx_fire_read(ctx, msg);
}

static void record_read_complete(weir_ctx *ctx) {
    add_text(recorder_of(ctx), "read_complete\n");
    weir_ctx_fire_read_complete(ctx);
}

static void record_event(weir_ctx *ctx, weir_obj *event) {
    bool is_named = event->type == &weir_event_type;
    const char *name = is_named ? ((const weir_event *)(const void *)event)->name : event->type->name;
    add_text(recorder_of(ctx), "event %s\n", name);
    weir_ctx_fire_event(ctx, event);
}

static void record_writable_changed(weir_ctx *ctx) {
    bool writable = weir_channel_is_writable(weir_ctx_channel(ctx));
    add_text(recorder_of(ctx), "writable_changed %s\n", writable ? "true" : "false");
    weir_ctx_fire_writable_changed(ctx);
}

static void record_error(weir_ctx *ctx, const weir_error *error) {
    add_text(recorder_of(ctx), "error %s actual=%" PRIu64 " maximum=%" PRIu64 " offset=%" PRIu64 "\n",
             weir_status_name(error->status), error->actual, error->maximum, error->offset);
}

static void record_error_passing(weir_ctx *ctx, const weir_error *error) {
    record_error(ctx, error);
    weir_ctx_fire_error(ctx, error);
}

static void record_inactive(weir_ctx *ctx) {
    add_text(recorder_of(ctx), "inactive\n");
    weir_ctx_fire_inactive(ctx);
}

static void record_write(weir_ctx *ctx, weir_obj *msg, weir_promise *promise) {
    add_message(recorder_of(ctx), "write", msg);
    weir_ctx_write(ctx, msg, promise);
}

static void record_flush(weir_ctx *ctx) {
    add_text(recorder_of(ctx), "flush\n");
    weir_ctx_flush(ctx);
}

static void record_pull(weir_ctx *ctx) {
    add_text(recorder_of(ctx), "pull\n");
    weir_ctx_pull(ctx);
}

static void record_shutdown(weir_ctx *ctx, weir_promise *promise) {
    add_text(recorder_of(ctx), "shutdown\n");
    weir_ctx_shutdown(ctx, promise);
}

static void record_close(weir_ctx *ctx, weir_promise *promise) {
    add_text(recorder_of(ctx), "close\n");
    weir_ctx_close(ctx, promise);
}

static void record_abort(weir_ctx *ctx, weir_status why) {
    add_text(recorder_of(ctx), "abort %s\n", weir_status_name(why));
    weir_ctx_abort(ctx, why);
}

#define COMMON_SLOTS                                                                                         \
    .added = record_added, .removed = record_removed, .active = record_active,                               \
    .read_complete = record_read_complete, .event = record_event,                                            \
    .writable_changed = record_writable_changed, .inactive = record_inactive, .write = record_write,         \
    .flush = record_flush, .pull = record_pull, .shutdown = record_shutdown, .close = record_close,          \
    .abort = record_abort

static const weir_handler ending = {
    .name = "recorder",
    COMMON_SLOTS,
    .read = record_read,
    .error = record_error,
};

static const weir_handler passing = {
    .name = "passing_recorder",
    COMMON_SLOTS,
    .read = record_read_passing,
    .error = record_error_passing,
};

weir_status weir_recorder_add(weir_recorder *recorder, weir_pipeline *pipeline) {
    return weir_pipeline_add_last(pipeline, &ending, recorder);
}

weir_status weir_recorder_add_passing(weir_recorder *recorder, weir_pipeline *pipeline) {
    return weir_pipeline_add_last(pipeline, &passing, recorder);
}

void weir_recorder_on_read(weir_recorder *recorder, weir_recorder_read_fn *fn, void *arg) {
    recorder->on_read = fn;
    recorder->arg = arg;
}

/* ---- what was written down ---- */

const char *weir_recorder_log(const weir_recorder *recorder) {
    return recorder->log;
}

bool weir_recorder_saw(weir_recorder *recorder, const char *expected) {
    bool is_same = strcmp(recorder->log, expected) == 0;
    if (!is_same) fprintf(stderr, "--- seen\n%s--- expected\n%s---\n", recorder->log, expected);
    weir_recorder_clear(recorder);
    return is_same;
}

size_t weir_recorder_count(const weir_recorder *recorder, const char *start) {
    size_t count = 0;
    for (const char *line = recorder->log; *line != '\0'; line = strchr(line, '\n') + 1) {
        if (strncmp(line, start, strlen(start)) == 0) count++;
    }
    return count;
}

void weir_recorder_clear(weir_recorder *recorder) {
    recorder->length = 0;
    recorder->log[0] = '\0';
}

void weir_recorder_note(weir_recorder *recorder, const char *format, ...) {
    va_list args;
    va_start(args, format);
    append(recorder, format, args);
    va_end(args);
    add_text(recorder, "\n");
}
