/* http_access_log_test.c - lines of a log, and those who would write more than one. */
#include <weir/buffer.h>
#include <weir/codec/http_access_log.h>
#include <weir/testing.h>

static void expect_line(weir_http_access_log entry, const char *expected) {
    weir_buf *out = weir_buf_new(0);
    weir_http_access_log_format(&entry, out);
    expect_same_bytes(weir_buf_peek(out), weir_bytes_str(expected));
    weir_buf_release(out);
}

static weir_http_access_log example(void) {
    return (weir_http_access_log){.host = weir_bytes_str("127.0.0.1"),
                                  .user = weir_bytes_str("frank"),
                                  .seconds = 971186136,
                                  .method = weir_bytes_str("GET"),
                                  .target = weir_bytes_str("/apache_pb.gif"),
                                  .status = 200,
                                  .body_size = 2326};
}

WEIR_TEST(http_access_log, has_the_common_format) {
    expect_line(example(),
                "127.0.0.1 - frank [10/Oct/2000:13:55:36 +0000] \"GET /apache_pb.gif HTTP/1.0\" 200 2326\n");
    expect_line((weir_http_access_log){.status = 400}, "- - - [01/Jan/1970:00:00:00 +0000] \"-\" 400 -\n");
    expect_line((weir_http_access_log){0}, "- - - [01/Jan/1970:00:00:00 +0000] \"-\" - -\n");
}

WEIR_TEST(http_access_log, has_the_combined_format) {
    weir_http_access_log entry = example();
    entry.minor = 1;
    entry.is_combined = true;
    entry.user_agent = weir_bytes_str("Mozilla/4.08 [en] (Win98; I ;Nav)");
    expect_line(
        entry,
        "127.0.0.1 - frank [10/Oct/2000:13:55:36 +0000] \"GET /apache_pb.gif HTTP/1.1\" 200 2326 \"-\" "
        "\"Mozilla/4.08 [en] (Win98; I ;Nav)\"\n");
}

WEIR_TEST(http_access_log, lets_nobody_end_a_line_or_a_quote) {
    weir_http_access_log entry = example();
    entry.is_combined = true;
    entry.user = weir_bytes_str("a b\n[");
    entry.target = weir_bytes_of("/\"\r\n\\x\0", 7);
    entry.referer = weir_bytes_str("\x1b[31m\xc3\xa4\x7f");
    entry.user_agent = weir_bytes_str("\"\"");
    expect_line(
        entry,
        "127.0.0.1 - a\\x20b\\x0a[ [10/Oct/2000:13:55:36 +0000] \"GET /\\\"\\x0d\\x0a\\\\x\\x00 HTTP/1.0\" 200 2326 "
        "\"\\x1b[31m\\xc3\\xa4\\x7f\" \"\\\"\\\"\"\n");
}
