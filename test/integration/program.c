/* program.c - fork, exec, memory files, and patience with an end. */
#include "program.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <weir/testing.h>

enum {
    ARGUMENTS_MAX = 32,
    STEP_MS = 5
};

static void sleep_ms(long ms) {
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

/* In the child: never returns. */
static void become(const struct program *self, const char *name, char **arguments, pid_t parent) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", WEIR_BIN_DIR, name);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(126);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    dup2(self->out, STDOUT_FILENO);
    dup2(self->err, STDERR_FILENO);
    execv(path, arguments);
    fprintf(stderr, "%s: %s\n", path, strerror(errno));
    _exit(127);
}

void program_start(struct program *self, const char *name, ...) {
    char *arguments[ARGUMENTS_MAX] = {(char *)(uintptr_t)name};
    va_list values;
    va_start(values, name);
    for (int i = 1; i < ARGUMENTS_MAX - 1; i++) {
        arguments[i] = va_arg(values, char *);
        if (arguments[i] == NULL) break;
    }
    va_end(values);
    self->out = memfd_create("out", MFD_CLOEXEC);
    self->err = memfd_create("err", MFD_CLOEXEC);
    pid_t parent = getpid();
    self->pid = fork();
    if (self->pid == 0) become(self, name, arguments, parent);
    require(self->pid > 0);
}

static const char *read_all(struct program *self, int fd) {
    ssize_t n = pread(fd, self->text, sizeof self->text - 1, 0);
    self->text[n < 0 ? 0 : n] = '\0';
    return self->text;
}

const char *program_out(struct program *self) {
    return read_all(self, self->out);
}

const char *program_err(struct program *self) {
    return read_all(self, self->err);
}

bool program_complains(struct program *self, const char *words) {
    for (int waited = 0; waited < 10000; waited += STEP_MS) {
        if (strstr(program_err(self), words) != NULL) return true;
        sleep_ms(STEP_MS);
    }
    return false;
}

unsigned program_port(struct program *self) {
    for (int waited = 0; waited < 10000; waited += STEP_MS) {
        const char *line = strstr(program_out(self), "listening on ");
        const char *colon = line == NULL || strchr(line, '\n') == NULL ? NULL : strchr(line, ':');
        if (colon != NULL) return (unsigned)strtoul(colon + 1, NULL, 10);
        sleep_ms(STEP_MS);
    }
    weir_test_fail(__FILE__, __LINE__, "no listening line, but: %s", program_err(self));
    return 0;
}

unsigned program_files(const struct program *self) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/fd", (int)self->pid);
    DIR *folder = opendir(path);
    unsigned count = 0;
    while (folder != NULL && readdir(folder) != NULL) count++;
    if (folder != NULL) closedir(folder);
    return count;
}

void program_signal(const struct program *self, int number) {
    if (self->pid > 0) kill(self->pid, number);
}

int program_wait(struct program *self, int ms) {
    int status = 0;
    for (int waited = 0; self->pid > 0; waited += STEP_MS) {
        pid_t ended = waitpid(self->pid, &status, WNOHANG);
        if (ended == self->pid) {
            self->pid = 0;
            return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
        }
        if (waited >= ms) break;
        sleep_ms(STEP_MS);
    }
    program_end(self);
    return -1;
}

int program_stop(struct program *self) {
    program_signal(self, SIGTERM);
    return program_wait(self, 20000);
}

void program_end(struct program *self) {
    if (self->pid > 0) {
        kill(self->pid, SIGKILL);
        waitpid(self->pid, NULL, 0);
        self->pid = 0;
    }
    if (self->out > 0) close(self->out);
    if (self->err > 0) close(self->err);
    self->out = self->err = 0;
}
