/* listen_fds_test.c - started as systemd would: this program again, in a process of its own, with sockets from
 * descriptor 3 on and the environment that says so.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <weir/testing.h>

#include "house.h"

#define ROLE "WEIR_TEST_LISTEN_FDS_ROLE"

enum {
    FIRST = 3,
    FAILED_TO_START = 100
};

/* ---- what the child does, chosen by its role; its exit code tells ---- */

/* Serves the sockets named "web" until SIGTERM. */
static int serve_web(void) {
    static echo unused;
    int fds[4];
    size_t count;
    weir_server *server;
    if (weir_listen_fds("web", fds, 4, &count) != WEIR_OK || count == 0) return FAILED_TO_START;
    weir_loop_group *group = weir_loop_group_new(2);
    if (weir_server_start(&server, &(weir_server_options){.loops = group,
                                                          .build = build_echo,
                                                          .build_arg = &unused,
                                                          .listen_fds = fds,
                                                          .listen_fd_count = count,
                                                          .stop_on_signals = true}) != WEIR_OK) {
        return FAILED_TO_START;
    }
    weir_status status = weir_server_wait(server);
    weir_server_free(server);
    weir_loop_group_free(group);
    return status == WEIR_OK ? 0 : 1;
}

/* How many there are of a name (NULL: all), or from 200 on what is wrong. */
static int count_of(const char *name) {
    int fds[4];
    size_t count;
    weir_status status = weir_listen_fds(name, fds, 4, &count);
    if (status == WEIR_E_INVALID) return 200;
    if (status == WEIR_E_LIMIT) return 201;
    if (status == -EBADF) return 202;
    if (status != WEIR_OK) return 203;
    for (size_t i = 0; i < count; i++) {
        if ((fcntl(fds[i], F_GETFD) & FD_CLOEXEC) == 0) return 204;
        if ((fcntl(fds[i], F_GETFL) & O_NONBLOCK) == 0) return 205;
        if (fds[i] < FIRST || (i > 0 && fds[i] <= fds[i - 1])) return 206;
    }
    return (int)count;
}

static void play_role(const char *role) {
    char pid[32];
    snprintf(pid, sizeof pid, "%ld", (long)getpid());
    if (getenv("LISTEN_PID") == NULL) setenv("LISTEN_PID", pid, 1);
    alarm(60);
    if (strcmp(role, "serve") == 0) exit(serve_web());
    exit(count_of(strcmp(role, "all") == 0 ? NULL : role));
}

/* Before the test runner's main: it is the child that has a role. */
__attribute__((constructor)) static void become_child(void) {
    const char *role = getenv(ROLE);
    if (role != NULL) play_role(role);
}

/* ---- starting it ---- */

typedef struct activation {
    const char *role, *pid, *fds, *names; /* of the environment; NULL: not set, but pid: the child's own */
    const int *passed;
    int count;
} activation;

static void set_or_unset(const char *variable, const char *value) {
    if (value != NULL) {
        setenv(variable, value, 1);
    } else {
        unsetenv(variable);
    }
}

static pid_t start(const activation *with) {
    pid_t pid = fork();
    if (pid != 0) return pid;
    int high[8];
    for (int i = 0; i < with->count; i++) high[i] = fcntl(with->passed[i], F_DUPFD, 100);
    for (int i = 0; i < with->count; i++) dup2(high[i], FIRST + i);
    for (int fd = FIRST + with->count; fd < 200; fd++) close(fd);
    setenv(ROLE, with->role, 1);
    set_or_unset("LISTEN_PID", with->pid);
    set_or_unset("LISTEN_FDS", with->fds);
    set_or_unset("LISTEN_FDNAMES", with->names);
    char program[] = "/proc/self/exe";
    execv(program, (char *[]){program, NULL});
    _exit(FAILED_TO_START);
}

static int exit_code(pid_t pid) {
    int status = 0;
    require(waitpid(pid, &status, 0) == pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int code_of(activation with) {
    return exit_code(start(&with));
}

WEIR_TEST(listen_fds, go_to_a_server_by_their_name) {
    unsigned ports[3];
    int fds[] = {plain_listen(&ports[0], 16), plain_listen(&ports[1], 16), plain_listen(&ports[2], 16)};
    pid_t pid = start(
        &(activation){.role = "serve", .fds = "3", .names = "web:admin:web", .passed = fds, .count = 3});
    for (int i = 0; i < 3; i++) close(fds[i]);
    for (int i = 0; i < 3; i += 2) { /* the backlog is there before the server is */
        int fd = plain_connect(ports[i]);
        expect(answers(fd));
        close(fd);
    }
    kill(pid, SIGTERM);
    expect_eq(exit_code(pid), 0);
}

WEIR_TEST(listen_fds, are_counted_by_name_or_all_and_made_fit_for_a_loop) {
    unsigned port;
    int fds[] = {plain_listen(&port, 1), plain_listen(&port, 1), plain_listen(&port, 1)};
    activation with = {.role = "all", .fds = "3", .names = "web:admin:web", .passed = fds, .count = 3};
    expect_eq(code_of(with), 3);
    with.role = "web";
    expect_eq(code_of(with), 2);
    with.role = "admin";
    expect_eq(code_of(with), 1);
    with.role = "nobody";
    expect_eq(code_of(with), 0);
    with.names = NULL;
    with.role = "unknown";
    expect_eq(code_of(with), 3);
    with.names = "::";
    with.role = "";
    expect_eq(code_of(with), 3);
    for (int i = 0; i < 3; i++) close(fds[i]);
}

WEIR_TEST(listen_fds, are_none_when_nobody_left_any_or_they_are_for_another) {
    activation with = {.role = "all"};
    expect_eq(code_of(with), 0);
    with.fds = "0";
    expect_eq(code_of(with), 0);
    with.fds = "2";
    with.pid = "1";
    expect_eq(code_of(with), 0);
}

WEIR_TEST(listen_fds, say_what_is_wrong_with_the_environment) {
    unsigned port;
    int fd = plain_listen(&port, 1);
    activation with = {.role = "all", .passed = &fd, .count = 1};
    static const char *const counts[] = {"", "x", "-1", "1x", "2147483647", "99999999999999999999"};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        with.fds = counts[i];
        expect_eq(code_of(with), 200);
    }
    with.fds = "1";
    with.pid = "me";
    expect_eq(code_of(with), 200);
    with.pid = NULL;
    with.names = "a:b";
    expect_eq(code_of(with), 200);
    close(fd);
}

WEIR_TEST(listen_fds, must_be_open_and_listen_and_fit) {
    unsigned port;
    int one = plain_listen(&port, 1), deaf = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int fds[] = {one, deaf, one, one, one};
    activation with = {.role = "all", .fds = "2", .passed = fds, .count = 2};
    expect_eq(code_of(with), 200);
    with.names = "good:deaf"; /* the others are not looked at */
    with.role = "good";
    expect_eq(code_of(with), 1);
    with.names = NULL;
    with.role = "all";
    with.count = 1;
    expect_eq(code_of(with), 202);
    fds[1] = one;
    with.fds = "5";
    with.count = 5;
    expect_eq(code_of(with), 201);
    close(one);
    close(deaf);
}
