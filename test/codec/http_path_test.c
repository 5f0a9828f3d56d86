/* http_path_test.c - percent-encoding and paths, above all those that want out. */
#include <weir/buffer.h>
#include <weir/codec/http_path.h>
#include <weir/codec/http_percent.h>
#include <weir/testing.h>

static void expect_decoded(weir_bytes text, unsigned flags, const char *expected) {
    uint8_t place[64];
    size_t len = 0;
    memcpy(place, text.ptr, text.len);
    weir_test_context("%.*s", (int)text.len, (const char *)text.ptr);
    bool done = weir_http_percent_decode(weir_bytes_of(place, text.len), flags, place, &len); /* in place */
    expect_eq(done, expected != NULL);
    if (done) expect_same_bytes(weir_bytes_of(place, len), weir_bytes_str(expected));
}

WEIR_TEST(http_percent, decodes_in_place) {
    expect_decoded(weir_bytes_str(""), 0, "");
    expect_decoded(weir_bytes_str("a%20b%2Fc%2f%C3%a4"), 0, "a b/c/\xc3\xa4");
    expect_decoded(weir_bytes_str("a+b%2B"), 0, "a+b+");
    expect_decoded(weir_bytes_str("a+b%2B"), WEIR_HTTP_PLUS_IS_SPACE, "a b+");
    expect_decoded(weir_bytes_str("%2541"), 0, "%41"); /* once */
}

WEIR_TEST(http_percent, refuses_what_is_no_escape) {
    static const char *const wrong[] = {"%",    "%2",   "a%",  "%G0",    "%0g",
                                        "%%41", "% 41", "%+1", "%u0041", "a%00"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        expect_decoded(weir_bytes_str(wrong[i]), 0, NULL);
    expect_decoded(weir_bytes_of("a\0b", 3), 0, NULL);
    uint8_t out[3] = {1, 1, 1};
    size_t len;
    expect(weir_http_percent_decode(weir_bytes_str("%00"), WEIR_HTTP_ALLOW_NUL, out, &len));
    expect(len == 1 && out[0] == 0);
}

WEIR_TEST(http_percent, appends_all_or_nothing) {
    weir_buf *out = weir_buf_new(0);
    expect_status(weir_http_percent_read(weir_bytes_str("a%20"), 0, out), WEIR_OK);
    expect_status(weir_http_percent_read(weir_bytes_str("bcd%2"), 0, out), WEIR_E_INVALID);
    expect_status(weir_http_percent_read(weir_bytes_str(""), 0, out), WEIR_OK);
    expect_bytes(weir_buf_peek(out), "a ");
    weir_buf_release(out);
}

WEIR_TEST(http_percent, escapes_all_that_is_not_kept) {
    weir_buf *out = weir_buf_new(0);
    weir_http_percent_write(weir_bytes_of("aZ9-._~ /\0\xff%", 12), &weir_http_unreserved, out);
    expect_bytes(weir_buf_peek(out), "aZ9-._~%20%2F%00%FF%25");
    weir_buf_clear(out);
    weir_http_percent_write(weir_bytes_str("/a b/!$&'()*+,;=:@?#[]"), &weir_http_path_bytes, out);
    expect_bytes(weir_buf_peek(out), "/a%20b/!$&'()*+,;=:@%3F%23%5B%5D");
    weir_buf_release(out);
}

/* ---- files ---- */

static void expect_file(const char *path, const weir_http_path_options *options, const char *expected) {
    char out[32];
    bool is_folder = false;
    weir_test_context("%s", path);
    weir_status status = weir_http_path_to_file(weir_bytes_str(path), options, out, sizeof out, &is_folder);
    expect_status(status, expected == NULL ? WEIR_E_INVALID : WEIR_OK);
    if (status != WEIR_OK) return;
    size_t length = strlen(out);
    if (is_folder) memcpy(out + length, "/", 2);
    expect_str(out, expected);
}

WEIR_TEST(http_path, is_a_file_name) {
    static const char *const rows[][2] = {
        {"/", "./"},
        {"//", "./"},
        {"/a", "a"},
        {"/a/", "a/"},
        {"/a/b.html", "a/b.html"},
        {"///a//b", "a/b"},
        {"/a/./b", "a/b"},
        {"/a/../b", "b"},
        {"/a/b/..", "a/"},
        {"/a/..", "./"},
        {"/a/.", "a/"},
        {"/.", "./"},
        {"/%61%2e%62", "a.b"},
        {"/a/%2e%2E/b", "b"},
        {"/a/.%2e/b", "b"},
        {"/...", "..."},
        {"/..a", "..a"},
        {"/a..", "a.."},
        {"/.a", ".a"},
        {"/a%20b", "a b"},
        {"/a+b", "a+b"},
        {"/%C3%A4", "\xc3\xa4"},
        {"/a/b/../../c", "c"},
        {"/a/%2e/b", "a/b"},
        {"/%252e%252e/a", "%2e%2e/a"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) expect_file(rows[i][0], NULL, rows[i][1]);
}

WEIR_TEST(http_path, never_leaves_its_root) {
    static const char *const wrong[] = {
        "",           "a",           "../a",
        "/..",        "/../a",       "/a/../../b",
        "/%2e%2e/a",  "/.%2E/a",     "/a/%2e%2e/%2e%2e/b",
        "/a%2fb",     "/..%2fetc",   "/%2F",
        "/a%00",      "/a%00/../b",  "/a%",
        "/a%zz",      "/a\\b",       "/..\\a",
        "/%5c",       "/a%5c..%5cb", "/a%0ab",
        "/a%7f",      "/./../a",     "//../a",
        "http://x/a", "*",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) expect_file(wrong[i], NULL, NULL);
}

WEIR_TEST(http_path, has_options) {
    expect_file("/a\\b", &(weir_http_path_options){.allow_backslash = true}, "a\\b");
    expect_file("/a%0ab", &(weir_http_path_options){.allow_control = true}, "a\nb");
    expect_file("/a%00b", &(weir_http_path_options){.allow_control = true}, NULL);
    expect_file("/.git/config", &(weir_http_path_options){.refuse_hidden = true}, NULL);
    expect_file("/a/%2egit", &(weir_http_path_options){.refuse_hidden = true}, NULL);
    expect_file("/a/./b/../c", &(weir_http_path_options){.refuse_hidden = true}, "a/c");
}

WEIR_TEST(http_path, is_as_long_as_there_is_room) {
    char out[8];
    memset(out, 'x', sizeof out);
    expect_status(weir_http_path_to_file(weir_bytes_str("/abc/def"), NULL, out, 7, NULL), WEIR_E_LIMIT);
    expect_eq(out[7], 'x');
    expect_status(weir_http_path_to_file(weir_bytes_str("/abc/def"), NULL, out, 8, NULL), WEIR_OK);
    expect_str(out, "abc/def");
    expect_status(weir_http_path_to_file(weir_bytes_str("/abcdefgh"), NULL, out, 8, NULL), WEIR_E_LIMIT);
    expect_status(weir_http_path_to_file(weir_bytes_str("/"), NULL, out, 1, NULL), WEIR_E_LIMIT);
    expect_status(weir_http_path_to_file(weir_bytes_str("/"), NULL, out, 2, NULL), WEIR_OK);
}

WEIR_TEST(http_path, last_part_of_what_a_browser_sent) {
    static const char *const rows[][2] = {{"a.txt", "a.txt"},
                                          {"C:\\dir\\a.txt", "a.txt"},
                                          {"../../etc/passwd", "passwd"},
                                          {"..", ""},
                                          {"a/..", ""},
                                          {".", ""},
                                          {"a/", ""},
                                          {"a\nb", ""},
                                          {"", ""}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        weir_test_context("%s", rows[i][0]);
        expect_same_bytes(weir_http_path_last(weir_bytes_str(rows[i][0])), weir_bytes_str(rows[i][1]));
    }
    expect_eq(weir_http_path_last(weir_bytes_of("a\0b", 3)).len, 0);
}

/* ---- targets ---- */

static void expect_split(const char *target, const char *path, const char *query) {
    weir_bytes found_path, found_query;
    weir_test_context("%s", target);
    bool done = weir_http_path_split(weir_bytes_str(target), &found_path, &found_query);
    expect_eq(done, path != NULL);
    if (!done) return;
    expect_same_bytes(found_path, weir_bytes_str(path));
    expect_same_bytes(found_query, weir_bytes_str(query));
    expect_eq(found_query.ptr == NULL, query == NULL);
}

/* RFC 9112 3.2. */
WEIR_TEST(http_path, is_split_from_its_query) {
    expect_split("/where?q=now", "/where", "q=now");
    expect_split("/a?", "/a", "");
    expect_split("/a?b?c#d", "/a", "b?c");
    expect_split("//a/b", "//a/b", NULL);
    expect_split("http://www.example.org/pub/WWW/TheProject.html", "/pub/WWW/TheProject.html", NULL);
    expect_split("http://a.example", "/", NULL);
    expect_split("http://a.example?x", "/", "x");
    expect_split("/a?u=http://x/", "/a", "u=http://x/");
    expect_split("*", NULL, NULL);
    expect_split("www.example.com:80", NULL, NULL);
    expect_split("", NULL, NULL);
    expect_split("?a://b", NULL, NULL);
}

static void expect_dots(const char *path, const char *expected) {
    weir_buf *out = weir_buf_new(0);
    weir_test_context("%s", path);
    weir_buf_write_str(out, "x/");
    weir_http_path_remove_dots(weir_bytes_str(path), out);
    weir_buf_skip(out, 2);
    expect_same_bytes(weir_buf_peek(out), weir_bytes_str(expected));
    weir_buf_release(out);
}

/* RFC 3986 5.2.4. */
WEIR_TEST(http_path, loses_its_dots) {
    static const char *const rows[][2] = {{"/a/b/c/./../../g", "/a/g"},
                                          {"mid/content=5/../6", "mid/6"},
                                          {"/", "/"},
                                          {"", ""},
                                          {"/..", "/"},
                                          {"/../../g", "/g"},
                                          {"/a/..", "/"},
                                          {"/a/.", "/a/"},
                                          {"/a//..", "/a/"},
                                          {"/a/b/../", "/a/"},
                                          {"..", ""},
                                          {"/a/...", "/a/..."}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) expect_dots(rows[i][0], rows[i][1]);
}
