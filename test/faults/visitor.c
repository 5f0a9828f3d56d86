/* visitor.c - the client; see visitor.h. */
#include "visitor.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <weir/codec/http_client.h>
#include <weir/testing.h>

enum {
    MOST_REQUESTS = 6,
    MOST_LENGTH = 120000
};

typedef struct visitor {
    storm *world;
    const visitor_kind *kind;
    weir_channel *channel;
    visitor_wish wishes[MOST_REQUESTS];
    unsigned count, asked, answered;
    uint64_t got; /* of the body of the one that is being answered */
    bool in_response, connect_told, built, removed;
    weir_status failure;
} visitor;

static void end_if_over(visitor *self) {
    if (!self->connect_told || (self->built && !self->removed)) return;
    storm *world = self->world;
    const char *name = self->kind->name;
    weir_status failure = self->failure;
    bool whole = self->answered == self->count;
    if (failure == WEIR_OK && !whole)
        storm_fail(world, "%s: %u of %u answers, and nobody was told why", name, self->answered, self->count);
    weir_channel_release(self->channel);
    free(self);
    storm_over(world, name, failure, whole);
}

static void ask_for(visitor *self, weir_ctx *ctx, const visitor_wish *wished) {
    char target[64];
    weir_buf *body = NULL;
    bool posts = self->kind->dress != NULL && storm_below(self->world, 2) == 0;
    snprintf(target, sizeof target, "/%" PRIu64 "/%" PRIu64, wished->offset, wished->length);
    weir_http_request *request = weir_http_request_new(posts ? "POST" : "GET", weir_bytes_str(target));
    if (self->kind->dress != NULL) body = self->kind->dress(self->world, request, wished, posts);
    weir_http_client_request(ctx, request, body, NULL);
}

static void ask(visitor *self, weir_ctx *ctx) {
    unsigned most = 1 + (unsigned)storm_below(self->world, 3);
    while (self->asked < self->count && self->asked < self->answered + most) {
        visitor_wish *next = &self->wishes[self->asked++];
        next->length = storm_below(self->world, storm_below(self->world, 2) == 0 ? 2000 : MOST_LENGTH);
        next->offset = storm_below(self->world, STORM_FILE_SIZE - next->length);
        ask_for(self, ctx, next);
    }
}

static void take_body(visitor *self, weir_buf *buf) {
    const visitor_wish *wished = &self->wishes[self->answered];
    if (!storm_takes(buf, 0, wished->offset, wished->length, &self->got))
        storm_fail(self->world, "%s: byte %" PRIu64 " of %" PRIu64 " is wrong", self->kind->name, self->got,
                   wished->length);
}

static void take_end(visitor *self, weir_ctx *ctx) {
    if (self->got != self->wishes[self->answered].length)
        storm_fail(self->world, "%s: a body of %" PRIu64 " bytes, %" PRIu64 " were asked for",
                   self->kind->name, self->got, self->wishes[self->answered].length);
    self->answered++;
    self->in_response = false;
    if (self->answered == self->count) {
        weir_ctx_close(ctx, NULL);
    } else {
        ask(self, ctx);
    }
}

static void on_answer(weir_ctx *ctx, weir_obj *msg) {
    visitor *self = weir_ctx_state(ctx);
    const weir_http_response *response = weir_http_response_from(msg);
    weir_buf *buf = weir_buf_from(msg);
    if (self->failure == WEIR_OK && response != NULL && (response->status == 408 || response->status == 503))
        self->failure = WEIR_E_TIMEOUT; /* the server has given up on this one, and says so */
    if (self->failure != WEIR_OK) {
        weir_obj_release(msg);
        return;
    }
    if (response != NULL) {
        if (self->in_response || self->answered >= self->asked || response->status != 200)
            storm_fail(self->world, "%s: %u where no such answer was due", self->kind->name,
                       response->status);
        self->in_response = true;
        self->got = 0;
    } else if (self->answered >= self->asked) {
        storm_fail(self->world, "%s: bytes where no answer was due", self->kind->name);
    } else if (buf != NULL) {
        take_body(self, buf);
    } else {
        take_end(self, ctx);
    }
    weir_obj_release(msg);
}

static void on_active(weir_ctx *ctx) {
    ask(weir_ctx_state(ctx), ctx);
}

static void on_error(weir_ctx *ctx, const weir_error *error) {
    visitor *self = weir_ctx_state(ctx);
    if (self->failure == WEIR_OK) self->failure = error->status;
    weir_ctx_fire_error(ctx, error);
}

static void on_added(weir_ctx *ctx) {
    ((visitor *)weir_ctx_state(ctx))->built = true;
}

static void on_removed(weir_ctx *ctx) {
    visitor *self = weir_ctx_state(ctx);
    self->removed = true;
    end_if_over(self);
}

static const weir_handler visitor_handler = {.name = "visitor",
                                             .added = on_added,
                                             .removed = on_removed,
                                             .active = on_active,
                                             .read = on_answer,
                                             .error = on_error};

static weir_status build_visitor(weir_pipeline *pipeline, void *arg) {
    const visitor *self = arg;
    weir_build_fn *front = self->kind->build_front, *behind = self->kind->build_behind;
    weir_status status = front != NULL ? front(pipeline, self->world) : WEIR_OK;
    if (status == WEIR_OK)
        status = weir_http_client_add(pipeline, &(weir_http_client_options){.host = "storm"});
    if (status == WEIR_OK && behind != NULL) status = behind(pipeline, self->world);
    return status == WEIR_OK ? weir_pipeline_add_last(pipeline, &visitor_handler, arg) : status;
}

static void connect_told(void *arg, weir_status status) {
    visitor *self = arg;
    self->connect_told = true;
    if (self->failure == WEIR_OK) self->failure = status;
    end_if_over(self);
}

void visitor_begin(storm *world, const visitor_kind *kind) {
    visitor *self = calloc(1, sizeof *self);
    weir_promise *promise = weir_promise_new(world->loop);
    require(self != NULL && promise != NULL);
    self->world = world;
    self->kind = kind;
    self->count = 1 + (unsigned)storm_below(world, MOST_REQUESTS);
    require(weir_promise_listen(promise, connect_told, self) == WEIR_OK);
    storm_begun(world);
    weir_client_options options = storm_client(world, NULL);
    options.port = weir_addr_port(weir_server_addr(world->own));
    options.build = build_visitor;
    options.build_arg = self;
    self->channel = weir_client_connect(&options, promise);
    require(self->channel != NULL);
}
