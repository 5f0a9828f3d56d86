/* http_files.c - what all channels share, the handler of one, and the life of a visit. */
#include "http/http_files_state.h"

#include <string.h>

#include <weir/codec/http_path.h>
#include <weir/core/alloc.h>

#include "http/http_scan.h"

/* ---- what all channels share ---- */

static void free_files(weir_obj *obj) {
    weir_http_files *self = (weir_http_files *)(void *)obj;
    weir_file_cache_release(self->cache);
    weir_alloc_release(NULL, self);
}

static weir_leak_counter living = {.name = "http files"};
static const weir_obj_type files_type = {.name = "http files", .free = free_files, .live = &living};

static bool is_sound(const weir_http_files_options *options) {
    weir_bytes cached = weir_bytes_str(options->cache_control);
    if (options->root == NULL || strchr(options->index, '/') != NULL) return false;
    return http_scan_line(cached.ptr, cached.len) == cached.len;
}

weir_status weir_http_files_new(weir_http_files **out, const weir_http_files_options *options) {
    weir_http_files_options with = *options;
    *out = NULL;
    if (with.index == NULL) with.index = "index.html";
    if (with.listing_max == 0) with.listing_max = 10000;
    if (with.max_upload == 0) with.max_upload = UINT64_C(1) << 30;
    if (!is_sound(&with)) return WEIR_E_INVALID;
    with.cache.root = with.root;
    weir_http_files *self = weir_alloc_zeroed(NULL, 1, sizeof *self);
    if (self == NULL) return WEIR_E_NO_MEMORY;
    weir_status status = weir_file_cache_new(&self->cache, &with.cache);
    if (status != WEIR_OK) {
        weir_alloc_release(NULL, self);
        return status;
    }
    self->options = with;
    weir_obj_init(&self->obj, &files_type);
    *out = self;
    return WEIR_OK;
}

weir_http_files *weir_http_files_retain(weir_http_files *files) {
    return weir_obj_retain(files);
}

void weir_http_files_release(weir_http_files *files) {
    weir_obj_release(files);
}

weir_file_cache *weir_http_files_cache(weir_http_files *files) {
    return files->cache;
}

/* ---- visits ---- */

/* Takes: request. Gives: a visit, or NULL when out of memory. */
static http_visit *new_visit(http_files_channel *channel, weir_http_request *request) {
    static const size_t suffix = sizeof "/.zst";
    size_t room = request->path.len + strlen(channel->files->options.index) + suffix;
    http_visit *self = weir_alloc_acquire(NULL, sizeof *self + room);
    if (self == NULL) return NULL;
    *self = (http_visit){.files = channel->files, .channel = channel, .request = request, .room = room};
    return self;
}

void http_visit_free(http_visit *visit) {
    if (visit->channel == NULL) {
        weir_http_files_release(visit->files);
    } else {
        visit->channel->visit = NULL;
    }
    http_upload_free(visit->upload);
    weir_obj_release(visit->request);
    weir_file_release(visit->file);
    weir_buf_release(visit->page);
    weir_alloc_release(NULL, visit);
}

bool http_visit_offload(http_visit *visit, weir_task_fn *work,
                        void (*done)(void *visit, weir_status status)) {
    visit->is_away = true;
    weir_status status = weir_loop_offload(weir_ctx_loop(visit->channel->ctx), work, done, visit);
    if (status == WEIR_OK) return true;
    visit->is_away = false;
    http_visit_refuse(visit, 503);
    return false;
}

bool http_visit_returns(http_visit *visit) {
    visit->is_away = false;
    if (visit->channel != NULL) return true;
    http_visit_free(visit);
    return false;
}

/* ---- methods ---- */

/* The name of the file that is asked for; else what to answer. */
static unsigned name_file(http_visit *visit) {
    bool hides = !visit->files->options.show_hidden;
    weir_http_path_options strict = {.refuse_hidden = hides}, lax = {0};
    weir_bytes path = visit->request->path;
    weir_status status = weir_http_path_to_file(path, &strict, visit->name, visit->room, &visit->is_folder);
    if (status == WEIR_OK) {
        visit->name_length = visit->folder_length = strlen(visit->name);
        return 0;
    }
    bool is_hidden =
        hides && weir_http_path_to_file(path, &lax, visit->name, visit->room, &visit->is_folder) == WEIR_OK;
    return is_hidden ? 404 : 400;
}

static bool is_upload(const http_visit *visit) {
    return visit->request->method == WEIR_HTTP_METHOD_PUT && visit->files->options.put;
}

static void begin_visit(http_visit *visit) {
    weir_http_method method = visit->request->method;
    bool reads = method == WEIR_HTTP_METHOD_GET || method == WEIR_HTTP_METHOD_HEAD;
    bool puts = is_upload(visit);
    if (method == WEIR_HTTP_METHOD_OPTIONS) {
        http_visit_options(visit);
        return;
    }
    unsigned refusal = reads || puts ? name_file(visit) : 405;
    if (refusal != 0) {
        http_visit_refuse(visit, refusal);
    } else if (puts) {
        http_visit_put(visit);
    } else {
        http_visit_find(visit);
    }
}

/* ---- the handler ---- */

static void files_added(weir_ctx *ctx) {
    http_files_channel *self = weir_ctx_state(ctx);
    self->ctx = ctx;
}

static void files_removed(weir_ctx *ctx) {
    http_files_channel *self = weir_ctx_state(ctx);
    http_visit *visit = self->visit;
    if (visit != NULL && visit->is_away) {
        if (visit->upload != NULL) http_upload_let_read(visit);
        visit->channel = NULL; /* and our reference of the files is the visit's */
    } else {
        if (visit != NULL) http_visit_free(visit);
        weir_http_files_release(self->files);
    }
    weir_alloc_release(NULL, self);
}

/* Takes: request. While the peer does not take what it asked for, nothing more is made for it; but what it uploads may be
 * on its way already. */
static void read_request(http_files_channel *self, weir_http_request *request) {
    http_visit *visit = self->visit = new_visit(self, request);
    if (visit == NULL) {
        weir_obj_release(request);
        weir_http_server_respond(self->ctx, NULL, NULL, NULL);
        return;
    }
    visit->is_parked = !weir_channel_is_writable(weir_ctx_channel(self->ctx)) && !is_upload(visit);
    if (!visit->is_parked) begin_visit(visit);
}

static void files_read(weir_ctx *ctx, weir_obj *msg) {
    http_files_channel *self = weir_ctx_state(ctx);
    weir_http_request *request = weir_http_request_from(msg);
    http_visit *visit = self->visit;
    bool uploads = visit != NULL && visit->upload != NULL;
    if (request != NULL) {
        read_request(self, request);
    } else if (uploads && weir_buf_from(msg) != NULL) {
        http_upload_piece(visit, weir_buf_from(msg));
    } else {
        weir_obj_release(msg);
        if (uploads) http_upload_end(visit);
    }
}

static void files_writable_changed(weir_ctx *ctx) {
    http_files_channel *self = weir_ctx_state(ctx);
    http_visit *visit = self->visit;
    if (visit == NULL || !visit->is_parked || !weir_channel_is_writable(weir_ctx_channel(ctx))) return;
    visit->is_parked = false;
    begin_visit(visit);
}

static const weir_handler files_handler = {
    .name = "http_files",
    .added = files_added,
    .removed = files_removed,
    .read = files_read,
    .writable_changed = files_writable_changed,
};

weir_status weir_http_files_add(weir_pipeline *pipeline, weir_http_files *files) {
    http_files_channel *self = weir_alloc_zeroed(NULL, 1, sizeof *self);
    if (self == NULL) return WEIR_E_NO_MEMORY;
    self->files = weir_http_files_retain(files);
    weir_status status = weir_pipeline_add_last(pipeline, &files_handler, self);
    if (status != WEIR_OK) {
        weir_http_files_release(files);
        weir_alloc_release(NULL, self);
    }
    return status;
}
