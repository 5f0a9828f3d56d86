/* examples_test.c - the example programs as people call them: arguments, exit codes, an end under load. */
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <weir/testing.h>

#include "place.h"
#include "program.h"

static const char *const programs[] = {"discard",     "echo_server", "echo_client",    "file_server",
                                       "file_client", "proxy",       "zero_copy_tour", "weir_get"};

enum {
    PROGRAMS = sizeof programs / sizeof *programs
};

/* "program: something", and nothing else. */
static void expect_one_sentence(const char *text, const char *program) {
    size_t name = strlen(program);
    expect(strncmp(text, program, name) == 0 && strncmp(text + name, ": ", 2) == 0);
    const char *end = strchr(text, '\n');
    expect(end != NULL && end[1] == '\0');
}

WEIR_TEST(examples, every_program_answers_help_and_exits_0) {
    for (size_t i = 0; i < PROGRAMS; i++) {
        struct program program;
        weir_test_context("%s", programs[i]);
        expect_eq(program_run(&program, programs[i], "--help"), 0);
        expect(strstr(program_out(&program), "usage: ") != NULL);
        expect(strstr(program_out(&program), programs[i]) != NULL);
        expect_str(program_err(&program), "");
        program_end(&program);
    }
}

WEIR_TEST(examples, a_bad_command_line_is_one_sentence_and_exits_2) {
    static const char *const lines[][4] = {
        {"discard", "--port", "65536"},
        {"discard", "something"},
        {"echo_server", "--loops"},
        {"echo_server", "--loops", "many"},
        {"echo_server", "--port="},
        {"echo_client"},
        {"echo_client", "nowhere"},
        {"echo_client", "127.0.0.1:1", "--depth=0"},
        {"echo_client", "127.0.0.1:1", "--size", "5X"},
        {"file_server"},
        {"file_server", "--root", "/tmp", "--mode=fast"},
        {"file_server", "--bogus"},
        {"file_client", "127.0.0.1:1"},
        {"file_client", "127.0.0.1:1", "../secret"},
        {"file_client", "127.0.0.1:1", "/etc/passwd"},
        {"tls_echo", "--tls-key", "/no/such/folder/key.pem"},
        {"tls_echo", "--tls-self-signed", "--tls-key=/no/such/folder/key.pem"},
        {"proxy"},
        {"proxy", "--to", "nowhere"},
        {"proxy", "--to", "127.0.0.1:1", "--idle=soon"},
        {"zero_copy_tour", "--size", "0"},
        {"weir_get"},
        {"weir_get", "http://127.0.0.1:1/"},
        {"weir_get", "http://127.0.0.1:1/x", "--range=5-2"},
        {"weir_get", "http://127.0.0.1:1/x", "--range=1-2,5-6"},
        {"weir_get", "http://127.0.0.1:1/x", "--header=no field"},
        {"weir_get", "http://127.0.0.1:1/x", "--header=Content-Length: 5"},
        {"weir_get", "http://127.0.0.1:1/x", "--crc32c=123"},
        {"weir_get", "http://127.0.0.1:1/..", "--timeout=5"},
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        struct program program;
        const char *const *line = lines[i];
        weir_test_context("%s %s %s", line[0], line[1], line[2]);
        expect_eq(program_run(&program, line[0], line[1], line[2], line[3]), 2);
        expect_one_sentence(program_err(&program), line[0]);
        expect_str(program_out(&program), "");
        program_end(&program);
    }
}

WEIR_TEST(examples, a_port_in_use_is_one_sentence_and_exits_1) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t length = sizeof at;
    int taken = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    require(bind(taken, (struct sockaddr *)&at, length) == 0 && listen(taken, 1) == 0);
    getsockname(taken, (struct sockaddr *)&at, &length);
    char port[16];
    snprintf(port, sizeof port, "%u", ntohs(at.sin_port));
    for (size_t i = 0; i < 3; i++) {
        const char *server = (const char *[]){"discard", "echo_server", "file_server"}[i];
        struct program program;
        weir_test_context("%s", server);
        int code = i < 2 ? program_run(&program, server, "--port", port)
                         : program_run(&program, server, "--port", port, "--root", "/tmp");
        expect_eq(code, 1);
        expect_one_sentence(program_err(&program), server);
        expect(strstr(program_err(&program), "in use") != NULL);
        program_end(&program);
    }
    close(taken);
}

WEIR_TEST(examples, nobody_there_is_one_sentence_and_exits_1) {
    for (size_t i = 0; i < 3; i++) {
        const char *client = (const char *[]){"echo_client", "file_client", "weir_get"}[i];
        struct program program;
        weir_test_context("%s", client);
        int code = i == 0   ? program_run(&program, client, "127.0.0.1:1")
                   : i == 1 ? program_run(&program, client, "127.0.0.1:1", "file", "-o", "/tmp")
                            : program_run(&program, client, "http://127.0.0.1:1/x", "-o", "/tmp/weir_get.x");
        expect_eq(code, 1);
        expect_one_sentence(program_err(&program), client);
        program_end(&program);
    }
}

WEIR_TEST(examples, discard_counts_what_it_throws_away) {
    struct program server;
    static char bytes[100000], reply[16];
    program_start(&server, "discard", "--port", "0", "--loops", "2", NULL);
    unsigned port = program_port(&server);
    for (int i = 0; i < 3; i++) expect_eq(converse(dial(port), bytes, sizeof bytes, reply, sizeof reply), 0);
    expect_eq(program_stop(&server), 0);
    expect(strstr(program_out(&server), "3 connections\n300000 bytes discarded\n") != NULL);
    program_end(&server);
}

/* ---- echo ---- */

/* echo_client against `port`; answers its exit code. */
static int run_load(struct program *client, unsigned port, const char *connections, const char *size,
                    const char *depth) {
    char where[32];
    snprintf(where, sizeof where, "127.0.0.1:%u", port);
    return program_run(client, "echo_client", where, "--seconds", "1", "--connections", connections, "--size",
                       size, "--depth", depth, "--loops", "2");
}

WEIR_TEST(examples, echo_gives_every_byte_back_in_sizes_and_depths) {
    static const char *const loads[][3] = {
        {"1", "1", "1"}, {"100", "64", "4"}, {"8", "65537", "3"}, {"2", "8M", "2"}, {"4", "333", "4096"}};
    struct program server, client;
    program_start(&server, "echo_server", "--port", "0", "--loops", "2", NULL);
    unsigned port = program_port(&server);
    for (size_t i = 0; i < sizeof loads / sizeof *loads; i++) {
        weir_test_context("connections %s, size %s, depth %s", loads[i][0], loads[i][1], loads[i][2]);
        expect_eq(run_load(&client, port, loads[i][0], loads[i][1], loads[i][2]), 0);
        expect(strstr(program_out(&client), "each came back right") != NULL);
        expect(strstr(program_out(&client), "p999 ") != NULL);
        expect_str(program_err(&client), "");
        program_end(&client);
    }
    expect_eq(program_stop(&server), 0);
    expect(strstr(program_out(&server), "115 connections\n") != NULL);
    expect_str(program_err(&server), "");
    program_end(&server);
}

WEIR_TEST(examples, echo_ends_with_0_and_no_leak_when_told_to_under_load) {
    for (int round = 0; round < 3; round++) {
        struct program server, client;
        char where[32];
        program_start(&server, "echo_server", "--port", "0", "--loops", "2", NULL);
        snprintf(where, sizeof where, "127.0.0.1:%u", program_port(&server));
        program_start(&client, "echo_client", where, "--seconds", "60", "--connections", "64", "--size", "4K",
                      "--depth", "8", NULL);
        for (int i = 0; i < 3000 && strstr(program_out(&client), "msg/s") == NULL; i++) usleep(10000);
        expect(strstr(program_out(&client), "msg/s") != NULL);
        expect_eq(program_stop(&server), 0);
        expect_str(program_err(&server), "");
        expect_eq(program_wait(&client, 30000), 1); /* its server went away */
        program_end(&server);
        program_end(&client);
    }
}

/* An echo server with a fault: the byte at `fault` is flipped, or with `cut` the connection ends there. */
struct faulty {
    int listener;
    size_t fault;
    bool cut;
};

static void *serve_faulty(void *arg) {
    const struct faulty *self = arg;
    char bytes[4096];
    int fd = accept(self->listener, NULL, NULL);
    ssize_t n;
    for (size_t total = 0; (n = recv(fd, bytes, sizeof bytes, 0)) > 0; total += (size_t)n) {
        bool here = self->fault >= total && self->fault < total + (size_t)n;
        if (here && self->cut) break;
        if (here) bytes[self->fault - total] ^= 1;
        if (send(fd, bytes, (size_t)n, MSG_NOSIGNAL) != n) break;
    }
    close(fd);
    return NULL;
}

static void run_against_faulty(bool cut) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t length = sizeof at;
    struct faulty faulty = {
        .listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), .fault = 123456, .cut = cut};
    require(bind(faulty.listener, (struct sockaddr *)&at, length) == 0 && listen(faulty.listener, 1) == 0);
    getsockname(faulty.listener, (struct sockaddr *)&at, &length);
    pthread_t thread;
    require(pthread_create(&thread, NULL, serve_faulty, &faulty) == 0);
    struct program client;
    expect_eq(run_load(&client, ntohs(at.sin_port), "1", "1000", "8"), 1);
    expect(strstr(program_err(&client), "1 of 1 connections failed") != NULL);
    if (!cut) expect(strstr(program_err(&client), "other bytes came back than were sent") != NULL);
    program_end(&client);
    pthread_join(thread, NULL);
    close(faulty.listener);
}

WEIR_TEST(examples, echo_client_exits_1_when_one_byte_is_wrong) {
    run_against_faulty(false);
}

WEIR_TEST(examples, echo_client_exits_1_when_bytes_are_lost) {
    run_against_faulty(true);
}

WEIR_TEST(examples, the_tour_shows_five_ways_and_both_classic_tables) {
    struct program tour;
    expect_eq(program_run(&tour, "zero_copy_tour", "--size", "2", "--rounds", "1"), 0);
    static const char *const shown[] = {"read + write, 4 KiB",
                                        "read + write, 256 KiB",
                                        "mmap + write",
                                        "sendfile",
                                        "splice",
                                        "4,246",
                                        "50,082"};
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++) {
        weir_test_context("%s", shown[i]);
        expect(strstr(program_out(&tour), shown[i]) != NULL);
    }
    expect_str(program_err(&tour), "");
    program_end(&tour);
}
