/* session.c - the handler behind the line decoder, which it pauses while there is no room for an answer. */
#include "session.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include <weir/codec/line_decoder.h>

enum {
    WINDOW = 16,
    MAPPED_STEP = 1 << 20,
};

struct session {
    struct service *service;
    weir_ctx *ctx, *lines; /* this handler's place, and the decoder's */
    weir_buf *mapped;      /* the rest of a mapped body, or NULL; nothing else is answered before its end */
    unsigned on_the_way;   /* bodies, or pieces of a mapped one, that were written and are not sent */
    bool busy;             /* go_on is running, higher up the stack */
    bool over;             /* no more lines: closes when what was begun is written */
    bool closed;
};

static void go_on(struct session *self);

/* ---- answering ---- */

WEIR_PRINTF(2, 3) static void write_line(struct session *self, const char *format, ...) {
    weir_buf *line = weir_ctx_get_buf(self->ctx, 64);
    va_list values;
    va_start(values, format);
    if (line != NULL) weir_buf_vprintf(line, format, values);
    va_end(values);
    weir_ctx_write(self->ctx, line, NULL); /* NULL, or too long for memory, becomes an error event */
}

static const char *reason_of(weir_status status) {
    switch (status) {
    case WEIR_E_INVALID: return "not a path";
    case WEIR_E_LIMIT: return "the offset is beyond the end";
    case -EXDEV:
    case -ELOOP: return "leads out of the root";
    case WEIR_E_UNSUPPORTED: return "not a regular file";
    case -ENOTDIR: return weir_status_text(-ENOENT);
    default: return weir_status_text(status);
    }
}

/* Whoever was promised BYTES and cannot have them is told by a reset. */
static void body_done(void *arg, weir_status status) {
    struct session *self = arg;
    self->on_the_way--;
    if (status == WEIR_OK) {
        go_on(self);
        return;
    }
    atomic_fetch_add(&self->service->broken, 1);
    self->closed = true;
    weir_ctx_abort(self->ctx, status);
}

/* Takes: body. */
static void write_body(struct session *self, void *body) {
    weir_promise *done = weir_promise_new(weir_ctx_loop(self->ctx));
    self->on_the_way++;
    if (done == NULL) {
        weir_obj_release(body);
        body_done(self, WEIR_E_NO_MEMORY);
        return;
    }
    (void)weir_promise_listen(done, body_done, self); /* the first listener needs no memory */
    weir_ctx_write(self->ctx, body, done);
}

/* A body that is a map goes out in pieces, so that it never counts as queued memory as a whole. */
static void write_mapped_piece(struct session *self) {
    size_t left = weir_buf_readable(self->mapped), step = left < MAPPED_STEP ? left : MAPPED_STEP;
    weir_buf *piece = weir_buf_read_slice(self->mapped, step);
    if (step == left) {
        weir_buf_release(self->mapped);
        self->mapped = NULL;
    }
    atomic_fetch_add(&self->service->mapped_bytes, step);
    write_body(self, piece);
}

/* The map outlives its descriptor. Takes: fd. */
static weir_status map_file(int fd, uint64_t offset, uint64_t size, weir_buf **out) {
    weir_status status = weir_buf_map_range(out, fd, offset, (size_t)(size - offset), NULL);
    close(fd);
    return status;
}

/* The body as a region or, in mode mmap, a map. Takes: fd. */
static weir_status make_body(const struct session *self, int fd, uint64_t offset, uint64_t size,
                             weir_region **region, weir_buf **map) {
    if (self->service->mode == MODE_MMAP) return map_file(fd, offset, size, map);
    *region = weir_region_file(fd, true, offset, size - offset);
    return *region == NULL ? WEIR_E_NO_MEMORY : WEIR_OK;
}

/* As a C string. "a//b" and a NUL are nonsense; where a path leads is the root's affair. */
static bool is_path(weir_bytes path, char name[SESSION_LINE_MAX + 1]) {
    bool is_absolute = path.len != 0 && path.ptr[0] == '/';
    weir_bytes part;
    if (weir_bytes_find(path, '\0') != WEIR_NOT_FOUND) return false;
    for (weir_bytes rest = path; weir_bytes_split(&rest, '/', &part);) {
        if (part.len == 0 && !is_absolute) return false;
    }
    memcpy(name, path.ptr, path.len);
    name[path.len] = '\0';
    return true;
}

static void answer(struct session *self, weir_bytes path, uint64_t offset) {
    char name[SESSION_LINE_MAX + 1];
    struct stat stat = {0};
    int fd = -1;
    weir_region *region = NULL;
    weir_status status = WEIR_E_INVALID;
    if (is_path(path, name)) status = weir_file_root_get(&self->service->root, name, &fd, &stat);
    uint64_t size = (uint64_t)stat.st_size;
    if (status == WEIR_OK && offset > size) {
        close(fd);
        status = WEIR_E_LIMIT;
    }
    if (status == WEIR_OK) status = make_body(self, fd, offset, size, &region, &self->mapped);
    if (status != WEIR_OK) {
        atomic_fetch_add(&self->service->refused, 1);
        write_line(self, "ERR %s\n", reason_of(status));
        return;
    }
    atomic_fetch_add(&self->service->files, 1);
    atomic_fetch_add(&self->service->bytes, size - offset);
    write_line(self, "OK %" PRIu64 "\n", size - offset);
    if (region != NULL) write_body(self, region);
}

/* "PATH" or "PATH TAB OFFSET". A path may hold tabs: only digits behind the last one make it an offset. */
static void answer_line(struct session *self, weir_buf *line) {
    weir_bytes path = weir_buf_peek(line);
    size_t tab = weir_bytes_find_last(path, '\t');
    uint64_t offset = 0;
    if (tab != WEIR_NOT_FOUND && weir_bytes_to_u64(weir_bytes_sub(path, tab + 1, path.len), &offset)) {
        path.len = tab;
    }
    answer(self, path, offset);
}

/* ---- deciding ---- */

static bool has_room(const struct session *self) {
    return !self->closed && self->on_the_way < WINDOW &&
           weir_channel_is_writable(weir_ctx_channel(self->ctx));
}

/* Everything that changes what may be done ends here. */
static void go_on(struct session *self) {
    if (self->busy || self->closed) return;
    self->busy = true;
    while (self->mapped != NULL && has_room(self)) write_mapped_piece(self);
    self->busy = false;
    if (self->closed) return;
    if (self->over && self->mapped == NULL) {
        self->closed = true;
        weir_ctx_close(self->ctx, NULL); /* which sends what is queued */
    } else if (self->over || self->mapped != NULL || !has_room(self)) {
        weir_decoder_pause(self->lines);
    } else {
        weir_decoder_resume(self->lines);
    }
}

/* ---- events ---- */

static void session_added(weir_ctx *ctx) {
    struct session *self = weir_ctx_state(ctx);
    self->ctx = ctx;
    self->lines = weir_pipeline_find(weir_ctx_pipeline(ctx), &weir_line_decoder.handler);
}

static void session_removed(weir_ctx *ctx) {
    struct session *self = weir_ctx_state(ctx);
    weir_buf_release(self->mapped);
    weir_alloc_release(NULL, self);
}

static void session_read(weir_ctx *ctx, weir_obj *line) {
    struct session *self = weir_ctx_state(ctx);
    answer_line(self, weir_buf_from(line));
    weir_obj_release(line);
    go_on(self);
}

static void session_error(weir_ctx *ctx, const weir_error *error) {
    struct session *self = weir_ctx_state(ctx);
    if (error->status != WEIR_E_FRAME_TOO_LONG) {
        weir_ctx_fire_error(ctx, error);
        return;
    }
    atomic_fetch_add(&self->service->refused, 1);
    write_line(self, "ERR the line is longer than %d bytes\n", SESSION_LINE_MAX);
    self->over = true;
    go_on(self);
}

/* What was answered is sent, the rest is not begun. The peer's end comes when all is answered: the tail closes. */
static void session_event(weir_ctx *ctx, weir_obj *event) {
    struct session *self = weir_ctx_state(ctx);
    if (event != &weir_event_stopping.obj) {
        weir_ctx_fire_event(ctx, event);
        return;
    }
    self->over = true;
    go_on(self);
}

static void session_writable_changed(weir_ctx *ctx) {
    go_on(weir_ctx_state(ctx));
}

static void session_inactive(weir_ctx *ctx) {
    struct session *self = weir_ctx_state(ctx);
    struct service *service = self->service;
    weir_channel_stats stats;
    weir_channel_get_stats(weir_ctx_channel(ctx), &stats);
    atomic_fetch_add(&service->sendfile_bytes, stats.sendfile_bytes);
    atomic_fetch_add(&service->sendfile_calls, stats.sendfile_calls);
    atomic_fetch_add(&service->copied_bytes, stats.copied_bytes);
}

static const weir_handler session_handler = {
    .name = "file_session",
    .added = session_added,
    .removed = session_removed,
    .read = session_read,
    .event = session_event,
    .writable_changed = session_writable_changed,
    .error = session_error,
    .inactive = session_inactive,
};

weir_status session_build(weir_pipeline *pipeline, void *arg) {
    weir_status status = weir_line_decoder_add(
        pipeline, &(weir_line_options){.max_length = SESSION_LINE_MAX,
                                       .decoder = {.contiguous = true, .ignore_partial = true}});
    if (status != WEIR_OK) return status;
    struct session *self = weir_alloc_zeroed(NULL, 1, sizeof *self);
    if (self == NULL) return WEIR_E_NO_MEMORY;
    self->service = arg;
    status = weir_pipeline_add_last(pipeline, &session_handler, self);
    if (status != WEIR_OK) weir_alloc_release(NULL, self);
    return status;
}
