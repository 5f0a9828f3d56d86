/* <weir/buffer/buf_float.h> - floating point numbers and truth values in and out of a buf.
 *
 * f32 and f64 (IEEE 754 binary32 and binary64), big endian, and with `_le` little endian; bool, one byte.
 * For each the five functions of buf_int.h:
 *
 *     bool weir_buf_read_f64(weir_buf *buf, double *out)             at the reader index, moves it
 *     bool weir_buf_peek_f64(const weir_buf *buf, double *out)       at the reader index, stays
 *     void weir_buf_write_f64(weir_buf *buf, double value)           at the writer index, grows
 *     bool weir_buf_get_f64(const weir_buf *buf, size_t at, double *out)   absolute
 *     bool weir_buf_set_f64(weir_buf *buf, size_t at, double value)        absolute
 *
 * They are the integers of the same width, their bits taken as they are: every NaN keeps its payload and
 * its sign. A bool is written as 0 or 1; any byte but 0 reads as true.
 *
 * All functions: Borrows: buf. Layer: buffer. Needs buf_int.h. One buf, one thread at a time.
 */
#ifndef WEIR_BUFFER_BUF_FLOAT_H
#define WEIR_BUFFER_BUF_FLOAT_H

#include <weir/buffer/buf_int.h>

WEIR_BEGIN_DECLS

/* The bits of one type as another of the same size. */
#define WEIR_BITS_OF(name, type, bits_type)                                                                  \
    static inline bits_type weir_bits_of_##name(type value) {                                                \
        bits_type bits;                                                                                      \
        memcpy(&bits, &value, sizeof bits);                                                                  \
        return bits;                                                                                         \
    }                                                                                                        \
    static inline type weir_##name##_of_bits(bits_type bits) {                                               \
        type value;                                                                                          \
        memcpy(&value, &bits, sizeof value);                                                                 \
        return value;                                                                                        \
    }

WEIR_BITS_OF(f32, float, uint32_t)
WEIR_BITS_OF(f64, double, uint64_t)

static inline uint8_t weir_bits_of_bool(bool value) {
    return value ? 1 : 0;
}
static inline bool weir_bool_of_bits(uint8_t bits) {
    return bits != 0;
}

/* The five functions of one type, over those of the integer `as`; the pattern is in the header above. */
#define WEIR_BUF_NUMBER(name, type, as, bits_type, kind)                                                     \
    static inline bool weir_buf_read_##name(weir_buf *buf, type *out) {                                      \
        bits_type bits;                                                                                      \
        if (!weir_buf_read_##as(buf, &bits)) return false;                                                   \
        *out = weir_##kind##_of_bits(bits);                                                                  \
        return true;                                                                                         \
    }                                                                                                        \
    static inline bool weir_buf_peek_##name(const weir_buf *buf, type *out) {                                \
        bits_type bits;                                                                                      \
        if (!weir_buf_peek_##as(buf, &bits)) return false;                                                   \
        *out = weir_##kind##_of_bits(bits);                                                                  \
        return true;                                                                                         \
    }                                                                                                        \
    static inline void weir_buf_write_##name(weir_buf *buf, type value) {                                    \
        weir_buf_write_##as(buf, weir_bits_of_##kind(value));                                                \
    }                                                                                                        \
    static inline bool weir_buf_get_##name(const weir_buf *buf, size_t at, type *out) {                      \
        bits_type bits;                                                                                      \
        if (!weir_buf_get_##as(buf, at, &bits)) return false;                                                \
        *out = weir_##kind##_of_bits(bits);                                                                  \
        return true;                                                                                         \
    }                                                                                                        \
    static inline bool weir_buf_set_##name(weir_buf *buf, size_t at, type value) {                           \
        return weir_buf_set_##as(buf, at, weir_bits_of_##kind(value));                                       \
    }

WEIR_BUF_NUMBER(bool, bool, u8, uint8_t, bool)
WEIR_BUF_NUMBER(f32, float, u32, uint32_t, f32)
WEIR_BUF_NUMBER(f64, double, u64, uint64_t, f64)
WEIR_BUF_NUMBER(f32_le, float, u32_le, uint32_t, f32)
WEIR_BUF_NUMBER(f64_le, double, u64_le, uint64_t, f64)

WEIR_END_DECLS

#endif
