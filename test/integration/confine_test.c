/* confine_test.c - what a server can no longer do once it is confined, tried out in a process of its own. */
#include "common/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <weir/testing.h>

#include "place.h"
#include "program.h"

static struct place place;
static bool writes;

/* The version of landlock, or less than 1. */
static long landlock(void) {
    return syscall(444, NULL, 0, 1);
}

/* Answers errno, or 0. */
static int try_to_open(const char *path, int flags) {
    int fd = open(path, flags | O_CLOEXEC, 0600);
    if (fd < 0) return errno;
    close(fd);
    return 0;
}

static int try_to_connect(void) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return fd < 0 || connect(fd, (struct sockaddr *)(void *)&to, sizeof to) == 0 ? 0 : errno;
}

/* Answers 0, or the number of what is not as it should be. */
static int try_all(void) {
    char program[] = "/bin/true";
    int made = try_to_open(place_path(&place, "root/new"), O_WRONLY | O_CREAT);
    if (try_to_open(place_path(&place, "root/in"), O_RDONLY) != 0) return 1;
    if (made != (writes ? 0 : EACCES)) return 2;
    if (try_to_open(place_path(&place, "root/in"), O_WRONLY | O_TRUNC) != (writes ? 0 : EACCES)) return 3;
    if (try_to_open(place_path(&place, "out"), O_RDONLY) != EACCES) return 4;
    if (try_to_open(place_path(&place, "root/link"), O_RDONLY) != EACCES) return 5;
    if (try_to_open(place_path(&place, "made"), O_WRONLY | O_CREAT) != EACCES) return 6;
    if (try_to_open("/etc/passwd", O_RDONLY) != EACCES) return 7;
    if (execv(program, (char *[]){program, NULL}) == 0 || errno != EPERM) return 8;
    if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0 || errno != EPERM) return 9;
    if (landlock() >= 4 && try_to_connect() != EACCES) return 10;
    return 0;
}

static void *try_in_thread(void *arg) {
    *(int *)arg = try_all();
    return NULL;
}

/* In a child, which has to end without looking for leaks: that is one of the things it can no longer do. */
static int enter_and_try(bool in_thread) {
    pid_t pid = fork();
    if (pid == 0) {
        args_server at = {.sandbox = true};
        pthread_t thread;
        int wrong = 0;
        if (confine(&at, &(confine_rule){.path = place_path(&place, "root"), .writes = writes}, 1) != 0)
            _exit(99);
        if (in_thread && pthread_create(&thread, NULL, try_in_thread, &wrong) == 0)
            pthread_join(thread, NULL);
        _exit(in_thread ? wrong : try_all());
    }
    int status = 0;
    require(waitpid(pid, &status, 0) == pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

WEIR_TEST(confine, leaves_a_sandboxed_process_its_folder_and_nothing_else) {
    int expected = landlock() >= 1 ? 0 : 99; /* where there is none it says so */
    for (int way = 0; way < 4; way++) {
        place_open(&place);
        place_write(&place, "root/in", 10);
        place_write(&place, "out", 10);
        require(symlink("../out", place_path(&place, "root/link")) == 0);
        writes = way % 2 != 0;
        weir_test_context("way %d", way);
        expect_eq(enter_and_try(way >= 2), expected);
        place_close(&place);
    }
}

WEIR_TEST(confine, refuses_a_sandbox_around_a_folder_that_is_not_there) {
    struct program server;
    program_start(&server, "http_file_server", "--port", "0", "--root", "/no/such/folder", "--sandbox", NULL);
    expect_eq(program_wait(&server, 20000), 1);
    expect(strstr(program_err(&server), "--sandbox: ") != NULL);
    program_end(&server);
}

WEIR_TEST(confine, does_not_upgrade_from_within_a_sandbox_but_says_so) {
    struct program server;
    setenv("ASAN_OPTIONS", "detect_leaks=0", 1);
    program_start(&server, "http_hello", "--port", "0", "--sandbox", NULL);
    if (landlock() >= 1) {
        expect(program_port(&server) != 0);
        program_signal(&server, SIGUSR2);
        expect(program_complains(&server, "the new process does not serve: this one goes on"));
        expect_eq(program_stop(&server), 0);
    } else {
        expect(program_complains(&server, "this kernel offers no landlock"));
        expect_eq(program_wait(&server, 20000), 1);
    }
    program_end(&server);
}

/* ---- another user ---- */

static void start_as(struct program *server, const char *user) {
    program_start(server, "http_hello", "--port", "0", "--user", user, NULL);
}

/* Of each of its threads: real, effective, saved and file system's, and the groups. */
static void expect_nobody(const struct program *server) {
    char line[600];
    snprintf(
        line, sizeof line,
        "u=$(id -u nobody) g=$(id -g nobody); cat /proc/%ld/task/*/status | tr '\\t' ' ' | "
        "grep -E '^(Uid|Gid|Groups|CapEff):' | sed 's/ *$//' | sort -u >/tmp/weir-who-%ld && "
        "printf 'CapEff: 0000000000000000\\nGid: %%s %%s %%s %%s\\nGroups: %%s\\nUid: %%s %%s %%s %%s\\n' "
        "$g $g $g $g $g $u $u $u $u | cmp - /tmp/weir-who-%ld; code=$?; rm /tmp/weir-who-%ld; exit $code",
        (long)server->pid, (long)server->pid, (long)server->pid, (long)server->pid);
    expect_eq(system(line), 0);
}

WEIR_TEST(confine, gives_roots_rights_up_once_bound_or_says_that_it_has_none) {
    struct program server;
    start_as(&server, "nobody");
    if (geteuid() == 0) {
        unsigned port = program_port(&server);
        char reply[1024], request[] = "GET /plaintext HTTP/1.1\r\nHost: a\r\n\r\n";
        expect(converse(dial(port), request, strlen(request), reply, sizeof reply) > 0);
        expect_nobody(&server);
        expect_eq(program_stop(&server), 0);
    } else {
        expect_eq(program_wait(&server, 20000), 1);
        expect(strstr(program_err(&server), "only root can become another user") != NULL);
    }
    program_end(&server);
}

WEIR_TEST(confine, refuses_users_that_are_not_there_or_are_root) {
    struct program server;
    start_as(&server, "no-such-user");
    expect_eq(program_wait(&server, 20000), 1);
    expect(strstr(program_err(&server), "there is no user 'no-such-user'") != NULL);
    program_end(&server);
    start_as(&server, "root");
    expect_eq(program_wait(&server, 20000), 1);
    expect(strstr(program_err(&server), "'root' is root") != NULL);
    program_end(&server);
}
