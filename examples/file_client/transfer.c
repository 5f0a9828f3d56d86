/* transfer.c - the handler: requests out, reply lines and bodies in. */
#include "transfer.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/args.h"

enum {
    TICK_MS = 100,
};

static const char *current_path(const struct transfer *self) {
    return self->paths[self->answered];
}

/* The rest cannot come: said once, and the partial file stays. */
static void give_up(weir_ctx *ctx, struct transfer *self, const char *doing, const char *why) {
    progress_clear(&self->progress);
    if (!self->failed) complain("%s '%s': %s", doing, current_path(self), why);
    self->failed = true;
    weir_ctx_abort(ctx, WEIR_E_CANCELED);
}

/* ---- asking ---- */

static void ask_ahead(weir_ctx *ctx, struct transfer *self) {
    weir_buf *lines = NULL;
    while (!self->failed && self->asked < self->count && self->asked - self->answered < TRANSFER_AHEAD) {
        const char *path = self->paths[self->asked];
        uint64_t offset = self->resume ? target_left_over(self->folder, path) : 0;
        if (lines == NULL) lines = weir_ctx_get_buf(ctx, 1024);
        if (lines == NULL) {
            give_up(ctx, self, "cannot ask for", weir_status_text(WEIR_E_NO_MEMORY));
            return;
        }
        weir_buf_printf(lines, "%s\t%" PRIu64 "\n", path, offset);
        self->offsets[self->asked++ % TRANSFER_AHEAD] = offset;
    }
    if (lines != NULL) weir_ctx_write_flush(ctx, lines, NULL);
    if (self->answered == self->count && !self->failed) weir_ctx_close(ctx, NULL);
}

/* ---- taking ---- */

static void finish_file(weir_ctx *ctx, struct transfer *self) {
    weir_status status = target_finish(&self->target, self->end);
    if (status != WEIR_OK) {
        give_up(ctx, self, "cannot finish", weir_status_text(status));
        return;
    }
    self->in_body = false;
    self->files++;
    self->answered++;
}

static void begin_file(weir_ctx *ctx, struct transfer *self, uint64_t length) {
    uint64_t offset = self->offsets[self->answered % TRANSFER_AHEAD];
    weir_status status = target_open(&self->target, self->folder, current_path(self), offset);
    if (status == -EBUSY) {
        give_up(ctx, self, "cannot write", "another process is writing it");
    } else if (status != WEIR_OK) {
        give_up(ctx, self, "cannot write", weir_status_text(status));
    } else {
        self->in_body = true;
        self->end = offset + length;
        if (length == 0) finish_file(ctx, self);
    }
}

/* What a stranger says reaches a terminal without its control characters. */
static void refuse_file(struct transfer *self, weir_bytes reason) {
    char text[TRANSFER_REPLY_MAX + 1];
    for (size_t i = 0; i < reason.len; i++) text[i] = (char)(isprint(reason.ptr[i]) ? reason.ptr[i] : '?');
    text[reason.len] = '\0';
    progress_clear(&self->progress);
    complain("'%s': %s", current_path(self), text);
    self->refused++;
    self->answered++;
}

static void take_reply(weir_ctx *ctx, struct transfer *self, weir_bytes line) {
    uint64_t length;
    if (weir_bytes_starts_with(line, weir_bytes_str("ERR "))) {
        refuse_file(self, weir_bytes_sub(line, 4, line.len));
    } else if (weir_bytes_starts_with(line, weir_bytes_str("OK ")) &&
               weir_bytes_to_u64(weir_bytes_sub(line, 3, line.len), &length) &&
               length <= INT64_MAX - self->offsets[self->answered % TRANSFER_AHEAD]) {
        begin_file(ctx, self, length);
    } else {
        give_up(ctx, self, "cannot get", "this is no file server");
    }
}

/* The reply line comes in any number of pieces; what is behind its end stays in `buf`. */
static void take_reply_bytes(weir_ctx *ctx, struct transfer *self, weir_buf *buf) {
    size_t end = weir_buf_find(buf, 0, '\n');
    size_t n = end == WEIR_NOT_FOUND ? weir_buf_readable(buf) : end;
    if (self->answered == self->asked || n > sizeof self->reply - self->reply_length) {
        give_up(ctx, self, "cannot get", "this is no file server");
        return;
    }
    weir_buf_read_bytes(buf, self->reply + self->reply_length, n);
    self->reply_length += n;
    if (end == WEIR_NOT_FOUND) return;
    weir_buf_skip(buf, 1);
    weir_bytes line = weir_bytes_of(self->reply, self->reply_length);
    self->reply_length = 0;
    take_reply(ctx, self, line);
}

static void take_body_bytes(weir_ctx *ctx, struct transfer *self, weir_buf *buf) {
    uint64_t left = self->end - self->target.size;
    size_t n = weir_buf_readable(buf) < left ? weir_buf_readable(buf) : (size_t)left;
    weir_buf *piece = weir_buf_read_slice(buf, n);
    weir_status status = piece == NULL ? WEIR_E_NO_MEMORY : target_write(&self->target, piece);
    weir_buf_release(piece);
    if (status != WEIR_OK) {
        give_up(ctx, self, "cannot write", weir_status_text(status));
        return;
    }
    self->received += n;
    if (self->target.size == self->end) finish_file(ctx, self);
}

/* ---- events ---- */

static void transfer_active(weir_ctx *ctx) {
    ask_ahead(ctx, weir_ctx_state(ctx));
}

static void transfer_read(weir_ctx *ctx, weir_obj *msg) {
    struct transfer *self = weir_ctx_state(ctx);
    weir_buf *buf = weir_buf_from(msg);
    while (!self->failed && weir_buf_is_readable(buf)) {
        if (self->in_body) {
            take_body_bytes(ctx, self, buf);
        } else if (self->answered < self->count) {
            take_reply_bytes(ctx, self, buf);
        } else {
            break; /* more than was asked for */
        }
    }
    weir_obj_release(msg);
}

static void transfer_read_complete(weir_ctx *ctx) {
    ask_ahead(ctx, weir_ctx_state(ctx));
}

static void transfer_event(weir_ctx *ctx, weir_obj *event) {
    struct transfer *self = weir_ctx_state(ctx);
    if (self->answered < self->count) {
        if (event == &weir_event_idle_read.obj)
            give_up(ctx, self, "cannot get", "the server has fallen silent");
        if (event == &weir_event_peer_closed.obj)
            give_up(ctx, self, "cannot get", "the server closed the connection");
    }
    weir_ctx_fire_event(ctx, event);
}

static void transfer_error(weir_ctx *ctx, const weir_error *error) {
    struct transfer *self = weir_ctx_state(ctx);
    if (self->answered < self->count) {
        give_up(ctx, self, "cannot get", weir_status_text(error->status));
    } else {
        weir_ctx_close(ctx, NULL);
    }
}

static void transfer_inactive(weir_ctx *ctx) {
    struct transfer *self = weir_ctx_state(ctx);
    if (self->answered < self->count) give_up(ctx, self, "cannot get", weir_status_text(WEIR_E_CLOSED));
    target_leave(&self->target);
    weir_timer_stop(&self->timer, self->loop);
    progress_end(&self->progress, weir_loop_now(self->loop), self->files, self->received);
    weir_loop_stop(self->loop);
}

static const weir_handler transfer_handler = {
    .name = "transfer",
    .active = transfer_active,
    .read = transfer_read,
    .read_complete = transfer_read_complete,
    .event = transfer_event,
    .error = transfer_error,
    .inactive = transfer_inactive,
};

static void on_tick(weir_timer *timer) {
    struct transfer *self = timer->arg;
    if (self->in_body) {
        struct progress_state state = {.path = current_path(self),
                                       .have = self->target.size,
                                       .size = self->end,
                                       .file = self->answered + 1,
                                       .files = self->count,
                                       .received = self->received};
        progress_show(&self->progress, weir_loop_now(self->loop), &state);
    }
    weir_timer_start(timer, self->loop, TICK_MS);
}

weir_status transfer_build(weir_pipeline *pipeline, void *arg) {
    const struct transfer *self = arg;
    weir_status status = weir_idle_handler_add(pipeline, &(weir_idle_options){.read_ms = self->patience_ms});
    return status != WEIR_OK ? status : weir_pipeline_add_last(pipeline, &transfer_handler, arg);
}

void transfer_connected(void *arg, weir_status status) {
    struct transfer *self = arg;
    if (status != WEIR_OK) {
        complain("cannot connect: %s", weir_status_text(status));
        self->failed = true;
        weir_loop_stop(self->loop);
        return;
    }
    progress_start(&self->progress, stdout, weir_loop_now(self->loop));
    weir_timer_init(&self->timer, on_tick, self);
    weir_timer_start(&self->timer, self->loop, TICK_MS);
}
