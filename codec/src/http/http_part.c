/* http_part.c - heads of parts. The copy has room for what is decoded behind it.
 */
#include <weir/codec/http_param.h>
#include <weir/codec/http_part.h>
#include <weir/codec/http_percent.h>
#include <weir/core/alloc.h>

#include "http/http_lex.h"

static weir_leak_counter live_parts = {.name = "http_part"};

static void part_free(weir_obj *obj) {
    weir_alloc_release(NULL, obj);
}

const weir_obj_type weir_http_part_type = {.name = "http_part", .free = part_free, .live = &live_parts};
const weir_obj_type weir_http_part_end_type = {.name = "http_part_end"};

weir_obj weir_http_part_end = {.type = &weir_http_part_end_type, .count = WEIR_OBJ_IMMORTAL};

/* The next line of `*rest` as a field; false at the end, or, with `*rest` not empty, when it is none. */
static bool next_field(weir_bytes *rest, weir_bytes *name, weir_bytes *value) {
    weir_bytes left = *rest;
    if (left.len == 0 || !scan_token(&left, name) || !scan_byte(&left, ':')) return false;
    size_t n = 0;
    while (n < left.len && scan_is_text_byte(left.ptr[n])) n++;
    *value = weir_bytes_trim(weir_bytes_sub(left, 0, n));
    scan_skip(&left, n);
    if (!scan_byte(&left, '\r') || !scan_byte(&left, '\n')) return false;
    *rest = left;
    return true;
}

weir_bytes weir_http_part_find(const weir_http_part *self, const char *wanted) {
    weir_bytes rest = self->head;
    for (weir_bytes name, value; next_field(&rest, &name, &value);) {
        if (weir_bytes_equal_nocase(name, weir_bytes_str(wanted))) return value;
    }
    return weir_bytes_of(NULL, 0);
}

static bool is_head(weir_bytes head) {
    weir_bytes name;
    weir_bytes value;
    while (next_field(&head, &name, &value)) continue;
    return head.len == 0;
}

/* Room behind the head, where values are decoded to. */
typedef struct scratch {
    uint8_t *at;
} scratch;

/* Without backslashes. Only in front of a quote or a backslash does one count: some browsers send the path of a
 * file as it is. */
static weir_bytes unescape(scratch *place, const weir_http_param *param) {
    uint8_t *start = place->at;
    weir_bytes value = param->value;
    for (size_t i = 0; i < value.len; i++) {
        bool escapes = param->is_escaped && value.ptr[i] == '\\' && i + 1 < value.len &&
                       (value.ptr[i + 1] == '"' || value.ptr[i + 1] == '\\');
        if (escapes) i++;
        *place->at++ = value.ptr[i];
    }
    return weir_bytes_of(start, (size_t)(place->at - start));
}

/* charset'language'percent-encoded (RFC 8187 3.2.1), of UTF-8; false when it is none. */
static bool take_extended(scratch *place, weir_bytes value, weir_bytes *out) {
    weir_bytes charset;
    weir_bytes language;
    size_t len;
    if (!weir_bytes_split(&value, '\'', &charset) || !weir_bytes_split(&value, '\'', &language)) return false;
    if (value.ptr == NULL || !weir_bytes_equal_nocase(charset, weir_bytes_str("UTF-8"))) return false;
    if (!weir_http_percent_decode(value, 0, place->at, &len)) return false;
    *out = weir_bytes_of(place->at, len);
    place->at += len;
    return true;
}

static void take_disposition(weir_http_part *self, scratch *place) {
    weir_bytes rest = weir_http_part_find(self, "Content-Disposition");
    weir_http_param param;
    if (rest.ptr == NULL || !scan_token(&rest, &self->disposition)) return;
    bool has_extended = false;
    while (weir_http_param_next(&rest, &param)) {
        bool is_first_name = self->name.ptr == NULL;
        bool is_first_file = self->file_name.ptr == NULL;
        if (is_first_name && weir_bytes_equal_nocase(param.name, weir_bytes_str("name"))) {
            self->name = unescape(place, &param);
        } else if (is_first_file && weir_bytes_equal_nocase(param.name, weir_bytes_str("filename"))) {
            self->file_name = unescape(place, &param);
        } else if (!has_extended && weir_bytes_equal_nocase(param.name, weir_bytes_str("filename*"))) {
            has_extended = take_extended(place, param.value, &self->file_name);
        }
    }
}

weir_status weir_http_part_new(weir_bytes head, weir_http_part **out) {
    if (!is_head(head)) return WEIR_E_FRAME_CORRUPT;
    if (head.len > (SIZE_MAX - sizeof(weir_http_part)) / 2) return WEIR_E_NO_MEMORY;
    weir_http_part *self = weir_alloc_acquire(NULL, sizeof *self + head.len * 2);
    if (self == NULL) return WEIR_E_NO_MEMORY;
    *self = (weir_http_part){0};
    weir_obj_init(&self->obj, &weir_http_part_type);
    uint8_t *copy = (uint8_t *)(self + 1);
    if (head.len != 0) memcpy(copy, head.ptr, head.len);
    self->head = weir_bytes_of(copy, head.len);
    self->content_type = weir_http_part_find(self, "Content-Type");
    take_disposition(self, &(scratch){copy + head.len});
    *out = self;
    return WEIR_OK;
}
