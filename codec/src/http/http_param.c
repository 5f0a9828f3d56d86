/* http_param.c - parameters: tokens or quoted strings behind semicolons.
 */
#include <weir/buffer/buf_bytes.h>
#include <weir/codec/http_param.h>

#include "http/http_lex.h"

bool weir_http_param_next(weir_bytes *rest, weir_http_param *out) {
    weir_bytes left = *rest;
    do scan_space(&left);
    while (scan_byte(&left, ';')); /* empty ones are allowed (5.6.6) */
    if (left.len == 0) {
        *rest = left;
        return false;
    }
    if (left.ptr == rest->ptr) return false; /* no semicolon */
    weir_http_param param = {0};
    if (!scan_token(&left, &param.name) || !scan_byte(&left, '=')) return false;
    if (scan_quoted(&left, &param.value)) {
        param.is_escaped = weir_bytes_find(param.value, '\\') != WEIR_NOT_FOUND;
    } else if (!scan_token(&left, &param.value)) {
        return false;
    }
    scan_space(&left);
    if (left.len != 0 && *left.ptr != ';') return false;
    *rest = left;
    *out = param;
    return true;
}

bool weir_http_param_find(weir_bytes params, const char *name, weir_http_param *out) {
    weir_http_param param;
    while (weir_http_param_next(&params, &param)) {
        if (!weir_bytes_equal_nocase(param.name, weir_bytes_str(name))) continue;
        *out = param;
        return true;
    }
    return false;
}

bool weir_http_param_are_valid(weir_bytes params) {
    weir_http_param param;
    while (weir_http_param_next(&params, &param)) continue;
    return params.len == 0;
}

void weir_http_param_write(const weir_http_param *self, weir_buf *out) {
    for (size_t i = 0; i < self->value.len; i++) {
        if (self->is_escaped && self->value.ptr[i] == '\\') i++;
        weir_buf_write_bytes(out, self->value.ptr + i, 1);
    }
}

void weir_http_param_format(const char *name, weir_bytes value, weir_buf *out) {
    weir_buf_write_str(out, "; ");
    weir_buf_write_str(out, name);
    weir_buf_write_str(out, "=");
    if (scan_is_token(value)) {
        weir_buf_write_view(out, value);
        return;
    }
    weir_buf_write_str(out, "\"");
    for (size_t i = 0; i < value.len; i++) {
        uint8_t byte = value.ptr[i];
        if (!scan_is_text_byte(byte)) weir_buf_fail(out, WEIR_E_INVALID);
        if (byte == '"' || byte == '\\') weir_buf_write_str(out, "\\");
        weir_buf_write_bytes(out, &byte, 1);
    }
    weir_buf_write_str(out, "\"");
}
