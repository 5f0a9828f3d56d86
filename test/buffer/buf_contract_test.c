/* buf_contract_test.c - what holds for every kind of buf: positions, bytes, copies and views. */
#include <weir/testing.h>
#include <weir/testing/buf_kinds.h>

static const char text[] = "The quick brown fox jumps over 13 lazy dogs";

static weir_bytes sample(void) {
    return weir_bytes_str(text);
}

/* Read in one piece, without moving. */
static bool holds(const weir_buf *buf, weir_bytes expected) {
    uint8_t bytes[256];
    size_t n = weir_buf_readable(buf);
    return n <= sizeof bytes && weir_buf_peek_bytes(buf, bytes, n) &&
           weir_bytes_equal(weir_bytes_of(bytes, n), expected);
}

/* ---- positions -------------------------------------------------------------------------------- */

static void check_positions(weir_buf *buf, weir_bytes content) {
    size_t reader = weir_buf_reader_index(buf);
    expect_eq(weir_buf_readable(buf), content.len);
    expect_eq(weir_buf_is_readable(buf), content.len > 0);
    expect_eq(weir_buf_writer_index(buf), reader + content.len);
    expect(weir_buf_capacity(buf) >= weir_buf_writer_index(buf));
    expect(weir_buf_max_writable(buf) >= weir_buf_writable(buf));
    expect_eq(weir_obj_size(&buf->obj), content.len);
    expect(weir_buf_from(&buf->obj) == buf);
    expect_status(weir_buf_status(buf), WEIR_OK);
}

WEIR_TEST(buf_contract, positions_add_up) {
    weir_buf_kinds_each(WEIR_BUF_KIND_ANY, sample(), check_positions);
    weir_buf_kinds_each(WEIR_BUF_KIND_ANY, weir_bytes_str("x"), check_positions);
    weir_buf_kinds_each(WEIR_BUF_KIND_ANY, weir_bytes_str(""), check_positions);
}

static void check_skipping(weir_buf *buf, weir_bytes content) {
    size_t start = weir_buf_reader_index(buf);
    expect(!weir_buf_skip(buf, content.len + 1));
    expect(!weir_buf_skip(buf, SIZE_MAX));
    expect_eq(weir_buf_readable(buf), content.len);
    for (size_t at = 0; at <= content.len; at++) {
        expect_eq(weir_buf_reader_index(buf), start + at);
        expect(holds(buf, weir_bytes_sub(content, at, content.len)));
        expect_eq(weir_buf_is_readable(buf), at < content.len);
        weir_bytes together = weir_buf_peek(buf);
        expect_eq(together.len > 0, at < content.len);
        expect(weir_bytes_starts_with(weir_bytes_sub(content, at, content.len), together));
        expect_eq(weir_buf_skip(buf, 1), at < content.len);
    }
    expect(weir_buf_skip(buf, 0));
}

WEIR_TEST(buf_contract, skipping_moves_byte_by_byte_and_never_past_the_end) {
    weir_buf_kinds_each(WEIR_BUF_KIND_ANY, sample(), check_skipping);
}

static void check_set_positions(weir_buf *buf, weir_bytes content) {
    size_t start = weir_buf_reader_index(buf), end = weir_buf_writer_index(buf);
    for (size_t at = content.len + 1; at-- > 0;) {
        expect(weir_buf_set_positions(buf, start + at, end));
        expect(holds(buf, weir_bytes_sub(content, at, content.len)));
    }
    expect(!weir_buf_set_positions(buf, start + 1, start));
    expect(!weir_buf_set_positions(buf, start, weir_buf_capacity(buf) + 1));
    expect(holds(buf, content));
    for (size_t len = content.len + 1; len-- > 0;) {
        expect(weir_buf_set_positions(buf, start, start + len));
        expect(holds(buf, weir_bytes_sub(content, 0, len)));
    }
}

WEIR_TEST(buf_contract, positions_can_be_set_to_any_place_in_order) {
    weir_buf_kinds_each(WEIR_BUF_KIND_ANY, sample(), check_set_positions);
}

static void check_clear(weir_buf *buf, weir_bytes content) {
    (void)content;
    weir_buf_clear(buf);
    expect_eq(weir_buf_readable(buf), 0u);
    expect_eq(weir_buf_reader_index(buf), 0u);
    expect_eq(weir_buf_peek(buf).len, 0u);
    expect(!weir_buf_skip(buf, 1));
}

WEIR_TEST(buf_contract, a_cleared_buf_is_empty) {
    weir_buf_kinds_each(WEIR_BUF_KIND_ANY, sample(), check_clear);
}

static void check_reuse(weir_buf *buf, weir_bytes content) {
    weir_buf_clear(buf);
    weir_buf_write_view(buf, content);
    weir_buf_write_view(buf, content);
    expect_eq(weir_buf_readable(buf), 2 * content.len);
    expect(weir_buf_skip(buf, content.len));
    expect(holds(buf, content));
}

WEIR_TEST(buf_contract, a_cleared_buf_can_be_written_again) {
    weir_buf_kinds_each(WEIR_BUF_KIND_GROWS, sample(), check_reuse);
}

/* ---- bytes ------------------------------------------------------------------------------------ */

static void check_reading(weir_buf *buf, weir_bytes content) {
    uint8_t bytes[64];
    size_t start = weir_buf_reader_index(buf);
    for (size_t size = 1; size <= content.len; size += 3) {
        expect(weir_buf_set_positions(buf, start, start + content.len));
        size_t at = 0;
        for (; at + size <= content.len; at += size) {
            require(weir_buf_read_bytes(buf, bytes, size));
            expect_same_bytes(weir_bytes_of(bytes, size), weir_bytes_sub(content, at, size));
        }
        memset(bytes, 0x55, sizeof bytes);
        expect(!weir_buf_read_bytes(buf, bytes, size));
        expect(!weir_buf_peek_bytes(buf, bytes, size));
        expect_eq(bytes[0], 0x55);
        expect_eq(weir_buf_readable(buf), content.len - at);
    }
}

WEIR_TEST(buf_contract, bytes_are_read_in_any_portions) {
    weir_buf_kinds_each(WEIR_BUF_KIND_ANY, sample(), check_reading);
}

static void check_getting(weir_buf *buf, weir_bytes content) {
    uint8_t bytes[64];
    size_t start = weir_buf_reader_index(buf), capacity = weir_buf_capacity(buf);
    for (size_t at = 0; at < content.len; at++) {
        size_t n = content.len - at;
        require(weir_buf_get_bytes(buf, start + at, bytes, n));
        expect_same_bytes(weir_bytes_of(bytes, n), weir_bytes_sub(content, at, n));
    }
    expect(weir_buf_get_bytes(buf, capacity, bytes, 0));
    expect(!weir_buf_get_bytes(buf, capacity, bytes, 1));
    expect(!weir_buf_get_bytes(buf, SIZE_MAX, bytes, 2));
    expect(!weir_buf_get_bytes(buf, 2, bytes, SIZE_MAX));
    expect(holds(buf, content));
}

WEIR_TEST(buf_contract, bytes_are_got_at_any_position) {
    weir_buf_kinds_each(WEIR_BUF_KIND_ANY, sample(), check_getting);
}

static void check_setting(weir_buf *buf, weir_bytes content) {
    size_t start = weir_buf_reader_index(buf);
    uint8_t expected[64], with[64];
    memset(with, '#', sizeof with);
    memcpy(expected, content.ptr, content.len);
    for (size_t at = 0; at < content.len; at += 5) {
        size_t n = content.len - at < 11 ? content.len - at : 11;
        with[0] = (uint8_t)at;
        expect(weir_buf_set_bytes(buf, start + at, with, n));
        memcpy(expected + at, with, n);
        expect(holds(buf, weir_bytes_of(expected, content.len)));
    }
    expect(!weir_buf_set_bytes(buf, weir_buf_capacity(buf), with, 1));
    expect(holds(buf, weir_bytes_of(expected, content.len)));
}

WEIR_TEST(buf_contract, bytes_are_set_in_place) {
    weir_buf_kinds_each(WEIR_BUF_KIND_WRITABLE, sample(), check_setting);
}

static void check_appending(weir_buf *buf, weir_bytes content) {
    uint8_t expected[1200];
    size_t len = content.len;
    memcpy(expected, content.ptr, len);
    for (size_t i = 0; i < 1000; i += 100) {
        for (size_t n = 0; n < 13; n++) {
            uint8_t piece[13];
            memset(piece, (int)(i + n), n);
            weir_buf_write_bytes(buf, piece, n);
            memcpy(expected + len, piece, n);
            len += n;
        }
    }
    weir_buf_write_fill(buf, 0, 100);
    memset(expected + len, 0, 100);
    len += 100;
    expect_status(weir_buf_status(buf), WEIR_OK);
    expect(weir_buf_equal_bytes(buf, weir_bytes_of(expected, len)));
}

WEIR_TEST(buf_contract, appended_bytes_follow_those_that_are_there) {
    weir_buf_kinds_each(WEIR_BUF_KIND_GROWS, sample(), check_appending);
    weir_buf_kinds_each(WEIR_BUF_KIND_GROWS, weir_bytes_str(""), check_appending);
}

static void check_moving_over(weir_buf *buf, weir_bytes content) {
    weir_buf *copy = weir_buf_new(0);
    size_t half = content.len / 2;
    expect(weir_buf_write_buf(copy, buf, half));
    expect(weir_buf_write_buf(copy, buf, content.len - half));
    expect(!weir_buf_write_buf(copy, buf, 1));
    expect_eq(weir_buf_readable(buf), 0u);
    expect(holds(copy, content));
    weir_buf_release(copy);
}

WEIR_TEST(buf_contract, the_bytes_of_one_buf_are_written_to_another) {
    weir_buf_kinds_each(WEIR_BUF_KIND_ANY, sample(), check_moving_over);
}

/* ---- room ------------------------------------------------------------------------------------- */

static void check_reserving(weir_buf *buf, weir_bytes content) {
    uint8_t expected[4096];
    size_t len = content.len;
    memcpy(expected, content.ptr, len);
    for (size_t n = 1; n < 1000; n = n * 3 + 1) {
        uint8_t *room = weir_buf_reserve(buf, n);
        require(room != NULL);
        expect(weir_buf_writable(buf) >= n);
        memset(room, (int)n, n);
        weir_buf_commit(buf, n / 2);
        memset(expected + len, (int)n, n);
        len += n / 2;
        expect(weir_buf_equal_bytes(buf, weir_bytes_of(expected, len)));
    }
}

WEIR_TEST(buf_contract, reserved_room_is_committed_as_far_as_it_was_filled) {
    weir_buf_kinds_each(WEIR_BUF_KIND_GROWS, sample(), check_reserving);
}

static void check_ensuring(weir_buf *buf, weir_bytes content) {
    size_t room = weir_buf_writable(buf);
    expect_eq(weir_buf_ensure_writable(buf, room, false), WEIR_BUF_ROOM_ENOUGH);
    expect_eq(weir_buf_ensure_writable(buf, room + 1, false), WEIR_BUF_ROOM_GREW);
    expect(weir_buf_writable(buf) > room);
    expect_eq(weir_buf_ensure_writable(buf, SIZE_MAX, false), WEIR_BUF_ROOM_TOO_LITTLE);
    expect_status(weir_buf_status(buf), WEIR_OK);
    expect(holds(buf, content));
}

WEIR_TEST(buf_contract, room_is_ensured_before_it_is_needed) {
    weir_buf_kinds_each(WEIR_BUF_KIND_GROWS, sample(), check_ensuring);
}

static void check_compacting(weir_buf *buf, weir_bytes content) {
    expect(weir_buf_skip(buf, 20));
    weir_status status = weir_buf_compact(buf);
    expect(status == WEIR_OK || (weir_buf_is_read_only(buf) && status == WEIR_E_SHARED));
    if (status == WEIR_OK) expect_eq(weir_buf_reader_index(buf), 0u);
    expect(holds(buf, weir_bytes_sub(content, 20, content.len)));
}

WEIR_TEST(buf_contract, compacting_keeps_what_is_readable) {
    weir_buf_kinds_each(WEIR_BUF_KIND_ANY, sample(), check_compacting);
}

static void check_prepending(weir_buf *buf, weir_bytes content) {
    expect(weir_buf_skip(buf, 10));
    expect(!weir_buf_prepend(buf, weir_buf_reader_index(buf) + 1));
    expect(weir_buf_prepend(buf, 4));
    size_t at = weir_buf_reader_index(buf);
    expect(weir_buf_set_bytes(buf, at, "HEAD", 4));
    uint8_t expected[64];
    memcpy(expected, "HEAD", 4);
    memcpy(expected + 4, content.ptr + 10, content.len - 10);
    expect(holds(buf, weir_bytes_of(expected, content.len - 6)));
}

WEIR_TEST(buf_contract, what_was_read_is_headroom) {
    weir_buf_kinds_each(WEIR_BUF_KIND_WRITABLE, sample(), check_prepending);
}

static void check_coalescing(weir_buf *buf, weir_bytes content) {
    for (size_t n = 0; n <= content.len; n += 6) {
        weir_bytes together = weir_buf_coalesce(buf, n);
        expect_same_bytes(together, weir_bytes_sub(content, 0, n));
        expect(weir_buf_peek(buf).len >= n);
        expect(holds(buf, content));
    }
    expect(weir_buf_coalesce(buf, content.len + 1).ptr == NULL);
    expect_status(weir_buf_status(buf), WEIR_OK);
}

WEIR_TEST(buf_contract, coalescing_brings_bytes_together) {
    weir_buf_kinds_each(WEIR_BUF_KIND_ANY, sample(), check_coalescing);
}

/* ---- views ------------------------------------------------------------------------------------ */

static void check_slices(weir_buf *buf, weir_bytes content) {
    for (size_t at = 0; at <= content.len; at += 4) {
        for (size_t len = 0; at + len <= content.len; len += 3) {
            weir_buf *slice = weir_buf_slice(buf, at, len);
            require(slice != NULL);
            expect(holds(slice, weir_bytes_sub(content, at, len)));
            expect_eq(weir_buf_reader_index(slice), 0u);
            expect_eq(weir_buf_max_writable(slice), 0u);
            expect_eq(weir_buf_is_read_only(slice), weir_buf_is_read_only(buf));
            weir_buf_release(slice);
        }
    }
    expect(holds(buf, content));
}

WEIR_TEST(buf_contract, a_slice_shows_any_stretch) {
    weir_buf_kinds_each(WEIR_BUF_KIND_ANY, sample(), check_slices);
}

static void check_read_slices(weir_buf *buf, weir_bytes content) {
    weir_buf *slices[16];
    size_t count = 0;
    while (weir_buf_readable(buf) >= 4) {
        slices[count] = weir_buf_read_slice(buf, 4);
        require(slices[count] != NULL);
        count++;
    }
    expect_eq(count, content.len / 4);
    weir_buf_clear(buf);
    for (size_t i = 0; i < count; i++) {
        expect(holds(slices[i], weir_bytes_sub(content, 4 * i, 4)));
        weir_buf_release(slices[i]);
    }
}

WEIR_TEST(buf_contract, slices_are_read_off_the_front_and_stand_alone) {
    weir_buf_kinds_each(WEIR_BUF_KIND_ANY, sample(), check_read_slices);
}

static void check_duplicates(weir_buf *buf, weir_bytes content) {
    weir_buf *twin = weir_buf_duplicate(buf);
    weir_buf *copy = weir_buf_copy(buf);
    require(twin != NULL && copy != NULL);
    expect_eq(weir_buf_reader_index(twin), weir_buf_reader_index(buf));
    expect_eq(weir_buf_capacity(twin), weir_buf_capacity(buf));
    expect_eq(weir_buf_max_writable(twin), weir_buf_max_writable(buf));
    expect(weir_buf_skip(twin, 5));
    expect(holds(twin, weir_bytes_sub(content, 5, content.len)));
    expect(holds(buf, content));
    expect(weir_buf_set_positions(twin, weir_buf_reader_index(buf), weir_buf_writer_index(buf)));
    if (!weir_buf_is_read_only(buf)) {
        expect(weir_buf_set_u8(buf, weir_buf_reader_index(buf) + 20, '!'));
        uint8_t seen = 0;
        expect(weir_buf_get_u8(twin, weir_buf_reader_index(twin) + 20, &seen));
        expect_eq(seen, '!');
    }
    expect(holds(copy, content));
    weir_buf_release(twin);
    weir_buf_release(copy);
}

WEIR_TEST(buf_contract, a_duplicate_shares_bytes_and_a_copy_does_not) {
    weir_buf_kinds_each(WEIR_BUF_KIND_ANY, sample(), check_duplicates);
}

static void check_outliving(weir_buf *buf, weir_bytes content) {
    weir_buf_retain(buf);
    weir_buf *twin = weir_buf_duplicate(buf), *slice = weir_buf_slice(buf, 3, 30);
    weir_buf *inner = weir_buf_slice(slice, 2, 20);
    weir_buf_release(buf);
    weir_buf_release(slice);
    expect(holds(inner, weir_bytes_sub(content, 5, 20)));
    expect(holds(twin, content));
    weir_buf_release(twin);
    expect(holds(inner, weir_bytes_sub(content, 5, 20)));
    weir_buf_release(inner);
}

WEIR_TEST(buf_contract, a_view_of_a_view_outlives_what_it_was_made_of) {
    weir_buf_kinds_each(WEIR_BUF_KIND_ANY, sample(), check_outliving);
}

static void check_growing_while_shared(weir_buf *buf, weir_bytes content) {
    weir_buf *slice = weir_buf_slice(buf, 0, content.len);
    weir_buf_write_fill(buf, '+', 5000);
    weir_buf_set_bytes(buf, weir_buf_writer_index(buf) - 5000, "grown", 5);
    expect(holds(slice, content));
    expect_eq(weir_buf_readable(buf), content.len + 5000);
    weir_buf_release(slice);
}

WEIR_TEST(buf_contract, growing_leaves_views_their_bytes) {
    weir_buf_kinds_each(WEIR_BUF_KIND_GROWS, sample(), check_growing_while_shared);
}
