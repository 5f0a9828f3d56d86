/* session.c - one client: what it sends, and whether what comes back is right. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <weir/testing.h>

#include "storm.h"

enum {
    MOST_IN_FLIGHT = 8,
    MOST_CHUNK = 40000
};

struct session {
    storm *world;
    const session_kind *kind;
    weir_channel *channel; /* held, NULL when there never was one */
    weir_ctx *ctx;         /* while in a pipeline */
    uint64_t key, offset;  /* of the piece of the file */
    size_t to_send, sent, want;
    uint64_t got;
    size_t stop_at; /* aborts when so much came; SIZE_MAX: never */
    unsigned in_flight, next_seq, told_seq;
    bool is_writing, half_closes, shut, connect_told, stopped, ended_early;
    unsigned built, active, inactive, removed;
    weir_status write_failure, failure; /* the first of each */
};

/* ---- the end ---- */

static void note_failure(session *self, weir_status status) {
    if (self->failure == WEIR_OK) self->failure = status;
    if (status == -EAGAIN && self->active > 0)
        storm_fail(self->world, "%s: a session failed with EAGAIN", self->kind->name);
}

static bool is_whole(const session *self) {
    return self->got == self->want && self->sent == self->to_send;
}

static void judge(const session *self) {
    const char *name = self->kind->name;
    if (self->built > 0 && self->removed != 1)
        storm_fail(self->world, "%s: removed %u times", name, self->removed);
    if (self->inactive != self->active) storm_fail(self->world, "%s: active but not inactive", name);
    if (self->failure == WEIR_OK && !self->stopped && !self->ended_early && !is_whole(self))
        storm_fail(self->world, "%s: %" PRIu64 " of %zu bytes, %zu of %zu sent, and nobody was told why",
                   name, self->got, self->want, self->sent, self->to_send);
}

/* Once everything it was promised has been told and its pipeline is gone. */
static void end_if_over(session *self) {
    if (!self->connect_told || self->in_flight > 0 || self->removed < self->built) return;
    storm *world = self->world;
    weir_status failure = self->stopped ? WEIR_E_CANCELED : self->failure;
    bool whole = is_whole(self);
    const char *name = self->kind->name;
    judge(self);
    weir_channel_release(self->channel);
    free(self);
    storm_over(world, name, failure, whole);
}

/* ---- writing ---- */

typedef struct written {
    session *session;
    unsigned seq;
} written;

static void feed(session *self);

/* In the order of the writes; but what comes too late, behind a close, is refused at once. */
static void check_order(session *self, const written *one, weir_status status) {
    if (self->is_writing && status == WEIR_E_CLOSED) {
        self->next_seq--;
        return;
    }
    if (one->seq != self->told_seq)
        storm_fail(self->world, "%s: promise %u told, %u is next", self->kind->name, one->seq,
                   self->told_seq);
    self->told_seq++;
    if (status == WEIR_OK && self->write_failure != WEIR_OK)
        storm_fail(self->world, "%s: a write succeeded behind one that failed", self->kind->name);
    if (self->write_failure == WEIR_OK) self->write_failure = status;
}

static void write_told(void *arg, weir_status status) {
    written *one = arg;
    session *self = one->session;
    check_order(self, one, status);
    free(one);
    if (status != WEIR_OK) {
        if (!self->stopped) note_failure(self, status);
    } else {
        feed(self);
    }
    self->in_flight--;
    end_if_over(self);
}

static weir_promise *promised(session *self) {
    written *one = calloc(1, sizeof *one);
    weir_promise *promise = weir_promise_new(self->world->loop);
    require(one != NULL && promise != NULL);
    *one = (written){.session = self, .seq = self->next_seq++};
    require(weir_promise_listen(promise, write_told, one) == WEIR_OK);
    self->in_flight++;
    return promise;
}

static void fill(const session *self, uint8_t *to, size_t n) {
    if (self->kind->asks_for_file) {
        uint64_t words[2] = {self->offset, self->want};
        memcpy(to, (const uint8_t *)words + self->sent, n);
        return;
    }
    for (size_t i = 0; i < n; i++) to[i] = storm_byte(self->key, self->sent + i);
}

static void write_chunk(session *self) {
    size_t left = self->to_send - self->sent;
    size_t n = 1 + (size_t)storm_below(self->world, storm_below(self->world, 2) == 0 ? 64 : MOST_CHUNK);
    if (n > left) n = left;
    weir_buf *buf = weir_ctx_get_buf(self->ctx, n);
    require(buf != NULL);
    fill(self, buf->wp, n);
    weir_buf_commit(buf, n);
    self->sent += n;
    bool as_region = storm_below(self->world, 8) == 0 && !self->kind->only_bufs;
    weir_promise *promise = promised(self);
    self->is_writing = true;
    weir_ctx_write(self->ctx, as_region ? (void *)weir_region_buf(buf) : (void *)buf, promise);
    self->is_writing = false;
}

static void feed(session *self) {
    while (self->ctx != NULL && !self->stopped && self->sent < self->to_send &&
           self->in_flight < MOST_IN_FLIGHT) {
        write_chunk(self);
        if (storm_below(self->world, 3) == 0) return;
    }
    if (self->ctx == NULL || self->sent < self->to_send || !self->half_closes || self->shut) return;
    self->shut = true;
    weir_ctx_shutdown(self->ctx, NULL);
}

/* ---- the handler ---- */

static void on_added(weir_ctx *ctx) {
    session *self = weir_ctx_state(ctx);
    self->ctx = ctx;
    self->built++;
}

static void on_removed(weir_ctx *ctx) {
    session *self = weir_ctx_state(ctx);
    self->ctx = NULL;
    self->removed++;
    end_if_over(self);
}

static void on_active(weir_ctx *ctx) {
    session *self = weir_ctx_state(ctx);
    if (self->active++ > 0 || self->removed > 0)
        storm_fail(self->world, "%s: active again", self->kind->name);
    feed(self);
}

static void on_inactive(weir_ctx *ctx) {
    session *self = weir_ctx_state(ctx);
    if (self->inactive++ > 0 || self->active == 0)
        storm_fail(self->world, "%s: inactive out of order", self->kind->name);
    if (!is_whole(self) && self->failure == WEIR_OK && !self->stopped) self->ended_early = true;
}

static void on_read(weir_ctx *ctx, weir_obj *msg) {
    session *self = weir_ctx_state(ctx);
    bool of_file = self->kind->asks_for_file;
    if (!storm_takes(weir_buf_from(msg), of_file ? 0 : self->key, of_file ? self->offset : 0, self->want,
                     &self->got))
        storm_fail(self->world, "%s: byte %" PRIu64 " of %zu is wrong", self->kind->name, self->got,
                   self->want);
    weir_obj_release(msg);
    if (self->got >= self->stop_at && !self->stopped) {
        self->stopped = true;
        weir_ctx_abort(ctx, WEIR_E_CANCELED);
    } else if (self->got == self->want && self->sent == self->to_send) {
        weir_ctx_close(ctx, NULL);
    } else {
        feed(self);
    }
}

static void on_error(weir_ctx *ctx, const weir_error *error) {
    session *self = weir_ctx_state(ctx);
    if (!self->stopped) note_failure(self, error->status);
    weir_ctx_fire_error(ctx, error);
}

static const weir_handler session_handler = {.name = "session",
                                             .added = on_added,
                                             .removed = on_removed,
                                             .active = on_active,
                                             .inactive = on_inactive,
                                             .read = on_read,
                                             .error = on_error};

weir_status session_build(weir_pipeline *pipeline, void *arg) {
    return weir_pipeline_add_last(pipeline, &session_handler, arg);
}

void session_ended_early(session *self) {
    self->ended_early = true;
}

storm *session_storm(const session *self) {
    return self->world;
}

/* ---- beginning ---- */

static void connect_told(void *arg, weir_status status) {
    session *self = arg;
    if (self->connect_told || self->active > 0)
        storm_fail(self->world, "%s: the promise of connecting came again or late", self->kind->name);
    self->connect_told = true;
    if (status != WEIR_OK) note_failure(self, status);
    end_if_over(self);
}

static void plan(session *self) {
    storm *world = self->world;
    self->key = storm_below(world, UINT64_MAX);
    self->want = 1 + (size_t)storm_below(world, storm_below(world, 2) == 0 ? 3000 : self->kind->most);
    self->to_send = self->kind->asks_for_file ? STORM_REQUEST : self->want;
    self->offset = storm_below(world, STORM_FILE_SIZE - self->want);
    self->stop_at =
        !world->clean && storm_below(world, 10) == 0 ? (size_t)storm_below(world, self->want) + 1 : SIZE_MAX;
    self->half_closes = !self->kind->asks_for_file && storm_below(world, 4) == 0;
}

void session_begin(storm *world) {
    session *self = calloc(1, sizeof *self);
    weir_promise *promise = weir_promise_new(world->loop);
    require(self != NULL && promise != NULL);
    self->world = world;
    self->kind = &world->kinds[storm_below(world, world->kind_count)];
    plan(self);
    require(weir_promise_listen(promise, connect_told, self) == WEIR_OK);
    storm_begun(world);
    weir_promise_retain(promise);
    weir_channel *channel = self->kind->connect(world, self, promise);
    if (!weir_promise_is_done(promise)) self->channel = channel;
    weir_promise_release(promise);
}
