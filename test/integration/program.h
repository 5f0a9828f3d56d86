/* program.h - a program under test: started, watched and always ended by its pid.
 *
 * Its output goes to memory files, so it never blocks on a pipe nobody reads. The kernel kills it when the
 * test's process ends, however that happens.
 */
#ifndef TEST_PROGRAM_H
#define TEST_PROGRAM_H

#include <stdbool.h>
#include <sys/types.h>

struct program {
    pid_t pid; /* 0: not running */
    int out, err;
    char text[16384]; /* what program_out or program_err has read last */
};

/* Starts WEIR_BIN_DIR/name with arguments up to a NULL; a failure to start is a failed test. */
void program_start(struct program *self, const char *name, ...) __attribute__((sentinel));

/* Everything it has printed, with a NUL behind. Until: the next call. */
const char *program_out(struct program *self);
const char *program_err(struct program *self);

/* Whether it complains with these words, waited for up to ten seconds: a log line may come behind what it is about. */
bool program_complains(struct program *self, const char *words);

/* The port of its line "listening on HOST:PORT", waited for up to ten seconds; 0 and a failed test else. */
unsigned program_port(struct program *self);

/* How many descriptors it has open; only differences say something. */
unsigned program_files(const struct program *self);

void program_signal(const struct program *self, int number);

/* Waits until it ends, up to `ms`, else kills it. Answers its exit code, -1 when it was killed. */
int program_wait(struct program *self, int ms);

/* SIGTERM, then program_wait: what a server must survive with 0. */
int program_stop(struct program *self);

/* Ends it by all means and closes its files. Safe on one that was waited for. */
void program_end(struct program *self);

/* program_start, program_wait and the exit code, for programs that end by themselves. */
#define program_run(self, ...) (program_start(self, __VA_ARGS__, NULL), program_wait(self, 60000))

#endif
