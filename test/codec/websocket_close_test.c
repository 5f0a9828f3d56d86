/* websocket_close_test.c - every close code, and what may stand behind it. */
#include <weir/buffer.h>
#include <weir/codec/websocket_close.h>
#include <weir/testing.h>

WEIR_TEST(websocket_close, knows_which_codes_may_be_on_the_wire) {
    for (unsigned code = 0; code <= 65535; code++) {
        bool is_valid =
            (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code < 5000);
        if (weir_websocket_close_is_valid(code) != is_valid) {
            weir_test_context("code %u", code);
            expect(false);
        }
    }
}

static const char *parse(weir_bytes payload, unsigned expected, weir_bytes *reason) {
    unsigned code;
    const char *wrong = weir_websocket_close_parse(payload, &code, reason);
    expect_eq(code, expected);
    return wrong;
}

WEIR_TEST(websocket_close, takes_payloads_apart) {
    weir_bytes reason;
    expect(parse(weir_bytes_of("", 0), WEIR_WEBSOCKET_CLOSE_NONE, &reason) == NULL);
    expect_bytes(reason, "");
    expect(parse(weir_bytes_of("\x03\xe8", 2), 1000, &reason) == NULL);
    expect_bytes(reason, "");
    expect(parse(weir_bytes_of("\x0f\xa0gone", 6), 4000, &reason) == NULL);
    expect_bytes(reason, "gone");
    expect_str(parse(weir_bytes_of("\x03", 1), 1002, &reason), "close frame of one byte");
    expect_str(parse(weir_bytes_of("\x03\xed", 2), 1002, &reason), "close code");
    expect_str(parse(weir_bytes_of("\x03\xe8\xce", 3), 1007, &reason), "close reason is no UTF-8");
    expect_str(parse(weir_bytes_of("\x03\xe8\xff", 3), 1007, &reason), "close reason is no UTF-8");
}

WEIR_TEST(websocket_close, writes_payloads_and_cuts_a_long_reason_at_a_character) {
    weir_buf *out = weir_buf_new(256);
    weir_websocket_close_write(out, WEIR_WEBSOCKET_CLOSE_NONE, weir_bytes_str("not said"));
    expect_eq(weir_buf_readable(out), 0);
    weir_websocket_close_write(out, 1001, weir_bytes_str("bye"));
    expect_bytes(weir_buf_peek(out), "\x03\xe9"
                                     "bye");
    weir_buf_clear(out);
    char longest[200];
    memset(longest, 'x', sizeof longest);
    memcpy(longest + 121, "\xe2\x82\xac", 3);
    weir_websocket_close_write(out, 1000, weir_bytes_of(longest, sizeof longest));
    expect_eq(weir_buf_readable(out), 2 + 121);
    weir_buf_clear(out);
    weir_websocket_close_write(out, 1000, weir_bytes_of(longest, 123 - 2));
    expect_eq(weir_buf_readable(out), 2 + 121);
    weir_buf_release(out);
}
