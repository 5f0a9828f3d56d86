/* http_path.c - paths. Whether a name is safe is asked of the bytes that will be used, after decoding.
 */
#include <weir/buffer/buf_bytes.h>
#include <weir/codec/http_path.h>
#include <weir/codec/http_percent.h>

#include "http/http_lex.h"
#include "http/http_message_new.h"

static bool is_control(uint8_t byte) {
    return byte < 0x20 || byte == 0x7f;
}

/* ---- the target ---- */

static weir_bytes behind_authority(weir_bytes target) {
    weir_bytes rest = http_behind_scheme(target);
    size_t n = 0;
    while (n < rest.len && rest.ptr[n] != '/' && rest.ptr[n] != '?' && rest.ptr[n] != '#') n++;
    return weir_bytes_sub(rest, n, SIZE_MAX);
}

bool weir_http_path_split(weir_bytes target, weir_bytes *path, weir_bytes *query) {
    weir_bytes rest = target.len != 0 && target.ptr[0] == '/' ? target : behind_authority(target);
    if (rest.ptr == NULL) return false;
    http_split_path(weir_bytes_sub(rest, 0, weir_bytes_find(rest, '#')), path, query);
    return true;
}

/* ---- files ---- */

static bool is_allowed(weir_bytes name, const weir_http_path_options *options) {
    if (options->refuse_hidden && name.len != 0 && name.ptr[0] == '.') return false;
    for (size_t i = 0; i < name.len; i++) {
        uint8_t byte = name.ptr[i];
        if (byte == 0 || byte == '/') return false;
        if (byte == '\\' && !options->allow_backslash) return false;
        if (is_control(byte) && !options->allow_control) return false;
    }
    return true;
}

typedef struct file_name {
    char *out;
    size_t length, room;
} file_name;

/* False: there is none above. */
static bool go_up(file_name *self) {
    if (self->length == 0) return false;
    size_t slash = weir_bytes_find_last(weir_bytes_of(self->out, self->length), '/');
    self->length = slash == WEIR_NOT_FOUND ? 0 : slash;
    return true;
}

/* Decodes a segment behind the name; `*is_folder`: it was no name. */
static weir_status add_segment(file_name *self, weir_bytes segment, const weir_http_path_options *options,
                               bool *is_folder) {
    size_t at = self->length == 0 ? 0 : self->length + 1;
    if (at >= self->room || segment.len > self->room - at - 1) return WEIR_E_LIMIT;
    size_t n;
    uint8_t *place = (uint8_t *)self->out + at;
    if (!weir_http_percent_decode(segment, 0, place, &n)) return WEIR_E_INVALID;
    weir_bytes name = weir_bytes_of(place, n);
    *is_folder = n == 0 || weir_bytes_equal_str(name, ".") || weir_bytes_equal_str(name, "..");
    if (*is_folder) return n != 2 || go_up(self) ? WEIR_OK : WEIR_E_INVALID;
    if (!is_allowed(name, options)) return WEIR_E_INVALID;
    if (at != 0) self->out[at - 1] = '/';
    self->length = at + n;
    return WEIR_OK;
}

weir_status weir_http_path_to_file(weir_bytes path, const weir_http_path_options *options, char *out,
                                   size_t room, bool *is_folder) {
    static const weir_http_path_options defaults = {0};
    if (options == NULL) options = &defaults;
    if (!scan_byte(&path, '/')) return WEIR_E_INVALID;
    if (room < 2) return WEIR_E_LIMIT;
    file_name self = {out, 0, room};
    bool ends_in_folder = true;
    for (weir_bytes segment; weir_bytes_split(&path, '/', &segment);) {
        weir_status status = add_segment(&self, segment, options, &ends_in_folder);
        if (status != WEIR_OK) return status;
    }
    if (self.length == 0) out[self.length++] = '.';
    out[self.length] = 0;
    if (is_folder != NULL) *is_folder = ends_in_folder;
    return WEIR_OK;
}

weir_bytes weir_http_path_last(weir_bytes file) {
    size_t start = 0;
    for (size_t i = 0; i < file.len; i++) {
        if (file.ptr[i] == '/' || file.ptr[i] == '\\') start = i + 1;
    }
    weir_bytes name = weir_bytes_sub(file, start, SIZE_MAX);
    bool is_name = !weir_bytes_equal_str(name, ".") && !weir_bytes_equal_str(name, "..");
    for (size_t i = 0; i < name.len; i++) is_name &= !is_control(name.ptr[i]);
    return is_name ? name : weir_bytes_sub(name, 0, 0);
}

/* ---- dots ---- */

/* Drops what was written behind `start` from its last slash on. */
static void drop_last(weir_buf *out, size_t start) {
    size_t end = weir_buf_writer_index(out);
    uint8_t byte = 0;
    while (end > start && byte != '/') (void)weir_buf_get_bytes(out, --end, &byte, 1);
    (void)weir_buf_set_positions(out, weir_buf_reader_index(out), end);
}

void weir_http_path_remove_dots(weir_bytes path, weir_buf *out) {
    size_t start = weir_buf_writer_index(out);
    bool is_absolute = path.len != 0 && path.ptr[0] == '/';
    if (is_absolute) scan_skip(&path, 1);
    bool any = is_absolute;
    for (weir_bytes segment; weir_bytes_split(&path, '/', &segment);) {
        bool is_last = path.ptr == NULL;
        bool is_up = weir_bytes_equal_str(segment, "..");
        if (is_up) drop_last(out, start);
        if (is_up || weir_bytes_equal_str(segment, ".")) {
            if (is_last && any) weir_buf_write_str(out, "/");
            continue;
        }
        if (any) weir_buf_write_str(out, "/");
        weir_buf_write_view(out, segment);
        any = true;
    }
}
