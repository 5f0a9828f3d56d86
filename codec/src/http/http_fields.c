/* http_fields.c - looking at fields: entries of a list over one text. Changing them is http_fields_edit.c. */
#include <weir/buffer/buf_bytes.h>
#include <weir/codec/http_fields.h>

#include "http/http_fields_list.h"
#include "value_list.h"

void weir_http_fields_init(weir_http_fields *fields) {
    fields->text = NULL;
    fields->list = fields->inline_list;
    fields->count = 0;
    fields->room = WEIR_HTTP_FIELDS_INLINE;
    fields->any_removed = fields->text_is_held = false;
    memset(fields->first, 0, sizeof fields->first);
}

void weir_http_fields_clear(weir_http_fields *fields) {
    http_fields_let_go(fields);
    weir_http_fields_init(fields);
}

static weir_bytes name_of(const weir_http_fields *fields, const weir_http_field *field) {
    return weir_bytes_of(fields->text->rp + field->name_at, field->name_length);
}

static weir_bytes value_of(const weir_http_fields *fields, const weir_http_field *field) {
    return weir_bytes_of(fields->text->rp + field->value_at, field->value_length);
}

/* Where the first field of a known name may be at the earliest. */
static size_t begin_of(const weir_http_fields *fields, weir_http_name name) {
    WEIR_CHECK(name > WEIR_HTTP_OTHER && name < WEIR_HTTP_NAMES, "%d is no known field name", (int)name);
    unsigned first = fields->first[name];
    return first == 0 ? fields->count : first - 1u;
}

/* The value of the next field of a known name from `*at`. */
static inline bool next_value(const weir_http_fields *fields, weir_http_name name, size_t *at,
                              weir_bytes *value) {
    while (*at < fields->count) {
        const weir_http_field *field = &fields->list[(*at)++];
        if (field->name != name || field->removed) continue;
        *value = value_of(fields, field);
        return true;
    }
    return false;
}

weir_bytes weir_http_fields_get(const weir_http_fields *fields, weir_http_name name) {
    size_t at = begin_of(fields, name);
    weir_bytes value;
    return next_value(fields, name, &at, &value) ? value : weir_bytes_of(NULL, 0);
}

weir_bytes weir_http_fields_find(const weir_http_fields *fields, weir_bytes name) {
    weir_http_name known = weir_http_name_of(name);
    if (known != WEIR_HTTP_OTHER) return weir_http_fields_get(fields, known);
    size_t at = 0;
    weir_bytes found, value;
    while (weir_http_fields_next(fields, &at, &found, &value)) {
        if (weir_bytes_equal_nocase(found, name)) return value;
    }
    return weir_bytes_of(NULL, 0);
}

bool weir_http_fields_has_token(const weir_http_fields *fields, weir_http_name name, const char *token) {
    weir_bytes wanted = weir_bytes_str(token), rest, element;
    size_t at = begin_of(fields, name);
    while (next_value(fields, name, &at, &rest)) {
        while (value_list_next(&rest, ',', &element)) {
            if (weir_bytes_equal_nocase(value_list_token(element), wanted)) return true;
        }
    }
    return false;
}

bool weir_http_fields_next(const weir_http_fields *fields, size_t *at, weir_bytes *name, weir_bytes *value) {
    while (*at < fields->count && fields->list[*at].removed) ++*at;
    if (*at >= fields->count) return false;
    const weir_http_field *field = &fields->list[(*at)++];
    *name = name_of(fields, field);
    if (value != NULL) *value = value_of(fields, field);
    return true;
}

bool weir_http_fields_next_of(const weir_http_fields *fields, weir_http_name name, size_t *at,
                              weir_bytes *value) {
    size_t first = begin_of(fields, name);
    weir_bytes found;
    if (*at < first) *at = first;
    if (!next_value(fields, name, at, &found)) return false;
    if (value != NULL) *value = found;
    return true;
}

size_t weir_http_fields_count(const weir_http_fields *fields) {
    size_t n = fields->count;
    for (size_t i = 0; fields->any_removed && i < fields->count; i++) n -= fields->list[i].removed;
    return n;
}

weir_status weir_http_fields_write(const weir_http_fields *fields, weir_buf *out) {
    if (!fields->any_removed) {
        if (fields->text != NULL) weir_buf_write_view(out, weir_buf_peek(fields->text));
        return weir_buf_status(out);
    }
    size_t at = 0;
    weir_bytes name, value;
    while (weir_http_fields_next(fields, &at, &name, &value)) {
        weir_buf_write_view(out, name);
        weir_buf_write_bytes(out, ": ", 2);
        weir_buf_write_view(out, value);
        weir_buf_write_bytes(out, "\r\n", 2);
    }
    return weir_buf_status(out);
}
