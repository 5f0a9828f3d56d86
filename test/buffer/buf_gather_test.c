/* buf_gather_test.c - small pieces copied, big ones referred to, iovecs in both directions. */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include <weir/testing.h>
#include <weir/testing/buf_kinds.h>

/* ---- copy or refer ---------------------------------------------------------------------------- */

static void check_both_ways(weir_buf *part, weir_bytes content) {
    for (size_t threshold = content.len; threshold <= content.len + 1; threshold++) {
        weir_buf *composite = weir_buf_composite_new();
        weir_buf_write_str(composite, "head ");
        weir_buf *twin = weir_buf_duplicate(part);
        expect_status(weir_buf_append_ref_or_copy(composite, twin, threshold), WEIR_OK);
        bool is_copied = threshold > content.len;
        if (is_copied) expect_eq(weir_buf_composite_count(composite), 1u);
        if (!is_copied) expect(weir_buf_composite_count(composite) > 1);
        expect(weir_buf_skip(composite, 5));
        expect(weir_buf_equal_bytes(composite, content));
        weir_buf_release(composite);
    }
}

WEIR_TEST(buf_gather, a_part_below_the_threshold_is_copied_and_one_at_it_referred_to) {
    weir_buf_kinds_each(WEIR_BUF_KIND_ANY, weir_bytes_str("some body"), check_both_ways);
}

WEIR_TEST(buf_gather, a_part_that_cannot_be_added_is_released_all_the_same) {
    weir_buf *full = weir_buf_new_limited(0, 4), *composite = weir_buf_composite_new();
    weir_buf_write_str(full, "too long");
    expect_status(weir_buf_append_ref_or_copy(composite, full, 100), WEIR_E_FULL);
    expect_status(weir_buf_append_ref_or_copy(composite, NULL, 100), WEIR_E_FULL);
    weir_buf_clear(composite);
    expect_status(weir_buf_append_ref_or_copy(composite, NULL, 100), WEIR_E_NO_MEMORY);
    expect_status(weir_buf_append_ref_or_copy(composite, weir_buf_wrap_const("abc", 3), 100),
                  WEIR_E_NO_MEMORY);
    expect_eq(weir_buf_readable(composite), 0u);
    expect_abort(weir_buf_append_ref_or_copy(composite, composite, 100), "added to itself");
    weir_buf_release(composite);
}

/* ---- iovecs in -------------------------------------------------------------------------------- */

static void check_iovecs(weir_buf *buf, weir_bytes content) {
    char one[] = "one", two[] = "twotwo";
    struct iovec vecs[] = {{one, 3}, {NULL, 0}, {two, 6}, {one, 3}};
    weir_buf_write_iovecs(buf, vecs, 4);
    weir_buf_write_iovecs(buf, NULL, 0);
    expect(weir_buf_skip(buf, content.len));
    expect(weir_buf_equal_bytes(buf, weir_bytes_str("onetwotwoone")));
}

WEIR_TEST(buf_gather, iovecs_are_appended_in_order) {
    weir_buf_kinds_each(WEIR_BUF_KIND_GROWS, weir_bytes_str("before"), check_iovecs);
}

WEIR_TEST(buf_gather, iovecs_that_do_not_all_fit_are_not_begun) {
    char text[] = "12345";
    struct iovec vecs[] = {{text, 5}, {text, 5}}, huge[] = {{text, 5}, {text, SIZE_MAX}};
    weir_buf *buf = weir_buf_new_limited(0, 8), *other = weir_buf_new(0);

    weir_buf_write_iovecs(buf, vecs, 2);
    weir_buf_write_iovecs(other, huge, 2);

    expect_status(weir_buf_status(buf), WEIR_E_FULL);
    expect_status(weir_buf_status(other), WEIR_E_FULL);
    expect_eq(weir_buf_readable(buf) + weir_buf_readable(other), 0u);
    weir_buf_release(buf);
    weir_buf_release(other);
}

/* ---- room in pieces --------------------------------------------------------------------------- */

enum {
    ASKED = 700
};

static uint8_t letter(size_t i) {
    return (uint8_t)('a' + i % 23);
}

/* Fills the first n bytes of the room as readv would. */
static void fill(const weir_buf_scatter *scatter, size_t n) {
    size_t done = 0;
    for (size_t i = 0; i < scatter->count; i++) {
        uint8_t *to = scatter->vecs[i].iov_base;
        for (size_t j = 0; j < scatter->vecs[i].iov_len && done < n; j++) to[j] = letter(done++);
    }
    expect_eq(done, n);
}

static void check_letters(weir_buf *buf, size_t n) {
    uint8_t byte = 0;
    for (size_t i = 0; i < n; i++) expect(weir_buf_read_u8(buf, &byte) && byte == letter(i));
}

static void check_scatter(weir_buf *buf, weir_bytes content) {
    static const size_t filled[] = {0, 1, 250, 251, 252, 255, 256, 257, 699, 700};
    for (size_t i = 0; i < sizeof filled / sizeof filled[0]; i++) {
        weir_buf_scatter scatter;
        expect(weir_buf_reserve_scatter(buf, ASKED, &scatter));
        expect(scatter.count >= 1 && (scatter.count == 1 || weir_buf_is_composite(buf)));
        fill(&scatter, filled[i]);
        weir_buf_commit_scatter(buf, &scatter, filled[i]);
        weir_buf_write_str(buf, "|");
    }
    expect_status(weir_buf_status(buf), WEIR_OK);
    expect(weir_buf_skip(buf, content.len));
    for (size_t i = 0; i < sizeof filled / sizeof filled[0]; i++) {
        check_letters(buf, filled[i]);
        uint8_t bar = 0;
        expect(weir_buf_read_u8(buf, &bar) && bar == '|');
    }
    expect(!weir_buf_is_readable(buf));
}

WEIR_TEST(buf_gather, room_in_pieces_becomes_readable_as_far_as_it_was_filled) {
    weir_buf_kinds_each(WEIR_BUF_KIND_GROWS, weir_bytes_str("before"), check_scatter);
}

WEIR_TEST(buf_gather, a_composite_fills_up_what_it_has_and_goes_on_in_a_new_block) {
    weir_buf *buf = weir_buf_composite_new();
    weir_buf_write_fill(buf, '-', 200);
    size_t room = weir_buf_writable(buf);
    const uint8_t *first = weir_buf_peek(buf).ptr;
    weir_buf_scatter scatter;

    require(weir_buf_reserve_scatter(buf, ASKED, &scatter));

    expect_eq(scatter.count, 2u);
    expect(scatter.vecs[0].iov_base == first + 200);
    expect_eq(scatter.vecs[0].iov_len, room);
    expect_eq(scatter.vecs[0].iov_len + scatter.vecs[1].iov_len, (size_t)ASKED);
    fill(&scatter, ASKED - 1);
    weir_buf_commit_scatter(buf, &scatter, ASKED - 1);
    expect_eq(weir_buf_composite_count(buf), 2u);
    expect(weir_buf_writable(buf) >= 1);
    expect(weir_buf_skip(buf, 200));
    check_letters(buf, ASKED - 1);
    weir_buf_release(buf);
}

WEIR_TEST(buf_gather, a_socket_is_read_into_both_pieces_by_one_readv) {
    int ends[2];
    require(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    uint8_t sent[ASKED];
    for (size_t i = 0; i < ASKED; i++) sent[i] = letter(i);
    expect_eq(write(ends[0], sent, ASKED), ASKED);
    weir_buf *buf = weir_buf_composite_new();
    weir_buf_write_str(buf, "x");
    weir_buf_scatter scatter;

    require(weir_buf_reserve_scatter(buf, 4096, &scatter));
    ssize_t n = readv(ends[1], scatter.vecs, (int)scatter.count);
    weir_buf_commit_scatter(buf, &scatter, n < 0 ? 0 : (size_t)n);

    expect_eq(n, ASKED);
    expect(weir_buf_skip(buf, 1));
    expect(weir_buf_equal_bytes(buf, weir_bytes_of(sent, ASKED)));
    weir_buf_release(buf);
    close(ends[0]);
    close(ends[1]);
}

WEIR_TEST(buf_gather, room_beyond_the_maximum_is_refused_and_too_much_committed_a_bug) {
    weir_buf *buf = weir_buf_new_limited(0, 100);
    weir_buf_scatter scatter;
    require(weir_buf_reserve_scatter(buf, 100, &scatter));
    expect_abort(weir_buf_commit_scatter(buf, &scatter, 101), "committed 101 bytes of the 100");
    weir_buf_commit_scatter(buf, &scatter, 10);
    expect(!weir_buf_reserve_scatter(buf, 91, &scatter));
    expect_status(weir_buf_status(buf), WEIR_E_FULL);
    expect(!weir_buf_reserve_scatter(buf, 1, &scatter));
    weir_buf_commit_scatter(buf, &scatter, 0);
    expect_eq(weir_buf_readable(buf), 10u);
    weir_buf_release(buf);
}

/* ---- out of memory ---------------------------------------------------------------------------- */

static bool scatters(void *arg) {
    (void)arg;
    weir_buf *buf = weir_buf_composite_new();
    if (buf == NULL) return false;
    size_t written = 0;
    for (int i = 0; i < 12; i++) {
        weir_buf_scatter scatter;
        weir_buf_append_ref_or_copy(buf, weir_buf_wrap_const("reference", 9), i % 2 == 0 ? 5 : 50);
        if (!weir_buf_reserve_scatter(buf, 300, &scatter)) break;
        fill(&scatter, 300);
        weir_buf_commit_scatter(buf, &scatter, 300);
        if (weir_buf_status(buf) == WEIR_OK) written += 309;
    }
    bool did_all = written == (size_t)12 * 309;
    expect_status(weir_buf_status(buf), did_all ? WEIR_OK : WEIR_E_NO_MEMORY);
    expect(weir_buf_readable(buf) >= written);
    weir_buf_release(buf);
    return did_all;
}

WEIR_TEST(buf_gather, pieces_without_memory_stick_their_failure) {
    weir_oom_sweep(scatters, NULL);
}
