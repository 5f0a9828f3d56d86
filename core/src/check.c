/* check.c - last words: one write, so that lines of several threads do not mix. */
#include <weir/core/check.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "stderr_line.h"

void weir_check_failed(const char *file, int line, const char *function, const char *format, ...) {
    char sentence[900];
    va_list args;
    va_start(args, format);
    vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);
    write_stderr_line("weir: %s:%d: %s: %s", file, line, function, sentence);
    abort();
}
