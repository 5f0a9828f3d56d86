/* buf_varint.c - LEB128 decoded and encoded, from at most ten bytes that are copied together first. */
#include <weir/buffer/buf_varint.h>

weir_buf_got weir_varint_decode(weir_bytes bytes, unsigned bits, uint64_t *out, size_t *len) {
    uint64_t value = 0;
    unsigned shift = 0;
    for (size_t i = 0; i < bytes.len; i++, shift += 7) {
        uint8_t byte = bytes.ptr[i];
        uint8_t seven = byte & 0x7f;
        bool is_last_place = shift + 7 >= bits;
        if (is_last_place && (byte >= 0x80 || seven >> (bits - shift) != 0)) return WEIR_BUF_BROKEN;
        value |= (uint64_t)seven << shift;
        if (byte >= 0x80) continue;
        if (byte == 0 && i > 0) return WEIR_BUF_BROKEN;
        *out = value;
        *len = i + 1;
        return WEIR_BUF_GOT;
    }
    return WEIR_BUF_MORE;
}

weir_buf_got weir_buf_get_varint_slow(const weir_buf *buf, size_t at, unsigned bits, uint64_t *out,
                                      size_t *len) {
    uint8_t raw[WEIR_VARINT_MAX_U64];
    size_t capacity = weir_buf_capacity(buf);
    size_t n = at < capacity ? capacity - at : 0;
    if (n > sizeof raw) n = sizeof raw;
    if (n > 0) weir_buf_get_bytes(buf, at, raw, n);
    return weir_varint_decode(weir_bytes_of(raw, n), bits, out, len);
}

weir_buf_got weir_buf_peek_varint_slow(const weir_buf *buf, unsigned bits, uint64_t *out, size_t *len) {
    weir_bytes together = weir_buf_peek(buf);
    weir_buf_got got = weir_varint_decode(together, bits, out, len);
    if (got != WEIR_BUF_MORE || !weir_buf_is_composite(buf)) return got;
    uint8_t raw[WEIR_VARINT_MAX_U64];
    size_t n = weir_buf_readable(buf);
    if (n > sizeof raw) n = sizeof raw;
    weir_buf_peek_bytes(buf, raw, n);
    return weir_varint_decode(weir_bytes_of(raw, n), bits, out, len);
}

static size_t encode(uint8_t *to, uint64_t value) {
    size_t n = 0;
    for (; value >= 0x80; value >>= 7) to[n++] = (uint8_t)(value | 0x80);
    to[n++] = (uint8_t)value;
    return n;
}

void weir_buf_write_varint_slow(weir_buf *buf, uint64_t value) {
    uint8_t raw[WEIR_VARINT_MAX_U64];
    if ((size_t)(buf->ep - buf->wp) >= sizeof raw) {
        buf->wp += encode(buf->wp, value);
    } else {
        weir_buf_write_bytes(buf, raw, encode(raw, value));
    }
}
