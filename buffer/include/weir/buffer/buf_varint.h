/* <weir/buffer/buf_varint.h> - integers of variable length: LEB128, and zigzag for signed ones.
 *
 *     300 = 10 0101100     ->   1 0101100  0 0000010       seven bits a byte, the lowest first;
 *                               more ---^  ^--- the last   the top bit says that another follows
 *
 * As in Protocol Buffers, DWARF and WebAssembly. u32 and u64 as they are; s32 and s64 are zigzagged first
 * (0, -1, 1, -2 ... become 0, 1, 2, 3 ...), so that small negative numbers are short too. For each:
 *
 *     weir_buf_got weir_buf_read_varint_u32(weir_buf *buf, uint32_t *out)         moves the reader index
 *     weir_buf_got weir_buf_peek_varint_u32(const weir_buf *buf, uint32_t *out)   stays
 *     weir_buf_got weir_buf_get_varint_u32(const weir_buf *buf, size_t at, uint32_t *out, size_t *len)
 *     void weir_buf_write_varint_u32(weir_buf *buf, uint32_t value)               grows
 *     size_t weir_varint_size_u32(uint32_t value)                                 bytes it takes
 *
 * There is one encoding of each number: a longer one (a last byte of 0 behind another), one of more than
 * 5 or 10 bytes, and one beyond the range of the type are broken. Broken is told as soon as it is seen,
 * also when bytes are missing.
 *
 * All functions: Borrows: buf. Layer: buffer. Needs buf_bytes.h. One buf, one thread at a time.
 */
#ifndef WEIR_BUFFER_BUF_VARINT_H
#define WEIR_BUFFER_BUF_VARINT_H

#include <weir/buffer/buf_bytes.h>

WEIR_BEGIN_DECLS

/* How a read ended that cannot know beforehand how many bytes it needs. Unless GOT, nothing moved and
 * nothing was stored. */
typedef enum weir_buf_got {
    WEIR_BUF_MORE = 0,   /* what is there is a beginning: again when more bytes came */
    WEIR_BUF_GOT = 1,    /* all of it */
    WEIR_BUF_BROKEN = 2, /* no bytes that could follow make it right */
} weir_buf_got;

enum {
    WEIR_VARINT_MAX_U32 = 5,
    WEIR_VARINT_MAX_U64 = 10,
};

/* Zigzag: signed numbers to unsigned ones, small to small, and back. */
static inline uint64_t weir_zigzag(int64_t value) {
    return ((uint64_t)value << 1) ^ (value < 0 ? UINT64_MAX : 0);
}
static inline int64_t weir_unzigzag(uint64_t value) {
    return (int64_t)((value >> 1) ^ (0 - (value & 1)));
}

/* Bytes that `value` takes as a varint: 1 to 10. */
static inline size_t weir_varint_size_u64(uint64_t value) {
    return (64 - (size_t)__builtin_clzll(value | 1) + 6) / 7;
}
static inline size_t weir_varint_size_u32(uint32_t value) {
    return weir_varint_size_u64(value);
}
static inline size_t weir_varint_size_s64(int64_t value) {
    return weir_varint_size_u64(weir_zigzag(value));
}
static inline size_t weir_varint_size_s32(int32_t value) {
    return weir_varint_size_u64(weir_zigzag(value));
}

/* Decodes from the front of `bytes` a number of at most `bits` (32 or 64) bits, and says how long it was. */
WEIR_API weir_buf_got weir_varint_decode(weir_bytes bytes, unsigned bits, uint64_t *out, size_t *len);

/* The out-of-line halves: what is longer than a byte or not wholly in the window. Borrows: buf. */
WEIR_API weir_buf_got weir_buf_peek_varint_slow(const weir_buf *buf, unsigned bits, uint64_t *out,
                                                size_t *len);
WEIR_API weir_buf_got weir_buf_get_varint_slow(const weir_buf *buf, size_t at, unsigned bits, uint64_t *out,
                                               size_t *len);
WEIR_API void weir_buf_write_varint_slow(weir_buf *buf, uint64_t value);

/* The one under the four reads: one byte and two right here. Borrows: buf. */
static inline weir_buf_got weir_buf_peek_varint(const weir_buf *buf, unsigned bits, uint64_t *out,
                                                size_t *len) {
    const uint8_t *p = buf->rp;
    size_t n = (size_t)(buf->wp - p);
    if (WEIR_LIKELY(n > 0 && p[0] < 0x80)) {
        *out = p[0];
        *len = 1;
        return WEIR_BUF_GOT;
    }
    if (n > 1 && p[1] < 0x80 && p[1] > 0) {
        *out = (uint64_t)p[1] << 7 | (p[0] & 0x7f);
        *len = 2;
        return WEIR_BUF_GOT;
    }
    return weir_buf_peek_varint_slow(buf, bits, out, len);
}

/* The functions of one type; the pattern is in the header above. */
#define WEIR_BUF_VARINT(name, type, bits, of, to)                                                            \
    static inline weir_buf_got weir_buf_peek_varint_##name(const weir_buf *buf, type *out) {                 \
        uint64_t value;                                                                                      \
        size_t len;                                                                                          \
        weir_buf_got got = weir_buf_peek_varint(buf, (bits), &value, &len);                                  \
        if (got == WEIR_BUF_GOT) *out = (type)of(value);                                                     \
        return got;                                                                                          \
    }                                                                                                        \
    static inline weir_buf_got weir_buf_read_varint_##name(weir_buf *buf, type *out) {                       \
        uint64_t value;                                                                                      \
        size_t len;                                                                                          \
        weir_buf_got got = weir_buf_peek_varint(buf, (bits), &value, &len);                                  \
        if (WEIR_UNLIKELY(got != WEIR_BUF_GOT)) return got;                                                  \
        *out = (type)of(value);                                                                              \
        weir_buf_skip(buf, len);                                                                             \
        return WEIR_BUF_GOT;                                                                                 \
    }                                                                                                        \
    static inline weir_buf_got weir_buf_get_varint_##name(const weir_buf *buf, size_t at, type *out,         \
                                                          size_t *len) {                                     \
        uint64_t value;                                                                                      \
        weir_buf_got got = weir_buf_get_varint_slow(buf, at, (bits), &value, len);                           \
        if (got == WEIR_BUF_GOT) *out = (type)of(value);                                                     \
        return got;                                                                                          \
    }                                                                                                        \
    static inline void weir_buf_write_varint_##name(weir_buf *buf, type value) {                             \
        uint64_t number = to(value);                                                                         \
        if (WEIR_LIKELY(number < 0x80 && buf->ep != buf->wp)) {                                              \
            *buf->wp++ = (uint8_t)number;                                                                    \
        } else {                                                                                             \
            weir_buf_write_varint_slow(buf, number);                                                         \
        }                                                                                                    \
    }

WEIR_BUF_VARINT(u32, uint32_t, 32, (uint32_t), (uint64_t))
WEIR_BUF_VARINT(u64, uint64_t, 64, (uint64_t), (uint64_t))
WEIR_BUF_VARINT(s32, int32_t, 32, weir_unzigzag, weir_zigzag)
WEIR_BUF_VARINT(s64, int64_t, 64, weir_unzigzag, weir_zigzag)

WEIR_END_DECLS

#endif
