/* buf_float_test.c - floating point and truth values on every kind of buf, over every seam. */
#include <weir/testing.h>
#include <weir/testing/buf_kinds.h>

/* The bytes of 1.5f, -0.0, a quiet and a signalling NaN with payloads, infinity, pi: big endian, as IEEE 754
 * lays them out. */
static const uint8_t pattern[] = {
    0x3f, 0xc0, 0x00, 0x00,                         /* f32 1.5 */
    0x7f, 0xa5, 0x12, 0x34,                         /* f32 signalling NaN */
    0x80, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, /* f64 -0.0 */
    0xff, 0xf8, 0xde, 0xad, 0xbe, 0xef, 0x00, 0x01, /* f64 negative NaN */
    0x7f, 0xf4, 0x00, 0x00, 0x00, 0x00, 0x00, 0x99, /* f64 signalling NaN */
    0x40, 0x09, 0x21, 0xfb, 0x54, 0x44, 0x2d, 0x18, /* f64 pi */
    0x02,                                           /* bool */
};

/* X(name, type, bits, little) */
#define FAMILIES(X)                                                                                          \
    X(f32, float, uint32_t, false)                                                                           \
    X(f64, double, uint64_t, false)                                                                          \
    X(f32_le, float, uint32_t, true)                                                                         \
    X(f64_le, double, uint64_t, true)

static uint64_t spelled(const uint8_t *p, size_t width, bool is_little) {
    uint64_t value = 0;
    for (size_t i = 0; i < width; i++) value += (uint64_t)p[i] << 8 * (is_little ? i : width - 1 - i);
    return value;
}

/* At each offset: what is peeked, read and got has the bits that are there. */
#define DEFINE_READS(name, type, bits_type, little)                                                          \
    static void reads_##name(weir_buf *buf, weir_bytes content) {                                            \
        size_t start = weir_buf_reader_index(buf), end = weir_buf_writer_index(buf);                         \
        for (size_t at = 0; at <= content.len; at++) {                                                       \
            bool is_there = at + sizeof(type) <= content.len;                                                \
            type peeked = 7, read = 7, got = 7;                                                              \
            bits_type bits[3];                                                                               \
            weir_buf_set_positions(buf, start + at, end);                                                    \
            expect_eq(weir_buf_peek_##name(buf, &peeked), is_there);                                         \
            expect_eq(weir_buf_read_##name(buf, &read), is_there);                                           \
            expect_eq(weir_buf_reader_index(buf), start + at + (is_there ? sizeof(type) : 0));               \
            if (!is_there) {                                                                                 \
                expect(peeked == 7 && read == 7);                                                            \
                continue;                                                                                    \
            }                                                                                                \
            expect(weir_buf_get_##name(buf, start + at, &got));                                              \
            memcpy(&bits[0], &peeked, sizeof peeked);                                                        \
            memcpy(&bits[1], &read, sizeof read);                                                            \
            memcpy(&bits[2], &got, sizeof got);                                                              \
            for (int i = 0; i < 3; i++) {                                                                    \
                expect_eq(bits[i], spelled(content.ptr + at, sizeof(type), little));                         \
            }                                                                                                \
        }                                                                                                    \
        type nothing = 7;                                                                                    \
        expect(!weir_buf_get_##name(buf, weir_buf_capacity(buf) - sizeof(type) + 1, &nothing));              \
        expect(nothing == 7);                                                                                \
    }

/* Sets each offset to what stands one further on. */
#define DEFINE_SETS(name, type, bits_type, little)                                                           \
    static void sets_##name(weir_buf *buf, weir_bytes content) {                                             \
        size_t start = weir_buf_reader_index(buf);                                                           \
        for (size_t at = 0; at + sizeof(type) < content.len; at++) {                                         \
            bits_type bits = (bits_type)spelled(content.ptr + at + 1, sizeof(type), little);                 \
            uint8_t bytes[sizeof(type)];                                                                     \
            type value;                                                                                      \
            memcpy(&value, &bits, sizeof value);                                                             \
            expect(weir_buf_set_##name(buf, start + at, value));                                             \
            expect(weir_buf_get_bytes(buf, start + at, bytes, sizeof bytes));                                \
            expect_same_bytes(weir_bytes_of(bytes, sizeof bytes),                                            \
                              weir_bytes_sub(content, at + 1, sizeof bytes));                                \
            expect(weir_buf_set_bytes(buf, start + at, content.ptr + at, sizeof bytes));                     \
        }                                                                                                    \
        expect(weir_buf_equal_bytes(buf, content));                                                          \
        expect(!weir_buf_set_##name(buf, weir_buf_capacity(buf) - sizeof(type) + 1, 1));                     \
    }

/* Writes the pattern again, number by number. */
#define DEFINE_WRITES(name, type, bits_type, little)                                                         \
    static void writes_##name(weir_buf *buf, weir_bytes content) {                                           \
        size_t count = content.len / sizeof(type);                                                           \
        for (size_t i = 0; i < count; i++) {                                                                 \
            bits_type bits = (bits_type)spelled(content.ptr + i * sizeof(type), sizeof(type), little);       \
            type value;                                                                                      \
            memcpy(&value, &bits, sizeof value);                                                             \
            weir_buf_write_##name(buf, value);                                                               \
        }                                                                                                    \
        expect(weir_buf_skip(buf, content.len));                                                             \
        expect(weir_buf_equal_bytes(buf, weir_bytes_sub(content, 0, count * sizeof(type))));                 \
    }

FAMILIES(DEFINE_READS)
FAMILIES(DEFINE_SETS)
FAMILIES(DEFINE_WRITES)

#define ENTER_READS(name, type, bits, little) reads_##name,
#define ENTER_SETS(name, type, bits, little) sets_##name,
#define ENTER_WRITES(name, type, bits, little) writes_##name,

static void run_all(unsigned traits, weir_buf_check_fn *const *checks, size_t count) {
    for (size_t i = 0; i < count; i++) {
        weir_buf_kinds_each(traits, weir_bytes_of(pattern, sizeof pattern), checks[i]);
    }
}

WEIR_TEST(buf_float, is_read_with_all_its_bits_at_every_offset) {
    weir_buf_check_fn *const checks[] = {FAMILIES(ENTER_READS)};
    run_all(WEIR_BUF_KIND_ANY, checks, sizeof checks / sizeof checks[0]);
}

WEIR_TEST(buf_float, is_set_in_place_at_every_offset) {
    weir_buf_check_fn *const checks[] = {FAMILIES(ENTER_SETS)};
    run_all(WEIR_BUF_KIND_WRITABLE, checks, sizeof checks / sizeof checks[0]);
}

WEIR_TEST(buf_float, is_written_as_it_is_read) {
    weir_buf_check_fn *const checks[] = {FAMILIES(ENTER_WRITES)};
    run_all(WEIR_BUF_KIND_GROWS, checks, sizeof checks / sizeof checks[0]);
}

WEIR_TEST(buf_float, has_the_value_its_bytes_stand_for) {
    weir_buf *buf = weir_buf_wrap_const(pattern, sizeof pattern);
    float one_and_a_half = 0;
    double pi = 0;

    expect(weir_buf_read_f32(buf, &one_and_a_half));
    expect(weir_buf_get_f64(buf, 32, &pi));

    expect(one_and_a_half == 1.5f);
    expect(pi == 3.141592653589793);
    weir_buf_release(buf);
}

/* ---- bool ------------------------------------------------------------------------------------- */

static void check_bools(weir_buf *buf, weir_bytes content) {
    size_t start = weir_buf_reader_index(buf);
    for (size_t i = 0; i < content.len; i++) {
        bool expected = content.ptr[i] != 0;
        bool got = !expected, peeked = !expected, read = !expected;
        expect(weir_buf_get_bool(buf, start + i, &got));
        expect(weir_buf_peek_bool(buf, &peeked));
        expect(weir_buf_read_bool(buf, &read));
        expect(got == expected && peeked == expected && read == expected);
    }
    bool nothing = true;
    expect(!weir_buf_read_bool(buf, &nothing) && nothing);
}

WEIR_TEST(buf_float, any_byte_but_0_is_true) {
    weir_buf_kinds_each(WEIR_BUF_KIND_ANY, weir_bytes_of("\0\1\2\x80\0\xff", 6), check_bools);
}

static void check_writing_bools(weir_buf *buf, weir_bytes content) {
    size_t start = weir_buf_reader_index(buf);
    expect(weir_buf_set_bool(buf, start + 1, true));
    weir_buf_write_bool(buf, true);
    weir_buf_write_bool(buf, false);
    expect(weir_buf_set_bool(buf, start + content.len - 1, false));
    expect(weir_buf_equal_bytes(buf, weir_bytes_of("a\1\0\1\0", 5)));
}

WEIR_TEST(buf_float, a_bool_is_written_as_0_or_1) {
    weir_buf_kinds_each(WEIR_BUF_KIND_GROWS, weir_bytes_str("abc"), check_writing_bools);
}
