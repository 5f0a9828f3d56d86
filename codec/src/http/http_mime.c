/* http_mime.c - media types by extension: a sorted table built in, and a sorted list of what was read.
 */
#include <weir/codec/http_mime.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <weir/buffer/buf_bytes.h>
#include <weir/buffer/buf_io.h>
#include <weir/codec/http_media_type.h>
#include <weir/core/alloc.h>

#include "http/http_lex.h"
#include "http/http_mime_table.h"

enum {
    EXTENSION_MAX = 16
};

typedef struct entry {
    weir_bytes extension, type;
    size_t order; /* of arrival: the sort is not stable */
} entry;

/* A copy of one text that was added. */
typedef struct text {
    struct text *next;
    uint8_t bytes[];
} text;

struct weir_http_mime {
    entry *entries;
    size_t count;
    size_t bytes; /* of all texts */
    text *texts;
};

/* ---- looking ---- */

static const struct {
    const char *extension, *type;
} built_in[] = {
#define HTTP_MIME_ROW(extension, type) {extension, type},
    HTTP_MIME_TABLE(HTTP_MIME_ROW)
#undef HTTP_MIME_ROW
};

static weir_bytes extension_of(weir_bytes file_name, char lower[EXTENSION_MAX]) {
    weir_bytes name = file_name;
    size_t slash = weir_bytes_find_last(name, '/');
    if (slash != WEIR_NOT_FOUND) name = weir_bytes_sub(name, slash + 1, SIZE_MAX);
    size_t dot = weir_bytes_find_last(name, '.');
    if (dot == WEIR_NOT_FOUND || dot == 0 || name.len - dot - 1 > EXTENSION_MAX)
        return weir_bytes_of(lower, 0);
    name = weir_bytes_sub(name, dot + 1, SIZE_MAX);
    for (size_t i = 0; i < name.len; i++) {
        bool is_upper = name.ptr[i] >= 'A' && name.ptr[i] <= 'Z';
        lower[i] = (char)(is_upper ? name.ptr[i] | 0x20 : name.ptr[i]);
    }
    return weir_bytes_of(lower, name.len);
}

static int by_extension(const void *key, const void *row) {
    return weir_bytes_compare(*(const weir_bytes *)key, ((const entry *)row)->extension);
}

static weir_bytes find_built_in(weir_bytes extension) {
    size_t low = 0;
    size_t high = sizeof built_in / sizeof *built_in;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = weir_bytes_compare(extension, weir_bytes_str(built_in[middle].extension));
        if (order == 0) return weir_bytes_str(built_in[middle].type);
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return weir_bytes_str(WEIR_HTTP_MIME_UNKNOWN);
}

weir_bytes weir_http_mime_of(const weir_http_mime *self, weir_bytes file_name) {
    char lower[EXTENSION_MAX];
    weir_bytes extension = extension_of(file_name, lower);
    const entry *found = NULL;
    if (self != NULL && self->count != 0) {
        found = bsearch(&extension, self->entries, self->count, sizeof *self->entries, by_extension);
    }
    return found != NULL ? found->type : find_built_in(extension);
}

/* ---- reading ---- */

weir_http_mime *weir_http_mime_new(void) {
    return weir_alloc_zeroed(NULL, 1, sizeof(weir_http_mime));
}

void weir_http_mime_free(weir_http_mime *self) {
    if (self == NULL) return;
    for (text *next; self->texts != NULL; self->texts = next) {
        next = self->texts->next;
        weir_alloc_release(NULL, self->texts);
    }
    weir_alloc_release(NULL, self->entries);
    weir_alloc_release(NULL, self);
}

static bool next_word(weir_bytes *line, weir_bytes *word) {
    scan_space(line);
    size_t n = 0;
    while (n < line->len && line->ptr[n] != ' ' && line->ptr[n] != '\t' && line->ptr[n] != '\r') n++;
    *word = weir_bytes_sub(*line, 0, n);
    scan_skip(line, n);
    return n != 0;
}

/* Writes the entries of `lines` to `out`, or only counts them when that is NULL. */
static size_t take_entries(weir_bytes lines, entry *out, size_t order) {
    size_t count = 0;
    weir_http_media_type parsed;
    for (weir_bytes line, type, extension; weir_bytes_split(&lines, '\n', &line);) {
        line = weir_bytes_sub(line, 0, weir_bytes_find(line, '#'));
        if (!next_word(&line, &type) || !weir_http_media_type_parse(type, &parsed)) continue;
        while (next_word(&line, &extension)) {
            if (out != NULL) out[count] = (entry){extension, type, order + count};
            count++;
        }
    }
    return count;
}

static int by_extension_and_order(const void *one, const void *other) {
    const entry *a = one;
    const entry *b = other;
    int order = weir_bytes_compare(a->extension, b->extension);
    return order != 0 ? order : (a->order < b->order) - (a->order > b->order);
}

/* Sorted, and of each extension only the last that came. */
static void sort_entries(weir_http_mime *self) {
    qsort(self->entries, self->count, sizeof *self->entries, by_extension_and_order);
    size_t kept = 0;
    for (size_t i = 0; i < self->count; i++) {
        entry *last = kept == 0 ? NULL : &self->entries[kept - 1];
        if (last != NULL && weir_bytes_equal(last->extension, self->entries[i].extension)) continue;
        self->entries[kept++] = self->entries[i];
    }
    for (size_t i = 0; i < kept; i++) self->entries[i].order = i;
    self->count = kept;
}

static text *copy_of(weir_bytes bytes) {
    text *copy = weir_alloc_acquire(NULL, sizeof *copy + bytes.len);
    for (size_t i = 0; copy != NULL && i < bytes.len; i++) {
        bool is_upper = bytes.ptr[i] >= 'A' && bytes.ptr[i] <= 'Z';
        copy->bytes[i] = is_upper ? bytes.ptr[i] | 0x20 : bytes.ptr[i];
    }
    return copy;
}

weir_status weir_http_mime_add(weir_http_mime *self, weir_bytes bytes) {
    if (bytes.len > WEIR_HTTP_MIME_TEXT_MAX - self->bytes) return WEIR_E_LIMIT;
    size_t more = take_entries(bytes, NULL, 0);
    if (more == 0) return WEIR_OK;
    text *copy = copy_of(bytes);
    if (copy == NULL) return WEIR_E_NO_MEMORY;
    entry *entries = weir_alloc_resize(NULL, self->entries, (self->count + more) * sizeof *entries);
    if (entries == NULL) {
        weir_alloc_release(NULL, copy);
        return WEIR_E_NO_MEMORY;
    }
    copy->next = self->texts;
    self->texts = copy;
    self->bytes += bytes.len;
    self->entries = entries;
    self->count += take_entries(weir_bytes_of(copy->bytes, bytes.len), entries + self->count, self->count);
    sort_entries(self);
    return WEIR_OK;
}

static weir_status read_all(int fd, weir_buf *out) {
    for (;;) {
        ssize_t n = weir_buf_read_fd(out, fd, 64 * 1024);
        if (n <= 0) return (weir_status)n;
        if (weir_buf_readable(out) > WEIR_HTTP_MIME_TEXT_MAX) return WEIR_E_LIMIT;
    }
}

weir_status weir_http_mime_load(weir_http_mime *self, const char *path) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return weir_status_from_errno(errno);
    weir_buf *content = weir_buf_new(0);
    weir_status status = content == NULL ? WEIR_E_NO_MEMORY : read_all(fd, content);
    if (status == WEIR_OK) status = weir_http_mime_add(self, weir_buf_peek(content));
    weir_buf_release(content);
    close(fd);
    return status;
}

/* ---- about a type ---- */

static weir_bytes without_params(weir_bytes type) {
    return weir_bytes_trim(weir_bytes_sub(type, 0, weir_bytes_find(type, ';')));
}

bool weir_http_mime_is_text(weir_bytes type) {
    return weir_bytes_equal_nocase(weir_bytes_sub(type, 0, 5), weir_bytes_str("text/"));
}

static bool ends_with(weir_bytes type, const char *end) {
    weir_bytes suffix = weir_bytes_str(end);
    if (type.len < suffix.len) return false;
    return weir_bytes_equal_nocase(weir_bytes_sub(type, type.len - suffix.len, suffix.len), suffix);
}

bool weir_http_mime_is_compressible(weir_bytes type) {
    static const char *const ends[] = {
        "+json",
        "+xml",
        "/json",
        "/xml",
        "/xml-dtd",
        "/yaml",
        "/toml",
        "/jsonl",
        "/wasm",
        "/rtf",
        "/x-sh",
        "/vnd.ms-fontobject",
        "/x-httpd-php",
        "font/ttf",
        "font/otf",
        "/bmp",
        "/x-tar",
        "/postscript",
        "/vnd.microsoft.icon",
        "/javascript",
        "font/collection",
    };
    type = without_params(type);
    if (weir_http_mime_is_text(type)) return true;
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        if (ends_with(type, ends[i])) return true;
    }
    return false;
}

void weir_http_mime_write(weir_bytes type, weir_buf *out) {
    weir_http_media_type parsed;
    weir_buf_write_view(out, type);
    if (!weir_http_mime_is_text(type) || !weir_http_media_type_parse(type, &parsed)) return;
    if (weir_http_media_type_charset(&parsed).ptr == NULL) weir_buf_write_str(out, "; charset=utf-8");
}
