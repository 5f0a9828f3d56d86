/* buf_varint_test.c - LEB128 and zigzag on every kind of buf, and every way to spell them wrong. */
#include <weir/testing.h>
#include <weir/testing/buf_kinds.h>

typedef struct example {
    uint64_t value;
    const char *bytes;
    size_t len;
} example;

/* From the Protocol Buffers encoding guide, DWARF 5 appendix C, and the edges of each length. */
static const example examples[] = {
    {0, "\0", 1},
    {1, "\x01", 1},
    {2, "\x02", 1},
    {127, "\x7f", 1},
    {128, "\x80\x01", 2},
    {129, "\x81\x01", 2},
    {150, "\x96\x01", 2},
    {300, "\xac\x02", 2},
    {12857, "\xb9\x64", 2},
    {16383, "\xff\x7f", 2},
    {16384, "\x80\x80\x01", 3},
    {624485, "\xe5\x8e\x26", 3},
    {UINT32_MAX, "\xff\xff\xff\xff\x0f", 5},
    {(uint64_t)UINT32_MAX + 1, "\x80\x80\x80\x80\x10", 5},
    {INT64_MAX, "\xff\xff\xff\xff\xff\xff\xff\xff\x7f", 9},
    {UINT64_MAX, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10},
};

enum {
    EXAMPLES = sizeof examples / sizeof examples[0]
};

static weir_bytes bytes_of(const example *it) {
    return weir_bytes_of(it->bytes, it->len);
}

/* ---- right ones ------------------------------------------------------------------------------- */

static const example *current;

/* The current example is read, peeked and got; every beginning of it wants more and moves nothing. */
static void check_reads(weir_buf *buf, weir_bytes content) {
    size_t start = weir_buf_reader_index(buf), len = 0;
    uint64_t peeked = 7, got = 7, read = 7;
    expect_eq(weir_buf_peek_varint_u64(buf, &peeked), WEIR_BUF_GOT);
    expect_eq(weir_buf_get_varint_u64(buf, start, &got, &len), WEIR_BUF_GOT);
    expect_eq(weir_buf_reader_index(buf), start);
    expect_eq(weir_buf_read_varint_u64(buf, &read), WEIR_BUF_GOT);
    expect_eq(weir_buf_reader_index(buf), start + current->len);
    expect_eq(len, current->len);
    expect(peeked == current->value && got == current->value && read == current->value);
    expect_eq(weir_buf_readable(buf), content.len - current->len);

    for (size_t n = current->len; n-- > 0;) {
        weir_buf_set_positions(buf, start, start + n);
        uint64_t nothing = 7;
        expect_eq(weir_buf_peek_varint_u64(buf, &nothing), WEIR_BUF_MORE);
        expect_eq(weir_buf_read_varint_u64(buf, &nothing), WEIR_BUF_MORE);
        expect_eq(weir_buf_readable(buf), n);
        expect_eq(nothing, 7u);
    }
}

WEIR_TEST(buf_varint, is_read_when_it_is_whole_and_waited_for_until_then) {
    for (current = examples; current < examples + EXAMPLES; current++) {
        weir_buf_kinds_each(WEIR_BUF_KIND_ANY, bytes_of(current), check_reads);
        uint8_t with_more[12];
        memcpy(with_more, current->bytes, current->len);
        memset(with_more + current->len, 0xff, 2);
        weir_buf_kinds_each(WEIR_BUF_KIND_ANY, weir_bytes_of(with_more, current->len + 2), check_reads);
    }
}

static void check_writes(weir_buf *buf, weir_bytes content) {
    for (size_t i = 0; i < EXAMPLES; i++) weir_buf_write_varint_u64(buf, examples[i].value);
    expect(weir_buf_skip(buf, content.len));
    for (size_t i = 0; i < EXAMPLES; i++) {
        uint8_t bytes[10];
        expect(weir_buf_read_bytes(buf, bytes, examples[i].len));
        expect_same_bytes(weir_bytes_of(bytes, examples[i].len), bytes_of(&examples[i]));
    }
    expect(!weir_buf_is_readable(buf));
}

WEIR_TEST(buf_varint, is_written_in_the_fewest_bytes) {
    weir_buf_kinds_each(WEIR_BUF_KIND_GROWS, weir_bytes_str("before"), check_writes);
}

WEIR_TEST(buf_varint, its_size_is_known_beforehand) {
    for (size_t i = 0; i < EXAMPLES; i++) expect_eq(weir_varint_size_u64(examples[i].value), examples[i].len);
    expect_eq(weir_varint_size_u32(UINT32_MAX), 5u);
    expect_eq(weir_varint_size_s32(INT32_MIN), 5u);
    expect_eq(weir_varint_size_s64(INT64_MIN), 10u);
    expect_eq(weir_varint_size_s64(-1), 1u);
    expect_eq(weir_varint_size_s64(-64), 1u);
    expect_eq(weir_varint_size_s64(-65), 2u);
    expect_eq(weir_varint_size_s64(64), 2u);
}

/* ---- wrong ones ------------------------------------------------------------------------------- */

static void check_broken(weir_buf *buf, weir_bytes content) {
    uint64_t wide = 7;
    size_t len = 7;
    expect_eq(weir_buf_read_varint_u64(buf, &wide), WEIR_BUF_BROKEN);
    expect_eq(weir_buf_peek_varint_u64(buf, &wide), WEIR_BUF_BROKEN);
    expect_eq(weir_buf_get_varint_u64(buf, weir_buf_reader_index(buf), &wide, &len), WEIR_BUF_BROKEN);
    expect_eq(weir_buf_readable(buf), content.len);
    expect(wide == 7 && len == 7);
}

/* Longer than need be, 65 bits, 11 bytes; and the tenth byte announcing another is enough. */
WEIR_TEST(buf_varint, an_overlong_one_is_broken) {
    static const char *const wrong[] = {
        "\x80",
        "\xff\x80",
        "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02",
        "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x81",
        "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01",
    };
    static const size_t lengths[] = {2, 3, 10, 10, 11};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        weir_buf_kinds_each(WEIR_BUF_KIND_ANY, weir_bytes_of(wrong[i], lengths[i]), check_broken);
    }
}

static void check_broken_for_32_bits(weir_buf *buf, weir_bytes content) {
    uint32_t narrow = 7;
    int32_t narrow_signed = 7;
    expect_eq(weir_buf_read_varint_u32(buf, &narrow), WEIR_BUF_BROKEN);
    expect_eq(weir_buf_read_varint_s32(buf, &narrow_signed), WEIR_BUF_BROKEN);
    expect_eq(weir_buf_readable(buf), content.len);
    expect(narrow == 7 && narrow_signed == 7);
}

WEIR_TEST(buf_varint, one_beyond_32_bits_is_broken_where_32_are_wanted) {
    weir_buf_kinds_each(WEIR_BUF_KIND_ANY, weir_bytes_str("\x80\x80\x80\x80\x10"), check_broken_for_32_bits);
    weir_buf_kinds_each(WEIR_BUF_KIND_ANY, weir_bytes_str("\xff\xff\xff\xff\x8f"), check_broken_for_32_bits);
}

/* ---- all there are ---------------------------------------------------------------------------- */

/* Every string of three bytes: what decodes encodes to the same bytes, so no number has two spellings. */
WEIR_TEST(buf_varint, every_number_has_one_spelling) {
    weir_buf *buf = weir_buf_new(16);
    size_t numbers = 0;
    for (uint32_t i = 0; i < 1u << 24; i += 1 + (i & 0xff00) / 0x400) {
        uint8_t bytes[3] = {(uint8_t)i, (uint8_t)(i >> 8), (uint8_t)(i >> 16)};
        uint64_t value = 0;
        size_t len = 0;
        if (weir_varint_decode(weir_bytes_of(bytes, 3), 64, &value, &len) != WEIR_BUF_GOT) continue;
        weir_buf_clear(buf);
        weir_buf_write_varint_u64(buf, value);
        if (!weir_buf_equal_bytes(buf, weir_bytes_of(bytes, len))) weir_test_context("bytes %06x", i);
        expect(weir_buf_equal_bytes(buf, weir_bytes_of(bytes, len)));
        numbers++;
    }
    expect(numbers > 10000);
    weir_buf_release(buf);
}

/* ---- signed ----------------------------------------------------------------------------------- */

static void check_signed(weir_buf *buf, weir_bytes content) {
    static const int64_t numbers[] = {0,         -1,        1,        -2,          INT32_MAX, INT32_MIN,
                                      INT64_MAX, INT64_MIN, -1000000, 0x123456789, -64,       63};
    size_t count = sizeof numbers / sizeof numbers[0];
    for (size_t i = 0; i < count; i++) weir_buf_write_varint_s64(buf, numbers[i]);
    weir_buf_write_varint_s32(buf, INT32_MIN);
    weir_buf_write_varint_s32(buf, -3);
    expect(weir_buf_skip(buf, content.len));
    for (size_t i = 0; i < count; i++) {
        int64_t number = 0;
        expect_eq(weir_buf_read_varint_s64(buf, &number), WEIR_BUF_GOT);
        expect_eq(number, numbers[i]);
    }
    int32_t least = 0, three = 0;
    expect_eq(weir_buf_read_varint_s32(buf, &least), WEIR_BUF_GOT);
    expect_eq(weir_buf_peek_varint_s32(buf, &three), WEIR_BUF_GOT);
    expect(least == INT32_MIN && three == -3);
    expect_eq(weir_buf_readable(buf), 1u);
}

WEIR_TEST(buf_varint, a_signed_one_is_zigzagged_and_comes_back) {
    weir_buf_kinds_each(WEIR_BUF_KIND_GROWS, weir_bytes_str("x"), check_signed);
}

/* The table of the Protocol Buffers encoding guide. */
WEIR_TEST(buf_varint, zigzag_takes_turns) {
    static const int64_t numbers[] = {0, -1, 1, -2, 0x7fffffff, -0x80000000LL, INT64_MAX, INT64_MIN};
    static const uint64_t codes[] = {0, 1, 2, 3, 0xfffffffe, 0xffffffff, UINT64_MAX - 1, UINT64_MAX};
    for (size_t i = 0; i < 8; i++) {
        expect_eq(weir_zigzag(numbers[i]), codes[i]);
        expect_eq(weir_unzigzag(codes[i]), numbers[i]);
    }
}

/* ---- out of memory ---------------------------------------------------------------------------- */

static bool writes_many(void *arg) {
    (void)arg;
    weir_buf *buf = weir_buf_new(0);
    if (buf == NULL) return false;
    for (uint64_t i = 0; i < 60; i++) weir_buf_write_varint_u64(buf, UINT64_MAX >> i);
    bool did_all = weir_buf_status(buf) == WEIR_OK;
    expect(did_all || weir_buf_status(buf) == WEIR_E_NO_MEMORY);
    for (uint64_t i = 0, value = 0; weir_buf_read_varint_u64(buf, &value) == WEIR_BUF_GOT; i++) {
        expect_eq(value, UINT64_MAX >> i);
    }
    expect(!weir_buf_is_readable(buf));
    weir_buf_release(buf);
    return did_all;
}

WEIR_TEST(buf_varint, a_write_without_memory_sticks_and_leaves_whole_numbers) {
    weir_oom_sweep(writes_many, NULL);
}
