/* http_file_server_test.c - a folder on the web, against peers that ask well, badly, slowly or not to the end. */
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

#include "place.h"
#include "program.h"

enum {
    BIG = 32 << 20,
    ROOM = 6 << 20
};

struct setting {
    struct place place;
    struct program server;
    unsigned port;
};

static char reply[ROOM + 1], content[ROOM + 1];

/* The folder is filled by a shell, in it. `more`: options, or NULL. */
static void set_up(struct setting *self, const char *fill, const char *more, const char *value) {
    char command[2048];
    place_open(&self->place);
    snprintf(command, sizeof command, "cd '%s' && %s", self->place.folder, fill);
    require(system(command) == 0);
    program_start(&self->server, "http_file_server", "--port", "0", "--loops", "2", "--root",
                  self->place.folder, "--listing", more, value, NULL);
    self->port = program_port(&self->server);
    require(self->port != 0);
}

static void tear_down(struct setting *self) {
    expect_eq(program_stop(&self->server), 0);
    expect(strstr(program_err(&self->server), "anitizer") == NULL);
    program_end(&self->server);
    place_close(&self->place);
}

/* ---- asking ---- */

static size_t ask_bytes(const struct setting *self, const char *request, size_t n) {
    weir_test_context("request %.90s", request);
    ssize_t came = converse(dial(self->port), request, n, reply, sizeof reply);
    expect(came >= 0);
    return came < 0 ? 0 : (size_t)came;
}

static size_t ask(const struct setting *self, const char *method, const char *path, const char *fields) {
    char request[1024];
    int n = snprintf(request, sizeof request, "%s %s HTTP/1.1\r\nHost: a\r\n%s\r\n", method, path, fields);
    return ask_bytes(self, request, (size_t)n);
}

static unsigned status(void) {
    return strncmp(reply, "HTTP/1.1 ", 9) == 0 ? (unsigned)strtoul(reply + 9, NULL, 10) : 0;
}

static const char *body(void) {
    const char *end = strstr(reply, "\r\n\r\n");
    return end == NULL ? "" : end + 4;
}

static bool says(const char *text) {
    return strstr(reply, text) != NULL;
}

/* The value of a field of the last reply. Until: the next call. */
static const char *field(const char *name) {
    static char value[256];
    const char *at = strcasestr(reply, name);
    value[0] = '\0';
    if (at != NULL) sscanf(at + strlen(name), ": %255[^\r]", value);
    return value;
}

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
    struct setting setting;
    set_up(
        &setting,
        "mkdir sub && printf yes >a.txt && printf '<p>index' >sub/index.html && printf u >unknown && mkfifo fifo"
        " && printf old >old && TZ=UTC touch -d '2021-01-01 00:00:00' old",
        NULL, NULL);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ask(&setting, cases[i].method, cases[i].path, cases[i].fields);
        expect_eq(status(), cases[i].status);
        if (!says(cases[i].said)) weir_test_fail(__FILE__, __LINE__, "no \"%s\" in %s", cases[i].said, reply);
    }
    tear_down(&setting);
}

WEIR_TEST(http_file_server, knows_a_file_again_by_its_tag_and_date) {
    struct setting setting;
    char fields[600], tag[256];
    set_up(&setting, "printf yes >a.txt && TZ=UTC touch -d '2021-01-01' a.txt", NULL, NULL);
    ask(&setting, "GET", "/a.txt", "");
    snprintf(tag, sizeof tag, "%s", field("ETag"));
    expect(tag[0] == '"');
    expect_str(field("Last-Modified"), "Fri, 01 Jan 2021 00:00:00 GMT");
    snprintf(fields, sizeof fields, "If-None-Match: \"x\"\r\nIf-None-Match: %s\r\n",
             tag); /* two are one list */
    ask(&setting, "GET", "/a.txt", fields);
    expect_eq(status(), 304);
    expect_str(body(), "");
    snprintf(fields, sizeof fields, "Range: bytes=2-\r\nIf-Range: %s\r\n", tag);
    ask(&setting, "GET", "/a.txt", fields);
    expect_eq(status(), 206);
    expect_str(body(), "s");
    tear_down(&setting);
}

WEIR_TEST(http_file_server, heads_are_those_of_a_get) {
    static const char *const paths[] = {"/a.txt", "/", "/nothing", "/sub", "/empty"};
    static char got[4096];
    struct setting setting;
    set_up(&setting, "mkdir sub && printf yes >a.txt && : >empty", NULL, NULL);
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        ask(&setting, "GET", paths[i], "Connection: close\r\n");
        snprintf(got, sizeof got, "%.*s", (int)(body() - reply), reply);
        char *date = strstr(got, "Date: ");
        require(date != NULL);
        ask(&setting, "HEAD", paths[i], "Connection: close\r\n");
        expect_str(body(), "");
        memcpy(date, reply + (date - got), strlen("Date: Sun, 06 Nov 1994 08:49:37 GMT"));
        expect_str(reply, got);
    }
    tear_down(&setting);
}

/* ---- bytes ---- */

static size_t load(struct setting *self, const char *name) {
    FILE *file = fopen(place_path(&self->place, name), "r");
    require(file != NULL);
    size_t n = fread(content, 1, ROOM, file);
    fclose(file);
    return n;
}

static void check_range(struct setting *self, const char *path, size_t size, size_t at, size_t n) {
    char fields[100];
    snprintf(fields, sizeof fields, "Range: bytes=%zu-%zu\r\n", at, at + n - 1);
    size_t came = ask(self, "GET", path, fields), shown = at + n > size ? size - at : n;
    expect_eq(status(), 206);
    expect_eq(came - (size_t)(body() - reply), shown);
    expect(memcmp(body(), content + at, shown) == 0);
}

WEIR_TEST(http_file_server, sends_every_byte_of_every_size) {
    static const size_t sizes[] = {0,     1,     2,     1000,  4095,    4096,    16383,
                                   16384, 16385, 65536, 70001, 1048576, 5242880, 5242879};
    struct setting setting;
    set_up(&setting, "true", NULL, NULL);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        char name[32], path[33];
        snprintf(name, sizeof name, "f%zu", i);
        snprintf(path, sizeof path, "/%s", name);
        place_write(&setting.place, name, sizes[i]);
        require(load(&setting, name) == sizes[i]);
        for (int again = 0; again < 2; again++) { /* opened, and from the cache */
            size_t came = ask(&setting, "GET", path, "");
            expect_eq(came - (size_t)(body() - reply), sizes[i]);
            expect(memcmp(body(), content, sizes[i]) == 0);
        }
        if (sizes[i] == 0) continue;
        check_range(&setting, path, sizes[i], 0, 1);
        check_range(&setting, path, sizes[i], sizes[i] - 1, 1);
        check_range(&setting, path, sizes[i], sizes[i] / 2, sizes[i]);
        check_range(&setting, path, sizes[i], sizes[i] / 3, sizes[i] / 3 + 1);
    }
    tear_down(&setting);
}

WEIR_TEST(http_file_server, sends_several_ranges_as_parts) {
    struct setting setting;
    set_up(&setting, "true", NULL, NULL);
    place_write(&setting.place, "f.css", 300000);
    load(&setting, "f.css");
    size_t came = ask(&setting, "GET", "/f.css", "Range: bytes=0-9, 100000-299999\r\n");
    expect_eq(status(), 206);
    const char *from = body(), *end = reply + came;
    expect_eq(strtoul(field("Content-Length"), NULL, 10), (size_t)(end - from));
    expect(strncmp(field("Content-Type"), "multipart/byteranges; boundary=", 31) == 0);
    from = strstr(from, "\r\n\r\n");
    require(from != NULL);
    expect(memcmp(from + 4, content, 10) == 0);
    from = strstr(from + 14, "Content-Range: bytes 100000-299999/300000\r\n\r\n");
    require(from != NULL);
    from = strstr(from, "\r\n\r\n") + 4;
    expect(memcmp(from, content + 100000, 200000) == 0);
    expect(memcmp(from + 200000, "\r\n--", 4) == 0);
    tear_down(&setting);
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
    struct setting setting;
    set_up(&setting,
           "printf plain >a.css && printf br >a.css.br && printf zst >a.css.zst && printf gz >a.css.gz &&"
           "printf png >a.png && printf no >a.png.br && printf old >stale.css.br && touch -d '2021-01-01' "
           "stale.css.br && printf new >stale.css",
           NULL, NULL);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ask(&setting, "GET", cases[i].path, cases[i].fields);
        expect_str(body(), cases[i].body);
        expect_str(field("Content-Encoding"), cases[i].coding);
        bool is_css = strstr(cases[i].path, "css") != NULL;
        expect_str(field("Content-Type"), is_css ? "text/css; charset=utf-8" : "image/png");
        expect_str(field("Vary"), is_css ? "Accept-Encoding" : "");
    }
    tear_down(&setting);
}

/* ---- many ---- */

WEIR_TEST(http_file_server, answers_pipelined_requests_in_order) {
    enum {
        COUNT = 600
    };
    static char requests[COUNT * 40];
    struct setting setting;
    size_t length = 0;
    set_up(&setting, "printf one >0 && printf three >1", NULL, NULL);
    for (int i = 0; i < COUNT; i++)
        length += (size_t)sprintf(requests + length, "GET /%d HTTP/1.1\r\nHost: a\r\n\r\n", i % 3);
    ask_bytes(&setting, requests, length);
    const char *at = reply;
    for (int i = 0; i < COUNT; i++) {
        static const char *const bodies[] = {"one", "three", "<!doctype"};
        require(strncmp(at, i % 3 == 2 ? "HTTP/1.1 404" : "HTTP/1.1 200", 12) == 0);
        at = strstr(at, "\r\n\r\n");
        require(at != NULL && strncmp(at + 4, bodies[i % 3], strlen(bodies[i % 3])) == 0);
        at = strstr(at, "HTTP/1.1 ");
        require((at == NULL) == (i == COUNT - 1));
    }
    tear_down(&setting);
}

WEIR_TEST(http_file_server, serves_a_hundred_clients_at_once) {
    enum {
        CLIENTS = 100,
        SIZE = 200000
    };
    static const char request[] = "GET /f HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    int clients[CLIENTS];
    struct setting setting;
    set_up(&setting, "true", NULL, NULL);
    place_write(&setting.place, "f", SIZE);
    load(&setting, "f");
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = dial(setting.port);
        require(send(clients[i], request, sizeof request - 1, MSG_NOSIGNAL) == sizeof request - 1);
    }
    for (int i = 0; i < CLIENTS; i++) {
        ssize_t n, came = 0;
        while ((n = recv(clients[i], reply + came, (size_t)(ROOM - came), 0)) > 0) came += n;
        reply[came] = '\0';
        close(clients[i]);
        require(came - (body() - reply) == SIZE);
        require(memcmp(body(), content, SIZE) == 0);
    }
    tear_down(&setting);
}

static unsigned open_files(const struct program *program) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/fd", (int)program->pid);
    DIR *folder = opendir(path);
    unsigned count = 0;
    while (folder != NULL && readdir(folder) != NULL) count++;
    if (folder != NULL) closedir(folder);
    return count;
}

WEIR_TEST(http_file_server, does_not_answer_ahead_of_a_reader_that_does_not_read) {
    static const char request[] = "GET /big HTTP/1.1\r\nHost: a\r\n\r\n";
    static char requests[2000 * (sizeof request - 1)];
    struct setting setting;
    set_up(&setting, "true", NULL, NULL);
    place_write(&setting.place, "big", 8 << 20);
    for (size_t i = 0; i < 2000; i++)
        memcpy(requests + i * (sizeof request - 1), request, sizeof request - 1);
    unsigned before = open_files(&setting.server);
    int fd = dial(setting.port);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    size_t sent = 0;
    for (int quiet = 0; quiet < 50 && sent < 64 << 20;) {
        ssize_t n = send(fd, requests, sizeof requests, MSG_NOSIGNAL);
        quiet = n > 0 ? 0 : quiet + 1;
        if (n > 0) sent += (size_t)n;
        if (n < 0) usleep(10000);
    }
    expect(sent < 64 << 20); /* the socket is full: nobody reads */
    expect(open_files(&setting.server) <= before + 2);
    close(fd);
    tear_down(&setting);
}

/* ---- files that change ---- */

/* Begins to read "big", so that a transfer is under way. */
static int begin(const struct setting *self, char *first, size_t n) {
    static const char request[] = "GET /big HTTP/1.1\r\nHost: a\r\n\r\n";
    int fd = dial(self->port);
    require(send(fd, request, sizeof request - 1, MSG_NOSIGNAL) == sizeof request - 1);
    require(recv(fd, first, n, MSG_WAITALL) == (ssize_t)n);
    usleep(50000); /* until the socket is full */
    return fd;
}

WEIR_TEST(http_file_server, a_file_that_shrinks_fails_its_transfer_and_no_other) {
    char first[500];
    struct setting setting;
    set_up(&setting, "printf yes >other", NULL, NULL);
    place_write(&setting.place, "big", BIG);
    int fd = begin(&setting, first, sizeof first);
    require(truncate(place_path(&setting.place, "big"), 1000) == 0);
    ssize_t n;
    uint64_t came = 0;
    while ((n = recv(fd, reply, ROOM, 0)) > 0) came += (uint64_t)n;
    expect(n < 0 && came < BIG - 1000);
    close(fd);
    ask(&setting, "GET", "/other", "");
    expect_str(body(), "yes");
    tear_down(&setting);
}

WEIR_TEST(http_file_server, a_file_that_is_replaced_is_sent_as_it_was_and_then_as_it_is) {
    char command[400], first[500];
    struct setting setting;
    set_up(&setting,
           "head -c 5000000 /dev/zero | tr '\\0' a >big && head -c 4000000 /dev/zero | tr '\\0' b >new", NULL,
           NULL);
    int fd = begin(&setting, first, sizeof first);
    snprintf(command, sizeof command, "mv '%s/new' '%s/big'", setting.place.folder, setting.place.folder);
    require(system(command) == 0);
    size_t left = 5000000 - (sizeof first - (size_t)(strstr(first, "\r\n\r\n") + 4 - first));
    require(recv(fd, reply, left, MSG_WAITALL) == (ssize_t)left);
    expect(memchr(reply, 'b', left) == NULL);
    close(fd);
    bool is_new = false;
    for (int i = 0; i < 1000 && !is_new; i++) {
        size_t came = ask(&setting, "GET", "/big", "") - (size_t)(body() - reply);
        is_new = body()[0] == 'b';
        expect_eq(came, is_new ? 4000000 : 5000000);
        expect(memchr(body(), is_new ? 'a' : 'b', came) == NULL);
        usleep(10000);
    }
    expect(is_new);
    tear_down(&setting);
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
    struct setting setting;
    set_up(
        &setting,
        "mkdir sub .dir && printf SECRET >../weir.secret.$$ && mv ../weir.secret.$$ ./.hidden && cp .hidden .dir/x "
        "&& cp .hidden sub && ln -s /etc/hostname link && ln -s .. up && ln -s loop loop",
        NULL, NULL);
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        ask(&setting, "GET", paths[i], "");
        expect(status() == 400 || status() == 404);
        expect(!says("SECRET") && !says("root:"));
    }
    ask(&setting, "GET", "/", "");
    expect(!says("hidden") && !says("./link") && !says("./up") && says("./sub/"));
    tear_down(&setting);
}

/* ---- listing ---- */

WEIR_TEST(http_file_server, lists_a_folder_and_no_name_is_more_than_a_name) {
    struct setting setting;
    set_up(&setting,
           "mkdir 'a<b>' zz && : >'<script>alert(1)<' && : >'\"onclick=\"x' && : >'javascript:alert(1)' && "
           "head -c 2500 /dev/zero >\"it's & 100%\" && : >\"$(printf 'new\\nline\\377')\" && : >'a?b#c'",
           NULL, NULL);
    ask(&setting, "GET", "/", "");
    expect_eq(status(), 200);
    expect(says("Content-Security-Policy: default-src 'none'"));
    expect(!says("<script") && !says("<b>") && !says("\"onclick") && !says("href=\"javascript"));
    expect(says("href=\"./a%3Cb%3E/\"") && says("a&lt;b&gt;") && says("&lt;script&gt;alert(1)&lt;"));
    expect(says("href=\"./%22onclick%3D%22x\"") && says("&quot;onclick=&quot;x"));
    expect(says("href=\"./it%27s%20%26%20100%25\"") && says("it&#39;s &amp; 100%</bdi></a><td>2.5 KB"));
    expect(says("href=\"./new%0Aline%FF\"") && says("new?line\357\277\275"));
    expect(says("href=\"./a%3Fb%23c\""));
    expect(strstr(reply, "./a%3Cb") < strstr(reply, "./zz/") &&
           strstr(reply, "./zz/") < strstr(reply, "./%22on"));
    ask(&setting, "GET", "/it%27s%20%26%20100%25", ""); /* links lead where they say */
    expect_eq(status(), 200);
    ask(&setting, "GET", "/?sort=size&order=desc", "");
    expect(strstr(reply, "./zz/") < strstr(reply, "./it%27s") &&
           strstr(reply, "./it%27s") < strstr(reply, "./a%3Fb"));
    ask(&setting, "GET", "/a%3Cb%3E/", "");
    expect(says("<a href=\"../\">Home</a>") && says("This folder is empty"));
    tear_down(&setting);
}

/* ---- uploads ---- */

static unsigned put(const struct setting *self, const char *path, const char *fields, const char *text) {
    char request[2048];
    int n = snprintf(request, sizeof request, "PUT %s HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n%s\r\n%s",
                     path, strlen(text), fields, text);
    ask_bytes(self, request, (size_t)n);
    return status();
}

/* Names in the folder, hidden ones too. */
static unsigned count_names(const struct setting *self) {
    DIR *folder = opendir(self->place.folder);
    unsigned count = 0;
    require(folder != NULL);
    while (readdir(folder) != NULL) count++;
    closedir(folder);
    return count - 2;
}

static void expect_names(const struct setting *self, unsigned count) {
    for (int i = 0; i < 1000 && count_names(self) != count; i++) usleep(10000);
    expect_eq(count_names(self), count);
}

WEIR_TEST(http_file_server, takes_uploads) {
    char fields[300];
    struct setting setting;
    set_up(&setting, "mkdir sub", "--put", "--sync");
    expect_eq(put(&setting, "/new.txt", "", "first"), 201);
    ask(&setting, "GET", "/new.txt", "");
    expect_str(body(), "first");
    snprintf(fields, sizeof fields, "If-Match: %s\r\n", field("ETag"));
    expect_eq(put(&setting, "/new.txt", "", "second"), 204);
    ask(&setting, "GET", "/new.txt", "");
    expect_str(body(), "second"); /* at once, whatever was cached */
    expect_eq(put(&setting, "/new.txt", fields, "third"), 412);
    expect_eq(put(&setting, "/new.txt", "If-None-Match: *\r\n", "third"), 412);
    expect_eq(put(&setting, "/other.txt", "If-None-Match: *\r\n", "x"), 201);
    expect_eq(put(&setting, "/sub/empty", "", ""), 201);
    expect_eq(put(&setting, "/sub", "", "x"), 409);
    expect_eq(put(&setting, "/sub/", "", "x"), 409);
    expect_eq(put(&setting, "/nothing/x", "", "x"), 409);
    expect_eq(put(&setting, "/../x", "", "x"), 400);
    expect_eq(put(&setting, "/.x", "", "x"), 404);
    ask(&setting, "GET", "/new.txt", "");
    expect_str(body(), "second");
    ask(&setting, "OPTIONS", "/", "");
    expect_str(field("Allow"), "GET, HEAD, OPTIONS, PUT");
    expect_names(&setting, 3);
    tear_down(&setting);
}

WEIR_TEST(http_file_server, takes_large_and_chunked_uploads_byte_for_byte) {
    static const char head[] = "PUT /up HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n500000\r\n";
    static char request[ROOM];
    struct setting setting;
    set_up(&setting, "true", "--put", NULL);
    place_write(&setting.place, "noise", 5 << 20);
    size_t n = sizeof head - 1;
    memcpy(request, head, n);
    n += load(&setting, "noise");
    memcpy(request + sizeof head - 1, content, 5 << 20);
    memcpy(request + n, "\r\n0\r\n\r\n", 7);
    ask_bytes(&setting, request, n + 7);
    expect_eq(status(), 201);
    expect(place_same(&setting.place, "noise", "up"));
    expect_names(&setting, 2);
    tear_down(&setting);
}

WEIR_TEST(http_file_server, refuses_what_is_too_long_and_keeps_nothing_of_it) {
    struct setting setting;
    set_up(&setting, "true", "--put", "--max-upload=10");
    expect_eq(put(&setting, "/ten", "", "0123456789"), 201);
    expect_eq(put(&setting, "/eleven", "", "0123456789x"), 413);
    ask(&setting, "PUT", "/x", "Expect: 100-continue\r\nContent-Length: 99999999999\r\n");
    expect_eq(status(), 413);
    static const char chunked[] =
        "PUT /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n6\r\n012345\r\n6\r\n012345\r\n0\r\n\r\n";
    ask_bytes(&setting, chunked, sizeof chunked - 1);
    expect_eq(status(), 413);
    expect_names(&setting, 1);
    tear_down(&setting);
}

WEIR_TEST(http_file_server, an_upload_that_does_not_end_leaves_nothing) {
    static const char head[] = "PUT /up HTTP/1.1\r\nHost: a\r\nContent-Length: 5000000\r\n\r\nbegin";
    struct setting setting;
    set_up(&setting, "true", "--put", NULL);
    for (int how = 0; how < 3; how++) {
        int fd = dial(setting.port);
        require(send(fd, head, sizeof head - 1, MSG_NOSIGNAL) == sizeof head - 1);
        if (how == 0) expect_names(&setting, 1); /* the hidden file */
        if (how == 1) shutdown(fd, SHUT_WR);
        if (how == 2)
            setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){.l_onoff = 1}, sizeof(struct linger));
        if (how == 1) recv(fd, reply, 1, 0); /* an answer, or the end */
        close(fd);
        expect_names(&setting, 0);
    }
    tear_down(&setting);
}

/* ---- the program ---- */

WEIR_TEST(http_file_server, sends_a_small_file_and_its_head_in_one_write) {
    struct setting setting;
    set_up(&setting, "head -c 4096 /dev/zero >f", NULL, NULL);
    int fd = dial(setting.port);
    for (int i = 0; i < 10; i++) {
        static const char request[] = "GET /f HTTP/1.1\r\nHost: a\r\n\r\n";
        require(send(fd, request, sizeof request - 1, MSG_NOSIGNAL) == sizeof request - 1);
        ssize_t n = recv(fd, reply, 1000, MSG_WAITALL);
        reply[n] = '\0';
        size_t rest = (size_t)(body() - reply) + 4096 - 1000;
        require(n == 1000 && recv(fd, content, rest, MSG_WAITALL) == (ssize_t)rest);
    }
    close(fd);
    program_signal(&setting.server, 15);
    expect_eq(program_wait(&setting.server, 20000), 0);
    expect(strstr(program_out(&setting.server), "\n10 writes; by sendfile 0 bytes in 0 calls") != NULL);
    program_end(&setting.server);
    place_close(&setting.place);
}

WEIR_TEST(http_file_server, writes_a_line_for_each_request) {
    struct setting setting;
    struct place logs;
    place_open(&logs);
    set_up(&setting, "printf yes >a", "--log", place_path(&logs, "log"));
    ask(&setting, "GET", "/a", "");
    ask(&setting, "GET", "/no\"thing", "");
    tear_down(&setting);
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
