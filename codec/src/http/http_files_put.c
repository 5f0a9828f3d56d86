/* http_files_put.c - an upload: to a hidden file beside its name, on the thread pool, then renamed.
 *
 *     BEGIN --ready--> [ pieces -> write -> more pieces ]* --end--> FINISH --> 201, 204
 *
 * Rule: one job at a time, and reading is held while one is under way: what waits is what one burst of reads brought.
 * Whatever ends before the rename leaves nothing behind.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <weir/core/alloc.h>

#include "held_bytes.h"
#include "http/http_codings.h"
#include "http/http_decompressor_hold.h"
#include "http/http_files_state.h"
#include "http/http_server_state.h"

struct http_upload {
    weir_loop *loop;
    int folder, fd; /* -1: none */
    uint64_t size;
    held_bytes first;  /* pieces that wait */
    weir_buf *writing; /* those that are written */
    bool has_ended;    /* the request has */
    bool is_finishing;
    bool has_replaced;
    bool is_linked;   /* the hidden file is there */
    unsigned refusal; /* of the job; the loop's own is the visit's */
    char hidden[32];
};

/* ---- on the pool ---- */

static const char *last_of(const http_visit *visit) {
    const char *slash = strrchr(visit->name, '/');
    return slash == NULL ? visit->name : slash + 1;
}

static unsigned refuse_errno(void) {
    switch (errno) {
    case EEXIST:
    case EISDIR:
    case ENOENT:
    case ENOTDIR:
    case ENOTEMPTY: return 409;
    default: return http_status_of(weir_status_from_errno(errno));
    }
}

/* What stands there now, and what the request says to that: 0, or a status. */
static unsigned check_conditions(const http_visit *visit, bool *exists) {
    char memory[WEIR_HTTP_ETAG_MADE];
    struct stat stat;
    weir_http_validators now_is = {.is_missing = true};
    *exists = fstatat(visit->upload->folder, last_of(visit), &stat, AT_SYMLINK_NOFOLLOW) == 0;
    if (!*exists && errno != ENOENT) return refuse_errno();
    if (*exists && !S_ISREG(stat.st_mode)) return 409;
    if (*exists) {
        int64_t modified_ns = (int64_t)stat.st_mtim.tv_sec * 1000000000 + stat.st_mtim.tv_nsec;
        now_is = (weir_http_validators){
            .etag = weir_http_etag_make(stat.st_ino, (uint64_t)stat.st_size, modified_ns, memory),
            .has_last_modified = true,
            .last_modified = stat.st_mtim.tv_sec,
        };
    }
    return http_visit_verdict(visit, &now_is) == WEIR_HTTP_PRECONDITION_FAILED ? 412 : 0;
}

/* The folder of the name, which is cut off for the while. */
static weir_status open_parent(http_visit *visit) {
    char *slash = strrchr(visit->name, '/');
    if (slash != NULL) *slash = '\0';
    weir_status status = weir_file_cache_locate(visit->files->cache, slash == NULL ? "." : visit->name,
                                                &visit->upload->folder);
    if (slash != NULL) *slash = '/';
    return status;
}

static unsigned begin_file(http_visit *visit) {
    http_upload *self = visit->upload;
    uint64_t random;
    bool exists;
    weir_status status = open_parent(visit);
    if (status == -ENOENT || status == -ENOTDIR) return 409;
    if (status != WEIR_OK) return http_status_of(status);
    unsigned refusal = check_conditions(visit, &exists);
    if (refusal != 0) return refusal;
    if (getrandom(&random, sizeof random, 0) != (ssize_t)sizeof random) return 503;
    snprintf(self->hidden, sizeof self->hidden, ".put-%016" PRIx64, random);
    self->fd = openat(self->folder, self->hidden, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (self->fd < 0) return refuse_errno();
    self->is_linked = true;
    return 0;
}

static unsigned write_pieces(http_upload *self) {
    while (weir_buf_is_readable(self->writing)) {
        weir_bytes piece = weir_buf_peek(self->writing);
        ssize_t n = write(self->fd, piece.ptr, piece.len);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return http_status_of(weir_status_from_errno(errno));
        weir_buf_skip(self->writing, (size_t)n);
    }
    return 0;
}

/* With "If-None-Match: *" a link decides who was first; a rename would replace. */
static unsigned give_name(http_visit *visit) {
    http_upload *self = visit->upload;
    weir_bytes none_match = weir_http_fields_get(&visit->request->head.fields, WEIR_HTTP_IF_NONE_MATCH);
    const char *name = last_of(visit);
    unsigned refusal = check_conditions(visit, &self->has_replaced);
    if (refusal != 0) return refusal;
    if (weir_bytes_equal_str(none_match, "*")) {
        if (linkat(self->folder, self->hidden, self->folder, name, 0) != 0)
            return errno == EEXIST ? 412 : refuse_errno();
        return 0; /* the hidden name goes with the upload */
    }
    if (renameat(self->folder, self->hidden, self->folder, name) != 0) return refuse_errno();
    self->is_linked = false;
    return 0;
}

static unsigned sync_folder(const http_upload *self) {
    int fd = openat(self->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    unsigned refusal = fd < 0 || fsync(fd) != 0 ? 500 : 0;
    if (fd >= 0) close(fd);
    return refusal;
}

static unsigned finish_file(http_visit *visit) {
    bool syncs = visit->files->options.put_sync;
    if (syncs && fsync(visit->upload->fd) != 0) return 500;
    unsigned refusal = give_name(visit);
    if (refusal != 0) return refusal;
    weir_file_cache_forget(visit->files->cache, visit->name);
    return syncs ? sync_folder(visit->upload) : 0;
}

static void work_on_upload(void *arg) {
    http_visit *visit = arg;
    http_upload *self = visit->upload;
    if (self->fd < 0) {
        self->refusal = begin_file(visit);
    } else if (self->writing != NULL) {
        self->refusal = write_pieces(self);
    } else {
        self->refusal = finish_file(visit);
    }
}

/* ---- on the loop ---- */

static void let_read(weir_ctx *ctx) {
    weir_channel_let_read(weir_ctx_channel(ctx));
    http_decompressor_hold(ctx, false);
}

void http_upload_let_read(const http_visit *visit) {
    let_read(visit->channel->ctx);
}

static void answer(http_visit *visit, unsigned status) {
    if (status >= 300) {
        http_visit_refuse(visit, status);
    } else {
        http_visit_respond(visit, weir_http_response_new(status), NULL);
    }
}

static void worked(void *arg, weir_status status);

static void work(http_visit *visit) {
    weir_ctx *ctx = visit->channel->ctx;
    weir_channel_hold_reading(weir_ctx_channel(ctx));
    http_decompressor_hold(ctx, true);
    if (!http_visit_offload(visit, work_on_upload, worked)) let_read(ctx); /* it was answered, and is gone */
}

/* What is next, when no job is under way. */
static void go_on(http_visit *visit) {
    http_upload *self = visit->upload;
    if (self->first.buf != NULL) {
        self->writing = self->first.buf;
        self->first = (held_bytes){0};
        work(visit);
    } else if (self->has_ended) {
        self->is_finishing = true;
        work(visit);
    } else {
        weir_http_server_continue(visit->channel->ctx);
    }
}

static void worked(void *arg, weir_status status) {
    http_visit *visit = arg;
    if (!http_visit_returns(visit)) return;
    http_upload_let_read(visit);
    http_upload *self = visit->upload;
    weir_buf_release(self->writing);
    self->writing = NULL;
    unsigned refusal = self->refusal != 0 ? self->refusal : visit->refusal;
    if (status != WEIR_OK || refusal != 0) {
        answer(visit, status != WEIR_OK ? 503 : refusal);
    } else if (self->is_finishing) {
        answer(visit, self->has_replaced ? 204 : 201);
    } else {
        go_on(visit);
    }
}

/* ---- the request ---- */

void http_upload_piece(http_visit *visit, weir_buf *piece) {
    http_upload *self = visit->upload;
    self->size += weir_buf_readable(piece);
    if (self->size > visit->files->options.max_upload) visit->refusal = 413;
    if (held_bytes_add(&self->first, piece) != WEIR_OK) visit->refusal = 503;
    if (visit->is_away) return;
    if (visit->refusal != 0) {
        answer(visit, visit->refusal);
    } else {
        go_on(visit);
    }
}

void http_upload_end(http_visit *visit) {
    visit->upload->has_ended = true;
    if (!visit->is_away) go_on(visit);
}

/* What is no whole file (RFC 9110 9.3.4), or would be served without the coding it came in: a status, or 0. */
static unsigned refusal_of(const http_visit *visit) {
    const weir_http_head *head = &visit->request->head;
    http_codings codings;
    if (head->framing == WEIR_HTTP_LENGTH && head->length > visit->files->options.max_upload) return 413;
    if (visit->is_folder) return 409;
    if (weir_http_fields_has(&head->fields, WEIR_HTTP_CONTENT_RANGE)) return 400;
    http_codings_read(&codings, &head->fields);
    return codings.count != 0 || codings.is_unknown ? 415 : 0;
}

void http_visit_put(http_visit *visit) {
    unsigned refusal = refusal_of(visit);
    if (refusal != 0) {
        http_visit_refuse(visit, refusal);
        return;
    }
    http_upload *self = visit->upload = weir_alloc_zeroed(NULL, 1, sizeof *self);
    if (self == NULL) {
        http_visit_refuse(visit, 503);
        return;
    }
    self->loop = weir_ctx_loop(visit->channel->ctx);
    self->folder = self->fd = -1;
    http_server_continue_by_hand(visit->channel->ctx);
    work(visit);
}

/* ---- the end ---- */

static void clean(void *arg) {
    http_upload *self = arg;
    if (self->is_linked) unlinkat(self->folder, self->hidden, 0);
    if (self->fd >= 0) close(self->fd);
    if (self->folder >= 0) close(self->folder);
}

static void cleaned(void *arg, weir_status status) {
    http_upload *self = arg;
    if (status != WEIR_OK) clean(self);
    weir_alloc_release(NULL, self);
}

void http_upload_free(http_upload *upload) {
    if (upload == NULL) return;
    held_bytes_clear(&upload->first);
    weir_buf_release(upload->writing);
    if (weir_loop_offload(upload->loop, clean, cleaned, upload) != WEIR_OK) cleaned(upload, WEIR_E_STOPPED);
}
