/* buf_mark_test.c - going back to where a buf stood. */
#include <weir/testing.h>
#include <weir/testing/buf_kinds.h>

static void check_reader(weir_buf *buf, weir_bytes content) {
    for (size_t at = 0; at <= content.len; at++) {
        weir_buf_mark start = weir_buf_mark_at(buf);
        expect(weir_buf_skip(buf, at));
        weir_buf_mark inside = weir_buf_mark_at(buf);
        expect(weir_buf_skip(buf, content.len - at));
        expect(weir_buf_reset_reader(buf, inside));
        expect(weir_buf_equal_bytes(buf, weir_bytes_sub(content, at, content.len)));
        expect(weir_buf_reset_reader(buf, start));
        expect(weir_buf_equal_bytes(buf, content));
    }
}

WEIR_TEST(buf_mark, the_reader_goes_back_to_any_of_several) {
    weir_buf_kinds_each(WEIR_BUF_KIND_ANY, weir_bytes_str("marked here"), check_reader);
}

static void check_writer(weir_buf *buf, weir_bytes content) {
    weir_buf_mark end = weir_buf_mark_at(buf);
    weir_buf_write_str(buf, "a first try that is given up");
    weir_buf_skip(buf, 1);
    expect(weir_buf_reset_writer(buf, end));
    expect(weir_buf_equal_bytes(buf, weir_bytes_sub(content, 1, content.len)));
    weir_buf_write_str(buf, "!");
    expect_eq(weir_buf_readable(buf), content.len);
    expect(weir_buf_reset(buf, end));
    expect(weir_buf_equal_bytes(buf, content));
}

WEIR_TEST(buf_mark, what_was_written_since_is_taken_back) {
    weir_buf_kinds_each(WEIR_BUF_KIND_GROWS, weir_bytes_str("content"), check_writer);
}

static void check_refusals(weir_buf *buf, weir_bytes content) {
    weir_buf_mark start = weir_buf_mark_at(buf);
    size_t reader = start.reader, writer = start.writer;
    expect(weir_buf_set_positions(buf, reader, reader + 2));
    weir_buf_mark early = weir_buf_mark_at(buf);
    expect(weir_buf_skip(buf, 2));
    early.writer--;
    expect(!weir_buf_reset_writer(buf, early));
    weir_buf_mark late = {writer, writer};
    expect(!weir_buf_reset_reader(buf, late));
    expect_eq(weir_buf_reader_index(buf), reader + 2);
    expect_eq(weir_buf_writer_index(buf), reader + 2);
    (void)content;
}

WEIR_TEST(buf_mark, positions_never_cross) {
    weir_buf_kinds_each(WEIR_BUF_KIND_ANY, weir_bytes_str("content"), check_refusals);
}
