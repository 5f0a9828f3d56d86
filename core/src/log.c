/* log.c - level, sink, and one clean line.
 *
 * Control characters become spaces: what a peer sends may end up in a sentence, and must not forge a
 * second line.
 */
#include <weir/core/log.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stderr_line.h"

enum {
    NOT_READ_YET = -1,
    LONGEST = 1000
};

static const char *const level_names[] = {"debug", "info", "warn", "error", "off"};

static int current_level = NOT_READ_YET;

static void write_to_stderr(void *arg, weir_log_level level, const char *subject, const char *text) {
    (void)arg;
    write_stderr_line("weir %s %s: %s", level_names[level], subject, text);
}

static struct {
    weir_log_fn *sink;
    void *arg;
} output = {write_to_stderr, NULL};

static int level_of_environment(void) {
    const char *wanted = getenv("WEIR_LOG");
    for (int i = WEIR_LOG_DEBUG; wanted != NULL && i <= WEIR_LOG_OFF; i++) {
        if (strcmp(wanted, level_names[i]) == 0) return i;
    }
    return WEIR_LOG_WARN;
}

static int level_in_force(void) {
    int level = __atomic_load_n(&current_level, __ATOMIC_RELAXED);
    if (level != NOT_READ_YET) return level;
    int wanted = level_of_environment();
    /* A level set meanwhile by another thread wins. */
    bool is_first = __atomic_compare_exchange_n(&current_level, &level, wanted, false, __ATOMIC_RELAXED,
                                                __ATOMIC_RELAXED);
    return is_first ? wanted : level;
}

void weir_log_set_sink(weir_log_fn *sink, void *arg) {
    output.sink = sink != NULL ? sink : write_to_stderr;
    output.arg = sink != NULL ? arg : NULL;
}

void weir_log_set_level(weir_log_level level) {
    __atomic_store_n(&current_level, (int)level, __ATOMIC_RELAXED);
}

bool weir_log_is_on(weir_log_level level) {
    return level < WEIR_LOG_OFF && (int)level >= level_in_force();
}

/* Ends `text`, which holds more than LONGEST bytes, with dots, and not in the middle of a UTF-8 character. */
static void cut(char *text) {
    size_t end = LONGEST - 3;
    while (end > 0 && ((unsigned char)text[end] & 0xC0) == 0x80) end--;
    memcpy(text + end, "...", 4);
}

static void blank_controls(char *text) {
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < ' ' || *text == 0x7f) *text = ' ';
    }
}

void weir_log(weir_log_level level, const char *subject, const char *format, ...) {
    if (!weir_log_is_on(level)) return;
    char text[LONGEST + 1];
    va_list args;
    va_start(args, format);
    int wanted = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (wanted < 0) return;
    if (wanted > LONGEST) cut(text);
    blank_controls(text);
    output.sink(output.arg, level, subject, text);
}
