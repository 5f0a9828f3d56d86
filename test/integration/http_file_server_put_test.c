/* http_file_server_put_test.c - uploads: whole, conditional, too long, and broken off. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <weir/testing.h>

#include "http_site.h"

static unsigned put(const struct site *self, const char *path, const char *fields, const char *text) {
    char request[2048];
    int n = snprintf(request, sizeof request, "PUT %s HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n%s\r\n%s",
                     path, strlen(text), fields, text);
    site_ask_bytes(self, request, (size_t)n);
    return site_status();
}

/* Names in the folder, hidden ones too. */
static unsigned count_names(const struct site *self) {
    DIR *folder = opendir(self->place.folder);
    unsigned count = 0;
    require(folder != NULL);
    while (readdir(folder) != NULL) count++;
    closedir(folder);
    return count - 2;
}

static void expect_names(const struct site *self, unsigned count) {
    for (int i = 0; i < 1000 && count_names(self) != count; i++) usleep(10000);
    expect_eq(count_names(self), count);
}

/* At once, whatever was cached, and by whichever way it is asked for. */
WEIR_TEST(http_file_server_put, replaces_the_index_of_a_folder) {
    static const char *const folders[] = {"/", "/sub/"};
    struct site setting;
    site_open(&setting, "mkdir sub", "--put", NULL);
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        char name[32];
        snprintf(name, sizeof name, "%sindex.html", folders[i]);
        expect_eq(put(&setting, name, "", "first"), 201);
        site_ask(&setting, "GET", folders[i], "");
        expect_str(site_body(), "first");
        expect_eq(put(&setting, name, "", "second"), 204);
        site_ask(&setting, "GET", folders[i], "");
        expect_str(site_body(), "second");
    }
    site_close(&setting);
}

WEIR_TEST(http_file_server_put, takes_uploads) {
    char fields[300];
    struct site setting;
    site_open(&setting, "mkdir sub", "--put", "--sync");
    expect_eq(put(&setting, "/new.txt", "", "first"), 201);
    site_ask(&setting, "GET", "/new.txt", "");
    expect_str(site_body(), "first");
    snprintf(fields, sizeof fields, "If-Match: %s\r\n", site_field("ETag"));
    expect_eq(put(&setting, "/new.txt", "", "second"), 204);
    site_ask(&setting, "GET", "/new.txt", "");
    expect_str(site_body(), "second"); /* at once, whatever was cached */
    expect_eq(put(&setting, "/new.txt", fields, "third"), 412);
    expect_eq(put(&setting, "/new.txt", "If-None-Match: *\r\n", "third"), 412);
    expect_eq(put(&setting, "/other.txt", "If-None-Match: *\r\n", "x"), 201);
    expect_eq(put(&setting, "/sub/empty", "", ""), 201);
    expect_eq(put(&setting, "/sub", "", "x"), 409);
    expect_eq(put(&setting, "/sub/", "", "x"), 409);
    expect_eq(put(&setting, "/nothing/x", "", "x"), 409);
    expect_eq(put(&setting, "/../x", "", "x"), 400);
    expect_eq(put(&setting, "/.x", "", "x"), 404);
    site_ask(&setting, "GET", "/new.txt", "");
    expect_str(site_body(), "second");
    site_ask(&setting, "OPTIONS", "/", "");
    expect_str(site_field("Allow"), "GET, HEAD, OPTIONS, PUT");
    expect_names(&setting, 3);
    site_close(&setting);
}

WEIR_TEST(http_file_server_put, takes_large_and_chunked_uploads_byte_for_byte) {
    static const char head[] = "PUT /up HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n500000\r\n";
    static char request[SITE_ROOM];
    struct site setting;
    site_open(&setting, "true", "--put", NULL);
    place_write(&setting.place, "noise", 5 << 20);
    size_t n = sizeof head - 1;
    memcpy(request, head, n);
    n += site_load(&setting, "noise");
    memcpy(request + sizeof head - 1, site_content, 5 << 20);
    memcpy(request + n, "\r\n0\r\n\r\n", 7);
    site_ask_bytes(&setting, request, n + 7);
    expect_eq(site_status(), 201);
    expect(place_same(&setting.place, "noise", "up"));
    expect_names(&setting, 2);
    site_close(&setting);
}

WEIR_TEST(http_file_server_put, refuses_what_is_too_long_and_keeps_nothing_of_it) {
    struct site setting;
    site_open(&setting, "true", "--put", "--max-upload=10");
    expect_eq(put(&setting, "/ten", "", "0123456789"), 201);
    expect_eq(put(&setting, "/eleven", "", "0123456789x"), 413);
    site_ask(&setting, "PUT", "/x", "Expect: 100-continue\r\nContent-Length: 99999999999\r\n");
    expect_eq(site_status(), 413);
    static const char chunked[] =
        "PUT /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n6\r\n012345\r\n6\r\n012345\r\n0\r\n\r\n";
    site_ask_bytes(&setting, chunked, sizeof chunked - 1);
    expect_eq(site_status(), 413);
    expect_names(&setting, 1);
    site_close(&setting);
}

WEIR_TEST(http_file_server_put, an_upload_that_does_not_end_leaves_nothing) {
    static const char head[] = "PUT /up HTTP/1.1\r\nHost: a\r\nContent-Length: 5000000\r\n\r\nbegin";
    struct site setting;
    site_open(&setting, "true", "--put", NULL);
    for (int how = 0; how < 3; how++) {
        int fd = dial(setting.port);
        require(send(fd, head, sizeof head - 1, MSG_NOSIGNAL) == sizeof head - 1);
        if (how == 0) expect_names(&setting, 1); /* the hidden file */
        if (how == 1) shutdown(fd, SHUT_WR);
        if (how == 2)
            setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){.l_onoff = 1}, sizeof(struct linger));
        if (how == 1) recv(fd, site_reply, 1, 0); /* an answer, or the end */
        close(fd);
        expect_names(&setting, 0);
    }
    site_close(&setting);
}
