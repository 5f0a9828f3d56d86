/* http_query_test.c - pairs of a query. */
#include <weir/buffer.h>
#include <weir/codec/http_query.h>
#include <weir/testing.h>

/* "[key]=[value]" each, then the name of the failure. */
static void expect_pairs(const char *text, const weir_http_query_options *options, const char *expected) {
    weir_buf *scratch = weir_buf_new(0);
    weir_buf *log = weir_buf_new(0);
    weir_http_query query;
    weir_http_query_init(&query, weir_bytes_str(text), options, scratch);
    for (weir_bytes key, value; weir_http_query_next(&query, &key, &value);) {
        weir_buf_write_str(log, "[");
        weir_buf_write_view(log, key);
        weir_buf_write_str(log, "]=[");
        weir_buf_write_view(log, value);
        weir_buf_write_str(log, "] ");
    }
    if (query.status != WEIR_OK) weir_buf_write_str(log, weir_status_name(query.status));
    weir_test_context("%s", text);
    expect_same_bytes(weir_buf_peek(log), weir_bytes_str(expected));
    weir_buf_release(scratch);
    weir_buf_release(log);
}

WEIR_TEST(http_query, gives_decoded_pairs) {
    expect_pairs("", NULL, "");
    expect_pairs("a=1&b=x+y&c", NULL, "[a]=[1] [b]=[x y] [c]=[] ");
    expect_pairs("&&a=&=b&a==%3D&", NULL, "[a]=[] []=[b] [a]=[==] ");
    expect_pairs("%26=%3d&k%20=v%2B", NULL, "[&]=[=] [k ]=[v+] ");
    expect_pairs("a=x+y", &(weir_http_query_options){.plus_is_plus = true}, "[a]=[x+y] ");
}

WEIR_TEST(http_query, refuses_bad_escapes) {
    expect_pairs("a=1&b=%zz&c=2", NULL, "[a]=[1] WEIR_E_INVALID");
    expect_pairs("%=1", NULL, "WEIR_E_INVALID");
    expect_pairs("a=%00", NULL, "WEIR_E_INVALID");
}

WEIR_TEST(http_query, is_bounded) {
    expect_pairs("a&b&c", &(weir_http_query_options){.max_pairs = 2}, "[a]=[] [b]=[] WEIR_E_LIMIT");
    expect_pairs("&&&&a&b&&&", &(weir_http_query_options){.max_pairs = 2}, "[a]=[] [b]=[] ");
    weir_buf *many = weir_buf_new(0);
    for (unsigned i = 0; i < 1025; i++) weir_buf_write_str(many, "a&");
    weir_buf *scratch = weir_buf_new(0);
    weir_http_query query;
    weir_http_query_init(&query, weir_buf_peek(many), NULL, scratch);
    unsigned count = 0;
    for (weir_bytes key, value; weir_http_query_next(&query, &key, &value);) count++;
    expect_eq(count, 1024);
    expect_status(query.status, WEIR_E_LIMIT);
    weir_buf_release(scratch);
    weir_buf_release(many);
}

WEIR_TEST(http_query, tells_when_the_scratch_is_too_small) {
    weir_buf *scratch = weir_buf_new_limited(4, 4);
    weir_http_query query;
    weir_bytes key, value;
    weir_http_query_init(&query, weir_bytes_str("a=b&long=value"), NULL, scratch);
    expect(weir_http_query_next(&query, &key, &value));
    expect(!weir_http_query_next(&query, &key, &value));
    expect_status(query.status, WEIR_E_FULL);
    weir_buf_release(scratch);
}

WEIR_TEST(http_query, is_written) {
    weir_buf *out = weir_buf_new(0);
    weir_http_query_write('?', weir_bytes_str("a b"), weir_bytes_str("1&2"), out);
    weir_http_query_write('&', weir_bytes_str("c~"), weir_bytes_str(" +\xc3\xa4 "), out);
    expect_bytes(weir_buf_peek(out), "?a+b=1%262&c%7E=+%2B%C3%A4+");
    weir_buf_release(out);
}
