/* http_files_list.c - a folder becomes a page, all of it on the thread pool. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include <weir/buffer/buf_bytes.h>
#include <weir/codec/http_query.h>
#include <weir/core/alloc.h>

#include "http/http_files_rows.h"
#include "http/http_files_state.h"

/* ---- rows ---- */

static weir_status add_row(http_rows *self, const char *name, const struct stat *stat) {
    if (self->count == self->room) {
        size_t room = self->room == 0 ? 64 : 2 * self->room;
        http_row *list = weir_alloc_resize(NULL, self->list, room * sizeof *list);
        if (list == NULL) return WEIR_E_NO_MEMORY;
        self->list = list;
        self->room = room;
    }
    http_row *row = &self->list[self->count++];
    *row = (http_row){.name = weir_buf_readable(self->names),
                      .size = (uint64_t)stat->st_size,
                      .modified = stat->st_mtim.tv_sec,
                      .is_folder = S_ISDIR(stat->st_mode)};
    weir_buf_write_bytes(self->names, name, strlen(name) + 1);
    return weir_buf_status(self->names);
}

/* A link is what it leads to, if that is in the root. */
static bool look_at(const http_visit *visit, int folder, const char *name, struct stat *stat) {
    if (fstatat(folder, name, stat, AT_SYMLINK_NOFOLLOW) != 0) return false;
    if (S_ISLNK(stat->st_mode)) {
        char path[PATH_MAX];
        int fd, n = snprintf(path, sizeof path, "%s/%s", visit->name, name);
        if (n >= (int)sizeof path) return false;
        if (weir_file_cache_locate(visit->files->cache, path, &fd) != WEIR_OK) return false;
        bool is_known = fstat(fd, stat) == 0;
        close(fd);
        if (!is_known) return false;
    }
    return S_ISDIR(stat->st_mode) || S_ISREG(stat->st_mode);
}

static weir_status read_rows(const http_visit *visit, DIR *folder, http_rows *rows) {
    const weir_http_files_options *options = &visit->files->options;
    weir_status status = WEIR_OK;
    struct dirent *entry;
    struct stat stat;
    while (status == WEIR_OK && (entry = readdir(folder)) != NULL) {
        const char *name = entry->d_name;
        bool is_dots = strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
        if (is_dots || (name[0] == '.' && !options->show_hidden)) continue;
        if (!look_at(visit, dirfd(folder), name, &stat)) continue;
        rows->is_cut = rows->count == options->listing_max;
        if (rows->is_cut) break;
        status = add_row(rows, name, &stat);
    }
    return status;
}

/* ---- order ---- */

static int compare_names(const http_rows *rows, const http_row *row, const http_row *other) {
    const char *name = http_row_name(rows, row), *other_name = http_row_name(rows, other);
    int order = strcasecmp(name, other_name);
    return order != 0 ? order : strcmp(name, other_name);
}

#define COMPARE(a, b) (((a) > (b)) - ((a) < (b)))

/* Folders first, whatever the order. */
static int compare_rows(const void *left, const void *right, void *arg) {
    const http_row *row = left, *other = right;
    const http_rows *rows = arg;
    if (row->is_folder != other->is_folder) return row->is_folder ? -1 : 1;
    int order = 0;
    if (rows->order == HTTP_ORDER_SIZE && !row->is_folder) order = COMPARE(row->size, other->size);
    if (rows->order == HTTP_ORDER_DATE) order = COMPARE(row->modified, other->modified);
    if (order == 0) order = compare_names(rows, row, other);
    return rows->descends ? -order : order;
}

/* ?sort=name|size|date&order=desc; anything else is by name. */
static void read_order(const http_visit *visit, http_rows *rows) {
    weir_http_query query;
    weir_bytes key, value;
    weir_buf *scratch = weir_buf_new(0);
    if (scratch == NULL) return;
    weir_http_query_init(&query, visit->request->query, NULL, scratch);
    while (weir_http_query_next(&query, &key, &value)) {
        if (weir_bytes_equal_str(key, "order")) rows->descends = weir_bytes_equal_str(value, "desc");
        if (!weir_bytes_equal_str(key, "sort")) continue;
        rows->order = weir_bytes_equal_str(value, "size")   ? HTTP_ORDER_SIZE
                      : weir_bytes_equal_str(value, "date") ? HTTP_ORDER_DATE
                                                            : HTTP_ORDER_NAME;
    }
    weir_buf_release(scratch);
}

/* ---- the job ---- */

static weir_status open_folder(const http_visit *visit, DIR **out) {
    int at, fd;
    weir_status status = weir_file_cache_locate(visit->files->cache, visit->name, &at);
    if (status != WEIR_OK) return status;
    fd = openat(at, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    *out = fd < 0 ? NULL : fdopendir(fd);
    if (*out == NULL) {
        status = weir_status_from_errno(errno);
        if (fd >= 0) close(fd);
    }
    close(at);
    return status;
}

static weir_status list_folder(http_visit *visit) {
    DIR *folder = NULL;
    weir_status status = open_folder(visit, &folder);
    if (folder == NULL) return status;
    http_rows rows = {.names = weir_buf_new(4096)};
    status = rows.names == NULL ? (weir_status)WEIR_E_NO_MEMORY : read_rows(visit, folder, &rows);
    closedir(folder);
    if (status == WEIR_OK) {
        read_order(visit, &rows);
        if (rows.count > 1) qsort_r(rows.list, rows.count, sizeof *rows.list, compare_rows, &rows);
        visit->page = http_rows_page(&rows, visit->name);
        if (visit->page == NULL) status = WEIR_E_NO_MEMORY;
    }
    weir_buf_release(rows.names);
    weir_alloc_release(NULL, rows.list);
    return status;
}

static void work_on_list(void *arg) {
    http_visit *visit = arg;
    weir_status status = list_folder(visit);
    visit->refusal = status == WEIR_OK ? 0 : http_status_of(status);
}

static void send_page(http_visit *visit) {
    weir_http_response *response = weir_http_response_new(200);
    weir_buf *page = visit->page;
    visit->page = NULL;
    http_answer_add(&response, WEIR_HTTP_CONTENT_TYPE, weir_bytes_str("text/html; charset=utf-8"));
    http_answer_add(&response, WEIR_HTTP_CACHE_CONTROL, weir_bytes_str("no-cache"));
    if (response != NULL && weir_http_fields_add_other(
                                &response->head.fields, weir_bytes_str("Content-Security-Policy"),
                                weir_bytes_str("default-src 'none'; style-src 'unsafe-inline'")) != WEIR_OK) {
        weir_obj_release(response);
        response = NULL;
    }
    http_visit_respond(visit, response, page);
}

static void listed(void *arg, weir_status status) {
    http_visit *visit = arg;
    if (!http_visit_returns(visit)) return;
    if (status != WEIR_OK || visit->refusal != 0) {
        http_visit_refuse(visit, status != WEIR_OK ? 503 : visit->refusal);
    } else {
        send_page(visit);
    }
}

void http_visit_list(http_visit *visit) {
    (void)http_visit_offload(visit, work_on_list, listed);
}
