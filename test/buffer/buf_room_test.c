/* buf_room_test.c - growing, limits, failures that stick, and memory that moves or stays. */
#include <weir/testing.h>
#include <weir/testing/buf_kinds.h>

#define KIB ((size_t)1024)
#define MIB (1024 * KIB)

/* ---- growth ----------------------------------------------------------------------------------- */

WEIR_TEST(buf_room, growth_doubles_to_4_mib_and_then_goes_in_steps_of_it) {
    const size_t steps[][2] = {{0, 64},
                               {1, 64},
                               {64, 64},
                               {65, 128},
                               {4000, 4096},
                               {4 * MIB - 1, 4 * MIB},
                               {4 * MIB, 4 * MIB},
                               {4 * MIB + 1, 8 * MIB},
                               {9 * MIB, 12 * MIB},
                               {SIZE_MAX, SIZE_MAX},
                               {SIZE_MAX - 5, SIZE_MAX - 5}};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        expect_eq(weir_buf_growth(steps[i][0], SIZE_MAX), steps[i][1]);
    }
    expect_eq(weir_buf_growth(65, 100), 100u);
    expect_eq(weir_buf_growth(5 * MIB, 6 * MIB), 6 * MIB);
}

WEIR_TEST(buf_room, a_heap_buf_without_capacity_takes_memory_at_the_first_write) {
    weir_tracking_alloc_fail_never(weir_test_alloc());
    weir_buf *buf = weir_buf_new(0);
    expect_eq(weir_tracking_alloc_calls(weir_test_alloc()), 1u);
    expect_eq(weir_buf_capacity(buf), 0u);

    weir_buf_write_u8(buf, 1);

    expect_eq(weir_buf_capacity(buf), 64u);
    weir_buf_release(buf);
}

WEIR_TEST(buf_room, growing_an_unshared_buf_gives_the_old_memory_back) {
    weir_buf *buf = weir_buf_new(64);
    weir_buf_write_fill(buf, 7, 64);
    size_t before = weir_tracking_alloc_live(weir_test_alloc());

    weir_buf_write_u8(buf, 8);

    expect_eq(weir_tracking_alloc_live(weir_test_alloc()), before);
    expect_eq(weir_buf_capacity(buf), 128u);
    expect(buf->root == buf);
    weir_buf_release(buf);
}

WEIR_TEST(buf_room, memory_left_to_a_view_is_given_back_when_the_next_growth_finds_it_alone) {
    size_t none = weir_tracking_alloc_live(weir_test_alloc());
    weir_buf *buf = weir_buf_new(64);
    weir_buf_write_fill(buf, 'x', 64);
    weir_buf *view = weir_buf_slice(buf, 0, 64);
    weir_buf_write_u8(buf, 'y');
    expect(buf->root != buf);
    expect(weir_buf_equal_bytes(view, weir_bytes_of(weir_buf_peek(buf).ptr, 64)));

    weir_buf_release(view);
    weir_buf_write_fill(buf, 'z', 128);

    expect(buf->root == buf);
    expect_eq(weir_tracking_alloc_live(weir_test_alloc()), none + 2);
    weir_buf_release(buf);
}

WEIR_TEST(buf_room, headroom_stays_where_it_is_when_a_buf_grows) {
    weir_buf *buf = weir_buf_new(0);
    weir_buf_reserve_headroom(buf, 10);
    weir_buf_write_str(buf, "body");
    weir_buf_write_fill(buf, '.', 500);

    expect_eq(weir_buf_reader_index(buf), 10u);
    expect(weir_buf_prepend(buf, 4));
    expect(weir_buf_set_bytes(buf, 6, "head", 4));
    uint8_t front[8];
    expect(weir_buf_peek_bytes(buf, front, 8));
    expect_bytes(weir_bytes_of(front, 8), "headbody");
    weir_buf_release(buf);
}

/* ---- limits ----------------------------------------------------------------------------------- */

WEIR_TEST(buf_room, a_write_past_the_maximum_sticks_and_writes_nothing) {
    weir_buf *buf = weir_buf_new_limited(4, 10);
    weir_buf_write_str(buf, "12345678");
    weir_buf_write_u32(buf, 0);
    expect_status(weir_buf_status(buf), WEIR_E_FULL);

    weir_buf_write_u8(buf, 'x');
    weir_buf_fail(buf, WEIR_E_INVALID);
    expect(weir_buf_reserve(buf, 0) == NULL);

    expect_status(weir_buf_status(buf), WEIR_E_FULL);
    expect_bytes(weir_buf_peek(buf), "12345678");
    expect_eq(weir_buf_writable(buf), 0u);
    expect_eq(weir_buf_max_writable(buf), 0u);
    expect_eq(weir_buf_ensure_writable(buf, 1, true), WEIR_BUF_ROOM_TOO_LITTLE);

    weir_buf_clear(buf);
    expect_status(weir_buf_status(buf), WEIR_OK);
    weir_buf_write_str(buf, "1234567890");
    expect_status(weir_buf_status(buf), WEIR_OK);
    weir_buf_release(buf);
}

WEIR_TEST(buf_room, ensure_writable_has_four_answers) {
    weir_buf *buf = weir_buf_new_limited(64, 200);
    weir_buf_write_fill(buf, 0, 60);

    expect_eq(weir_buf_ensure_writable(buf, 4, false), WEIR_BUF_ROOM_ENOUGH);
    expect_eq(weir_buf_ensure_writable(buf, 141, false), WEIR_BUF_ROOM_TOO_LITTLE);
    expect_eq(weir_buf_capacity(buf), 64u);
    expect_eq(weir_buf_ensure_writable(buf, 5, false), WEIR_BUF_ROOM_GREW);
    expect_eq(weir_buf_capacity(buf), 128u);
    expect_eq(weir_buf_ensure_writable(buf, 141, true), WEIR_BUF_ROOM_GREW_TO_MAX);
    expect_eq(weir_buf_capacity(buf), 200u);
    expect_eq(weir_buf_ensure_writable(buf, 141, true), WEIR_BUF_ROOM_TOO_LITTLE);
    expect_status(weir_buf_status(buf), WEIR_OK);
    weir_buf_release(buf);
}

static void check_no_growth(weir_buf *buf, weir_bytes content) {
    if (weir_buf_max_writable(buf) != 0) return;
    weir_buf_write_u8(buf, 'x');
    expect_status(weir_buf_status(buf), WEIR_E_FULL);
    expect(weir_buf_equal_bytes(buf, content));
}

WEIR_TEST(buf_room, what_cannot_grow_says_so_and_keeps_its_bytes) {
    weir_buf_kinds_each(WEIR_BUF_KIND_WRITABLE, weir_bytes_str("content"), check_no_growth);
}

static void check_out_of_memory(weir_buf *buf, weir_bytes content) {
    weir_tracking_alloc_fail_from(weir_test_alloc(), 0);
    size_t room = weir_buf_writable(buf);
    weir_buf_room answer = weir_buf_ensure_writable(buf, room + MIB, false);
    bool has_other_memory = answer == WEIR_BUF_ROOM_GREW; /* a pool's */
    weir_status before = weir_buf_status(buf);
    weir_buf_write_fill(buf, 'x', weir_buf_writable(buf) + MIB);
    weir_buf_write_u8(buf, 'y');
    weir_tracking_alloc_fail_never(weir_test_alloc());

    expect_status(before, WEIR_OK);
    if (has_other_memory) return;
    expect_eq(answer, WEIR_BUF_ROOM_TOO_LITTLE);
    expect_status(weir_buf_status(buf), WEIR_E_NO_MEMORY);
    expect(weir_buf_equal_bytes(buf, content));
}

WEIR_TEST(buf_room, out_of_memory_sticks_and_keeps_the_bytes) {
    weir_buf_kinds_each(WEIR_BUF_KIND_GROWS, weir_bytes_str("content"), check_out_of_memory);
}

WEIR_TEST(buf_room, lengths_near_the_end_of_size_t_do_not_wrap_around) {
    weir_buf *buf = weir_buf_new_limited(16, SIZE_MAX), *composite = weir_buf_composite_new();
    weir_buf_write_str(buf, "12345");
    weir_buf_write_str(composite, "12345");

    expect(weir_buf_reserve(buf, SIZE_MAX) == NULL);
    expect_status(weir_buf_status(buf), WEIR_E_FULL);
    expect(weir_buf_reserve(composite, SIZE_MAX) == NULL);
    expect_status(weir_buf_status(composite), WEIR_E_FULL);
    expect(!weir_buf_set_positions(buf, 0, SIZE_MAX));
    expect(!weir_buf_prepend(buf, SIZE_MAX));
    expect_bytes(weir_buf_peek(buf), "12345");
    expect_bytes(weir_buf_peek(composite), "12345");
    weir_buf_release(buf);
    weir_buf_release(composite);
}

/* ---- changing capacity ------------------------------------------------------------------------ */

WEIR_TEST(buf_room, set_capacity_cuts_the_indices_and_grows_up_to_the_maximum) {
    weir_buf *buf = weir_buf_new_limited(100, 300);
    weir_buf_write_str(buf, "0123456789");
    weir_buf_skip(buf, 6);

    expect_status(weir_buf_set_capacity(buf, 8), WEIR_OK);
    expect_bytes(weir_buf_peek(buf), "67");
    expect_eq(weir_buf_capacity(buf), 8u);
    expect_eq(weir_buf_writable(buf), 0u);
    expect_status(weir_buf_set_capacity(buf, 4), WEIR_OK);
    expect_eq(weir_buf_reader_index(buf), 4u);
    expect_status(weir_buf_set_capacity(buf, 300), WEIR_OK);
    expect_eq(weir_buf_writable(buf), 296u);
    expect_status(weir_buf_set_capacity(buf, 301), WEIR_E_FULL);
    expect_status(weir_buf_status(buf), WEIR_OK);

    weir_buf_set_capacity(buf, 4);
    weir_buf_write_u8(buf, 'x');
    expect_status(weir_buf_status(buf), WEIR_OK);
    weir_buf_release(buf);
}

WEIR_TEST(buf_room, a_composite_has_no_capacity_to_set) {
    weir_buf *composite = weir_buf_composite_new();
    expect_status(weir_buf_set_capacity(composite, 10), WEIR_E_UNSUPPORTED);
    weir_buf_release(composite);
}

WEIR_TEST(buf_room, shared_memory_is_not_compacted) {
    weir_buf *buf = weir_buf_new(16);
    weir_buf_write_str(buf, "abcdef");
    weir_buf *view = weir_buf_read_slice(buf, 3);
    expect(!weir_buf_is_unshared(buf));
    expect(!weir_buf_is_unshared(view));

    expect_status(weir_buf_compact(buf), WEIR_E_SHARED);
    expect_bytes(weir_buf_peek(view), "abc");
    weir_buf_release(view);
    expect(weir_buf_is_unshared(buf));
    expect_status(weir_buf_compact(buf), WEIR_OK);

    expect_bytes(weir_buf_peek(buf), "def");
    expect_eq(weir_buf_reader_index(buf), 0u);
    expect_eq(weir_buf_writable(buf), 13u);
    weir_buf_release(buf);
}

/* ---- the empty one ---------------------------------------------------------------------------- */

WEIR_TEST(buf_room, the_empty_buf_is_one_and_never_dies) {
    weir_buf *empty = weir_buf_empty();
    for (int i = 0; i < 3; i++) weir_buf_release(empty);
    expect(weir_buf_retain(empty) == weir_buf_empty());

    weir_buf *slice = weir_buf_slice(empty, 0, 0), *twin = weir_buf_duplicate(empty),
             *copy = weir_buf_copy(empty);
    weir_buf_release(slice);
    weir_buf_release(twin);
    weir_buf_write_u8(copy, 'x');
    expect_bytes(weir_buf_peek(copy), "x");
    weir_buf_release(copy);

    weir_buf_clear(empty);
    expect_eq(weir_buf_readable(empty), 0u);
    expect_eq(weir_buf_max_writable(empty), 0u);
    expect(weir_buf_is_read_only(empty));
}

/* ---- bugs ------------------------------------------------------------------------------------- */

WEIR_TEST(buf_room, misuse_stops_the_program) {
    weir_buf *buf = weir_buf_new(8);
    weir_buf_write_u8(buf, 1);

    expect_abort(weir_buf_commit(buf, 8), "committed 8 bytes to a buf with room for 7");
    expect_abort(weir_buf_fail(buf, WEIR_OK), "cannot fail with status 0");
    expect_abort(weir_buf_reserve_headroom(buf, 4), "headroom is reserved");
    expect_abort(weir_buf_release(weir_buf_new_limited(9, 8)), "a capacity of 9");
    expect_abort(weir_buf_release(weir_buf_slice(buf, 1, 1)), "a slice of 1 bytes at 1 of 1 readable");
    expect_abort(weir_buf_release(weir_buf_slice(buf, SIZE_MAX, 1)), "a slice of");
    expect_abort(weir_buf_composite_count(buf), "is not a composite");
    weir_buf_release(buf);
}

static void check_read_only(weir_buf *buf, weir_bytes content) {
    weir_buf *source = weir_buf_wrap_const("x", 1);
    expect_eq(weir_buf_writable(buf), 0u);
    expect_eq(weir_buf_ensure_writable(buf, 1, true), WEIR_BUF_ROOM_TOO_LITTLE);
    expect_abort(weir_buf_write_u8(buf, 1), "is read-only");
    expect_abort(weir_buf_write_u64_le(buf, 1), "is read-only");
    expect_abort(weir_buf_write_str(buf, "x"), "is read-only");
    expect_abort(weir_buf_write_fill(buf, 0, 1), "is read-only");
    expect_abort(weir_buf_write_buf(buf, source, 1), "is read-only");
    expect_abort(weir_buf_reserve(buf, 1), "is read-only");
    expect_abort(weir_buf_prepend(buf, 0), "is read-only");
    expect_abort(weir_buf_set_u16(buf, 0, 1), "is read-only");
    expect_abort(weir_buf_set_bytes(buf, 0, "x", 1), "is read-only");
    expect_abort(weir_buf_printf(buf, "%d", 1), "is read-only");
    expect_abort(weir_buf_write_hex(buf, weir_bytes_str("00")), "is read-only");
    expect_abort(weir_buf_read_fd(buf, -1, 10), "is read-only");
    if (weir_buf_is_composite(buf)) expect_abort(weir_buf_composite_append(buf, source), "is read-only");
    expect(weir_buf_equal_bytes(buf, content));
    weir_buf_release(source);
}

static void check_made_read_only(weir_buf *buf, weir_bytes content) {
    weir_buf_set_read_only(buf);
    weir_buf_set_read_only(buf);
    expect_abort(weir_buf_write_u8(buf, 1), "is read-only");
    expect_abort(weir_buf_set_u8(buf, 0, 1), "is read-only");
    weir_buf *slice = weir_buf_slice(buf, 0, 1);
    expect_abort(weir_buf_set_u8(slice, 0, 1), "is read-only");
    weir_buf_release(slice);
    expect(weir_buf_equal_bytes(buf, content));
}

WEIR_TEST(buf_room, writing_to_a_read_only_buf_stops_the_program) {
    weir_buf *constant = weir_buf_wrap_const("constant", 8), *composite = weir_buf_composite_new();
    weir_buf_write_str(composite, "written");
    weir_buf_set_read_only(composite);

    check_read_only(constant, weir_bytes_str("constant"));
    check_read_only(composite, weir_bytes_str("written"));

    weir_buf_release(constant);
    weir_buf_release(composite);
    weir_buf_kinds_each(WEIR_BUF_KIND_WRITABLE, weir_bytes_str("ab"), check_made_read_only);
}
