/* fuzz_buf_values.c - values read from any bytes: the same from one piece and from parts of any size, what is not all
 * there moves nothing, and what was read is written back as it was.
 */
#include <weir/buffer.h>

#include "fuzz/chance.h"
#include "fuzz/fuzz.h"

enum {
    HEADER = 16,
    SIZE_MOST = 2000
};

typedef struct reading {
    weir_buf *whole, *parts;
    chance luck;
} reading;

static weir_buf *cut(weir_bytes bytes) {
    weir_buf *all = weir_buf_composite_new();
    chance luck = chance_of_seed(bytes.len);
    for (size_t at = 0, n; at < bytes.len; at += n) {
        n = 1 + chance_below(&luck, 5);
        weir_bytes piece = weir_bytes_sub(bytes, at, n);
        weir_buf *part = weir_buf_new(piece.len);
        weir_buf_write_view(part, piece);
        MUST(weir_buf_composite_append(all, part) == WEIR_OK);
    }
    return all;
}

/* What is written is what was read, or a shorter way to say it (a varint may have needless bytes). */
static void judge_varint(weir_buf_got got, weir_buf_got again, uint64_t value, uint64_t same, size_t used) {
    MUST(got == again && (got != WEIR_BUF_GOT || value == same));
    if (got != WEIR_BUF_GOT) {
        MUST(used == 0);
        return;
    }
    weir_buf *out = weir_buf_new(0);
    uint64_t back = 0;
    weir_buf_write_varint_u64(out, value);
    MUST(weir_buf_readable(out) <= used);
    MUST(weir_buf_read_varint_u64(out, &back) == WEIR_BUF_GOT && back == value);
    weir_buf_release(out);
}

static void read_varint(reading *self) {
    size_t before = weir_buf_readable(self->whole);
    weir_buf_got got, again;
    if (chance_below(&self->luck, 2) == 0) {
        uint64_t value = 0, same = 0;
        got = weir_buf_read_varint_u64(self->whole, &value);
        again = weir_buf_read_varint_u64(self->parts, &same);
        judge_varint(got, again, value, same, before - weir_buf_readable(self->whole));
    } else {
        uint32_t value = 0, same = 0;
        got = weir_buf_read_varint_u32(self->whole, &value);
        again = weir_buf_read_varint_u32(self->parts, &same);
        judge_varint(got, again, value, same, before - weir_buf_readable(self->whole));
    }
}

static void read_block(reading *self) {
    weir_buf_length_kind kind = (weir_buf_length_kind)chance_below(&self->luck, WEIR_BUF_LENGTH_VARINT + 1);
    static const uint64_t limits[] = {0, 10, 1000, UINT64_MAX};
    uint64_t most = limits[chance_below(&self->luck, 4)];
    size_t before = weir_buf_readable(self->whole), head = 0, len = 0;
    weir_buf *slice = NULL;
    weir_bytes view = {0};
    weir_buf_got peeked = weir_buf_peek_length(self->whole, kind, most, &head, &len);
    weir_buf_got got = weir_buf_read_block(self->whole, kind, most, &slice);
    weir_buf_got again = weir_buf_read_block_view(self->parts, kind, most, &view);
    MUST(got == peeked && got == again);
    if (got != WEIR_BUF_GOT) {
        MUST(weir_buf_readable(self->whole) == before);
        return;
    }
    MUST(len <= most && head + len == before - weir_buf_readable(self->whole));
    MUST(weir_buf_readable(slice) == len && weir_buf_equal_bytes(slice, view));
    weir_buf_release(slice);
}

static void read_integers(reading *self) {
    uint32_t value = 1, same = 1;
    uint64_t wide = 1, same_wide = 1;
    MUST(weir_buf_read_u24(self->whole, &value) == weir_buf_read_u24(self->parts, &same) && value == same);
    MUST(weir_buf_read_u64_le(self->whole, &wide) == weir_buf_read_u64_le(self->parts, &same_wide));
    MUST(wide == same_wide);
}

/* ---- text ---- */

/* A character of RFC 3629 at the front, by its definition: how long; 0 for none. */
static size_t character(weir_bytes text) {
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    uint8_t first = text.len > 0 ? text.ptr[0] : 0xFF;
    size_t n = first < 0x80 ? 1 : first >> 5 == 6 ? 2 : first >> 4 == 14 ? 3 : first >> 3 == 30 ? 4 : 0;
    if (n == 0 || n > text.len) return 0;
    uint32_t point = n == 1 ? first : first & (0x7Fu >> n);
    for (size_t i = 1; i < n; i++) {
        if (text.ptr[i] >> 6 != 2) return 0;
        point = point << 6 | (text.ptr[i] & 0x3F);
    }
    bool is_one = point >= least[n] && point <= 0x10FFFF && (point < 0xD800 || point > 0xDFFF);
    return is_one ? n : 0;
}

static bool is_text(weir_bytes text) {
    for (size_t n; text.len > 0; text = weir_bytes_sub(text, n, text.len)) {
        n = character(text);
        if (n == 0) return false;
    }
    return true;
}

static void judge_text(weir_bytes text, const weir_buf *parts) {
    bool is_right = is_text(text);
    weir_utf8 in_pieces = {0};
    for (size_t at = 0; at < text.len; at += 3) (void)weir_utf8_feed(&in_pieces, weir_bytes_sub(text, at, 3));
    MUST(weir_buf_is_utf8(parts) == is_right && weir_utf8_is_whole(&in_pieces) == is_right);
    weir_buf *lossy = weir_buf_new(0);
    weir_buf_write_utf8_lossy(lossy, text);
    MUST(is_text(weir_buf_peek(lossy)) && weir_buf_is_utf8(lossy));
    if (is_right) MUST(weir_buf_equal(lossy, parts));
    weir_buf_clear(lossy);
    weir_buf_dump(parts, 0, weir_buf_readable(parts), lossy);
    MUST(weir_buf_status(lossy) == WEIR_OK);
    weir_buf_release(lossy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static void (*const reads[])(reading *) = {read_varint, read_block, read_integers};
    if (size < HEADER || size > SIZE_MOST) return 0;
    weir_bytes bytes = weir_bytes_of(data + HEADER, size - HEADER);
    reading self = {.whole = weir_buf_new(bytes.len), .parts = cut(bytes)};
    self.luck = chance_of_bytes(data, HEADER);
    MUST(self.whole != NULL);
    weir_buf_write_view(self.whole, bytes);
    judge_text(bytes, self.parts);
    while (!chance_is_over(&self.luck)) {
        reads[chance_below(&self.luck, 3)](&self);
        MUST(weir_buf_equal(self.whole, self.parts));
    }
    weir_buf_release(self.whole);
    weir_buf_release(self.parts);
    return 0;
}
