/* buf_length.c - lengths in front of what they measure, through one table of how each kind is written. */
#include <weir/buffer/buf_length.h>

#include <weir/buffer/buf_composite.h>
#include <weir/buffer/buf_int.h>
#include <weir/buffer/buf_view.h>

typedef struct length_kind {
    size_t width; /* 0: as long as the number wants */
    bool is_little;
} length_kind;

static const length_kind kinds[] = {
    [WEIR_BUF_LENGTH_U8] = {1, false},    [WEIR_BUF_LENGTH_U16] = {2, false},
    [WEIR_BUF_LENGTH_U24] = {3, false},   [WEIR_BUF_LENGTH_U32] = {4, false},
    [WEIR_BUF_LENGTH_U64] = {8, false},   [WEIR_BUF_LENGTH_U16_LE] = {2, true},
    [WEIR_BUF_LENGTH_U24_LE] = {3, true}, [WEIR_BUF_LENGTH_U32_LE] = {4, true},
    [WEIR_BUF_LENGTH_U64_LE] = {8, true}, [WEIR_BUF_LENGTH_VARINT] = {0, false},
};

enum {
    WIDEST = 8
};

static length_kind kind_of(weir_buf_length_kind kind) {
    WEIR_CHECK((size_t)kind < sizeof kinds / sizeof kinds[0], "%d is no kind of length", (int)kind);
    return kinds[kind];
}

static bool fits(length_kind kind, uint64_t len) {
    return kind.width == 0 || kind.width == WIDEST || len >> (8 * kind.width) == 0;
}

static void spell(uint8_t *to, length_kind kind, uint64_t len) {
    if (kind.is_little) {
        weir_store_le(to, len, kind.width);
    } else {
        weir_store_be(to, len, kind.width);
    }
}

/* ---- writing ---------------------------------------------------------------------------------- */

weir_buf_length weir_buf_begin_length(weir_buf *buf, weir_buf_length_kind kind) {
    length_kind how = kind_of(kind);
    WEIR_CHECK(how.width > 0, "no room can be left for a varint: its width depends on the number");
    weir_buf_length length = {weir_buf_writer_index(buf), kind};
    weir_buf_write_fill(buf, 0, how.width);
    return length;
}

weir_status weir_buf_end_length(weir_buf *buf, weir_buf_length length) {
    if (weir_buf_status(buf) != WEIR_OK) return weir_buf_status(buf);
    length_kind how = kind_of(length.kind);
    size_t writer = weir_buf_writer_index(buf);
    WEIR_CHECK(length.at <= writer && how.width <= writer - length.at,
               "a length at %zu is filled in, but the buf ends at %zu", length.at, writer);
    size_t len = writer - length.at - how.width;
    if (!fits(how, len)) {
        weir_buf_fail(buf, WEIR_E_FRAME_TOO_LONG);
        return WEIR_E_FRAME_TOO_LONG;
    }
    uint8_t raw[WIDEST];
    spell(raw, how, len);
    weir_buf_set_bytes(buf, length.at, raw, how.width);
    return WEIR_OK;
}

void weir_buf_write_block(weir_buf *buf, weir_buf_length_kind kind, weir_bytes block) {
    length_kind how = kind_of(kind);
    if (!fits(how, block.len)) {
        weir_buf_fail(buf, WEIR_E_FRAME_TOO_LONG);
    } else if (how.width == 0) {
        weir_buf_write_varint_u64(buf, block.len);
    } else {
        uint8_t raw[WIDEST];
        spell(raw, how, block.len);
        weir_buf_write_bytes(buf, raw, how.width);
    }
    weir_buf_write_view(buf, block);
}

/* ---- reading ---------------------------------------------------------------------------------- */

static weir_buf_got peek_number(const weir_buf *buf, length_kind how, uint64_t *number, size_t *head) {
    if (how.width == 0) return weir_buf_peek_varint(buf, 64, number, head);
    uint8_t raw[WIDEST];
    if (!weir_buf_peek_bytes(buf, raw, how.width)) return WEIR_BUF_MORE;
    *number = how.is_little ? weir_load_le(raw, how.width) : weir_load_be(raw, how.width);
    *head = how.width;
    return WEIR_BUF_GOT;
}

weir_buf_got weir_buf_peek_length(const weir_buf *buf, weir_buf_length_kind kind, uint64_t max, size_t *head,
                                  size_t *len) {
    uint64_t number;
    size_t width;
    weir_buf_got got = peek_number(buf, kind_of(kind), &number, &width);
    if (got != WEIR_BUF_GOT) return got;
    if (number > max) return WEIR_BUF_BROKEN;
    if (weir_buf_readable(buf) - width < number) return WEIR_BUF_MORE;
    *head = width;
    *len = (size_t)number;
    return WEIR_BUF_GOT;
}

weir_buf_got weir_buf_read_block(weir_buf *buf, weir_buf_length_kind kind, uint64_t max, weir_buf **slice) {
    size_t head, len;
    weir_buf_got got = weir_buf_peek_length(buf, kind, max, &head, &len);
    if (got != WEIR_BUF_GOT) return got;
    *slice = weir_buf_slice(buf, head, len);
    if (*slice != NULL) weir_buf_skip(buf, head + len);
    return WEIR_BUF_GOT;
}

weir_buf_got weir_buf_read_block_view(weir_buf *buf, weir_buf_length_kind kind, uint64_t max,
                                      weir_bytes *view) {
    size_t head, len;
    weir_buf_got got = weir_buf_peek_length(buf, kind, max, &head, &len);
    if (got != WEIR_BUF_GOT) return got;
    weir_bytes together = weir_buf_coalesce(buf, head + len);
    *view = together.ptr == NULL ? together : weir_bytes_sub(together, head, len);
    if (together.ptr != NULL) weir_buf_skip(buf, head + len);
    return WEIR_BUF_GOT;
}
