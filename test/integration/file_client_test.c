/* file_client_test.c - files arrive whole or not at all. */
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <weir/testing.h>

#include "place.h"
#include "program.h"

/* A folder to serve and one to write to. */
struct setting {
    struct place from, to;
    struct program server;
    char where[32];
};

static void set_up(struct setting *self, const char *mode) {
    place_open(&self->from);
    place_open(&self->to);
    program_start(&self->server, "file_server", "--port", "0", "--root", self->from.folder, "--mode", mode,
                  NULL);
    unsigned port = program_port(&self->server);
    require(port != 0);
    snprintf(self->where, sizeof self->where, "127.0.0.1:%u", port);
}

static void tear_down(struct setting *self) {
    expect_eq(program_stop(&self->server), 0);
    expect(strstr(program_err(&self->server), "anitizer") == NULL);
    program_end(&self->server);
    place_close(&self->from);
    place_close(&self->to);
}

/* `name` is in both folders, with the same bytes. */
static bool arrived(struct setting *self, const char *name) {
    char here[600], there[600];
    struct place root = {.folder = "/"};
    snprintf(here, sizeof here, "%s", place_path(&self->from, name));
    snprintf(there, sizeof there, "%s", place_path(&self->to, name));
    return place_same(&root, here, there);
}

static const char *const modes[] = {"auto", "sendfile", "mmap", "copy"};

WEIR_TEST(file_client, gets_files_of_every_size_in_every_mode) {
    static const size_t sizes[] = {0, 1, 4095, 4096, 4097, 16383, 16384, 16385, (1 << 20) + 1};
    enum {
        SIZES = sizeof sizes / sizeof *sizes
    };
    for (size_t mode = 0; mode < 4; mode++) {
        struct setting setting;
        struct program client;
        char names[SIZES][32];
        set_up(&setting, modes[mode]);
        for (size_t i = 0; i < SIZES; i++) {
            snprintf(names[i], sizeof names[i], "d%zu/f%zu", i % 3, sizes[i]);
            place_write(&setting.from, names[i], sizes[i]);
        }
        expect_eq(program_run(&client, "file_client", setting.where, "-o", setting.to.folder, names[0],
                              names[1], names[2], names[3], names[4], names[5], names[6], names[7], names[8],
                              names[0]),
                  0);
        expect(strstr(program_out(&client), "10 files, 1110018 bytes") != NULL);
        expect_str(program_err(&client), "");
        for (size_t i = 0; i < SIZES; i++) {
            weir_test_context("mode %s, %s", modes[mode], names[i]);
            expect_eq(place_size(&setting.to, names[i]), sizes[i]);
            expect(arrived(&setting, names[i]));
        }
        program_end(&client);
        tear_down(&setting);
    }
}

WEIR_TEST(file_client, continues_what_an_earlier_attempt_left) {
    enum {
        SIZE = 300000,
        HAVE = 123456
    };
    struct setting setting;
    struct program client;
    set_up(&setting, "auto");
    place_write(&setting.from, "sub/file", SIZE);
    place_write(&setting.from, "new", 10);
    require(mkdir(place_path(&setting.to, "sub"), 0777) == 0);
    char part[600];
    static char bytes[HAVE];
    snprintf(part, sizeof part, "%s", place_path(&setting.to, "sub/.file.part"));
    FILE *from = fopen(place_path(&setting.from, "sub/file"), "r"), *to = fopen(part, "w");
    require(from != NULL && to != NULL && fread(bytes, 1, HAVE, from) == HAVE &&
            fwrite(bytes, 1, HAVE, to) == HAVE);
    fclose(from), fclose(to);
    expect_eq(program_run(&client, "file_client", setting.where, "sub/file", "new", "--resume", "-o",
                          setting.to.folder),
              0);
    expect(strstr(program_out(&client), "2 files, 176554 bytes") !=
           NULL); /* only the rest, and the new one */
    expect(arrived(&setting, "sub/file"));
    expect(arrived(&setting, "new"));
    expect_eq(place_size(&setting.to, "sub/.file.part"), -1);
    program_end(&client);
    tear_down(&setting);
}

WEIR_TEST(file_client, begins_anew_without_resume) {
    struct setting setting;
    struct program client;
    set_up(&setting, "auto");
    place_write(&setting.from, "file", 5000);
    place_write(&setting.to, ".file.part", 9000); /* other bytes, and more of them */
    expect_eq(program_run(&client, "file_client", setting.where, "--resume", "file", "-o", setting.to.folder),
              1);
    expect_str(program_err(&client), "file_client: 'file': the offset is beyond the end\n");
    expect_eq(place_size(&setting.to, "file"), -1);
    program_end(&client);
    expect_eq(program_run(&client, "file_client", setting.where, "file", "-o", setting.to.folder), 0);
    expect(arrived(&setting, "file"));
    program_end(&client);
    tear_down(&setting);
}

WEIR_TEST(file_client, leaves_no_half_file_when_the_server_is_killed_and_resumes_later) {
    struct setting setting;
    struct program client;
    set_up(&setting, "auto");
    place_write(&setting.from, "big", 1 << 20);
    require(truncate(place_path(&setting.from, "big"), INT64_C(4) << 30) ==
            0); /* long enough to be killed in */
    program_start(&client, "file_client", setting.where, "big", "-o", setting.to.folder, NULL);
    for (int i = 0; i < 10000 && place_size(&setting.to, ".big.part") < 2 << 20; i++) usleep(1000);
    program_signal(&setting.server, SIGKILL);
    expect_eq(program_wait(&client, 20000), 1);
    expect(strstr(program_err(&client), "file_client: cannot get 'big': ") != NULL);
    program_end(&client);
    int64_t have = place_size(&setting.to, ".big.part");
    expect(have >= 2 << 20 && have < INT64_C(4) << 30);
    expect_eq(place_size(&setting.to, "big"), -1);
    /* Its rest is made short, and a new server takes over. */
    require(truncate(place_path(&setting.from, "big"), have + 12345) == 0);
    program_end(&setting.server);
    program_start(&setting.server, "file_server", "--port", "0", "--root", setting.from.folder, NULL);
    snprintf(setting.where, sizeof setting.where, "127.0.0.1:%u", program_port(&setting.server));
    expect_eq(program_run(&client, "file_client", setting.where, "big", "--resume", "-o", setting.to.folder),
              0);
    expect(strstr(program_out(&client), "1 file, 12345 bytes") != NULL);
    expect(arrived(&setting, "big"));
    program_end(&client);
    tear_down(&setting);
}

WEIR_TEST(file_client, tells_a_refused_path_and_goes_on) {
    struct setting setting;
    struct program client;
    set_up(&setting, "auto");
    place_write(&setting.from, "first", 100);
    place_write(&setting.from, "last", 100);
    expect_eq(program_run(&client, "file_client", setting.where, "first", "absent", "last", "-o",
                          setting.to.folder),
              1);
    expect_str(program_err(&client), "file_client: 'absent': no such file or directory\n");
    expect(arrived(&setting, "first"));
    expect(arrived(&setting, "last"));
    expect_eq(place_size(&setting.to, "absent"), -1);
    program_end(&client);
    tear_down(&setting);
}

/* ---- the disk ---- */

WEIR_TEST(file_client, a_write_that_fails_is_one_sentence_and_exits_1) {
    struct setting setting;
    struct program client;
    set_up(&setting, "auto");
    place_write(&setting.from, "big", 2 << 20);
    struct rlimit before, limit;
    getrlimit(RLIMIT_FSIZE, &before);
    limit = before;
    limit.rlim_cur = 1 << 20; /* no file longer than that: as a disk that is full */
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &limit);
    int code = program_run(&client, "file_client", setting.where, "big", "-o", setting.to.folder);
    setrlimit(RLIMIT_FSIZE, &before);
    signal(SIGXFSZ, SIG_DFL);
    expect_eq(code, 1);
    expect_str(program_err(&client), "file_client: cannot write 'big': file too large\n");
    expect_eq(place_size(&setting.to, "big"), -1);
    expect(place_size(&setting.to, ".big.part") <= 1 << 20);
    program_end(&client);
    tear_down(&setting);
}

WEIR_TEST(file_client, follows_no_link_out_of_its_folder) {
    struct setting setting;
    struct program client;
    struct place outside;
    set_up(&setting, "auto");
    place_open(&outside);
    place_write(&setting.from, "link/file", 10);
    place_write(&setting.from, "file", 10);
    place_write(&outside, "target", 3);
    require(symlink(outside.folder, place_path(&setting.to, "link")) == 0);
    char target[600];
    snprintf(target, sizeof target, "%s", place_path(&outside, "target"));
    require(symlink(target, place_path(&setting.to, ".file.part")) == 0);
    const char *const paths[] = {"link/file", "file"};
    for (size_t i = 0; i < 2; i++) {
        weir_test_context("%s", paths[i]);
        expect_eq(program_run(&client, "file_client", setting.where, paths[i], "-o", setting.to.folder), 1);
        expect(strstr(program_err(&client), "file_client: cannot write '") == program_err(&client));
        program_end(&client);
    }
    expect_eq(place_size(&outside, "target"), 3);
    expect_eq(place_size(&outside, "file"), -1);
    expect_eq(place_size(&outside, ".file.part"), -1);
    place_close(&outside);
    tear_down(&setting);
}

WEIR_TEST(file_client, keeps_off_a_file_that_another_process_writes) {
    struct setting setting;
    struct program client;
    set_up(&setting, "auto");
    place_write(&setting.from, "file", 10);
    int part = open(place_path(&setting.to, ".file.part"), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    require(part >= 0 && flock(part, LOCK_EX) == 0 && write(part, "mine", 4) == 4);
    expect_eq(program_run(&client, "file_client", setting.where, "file", "-o", setting.to.folder), 1);
    expect_str(program_err(&client), "file_client: cannot write 'file': another process is writing it\n");
    expect_eq(place_size(&setting.to, ".file.part"), 4);
    program_end(&client);
    close(part);
    tear_down(&setting);
}

/* ---- servers that are none ---- */

/* Takes one connection, sends `says`, then ends it, or holds it until the client is gone. */
struct impostor {
    int listener;
    const char *says;
    bool holds;
};

static void *pretend(void *arg) {
    const struct impostor *self = arg;
    char request[4096];
    int fd = accept(self->listener, NULL, NULL);
    (void)recv(fd, request, sizeof request, 0);
    (void)send(fd, self->says, strlen(self->says), MSG_NOSIGNAL);
    while (self->holds && recv(fd, request, sizeof request, 0) > 0) continue;
    close(fd);
    return NULL;
}

static void run_against_impostor(const char *says, bool holds, const char *sentence) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t length = sizeof at;
    struct impostor impostor = {socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), says, holds};
    struct place to;
    struct program client;
    char where[32];
    pthread_t thread;
    place_open(&to);
    require(bind(impostor.listener, (struct sockaddr *)&at, length) == 0 &&
            listen(impostor.listener, 1) == 0);
    getsockname(impostor.listener, (struct sockaddr *)&at, &length);
    snprintf(where, sizeof where, "127.0.0.1:%u", ntohs(at.sin_port));
    require(pthread_create(&thread, NULL, pretend, &impostor) == 0);
    expect_eq(program_run(&client, "file_client", where, "file", "--timeout", "1", "-o", to.folder), 1);
    expect_str(program_err(&client), sentence);
    expect_eq(place_size(&to, "file"), -1);
    pthread_join(thread, NULL);
    program_end(&client);
    close(impostor.listener);
    place_close(&to);
}

WEIR_TEST(file_client, a_body_that_ends_early_is_no_file) {
    run_against_impostor("OK 100\nonly this", false,
                         "file_client: cannot get 'file': the server closed the connection\n");
}

WEIR_TEST(file_client, a_server_that_says_something_else_is_none) {
    run_against_impostor("HTTP/1.1 400 Bad Request\r\n\r\n", false,
                         "file_client: cannot get 'file': this is no file server\n");
    run_against_impostor("OK 18446744073709551615\n", false,
                         "file_client: cannot get 'file': this is no file server\n");
    run_against_impostor("OK\n", false, "file_client: cannot get 'file': this is no file server\n");
}

WEIR_TEST(file_client, a_silent_server_is_given_up) {
    run_against_impostor("", true, "file_client: cannot get 'file': the server has fallen silent\n");
    run_against_impostor("OK 100\nthen", true,
                         "file_client: cannot get 'file': the server has fallen silent\n");
}
