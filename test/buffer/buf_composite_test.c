/* buf_composite_test.c - parts in, parts out, and what a composite does not do behind your back. */
#include <weir/testing.h>
#include <weir/testing/buf_kinds.h>

static uint32_t count_of(const weir_buf *buf) {
    return __atomic_load_n(&buf->obj.count, __ATOMIC_ACQUIRE);
}

static weir_buf *heap_of(const char *text) {
    weir_buf *buf = weir_buf_new(strlen(text) + 8);
    weir_buf_write_str(buf, text);
    return buf;
}

static void append(weir_buf *composite, weir_buf *part) {
    expect_status(weir_buf_composite_append(composite, part), WEIR_OK);
}

static bool reads(const weir_buf *buf, const char *text) {
    return weir_buf_equal_bytes(buf, weir_bytes_str(text));
}

/* ---- many parts ------------------------------------------------------------------------------- */

enum {
    MANY = 10000
};

static weir_buf *many_bytes(void) {
    weir_buf *composite = weir_buf_composite_new();
    for (int i = 0; i < MANY; i++) {
        weir_buf *part = weir_buf_new(1);
        weir_buf_write_u8(part, (uint8_t)(i * 7));
        append(composite, part);
    }
    return composite;
}

WEIR_TEST(buf_composite, ten_thousand_parts_of_one_byte_are_one_buf) {
    weir_buf *composite = many_bytes();
    expect_eq(weir_buf_readable(composite), (size_t)MANY);
    expect_eq(weir_buf_composite_count(composite), (size_t)MANY);

    for (size_t at = 0; at + 4 <= MANY; at += 61) {
        uint32_t value = 0;
        expect(weir_buf_get_u32(composite, at, &value));
        uint8_t expected[4] = {(uint8_t)(at * 7), (uint8_t)(at * 7 + 7), (uint8_t)(at * 7 + 14),
                               (uint8_t)(at * 7 + 21)};
        expect_eq(value, weir_load_be(expected, 4));
    }
    weir_buf *slice = weir_buf_slice(composite, 5000, 4000), *copy = weir_buf_copy(slice);
    expect(weir_buf_equal(slice, copy));
    for (int i = 0; i < MANY; i++) {
        uint8_t byte = 0;
        require(weir_buf_read_u8(composite, &byte));
        expect_eq(byte, (uint8_t)(i * 7));
    }
    expect(!weir_buf_is_readable(composite));
    weir_buf_release(composite);
    expect(weir_buf_equal(slice, copy));
    weir_buf_release(slice);
    weir_buf_release(copy);
}

/* A queue: in at one end, out at the other, for long. Its table stays as small as the queue. */
WEIR_TEST(buf_composite, dropping_what_is_read_keeps_a_stream_small) {
    weir_buf *composite = weir_buf_composite_new();
    size_t most_blocks = 0;
    uint8_t next_in = 0, next_out = 0;
    for (int round = 0; round < 5000; round++) {
        for (int i = 0; i < 3; i++) {
            weir_buf *part = weir_buf_new(4);
            for (int k = 0; k < 4; k++) weir_buf_write_u8(part, next_in++);
            append(composite, part);
        }
        for (int i = 0; i < 12; i++) {
            uint8_t byte = 0;
            if (weir_buf_readable(composite) <= 10) break;
            require(weir_buf_read_u8(composite, &byte));
            expect_eq(byte, next_out++);
        }
        weir_buf_composite_drop_read(composite);
        expect(weir_buf_reader_index(composite) < 4);
        expect(weir_buf_composite_count(composite) <= 6);
        size_t blocks = weir_tracking_alloc_live(weir_test_alloc());
        if (blocks > most_blocks) most_blocks = blocks;
    }
    expect(most_blocks < 24);
    weir_buf_release(composite);
}

WEIR_TEST(buf_composite, parts_are_listed_with_their_positions) {
    weir_buf *composite = weir_buf_composite_new();
    append(composite, heap_of("ab"));
    append(composite, heap_of("cde"));
    weir_buf_write_str(composite, "f");
    size_t at = 99;

    expect_eq(weir_buf_composite_count(composite), 3u);
    expect_bytes(weir_buf_composite_part(composite, 0, &at), "ab");
    expect_eq(at, 0u);
    expect_bytes(weir_buf_composite_part(composite, 1, NULL), "cde");
    expect_bytes(weir_buf_composite_part(composite, 2, &at), "f");
    expect_eq(at, 5u);
    expect_abort(weir_buf_composite_part(composite, 3, NULL), "part 3 of 3 was asked for");

    weir_buf_skip(composite, 3);
    weir_buf_composite_drop_read(composite);
    expect_eq(weir_buf_composite_count(composite), 2u);
    expect_bytes(weir_buf_composite_part(composite, 0, &at), "cde");
    expect_eq(at, 0u);
    expect_eq(weir_buf_reader_index(composite), 1u);
    weir_buf_skip(composite, 3);
    weir_buf_composite_drop_read(composite);
    expect_eq(weir_buf_composite_count(composite), 0u);
    expect_eq(weir_buf_writer_index(composite), 0u);
    weir_buf_release(composite);
}

/* ---- references ------------------------------------------------------------------------------- */

WEIR_TEST(buf_composite, a_part_moves_in_without_touching_its_count) {
    weir_buf *root = heap_of("memory"), *composite = weir_buf_composite_new();
    weir_buf *slice = weir_buf_slice(root, 0, 3);
    expect_eq(count_of(root), 2u);

    append(composite, slice);
    expect_eq(count_of(root), 2u);
    append(composite, weir_buf_retain(root));
    expect_eq(count_of(root), 3u);
    expect(reads(composite, "memmemory"));

    weir_buf_release(composite);
    expect_eq(count_of(root), 1u);
    weir_buf_release(root);
}

WEIR_TEST(buf_composite, a_view_that_others_hold_stays_theirs) {
    weir_buf *root = heap_of("memory"), *composite = weir_buf_composite_new();
    weir_buf *slice = weir_buf_slice(root, 2, 3);

    append(composite, weir_buf_retain(slice));
    expect_eq(count_of(root), 3u);
    weir_buf_release(composite);
    expect_bytes(weir_buf_peek(slice), "mor");

    weir_buf_release(slice);
    weir_buf_release(root);
}

WEIR_TEST(buf_composite, a_part_whose_memory_had_moved_keeps_only_what_it_shows) {
    weir_buf *moved = weir_buf_new(1), *composite = weir_buf_composite_new();
    weir_buf_write_str(moved, "1");
    weir_buf *view = weir_buf_slice(moved, 0, 1);
    weir_buf_write_str(moved, "2345");
    expect(moved->root != moved);

    append(composite, weir_buf_retain(moved));
    weir_buf_write_str(moved, "67");
    append(composite, moved);

    expect(reads(composite, "123451234567"));
    expect_bytes(weir_buf_peek(view), "1");
    weir_buf_release(composite);
    weir_buf_release(view);
}

WEIR_TEST(buf_composite, adding_a_composite_adds_its_parts) {
    weir_buf *first = heap_of("one"), *second = heap_of("two"), *inner = weir_buf_composite_new();
    append(inner, weir_buf_retain(first));
    append(inner, weir_buf_retain(second));
    weir_buf_skip(inner, 1);
    weir_buf *outer = weir_buf_composite_new();

    append(outer, weir_buf_retain(inner));
    expect_eq(weir_buf_composite_count(outer), 2u);
    expect_eq(count_of(first), 3u);
    expect(reads(outer, "netwo"));
    expect(reads(inner, "netwo"));

    append(outer, inner);
    expect_eq(weir_buf_composite_count(outer), 4u);
    expect_eq(count_of(first), 3u);
    expect(reads(outer, "netwonetwo"));
    weir_buf_release(outer);
    expect_eq(count_of(first), 1u);
    expect_eq(count_of(second), 1u);
    weir_buf_release(first);
    weir_buf_release(second);
}

WEIR_TEST(buf_composite, empty_parts_are_released_and_add_nothing) {
    weir_buf *composite = weir_buf_composite_new();
    append(composite, weir_buf_new(10));
    append(composite, weir_buf_empty());
    append(composite, weir_buf_composite_new());
    append(composite, heap_of("x"));
    append(composite, weir_buf_new(0));

    expect_eq(weir_buf_composite_count(composite), 1u);
    expect(reads(composite, "x"));
    weir_buf_release(composite);
}

/* ---- failures --------------------------------------------------------------------------------- */

WEIR_TEST(buf_composite, a_failed_part_fails_the_whole_and_is_released) {
    weir_buf *composite = weir_buf_composite_new(), *part = heap_of("lost");
    append(composite, heap_of("kept"));
    weir_buf_fail(part, WEIR_E_LIMIT);

    expect_status(weir_buf_composite_append(composite, part), WEIR_E_LIMIT);
    expect_status(weir_buf_status(composite), WEIR_E_LIMIT);
    expect_status(weir_buf_composite_append(composite, heap_of("too late")), WEIR_E_LIMIT);
    weir_buf_write_str(composite, "also");

    expect(reads(composite, "kept"));
    weir_buf_release(composite);
}

WEIR_TEST(buf_composite, no_part_is_out_of_memory) {
    weir_buf *composite = weir_buf_composite_new();
    expect_status(weir_buf_composite_append(composite, NULL), WEIR_E_NO_MEMORY);
    expect_status(weir_buf_status(composite), WEIR_E_NO_MEMORY);
    weir_buf_release(composite);
}

WEIR_TEST(buf_composite, a_slice_of_a_composite_takes_no_more_parts) {
    weir_buf *composite = weir_buf_composite_new();
    append(composite, heap_of("ab"));
    append(composite, heap_of("cd"));
    weir_buf *slice = weir_buf_slice(composite, 1, 2);

    expect(weir_buf_is_composite(slice));
    expect_status(weir_buf_composite_append(slice, heap_of("e")), WEIR_E_FULL);
    expect(reads(slice, "bc"));
    weir_buf_release(slice);
    weir_buf_release(composite);
}

WEIR_TEST(buf_composite, misuse_stops_the_program) {
    weir_buf *composite = weir_buf_composite_new(), *plain = heap_of("x");
    expect_abort(weir_buf_composite_append(composite, composite), "was added to itself");
    expect_abort(weir_buf_composite_append(plain, composite), "is not a composite");
    expect_abort(weir_buf_composite_drop_read(plain), "is not a composite");
    expect_abort(weir_buf_commit(composite, 1), "committed 1 bytes to a buf with room for 0");
    weir_buf_release(composite);
    weir_buf_release(plain);
}

/* ---- writing ---------------------------------------------------------------------------------- */

WEIR_TEST(buf_composite, writes_between_parts_share_one_piece_of_memory) {
    weir_buf *composite = weir_buf_composite_new();
    for (int i = 0; i < 4; i++) {
        weir_buf_printf(composite, "<%d", i);
        weir_buf_write_u8(composite, ':');
        append(composite, weir_buf_wrap_const("body", 4));
        weir_buf_write_str(composite, ">");
    }
    expect(reads(composite, "<0:body><1:body><2:body><3:body>"));
    expect_eq(weir_buf_composite_count(composite), 9u);
    weir_buf *first = weir_buf_slice(composite, 0, 3), *last = weir_buf_slice(composite, 31, 1);
    expect(first->root == last->root);
    weir_buf_release(first);
    weir_buf_release(last);
    weir_buf_release(composite);
}

WEIR_TEST(buf_composite, a_write_goes_to_the_window_once_the_reader_is_there) {
    weir_buf *composite = weir_buf_composite_new();
    append(composite, heap_of("part"));
    weir_buf_write_str(composite, "12");
    expect_eq((size_t)(composite->ep - composite->wp), 0u);
    expect(weir_buf_writable(composite) > 0);

    weir_buf_skip(composite, 4);
    weir_buf_write_str(composite, "34");
    uint16_t digits = 0;
    expect(weir_buf_read_u16(composite, &digits));
    expect_eq(digits, 0x3132);
    expect((size_t)(composite->ep - composite->wp) > 0);
    weir_buf_write_str(composite, "56");
    expect(reads(composite, "3456"));
    expect_eq(weir_buf_composite_count(composite), 2u);
    weir_buf_release(composite);
}

/* The table has not heard of the last write when the reader has caught up with it. */
WEIR_TEST(buf_composite, what_was_written_to_the_window_stays_when_the_reader_has_reached_its_end) {
    weir_buf *composite = weir_buf_composite_new();
    weir_buf_write_str(composite, "table");
    weir_buf_write_str(composite, "window");
    expect(weir_buf_skip(composite, 11));

    expect_eq(weir_buf_coalesce(composite, 0).len, 0u);

    expect_eq(weir_buf_readable(composite), 0u);
    expect(weir_buf_set_positions(composite, 0, 11));
    expect(reads(composite, "tablewindow"));
    weir_buf_release(composite);
}

WEIR_TEST(buf_composite, a_stream_of_writes_and_reads_settles_on_one_piece_of_memory) {
    weir_buf *composite = weir_buf_composite_new();
    weir_buf_write_str(composite, "warm");
    weir_buf_skip(composite, 4);
    weir_buf_composite_drop_read(composite);
    weir_tracking_alloc_fail_never(weir_test_alloc());

    for (int i = 0; i < 1000; i++) {
        weir_buf_write_str(composite, "message of 20 bytes.");
        expect(weir_buf_skip(composite, 20));
        weir_buf_composite_drop_read(composite);
    }

    expect_eq(weir_tracking_alloc_calls(weir_test_alloc()), 0u);
    weir_buf_release(composite);
}

WEIR_TEST(buf_composite, bytes_written_before_views_were_taken_do_not_change_under_them) {
    weir_buf *composite = weir_buf_composite_new();
    weir_buf_write_str(composite, "first");
    weir_buf *view = weir_buf_read_slice(composite, 5);
    weir_buf_composite_drop_read(composite);
    weir_buf_write_str(composite, "second");

    expect(reads(view, "first"));
    expect(reads(composite, "second"));
    weir_buf_release(view);
    weir_buf_release(composite);
}

/* ---- lying together --------------------------------------------------------------------------- */

WEIR_TEST(buf_composite, coalescing_copies_only_what_is_not_together_yet) {
    weir_buf *composite = weir_buf_composite_new();
    append(composite, heap_of("together"));
    append(composite, heap_of("apart"));
    const uint8_t *first = weir_buf_peek(composite).ptr;

    expect(weir_buf_coalesce(composite, 8).ptr == first);
    weir_buf_skip(composite, 6);
    weir_bytes joined = weir_buf_coalesce(composite, 4);
    expect_bytes(joined, "erap");
    expect_eq(weir_buf_composite_count(composite), 3u);
    expect(weir_buf_coalesce(composite, 4).ptr == joined.ptr);
    expect_eq(weir_buf_reader_index(composite), 6u);
    weir_buf_set_positions(composite, 0, 13);
    expect(reads(composite, "togetherapart"));
    weir_buf_release(composite);
}

WEIR_TEST(buf_composite, coalescing_without_memory_fails_and_keeps_the_bytes) {
    weir_buf *composite = weir_buf_composite_new();
    append(composite, heap_of("ab"));
    append(composite, heap_of("cd"));
    weir_tracking_alloc_fail_from(weir_test_alloc(), 0);
    weir_bytes joined = weir_buf_coalesce(composite, 3);
    weir_tracking_alloc_fail_never(weir_test_alloc());

    expect(joined.ptr == NULL);
    expect_status(weir_buf_status(composite), WEIR_E_NO_MEMORY);
    expect(reads(composite, "abcd"));
    weir_buf_release(composite);
}

WEIR_TEST(buf_composite, read_only_parts_stay_so_in_whatever_they_become_part_of) {
    weir_buf *composite = weir_buf_composite_new();
    append(composite, heap_of("ab"));
    append(composite, heap_of("cd"));
    weir_buf_set_read_only(composite);
    weir_buf *outer = weir_buf_composite_new();

    append(outer, weir_buf_slice(composite, 1, 2));
    append(outer, composite);
    expect(reads(outer, "bcabcd"));
    expect_abort(weir_buf_set_u8(outer, 0, 'x'), "is read-only");
    expect_abort(weir_buf_set_u8(outer, 5, 'x'), "is read-only");
    expect_bytes(weir_buf_coalesce(outer, 3), "bca");
    expect_abort(weir_buf_set_u8(outer, 0, 'x'), "is read-only");
    weir_buf_release(outer);
}
