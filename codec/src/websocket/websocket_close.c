/* websocket_close.c - what is in a close frame. */
#include <weir/buffer/buf_int.h>
#include <weir/buffer/buf_text.h>
#include <weir/codec/websocket_close.h>

bool weir_websocket_close_is_valid(unsigned code) {
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
}

const char *weir_websocket_close_parse(weir_bytes payload, unsigned *code, weir_bytes *reason) {
    *reason = weir_bytes_of(NULL, 0);
    *code = WEIR_WEBSOCKET_CLOSE_NONE;
    if (payload.len == 0) return NULL;
    *code = WEIR_WEBSOCKET_CLOSE_PROTOCOL;
    if (payload.len == 1) return "close frame of one byte";
    unsigned given = (unsigned)weir_load_be(payload.ptr, 2);
    if (!weir_websocket_close_is_valid(given)) return "close code";
    weir_utf8 text = {0};
    weir_bytes rest = weir_bytes_sub(payload, 2, payload.len - 2);
    *code = WEIR_WEBSOCKET_CLOSE_BAD_DATA;
    if (!weir_utf8_feed(&text, rest) || !weir_utf8_is_whole(&text)) return "close reason is no UTF-8";
    *code = given;
    *reason = rest;
    return NULL;
}

static size_t cut_at_a_character(weir_bytes reason) {
    if (reason.len <= WEIR_WEBSOCKET_REASON_MOST) return reason.len;
    size_t n = WEIR_WEBSOCKET_REASON_MOST;
    while (n > 0 && (reason.ptr[n] & 0xc0) == 0x80) n--;
    return n;
}

void weir_websocket_close_write(weir_buf *out, unsigned code, weir_bytes reason) {
    if (code == WEIR_WEBSOCKET_CLOSE_NONE) return;
    WEIR_CHECK(weir_websocket_close_is_valid(code), "%u may not be in a close frame", code);
    weir_buf_write_u16(out, (uint16_t)code);
    weir_buf_write_bytes(out, reason.ptr, cut_at_a_character(reason));
}
