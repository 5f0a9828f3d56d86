/* inner_run.c - see the header. */
#include "inner_run.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <weir/testing.h>

static void run_in_child(int output, void (*body)(void)) {
    const weir_test test = {.suite = "inner", .name = "test", .body = body};
    dup2(output, STDERR_FILENO);
    _exit(weir_test_run(&test) ? 0 : 1);
}

static void read_all(int input, char *text, size_t size) {
    size_t used = 0;
    while (used < size - 1) {
        ssize_t n = read(input, text + used, size - 1 - used);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) break;
        used += (size_t)n;
    }
    text[used] = '\0';
}

void inner_run_test(inner_run *self, void (*body)(void)) {
    int ends[2];
    require(pipe(ends) == 0);
    fflush(NULL);
    pid_t pid = fork();
    require(pid >= 0);
    if (pid == 0) run_in_child(ends[1], body);
    close(ends[1]);
    read_all(ends[0], self->said, sizeof self->said);
    close(ends[0]);
    int ended = 0;
    require(waitpid(pid, &ended, 0) == pid);
    self->passed = WIFEXITED(ended) && WEXITSTATUS(ended) == 0;
}

bool inner_run_fails(void (*body)(void), const char *sentence) {
    inner_run run;
    inner_run_test(&run, body);
    bool told = strstr(run.said, sentence) != NULL;
    if (!told) fprintf(stderr, "inner test %s and said: %s\n", run.passed ? "passed" : "failed", run.said);
    return !run.passed && told;
}
