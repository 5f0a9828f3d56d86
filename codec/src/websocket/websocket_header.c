/* websocket_header.c - frame headers from and to bytes, and the rules they obey. */
#include <weir/buffer/buf_int.h>
#include <weir/codec/websocket_frame.h>

enum {
    LENGTH_16 = 126, /* in the seven bits of the length: two bytes more tell */
    LENGTH_64 = 127  /* eight */
};

static size_t length_width(unsigned seven_bits) {
    return seven_bits == LENGTH_64 ? 8 : seven_bits == LENGTH_16 ? 2 : 0;
}

size_t weir_websocket_header_read(weir_websocket_header *out, weir_bytes bytes) {
    if (bytes.len < 2) return 0;
    unsigned seven_bits = bytes.ptr[1] & 0x7fu;
    out->final = (bytes.ptr[0] & 0x80) != 0;
    out->reserved = bytes.ptr[0] >> 4 & 7;
    out->opcode = bytes.ptr[0] & 15;
    out->masked = (bytes.ptr[1] & 0x80) != 0;
    out->length = seven_bits;
    size_t width = length_width(seven_bits);
    size_t size = 2 + width + (out->masked ? 4 : 0);
    out->size = (uint8_t)size;
    if (bytes.len < size) return 0;
    if (width != 0) out->length = weir_load_be(bytes.ptr + 2, width);
    if (out->masked) memcpy(out->mask, bytes.ptr + size - 4, 4);
    return size;
}

static bool is_known(unsigned opcode) {
    return (0x707u >> opcode & 1) != 0;
}

const char *weir_websocket_header_check(const weir_websocket_header *header, weir_websocket_role role,
                                        unsigned reserved) {
    bool is_control = weir_websocket_is_control(header->opcode);
    if ((header->reserved & ~reserved) != 0) return "reserved bits of a frame";
    if (!is_known(header->opcode)) return "opcode of a frame";
    if (header->masked != (role == WEIR_WEBSOCKET_SERVER)) return "mask of a frame";
    if (is_control && !header->final) return "fragmented control frame";
    if (is_control && header->reserved != 0) return "compressed control frame";
    if (is_control && header->length > WEIR_WEBSOCKET_CONTROL_MOST) return "control frame length";
    return NULL;
}

static size_t width_of(uint64_t length) {
    return length < LENGTH_16 ? 0 : length <= UINT16_MAX ? 2 : 8;
}

size_t weir_websocket_header_size(const weir_websocket_header *header) {
    return 2 + width_of(header->length) + (header->masked ? 4 : 0);
}

size_t weir_websocket_header_write(const weir_websocket_header *header, uint8_t *out) {
    WEIR_CHECK(header->length <= INT64_MAX, "a frame of more than 2^63 bytes");
    size_t width = width_of(header->length), size = 2 + width;
    unsigned seven_bits = width == 8 ? LENGTH_64 : width == 2 ? LENGTH_16 : (unsigned)header->length;
    out[0] = (uint8_t)((header->final ? 0x80 : 0) | (header->reserved & 7) << 4 | (header->opcode & 15));
    out[1] = (uint8_t)((header->masked ? 0x80 : 0) | seven_bits);
    if (width != 0) weir_store_be(out + 2, header->length, width);
    if (!header->masked) return size;
    memcpy(out + size, header->mask, 4);
    return size + 4;
}
