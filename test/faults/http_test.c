/* http_test.c - HTTP on connections that are kept, in a storm of failing calls.
 *
 *     GET /OFFSET/LENGTH  -->  200, that piece of the storm's file, from memory or from the file
 *
 * A response that came whole has the right status and the right bytes; one that did not is told as a failure.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/codec/http_client.h>
#include <weir/codec/http_server.h>
#include <weir/testing.h>

#include "storm.h"

enum {
    USUAL_FAULTS = 7000,
    MOST_REQUESTS = 6,
    MOST_LENGTH = 120000
};

/* ---- the server ---- */

static void give(weir_ctx *ctx, storm *world, uint64_t offset, uint64_t length) {
    void *body = NULL;
    if (storm_below(world, 2) == 0) {
        weir_buf *buf = weir_ctx_get_buf(ctx, length);
        for (uint64_t i = 0; i < length; i++) weir_buf_write_u8(buf, storm_byte(0, offset + i));
        body = buf;
    } else {
        body = weir_region_file(world->fd, false, offset, length);
    }
    weir_http_server_respond(ctx, weir_http_response_new(200), body, NULL);
}

static void on_request(weir_ctx *ctx, weir_obj *msg) {
    storm *world = weir_ctx_state(ctx);
    const weir_http_request *request = weir_http_request_from(msg);
    if (request != NULL) {
        char target[64];
        uint64_t offset = 0, length = 0;
        snprintf(target, sizeof target, "%.*s", (int)request->target.len, (const char *)request->target.ptr);
        bool good = sscanf(target, "/%" SCNu64 "/%" SCNu64, &offset, &length) == 2;
        if (!good || offset + length > STORM_FILE_SIZE) {
            storm_fail(world, "a request that nobody made: %s", target);
            weir_http_server_respond_text(ctx, 400, NULL);
        } else {
            give(ctx, world, offset, length);
        }
    }
    weir_obj_release(msg);
}

static const weir_handler site = {.name = "site", .read = on_request};

static weir_status build_site(weir_pipeline *pipeline, void *arg) {
    weir_status status = storm_account(pipeline, arg);
    if (status == WEIR_OK) status = weir_http_server_add(pipeline, NULL);
    return status == WEIR_OK ? weir_pipeline_add_last(pipeline, &site, arg) : status;
}

/* ---- the client ---- */

typedef struct wish {
    uint64_t offset, length;
} wish;

typedef struct visitor {
    storm *world;
    weir_channel *channel;
    wish wishes[MOST_REQUESTS];
    unsigned count, asked, answered;
    uint64_t got; /* of the body of the one that is being answered */
    bool in_response, connect_told, built, removed;
    weir_status failure;
} visitor;

static void end_if_over(visitor *self) {
    if (!self->connect_told || (self->built && !self->removed)) return;
    storm *world = self->world;
    weir_status failure = self->failure;
    bool whole = self->answered == self->count;
    if (failure == WEIR_OK && !whole)
        storm_fail(world, "http: %u of %u answers, and nobody was told why", self->answered, self->count);
    weir_channel_release(self->channel);
    free(self);
    storm_over(world, "http", failure, whole);
}

static void ask(visitor *self, weir_ctx *ctx) {
    unsigned most = 1 + (unsigned)storm_below(self->world, 3);
    while (self->asked < self->count && self->asked < self->answered + most) {
        char target[64];
        wish *next = &self->wishes[self->asked++];
        next->length = storm_below(self->world, storm_below(self->world, 2) == 0 ? 2000 : MOST_LENGTH);
        next->offset = storm_below(self->world, STORM_FILE_SIZE - next->length);
        snprintf(target, sizeof target, "/%" PRIu64 "/%" PRIu64, next->offset, next->length);
        weir_http_client_request(ctx, weir_http_request_new("GET", weir_bytes_str(target)), NULL, NULL);
    }
}

static void take_bytes(visitor *self, weir_bytes bytes) {
    const wish *wished = &self->wishes[self->answered];
    for (size_t i = 0; i < bytes.len; i++, self->got++) {
        if (self->got < wished->length && bytes.ptr[i] == storm_byte(0, wished->offset + self->got)) continue;
        storm_fail(self->world, "http: byte %" PRIu64 " of %" PRIu64 " is wrong", self->got, wished->length);
        return;
    }
}

/* It may be a composite, which shows one part at a time. */
static void take_body(visitor *self, weir_buf *buf) {
    while (weir_buf_is_readable(buf)) {
        weir_bytes part = weir_buf_peek(buf);
        take_bytes(self, part);
        weir_buf_skip(buf, part.len);
    }
}

static void take_end(visitor *self, weir_ctx *ctx) {
    if (self->got != self->wishes[self->answered].length)
        storm_fail(self->world, "http: a body of %" PRIu64 " bytes, %" PRIu64 " were asked for", self->got,
                   self->wishes[self->answered].length);
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
            storm_fail(self->world, "http: %u where no such answer was due", response->status);
        self->in_response = true;
        self->got = 0;
    } else if (self->answered >= self->asked) {
        storm_fail(self->world, "http: bytes where no answer was due");
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
    weir_status status = weir_http_client_add(pipeline, &(weir_http_client_options){.host = "storm"});
    return status == WEIR_OK ? weir_pipeline_add_last(pipeline, &visitor_handler, arg) : status;
}

static void connect_told(void *arg, weir_status status) {
    visitor *self = arg;
    self->connect_told = true;
    if (self->failure == WEIR_OK) self->failure = status;
    end_if_over(self);
}

static void begin_visit(storm *world) {
    visitor *self = calloc(1, sizeof *self);
    weir_promise *promise = weir_promise_new(world->loop);
    require(self != NULL && promise != NULL);
    self->world = world;
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

WEIR_TEST(http, an_answer_comes_whole_or_its_failure_is_told) {
    storm it = {.begin_one = begin_visit, .build_own = build_site};
    storm_run(&it, fault_goal(USUAL_FAULTS));
}
