/* http_cookie.c - the pairs of a Cookie field.
 */
#include <weir/buffer/buf_bytes.h>
#include <weir/codec/http_cookie.h>

#include "http/http_cookie_value.h"

static bool take_pair(weir_bytes text, weir_http_cookie *out) {
    text = weir_bytes_trim(text);
    if (!scan_token(&text, &out->name) || !scan_byte(&text, '=')) return false;
    bool is_quoted = text.len >= 2 && text.ptr[0] == '"' && text.ptr[text.len - 1] == '"';
    out->value = is_quoted ? weir_bytes_sub(text, 1, text.len - 2) : text;
    return is_cookie_value(out->value);
}

bool weir_http_cookie_next(weir_bytes *rest, weir_http_cookie *out) {
    weir_http_cookie found;
    for (weir_bytes text; weir_bytes_split(rest, ';', &text);) {
        if (!take_pair(text, &found)) continue;
        *out = found;
        return true;
    }
    return false;
}

bool weir_http_cookie_find(weir_bytes field, const char *name, weir_http_cookie *out) {
    weir_http_cookie found;
    while (weir_http_cookie_next(&field, &found)) {
        if (!weir_bytes_equal_str(found.name, name)) continue;
        *out = found;
        return true;
    }
    return false;
}

weir_status weir_http_cookie_parse(weir_bytes field, weir_http_cookie *list, size_t *count) {
    size_t room = *count;
    *count = 0;
    for (weir_bytes text; weir_bytes_split(&field, ';', &text);) {
        weir_http_cookie found;
        if (!take_pair(text, &found)) return WEIR_E_INVALID;
        if (*count == room) return WEIR_E_LIMIT;
        list[(*count)++] = found;
    }
    return WEIR_OK;
}

weir_status weir_http_cookie_format(const weir_http_cookie *cookie, weir_buf *out) {
    if (!scan_is_token(cookie->name) || !is_cookie_value(cookie->value)) return WEIR_E_INVALID;
    if (weir_buf_is_readable(out)) weir_buf_write_str(out, "; ");
    weir_buf_write_view(out, cookie->name);
    weir_buf_write_str(out, "=");
    weir_buf_write_view(out, cookie->value);
    return weir_buf_status(out);
}
