/* stderr_line.c - see the header. */
#include "stderr_line.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

/* A failure has nowhere to be told: it is dropped, and errno stays the caller's. */
static void write_all(const char *text, size_t len) {
    int caller_errno = errno;
    while (len > 0) {
        ssize_t written = write(STDERR_FILENO, text, len);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) break;
        text += written;
        len -= (size_t)written;
    }
    errno = caller_errno;
}

void write_stderr_line(const char *format, ...) {
    char line[1202];
    va_list args;
    va_start(args, format);
    int wanted = vsnprintf(line, sizeof line - 1, format, args);
    va_end(args);
    size_t len = wanted < 0 ? 0 : (size_t)wanted;
    if (len > sizeof line - 2) len = sizeof line - 2;
    line[len++] = '\n';
    write_all(line, len);
}
