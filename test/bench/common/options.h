/* common/options.h - the command lines of load tools and peers: `--name VALUE` pairs and one operand.
 *
 *     uint64_t depth = 1;
 *     const char *where = options_read(argc, argv, (option[]){{"--depth", .number = &depth}, {0}});
 */
#ifndef BENCH_OPTIONS_H
#define BENCH_OPTIONS_H

#include <stdint.h>

typedef struct option {
    const char *name;
    uint64_t *number;
    const char **text;
} option;

/* The operand, or NULL. What is not in the table, or has no value, ends the program with a sentence and 2. */
const char *options_read(int argc, char **argv, const option *table);

#endif
