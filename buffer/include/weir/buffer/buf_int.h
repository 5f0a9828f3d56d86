/* <weir/buffer/buf_int.h> - integers in and out of a buf, both byte orders.
 *
 * For each width: u8 i8 u16 i16 u24 i24 u32 i32 u64 i64, big endian, and with `_le` little endian:
 *
 *     bool weir_buf_read_u32(weir_buf *buf, uint32_t *out)             at the reader index, moves it
 *     bool weir_buf_peek_u32(const weir_buf *buf, uint32_t *out)       at the reader index, stays
 *     void weir_buf_write_u32(weir_buf *buf, uint32_t value)           at the writer index, grows
 *     bool weir_buf_get_u32(const weir_buf *buf, size_t at, uint32_t *out)   absolute
 *     bool weir_buf_set_u32(weir_buf *buf, size_t at, uint32_t value)        absolute
 *
 * read, peek and get answer false when the bytes are not there, and then leave `*out` and the indices
 * alone; set answers false beyond the capacity. i24 extends its sign from bit 23; writing a 24-bit
 * value drops what is above. Integers across the parts of a composite come out right.
 *
 * All functions: Borrows: buf. Layer: buffer. Needs buf_bytes.h. One buf, one thread at a time.
 */
#ifndef WEIR_BUFFER_BUF_INT_H
#define WEIR_BUFFER_BUF_INT_H

#include <weir/buffer/buf_bytes.h>

WEIR_BEGIN_DECLS

/* The bytes of a number from the order of this machine to the order named, or back: it is the same swap. */
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define WEIR_ORDER_be(bits, value) (value)
#define WEIR_ORDER_le(bits, value) __builtin_bswap##bits(value)
#else
#define WEIR_ORDER_be(bits, value) __builtin_bswap##bits(value)
#define WEIR_ORDER_le(bits, value) (value)
#endif

/* weir_load_be(p, width): the `width` bytes at `p`, 1 to 8, as a number.
 * weir_store_be(p, value, width): the low `width` bytes of `value` to `p`.
 * And weir_load_le, weir_store_le. With a constant width they are one load or store, and one swap. */
#define WEIR_LOAD_STORE(order, place)                                                                        \
    static inline uint64_t weir_load_##order(const uint8_t *p, size_t width) {                               \
        uint64_t value = 0;                                                                                  \
        uint32_t half;                                                                                       \
        uint16_t quarter;                                                                                    \
        switch (width) {                                                                                     \
        case 8: memcpy(&value, p, 8); return WEIR_ORDER_##order(64, value);                                  \
        case 4: memcpy(&half, p, 4); return WEIR_ORDER_##order(32, half);                                    \
        case 2: memcpy(&quarter, p, 2); return WEIR_ORDER_##order(16, quarter);                              \
        default: break;                                                                                      \
        }                                                                                                    \
        for (size_t i = 0; i < width; i++) value |= (uint64_t)p[i] << (8 * (place));                         \
        return value;                                                                                        \
    }                                                                                                        \
    static inline void weir_store_##order(uint8_t *p, uint64_t value, size_t width) {                        \
        uint64_t whole = WEIR_ORDER_##order(64, value);                                                      \
        uint32_t half = WEIR_ORDER_##order(32, (uint32_t)value);                                             \
        uint16_t quarter = WEIR_ORDER_##order(16, (uint16_t)value);                                          \
        switch (width) {                                                                                     \
        case 8: memcpy(p, &whole, 8); return;                                                                \
        case 4: memcpy(p, &half, 4); return;                                                                 \
        case 2: memcpy(p, &quarter, 2); return;                                                              \
        default: break;                                                                                      \
        }                                                                                                    \
        for (size_t i = 0; i < width; i++) p[i] = (uint8_t)(value >> (8 * (place)));                         \
    }

WEIR_LOAD_STORE(be, width - 1 - i)
WEIR_LOAD_STORE(le, i)

/* Bit `width * 8 - 1` of a number copied to all bits above it. */
static inline int64_t weir_extend_sign(uint64_t value, size_t width) {
    unsigned shift = 64 - 8 * (unsigned)width;
    return (int64_t)(value << shift) >> shift;
}

/* Zero-extends: the twin of weir_extend_sign for unsigned types. */
static inline uint64_t weir_extend_zero(uint64_t value, size_t width) {
    (void)width;
    return value;
}

/* The five functions of one width and order; the pattern is in the header above. */
#define WEIR_BUF_INTEGER(name, type, width, order, extend)                                                   \
    static inline bool weir_buf_read_##name(weir_buf *buf, type *out) {                                      \
        uint8_t raw[width];                                                                                  \
        const uint8_t *from = buf->rp;                                                                       \
        if (WEIR_LIKELY((size_t)(buf->wp - buf->rp) >= (width))) {                                           \
            buf->rp += (width);                                                                              \
        } else if (weir_buf_read_slow(buf, raw, (width))) {                                                  \
            from = raw;                                                                                      \
        } else {                                                                                             \
            return false;                                                                                    \
        }                                                                                                    \
        *out = (type)extend(weir_load_##order(from, (width)), (width));                                      \
        return true;                                                                                         \
    }                                                                                                        \
    static inline bool weir_buf_peek_##name(const weir_buf *buf, type *out) {                                \
        uint8_t raw[width];                                                                                  \
        const uint8_t *from = buf->rp;                                                                       \
        if (WEIR_UNLIKELY((size_t)(buf->wp - buf->rp) < (width))) {                                          \
            if (!weir_buf_peek_bytes(buf, raw, (width))) return false;                                       \
            from = raw;                                                                                      \
        }                                                                                                    \
        *out = (type)extend(weir_load_##order(from, (width)), (width));                                      \
        return true;                                                                                         \
    }                                                                                                        \
    static inline void weir_buf_write_##name(weir_buf *buf, type value) {                                    \
        if (WEIR_LIKELY((size_t)(buf->ep - buf->wp) >= (width))) {                                           \
            weir_store_##order(buf->wp, (uint64_t)value, (width));                                           \
            buf->wp += (width);                                                                              \
        } else {                                                                                             \
            uint8_t raw[width];                                                                              \
            weir_store_##order(raw, (uint64_t)value, (width));                                               \
            weir_buf_write_slow(buf, raw, (width));                                                          \
        }                                                                                                    \
    }                                                                                                        \
    static inline bool weir_buf_get_##name(const weir_buf *buf, size_t at, type *out) {                      \
        uint8_t raw[width];                                                                                  \
        const uint8_t *from = weir_buf_at(buf, at, (width));                                                 \
        if (WEIR_UNLIKELY(from == NULL)) {                                                                   \
            if (!weir_buf_get_bytes(buf, at, raw, (width))) return false;                                    \
            from = raw;                                                                                      \
        }                                                                                                    \
        *out = (type)extend(weir_load_##order(from, (width)), (width));                                      \
        return true;                                                                                         \
    }                                                                                                        \
    static inline bool weir_buf_set_##name(weir_buf *buf, size_t at, type value) {                           \
        uint8_t raw[width];                                                                                  \
        uint8_t *to = weir_buf_at(buf, at, (width));                                                         \
        if (WEIR_LIKELY(to != NULL && !weir_buf_is_read_only(buf))) {                                        \
            weir_store_##order(to, (uint64_t)value, (width));                                                \
            return true;                                                                                     \
        }                                                                                                    \
        weir_store_##order(raw, (uint64_t)value, (width));                                                   \
        return weir_buf_set_bytes(buf, at, raw, (width));                                                    \
    }

WEIR_BUF_INTEGER(u8, uint8_t, 1, be, weir_extend_zero)
WEIR_BUF_INTEGER(i8, int8_t, 1, be, weir_extend_sign)
WEIR_BUF_INTEGER(u16, uint16_t, 2, be, weir_extend_zero)
WEIR_BUF_INTEGER(i16, int16_t, 2, be, weir_extend_sign)
WEIR_BUF_INTEGER(u24, uint32_t, 3, be, weir_extend_zero)
WEIR_BUF_INTEGER(i24, int32_t, 3, be, weir_extend_sign)
WEIR_BUF_INTEGER(u32, uint32_t, 4, be, weir_extend_zero)
WEIR_BUF_INTEGER(i32, int32_t, 4, be, weir_extend_sign)
WEIR_BUF_INTEGER(u64, uint64_t, 8, be, weir_extend_zero)
WEIR_BUF_INTEGER(i64, int64_t, 8, be, weir_extend_sign)
WEIR_BUF_INTEGER(u16_le, uint16_t, 2, le, weir_extend_zero)
WEIR_BUF_INTEGER(i16_le, int16_t, 2, le, weir_extend_sign)
WEIR_BUF_INTEGER(u24_le, uint32_t, 3, le, weir_extend_zero)
WEIR_BUF_INTEGER(i24_le, int32_t, 3, le, weir_extend_sign)
WEIR_BUF_INTEGER(u32_le, uint32_t, 4, le, weir_extend_zero)
WEIR_BUF_INTEGER(i32_le, int32_t, 4, le, weir_extend_sign)
WEIR_BUF_INTEGER(u64_le, uint64_t, 8, le, weir_extend_zero)
WEIR_BUF_INTEGER(i64_le, int64_t, 8, le, weir_extend_sign)

WEIR_END_DECLS

#endif
