/* http_auth.c - Basic authentication, and the base64 it needs (RFC 4648 4).
 */
#include <weir/buffer/buf_bytes.h>
#include <weir/codec/http_auth.h>

#include "http/http_lex.h"

/* ---- base64 ---- */

static int digit_of(uint8_t byte) {
    if (byte >= 'A' && byte <= 'Z') return byte - 'A';
    if (byte >= 'a' && byte <= 'z') return byte - 'a' + 26;
    if (byte >= '0' && byte <= '9') return byte - '0' + 52;
    return byte == '+' ? 62 : byte == '/' ? 63 : -1;
}

/* Strictly: whole groups, and no bits set that belong to no byte. */
static bool decode(weir_bytes text, uint8_t *out, size_t *len) {
    size_t padding = 0;
    while (padding < 2 && padding < text.len && text.ptr[text.len - padding - 1] == '=') padding++;
    if (text.len % 4 != 0) return false;
    uint32_t bits = 0;
    size_t n = 0;
    for (size_t i = 0; i < text.len; i++) {
        int digit = i >= text.len - padding ? 0 : digit_of(text.ptr[i]);
        if (digit < 0) return false;
        bits = bits << 6 | (uint32_t)digit;
        if (i % 4 != 3) continue;
        for (unsigned shift = 24; shift > 0;) {
            shift -= 8;
            out[n++] = (uint8_t)(bits >> shift);
        }
    }
    for (size_t i = 1; i <= padding; i++) {
        if (out[n - i] != 0) return false;
    }
    *len = n - padding;
    return true;
}

typedef struct encoder {
    weir_buf *out;
    uint32_t bits;
    unsigned count; /* bytes in `bits` */
} encoder;

static void put_group(encoder *self, unsigned digits) {
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (unsigned i = 0; i < 4; i++) {
        weir_buf_write_bytes(self->out, i < digits ? &alphabet[self->bits >> (18 - 6 * i) & 63] : "=", 1);
    }
    self->bits = 0;
    self->count = 0;
}

static void put_bytes(encoder *self, weir_bytes bytes) {
    for (size_t i = 0; i < bytes.len; i++) {
        self->bits |= (uint32_t)bytes.ptr[i] << (16 - 8 * self->count++);
        if (self->count == 3) put_group(self, 4);
    }
}

/* ---- Basic ---- */

static bool has_control(weir_bytes text) {
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < 0x20 || text.ptr[i] == 0x7f) return true;
    }
    return false;
}

bool weir_http_basic_parse(weir_bytes field, weir_buf *scratch, weir_http_basic *out) {
    weir_bytes scheme;
    size_t len;
    if (!scan_token(&field, &scheme) || !weir_bytes_equal_nocase(scheme, weir_bytes_str("Basic")))
        return false;
    if (!scan_byte(&field, ' ')) return false;
    field = weir_bytes_trim(field);
    uint8_t *room = field.len == 0 ? NULL : weir_buf_reserve(scratch, field.len);
    if (room == NULL || !decode(field, room, &len)) return false;
    weir_bytes both = weir_bytes_of(room, len);
    size_t colon = weir_bytes_find(both, ':');
    if (colon == WEIR_NOT_FOUND || has_control(both)) return false;
    weir_buf_commit(scratch, len);
    *out = (weir_http_basic){weir_bytes_sub(both, 0, colon), weir_bytes_sub(both, colon + 1, SIZE_MAX)};
    return true;
}

void weir_http_basic_format(const weir_http_basic *basic, weir_buf *out) {
    bool is_user = weir_bytes_find(basic->user, ':') == WEIR_NOT_FOUND;
    if (!is_user || has_control(basic->user) || has_control(basic->password)) {
        weir_buf_fail(out, WEIR_E_INVALID);
        return;
    }
    encoder self = {.out = out};
    weir_buf_write_str(out, "Basic ");
    put_bytes(&self, basic->user);
    put_bytes(&self, weir_bytes_str(":"));
    put_bytes(&self, basic->password);
    if (self.count != 0) put_group(&self, self.count + 1);
}

bool weir_http_secret_equal(weir_bytes given, weir_bytes secret) {
    volatile uint8_t differs = given.len != secret.len;
    for (size_t i = 0; i < given.len; i++) {
        uint8_t against = secret.len == 0 ? 0 : secret.ptr[i % secret.len];
        differs = (uint8_t)(differs | (given.ptr[i] ^ against));
    }
    return differs == 0;
}
