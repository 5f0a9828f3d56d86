/* upload_test.c - files that are put on a server in a storm of failing calls, a full disk among them: what was answered
 * with 201 is there whole, what was not is there whole or not at all, and nothing half done stays in the folder.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <weir/codec/http_client.h>
#include <weir/codec/http_files.h>
#include <weir/codec/http_server.h>
#include <weir/testing.h>

#include "storm.h"

enum {
    USUAL_FAULTS = 4000,
    MOST_LENGTH = 150000
};

static char folder[] = "/tmp/weir-uploads-XXXXXX";
static weir_http_files *files;

static weir_status build_site(weir_pipeline *pipeline, void *arg) {
    weir_status status = storm_account(pipeline, arg);
    if (status == WEIR_OK) status = weir_http_server_add(pipeline, NULL);
    return status == WEIR_OK ? weir_http_files_add(pipeline, files) : status;
}

/* ---- a session: one file ---- */

typedef struct upload {
    storm *world;
    weir_channel *channel;
    unsigned number;
    size_t length;
    unsigned status; /* of the answer; 0: none came */
    bool ended, connect_told, built, removed;
    weir_status failure;
} upload;

static void path_of(const upload *self, char path[80]) {
    snprintf(path, 80, "%s/u%u", folder, self->number);
}

/* 0 when there is none. Else it must be all of it. */
static size_t length_there(upload *self) {
    static uint8_t bytes[MOST_LENGTH + 1];
    char path[80];
    path_of(self, path);
    FILE *file = fopen(path, "rb");
    if (file == NULL) return 0;
    size_t n = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    unlink(path);
    for (size_t i = 0; i < n; i++) {
        if (bytes[i] == storm_byte(self->number, i)) continue;
        storm_fail(self->world, "upload: byte %zu of %zu is wrong", i, n);
        break;
    }
    if (n != self->length)
        storm_fail(self->world, "upload: a file of %zu bytes, %zu were put", n, self->length);
    return n;
}

static void end_if_over(upload *self) {
    if (!self->connect_told || (self->built && !self->removed)) return;
    storm *world = self->world;
    bool is_there = length_there(self) > 0;
    bool good = self->ended && self->status == 201;
    weir_status failure = self->failure;
    if (good && !is_there) storm_fail(world, "upload: 201, and there is no file");
    if (failure == WEIR_OK && !self->ended) storm_fail(world, "upload: no answer, and nobody was told why");
    if (failure == WEIR_OK && !good) failure = WEIR_E_CANCELED; /* the server said that it failed */
    weir_channel_release(self->channel);
    free(self);
    storm_over(world, "upload", failure, good);
}

static void on_active(weir_ctx *ctx) {
    upload *self = weir_ctx_state(ctx);
    char target[32];
    snprintf(target, sizeof target, "/u%u", self->number);
    weir_buf *body = weir_ctx_get_buf(ctx, self->length);
    for (size_t i = 0; i < self->length; i++) weir_buf_write_u8(body, storm_byte(self->number, i));
    weir_http_client_request(ctx, weir_http_request_new("PUT", weir_bytes_str(target)), body, NULL);
}

static void on_answer(weir_ctx *ctx, weir_obj *msg) {
    upload *self = weir_ctx_state(ctx);
    const weir_http_response *response = weir_http_response_from(msg);
    if (response != NULL) self->status = response->status;
    if (weir_http_end_from(msg) != NULL) {
        self->ended = true;
        weir_ctx_close(ctx, NULL);
    }
    weir_obj_release(msg);
}

static void on_error(weir_ctx *ctx, const weir_error *error) {
    upload *self = weir_ctx_state(ctx);
    if (self->failure == WEIR_OK) self->failure = error->status;
    weir_ctx_fire_error(ctx, error);
}

static void on_added(weir_ctx *ctx) {
    ((upload *)weir_ctx_state(ctx))->built = true;
}

static void on_removed(weir_ctx *ctx) {
    upload *self = weir_ctx_state(ctx);
    self->removed = true;
    end_if_over(self);
}

static const weir_handler upload_handler = {.name = "upload",
                                            .added = on_added,
                                            .removed = on_removed,
                                            .active = on_active,
                                            .read = on_answer,
                                            .error = on_error};

static weir_status build_upload(weir_pipeline *pipeline, void *arg) {
    weir_status status = weir_http_client_add(pipeline, &(weir_http_client_options){.host = "storm"});
    return status == WEIR_OK ? weir_pipeline_add_last(pipeline, &upload_handler, arg) : status;
}

static void connect_told(void *arg, weir_status status) {
    upload *self = arg;
    self->connect_told = true;
    if (self->failure == WEIR_OK) self->failure = status;
    end_if_over(self);
}

static void begin_upload(storm *world) {
    static unsigned number;
    upload *self = calloc(1, sizeof *self);
    weir_promise *promise = weir_promise_new(world->loop);
    require(self != NULL && promise != NULL);
    self->world = world;
    self->number = number++;
    self->length = 1 + (size_t)storm_below(world, storm_below(world, 2) == 0 ? 3000 : MOST_LENGTH);
    require(weir_promise_listen(promise, connect_told, self) == WEIR_OK);
    storm_begun(world);
    weir_client_options options = storm_client(world, NULL);
    options.port = weir_addr_port(weir_server_addr(world->own));
    options.build = build_upload;
    options.build_arg = self;
    self->channel = weir_client_connect(&options, promise);
    require(self->channel != NULL);
}

/* What a client did not wait for may still have come to be, whole; nothing else may be there. */
static void empty_folder(void) {
    DIR *listed = opendir(folder);
    require(listed != NULL);
    for (const struct dirent *entry = readdir(listed); entry != NULL; entry = readdir(listed)) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        if (entry->d_name[0] != 'u') weir_test_fail("upload", 0, "%s was left behind", entry->d_name);
        unlinkat(dirfd(listed), entry->d_name, 0);
    }
    closedir(listed);
    expect_eq(rmdir(folder), 0);
}

WEIR_TEST(upload, is_there_whole_or_not_at_all) {
    require(mkdtemp(folder) != NULL);
    weir_http_files_options options = {.root = folder, .put = true, .put_sync = true};
    require(weir_http_files_new(&files, &options) == WEIR_OK);
    storm it = {.begin_one = begin_upload, .build_own = build_site};
    storm_run(&it, fault_goal(USUAL_FAULTS));
    weir_http_files_release(files);
    empty_folder();
}
