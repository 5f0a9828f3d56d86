/* visitor_site.c - the site that visitors ask; see visitor.h. */
#include "visitor.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <weir/codec/http_server.h>
#include <weir/testing.h>

/* The request under way. */
typedef struct site {
    storm *world;
    uint64_t offset, length;
    uint64_t came; /* of the body */
    bool posts;
} site;

/* ---- answering ---- */

static void *piece_of_file(weir_ctx *ctx, const site *self) {
    if (storm_below(self->world, 2) == 0)
        return weir_region_file(self->world->fd, false, self->offset, self->length);
    weir_buf *buf = weir_ctx_get_buf(ctx, self->length);
    for (uint64_t i = 0; i < self->length; i++) weir_buf_write_u8(buf, storm_byte(0, self->offset + i));
    return buf;
}

static void answer(weir_ctx *ctx, const site *self) {
    weir_http_response *response = weir_http_response_new(200);
    require(response != NULL);
    weir_http_fields_add(&response->head.fields, WEIR_HTTP_CONTENT_TYPE, weir_bytes_str("text/plain"));
    weir_http_server_respond(ctx, response, piece_of_file(ctx, self), NULL);
}

/* ---- asking ---- */

static void begin_request(site *self, const weir_http_request *request) {
    char target[64];
    snprintf(target, sizeof target, "%.*s", (int)request->target.len, (const char *)request->target.ptr);
    bool good = sscanf(target, "/%" SCNu64 "/%" SCNu64, &self->offset, &self->length) == 2;
    if (!good || self->offset + self->length > STORM_FILE_SIZE)
        storm_fail(self->world, "a request that nobody made: %s", target);
    self->posts = weir_bytes_equal(request->method_text, weir_bytes_str("POST"));
    self->came = 0;
}

static void take_body(site *self, weir_buf *buf) {
    if (!storm_takes(buf, 0, self->offset, self->length, &self->came))
        storm_fail(self->world, "byte %" PRIu64 " of a request's %" PRIu64 " is wrong", self->came,
                   self->length);
}

static void end_request(weir_ctx *ctx, const site *self) {
    if (self->came != (self->posts ? self->length : 0))
        storm_fail(self->world, "a request ended with %" PRIu64 " bytes of %" PRIu64, self->came,
                   self->length);
    answer(ctx, self);
}

static void site_read(weir_ctx *ctx, weir_obj *msg) {
    site *self = weir_ctx_state(ctx);
    const weir_http_request *request = weir_http_request_from(msg);
    weir_buf *buf = weir_buf_from(msg);
    if (request != NULL) {
        begin_request(self, request);
    } else if (buf != NULL) {
        take_body(self, buf);
    } else {
        end_request(ctx, self);
    }
    weir_obj_release(msg);
}

static void site_removed(weir_ctx *ctx) {
    free(weir_ctx_state(ctx));
}

static const weir_handler site_handler = {.name = "site", .read = site_read, .removed = site_removed};

weir_status visitor_site_add(weir_pipeline *pipeline, storm *world) {
    site *self = calloc(1, sizeof *self);
    require(self != NULL);
    self->world = world;
    return weir_pipeline_add_last(pipeline, &site_handler, self);
}
