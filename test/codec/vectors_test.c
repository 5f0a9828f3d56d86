/* vectors_test.c - the reader of files of cases. */
#include <stdlib.h>
#include <unistd.h>

#include <weir/buffer.h>
#include <weir/testing.h>
#include <weir/testing/vectors.h>

static weir_vectors *vectors_of(const char *text) {
    char path[] = "/tmp/weir_vectors_XXXXXX";
    int fd = mkstemp(path);
    require(fd >= 0);
    require(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
    weir_vectors *vectors = weir_vectors_open(path);
    unlink(path);
    return vectors;
}

WEIR_TEST(vectors, are_read_line_by_line) {
    weir_vectors *vectors = vectors_of("# a comment\n\n  case  one two \n\tempty\nlast");
    require(weir_vectors_next(vectors));
    expect(weir_vectors_is(vectors, "case") && !weir_vectors_is(vectors, "cas"));
    expect_str(weir_vectors_rest(vectors), "one two");
    expect_eq(weir_vectors_line(vectors), 3);
    require(weir_vectors_next(vectors));
    expect(weir_vectors_is(vectors, "empty"));
    expect_str(weir_vectors_rest(vectors), "");
    require(weir_vectors_next(vectors));
    expect(weir_vectors_is(vectors, "last"));
    expect(!weir_vectors_next(vectors));
    weir_vectors_close(vectors);
}

WEIR_TEST(vectors, spell_bytes_as_strings_and_digits) {
    weir_vectors *vectors = vectors_of("feed 00 \"a\\r\\n\\t\\0\\\\\\\"\\xfE #\" 0dFF\nfeed\n");
    require(weir_vectors_next(vectors));
    weir_buf *bytes = weir_vectors_bytes(vectors);
    expect(weir_buf_equal_bytes(bytes, weir_bytes_of("\0a\r\n\t\0\\\"\xfe #\x0d\xff", 13)));
    weir_buf_release(bytes);
    require(weir_vectors_next(vectors));
    bytes = weir_vectors_bytes(vectors);
    expect(!weir_buf_is_readable(bytes));
    weir_buf_release(bytes);
    weir_vectors_close(vectors);
}

WEIR_TEST(vectors, have_options) {
    weir_vectors *vectors = vectors_of("line max_length=16 adjust=-2 length=3\n");
    require(weir_vectors_next(vectors));
    expect_eq(weir_vectors_option(vectors, "max_length", 7), 16);
    expect_eq(weir_vectors_option(vectors, "adjust", 7), -2);
    expect_eq(weir_vectors_option(vectors, "length", 7), 3);
    expect_eq(weir_vectors_option(vectors, "max", 7), 7);
    weir_vectors_close(vectors);
}

static void read_bytes(const char *line) {
    weir_vectors *vectors = vectors_of(line);
    if (weir_vectors_next(vectors)) weir_buf_release(weir_vectors_bytes(vectors));
}

WEIR_TEST(vectors, abort_at_a_line_that_breaks_the_grammar) {
    expect_abort(read_bytes("\nfeed \"open"), ":2: a string without an end");
    expect_abort(read_bytes("feed 0"), ":1: two hexadecimal digits were expected");
    expect_abort(read_bytes("feed \"\\q\""), ":1: an unknown character after a backslash");
    expect_abort(weir_vectors_close(weir_vectors_open("/nowhere")), "no vectors at /nowhere");
}
