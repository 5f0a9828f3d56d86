/* life_model.c - see life_model.h. */
#include "life_model.h"

#include <stdlib.h>
#include <string.h>

#include <weir/testing.h>

#include "channel/channel_internal.h"

#define LIFE_PATH_NAME(name) #name,
const char *const life_path_names[LIFE_PATH_COUNT] = {LIFE_PATHS(LIFE_PATH_NAME)};

struct life_note {
    weir_list link;
    life_model *model;
    weir_promise *promise; /* to be found by; not held */
    promise_kind kind;
    bool arrived; /* it is in `written`, or was seen by the watcher */
    void (*then)(void);
};

static void took(life_model *self, life_path path) {
    self->paths[path]++;
}

uint8_t life_byte(uint64_t at) {
    return (uint8_t)(at * 37 + at / 251);
}

/* ---- promises ---- */

/* All that was queued when it ended fails with one cause. */
static void check_cause(life_model *self, weir_status status) {
    if (self->was_told) require(self->told == status);
    self->was_told = true;
    self->told = status;
    if (self->cause_known) require(status == self->cause);
}

static void write_failed(life_model *self, life_note *note, bool first, bool last, weir_status status) {
    switch (status) {
    case WEIR_E_BACKPRESSURE: took(self, LIFE_WRITE_OVER_CAP); break;
    case WEIR_E_FULL: took(self, LIFE_WRITE_OF_FAILED_BUF); break;
    case WEIR_E_NO_MEMORY: took(self, LIFE_WRITE_OF_NOTHING); break;
    case WEIR_E_CLOSED:
        took(self, self->inactive && !self->removed ? LIFE_WRITE_IN_CALLBACK_OF_END : LIFE_WRITE_AFTER_END);
        break;
    default:
        require(note->arrived && first && !self->inactive);
        took(self, LIFE_WRITE_FAILED_WITH_CAUSE);
        self->left_unsent = true;
        check_cause(self, status);
        return;
    }
    if (note->arrived) require(first || last); /* refused in its own call, or queued when all ended */
}

static void write_done(life_model *self, life_note *note, weir_status status) {
    bool first = self->written.next == &note->link, last = self->written.prev == &note->link;
    if (status != WEIR_OK) {
        write_failed(self, note, first, last, status);
        return;
    }
    require(note->arrived && first && !self->inactive); /* sent in the order of the writes */
    took(self, self->closed_told ? LIFE_WRITE_SENT_AFTER_PEER_CLOSED : LIFE_WRITE_SENT);
}

static void close_done(life_model *self, weir_status status) {
    require(self->removed || status == WEIR_E_NO_MEMORY);
    if (self->closes_told++ > 0) took(self, LIFE_CLOSE_TOLD_AGAIN);
    took(self, LIFE_CLOSE_TOLD);
    if (self->cause_known) require(status == self->cause);
    if (self->was_told) require(status == self->told);
}

static void promise_done(void *arg, weir_status status) {
    life_note *note = arg;
    life_model *self = note->model;
    void (*then)(void) = note->then;
    switch (note->kind) {
    case PROMISE_WRITE: write_done(self, note, status); break;
    case PROMISE_SHUTDOWN:
        require(!self->inactive || status == WEIR_E_CLOSED);
        took(self, status == WEIR_OK ? LIFE_SHUTDOWN_DONE : LIFE_SHUTDOWN_FAILED);
        break;
    case PROMISE_CLOSE: close_done(self, status); break;
    }
    weir_list_remove(&note->link);
    free(note);
    self->promises--;
    then();
}

weir_promise *life_model_promise(life_model *self, weir_loop *loop, promise_kind kind, void (*then)(void)) {
    weir_promise *promise = weir_promise_new(loop);
    life_note *note = calloc(1, sizeof *note);
    require(promise != NULL && note != NULL);
    *note = (life_note){.model = self, .promise = promise, .kind = kind, .then = then};
    weir_list_push_back(&self->elsewhere, &note->link);
    weir_promise_listen(promise, promise_done, note);
    self->promises++;
    if (kind == PROMISE_CLOSE && self->removed) took(self, LIFE_CLOSE_AFTER_END);
    return promise;
}

static life_note *note_of(life_model *self, weir_promise *promise) {
    for (weir_list *link = self->elsewhere.next; link != &self->elsewhere; link = link->next) {
        life_note *note = WEIR_CONTAINER(link, life_note, link);
        if (note->promise == promise) return note;
    }
    return NULL;
}

static bool is_write_waiting(const life_model *self) {
    return self->written.next != &self->written;
}

/* ---- the watcher: what comes from the wire ---- */

static life_model *alive(weir_ctx *ctx) {
    life_model *self = weir_ctx_state(ctx);
    require(self->active && !self->inactive && !self->removed);
    return self;
}

static void on_active(weir_ctx *ctx) {
    life_model *self = weir_ctx_state(ctx);
    require(!self->active && !self->removed);
    self->active = true;
    weir_ctx_fire_active(ctx);
}

static void on_read(weir_ctx *ctx, weir_obj *msg) {
    life_model *self = alive(ctx);
    weir_bytes bytes = weir_buf_peek(weir_buf_from(msg));
    require(!self->closed_told);
    for (size_t i = 0; i < bytes.len; i++) require(bytes.ptr[i] == life_byte(self->read + i));
    self->read += bytes.len;
    require(self->read <= self->fed);
    self->read_since_complete = true;
    weir_ctx_fire_read(ctx, msg);
}

static void on_read_complete(weir_ctx *ctx) {
    life_model *self = weir_ctx_state(ctx);
    require(self->active && !self->inactive && self->read_since_complete);
    self->read_since_complete = false;
    weir_ctx_fire_read_complete(ctx);
}

static void on_event(weir_ctx *ctx, weir_obj *event) {
    life_model *self = weir_ctx_state(ctx);
    require(!self->removed);
    if (event == &weir_event_peer_ending.obj) {
        alive(ctx);
        require(!self->ending_told && !self->closed_told);
        self->ending_told = true;
        took(self, LIFE_PEER_ENDING);
    } else if (event == &weir_event_peer_closed.obj) {
        alive(ctx);
        require(!self->closed_told && self->read == self->fed); /* all that came before it was read */
        self->closed_told = true;
        took(self, self->ending_told ? LIFE_PEER_CLOSED_AFTER_ENDING : LIFE_PEER_CLOSED);
    }
    weir_ctx_fire_event(ctx, event);
}

static void on_writable_changed(weir_ctx *ctx) {
    took(alive(ctx), LIFE_WRITABLE_CHANGED);
    weir_ctx_fire_writable_changed(ctx);
}

/* From the wire comes one, when it broke; the others are writes nobody listened to. */
static void on_error(weir_ctx *ctx, const weir_error *error) {
    life_model *self = weir_ctx_state(ctx);
    require(!self->inactive && !self->removed);
    if (strcmp(error->what, "wire") == 0) {
        require(self->broken && self->errors++ == 0);
        require(error->status == self->cause);
    } else {
        took(self, LIFE_ERROR_FROM_WRITE);
    }
    weir_ctx_fire_error(ctx, error);
}

static void on_inactive(weir_ctx *ctx) {
    life_model *self = alive(ctx);
    require(!is_write_waiting(self)); /* each was told before */
    self->inactive = true;
    weir_ctx_fire_inactive(ctx);
}

static void on_removed(weir_ctx *ctx) {
    life_model *self = weir_ctx_state(ctx);
    weir_pipeline *pipeline = weir_ctx_pipeline(ctx);
    require(!self->removed && self->active == self->inactive);
    require(pipeline_is_empty(pipeline)); /* from tail to head: it is the last */
    require(!is_write_waiting(self));
    self->removed = true;
}

/* ---- the watcher: what goes to the wire ---- */

static void on_write(weir_ctx *ctx, weir_obj *msg, weir_promise *promise) {
    life_model *self = weir_ctx_state(ctx);
    life_note *note = promise != NULL ? note_of(self, promise) : NULL;
    if (note != NULL) {
        note->arrived = true;
        weir_list_remove(&note->link);
        weir_list_push_back(&self->written, &note->link);
    }
    weir_ctx_write(ctx, msg, promise);
}

static void on_shutdown(weir_ctx *ctx, weir_promise *promise) {
    ((life_model *)weir_ctx_state(ctx))->shut = true;
    weir_ctx_shutdown(ctx, promise);
}

static void on_close(weir_ctx *ctx, weir_promise *promise) {
    ((life_model *)weir_ctx_state(ctx))->close_asked = true;
    weir_ctx_close(ctx, promise);
}

/* Only the first one counts. */
static void note_cause(life_model *self, weir_status why, bool *how) {
    if (!channel_is_open(self->channel)) return;
    require(!self->cause_known);
    *how = true;
    self->cause_known = true;
    self->cause = why;
}

static void on_abort(weir_ctx *ctx, weir_status why) {
    life_model *self = weir_ctx_state(ctx);
    note_cause(self, why, &self->aborted);
    weir_ctx_abort(ctx, why);
}

static const weir_handler watcher = {
    .name = "watcher",
    .removed = on_removed,
    .active = on_active,
    .read = on_read,
    .read_complete = on_read_complete,
    .event = on_event,
    .writable_changed = on_writable_changed,
    .error = on_error,
    .inactive = on_inactive,
    .write = on_write,
    .shutdown = on_shutdown,
    .close = on_close,
    .abort = on_abort,
};

/* ---- for the test ---- */

void life_model_begin(life_model *self, uint64_t *paths) {
    *self = (life_model){0};
    self->paths = paths;
    weir_list_init(&self->written);
    weir_list_init(&self->elsewhere);
}

weir_status life_model_watch(life_model *self, weir_pipeline *pipeline) {
    self->channel = weir_pipeline_channel(pipeline);
    return weir_pipeline_add_first(pipeline, &watcher, self);
}

void life_model_break(life_model *self, weir_status why) {
    note_cause(self, why, &self->broken);
}

void life_model_build_failed(life_model *self) {
    require(!self->active);
    took(self, LIFE_BUILD_FAILED);
}

static life_path how_it_ended(const life_model *self, weir_status cause) {
    if (!self->active) return LIFE_END_BEFORE_ACTIVE;
    if (self->aborted) return LIFE_END_BY_ABORT;
    if (self->broken) return LIFE_END_BY_BROKEN_WIRE;
    if (cause == WEIR_E_TIMEOUT && self->close_asked) return LIFE_END_BY_CLOSE_TIMEOUT;
    require(cause == WEIR_OK);
    if (self->close_asked) return LIFE_END_BY_CLOSE;
    require(self->shut && self->closed_told);
    return LIFE_END_BY_BOTH_DIRECTIONS;
}

void life_model_end(life_model *self) {
    weir_status cause = self->channel->cause;
    require(self->removed && self->promises == 0);
    require(!is_write_waiting(self) && weir_list_is_empty(&self->elsewhere));
    if (self->cause_known) require(cause == self->cause);
    if (self->was_told) require(cause == self->told);
    if (self->broken && self->active) require(self->errors == 1);
    took(self, how_it_ended(self, cause));
    if (self->read < self->fed) took(self, LIFE_END_WITH_UNREAD);
    if (self->left_unsent) took(self, LIFE_END_WITH_UNSENT);
}
