/* http_fields_list.h - private: fields from inside: entries whose text the parser brings, and their end. */
#ifndef WEIR_CODEC_HTTP_FIELDS_LIST_H
#define WEIR_CODEC_HTTP_FIELDS_LIST_H

#include <weir/codec/http_fields.h>
#include <weir/core/alloc.h>

/* One more entry. Fails: WEIR_E_NO_MEMORY, WEIR_E_LIMIT past 65 535. */
weir_status http_fields_grow(weir_http_fields *fields);

/* The last of them: what they hold goes, and they are not ready for more. */
static inline void http_fields_let_go(weir_http_fields *fields) {
    if (!fields->text_is_held) weir_buf_release(fields->text);
    if (fields->list != fields->inline_list) weir_alloc_release(NULL, fields->list);
}

static inline weir_status http_fields_note(weir_http_fields *fields, const weir_http_field *field) {
    if (WEIR_UNLIKELY(fields->count == fields->room)) {
        weir_status status = http_fields_grow(fields);
        if (status != WEIR_OK) return status;
    }
    uint8_t *first = &fields->first[field->name];
    if (*first == 0) *first = (uint8_t)(fields->count < 254 ? fields->count + 1 : 255);
    fields->list[fields->count++] = *field;
    return WEIR_OK;
}

#endif
