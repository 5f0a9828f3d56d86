/* inner_run.h - a test run inside a test, in a child: to see tests fail without failing. */
#ifndef WEIR_TEST_INNER_RUN_H
#define WEIR_TEST_INNER_RUN_H

#include <stdbool.h>

typedef struct inner_run {
    bool passed;
    char said[16000]; /* on stderr */
} inner_run;

/* Runs `body` as the test "inner/test". */
void inner_run_test(inner_run *self, void (*body)(void));

/* Whether the test failed and said so. */
bool inner_run_fails(void (*body)(void), const char *sentence);

#endif
