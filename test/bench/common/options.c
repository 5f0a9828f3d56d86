/* options.c - a table of names against a command line. */
#include "options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const option *find_option(const option *table, const char *name) {
    for (; table->name != NULL; table++) {
        if (strcmp(table->name, name) == 0) return table;
    }
    return NULL;
}

static void refuse(const char *what, const char *which) {
    fprintf(stderr, "%s: %s %s\n", program_invocation_short_name, what, which);
    exit(2);
}

static void set_option(const option *found, const char *value) {
    if (found->text != NULL) {
        *found->text = value;
        return;
    }
    char *end;
    errno = 0;
    *found->number = strtoull(value, &end, 10);
    if (errno != 0 || end == value || *end != '\0') refuse("a number is needed for", found->name);
}

const char *options_read(int argc, char **argv, const option *table) {
    const char *operand = NULL;
    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], "--", 2) != 0) {
            operand = argv[i];
            continue;
        }
        const option *found = find_option(table, argv[i]);
        if (found == NULL) refuse("no option", argv[i]);
        if (++i == argc) refuse("a value is needed for", argv[i - 1]);
        set_option(found, argv[i]);
    }
    return operand;
}
