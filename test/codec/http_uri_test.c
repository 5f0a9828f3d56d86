/* http_uri_test.c - RFC 3986, with its examples. */
#include <weir/buffer.h>
#include <weir/codec/http_uri.h>
#include <weir/testing.h>

static weir_http_uri uri_of(const char *text) {
    weir_http_uri uri = {0};
    weir_test_context("%s", text);
    expect(weir_http_uri_parse(weir_bytes_str(text), &uri));
    return uri;
}

WEIR_TEST(http_uri, has_parts) {
    weir_http_uri uri = uri_of("http://user:pw@a.example:8042/over/there?name=ferret#nose");
    expect_bytes(uri.scheme, "http");
    expect_bytes(uri.userinfo, "user:pw");
    expect_bytes(uri.host, "a.example");
    expect_eq(uri.port, 8042);
    expect_bytes(uri.path, "/over/there");
    expect_bytes(uri.query, "name=ferret");
    expect_bytes(uri.fragment, "nose");

    uri = uri_of("ldap://[2001:db8::7]/c=GB?objectClass?one");
    expect(uri.is_ipv6 && uri.port == 0);
    expect_bytes(uri.host, "2001:db8::7");
    expect_bytes(uri.query, "objectClass?one");

    uri = uri_of("urn:oasis:names");
    expect(uri.host.ptr == NULL);
    expect_bytes(uri.path, "oasis:names");
    uri = uri_of("https://h:");
    expect(uri.port == 0 && weir_http_uri_port(&uri) == 443 && uri.path.len == 0 && uri.query.ptr == NULL);
    uri = uri_of("");
    expect(uri.scheme.ptr == NULL && uri.path.ptr != NULL);
    uri = uri_of("file:///a");
    expect(uri.host.ptr != NULL && uri.host.len == 0);
}

WEIR_TEST(http_uri, knows_ports) {
    static const struct {
        const char *uri;
        unsigned port;
    } rows[] = {{"http://a", 80}, {"HTTPS://a", 443}, {"ws://a:1", 1}, {"wss://a", 443}, {"gopher://a", 0}};
    for (size_t i = 0; i < 5; i++) {
        weir_http_uri uri = uri_of(rows[i].uri);
        expect_eq(weir_http_uri_port(&uri), rows[i].port);
    }
}

WEIR_TEST(http_uri, refuses_what_is_none) {
    static const char *const wrong[] = {"http://a b/",
                                        "http://a/ b",
                                        "http://a/\xc3\xa4",
                                        "http://a/%zz",
                                        "http://a/%1",
                                        "http://[::1",
                                        "http://[::g]/",
                                        "http://[]/",
                                        "http://[::1]x",
                                        "http://a:0/",
                                        "http://a:65536/",
                                        "http://a:8x/",
                                        "http://a:-1/",
                                        "http://a@b@c/",
                                        "http://a/?b#c#d",
                                        "http://a/<",
                                        "1a:b",
                                        "a%3:b",
                                        ":a",
                                        "http://a/\\b",
                                        "http://a\nb/",
                                        "http://a/[",
                                        "http://::1/"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        weir_http_uri uri;
        weir_test_context("%s", wrong[i]);
        expect(!weir_http_uri_parse(weir_bytes_str(wrong[i]), &uri));
    }
    weir_http_uri uri;
    expect(!weir_http_uri_parse(weir_bytes_of("http://a/\0", 10), &uri));
    expect(!weir_http_uri_parse(weir_bytes_of("http://a\0b/", 11), &uri));
}

WEIR_TEST(http_uri, is_put_together_again) {
    static const char *const texts[] = {"http://u@a:1/b?c#d", "//[::1]:2", "a/b?", "urn:x", "#",
                                        "http://a/?#"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        weir_http_uri uri = uri_of(texts[i]);
        weir_buf *out = weir_buf_new(0);
        weir_http_uri_format(&uri, out);
        expect_same_bytes(weir_buf_peek(out), weir_bytes_str(texts[i]));
        weir_buf_release(out);
    }
}

static void expect_resolved(const char *base_text, const char *text, const char *expected) {
    weir_http_uri base = uri_of(base_text), reference = uri_of(text);
    weir_buf *out = weir_buf_new(0);
    weir_http_uri_resolve(&base, &reference, out);
    expect_same_bytes(weir_buf_peek(out), weir_bytes_str(expected));
    weir_buf_release(out);
}

/* RFC 3986 5.4.1 and 5.4.2: all of them. */
WEIR_TEST(http_uri, resolves_the_references_of_the_rfc) {
    static const char *const rows[][2] = {
        {"g:h", "g:h"},
        {"g", "http://a/b/c/g"},
        {"./g", "http://a/b/c/g"},
        {"g/", "http://a/b/c/g/"},
        {"/g", "http://a/g"},
        {"//g", "http://g"},
        {"?y", "http://a/b/c/d;p?y"},
        {"g?y", "http://a/b/c/g?y"},
        {"#s", "http://a/b/c/d;p?q#s"},
        {"g#s", "http://a/b/c/g#s"},
        {"g?y#s", "http://a/b/c/g?y#s"},
        {";x", "http://a/b/c/;x"},
        {"g;x", "http://a/b/c/g;x"},
        {"g;x?y#s", "http://a/b/c/g;x?y#s"},
        {"", "http://a/b/c/d;p?q"},
        {".", "http://a/b/c/"},
        {"./", "http://a/b/c/"},
        {"..", "http://a/b/"},
        {"../", "http://a/b/"},
        {"../g", "http://a/b/g"},
        {"../..", "http://a/"},
        {"../../", "http://a/"},
        {"../../g", "http://a/g"},
        {"../../../g", "http://a/g"},
        {"../../../../g", "http://a/g"},
        {"/./g", "http://a/g"},
        {"/../g", "http://a/g"},
        {"g.", "http://a/b/c/g."},
        {".g", "http://a/b/c/.g"},
        {"g..", "http://a/b/c/g.."},
        {"..g", "http://a/b/c/..g"},
        {"./../g", "http://a/b/g"},
        {"./g/.", "http://a/b/c/g/"},
        {"g/./h", "http://a/b/c/g/h"},
        {"g/../h", "http://a/b/c/h"},
        {"g;x=1/./y", "http://a/b/c/g;x=1/y"},
        {"g;x=1/../y", "http://a/b/c/y"},
        {"g?y/./x", "http://a/b/c/g?y/./x"},
        {"g?y/../x", "http://a/b/c/g?y/../x"},
        {"g#s/./x", "http://a/b/c/g#s/./x"},
        {"g#s/../x", "http://a/b/c/g#s/../x"},
        {"http:g", "http:g"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        expect_resolved("http://a/b/c/d;p?q", rows[i][0], rows[i][1]);
    }
}

WEIR_TEST(http_uri, resolves_against_a_base_without_a_path) {
    expect_resolved("https://[::1]:8443", "a/b", "https://[::1]:8443/a/b");
    expect_resolved("https://u@h:1/x?y", "?z", "https://u@h:1/x?z");
}
