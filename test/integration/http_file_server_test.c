/* http_file_server_test.c - a folder on the web, against peers that ask well, badly, slowly or not to the end. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <weir/testing.h>

#include "http_site.h"

enum {
    BIG = 32 << 20
};

/* ---- statuses ---- */

WEIR_TEST(http_file_server, answers_every_request_with_its_status) {
    static const struct {
        const char *method, *path, *fields;
        unsigned status;
        const char *said;
    } cases[] = {
        {"GET", "/a.txt", "", 200, "Content-Type: text/plain; charset=utf-8\r\n"},
        {"GET", "/a.txt?x=1", "", 200, "\r\n\r\nyes"},
        {"GET", "/unknown", "", 200, "Content-Type: application/octet-stream\r\n"},
        {"GET", "/sub/", "", 200, "<p>index"},
        {"GET", "/sub", "", 301, "Location: /sub/\r\n"},
        {"GET", "/sub?a=b", "", 301, "Location: /sub/?a=b\r\n"},
        {"GET", "//sub", "", 301, "Location: /sub/\r\n"},
        {"GET", "/a.txt/", "", 404, "<h1>404 Not Found</h1>"},
        {"GET", "/nothing", "", 404, "text/html"},
        {"GET", "/nothing/", "", 404, ""},
        {"GET", "/fifo", "", 301, ""},
        {"GET", "/fifo/", "", 404, ""},
        {"DELETE", "/a.txt", "", 405, "Allow: GET, HEAD, OPTIONS\r\n"},
        {"PUT", "/a.txt", "Content-Length: 0\r\n", 405, "Allow: GET, HEAD, OPTIONS\r\n"},
        {"OPTIONS", "/a.txt", "", 204, "Allow: GET, HEAD, OPTIONS\r\n"},
        {"OPTIONS", "*", "", 204, "Allow: GET, HEAD, OPTIONS\r\n"},
        {"GET", "/a.txt", "If-None-Match: *\r\n", 304, "ETag: \""},
        {"GET", "/a.txt", "If-Modified-Since: Fri, 01 Jan 2100 00:00:00 GMT\r\n", 304, ""},
        {"GET", "/old", "If-Modified-Since: Sat, 01 Jan 2022 00:00:00 GMT\r\n", 304, "Last-Modified: "},
        {"GET", "/old", "If-Modified-Since: Thu, 31 Dec 2020 23:59:59 GMT\r\n", 200, ""},
        {"GET", "/old", "If-Unmodified-Since: Sat, 01 Jan 2022 00:00:00 GMT\r\n", 200, ""},
        {"GET", "/old", "If-Unmodified-Since: Thu, 31 Dec 2020 23:59:59 GMT\r\n", 412, ""},
        {"GET", "/a.txt", "If-Match: \"other\"\r\n", 412, ""},
        {"GET", "/a.txt", "If-Match: *\r\n", 200, ""},
        {"GET", "/a.txt", "Range: bytes=1-1\r\n", 206, "Content-Range: bytes 1-1/3\r\n"},
        {"GET", "/a.txt", "Range: bytes=-2\r\n", 206, "\r\n\r\nes"},
        {"GET", "/a.txt", "Range: bytes=3-\r\n", 416, "Content-Range: bytes */3\r\n"},
        {"GET", "/a.txt", "Range: lines=1-1\r\n", 200, "\r\n\r\nyes"},
        {"GET", "/a.txt", "Range: bytes=0-0\r\nIf-Range: \"other\"\r\n", 200, "\r\n\r\nyes"},
        {"GET", "/old", "Range: bytes=0-0\r\nIf-Range: Fri, 01 Jan 2021 00:00:00 GMT\r\n", 206, "\r\n\r\no"},
        {"HEAD", "/a.txt", "Range: bytes=1-1\r\n", 200, "Content-Length: 3\r\n"},
    };
    struct site setting;
    site_open(
        &setting,
        "mkdir sub && printf yes >a.txt && printf '<p>index' >sub/index.html && printf u >unknown && mkfifo fifo"
        " && printf old >old && TZ=UTC touch -d '2021-01-01 00:00:00' old",
        NULL, NULL);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        site_ask(&setting, cases[i].method, cases[i].path, cases[i].fields);
        expect_eq(site_status(), cases[i].status);
        if (!site_says(cases[i].said))
            weir_test_fail(__FILE__, __LINE__, "no \"%s\" in %s", cases[i].said, site_reply);
    }
    site_close(&setting);
}

WEIR_TEST(http_file_server, knows_a_file_again_by_its_tag_and_date) {
    struct site setting;
    char fields[600], tag[256];
    site_open(&setting, "printf yes >a.txt && TZ=UTC touch -d '2021-01-01' a.txt", NULL, NULL);
    site_ask(&setting, "GET", "/a.txt", "");
    snprintf(tag, sizeof tag, "%s", site_field("ETag"));
    expect(tag[0] == '"');
    expect_str(site_field("Last-Modified"), "Fri, 01 Jan 2021 00:00:00 GMT");
    snprintf(fields, sizeof fields, "If-None-Match: \"x\"\r\nIf-None-Match: %s\r\n",
             tag); /* two are one list */
    site_ask(&setting, "GET", "/a.txt", fields);
    expect_eq(site_status(), 304);
    expect_str(site_body(), "");
    snprintf(fields, sizeof fields, "Range: bytes=2-\r\nIf-Range: %s\r\n", tag);
    site_ask(&setting, "GET", "/a.txt", fields);
    expect_eq(site_status(), 206);
    expect_str(site_body(), "s");
    site_close(&setting);
}

WEIR_TEST(http_file_server, heads_are_those_of_a_get) {
    static const char *const paths[] = {"/a.txt", "/", "/nothing", "/sub", "/empty"};
    static char got[4096];
    struct site setting;
    site_open(&setting, "mkdir sub && printf yes >a.txt && : >empty", NULL, NULL);
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        site_ask(&setting, "GET", paths[i], "Connection: close\r\n");
        snprintf(got, sizeof got, "%.*s", (int)(site_body() - site_reply), site_reply);
        char *date = strstr(got, "Date: ");
        require(date != NULL);
        site_ask(&setting, "HEAD", paths[i], "Connection: close\r\n");
        expect_str(site_body(), "");
        memcpy(date, site_reply + (date - got), strlen("Date: Sun, 06 Nov 1994 08:49:37 GMT"));
        expect_str(site_reply, got);
    }
    site_close(&setting);
}

/* ---- bytes ---- */

static void check_range(struct site *self, const char *path, size_t size, size_t at, size_t n) {
    char fields[100];
    snprintf(fields, sizeof fields, "Range: bytes=%zu-%zu\r\n", at, at + n - 1);
    size_t came = site_ask(self, "GET", path, fields), shown = at + n > size ? size - at : n;
    expect_eq(site_status(), 206);
    expect_eq(came - (size_t)(site_body() - site_reply), shown);
    expect(memcmp(site_body(), site_content + at, shown) == 0);
}

WEIR_TEST(http_file_server, sends_every_byte_of_every_size) {
    static const size_t sizes[] = {0,     1,     2,     1000,  4095,    4096,    16383,
                                   16384, 16385, 65536, 70001, 1048576, 5242880, 5242879};
    struct site setting;
    site_open(&setting, "true", NULL, NULL);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        char name[32], path[33];
        snprintf(name, sizeof name, "f%zu", i);
        snprintf(path, sizeof path, "/%s", name);
        place_write(&setting.place, name, sizes[i]);
        require(site_load(&setting, name) == sizes[i]);
        for (int again = 0; again < 2; again++) { /* opened, and from the cache */
            size_t came = site_ask(&setting, "GET", path, "");
            expect_eq(came - (size_t)(site_body() - site_reply), sizes[i]);
            expect(memcmp(site_body(), site_content, sizes[i]) == 0);
        }
        if (sizes[i] == 0) continue;
        check_range(&setting, path, sizes[i], 0, 1);
        check_range(&setting, path, sizes[i], sizes[i] - 1, 1);
        check_range(&setting, path, sizes[i], sizes[i] / 2, sizes[i]);
        check_range(&setting, path, sizes[i], sizes[i] / 3, sizes[i] / 3 + 1);
    }
    site_close(&setting);
}

WEIR_TEST(http_file_server, sends_several_ranges_as_parts) {
    struct site setting;
    site_open(&setting, "true", NULL, NULL);
    place_write(&setting.place, "f.css", 300000);
    site_load(&setting, "f.css");
    size_t came = site_ask(&setting, "GET", "/f.css", "Range: bytes=0-9, 100000-299999\r\n");
    expect_eq(site_status(), 206);
    const char *from = site_body(), *end = site_reply + came;
    expect_eq(strtoul(site_field("Content-Length"), NULL, 10), (size_t)(end - from));
    expect(strncmp(site_field("Content-Type"), "multipart/byteranges; boundary=", 31) == 0);
    from = strstr(from, "\r\n\r\n");
    require(from != NULL);
    expect(memcmp(from + 4, site_content, 10) == 0);
    from = strstr(from + 14, "Content-Range: bytes 100000-299999/300000\r\n\r\n");
    require(from != NULL);
    from = strstr(from, "\r\n\r\n") + 4;
    expect(memcmp(from, site_content + 100000, 200000) == 0);
    expect(memcmp(from + 200000, "\r\n--", 4) == 0);
    site_close(&setting);
}

WEIR_TEST(http_file_server, sends_a_compressed_sibling_to_who_wants_it) {
    static const struct {
        const char *path, *fields, *coding, *body;
    } cases[] = {
        {"/a.css", "", "", "plain"},
        {"/a.css", "Accept-Encoding: gzip, deflate, br, zstd\r\n", "br", "br"},
        {"/a.css", "Accept-Encoding: gzip\r\n", "gzip", "gz"},
        {"/a.css", "Accept-Encoding: br;q=0.5, zstd\r\n", "zstd", "zst"},
        {"/a.css", "Accept-Encoding: identity, br;q=0.5\r\n", "", "plain"},
        {"/a.css", "Accept-Encoding: br;q=0\r\n", "", "plain"},
        {"/a.css", "Accept-Encoding: br\r\nRange: bytes=0-1\r\n", "", "pl"},
        {"/stale.css", "Accept-Encoding: br\r\n", "", "new"},
        {"/a.png", "Accept-Encoding: br\r\n", "", "png"},
    };
    struct site setting;
    site_open(&setting,
              "printf plain >a.css && printf br >a.css.br && printf zst >a.css.zst && printf gz >a.css.gz &&"
              "printf png >a.png && printf no >a.png.br && printf old >stale.css.br && touch -d '2021-01-01' "
              "stale.css.br && printf new >stale.css",
              NULL, NULL);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        site_ask(&setting, "GET", cases[i].path, cases[i].fields);
        expect_str(site_body(), cases[i].body);
        expect_str(site_field("Content-Encoding"), cases[i].coding);
        bool is_css = strstr(cases[i].path, "css") != NULL;
        expect_str(site_field("Content-Type"), is_css ? "text/css; charset=utf-8" : "image/png");
        expect_str(site_field("Vary"), is_css ? "Accept-Encoding" : "");
    }
    site_close(&setting);
}

/* ---- many ---- */

WEIR_TEST(http_file_server, answers_pipelined_requests_in_order) {
    enum {
        COUNT = 600
    };
    static char requests[COUNT * 40];
    struct site setting;
    size_t length = 0;
    site_open(&setting, "printf one >0 && printf three >1", NULL, NULL);
    for (int i = 0; i < COUNT; i++)
        length += (size_t)sprintf(requests + length, "GET /%d HTTP/1.1\r\nHost: a\r\n\r\n", i % 3);
    site_ask_bytes(&setting, requests, length);
    const char *at = site_reply;
    for (int i = 0; i < COUNT; i++) {
        static const char *const bodies[] = {"one", "three", "<!doctype"};
        require(strncmp(at, i % 3 == 2 ? "HTTP/1.1 404" : "HTTP/1.1 200", 12) == 0);
        at = strstr(at, "\r\n\r\n");
        require(at != NULL && strncmp(at + 4, bodies[i % 3], strlen(bodies[i % 3])) == 0);
        at = strstr(at, "HTTP/1.1 ");
        require((at == NULL) == (i == COUNT - 1));
    }
    site_close(&setting);
}

WEIR_TEST(http_file_server, serves_a_hundred_clients_at_once) {
    enum {
        CLIENTS = 100,
        SIZE = 200000
    };
    static const char request[] = "GET /f HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    int clients[CLIENTS];
    struct site setting;
    site_open(&setting, "true", NULL, NULL);
    place_write(&setting.place, "f", SIZE);
    site_load(&setting, "f");
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = dial(setting.port);
        require(send(clients[i], request, sizeof request - 1, MSG_NOSIGNAL) == sizeof request - 1);
    }
    for (int i = 0; i < CLIENTS; i++) {
        ssize_t n, came = 0;
        while ((n = recv(clients[i], site_reply + came, (size_t)(SITE_ROOM - came), 0)) > 0) came += n;
        site_reply[came] = '\0';
        close(clients[i]);
        require(came - (site_body() - site_reply) == SIZE);
        require(memcmp(site_body(), site_content, SIZE) == 0);
    }
    site_close(&setting);
}

WEIR_TEST(http_file_server, does_not_answer_ahead_of_a_reader_that_does_not_read) {
    static const char request[] = "GET /big HTTP/1.1\r\nHost: a\r\n\r\n";
    static char requests[2000 * (sizeof request - 1)];
    struct site setting;
    site_open(&setting, "true", NULL, NULL);
    place_write(&setting.place, "big", 8 << 20);
    for (size_t i = 0; i < 2000; i++)
        memcpy(requests + i * (sizeof request - 1), request, sizeof request - 1);
    unsigned before = program_files(&setting.server);
    int fd = dial(setting.port);
    size_t sent = send_until_full(fd, requests, sizeof requests, 64 << 20);
    expect(sent < 64 << 20); /* the socket is full: nobody reads */
    expect(program_files(&setting.server) <= before + 2);
    close(fd);
    site_close(&setting);
}

/* ---- files that change ---- */

/* Begins to read "big", so that a transfer is under way. */
static int begin(const struct site *self, char *first, size_t n) {
    static const char request[] = "GET /big HTTP/1.1\r\nHost: a\r\n\r\n";
    int fd = dial(self->port);
    require(send(fd, request, sizeof request - 1, MSG_NOSIGNAL) == sizeof request - 1);
    require(recv(fd, first, n, MSG_WAITALL) == (ssize_t)n);
    usleep(50000); /* until the socket is full */
    return fd;
}

WEIR_TEST(http_file_server, a_file_that_shrinks_fails_its_transfer_and_no_other) {
    char first[500];
    struct site setting;
    site_open(&setting, "printf yes >other", NULL, NULL);
    place_write(&setting.place, "big", BIG);
    int fd = begin(&setting, first, sizeof first);
    require(truncate(place_path(&setting.place, "big"), 1000) == 0);
    ssize_t n;
    uint64_t came = 0;
    while ((n = recv(fd, site_reply, SITE_ROOM, 0)) > 0) came += (uint64_t)n;
    expect(n < 0 && came < BIG - 1000);
    close(fd);
    site_ask(&setting, "GET", "/other", "");
    expect_str(site_body(), "yes");
    site_close(&setting);
}

WEIR_TEST(http_file_server, a_file_that_is_replaced_is_sent_as_it_was_and_then_as_it_is) {
    char command[400], first[500];
    struct site setting;
    site_open(&setting,
              "head -c 5000000 /dev/zero | tr '\\0' a >big && head -c 4000000 /dev/zero | tr '\\0' b >new",
              NULL, NULL);
    int fd = begin(&setting, first, sizeof first);
    snprintf(command, sizeof command, "mv '%s/new' '%s/big'", setting.place.folder, setting.place.folder);
    require(system(command) == 0);
    size_t left = 5000000 - (sizeof first - (size_t)(strstr(first, "\r\n\r\n") + 4 - first));
    require(recv(fd, site_reply, left, MSG_WAITALL) == (ssize_t)left);
    expect(memchr(site_reply, 'b', left) == NULL);
    close(fd);
    bool is_new = false;
    for (int i = 0; i < 1000 && !is_new; i++) {
        size_t came = site_ask(&setting, "GET", "/big", "") - (size_t)(site_body() - site_reply);
        is_new = site_body()[0] == 'b';
        expect_eq(came, is_new ? 4000000 : 5000000);
        expect(memchr(site_body(), is_new ? 'a' : 'b', came) == NULL);
        usleep(10000);
    }
    expect(is_new);
    site_close(&setting);
}

/* ---- the root ---- */

WEIR_TEST(http_file_server, never_leaves_its_root) {
    static const char *const paths[] = {
        "/../secret",
        "/%2e%2e/secret",
        "/sub/../../secret",
        "/sub/%2e%2e/%2e%2e/secret",
        "/..%2fsecret",
        "/..%5csecret",
        "/..\\secret",
        "/%2e%2e%2fsecret",
        "/%252e%252e/secret",
        "/a%00.txt",
        "/%",
        "/%zz",
        "/link",
        "/up/secret",
        "/.hidden",
        "/%2ehidden",
        "/.dir/x",
        "/sub/.hidden",
        "/./.hidden",
        "/etc/passwd",
        "//etc/passwd",
        "http://a/../secret",
        "/loop",
        "/....//secret",
    };
    struct site setting;
    site_open(
        &setting,
        "mkdir sub .dir && printf SECRET >../weir.secret.$$ && mv ../weir.secret.$$ ./.hidden && cp .hidden .dir/x "
        "&& cp .hidden sub && ln -s /etc/hostname link && ln -s .. up && ln -s loop loop",
        NULL, NULL);
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        site_ask(&setting, "GET", paths[i], "");
        expect(site_status() == 400 || site_status() == 404);
        expect(!site_says("SECRET") && !site_says("root:"));
    }
    site_ask(&setting, "GET", "/", "");
    expect(!site_says("hidden") && !site_says("./link") && !site_says("./up") && site_says("./sub/"));
    site_close(&setting);
}

/* ---- listing ---- */

WEIR_TEST(http_file_server, lists_a_folder_and_no_name_is_more_than_a_name) {
    struct site setting;
    site_open(
        &setting,
        "mkdir 'a<b>' zz && : >'<script>alert(1)<' && : >'\"onclick=\"x' && : >'javascript:alert(1)' && "
        "head -c 2500 /dev/zero >\"it's & 100%\" && : >\"$(printf 'new\\nline\\377')\" && : >'a?b#c'",
        NULL, NULL);
    site_ask(&setting, "GET", "/", "");
    expect_eq(site_status(), 200);
    expect(site_says("Content-Security-Policy: default-src 'none'"));
    expect(!site_says("<script") && !site_says("<b>") && !site_says("\"onclick") &&
           !site_says("href=\"javascript"));
    expect(site_says("href=\"./a%3Cb%3E/\"") && site_says("a&lt;b&gt;") &&
           site_says("&lt;script&gt;alert(1)&lt;"));
    expect(site_says("href=\"./%22onclick%3D%22x\"") && site_says("&quot;onclick=&quot;x"));
    expect(site_says("href=\"./it%27s%20%26%20100%25\"") &&
           site_says("it&#39;s &amp; 100%</bdi></a><td>2.5 KB"));
    expect(site_says("href=\"./new%0Aline%FF\"") && site_says("new?line\357\277\275"));
    expect(site_says("href=\"./a%3Fb%23c\""));
    expect(strstr(site_reply, "./a%3Cb") < strstr(site_reply, "./zz/") &&
           strstr(site_reply, "./zz/") < strstr(site_reply, "./%22on"));
    site_ask(&setting, "GET", "/it%27s%20%26%20100%25", ""); /* links lead where they say */
    expect_eq(site_status(), 200);
    site_ask(&setting, "GET", "/?sort=size&order=desc", "");
    expect(strstr(site_reply, "./zz/") < strstr(site_reply, "./it%27s") &&
           strstr(site_reply, "./it%27s") < strstr(site_reply, "./a%3Fb"));
    site_ask(&setting, "GET", "/a%3Cb%3E/", "");
    expect(site_says("<a href=\"../\">Home</a>") && site_says("This folder is empty"));
    site_close(&setting);
}

WEIR_TEST(http_file_server, leads_back_from_any_depth_and_shows_where_links_lead) {
    struct site setting;
    site_open(
        &setting,
        "mkdir -p one/two/three && head -c 2500 /dev/zero >one/body && cd one/two && ln -s ../body link && "
        "ln -s three folder && ln -s ../../.. up && ln -s nowhere broken",
        NULL, NULL);
    site_ask(&setting, "GET", "/one/two/three/", "");
    expect(site_says("<a href=\"../../../\">Home</a><i>/</i><a href=\"../../\">one</a><i>/</i>"
                     "<a href=\"../\">two</a><i>/</i>three</h1>"));
    expect(site_says("<title>Home / one / two / three</title>"));
    site_ask(&setting, "GET", "/one/two/", "");
    expect(site_says("href=\"./link\"") && site_says("link</bdi></a><td>2.5 KB"));
    expect(site_says("href=\"./folder/\""));
    expect(!site_says("./up") && !site_says("./broken"));
    site_close(&setting);
}

/* ---- the program ---- */

WEIR_TEST(http_file_server, sends_a_small_file_and_its_head_in_one_write) {
    struct site setting;
    site_open(&setting, "head -c 4096 /dev/zero >f", NULL, NULL);
    int fd = dial(setting.port);
    for (int i = 0; i < 10; i++) {
        static const char request[] = "GET /f HTTP/1.1\r\nHost: a\r\n\r\n";
        require(send(fd, request, sizeof request - 1, MSG_NOSIGNAL) == sizeof request - 1);
        ssize_t n = recv(fd, site_reply, 1000, MSG_WAITALL);
        site_reply[n] = '\0';
        size_t rest = (size_t)(site_body() - site_reply) + 4096 - 1000;
        require(n == 1000 && recv(fd, site_content, rest, MSG_WAITALL) == (ssize_t)rest);
    }
    close(fd);
    program_signal(&setting.server, 15);
    expect_eq(program_wait(&setting.server, 20000), 0);
    expect(strstr(program_out(&setting.server), "\n10 writes; by sendfile 0 bytes in 0 calls") != NULL);
    program_end(&setting.server);
    place_close(&setting.place);
}

WEIR_TEST(http_file_server, writes_a_line_for_each_request) {
    struct site setting;
    struct place logs;
    place_open(&logs);
    site_open(&setting, "printf yes >a", "--log", place_path(&logs, "log"));
    site_ask(&setting, "GET", "/a", "");
    site_ask(&setting, "GET", "/no\"thing", "");
    site_close(&setting);
    char lines[500] = "";
    FILE *file = fopen(place_path(&logs, "log"), "r");
    require(file != NULL);
    expect(fread(lines, 1, sizeof lines - 1, file) > 0);
    fclose(file);
    expect(strncmp(lines, "127.0.0.1 - - [", 15) == 0);
    expect(strstr(lines, "] \"GET /a HTTP/1.1\" 200 3\n127.0.0.1 - - [") != NULL);
    expect(strstr(lines, "] \"GET /no\\\"thing HTTP/1.1\" 404 ") != NULL);
    place_close(&logs);
}

WEIR_TEST(http_file_server, a_missing_root_is_one_sentence_and_exits_1) {
    struct program server;
    expect_eq(program_run(&server, "http_file_server", "--root", "/nowhere/at/all", "--port", "0"), 1);
    expect_str(program_err(&server),
               "http_file_server: cannot serve '/nowhere/at/all': no such file or directory\n");
    program_end(&server);
}
