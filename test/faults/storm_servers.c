/* storm_servers.c - the far side of the sessions, which keeps its own account of what went wrong. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weir/testing.h>

#include "storm.h"

/* ---- in front of all: whether this connection was told of a failure ---- */

typedef struct account {
    storm *world;
    bool failed;
} account;

static void note_failure(weir_ctx *ctx, weir_status status) {
    account *self = weir_ctx_state(ctx);
    if (status == -EINTR || status == -EAGAIN)
        storm_fail(self->world, "a connection of the server failed with %s", weir_status_text(status));
    if (!self->failed) self->world->server_failures++;
    self->failed = true;
}

static void account_error(weir_ctx *ctx, const weir_error *error) {
    note_failure(ctx, error->status);
    weir_ctx_fire_error(ctx, error);
}

static void account_abort(weir_ctx *ctx, weir_status why) {
    note_failure(ctx, why);
    weir_ctx_abort(ctx, why);
}

static void account_removed(weir_ctx *ctx) {
    free(weir_ctx_state(ctx));
}

static const weir_handler accountant = {
    .name = "accountant", .removed = account_removed, .error = account_error, .abort = account_abort};

weir_status storm_account(weir_pipeline *pipeline, storm *world) {
    account *self = calloc(1, sizeof *self);
    require(self != NULL);
    self->world = world;
    return weir_pipeline_add_first(pipeline, &accountant, self);
}

static const weir_handler second_accountant = {.name = "second_accountant", .error = account_error};

weir_status storm_account_behind(weir_pipeline *pipeline) {
    const weir_ctx *first = weir_pipeline_find(pipeline, &accountant);
    require(first != NULL);
    return weir_pipeline_add_last(pipeline, &second_accountant, weir_ctx_state(first));
}

/* ---- echo ---- */

static void echo_read(weir_ctx *ctx, weir_obj *msg) {
    weir_ctx_write(ctx, msg, NULL);
}

static const weir_handler echo_handler = {.name = "echo", .read = echo_read};

weir_status storm_add_echo(weir_pipeline *pipeline, void *arg) {
    return weir_pipeline_add_last(pipeline, &echo_handler, arg);
}

weir_status storm_build_echo(weir_pipeline *pipeline, void *arg) {
    weir_status status = storm_account(pipeline, arg);
    return status != WEIR_OK ? status : storm_add_echo(pipeline, arg);
}

/* ---- pieces of the file ---- */

typedef struct asker {
    storm *world;
    uint8_t request[STORM_REQUEST];
    size_t got;
} asker;

/* One file in many forms. */
static weir_region *open_piece(storm *world, uint64_t offset, uint64_t length) {
    weir_region *whole;
    if (storm_below(world, 2) == 0) return weir_region_file(world->fd, false, offset, length);
    if (weir_region_open(&whole, world->path) != WEIR_OK) return NULL;
    weir_region *piece = weir_region_slice(whole, offset, length);
    weir_region_release(whole);
    return piece;
}

/* A few bytes of it in front as a buf, so that a header and a body leave together, and the rest in two regions. */
static void answer(weir_ctx *ctx, storm *world, uint64_t offset, uint64_t length) {
    size_t head = (size_t)storm_below(world, length < 100 ? length : 100);
    uint64_t middle = storm_below(world, length - head);
    weir_buf *buf = weir_ctx_get_buf(ctx, head + 1);
    require(buf != NULL);
    for (size_t i = 0; i < head; i++) weir_buf_write_u8(buf, storm_byte(0, offset + i));
    weir_region *one = open_piece(world, offset + head, middle);
    weir_region *two = open_piece(world, offset + head + middle, length - head - middle);
    if (one == NULL || two == NULL) {
        weir_buf_release(buf);
        weir_region_release(one);
        weir_region_release(two);
        weir_ctx_abort(ctx, WEIR_E_CANCELED);
        return;
    }
    weir_ctx_write(ctx, buf, NULL);
    weir_ctx_write(ctx, one, NULL);
    weir_ctx_write(ctx, two, NULL);
}

static void asker_read(weir_ctx *ctx, weir_obj *msg) {
    asker *self = weir_ctx_state(ctx);
    weir_bytes bytes = weir_buf_peek(weir_buf_from(msg));
    if (self->got + bytes.len > sizeof self->request) {
        storm_fail(self->world, "a request of more than %d bytes", STORM_REQUEST);
        weir_ctx_abort(ctx, WEIR_E_INVALID);
    } else {
        memcpy(self->request + self->got, bytes.ptr, bytes.len);
        self->got += bytes.len;
    }
    weir_obj_release(msg);
    if (self->got < sizeof self->request) return;
    uint64_t words[2];
    memcpy(words, self->request, sizeof words);
    if (words[0] + words[1] > STORM_FILE_SIZE || words[1] == 0) {
        storm_fail(self->world, "a request that nobody made");
        weir_ctx_abort(ctx, WEIR_E_INVALID);
        return;
    }
    answer(ctx, self->world, words[0], words[1]);
}

static void asker_removed(weir_ctx *ctx) {
    free(weir_ctx_state(ctx));
}

static const weir_handler asker_handler = {.name = "asker", .read = asker_read, .removed = asker_removed};

weir_status storm_add_file(weir_pipeline *pipeline, void *arg) {
    asker *self = calloc(1, sizeof *self);
    require(self != NULL);
    self->world = arg;
    return weir_pipeline_add_last(pipeline, &asker_handler, self);
}

weir_status storm_build_file(weir_pipeline *pipeline, void *arg) {
    weir_status status = storm_account(pipeline, arg);
    return status != WEIR_OK ? status : storm_add_file(pipeline, arg);
}

/* ---- a relay to the test's own server, or the echo server, which keeps floods out of user space ---- */

static weir_status build_target(weir_pipeline *pipeline, void *arg) {
    return storm_account(pipeline, arg);
}

weir_status storm_build_relay(weir_pipeline *pipeline, void *arg) {
    storm *world = arg;
    weir_channel *client = weir_pipeline_channel(pipeline);
    const weir_server *server = world->own != NULL ? world->own : world->echo;
    weir_status status = storm_account(pipeline, world);
    if (status != WEIR_OK) return status;
    weir_client_options to = {.loop = world->loop,
                              .host = "127.0.0.1",
                              .port = weir_addr_port(weir_server_addr(server)),
                              .build = build_target,
                              .build_arg = world,
                              .connect_timeout_ms = 20000,
                              .channel = {.read_by_splice = true, .read_while_unwritable = true}};
    weir_channel *target = weir_client_connect(&to, NULL);
    if (target == NULL) return WEIR_E_NO_MEMORY;
    status = weir_relay_pair(client, target);
    if (status != WEIR_OK) weir_channel_abort(target, status);
    weir_channel_release(target);
    return status;
}
