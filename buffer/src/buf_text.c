/* buf_text.c - UTF-8 by the table of RFC 3629, section 4: a lead byte says how many follow and what the first
 * of them may be.
 */
#include <weir/buffer/buf_text.h>

#include <weir/buffer/buf_bytes.h>

#include "buf_walk.h"

enum {
    LONGEST = 4,
    WORD = sizeof(uint64_t)
};

/* ---- checking --------------------------------------------------------------------------------- */

/* The first byte of a character that is not ASCII. */
static bool take_lead(weir_utf8 *self, uint8_t byte) {
    if (byte < 0xc2 || byte > 0xf4) return false;
    self->owed = byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;
    self->low = byte == 0xe0 ? 0xa0 : byte == 0xf0 ? 0x90 : 0x80;
    self->high = byte == 0xed ? 0x9f : byte == 0xf4 ? 0x8f : 0xbf;
    return true;
}

static bool take_next(weir_utf8 *self, uint8_t byte) {
    if (byte < self->low || byte > self->high) return false;
    self->owed--;
    self->low = 0x80;
    self->high = 0xbf;
    return true;
}

static bool take_byte(weir_utf8 *self, uint8_t byte) {
    if (self->owed > 0) return take_next(self, byte);
    return byte < 0x80 || take_lead(self, byte);
}

/* How many bytes from `at` on are ASCII, eight at a time; a few at the end may be left over. */
static size_t count_ascii_words(weir_bytes bytes, size_t at) {
    size_t from = at;
    for (uint64_t word; bytes.len - at >= WORD; at += WORD) {
        memcpy(&word, bytes.ptr + at, WORD);
        if ((word & 0x8080808080808080u) != 0) break;
    }
    return at - from;
}

bool weir_utf8_feed(weir_utf8 *self, weir_bytes piece) {
    size_t at = 0;
    while (at < piece.len && !self->is_wrong) {
        if (self->owed == 0) at += count_ascii_words(piece, at);
        size_t end = piece.len - at < WORD ? piece.len : at + WORD;
        while (at < end && take_byte(self, piece.ptr[at])) at++;
        self->is_wrong = at < end;
    }
    self->checked += at;
    return !self->is_wrong;
}

bool weir_buf_is_utf8(const weir_buf *buf) {
    weir_utf8 text = {0};
    buf_walk walk = weir_walk_readable(buf, 0, weir_buf_readable(buf));
    buf_run run;
    while (weir_walk_next(&walk, &run)) {
        if (!weir_utf8_feed(&text, weir_bytes_of(run.ptr, run.len))) return false;
    }
    return weir_utf8_is_whole(&text);
}

bool weir_buf_is_ascii(const weir_buf *buf) {
    buf_walk walk = weir_walk_readable(buf, 0, weir_buf_readable(buf));
    buf_run run;
    while (weir_walk_next(&walk, &run)) {
        weir_bytes bytes = weir_bytes_of(run.ptr, run.len);
        for (size_t at = count_ascii_words(bytes, 0); at < bytes.len; at++) {
            if (bytes.ptr[at] > 0x7f) return false;
        }
    }
    return true;
}

/* ---- writing ---------------------------------------------------------------------------------- */

static bool is_code_point(uint32_t value) {
    return value < 0xd800 || (value > 0xdfff && value <= 0x10ffff);
}

size_t weir_utf8_size(uint32_t code_point) {
    if (!is_code_point(code_point)) code_point = WEIR_UTF8_REPLACEMENT;
    return code_point < 0x80 ? 1 : code_point < 0x800 ? 2 : code_point < 0x10000 ? 3 : 4;
}

void weir_buf_write_utf8(weir_buf *buf, uint32_t code_point) {
    static const uint8_t leads[LONGEST + 1] = {0, 0x00, 0xc0, 0xe0, 0xf0};
    if (!is_code_point(code_point)) code_point = WEIR_UTF8_REPLACEMENT;
    uint8_t raw[LONGEST];
    size_t n = weir_utf8_size(code_point);
    for (size_t i = n; i-- > 1; code_point >>= 6) raw[i] = (uint8_t)(0x80 | (code_point & 0x3f));
    raw[0] = (uint8_t)(leads[n] | code_point);
    weir_buf_write_bytes(buf, raw, n);
}

/* The bytes at the front that are whole characters, and behind them those of a broken one. */
static size_t count_right(weir_bytes text, size_t *broken) {
    weir_utf8 state = {0};
    size_t whole = 0;
    for (size_t at = 0; at < text.len; at++) {
        if (!take_byte(&state, text.ptr[at])) {
            *broken = at == whole ? 1 : at - whole;
            return whole;
        }
        if (state.owed == 0) whole = at + 1;
    }
    *broken = text.len - whole;
    return whole;
}

void weir_buf_write_utf8_lossy(weir_buf *buf, weir_bytes text) {
    while (text.len > 0) {
        size_t broken;
        size_t right = count_right(text, &broken);
        weir_buf_write_bytes(buf, text.ptr, right);
        if (broken > 0) weir_buf_write_utf8(buf, WEIR_UTF8_REPLACEMENT);
        text = weir_bytes_sub(text, right + broken, text.len);
    }
}
