/* expect_abort.c - death tests: the code runs in a forked child, the parent reads its last words.
 *
 * Fork copies the calling thread only, so a death test must not depend on other threads.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <weir/core/check.h>
#include <weir/testing/expect.h>
#include <weir/testing/test.h>

enum {
    CHILD_SECONDS = 30
};

static void become_child(int output) {
    static const struct rlimit no_core = {0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    signal(SIGABRT, SIG_DFL);
    alarm(CHILD_SECONDS);
    dup2(output, STDERR_FILENO);
    close(output);
}

bool weir_test_child_start(weir_test_child *self) {
    int ends[2];
    WEIR_CHECK(pipe(ends) == 0, "no pipe for a death test: %s", strerror(errno));
    fflush(NULL);
    self->pid = fork();
    WEIR_CHECK(self->pid >= 0, "no process for a death test: %s", strerror(errno));
    if (self->pid == 0) {
        close(ends[0]);
        become_child(ends[1]);
        return true;
    }
    close(ends[1]);
    self->output = ends[0];
    return false;
}

void weir_test_child_survived(void) {
    _exit(0);
}

/* All the child writes; what does not fit is read and dropped, so that the child never waits. */
static void read_last_words(int output, char *text, size_t size) {
    size_t used = 0;
    char dropped[512];
    for (;;) {
        bool has_room = used < size - 1;
        ssize_t n =
            has_room ? read(output, text + used, size - 1 - used) : read(output, dropped, sizeof dropped);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) break;
        if (has_room) used += (size_t)n;
    }
    text[used] = '\0';
}

bool weir_test_expect_aborted(weir_test_child *self, const char *sentence, const char *file, int line) {
    char said[4000];
    read_last_words(self->output, said, sizeof said);
    close(self->output);
    int ended = 0;
    while (waitpid(self->pid, &ended, 0) < 0 && errno == EINTR) {
    }
    if (WIFSIGNALED(ended) && WTERMSIG(ended) == SIGABRT && strstr(said, sentence) != NULL) return true;
    if (WIFEXITED(ended)) {
        weir_test_fail(file, line, "expected an abort, but it ended with %d after saying: %.1200s",
                       WEXITSTATUS(ended), said);
    } else {
        weir_test_fail(file, line, "expected an abort with \"%s\", got signal %d and: %.1200s", sentence,
                       WTERMSIG(ended), said);
    }
    return false;
}
