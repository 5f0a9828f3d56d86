/* upgrade.c - fork, exec, and a pipe that says whether it went well.
 *
 * Rule: between fork and exec a process with threads may only make plain system calls, so all that the new one is given is
 * made before; but for its own number, whose place in the environment is kept free.
 */
#include "common/upgrade.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/args.h"

#define READY_FD "WEIR_READY_FD"

enum {
    FIRST_FD = 3,
    PATIENCE_MS = 30 * 1000,
    ARGUMENTS_MAX = 256,
    PID_DIGITS = 20
};

static char program[4096], command_line[65536];
static char *arguments[ARGUMENTS_MAX + 1]; /* none: it cannot be started again */

void upgrade_prepare(void) {
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    FILE *file = fopen("/proc/self/cmdline", "re");
    size_t size = file == NULL ? 0 : fread(command_line, 1, sizeof command_line - 1, file);
    if (file != NULL) fclose(file);
    size_t count = 0;
    for (size_t at = 0; at < size && count < ARGUMENTS_MAX; at += strlen(command_line + at) + 1) {
        arguments[count++] = command_line + at;
    }
    if (length <= 0) arguments[0] = NULL;
}

/* ---- what the new process is given ---- */

struct legacy {
    char **environment;
    char listen_fds[40], listen_pid[40], ready_fd[40];
    char *digits; /* where its number goes in listen_pid */
    int fds[64];
    size_t count; /* of them; the last is the pipe's */
};

static bool is_ours(const char *variable) {
    return strncmp(variable, "LISTEN_", 7) == 0 || strncmp(variable, READY_FD "=", sizeof READY_FD) == 0;
}

static bool make_environment(struct legacy *self) {
    size_t count = 0, kept = 0;
    while (environ[count] != NULL) count++;
    self->environment = calloc(count + 4, sizeof *self->environment);
    if (self->environment == NULL) return false;
    for (size_t i = 0; i < count; i++) {
        if (!is_ours(environ[i])) self->environment[kept++] = environ[i];
    }
    snprintf(self->listen_fds, sizeof self->listen_fds, "LISTEN_FDS=%zu", self->count - 1);
    snprintf(self->ready_fd, sizeof self->ready_fd, READY_FD "=%zu", FIRST_FD + self->count - 1);
    int length = snprintf(self->listen_pid, sizeof self->listen_pid, "LISTEN_PID=");
    self->digits = self->listen_pid + length;
    self->environment[kept++] = self->listen_fds;
    self->environment[kept++] = self->listen_pid;
    self->environment[kept] = self->ready_fd;
    return true;
}

/* ---- the new process, until it is one. Only plain system calls ---- */

static void write_number(char *out, unsigned long number) {
    char digits[PID_DIGITS];
    size_t n = 0;
    do {
        digits[n++] = (char)('0' + number % 10);
        number /= 10;
    } while (number != 0);
    while (n > 0) *out++ = digits[--n];
    *out = '\0';
}

/* Out of the way first: one may have the number that another is to get. */
static bool place_descriptors(struct legacy *self) {
    for (size_t i = 0; i < self->count; i++) {
        self->fds[i] = fcntl(self->fds[i], F_DUPFD_CLOEXEC, FIRST_FD + (int)self->count);
        if (self->fds[i] < 0) return false;
    }
    for (size_t i = 0; i < self->count; i++) {
        if (dup2(self->fds[i], FIRST_FD + (int)i) < 0) return false;
    }
    return true;
}

static void become(struct legacy *self) {
    static const int handled[] = {SIGINT, SIGTERM, SIGHUP, SIGUSR2};
    sigset_t none;
    for (size_t i = 0; i < sizeof handled / sizeof *handled; i++) signal(handled[i], SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    write_number(self->digits, (unsigned long)getpid());
    if (place_descriptors(self)) execve(program, arguments, self->environment);
    _exit(127);
}

/* ---- the old process ---- */

/* In a thread that takes no signals: their handlers must not run in the child. */
static pid_t fork_without_signals(struct legacy *self) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pid_t pid = fork();
    if (pid == 0) become(self);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return pid;
}

static bool becomes_ready(int fd) {
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    char byte;
    int ready;
    do {
        ready = poll(&poll_fd, 1, PATIENCE_MS);
    } while (ready < 0 && errno == EINTR);
    return ready > 0 && read(fd, &byte, 1) == 1;
}

static bool start_and_wait(struct legacy *self, int ready) {
    if (!make_environment(self)) return false;
    pid_t pid = fork_without_signals(self);
    free(self->environment);
    close(self->fds[self->count - 1]); /* or its end would not be seen */
    self->fds[self->count - 1] = -1;
    if (pid < 0) return false;
    if (becomes_ready(ready)) {
        printf("handed over to process %ld\n", (long)pid);
        fflush(stdout);
        return true;
    }
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    return false;
}

bool upgrade_start(const int *fds, size_t count) {
    struct legacy legacy = {.count = count + 1};
    int ready[2] = {-1, -1};
    bool started = false;
    if (arguments[0] != NULL && count < sizeof legacy.fds / sizeof *legacy.fds &&
        pipe2(ready, O_CLOEXEC) == 0) {
        memcpy(legacy.fds, fds, count * sizeof *fds);
        legacy.fds[count] = ready[1];
        started = start_and_wait(&legacy, ready[0]);
        if (legacy.fds[count] >= 0) close(ready[1]);
        close(ready[0]);
    }
    for (size_t i = 0; i < count; i++) close(fds[i]);
    if (!started) complain("the new process does not serve: this one goes on");
    return started;
}

/* ---- being ready ---- */

static void tell_the_old_one(void) {
    const char *fd = getenv(READY_FD);
    if (fd == NULL) return;
    int number = atoi(fd);
    if (write(number, "1", 1) != 1) complain("who started this process has not waited for it");
    close(number);
    unsetenv(READY_FD);
}

static void tell_the_service_manager(void) {
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    char text[64];
    if (path == NULL || strlen(path) >= sizeof to.sun_path) return;
    memcpy(to.sun_path, path, strlen(path));
    if (path[0] == '@') to.sun_path[0] = '\0';
    int length = snprintf(text, sizeof text, "READY=1\nMAINPID=%ld", (long)getpid());
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
    if (fd < 0 || sendto(fd, text, (size_t)length, MSG_NOSIGNAL, (struct sockaddr *)(void *)&to, size) < 0)
        complain("the service manager cannot be told that this process serves");
    if (fd >= 0) close(fd);
}

/* The service manager first: it must know the new process before the old one ends. */
void upgrade_ready(void) {
    tell_the_service_manager();
    tell_the_old_one();
}
