/* addr_test.c - addresses from text and back. */
#include <string.h>
#include <sys/un.h>

#include <weir/testing.h>
#include <weir/transport/addr.h>

static void check_text(const char *host, unsigned port, const char *expected) {
    weir_addr addr;
    char text[WEIR_ADDR_TEXT];
    weir_test_context("%s port %u", host, port);
    expect_status(weir_addr_parse(&addr, host, port), WEIR_OK);
    expect_str(weir_addr_format(&addr, text), expected);
    expect_eq(weir_addr_port(&addr), port);
}

WEIR_TEST(addr, is_parsed_and_formatted) {
    check_text("127.0.0.1", 80, "127.0.0.1:80");
    check_text("0.0.0.0", 0, "0.0.0.0:0");
    check_text("255.255.255.255", 65535, "255.255.255.255:65535");
    check_text("::1", 443, "[::1]:443");
    check_text("[::1]", 443, "[::1]:443");
    check_text("::", 1, "[::]:1");
    check_text("fe80::1:2:3", 9, "[fe80::1:2:3]:9");
    check_text("0000:0000:0000:0000:0000:ffff:255.255.255.255", 9, "[::ffff:255.255.255.255]:9");
}

WEIR_TEST(addr, refuses_names_and_nonsense) {
    static const char *const wrong[] = {
        "",    "localhost", "1.2.3", "1.2.3.4.5", "256.1.1.1",
        ":::", "[]",        "[::1",  "::1]",      "12345678901234567890123456789012345678901234567890"};
    weir_addr addr;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        weir_test_context("\"%s\"", wrong[i]);
        expect_status(weir_addr_parse(&addr, wrong[i], 1), WEIR_E_INVALID);
        expect_eq(addr.len, 0);
    }
    expect_status(weir_addr_parse(&addr, "127.0.0.1", 65536), WEIR_E_INVALID);
    expect_status(weir_addr_resolve(&addr, "localhost", 65536), WEIR_E_INVALID);
}

static void check_split(const char *text, const char *host_expected, unsigned port_expected) {
    char host[64];
    unsigned port = 0;
    weir_test_context("\"%s\"", text);
    expect_status(weir_addr_split(text, host, sizeof host, &port), WEIR_OK);
    expect_str(host, host_expected);
    expect_eq(port, port_expected);
}

WEIR_TEST(addr, is_split_into_host_and_port) {
    check_split("127.0.0.1:80", "127.0.0.1", 80);
    check_split("example.com:0", "example.com", 0);
    check_split("[::1]:65535", "::1", 65535);
    check_split("[fe80::1]:8", "fe80::1", 8);
}

WEIR_TEST(addr, refuses_to_split_what_is_no_host_and_port) {
    static const char *const wrong[] = {"",           ":",       "host",   "host:",   ":80",
                                        "host:65536", "host:-1", "::1:80", "[::1]80", "[::1]",
                                        "[]:80",      "[::1:80", "host:8x"};
    char host[64];
    unsigned port;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        weir_test_context("\"%s\"", wrong[i]);
        expect_status(weir_addr_split(wrong[i], host, sizeof host, &port), WEIR_E_INVALID);
    }
    expect_status(weir_addr_split("four:1", host, 4, &port), WEIR_E_INVALID);
    expect_status(weir_addr_split("four:1", host, 5, &port), WEIR_OK);
}

WEIR_TEST(addr, resolves_numbers_and_the_local_name_and_no_invented_ones) {
    weir_addr addr;
    char text[WEIR_ADDR_TEXT];
    expect_status(weir_addr_resolve(&addr, "127.0.0.1", 5), WEIR_OK);
    expect_str(weir_addr_format(&addr, text), "127.0.0.1:5");
    expect_status(weir_addr_resolve(&addr, "localhost", 7), WEIR_OK);
    expect_eq(weir_addr_port(&addr), 7);
    expect_status(weir_addr_resolve(&addr, "no such host", 1), WEIR_E_RESOLVE);
}

WEIR_TEST(addr, of_none_and_of_a_path_have_text_and_no_port) {
    weir_addr none = {0}, path = {0};
    char text[WEIR_ADDR_TEXT];
    expect_str(weir_addr_format(&none, text), "-");
    expect_eq(weir_addr_port(&none), 0);
    struct sockaddr_un un = {.sun_family = AF_UNIX, .sun_path = "/run/x"};
    memcpy(path.as.room, &un, sizeof un);
    path.len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 7);
    expect_str(weir_addr_format(&path, text), "unix:/run/x");
    expect_eq(weir_addr_port(&path), 0);
}

static void check_unix(const char *text) {
    weir_addr addr, again;
    char formatted[WEIR_ADDR_TEXT], host[WEIR_ADDR_TEXT];
    unsigned port = 7;
    weir_test_context("%s", text);
    expect_status(weir_addr_parse(&addr, text, 70000), WEIR_OK); /* no port, none to be wrong */
    expect_eq(addr.as.sa.sa_family, AF_UNIX);
    expect_eq(weir_addr_port(&addr), 0);
    expect_str(weir_addr_format(&addr, formatted), text);
    expect_status(weir_addr_resolve(&again, formatted, 0), WEIR_OK);
    expect(weir_addr_equal(&addr, &again));
    expect_status(weir_addr_split(text, host, sizeof host, &port), WEIR_OK);
    expect_str(host, text);
    expect_eq(port, 0);
}

/* "unix:" and `first`, filled up to so many bytes. */
static const char *long_name(char text[WEIR_ADDR_TEXT], char first, size_t bytes) {
    memset(text, 0, WEIR_ADDR_TEXT);
    memcpy(text, "unix:", 5);
    memset(text + 5, 'x', bytes);
    text[5] = first;
    return text;
}

WEIR_TEST(addr, of_a_unix_name_goes_to_text_and_back) {
    char text[WEIR_ADDR_TEXT];
    check_unix("unix:/run/x");
    check_unix("unix:x.sock");
    check_unix("unix:/run/a:80");
    check_unix("unix:@x");
    check_unix("unix:@a/b:c");
    check_unix(long_name(text, '/', 107));
    check_unix(long_name(text, '@', 107));
}

WEIR_TEST(addr, refuses_unix_names_that_are_empty_or_too_long) {
    char longer[2][WEIR_ADDR_TEXT], host[WEIR_ADDR_TEXT];
    const char *wrong[] = {"unix:", "unix:@", long_name(longer[0], '/', 108), long_name(longer[1], '@', 108)};
    weir_addr addr;
    unsigned port;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        weir_test_context("\"%s\"", wrong[i]);
        expect_status(weir_addr_parse(&addr, wrong[i], 0), WEIR_E_INVALID);
        expect_eq(addr.len, 0);
        expect_status(weir_addr_resolve(&addr, wrong[i], 0), WEIR_E_INVALID);
        expect_status(weir_addr_split(wrong[i], host, sizeof host, &port), WEIR_E_INVALID);
    }
    expect_status(weir_addr_split("unix:/run/x", host, 11, &port), WEIR_E_INVALID);
    expect_status(weir_addr_split("unix:/run/x", host, 12, &port), WEIR_OK);
}

WEIR_TEST(addr, of_unix_is_equal_when_the_name_is) {
    weir_addr path, same, abstract, unnamed = {.len = sizeof(sa_family_t), .as.sa.sa_family = AF_UNIX};
    char text[WEIR_ADDR_TEXT];
    weir_addr_parse(&path, "unix:x", 0);
    same = path;
    same.len--; /* the system counts the NUL or not */
    expect(weir_addr_equal(&path, &same));
    weir_addr_parse(&abstract, "unix:@x", 0);
    expect(!weir_addr_equal(&path, &abstract));
    expect(!weir_addr_equal(&path, &unnamed));
    expect_str(weir_addr_format(&unnamed, text), "unix:");
    same = abstract;
    same.len++; /* here a NUL at the end is part of the name */
    expect(!weir_addr_equal(&abstract, &same));
    expect_str(weir_addr_format(&same, text), "unix:@x@");
}

WEIR_TEST(addr, is_equal_when_family_host_and_port_are) {
    weir_addr a, b, none = {0};
    weir_addr_parse(&a, "127.0.0.1", 80);
    weir_addr_parse(&b, "127.0.0.1", 80);
    expect(weir_addr_equal(&a, &b));
    weir_addr_parse(&b, "127.0.0.1", 81);
    expect(!weir_addr_equal(&a, &b));
    weir_addr_parse(&b, "127.0.0.2", 80);
    expect(!weir_addr_equal(&a, &b));
    weir_addr_parse(&b, "::1", 80);
    expect(!weir_addr_equal(&a, &b));
    expect(!weir_addr_equal(&a, &none));
    expect(weir_addr_equal(&none, &none));
}
