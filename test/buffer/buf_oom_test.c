/* buf_oom_test.c - every function that allocates, with every allocation failing once. */
#include <weir/testing.h>
#include <weir/testing/buf_kinds.h>

static void free_wrapped(void *arg, void *ptr, size_t len) {
    (void)ptr, (void)len;
    *(int *)arg += 1;
}

/* ---- makers and views ------------------------------------------------------------------------- */

static bool makes_and_views(void *arg) {
    (void)arg;
    int freed = 0;
    char memory[] = "wrapped";
    weir_buf *all[8] = {weir_buf_new(16), weir_buf_new_limited(0, 10), weir_buf_composite_new(),
                        weir_buf_wrap(memory, 7, free_wrapped, &freed), weir_buf_wrap_const("constant", 8)};
    if (all[0] != NULL) {
        weir_buf_write_str(all[0], "content");
        all[5] = weir_buf_slice(all[0], 1, 3);
        all[6] = weir_buf_duplicate(all[0]);
        all[7] = weir_buf_copy(all[0]);
    }
    bool has_all = true;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (all[i] == NULL) has_all = false;
        weir_buf_release(all[i]);
    }
    expect_eq(freed, 1);
    return has_all;
}

WEIR_TEST(buf_oom, makers_and_views_answer_null) {
    weir_oom_sweep(makes_and_views, NULL);
}

/* A slice that could not be made leaves the reader where it is. */
static bool reads_slices(void *arg) {
    (void)arg;
    weir_buf *buf = weir_buf_new(16), *composite = weir_buf_composite_new();
    bool did_all = buf != NULL && composite != NULL;
    if (did_all) {
        weir_buf_write_str(buf, "0123456789");
        for (size_t i = 0; i < 10 && did_all; i++) {
            did_all = weir_buf_composite_append(composite, weir_buf_slice(buf, i, 1)) == WEIR_OK;
        }
    }
    if (did_all) {
        weir_buf *slice = weir_buf_read_slice(composite, 9);
        expect_eq(weir_buf_readable(composite), slice == NULL ? 10u : 1u);
        did_all = slice != NULL && weir_buf_equal_bytes(slice, weir_bytes_str("012345678"));
        weir_buf_release(slice);
    }
    weir_buf_release(buf);
    weir_buf_release(composite);
    return did_all;
}

WEIR_TEST(buf_oom, a_slice_that_cannot_be_made_moves_nothing) {
    weir_oom_sweep(reads_slices, NULL);
}

/* ---- growing ---------------------------------------------------------------------------------- */

static bool fails_once(const weir_buf *buf) {
    return buf == NULL || weir_buf_status(buf) == WEIR_E_NO_MEMORY;
}

/* What arrived is a beginning of what was written, and whatever is missing is told by the status. */
static bool is_beginning(weir_buf *buf, weir_bytes expected) {
    size_t n = weir_buf_readable(buf);
    expect(n <= expected.len && weir_buf_equal_bytes(buf, weir_bytes_sub(expected, 0, n)));
    expect(n == expected.len || fails_once(buf));
    return n == expected.len;
}

static bool grows(void *arg) {
    weir_buf *buf = *(bool *)arg ? weir_buf_composite_new() : weir_buf_new(0);
    if (buf == NULL) return false;
    uint8_t expected[4000];
    size_t n = 0;
    for (int i = 0; i < 12; i++) {
        uint8_t piece[300];
        memset(piece, 'a' + i, sizeof piece);
        weir_buf_write_bytes(buf, piece, sizeof piece);
        memcpy(expected + n, piece, sizeof piece);
        n += sizeof piece;
        weir_buf *view = i % 3 == 0 && weir_buf_is_readable(buf) ? weir_buf_slice(buf, 0, 1) : NULL;
        weir_buf_write_u8(buf, '.');
        expected[n++] = '.';
        weir_buf_release(view);
    }
    bool did_all = is_beginning(buf, weir_bytes_of(expected, n));
    weir_buf_release(buf);
    return did_all;
}

WEIR_TEST(buf_oom, growing_sticks_its_failure) {
    bool is_composite = false;
    weir_oom_sweep(grows, &is_composite);
    is_composite = true;
    weir_oom_sweep(grows, &is_composite);
}

static bool sets_capacity(void *arg) {
    (void)arg;
    weir_buf *buf = weir_buf_new(8);
    if (buf == NULL) return false;
    weir_buf_write_str(buf, "12345678");
    weir_status status = weir_buf_set_capacity(buf, 100);
    weir_buf_room room = weir_buf_ensure_writable(buf, 1000, false);
    expect(status == WEIR_OK || status == WEIR_E_NO_MEMORY);
    expect_status(weir_buf_status(buf), WEIR_OK);
    expect_bytes(weir_buf_peek(buf), "12345678");
    weir_buf_printf(buf, "%700d", 1);
    bool did_all = status == WEIR_OK && room == WEIR_BUF_ROOM_GREW && weir_buf_status(buf) == WEIR_OK;
    weir_buf_release(buf);
    return did_all;
}

WEIR_TEST(buf_oom, asking_for_capacity_changes_nothing_when_it_fails) {
    weir_oom_sweep(sets_capacity, NULL);
}

/* ---- composites ------------------------------------------------------------------------------- */

static bool composes(void *arg) {
    (void)arg;
    weir_buf *outer = weir_buf_composite_new(), *inner = weir_buf_composite_new();
    bool did_all = outer != NULL && inner != NULL;
    for (int i = 0; i < 20 && did_all; i++) {
        weir_buf *part = weir_buf_new(4);
        if (part != NULL) weir_buf_write_u32(part, (uint32_t)i);
        did_all = weir_buf_composite_append(i % 2 == 0 ? outer : inner, part) == WEIR_OK;
    }
    if (did_all) {
        weir_buf *twin = weir_buf_duplicate(inner);
        did_all = weir_buf_composite_append(outer, twin) == WEIR_OK;
    }
    if (did_all) {
        did_all = weir_buf_composite_append(outer, inner) == WEIR_OK;
        inner = NULL;
    }
    if (did_all) {
        weir_buf_skip(outer, 2);
        weir_bytes together = weir_buf_coalesce(outer, 60);
        did_all = together.len == 60;
        expect(did_all || fails_once(outer));
        expect_eq(weir_buf_readable(outer), 30 * 4 - 2u);
    }
    weir_buf_release(outer);
    weir_buf_release(inner);
    return did_all;
}

WEIR_TEST(buf_oom, a_composite_takes_its_parts_also_when_it_fails) {
    weir_oom_sweep(composes, NULL);
}
