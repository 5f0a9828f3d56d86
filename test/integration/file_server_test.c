/* file_server_test.c - the file server against peers that are hostile, impatient, slow or gone. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <weir/testing.h>

#include "place.h"
#include "program.h"

static const char *const modes[] = {"auto", "sendfile", "mmap", "copy"};

enum {
    MODES = sizeof modes / sizeof *modes
};

/* A server over a folder of the test's own. */
struct setting {
    struct place place;
    struct program server;
    unsigned port;
    bool told; /* it was told to stop already */
};

static void set_up(struct setting *self, const char *mode, const char *more) {
    place_open(&self->place);
    program_start(&self->server, "file_server", "--port", "0", "--loops", "2", "--root", self->place.folder,
                  "--mode", mode, more, NULL);
    self->told = false;
    self->port = program_port(&self->server);
    require(self->port != 0);
}

/* The server ends with 0, and `told` is among its totals. */
static void tear_down(struct setting *self, const char *told) {
    expect_eq(self->told ? program_wait(&self->server, 20000) : program_stop(&self->server), 0);
    expect(strstr(program_err(&self->server), "anitizer") == NULL);
    if (strstr(program_out(&self->server), told) == NULL) {
        weir_test_fail(__FILE__, __LINE__, "no \"%s\" in: %s", told, program_out(&self->server));
    }
    program_end(&self->server);
    place_close(&self->place);
}

/* One request of `n` bytes, and the whole answer as text. */
static const char *ask(const struct setting *self, const void *line, size_t n) {
    static char reply[1 << 16];
    weir_test_context("request \"%.60s\"", (const char *)line);
    expect(converse(dial(self->port), line, n, reply, sizeof reply) >= 0);
    return reply;
}

static void check_attacks(const char *more, const char *through_link, const char *through_folder_link) {
    static const char outside[] = "ERR leads out of the root\n", nonsense[] = "ERR not a path\n",
                      absent[] = "ERR no such file or directory\n", irregular[] = "ERR not a regular file\n";
    const struct {
        const char *line;
        size_t length;
        const char *answer;
    } attacks[] = {
#define LINE(text) (text), sizeof(text) - 1
        {LINE("../secret\n"), outside},
        {LINE("sub/../../secret\n"), outside},
        {LINE("sub/../a\n"), outside},
        {LINE("..\n"), outside},
        {LINE("/etc/passwd\n"), outside},
        {LINE("/\n"), outside},
        {LINE("out\n"), outside},
        {LINE("outdir/passwd\n"), through_folder_link},
        {LINE("up/secret\n"), through_folder_link},
        {LINE("loop\n"), outside},
        {LINE("a\0b\n"), nonsense},
        {LINE("\0\n"), nonsense},
        {LINE("\n"), nonsense},
        {LINE("\r\n"), nonsense},
        {LINE("sub//x\n"), nonsense},
        {LINE("sub/\n"), nonsense},
        {LINE("nothing\n"), absent},
        {LINE("a/b\n"), absent},
        {LINE("sub\n"), irregular},
        {LINE(".\n"), irregular},
        {LINE("fifo\n"), irregular},
        {LINE("a\t4\n"), "ERR the offset is beyond the end\n"},
        {LINE("a\t99999999999999999999\n"), absent},
        {LINE("in\n"), through_link},
        {LINE("a\r\n"), "OK 3\nyes"},
        {LINE("./a\n"), "OK 3\nyes"},
        {LINE("sub/x\t1\n"), "OK 2\nes"},
        {LINE("a\t3\n"), "OK 0\n"},
        {LINE("with\ttab\n"), "OK 3\nyes"},
        {LINE("with\ttab\t2\n"), "OK 1\ns"},
        {LINE("a"), ""},
#undef LINE
    };
    struct setting setting;
    set_up(&setting, "auto", more);
    char command[1024];
    snprintf(command, sizeof command,
             "cd '%s' && mkdir sub && printf yes >a && cp a sub/x && cp a 'with\ttab' && ln -s sub/x in && "
             "ln -s /etc/passwd out && ln -s /etc outdir && ln -s .. up && ln -s loop loop && mkfifo fifo",
             setting.place.folder);
    require(system(command) == 0);
    for (size_t i = 0; i < sizeof attacks / sizeof *attacks; i++) {
        expect_str(ask(&setting, attacks[i].line, attacks[i].length), attacks[i].answer);
    }
    weir_test_context("at the end");
    tear_down(&setting, "0 bodies broken off");
}

WEIR_TEST(file_server, never_leaves_its_root) {
    check_attacks(NULL, "OK 3\nyes", "ERR leads out of the root\n");
}

WEIR_TEST(file_server, never_leaves_its_root_without_openat2) {
    check_attacks("--walk", "ERR leads out of the root\n", "ERR no such file or directory\n");
}

WEIR_TEST(file_server, answers_a_line_too_long_and_closes) {
    struct setting setting;
    set_up(&setting, "auto", NULL);
    place_write(&setting.place, "a", 1);
    char line[6000];
    memset(line, 'x', sizeof line);
    line[4096] = '\n';
    expect_str(ask(&setting, line, 4097), "ERR file name too long\n"); /* a line, though not a path */
    line[4096] = 'x';
    line[5000] = '\n';
    memcpy(line + 5001, "a\n", 2);
    expect_str(ask(&setting, line, 5003), "ERR the line is longer than 4096 bytes\n");
    /* What was asked before it is answered first. */
    memcpy(line, "a\na\n", 4);
    const char *reply = ask(&setting, line, 5003);
    expect_eq(strlen(reply), 2 * strlen("OK 1\n*") + strlen("ERR the line is longer than 4096 bytes\n"));
    tear_down(&setting, "2 files");
}

WEIR_TEST(file_server, answers_pipelined_requests_in_order_in_every_mode) {
    enum {
        REQUESTS = 2000,
        SIZE = 100
    };
    for (size_t mode = 0; mode < MODES; mode++) {
        struct setting setting;
        set_up(&setting, modes[mode], NULL);
        static char lines[REQUESTS * 16], reply[REQUESTS * (SIZE + 16)], bodies[4][SIZE];
        size_t length = 0, at = 0;
        for (int i = 0; i < 4; i++) {
            char name[16];
            snprintf(name, sizeof name, "f%d", i);
            place_write(&setting.place, name, SIZE);
            FILE *file = fopen(place_path(&setting.place, name), "r");
            require(file != NULL && fread(bodies[i], 1, SIZE, file) == SIZE);
            fclose(file);
        }
        for (int i = 0; i < REQUESTS; i++)
            length += (size_t)sprintf(lines + length, i % 5 == 4 ? "no%d\n" : "f%d\n", i % 5);
        ssize_t came = converse(dial(setting.port), lines, length, reply, sizeof reply);
        weir_test_context("mode %s, %zd bytes", modes[mode], came);
        for (int i = 0; i < REQUESTS; i++) {
            const char *head = i % 5 == 4 ? "ERR no such file or directory\n" : "OK 100\n";
            require(strncmp(reply + at, head, strlen(head)) == 0);
            at += strlen(head);
            if (i % 5 == 4) continue;
            require(memcmp(reply + at, bodies[i % 5], SIZE) == 0);
            at += SIZE;
        }
        expect_eq(came, at);
        tear_down(&setting, "1600 files, 160000 bytes; 400 requests refused, 0 bodies broken off");
    }
}

WEIR_TEST(file_server, reads_no_further_than_it_can_answer) {
    for (size_t mode = 0; mode < MODES; mode++) {
        struct setting setting;
        set_up(&setting, modes[mode], NULL);
        place_write(&setting.place, "big", 8 << 20);
        unsigned before = program_files(&setting.server);
        static char lines[1 << 16];
        for (size_t i = 0; i < sizeof lines; i += 4) memcpy(lines + i, "big\n", 4);
        int fd = dial(setting.port);
        size_t sent = send_until_full(fd, lines, sizeof lines, 64 << 20);
        weir_test_context("mode %s, %zu bytes of requests sent", modes[mode], sent);
        expect(sent < 64 << 20);                                   /* the socket is full: nobody reads */
        expect(program_files(&setting.server) <= before + 1 + 16); /* the connection, and the window */
        close(fd);
        tear_down(&setting, "1 connections");
    }
}

/* Begins to read "big", so that a transfer is under way. Answers the connection. */
static int begin(const struct setting *self) {
    char reply[64];
    int fd = dial(self->port);
    require(send(fd, "big\n", 4, MSG_NOSIGNAL) == 4);
    require(recv(fd, reply, sizeof reply, 0) > 0);
    return fd;
}

/* How much more comes on `fd` until the end, -1 with a reset. Takes: fd. */
static int64_t drain(int fd) {
    static char bytes[1 << 16];
    int64_t total = 0;
    ssize_t n;
    while ((n = recv(fd, bytes, sizeof bytes, 0)) > 0) total += n;
    close(fd);
    return n < 0 ? -1 : total;
}

enum {
    BIG = 32 << 20
};

WEIR_TEST(file_server, a_file_that_shrinks_fails_its_transfer_and_no_other) {
    for (size_t mode = 0; mode < MODES; mode++) {
        struct setting setting;
        set_up(&setting, modes[mode], NULL);
        place_write(&setting.place, "big", BIG);
        place_write(&setting.place, "other", 5);
        weir_test_context("mode %s", modes[mode]);
        int fd = begin(&setting);
        usleep(100000); /* until the socket is full */
        require(truncate(place_path(&setting.place, "big"), 1000) == 0);
        expect_eq(drain(fd), -1);
        expect_eq(strlen(ask(&setting, "other\n", 6)), strlen("OK 5\n") + 5);
        expect(program_complains(&setting.server, "weir warn channel"));
        tear_down(&setting, "1 bodies broken off");
    }
}

WEIR_TEST(file_server, a_file_that_is_removed_is_sent_to_its_end) {
    for (size_t mode = 0; mode < MODES; mode++) {
        struct setting setting;
        set_up(&setting, modes[mode], NULL);
        place_write(&setting.place, "big", BIG);
        weir_test_context("mode %s", modes[mode]);
        int fd = begin(&setting);
        require(unlink(place_path(&setting.place, "big")) == 0);
        shutdown(fd, SHUT_WR);
        expect(drain(fd) > BIG - 64);
        tear_down(&setting, "0 bodies broken off");
    }
}

WEIR_TEST(file_server, a_reader_that_resets_is_forgotten) {
    for (size_t mode = 0; mode < MODES; mode++) {
        struct setting setting;
        set_up(&setting, modes[mode], NULL);
        place_write(&setting.place, "big", BIG);
        unsigned before = program_files(&setting.server);
        weir_test_context("mode %s", modes[mode]);
        for (int i = 0; i < 10; i++) {
            int fd = begin(&setting);
            setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){.l_onoff = 1}, sizeof(struct linger));
            close(fd);
        }
        for (int i = 0; i < 3000 && program_files(&setting.server) > before; i++) usleep(10000);
        expect_eq(program_files(&setting.server), before);
        tear_down(&setting, "10 connections");
    }
}

WEIR_TEST(file_server, finishes_what_it_began_when_told_to_stop) {
    for (size_t mode = 0; mode < MODES; mode++) {
        struct setting setting;
        set_up(&setting, modes[mode], NULL);
        place_write(&setting.place, "big", BIG);
        weir_test_context("mode %s", modes[mode]);
        int fd = begin(&setting);
        program_signal(&setting.server, SIGTERM);
        setting.told = true;
        usleep(50000);
        expect(drain(fd) > BIG - 64);
        tear_down(&setting, "0 bodies broken off");
    }
}

WEIR_TEST(file_server, tells_by_counters_which_way_the_bytes_went) {
    static const char *const told[] = {
        "by sendfile 33554432 bytes in", /* auto: the body; the small file was joined to its header */
        "by sendfile 33558528 bytes in",
        "mapped 33558528 bytes",
        "by sendfile 0 bytes in 0 calls, copied 33558528 bytes",
    };
    for (size_t mode = 0; mode < MODES; mode++) {
        struct setting setting;
        set_up(&setting, modes[mode], NULL);
        place_write(&setting.place, "big", BIG);
        place_write(&setting.place, "small", 4096);
        weir_test_context("mode %s", modes[mode]);
        int fd = begin(&setting);
        require(send(fd, "small\n", 6, MSG_NOSIGNAL) == 6);
        shutdown(fd, SHUT_WR);
        expect(drain(fd) > BIG);
        tear_down(&setting, told[mode]);
    }
}

WEIR_TEST(file_server, a_missing_root_is_one_sentence_and_exits_1) {
    struct program server;
    expect_eq(program_run(&server, "file_server", "--root", "/nowhere/at/all", "--port", "0"), 1);
    expect_str(program_err(&server),
               "file_server: cannot serve '/nowhere/at/all': no such file or directory\n");
    program_end(&server);
    expect_eq(program_run(&server, "file_server", "--root", "/etc/passwd", "--port", "0"), 1);
    expect_str(program_err(&server), "file_server: cannot serve '/etc/passwd': not a directory\n");
    program_end(&server);
}
