/* http_range_test.c - Range and Content-Range of RFC 9110 14, and the parts of multipart/byteranges. */
#include <inttypes.h>

#include <weir/buffer.h>
#include <weir/codec/http_byteranges.h>
#include <weir/testing.h>

/* "first+length first+length", or the answer when there is no list. */
static void expect_ranges(const char *field, uint64_t length, const char *expected) {
    weir_http_ranges ranges;
    char text[1024] = "";
    size_t at = 0;
    weir_http_range_answer answer = weir_http_range_parse(weir_bytes_str(field), length, 0, &ranges);
    if (answer == WEIR_HTTP_RANGE_WHOLE) at = (size_t)snprintf(text, sizeof text, "whole ");
    if (answer == WEIR_HTTP_RANGE_UNSATISFIABLE) at = (size_t)snprintf(text, sizeof text, "416 ");
    for (unsigned i = 0; answer == WEIR_HTTP_RANGE_PARTIAL && i < ranges.count; i++) {
        at += (size_t)snprintf(text + at, sizeof text - at, "%" PRIu64 "+%" PRIu64 " ", ranges.list[i].first,
                               ranges.list[i].length);
    }
    if (at != 0) text[at - 1] = 0;
    weir_test_context("%s of %" PRIu64, field, length);
    expect_str(text, expected);
}

/* RFC 9110 14.1.2, of 10 000 bytes. */
WEIR_TEST(http_range, reads_the_examples_of_the_rfc) {
    expect_ranges("bytes=0-499", 10000, "0+500");
    expect_ranges("bytes=500-999", 10000, "500+500");
    expect_ranges("bytes=-500", 10000, "9500+500");
    expect_ranges("bytes=9500-", 10000, "9500+500");
    expect_ranges("bytes=0-0,-1", 10000, "0+1 9999+1");
    expect_ranges("bytes= 0-999, 4500-5499, -1000", 10000, "0+1000 4500+1000 9000+1000");
    expect_ranges("bytes=500-600,601-999", 10000, "500+500");
    expect_ranges("bytes=500-700,601-999", 10000, "500+500");
}

WEIR_TEST(http_range, cuts_to_what_there_is) {
    expect_ranges("bytes=0-99999", 10, "0+10");
    expect_ranges("bytes=5-99999999999999999999999999", 10, "5+5");
    expect_ranges("bytes=-99999999999999999999999999", 10, "0+10");
    expect_ranges("bytes=9-9", 10, "9+1");
    expect_ranges("bytes=20-30,2-3", 10, "2+2");
    expect_ranges("bytes=0-18446744073709551614", UINT64_MAX, "0+18446744073709551615");
}

WEIR_TEST(http_range, is_unsatisfiable_when_all_lie_behind_the_end) {
    expect_ranges("bytes=10-", 10, "416");
    expect_ranges("bytes=10-20, 30-", 10, "416");
    expect_ranges("bytes=-0", 10, "416");
    expect_ranges("bytes=0-", 0, "416");
    expect_ranges("bytes=0-0", 0, "416");
    expect_ranges("bytes=99999999999999999999999999-", 10, "416");
}

WEIR_TEST(http_range, is_ignored_when_it_is_none) {
    static const char *const wrong[] = {
        "",           "bytes",         "bytes=",      "bytes=,",    "bytes=a-b",   "bytes=5-4",  "bytes=-",
        "bytes=1-2-", "bytes=1-2 3",   "items=0-4",   "bytes 0-4",  "bytes=0x1-2", "bytes=+1-2", "bytes=1- 2",
        "=0-1",       "bytes=0-1;2-3", "bytes=0-1,x", "bytes==0-1", "bytes=--5",   "bytes=1--5", " bytes=0-1",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) expect_ranges(wrong[i], 10, "whole");
    expect_ranges("bytes=-5", 0, "whole"); /* satisfiable, and of nothing there is no part */
}

WEIR_TEST(http_range, takes_its_unit_in_any_case_and_empty_elements) {
    expect_ranges("BYTES=0-1", 10, "0+2");
    expect_ranges("bytes=,, 0-1 ,,", 10, "0+2");
}

WEIR_TEST(http_range, joins_what_touches_and_keeps_the_order) {
    expect_ranges("bytes=8-9,0-1,4-5", 10, "8+2 0+2 4+2");
    expect_ranges("bytes=8-9,0-1,2-3", 10, "8+2 0+4");
    expect_ranges("bytes=0-1,6-7,3-4,2-5", 10, "0+8"); /* the last fills every gap */
    expect_ranges("bytes=0-,0-,0-,0-,0-", 10, "0+10");
    expect_ranges("bytes=5-6,1-2,1-9", 10, "1+9");
}

WEIR_TEST(http_range, gives_the_whole_to_who_wants_too_many) {
    char field[256] = "bytes=0-0";
    for (unsigned i = 1; i < WEIR_HTTP_RANGES; i++) {
        size_t at = strlen(field);
        snprintf(field + at, sizeof field - at, ",%u-%u", i * 2, i * 2);
    }
    weir_http_ranges ranges;
    expect_eq(weir_http_range_parse(weir_bytes_str(field), 1000, 0, &ranges), WEIR_HTTP_RANGE_PARTIAL);
    expect_eq(ranges.count, WEIR_HTTP_RANGES);
    expect_eq(weir_http_range_parse(weir_bytes_str(field), 1000, 15, &ranges), WEIR_HTTP_RANGE_WHOLE);
    expect_eq(weir_http_range_parse(weir_bytes_str(field), 1000, 9999, &ranges), WEIR_HTTP_RANGE_PARTIAL);
    strcat(field, ",0-0"); /* overlapping ones count too */
    expect_eq(weir_http_range_parse(weir_bytes_str(field), 1000, 9999, &ranges), WEIR_HTTP_RANGE_WHOLE);
}

/* ---- Content-Range ---- */

static void expect_content_range(const weir_http_range *range, uint64_t length, const char *expected) {
    weir_buf *out = weir_buf_new(0);
    weir_http_content_range_format(range, length, out);
    expect_same_bytes(weir_buf_peek(out), weir_bytes_str(expected));
    weir_http_range read;
    uint64_t total;
    expect(weir_http_content_range_parse(weir_buf_peek(out), &read, &total));
    expect_eq(total, length);
    expect_eq(read.first, range == NULL ? 0 : range->first);
    expect_eq(read.length, range == NULL ? 0 : range->length);
    weir_buf_release(out);
}

WEIR_TEST(content_range, is_written_and_read) {
    expect_content_range(&(weir_http_range){42, 1192}, 1234, "bytes 42-1233/1234");
    expect_content_range(&(weir_http_range){42, 1192}, WEIR_HTTP_LENGTH_UNKNOWN, "bytes 42-1233/*");
    expect_content_range(NULL, 1234, "bytes */1234");
}

WEIR_TEST(content_range, is_refused_when_it_contradicts_itself) {
    static const char *const wrong[] = {"bytes 5-4/10",
                                        "bytes 0-10/10",
                                        "bytes */*",
                                        "bytes 0-1",
                                        "items 0-1/2",
                                        "bytes=0-1/2",
                                        "bytes 0-1/2x",
                                        "bytes 0-/2",
                                        "bytes 0-18446744073709551615/*",
                                        "bytes 0-1/99999999999999999999"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        weir_http_range range;
        uint64_t total;
        weir_test_context("%s", wrong[i]);
        expect(!weir_http_content_range_parse(weir_bytes_str(wrong[i]), &range, &total));
    }
}

/* ---- multipart/byteranges ---- */

static weir_buf *write_parts(const weir_http_byteranges *self, const char *content) {
    weir_buf *out = weir_buf_new(0);
    for (unsigned i = 0; i < self->ranges->count; i++) {
        const weir_http_range *range = &self->ranges->list[i];
        weir_http_byteranges_part(self, i, out);
        weir_buf_write_bytes(out, content + range->first, (size_t)range->length);
    }
    weir_http_byteranges_end(self, out);
    return out;
}

WEIR_TEST(byteranges, knows_its_length_beforehand) {
    static const uint8_t seed[WEIR_HTTP_BOUNDARY_SEED] = {0xa1, 0x02};
    weir_http_ranges ranges;
    weir_http_byteranges self;
    expect_eq(weir_http_range_parse(weir_bytes_str("bytes=0-0,9-12"), 13, 0, &ranges),
              WEIR_HTTP_RANGE_PARTIAL);
    weir_http_byteranges_init(&self, &ranges, weir_bytes_str("text/plain"), seed);
    weir_buf *out = write_parts(&self, "0123456789abc");
    expect_bytes(weir_buf_peek(out), "--1a200000000000000000000000000000\r\nContent-Type: text/plain\r\n"
                                     "Content-Range: bytes 0-0/13\r\n\r\n0\r\n"
                                     "--1a200000000000000000000000000000\r\nContent-Type: text/plain\r\n"
                                     "Content-Range: bytes 9-12/13\r\n\r\n9abc\r\n"
                                     "--1a200000000000000000000000000000--\r\n");
    expect_eq(weir_http_byteranges_length(&self), weir_buf_readable(out));
    weir_buf_release(out);

    weir_http_byteranges_init(&self, &ranges, weir_bytes_str(""), seed);
    out = write_parts(&self, "0123456789abc");
    expect_eq(weir_http_byteranges_length(&self), weir_buf_readable(out));
    weir_buf_clear(out);
    weir_http_byteranges_type(&self, out);
    expect_bytes(weir_buf_peek(out), "multipart/byteranges; boundary=1a200000000000000000000000000000");
    weir_buf_release(out);
}
