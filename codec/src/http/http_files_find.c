/* http_files_find.c - from a name to the file that is sent for it, by the cache; a loop never waits for a disk.
 *
 *     a.css   is it there?  -> a.css.br?  -> a.css.zst?  -> a.css.gz?  -> the one that is wanted most
 *     a/      a/index.html? -> the folder's page
 */
#include <errno.h>
#include <string.h>

#include <weir/codec/http_quality.h>

#include "http/http_files_state.h"

static const struct {
    const char *name, *suffix;
} codings[] = {{"identity", ""}, {"br", ".br"}, {"zstd", ".zst"}, {"gzip", ".gz"}};

enum {
    CODINGS = sizeof codings / sizeof *codings
};

const char *http_visit_coding(const http_visit *visit) {
    return codings[visit->coding].name;
}

static void look(http_visit *visit);

static void append_name(http_visit *visit, size_t at, const char *suffix) {
    memcpy(visit->name + at, suffix, strlen(suffix) + 1); /* new_visit made room */
}

/* ---- codings ---- */

static unsigned quality_of(const http_visit *visit, unsigned coding) {
    weir_bytes field = weir_http_fields_get(&visit->request->head.fields, WEIR_HTTP_ACCEPT_ENCODING);
    return weir_http_quality_coding(field, weir_bytes_str(codings[coding].name));
}

static bool is_better(const http_visit *visit, unsigned quality) {
    return quality > visit->quality || (visit->coding == 0 && quality != 0 && quality == visit->quality);
}

/* Looks for the next coding that would be better than what there is; behind the last, sends. */
static void try_next(http_visit *visit) {
    while (++visit->trying < CODINGS && !is_better(visit, quality_of(visit, visit->trying))) continue;
    if (visit->trying < CODINGS) {
        append_name(visit, visit->name_length, codings[visit->trying].suffix);
        look(visit);
    } else {
        visit->name[visit->name_length] = '\0';
        http_visit_send(visit);
    }
}

/* A sibling older than its file was made of another version. Takes: file, or NULL. */
static void weigh_sibling(http_visit *visit, weir_file *file) {
    if (file != NULL && file->modified_ns >= visit->file->modified_ns) {
        weir_file_release(visit->file);
        visit->file = file;
        visit->coding = visit->trying;
        visit->quality = quality_of(visit, visit->trying);
    } else {
        weir_file_release(file);
    }
    try_next(visit);
}

static void choose_coding(http_visit *visit) {
    const weir_http_fields *fields = &visit->request->head.fields;
    weir_bytes name = weir_bytes_of(visit->name, visit->name_length);
    weir_bytes type = weir_http_mime_of(visit->files->options.mime, name);
    visit->varies = !visit->files->options.no_precompressed && weir_http_mime_is_compressible(type);
    bool asks = weir_http_fields_has(fields, WEIR_HTTP_ACCEPT_ENCODING) &&
                !weir_http_fields_has(fields, WEIR_HTTP_RANGE);
    if (!visit->varies || !asks) {
        http_visit_send(visit);
        return;
    }
    visit->quality = quality_of(visit, 0);
    try_next(visit);
}

/* ---- names ---- */

/* The root has no name to stand in front of its index', so that each file has one name only: the cache's key. */
static void add_index(http_visit *visit) {
    bool is_root = strcmp(visit->name, ".") == 0;
    if (is_root) {
        visit->folder_length = 0;
    } else {
        append_name(visit, visit->folder_length, "/");
    }
    append_name(visit, visit->folder_length + !is_root, visit->files->options.index);
    visit->name_length = strlen(visit->name);
}

static void drop_index(http_visit *visit) {
    append_name(visit, visit->folder_length, visit->folder_length == 0 ? "." : "");
    visit->name_length = strlen(visit->name);
}

static void not_found(http_visit *visit, weir_status status) {
    drop_index(visit);
    if (status == WEIR_E_UNSUPPORTED && !visit->is_folder) {
        http_visit_redirect(visit);
    } else if (status == -ENOENT && visit->is_folder && visit->files->options.listing) {
        http_visit_list(visit);
    } else {
        http_visit_refuse(visit, http_status_of(status));
    }
}

/* Takes: file, or NULL. */
static void found(http_visit *visit, weir_status status, weir_file *file) {
    if (visit->trying != 0) {
        weigh_sibling(visit, file);
    } else if (status != WEIR_OK) {
        not_found(visit, status);
    } else {
        visit->file = file;
        choose_coding(visit);
    }
}

static void loaded(void *arg, weir_status status, weir_file *file) {
    http_visit *visit = arg;
    if (http_visit_returns(visit)) {
        found(visit, status, file);
    } else {
        weir_file_release(file);
    }
}

static void look(http_visit *visit) {
    weir_file_cache *cache = visit->files->cache;
    weir_file *file;
    weir_status status = weir_file_cache_get(cache, visit->name, &file);
    if (status == -EAGAIN) {
        visit->is_away = true;
        status = weir_file_cache_load(cache, weir_ctx_loop(visit->channel->ctx), visit->name, loaded, visit);
        if (status == WEIR_OK) return;
        visit->is_away = false;
    }
    found(visit, status, file);
}

void http_visit_find(http_visit *visit) {
    bool has_index = *visit->files->options.index != '\0';
    if (visit->is_folder && !has_index) {
        not_found(visit, -ENOENT);
        return;
    }
    if (visit->is_folder) add_index(visit);
    look(visit);
}
