/* http_percent.c - percent-encoding. Decoding never writes ahead of where it reads, so it works in place.
 */
#include <weir/buffer/buf_bytes.h>
#include <weir/codec/http_percent.h>

#include "http/http_lex.h"

/* '-' '.' 0-9, A-Z '_' a-z '~'; and besides them ! $ & ' ( ) * + , / : ; = @ */
const weir_byte_set weir_http_unreserved = {
    {UINT64_C(0x03ff600000000000), UINT64_C(0x47fffffe87fffffe), 0, 0}};
const weir_byte_set weir_http_path_bytes = {
    {UINT64_C(0x2fffffd200000000), UINT64_C(0x47fffffe87ffffff), 0, 0}};

static bool take_escape(weir_bytes text, size_t at, uint8_t *byte) {
    uint64_t value;
    if (text.len - at < 3 || !weir_bytes_hex_to_u64(weir_bytes_sub(text, at + 1, 2), &value)) return false;
    *byte = (uint8_t)value;
    return true;
}

bool weir_http_percent_decode(weir_bytes text, unsigned flags, uint8_t *out, size_t *len) {
    size_t n = 0;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t byte = text.ptr[i];
        if (byte == '%') {
            if (!take_escape(text, i, &byte)) return false;
            i += 2;
        } else if (byte == '+' && (flags & WEIR_HTTP_PLUS_IS_SPACE) != 0) {
            byte = ' ';
        }
        if (byte == 0 && (flags & WEIR_HTTP_ALLOW_NUL) == 0) return false;
        out[n++] = byte;
    }
    *len = n;
    return true;
}

weir_status weir_http_percent_read(weir_bytes text, unsigned flags, weir_buf *out) {
    size_t len;
    uint8_t *room = weir_buf_reserve(out, text.len);
    if (room == NULL) return weir_buf_status(out);
    if (!weir_http_percent_decode(text, flags, room, &len)) return WEIR_E_INVALID;
    weir_buf_commit(out, len);
    return WEIR_OK;
}

void weir_http_percent_write(weir_bytes text, const weir_byte_set *keep, weir_buf *out) {
    for (size_t at = 0; at < text.len;) {
        size_t n = 0;
        while (at + n < text.len && weir_byte_set_has(keep, text.ptr[at + n])) n++;
        weir_buf_write_bytes(out, text.ptr + at, n);
        at += n;
        if (at == text.len) return;
        uint8_t byte = text.ptr[at++];
        char escape[3] = {'%', "0123456789ABCDEF"[byte >> 4], "0123456789ABCDEF"[byte & 15]};
        weir_buf_write_bytes(out, escape, 3);
    }
}
