/* verdict.c - in a fuzz target, a failed check of weir::testing ends the process. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <weir/testing/test.h>

static char context[200];

void weir_test_context(const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(context, sizeof context, format, args);
    va_end(args);
}

void weir_test_fail(const char *file, int line, const char *format, ...) {
    va_list args;
    va_start(args, format);
    fprintf(stderr, "%s:%d: %s: ", file, line, context);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    abort();
}

void weir_test_give_up(void) {
    abort();
}
