/* stderr_line.h - one line to stderr with one write(2), past stdio. Internal to core. */
#ifndef WEIR_CORE_STDERR_LINE_H
#define WEIR_CORE_STDERR_LINE_H

#include <weir/core/compiler.h>

/* The newline is added. Longer than 1200 characters is cut. Any thread. */
void write_stderr_line(const char *format, ...) WEIR_PRINTF(1, 2);

#endif
