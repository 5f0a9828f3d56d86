/* buf_length_test.c - lengths filled in later, and blocks read behind their lengths, on every kind of buf. */
#include <weir/testing.h>
#include <weir/testing/buf_kinds.h>

typedef struct spelling {
    weir_buf_length_kind kind;
    size_t width;
    const char *five; /* how a length of 5 is written */
} spelling;

static const spelling spellings[] = {
    {WEIR_BUF_LENGTH_U8, 1, "\5"},
    {WEIR_BUF_LENGTH_U16, 2, "\0\5"},
    {WEIR_BUF_LENGTH_U24, 3, "\0\0\5"},
    {WEIR_BUF_LENGTH_U32, 4, "\0\0\0\5"},
    {WEIR_BUF_LENGTH_U64, 8, "\0\0\0\0\0\0\0\5"},
    {WEIR_BUF_LENGTH_U16_LE, 2, "\5\0"},
    {WEIR_BUF_LENGTH_U24_LE, 3, "\5\0\0"},
    {WEIR_BUF_LENGTH_U32_LE, 4, "\5\0\0\0"},
    {WEIR_BUF_LENGTH_U64_LE, 8, "\5\0\0\0\0\0\0\0"},
    {WEIR_BUF_LENGTH_VARINT, 1, "\5"},
};

enum {
    SPELLINGS = sizeof spellings / sizeof spellings[0]
};

static const spelling *current;

/* ---- writing ---------------------------------------------------------------------------------- */

static void check_filled_in(weir_buf *buf, weir_bytes content) {
    weir_buf_length length = weir_buf_begin_length(buf, current->kind);
    weir_buf_write_str(buf, "he");
    weir_buf_write_str(buf, "llo");
    expect_status(weir_buf_end_length(buf, length), WEIR_OK);
    expect(weir_buf_skip(buf, content.len));
    uint8_t head[8];
    expect(weir_buf_read_bytes(buf, head, current->width));
    expect_same_bytes(weir_bytes_of(head, current->width), weir_bytes_of(current->five, current->width));
    expect(weir_buf_equal_bytes(buf, weir_bytes_str("hello")));
}

WEIR_TEST(buf_length, is_filled_in_when_the_rest_is_known) {
    for (current = spellings; current->kind != WEIR_BUF_LENGTH_VARINT; current++) {
        weir_buf_kinds_each(WEIR_BUF_KIND_GROWS, weir_bytes_str("before"), check_filled_in);
    }
}

WEIR_TEST(buf_length, nests) {
    weir_buf *buf = weir_buf_new(0);
    weir_buf_length outer = weir_buf_begin_length(buf, WEIR_BUF_LENGTH_U16);
    weir_buf_write_u8(buf, '<');
    weir_buf_length inner = weir_buf_begin_length(buf, WEIR_BUF_LENGTH_U8);
    weir_buf_write_fill(buf, '.', 200);
    expect_status(weir_buf_end_length(buf, inner), WEIR_OK);
    weir_buf_write_u8(buf, '>');
    expect_status(weir_buf_end_length(buf, outer), WEIR_OK);

    uint16_t all = 0;
    uint8_t dots = 0;
    expect(weir_buf_read_u16(buf, &all) && weir_buf_get_u8(buf, 3, &dots));
    expect_eq(all, 203u);
    expect_eq(dots, 200u);
    weir_buf_release(buf);
}

WEIR_TEST(buf_length, one_that_does_not_fit_fails_the_buf) {
    weir_buf *buf = weir_buf_new(0);
    weir_buf_length length = weir_buf_begin_length(buf, WEIR_BUF_LENGTH_U8);
    weir_buf_write_fill(buf, 'x', 255);
    expect_status(weir_buf_end_length(buf, length), WEIR_OK);
    weir_buf_write_u8(buf, 'x');
    expect_status(weir_buf_end_length(buf, length), WEIR_E_FRAME_TOO_LONG);
    expect_status(weir_buf_status(buf), WEIR_E_FRAME_TOO_LONG);
    weir_buf_clear(buf);

    static uint8_t block[65536];
    weir_buf_write_block(buf, WEIR_BUF_LENGTH_U16_LE, weir_bytes_of(block, sizeof block));
    expect_status(weir_buf_status(buf), WEIR_E_FRAME_TOO_LONG);
    expect_eq(weir_buf_readable(buf), 0u);
    weir_buf_release(buf);
}

WEIR_TEST(buf_length, one_of_a_failed_buf_is_left_alone) {
    weir_buf *buf = weir_buf_new_limited(4, 4);
    weir_buf_write_str(buf, "123");
    weir_buf_length length = weir_buf_begin_length(buf, WEIR_BUF_LENGTH_U32);

    expect_status(weir_buf_end_length(buf, length), WEIR_E_FULL);
    expect_bytes(weir_buf_peek(buf), "123");
    weir_buf_release(buf);
}

WEIR_TEST(buf_length, misuse_stops_the_program) {
    weir_buf *buf = weir_buf_new(16);
    weir_buf_length length = weir_buf_begin_length(buf, WEIR_BUF_LENGTH_U32);
    expect_abort(weir_buf_begin_length(buf, WEIR_BUF_LENGTH_VARINT), "varint");
    expect_abort(weir_buf_begin_length(buf, (weir_buf_length_kind)99), "no kind of length");
    weir_buf_set_positions(buf, 0, 2);
    expect_abort(weir_buf_end_length(buf, length), "the buf ends at 2");
    weir_buf_release(buf);
}

/* ---- reading ---------------------------------------------------------------------------------- */

static void check_writes_blocks(weir_buf *buf, weir_bytes content) {
    weir_buf_write_block(buf, current->kind, weir_bytes_str("hello"));
    expect(weir_buf_skip(buf, content.len));
    expect_eq(weir_buf_readable(buf), current->width + 5);
    weir_bytes view = {NULL, 0};
    expect_eq(weir_buf_read_block_view(buf, current->kind, 5, &view), WEIR_BUF_GOT);
    expect_bytes(view, "hello");
    expect(!weir_buf_is_readable(buf));
}

/* A block of 5 and a byte behind it; every beginning of it is waited for. */
static void check_reads_blocks(weir_buf *buf, weir_bytes content) {
    size_t reader = weir_buf_reader_index(buf), head = 0, len = 0;
    expect_eq(weir_buf_peek_length(buf, current->kind, 5, &head, &len), WEIR_BUF_GOT);
    expect(head == current->width && len == 5);
    weir_buf *slice = NULL;
    weir_bytes view = {NULL, 0};
    expect_eq(weir_buf_read_block(buf, current->kind, 4, &slice), WEIR_BUF_BROKEN);
    expect_eq(weir_buf_read_block(buf, current->kind, 5, &slice), WEIR_BUF_GOT);
    expect(weir_buf_equal_bytes(slice, weir_bytes_str("hello")));
    expect_eq(weir_buf_readable(buf), 1u);
    weir_buf_release(slice);

    weir_buf_set_positions(buf, reader, reader + content.len);
    expect_eq(weir_buf_read_block_view(buf, current->kind, 4, &view), WEIR_BUF_BROKEN);
    expect_eq(weir_buf_read_block_view(buf, current->kind, UINT64_MAX, &view), WEIR_BUF_GOT);
    expect_bytes(view, "hello");
    expect_eq(weir_buf_readable(buf), 1u);

    for (size_t n = current->width + 5; n-- > 0;) {
        weir_buf_set_positions(buf, reader, reader + n);
        expect_eq(weir_buf_read_block(buf, current->kind, 5, &slice), WEIR_BUF_MORE);
        expect_eq(weir_buf_read_block_view(buf, current->kind, 5, &view), WEIR_BUF_MORE);
        expect_eq(weir_buf_readable(buf), n);
    }
}

WEIR_TEST(buf_length, a_block_is_read_when_all_of_it_is_there) {
    for (current = spellings; current < spellings + SPELLINGS; current++) {
        uint8_t bytes[16];
        memcpy(bytes, current->five, current->width);
        memcpy(bytes + current->width, "hello!", 6);
        weir_buf_kinds_each(WEIR_BUF_KIND_ANY, weir_bytes_of(bytes, current->width + 6), check_reads_blocks);
        weir_buf_kinds_each(WEIR_BUF_KIND_GROWS, weir_bytes_str("before"), check_writes_blocks);
    }
}

static void check_empty_block(weir_buf *buf, weir_bytes content) {
    weir_buf *slice = NULL;
    weir_bytes view = {NULL, 0};
    weir_buf_mark start = weir_buf_mark_at(buf);
    expect_eq(weir_buf_read_block(buf, WEIR_BUF_LENGTH_U16, 0, &slice), WEIR_BUF_GOT);
    expect(slice != NULL && !weir_buf_is_readable(slice));
    weir_buf_release(slice);
    weir_buf_reset_reader(buf, start);
    expect_eq(weir_buf_read_block_view(buf, WEIR_BUF_LENGTH_U16, 0, &view), WEIR_BUF_GOT);
    expect(view.ptr != NULL && view.len == 0);
    expect_eq(weir_buf_readable(buf), content.len - 2);
}

WEIR_TEST(buf_length, an_empty_block_is_a_block) {
    weir_buf_kinds_each(WEIR_BUF_KIND_ANY, weir_bytes_of("\0\0x", 3), check_empty_block);
    weir_buf_kinds_each(WEIR_BUF_KIND_ANY, weir_bytes_of("\0\0", 2), check_empty_block);
}

WEIR_TEST(buf_length, a_length_near_2_to_the_64_waits_for_no_overflow) {
    static const char bytes[] = "\xff\xff\xff\xff\xff\xff\xff\xff"
                                "abc";
    weir_buf *buf = weir_buf_wrap_const(bytes, sizeof bytes - 1);
    size_t head = 0, len = 0;
    expect_eq(weir_buf_peek_length(buf, WEIR_BUF_LENGTH_U64, UINT64_MAX, &head, &len), WEIR_BUF_MORE);
    expect_eq(weir_buf_peek_length(buf, WEIR_BUF_LENGTH_U64, UINT64_MAX - 1, &head, &len), WEIR_BUF_BROKEN);
    weir_buf_release(buf);
}

/* ---- out of memory ---------------------------------------------------------------------------- */

static bool writes_and_reads(void *arg) {
    (void)arg;
    weir_buf *buf = weir_buf_composite_new();
    if (buf == NULL) return false;
    weir_buf_length length = weir_buf_begin_length(buf, WEIR_BUF_LENGTH_U32);
    for (int i = 0; i < 12; i++) weir_buf_composite_append(buf, weir_buf_wrap_const("part", 4));
    bool did_all = weir_buf_end_length(buf, length) == WEIR_OK;
    if (did_all) {
        weir_buf *slice = NULL;
        expect_eq(weir_buf_read_block(buf, WEIR_BUF_LENGTH_U32, 100, &slice), WEIR_BUF_GOT);
        expect_eq(weir_buf_readable(buf), slice == NULL ? 52u : 0u);
        did_all = slice != NULL && weir_buf_readable(slice) == 48;
        weir_buf_release(slice);
    }
    if (did_all) {
        weir_bytes view = {NULL, 0};
        weir_buf_set_positions(buf, 0, 52);
        expect_eq(weir_buf_read_block_view(buf, WEIR_BUF_LENGTH_U32, 100, &view), WEIR_BUF_GOT);
        expect_eq(weir_buf_status(buf) == WEIR_OK, view.ptr != NULL);
        did_all = view.ptr != NULL && view.len == 48;
    }
    weir_buf_release(buf);
    return did_all;
}

WEIR_TEST(buf_length, blocks_without_memory_move_nothing) {
    weir_oom_sweep(writes_and_reads, NULL);
}
