/* buf_int_test.c - every integer family, at every offset, over every seam. */
#include <weir/testing.h>
#include <weir/testing/buf_kinds.h>

/* Bytes with high and low first bits, so that signs and orders show. */
static const uint8_t pattern[24] = {0x80, 0x01, 0xfe, 0x7f, 0xff, 0x00, 0x12, 0xed, 0xcb, 0x45, 0x67, 0x98,
                                    0xba, 0x33, 0xf0, 0x0f, 0xa5, 0x5a, 0xc3, 0x3c, 0x81, 0x18, 0x77, 0xee};

/* The number that `width` bytes of the pattern spell, worked out by arithmetic of another kind. */
static uint64_t spelled(size_t at, size_t width, bool is_little) {
    uint64_t value = 0;
    for (size_t i = 0; i < width; i++) {
        size_t place = is_little ? i : width - 1 - i;
        value += (uint64_t)pattern[at + i] << (8 * place);
    }
    return value;
}

static int64_t as_signed(uint64_t value, size_t width) {
    if (width == 8) return (int64_t)value;
    uint64_t limit = (uint64_t)1 << (8 * width - 1);
    return value < limit ? (int64_t)value : (int64_t)value - 2 * (int64_t)limit;
}

/* X(name, type, width, little, signed) */
#define FAMILIES(X)                                                                                          \
    X(u8, uint8_t, 1, false, false)                                                                          \
    X(i8, int8_t, 1, false, true)                                                                            \
    X(u16, uint16_t, 2, false, false)                                                                        \
    X(i16, int16_t, 2, false, true)                                                                          \
    X(u24, uint32_t, 3, false, false)                                                                        \
    X(i24, int32_t, 3, false, true)                                                                          \
    X(u32, uint32_t, 4, false, false)                                                                        \
    X(i32, int32_t, 4, false, true)                                                                          \
    X(u64, uint64_t, 8, false, false)                                                                        \
    X(i64, int64_t, 8, false, true)                                                                          \
    X(u16_le, uint16_t, 2, true, false)                                                                      \
    X(i16_le, int16_t, 2, true, true)                                                                        \
    X(u24_le, uint32_t, 3, true, false)                                                                      \
    X(i24_le, int32_t, 3, true, true)                                                                        \
    X(u32_le, uint32_t, 4, true, false)                                                                      \
    X(i32_le, int32_t, 4, true, true)                                                                        \
    X(u64_le, uint64_t, 8, true, false)                                                                      \
    X(i64_le, int64_t, 8, true, true)

#define EXPECTED(at, width, little, signed)                                                                  \
    ((signed) ? as_signed(spelled(at, width, little), width) : (int64_t)spelled(at, width, little))

/* Peeks, reads and gets one type at each offset; at the end nothing is there and nothing moves. */
#define DEFINE_READS(name, type, width, little, signed)                                                      \
    static void reads_##name(weir_buf *buf, weir_bytes content) {                                            \
        size_t start = weir_buf_reader_index(buf), end = weir_buf_writer_index(buf);                         \
        for (size_t at = 0; at <= content.len; at++) {                                                       \
            bool is_there = at + (width) <= content.len;                                                     \
            int64_t expected = is_there ? EXPECTED(at, width, little, signed) : 0x55;                        \
            type peeked = 0x55, read = 0x55, got = 0x55;                                                     \
            weir_buf_set_positions(buf, start + at, end);                                                    \
            expect_eq(weir_buf_peek_##name(buf, &peeked), is_there);                                         \
            expect_eq(weir_buf_reader_index(buf), start + at);                                               \
            expect_eq(weir_buf_read_##name(buf, &read), is_there);                                           \
            expect_eq(weir_buf_reader_index(buf), start + at + (is_there ? (width) : 0));                    \
            if (is_there) expect(weir_buf_get_##name(buf, start + at, &got));                                \
            expect_eq(peeked, (type)expected);                                                               \
            expect_eq(read, (type)expected);                                                                 \
            if (is_there) expect_eq(got, (type)expected);                                                    \
        }                                                                                                    \
        type nothing = 0x55;                                                                                 \
        expect(!weir_buf_get_##name(buf, weir_buf_capacity(buf) - (width) + 1, &nothing));                   \
        expect(!weir_buf_get_##name(buf, SIZE_MAX, &nothing));                                               \
        expect_eq(nothing, 0x55);                                                                            \
    }

/* Sets each offset to the value of the next and checks the bytes. */
#define DEFINE_SETS(name, type, width, little, signed)                                                       \
    static void sets_##name(weir_buf *buf, weir_bytes content) {                                             \
        size_t start = weir_buf_reader_index(buf);                                                           \
        uint8_t bytes[width];                                                                                \
        for (size_t at = 0; at + (width) < content.len; at++) {                                              \
            expect(weir_buf_set_##name(buf, start + at, (type)EXPECTED(at + 1, width, little, signed)));     \
            expect(weir_buf_get_bytes(buf, start + at, bytes, (width)));                                     \
            expect_same_bytes(weir_bytes_of(bytes, (width)), weir_bytes_of(pattern + at + 1, (width)));      \
            expect(weir_buf_set_bytes(buf, start + at, pattern + at, (width)));                              \
        }                                                                                                    \
        expect(weir_buf_equal_bytes(buf, content));                                                          \
        expect(!weir_buf_set_##name(buf, weir_buf_capacity(buf) - (width) + 1, 1));                          \
    }

/* Writes the whole pattern again, value by value. */
#define DEFINE_WRITES(name, type, width, little, signed)                                                     \
    static void writes_##name(weir_buf *buf, weir_bytes content) {                                           \
        size_t count = content.len / (width);                                                                \
        for (size_t i = 0; i < count; i++) {                                                                 \
            weir_buf_write_##name(buf, (type)EXPECTED(i *(width), width, little, signed));                   \
        }                                                                                                    \
        expect(weir_buf_skip(buf, content.len));                                                             \
        expect(weir_buf_equal_bytes(buf, weir_bytes_of(pattern, count *(width))));                           \
    }

FAMILIES(DEFINE_READS)
FAMILIES(DEFINE_SETS)
FAMILIES(DEFINE_WRITES)

#define ENTER_READS(name, type, width, little, signed) reads_##name,
#define ENTER_SETS(name, type, width, little, signed) sets_##name,
#define ENTER_WRITES(name, type, width, little, signed) writes_##name,

static void run_all(unsigned traits, weir_buf_check_fn *const *checks, size_t count) {
    for (size_t i = 0; i < count; i++) {
        weir_buf_kinds_each(traits, weir_bytes_of(pattern, sizeof pattern), checks[i]);
    }
}

WEIR_TEST(buf_int, is_read_right_at_every_offset) {
    weir_buf_check_fn *const checks[] = {FAMILIES(ENTER_READS)};
    run_all(WEIR_BUF_KIND_ANY, checks, sizeof checks / sizeof checks[0]);
}

WEIR_TEST(buf_int, is_set_in_place_at_every_offset) {
    weir_buf_check_fn *const checks[] = {FAMILIES(ENTER_SETS)};
    run_all(WEIR_BUF_KIND_WRITABLE, checks, sizeof checks / sizeof checks[0]);
}

WEIR_TEST(buf_int, is_written_as_it_is_read) {
    weir_buf_check_fn *const checks[] = {FAMILIES(ENTER_WRITES)};
    run_all(WEIR_BUF_KIND_GROWS, checks, sizeof checks / sizeof checks[0]);
}

WEIR_TEST(buf_int, of_24_bits_extends_its_sign_and_drops_what_is_above) {
    weir_buf *buf = weir_buf_new(16);
    weir_buf_write_i24(buf, -2);
    weir_buf_write_u24_le(buf, 0xff123456u);
    int32_t minus_two = 0;
    uint32_t cut = 0;

    expect(weir_buf_read_i24(buf, &minus_two));
    expect(weir_buf_read_u24_le(buf, &cut));

    expect_eq(minus_two, -2);
    expect_eq(cut, 0x123456u);
    weir_buf_release(buf);
}
