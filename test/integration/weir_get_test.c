/* weir_get_test.c - one URL becomes one whole file, or a sentence and an exit code. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <weir/testing.h>

#include "place.h"
#include "program.h"
#include "scripted_server.h"

#define DATES "Date: Sun, 06 Nov 1994 09:49:37 GMT\r\nLast-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n"

enum {
    DATE = 784111777, /* that Last-Modified */
    BIG = 3 << 20
};

/* A server, a folder, and a run of the program against them. */
struct setting {
    struct place to;
    struct scripted_server server;
    struct program client;
    char url[128], file[600];
    int code;
};

static void set_up(struct setting *self) {
    place_open(&self->to);
    scripted_server_open(&self->server);
    snprintf(self->url, sizeof self->url, "http://127.0.0.1:%u/dir/file", self->server.port);
    snprintf(self->file, sizeof self->file, "%s", place_path(&self->to, "got"));
}

/* weir_get URL -o FILE and up to three more words, while the server takes its turns. */
static void get(struct setting *self, const struct script_turn *turns, size_t count, const char *a,
                const char *b, const char *c) {
    scripted_server_start(&self->server, turns, count);
    self->code = program_run(&self->client, "weir_get", self->url, "-o", self->file, a, b, c);
    scripted_server_end(&self->server);
}

static void tear_down(struct setting *self) {
    expect(strstr(program_err(&self->client), "anitizer") == NULL);
    program_end(&self->client);
    place_close(&self->to);
}

static bool holds(struct setting *self, const char *name, const char *bytes, size_t n) {
    static char there[BIG + 1];
    FILE *file = fopen(place_path(&self->to, name), "r");
    if (file == NULL) return false;
    size_t have = fread(there, 1, sizeof there, file);
    fclose(file);
    return have == n && memcmp(there, bytes, n) == 0;
}

static void expect_got(struct setting *self, const char *bytes, size_t n) {
    expect_eq(self->code, 0);
    expect_str(program_err(&self->client), "");
    expect(holds(self, "got", bytes, n));
    expect_eq(place_size(&self->to, ".got.part"), -1);
}

/* One sentence behind the program's name, and no file under its final name. */
static void expect_failed(struct setting *self, int code, const char *part_of_sentence) {
    const char *said = program_err(&self->client);
    expect_eq(self->code, code);
    expect(strncmp(said, "weir_get: ", 10) == 0);
    expect(strstr(said, part_of_sentence) != NULL);
    expect(strchr(said, '\n') != NULL && strchr(said, '\n')[1] == '\0');
    expect_eq(place_size(&self->to, "got"), -1);
}

static void leave_part(struct setting *self, const char *bytes, size_t n, long date) {
    const char *path = place_path(&self->to, ".got.part");
    FILE *file = fopen(path, "w");
    require(file != NULL && fwrite(bytes, 1, n, file) == n && fclose(file) == 0);
    struct timespec times[2] = {{.tv_sec = date}, {.tv_sec = date}};
    require(utimensat(AT_FDCWD, path, times, 0) == 0);
}

static const char *big_bytes(void) {
    static char bytes[BIG];
    unsigned seed = 12345;
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (char)((seed = seed * 1103515245u + 12345u) >> 16);
    return bytes;
}

/* ---- whole files ---- */

WEIR_TEST(weir_get, gets_a_file_by_its_length_and_keeps_its_date) {
    struct setting setting;
    struct stat stat_of;
    char head[200];
    snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\n" DATES "Content-Length: %d\r\n\r\n", BIG);
    set_up(&setting);
    get(&setting, &(struct script_turn){.head = head, .body = big_bytes(), .length = BIG, .holds = true}, 1,
        NULL, NULL, NULL);
    expect_got(&setting, big_bytes(), BIG);
    require(stat(place_path(&setting.to, "got"), &stat_of) == 0);
    expect_eq(stat_of.st_mtim.tv_sec, DATE);
    expect(strstr(program_out(&setting.client), "1 file, 3145728 bytes") != NULL);
    expect(strstr(setting.server.requests[0], "GET /dir/file HTTP/1.1\r\n") == setting.server.requests[0]);
    tear_down(&setting);
}

WEIR_TEST(weir_get, gets_a_chunked_file) {
    struct setting setting;
    static const char body[] = "5\r\nHello\r\n8;x=y\r\n, World!\r\n0\r\nTrailer: x\r\n\r\n";
    set_up(&setting);
    get(&setting,
        &(struct script_turn){.head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
                              .body = body,
                              .length = sizeof body - 1,
                              .holds = true},
        1, NULL, NULL, NULL);
    expect_got(&setting, "Hello, World!", 13);
    tear_down(&setting);
}

WEIR_TEST(weir_get, gets_a_file_that_ends_with_the_connection) {
    struct setting setting;
    set_up(&setting);
    get(&setting,
        &(struct script_turn){.head = "HTTP/1.1 200 OK\r\n\r\n", .body = big_bytes(), .length = BIG}, 1, NULL,
        NULL, NULL);
    expect_got(&setting, big_bytes(), BIG);
    tear_down(&setting);
}

WEIR_TEST(weir_get, gets_an_empty_file_behind_an_interim_response) {
    struct setting setting;
    set_up(&setting);
    get(&setting,
        &(struct script_turn){
            .head = "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"},
        1, NULL, NULL, NULL);
    expect_got(&setting, "", 0);
    tear_down(&setting);
}

WEIR_TEST(weir_get, names_the_file_by_the_url_unless_told) {
    struct setting setting;
    struct script_turn turn = {
        .head = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", .body = "ok", .length = 2};
    char before[512], url[160];
    set_up(&setting);
    require(getcwd(before, sizeof before) != NULL && chdir(setting.to.folder) == 0);
    snprintf(url, sizeof url, "http://127.0.0.1:%u/dir/a%%20b?x=/y#z", setting.server.port);
    scripted_server_start(&setting.server, &turn, 1);
    setting.code = program_run(&setting.client, "weir_get", url);
    scripted_server_end(&setting.server);
    require(chdir(before) == 0);
    expect_eq(setting.code, 0);
    expect(holds(&setting, "a b", "ok", 2));
    expect(strstr(setting.server.requests[0], "GET /dir/a%20b?x=/y HTTP/1.1\r\n") != NULL);
    tear_down(&setting);
}

WEIR_TEST(weir_get, writes_to_stdout_and_says_nothing_else_there) {
    struct setting setting;
    struct program hello;
    char url[64];
    set_up(&setting);
    program_start(&hello, "http_hello", "--port", "0", NULL);
    snprintf(url, sizeof url, "http://127.0.0.1:%u/plaintext", program_port(&hello));
    expect_eq(program_run(&setting.client, "weir_get", url, "-o", "-"), 0);
    expect_str(program_out(&setting.client), "Hello, World!");
    expect_eq(program_stop(&hello), 0);
    program_end(&hello);
    close(setting.server.listener);
    tear_down(&setting);
}

/* ---- redirects ---- */

WEIR_TEST(weir_get, follows_relative_and_absolute_redirects) {
    struct setting setting;
    char absolute[160];
    set_up(&setting);
    snprintf(
        absolute, sizeof absolute,
        "HTTP/1.1 302 Found\r\nLocation: http://localhost:%u/end?q=1#top\r\nContent-Length: 5\r\n\r\nmoved",
        setting.server.port);
    const struct script_turn turns[] = {{.head = "HTTP/1.1 301 Moved\r\nLocation: ../other/./x\r\n\r\n"},
                                        {.head = absolute},
                                        {.head = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nend"}};
    get(&setting, turns, 3, "--header", "Cookie: secret", NULL);
    expect_got(&setting, "end", 3);
    expect(strstr(setting.server.requests[1], "GET /other/x HTTP/1.1\r\n") != NULL);
    expect(strstr(setting.server.requests[1], "Cookie: secret\r\n") != NULL);
    expect(strstr(setting.server.requests[2], "GET /end?q=1 HTTP/1.1\r\n") != NULL);
    expect(strstr(setting.server.requests[2], "Host: localhost:") != NULL);
    expect(strstr(setting.server.requests[2], "Cookie") == NULL); /* another server */
    tear_down(&setting);
}

WEIR_TEST(weir_get, names_another_server_by_its_own_name) {
    char absolute[200];
    struct setting setting;
    set_up(&setting);
    snprintf(absolute, sizeof absolute, "HTTP/1.1 302 Found\r\nLocation: http://localhost:%u/end\r\n\r\n",
             setting.server.port);
    const struct script_turn turns[] = {{.head = "HTTP/1.1 301 Moved\r\nLocation: other\r\n\r\n"},
                                        {.head = absolute},
                                        {.head = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nend"}};
    get(&setting, turns, 3, "--header", "Host: virtual", NULL);
    expect_got(&setting, "end", 3);
    expect(strstr(setting.server.requests[1], "Host: virtual\r\n") != NULL);
    expect(strstr(setting.server.requests[2], "Host: localhost:") != NULL);
    tear_down(&setting);
}

WEIR_TEST(weir_get, ends_a_circle_of_redirects) {
    struct setting setting;
    set_up(&setting);
    const struct script_turn turns[] = {{.head = "HTTP/1.1 307 There\r\nLocation: b\r\n\r\n"},
                                        {.head = "HTTP/1.1 307 Back\r\nLocation: file\r\n\r\n"},
                                        {.head = "HTTP/1.1 200 OK\r\n\r\n"}};
    get(&setting, turns, 3, NULL, NULL, NULL);
    expect_failed(&setting, 1, "the redirects go in a circle");
    expect_str(setting.server.requests[2], "");
    tear_down(&setting);
}

WEIR_TEST(weir_get, follows_ten_redirects_and_no_more) {
    for (size_t redirects = 10; redirects <= 11; redirects++) {
        struct setting setting;
        struct script_turn turns[12];
        for (size_t i = 0; i < redirects; i++)
            turns[i] = (struct script_turn){.head = "HTTP/1.1 302 On\r\nLocation: x/y\r\n\r\n"};
        turns[redirects] = (struct script_turn){.head = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"};
        set_up(&setting);
        get(&setting, turns, redirects + 1, NULL, NULL, NULL);
        if (redirects == 10) expect_got(&setting, "ok", 2);
        if (redirects == 11) expect_failed(&setting, 1, "more than 10 redirects");
        tear_down(&setting);
    }
}

WEIR_TEST(weir_get, says_which_schemes_it_does_not_speak) {
    struct setting setting;
    set_up(&setting);
    setting.code = program_run(&setting.client, "weir_get", "ftp://a.example/", "-o", setting.file);
    expect_failed(&setting, 1, "only http and https are spoken");
    tear_down(&setting);
}

/* ---- parts ---- */

WEIR_TEST(weir_get, continues_behind_what_it_has) {
    struct setting setting;
    set_up(&setting);
    leave_part(&setting, "Hello", 5, DATE);
    get(&setting,
        &(struct script_turn){.head = "HTTP/1.1 206 Part\r\n" DATES
                                      "Content-Range: bytes 5-12/13\r\nContent-Length: 8\r\n\r\n, World!"},
        1, "--continue", "--crc32c", "4d551068");
    expect_got(&setting, "Hello, World!", 13);
    expect(strstr(setting.server.requests[0], "Range: bytes=5-\r\n") != NULL);
    expect(strstr(setting.server.requests[0], "If-Range: Sun, 06 Nov 1994 08:49:37 GMT\r\n") != NULL);
    tear_down(&setting);
}

WEIR_TEST(weir_get, continues_with_no_other_part_than_the_next) {
    static const char *const ranges[] = {"bytes 4-11/12", "bytes 6-13/14", "bytes 5-12/20"};
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        struct setting setting;
        char head[200];
        weir_test_context("%s", ranges[i]);
        snprintf(head, sizeof head,
                 "HTTP/1.1 206 Part\r\n" DATES "Content-Range: %s\r\nContent-Length: 8\r\n\r\n, World!",
                 ranges[i]);
        set_up(&setting);
        leave_part(&setting, "Hello", 5, DATE);
        get(&setting, &(struct script_turn){.head = head}, 1, "--continue", NULL, NULL);
        expect_failed(&setting, 1, "another part than was asked for");
        expect(holds(&setting, ".got.part", "Hello", 5));
        tear_down(&setting);
    }
}

WEIR_TEST(weir_get, begins_anew_when_there_is_another_version) {
    struct setting setting;
    set_up(&setting);
    leave_part(&setting, "a longer older version", 22, DATE - 1000);
    get(&setting, &(struct script_turn){.head = "HTTP/1.1 200 OK\r\n" DATES "Content-Length: 3\r\n\r\nnew"},
        1, "--continue", NULL, NULL);
    expect_got(&setting, "new", 3);
    tear_down(&setting);
}

WEIR_TEST(weir_get, takes_416_for_whole_only_when_the_length_says_so) {
    for (int fits = 0; fits < 2; fits++) {
        struct setting setting;
        set_up(&setting);
        leave_part(&setting, "Hello", 5, DATE);
        get(&setting,
            &(struct script_turn){
                .head = fits ? "HTTP/1.1 416 No\r\nContent-Range: bytes */5\r\nContent-Length: 0\r\n\r\n"
                             : "HTTP/1.1 416 No\r\nContent-Range: bytes */4\r\nContent-Length: 0\r\n\r\n"},
            1, "--continue", NULL, NULL);
        if (fits) expect_got(&setting, "Hello", 5);
        if (!fits) expect_failed(&setting, 22, "answered 416 No");
        tear_down(&setting);
    }
}

WEIR_TEST(weir_get, asks_for_nothing_when_the_file_is_there) {
    struct setting setting;
    set_up(&setting);
    place_write(&setting.to, "got", 10);
    get(&setting, &(struct script_turn){.head = "HTTP/1.1 500 Asked\r\n\r\n"}, 1, "--continue", NULL, NULL);
    expect_eq(setting.code, 0);
    expect(strstr(program_out(&setting.client), "is there already, whole") != NULL);
    expect_str(setting.server.requests[0], "");
    tear_down(&setting);
}

WEIR_TEST(weir_get, gets_a_range_or_says_that_there_is_none) {
    static const struct {
        const char *head;
        int code;
        const char *sentence;
    } cases[] = {
        {"HTTP/1.1 206 Part\r\nContent-Range: bytes 2-4/10\r\nContent-Length: 3\r\n\r\nabc", 0, ""},
        {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", 1, "only with the whole"},
        {"HTTP/1.1 206 Part\r\nContent-Range: lines 2-4/10\r\nContent-Length: 3\r\n\r\nabc", 1,
         "another part"},
        {"HTTP/1.1 206 Part\r\nContent-Range: bytes 2-5/10\r\nContent-Length: 3\r\n\r\nabc", 1,
         "another part"},
        {"HTTP/1.1 206 Part\r\nContent-Range: bytes 2-5/10\r\n\r\nabc", 1, "not as long as was said"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct setting setting;
        weir_test_context("case %zu", i);
        set_up(&setting);
        get(&setting, &(struct script_turn){.head = cases[i].head}, 1, "--range", "2-4", NULL);
        if (cases[i].code == 0) expect_got(&setting, "abc", 3);
        if (cases[i].code != 0) expect_failed(&setting, cases[i].code, cases[i].sentence);
        expect(strstr(setting.server.requests[0], "Range: bytes=2-4\r\n") != NULL);
        tear_down(&setting);
    }
}

/* ---- failures ---- */

WEIR_TEST(weir_get, a_refusal_exits_22_and_leaves_no_file) {
    struct setting setting;
    set_up(&setting);
    get(&setting, &(struct script_turn){.head = "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\ngone"}, 1,
        NULL, NULL, NULL);
    expect_failed(&setting, 22, "/dir/file' answered 404 Not Found\n");
    expect_eq(place_size(&setting.to, ".got.part"), -1);
    tear_down(&setting);
}

WEIR_TEST(weir_get, a_body_that_is_cut_stays_as_a_part_of_its_version) {
    struct setting setting;
    struct stat stat_of;
    set_up(&setting);
    get(&setting,
        &(struct script_turn){
            .head = "HTTP/1.1 200 OK\r\n" DATES "Content-Length: 4194304\r\n\r\n", big_bytes(), BIG},
        1, NULL, NULL, NULL);
    expect_failed(&setting, 1, "the server closed the connection too early");
    expect(holds(&setting, ".got.part", big_bytes(), BIG));
    require(stat(place_path(&setting.to, ".got.part"), &stat_of) == 0);
    expect_eq(stat_of.st_mtim.tv_sec, DATE);
    tear_down(&setting);
}

WEIR_TEST(weir_get, a_silent_server_is_given_up) {
    static const char *const heads[] = {"", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"};
    for (size_t i = 0; i < 2; i++) {
        struct setting setting;
        set_up(&setting);
        get(&setting, &(struct script_turn){.head = heads[i], .holds = true}, 1, "--timeout", "1", NULL);
        expect_failed(&setting, 1, "the server has fallen silent");
        tear_down(&setting);
    }
}

WEIR_TEST(weir_get, takes_no_more_than_max_bytes) {
    struct setting setting;
    static const char *const heads[] = {"HTTP/1.1 200 OK\r\nContent-Length: 3145728\r\n\r\n",
                                        "HTTP/1.1 200 OK\r\n\r\n"};
    for (size_t i = 0; i < 2; i++) {
        set_up(&setting);
        get(&setting, &(struct script_turn){.head = heads[i], .body = big_bytes(), .length = BIG}, 1,
            "--max-bytes", "1M", NULL);
        expect_failed(&setting, 1, "--max-bytes allows");
        expect(place_size(&setting.to, ".got.part") <= 1 << 20);
        tear_down(&setting);
    }
}

WEIR_TEST(weir_get, a_full_disk_is_one_sentence) {
    struct setting setting;
    set_up(&setting);
    snprintf(setting.file, sizeof setting.file, "/dev/full");
    get(&setting,
        &(struct script_turn){.head = "HTTP/1.1 200 OK\r\n\r\n", .body = big_bytes(), .length = BIG}, 1, NULL,
        NULL, NULL);
    expect_failed(&setting, 1, "cannot write '/dev/full': no space left on device\n");
    tear_down(&setting);
}

WEIR_TEST(weir_get, a_wrong_checksum_leaves_no_file) {
    struct setting setting;
    struct stat stat_of;
    set_up(&setting);
    get(&setting,
        &(struct script_turn){.head = "HTTP/1.1 200 OK\r\n" DATES "Content-Length: 9\r\n\r\n123456789"}, 1,
        "--crc32c", "e3069284", NULL);
    expect_failed(&setting, 1, "came with the CRC-32C e3069283, not e3069284");
    require(stat(place_path(&setting.to, ".got.part"), &stat_of) == 0);
    expect_eq(stat_of.st_mtim.tv_sec, 0); /* no version: --continue begins anew */
    tear_down(&setting);
}

/* ---- other requests ---- */

WEIR_TEST(weir_get, prints_a_head) {
    struct setting setting;
    struct script_turn turn = {.head = "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\nX-Odd: a\x9b"
                                       "b\r\n\r\n"};
    set_up(&setting);
    scripted_server_start(&setting.server, &turn, 1);
    setting.code = program_run(&setting.client, "weir_get", setting.url, "--head");
    scripted_server_end(&setting.server);
    expect_eq(setting.code, 0);
    expect_str(program_out(&setting.client), "HTTP/1.1 200 OK\nContent-Length: 1000\nX-Odd: a?b\n");
    expect(strstr(setting.server.requests[0], "HEAD /dir/file HTTP/1.1\r\n") != NULL);
    tear_down(&setting);
}

WEIR_TEST(weir_get, posts_a_file_and_posts_it_again_where_it_is_sent) {
    struct setting setting;
    set_up(&setting);
    FILE *file = fopen(place_path(&setting.to, "form"), "w");
    require(file != NULL && fputs("a=1&b=2", file) >= 0 && fclose(file) == 0);
    char form[600];
    snprintf(form, sizeof form, "%s", place_path(&setting.to, "form"));
    const struct script_turn turns[] = {
        {.head = "HTTP/1.1 307 There\r\nLocation: /b\r\n\r\n"},
        {.head = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", .echoes = true}};
    get(&setting, turns, 2, "--post", form, NULL);
    expect_got(&setting, "a=1&b=2", 7);
    expect(strstr(setting.server.requests[0], "POST /dir/file HTTP/1.1\r\n") != NULL);
    expect(strstr(setting.server.requests[1], "POST /b HTTP/1.1\r\n") != NULL);
    tear_down(&setting);
}

WEIR_TEST(weir_get, posts_stdin_and_gets_where_303_says) {
    struct setting setting;
    set_up(&setting);
    place_write(&setting.to, "in", 1000);
    int input = open(place_path(&setting.to, "in"), O_RDONLY | O_CLOEXEC), before = dup(STDIN_FILENO);
    require(input >= 0 && dup2(input, STDIN_FILENO) == STDIN_FILENO);
    const struct script_turn turns[] = {{.head = "HTTP/1.1 303 See\r\nLocation: file\r\n\r\n"},
                                        {.head = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"}};
    get(&setting, turns, 2, "--post", "-", NULL);
    if (before >= 0) dup2(before, STDIN_FILENO), close(before);
    close(input);
    expect_got(&setting, "ok", 2);
    expect(strstr(setting.server.requests[0], "Content-Length: 1000\r\n") != NULL);
    expect(strstr(setting.server.requests[1], "GET /dir/file HTTP/1.1\r\n") != NULL);
    expect(strstr(setting.server.requests[1], "Content-Length") == NULL);
    tear_down(&setting);
}

WEIR_TEST(weir_get, sends_the_fields_that_are_asked_for) {
    struct setting setting;
    set_up(&setting);
    get(&setting, &(struct script_turn){.head = "HTTP/1.1 204 None\r\n\r\n"}, 1, "--header", "X-One: 1",
        "--header=User-Agent: me");
    expect_got(&setting, "", 0);
    expect(strstr(setting.server.requests[0], "X-One: 1\r\n") != NULL);
    expect(strstr(setting.server.requests[0], "User-Agent: me\r\n") != NULL);
    expect(strstr(setting.server.requests[0], "weir_get") == NULL);
    tear_down(&setting);
}
