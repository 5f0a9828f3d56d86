/* http_mime_test.c - media types by file name. */
#include <stdlib.h>
#include <unistd.h>

#include <weir/buffer.h>
#include <weir/codec/http_media_type.h>
#include <weir/codec/http_mime.h>
#include <weir/testing.h>
#include <weir/testing/oom_sweep.h>

#include "http/http_mime_table.h"

static void expect_type(const weir_http_mime *self, const char *name, const char *expected) {
    weir_test_context("%s", name);
    expect_same_bytes(weir_http_mime_of(self, weir_bytes_str(name)), weir_bytes_str(expected));
}

WEIR_TEST(http_mime, goes_by_the_last_extension_without_case) {
    expect_type(NULL, "index.html", "text/html");
    expect_type(NULL, "/a.css/PHOTO.JPeG", "image/jpeg");
    expect_type(NULL, "x.tar.gz", "application/gzip");
    expect_type(NULL, "a.woff2", "font/woff2");
}

WEIR_TEST(http_mime, does_not_guess) {
    static const char *const names[] = {"",         "README",       "a.",
                                        ".html",    "html",         "a.html/",
                                        "a.html/b", "a.unheardof",  "a.averyverylongextension",
                                        "a/.html",  "a.htm\xc3\xa4"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        expect_type(NULL, names[i], WEIR_HTTP_MIME_UNKNOWN);
}

/* The search needs the order, and what it finds must be a media type. */
WEIR_TEST(http_mime, finds_every_row_of_its_table) {
    static const char *const rows[][2] = {
#define ROW(extension, type) {extension, type},
        HTTP_MIME_TABLE(ROW)};
    size_t count = sizeof rows / sizeof *rows;
    expect(count >= 120);
    for (size_t i = 0; i < count; i++) {
        char name[40];
        weir_http_media_type type;
        snprintf(name, sizeof name, "x.%s", rows[i][0]);
        expect_type(NULL, name, rows[i][1]);
        expect(weir_http_media_type_parse(weir_bytes_str(rows[i][1]), &type) && type.params.len == 0);
    }
}

WEIR_TEST(http_mime, reads_more_and_the_last_counts) {
    weir_http_mime *self = weir_http_mime_new();
    require(self != NULL);
    expect_status(weir_http_mime_add(self, weir_bytes_str("# types\n"
                                                          "text/x-one  one  uno # both\r\n"
                                                          "text/x-html\tHTML\n"
                                                          "application/x-nothing\n"
                                                          "notatype zero\n"
                                                          "text/x-uno uno")),
                  WEIR_OK);
    expect_type(self, "a.one", "text/x-one");
    expect_type(self, "a.uno", "text/x-uno");
    expect_type(self, "a.html", "text/x-html");
    expect_type(self, "a.css", "text/css");
    expect_type(self, "a.zero", WEIR_HTTP_MIME_UNKNOWN);
    expect_status(weir_http_mime_add(self, weir_bytes_str("text/x-ein one\n")), WEIR_OK);
    expect_type(self, "a.one", "text/x-ein");
    weir_http_mime_free(self);
}

WEIR_TEST(http_mime, is_bounded) {
    weir_http_mime *self = weir_http_mime_new();
    char *text = calloc(1, WEIR_HTTP_MIME_TEXT_MAX + 1);
    require(self != NULL && text != NULL);
    memset(text, ' ', WEIR_HTTP_MIME_TEXT_MAX + 1);
    memcpy(text, "text/x-one one", 14);
    expect_status(weir_http_mime_add(self, weir_bytes_of(text, WEIR_HTTP_MIME_TEXT_MAX + 1)), WEIR_E_LIMIT);
    expect_type(self, "a.one", WEIR_HTTP_MIME_UNKNOWN);
    expect_status(weir_http_mime_add(self, weir_bytes_of(text, WEIR_HTTP_MIME_TEXT_MAX)), WEIR_OK);
    expect_type(self, "a.one", "text/x-one");
    expect_status(weir_http_mime_add(self, weir_bytes_str("text/x-two two")), WEIR_E_LIMIT);
    free(text);
    weir_http_mime_free(self);
}

static bool add_two(void *arg) {
    (void)arg;
    weir_http_mime *self = weir_http_mime_new();
    bool all = self != NULL && weir_http_mime_add(self, weir_bytes_str("text/x-one one")) == WEIR_OK &&
               weir_http_mime_add(self, weir_bytes_str("text/x-two two")) == WEIR_OK;
    weir_http_mime_free(self);
    return all;
}

WEIR_TEST(http_mime, gives_back_all_memory_when_there_is_too_little) {
    expect(weir_oom_sweep(add_two, NULL) >= 5);
}

WEIR_TEST(http_mime, loads_a_file) {
    char path[] = "/tmp/weir_mime_XXXXXX";
    int fd = mkstemp(path);
    require(fd >= 0 && write(fd, "text/x-one one\n", 15) == 15);
    close(fd);
    weir_http_mime *self = weir_http_mime_new();
    require(self != NULL);
    expect_status(weir_http_mime_load(self, path), WEIR_OK);
    expect_type(self, "a.one", "text/x-one");
    unlink(path);
    expect(weir_http_mime_load(self, path) < 0);
    weir_http_mime_free(self);
}

static void expect_written(const char *type, const char *expected) {
    weir_buf *out = weir_buf_new(0);
    weir_http_mime_write(weir_bytes_str(type), out);
    expect_same_bytes(weir_buf_peek(out), weir_bytes_str(expected));
    weir_buf_release(out);
}

WEIR_TEST(http_mime, says_utf_8_of_text) {
    expect_written("text/html", "text/html; charset=utf-8");
    expect_written("text/html;charset=latin1", "text/html;charset=latin1");
    expect_written("text/plain; format=flowed", "text/plain; format=flowed; charset=utf-8");
    expect_written("application/json", "application/json");
}

WEIR_TEST(http_mime, knows_what_is_worth_compressing) {
    static const char *const worth[] = {
        "text/css",        "application/json; charset=x", "image/svg+xml", "application/wasm",
        "APPLICATION/XML", "application/ld+json",         "font/ttf"};
    static const char *const not [] = {"image/png", "video/mp4",     "application/zip",          "font/woff2",
                                       "",          "application/x", "application/octet-stream", "texture/x"};
    for (size_t i = 0; i < sizeof worth / sizeof *worth; i++) {
        expect(weir_http_mime_is_compressible(weir_bytes_str(worth[i])));
    }
    for (size_t i = 0; i < sizeof not / sizeof *not ; i++)
        expect(!weir_http_mime_is_compressible(weir_bytes_str(not [i])));
}
