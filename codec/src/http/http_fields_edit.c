/* http_fields_edit.c - changing fields. The text only grows: lines of removed fields stay in it and are not sent. */
#include <weir/buffer/buf_bytes.h>
#include <weir/codec/http_fields.h>
#include <weir/core/alloc.h>

#include "http/http_chars.h"
#include "http/http_fields_list.h"
#include "http/http_scan.h"

#define TEXT_ROOM 256

weir_status http_fields_grow(weir_http_fields *fields) {
    if (fields->count == UINT16_MAX) return WEIR_E_LIMIT;
    size_t room = (size_t)fields->room * 2 < UINT16_MAX ? (size_t)fields->room * 2 : UINT16_MAX;
    bool is_inline = fields->list == fields->inline_list;
    weir_http_field *list = weir_alloc_resize(NULL, is_inline ? NULL : fields->list, room * sizeof *list);
    if (list == NULL) return WEIR_E_NO_MEMORY;
    if (is_inline) memcpy(list, fields->inline_list, sizeof fields->inline_list);
    fields->list = list;
    fields->room = (uint16_t)room;
    return WEIR_OK;
}

/* Room for `n` bytes behind the text, in memory that nobody else sees: a text that was parsed is copied first, and one
 * that its message holds does not grow, for the message may lie in it. */
static weir_status make_room(weir_http_fields *fields, size_t n) {
    weir_buf *text = fields->text;
    size_t have = text == NULL ? 0 : weir_buf_readable(text);
    if (n > UINT32_MAX - have) return WEIR_E_LIMIT;
    bool is_ours = text != NULL && !weir_buf_is_read_only(text) && weir_buf_is_unshared(text);
    if (is_ours && weir_buf_writable(text) >= n) return WEIR_OK;
    if (is_ours && !fields->text_is_held) {
        weir_buf_room room = weir_buf_ensure_writable(text, n, false);
        if (room == WEIR_BUF_ROOM_ENOUGH || room == WEIR_BUF_ROOM_GREW) return WEIR_OK;
    }
    weir_buf *own = weir_buf_new(have + n < TEXT_ROOM ? TEXT_ROOM : have + n);
    if (own == NULL) return WEIR_E_NO_MEMORY;
    if (text != NULL) weir_buf_write_view(own, weir_buf_peek(text));
    if (!fields->text_is_held) weir_buf_release(text);
    fields->text = own;
    fields->text_is_held = false;
    return WEIR_OK;
}

static weir_status add_line(weir_http_fields *fields, weir_http_name known, weir_bytes name,
                            weir_bytes value) {
    value = weir_bytes_trim(value);
    if (value.len > UINT32_MAX / 2) return WEIR_E_LIMIT;
    if (http_scan_line(value.ptr, value.len) != value.len) return WEIR_E_INVALID;
    if (fields->count == UINT16_MAX) return WEIR_E_LIMIT;
    weir_status status = make_room(fields, name.len + value.len + 4);
    if (status != WEIR_OK) return status;
    uint32_t at = (uint32_t)weir_buf_readable(fields->text);
    weir_http_field field = {
        .name_at = at,
        .value_at = at + (uint32_t)name.len + 2,
        .value_length = (uint32_t)value.len,
        .name_length = (uint16_t)name.len,
        .name = (uint8_t)known,
    };
    status = http_fields_note(fields, &field);
    if (status != WEIR_OK) return status;
    weir_buf_write_view(fields->text, name);
    weir_buf_write_bytes(fields->text, ": ", 2);
    weir_buf_write_view(fields->text, value);
    weir_buf_write_bytes(fields->text, "\r\n", 2);
    return WEIR_OK;
}

weir_status weir_http_fields_add(weir_http_fields *fields, weir_http_name name, weir_bytes value) {
    WEIR_CHECK(name != WEIR_HTTP_OTHER, "a field of another name is added by weir_http_fields_add_other");
    return add_line(fields, name, weir_http_name_text(name), value);
}

weir_status weir_http_fields_add_other(weir_http_fields *fields, weir_bytes name, weir_bytes value) {
    if (name.len > UINT16_MAX || !http_is_token(name)) return WEIR_E_INVALID;
    return add_line(fields, weir_http_name_of(name), name, value);
}

weir_status weir_http_fields_add_number(weir_http_fields *fields, weir_http_name name, uint64_t value) {
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    return weir_http_fields_add(fields, name, weir_bytes_of(digits + at, sizeof digits - at));
}

/* ---- taking away ---- */

/* Those before `end`. */
static size_t remove_before(weir_http_fields *fields, size_t end, weir_http_name known, weir_bytes name) {
    size_t removed = 0;
    for (size_t i = 0; i < end; i++) {
        weir_http_field *field = &fields->list[i];
        if (field->removed || field->name != known) continue;
        weir_bytes text = weir_bytes_of(fields->text->rp + field->name_at, field->name_length);
        if (known == WEIR_HTTP_OTHER && !weir_bytes_equal_nocase(text, name)) continue;
        field->removed = true;
        removed++;
    }
    fields->any_removed |= removed != 0;
    return removed;
}

weir_status weir_http_fields_set(weir_http_fields *fields, weir_http_name name, weir_bytes value) {
    weir_status status = weir_http_fields_add(fields, name, value);
    if (status != WEIR_OK) return status;
    size_t last = fields->count - 1u;
    remove_before(fields, last, name, weir_bytes_of(NULL, 0));
    fields->first[name] = (uint8_t)(last < 254 ? last + 1 : 255);
    return WEIR_OK;
}

size_t weir_http_fields_remove(weir_http_fields *fields, weir_http_name name) {
    WEIR_CHECK(name != WEIR_HTTP_OTHER,
               "a field of another name is removed by weir_http_fields_remove_other");
    if (!weir_http_fields_has(fields, name)) return 0;
    fields->first[name] = 0;
    return remove_before(fields, fields->count, name, weir_bytes_of(NULL, 0));
}

size_t weir_http_fields_remove_other(weir_http_fields *fields, weir_bytes name) {
    weir_http_name known = weir_http_name_of(name);
    if (known != WEIR_HTTP_OTHER) return weir_http_fields_remove(fields, known);
    return remove_before(fields, fields->count, known, name);
}
