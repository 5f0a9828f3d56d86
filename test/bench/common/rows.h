/* common/rows.h - a program that is asked for one row of a table at a time, so that rivals can take turns.
 *
 *     PROGRAM          reads names of rows from standard input, a line each, and answers each with the CPU
 *                      nanoseconds of one operation: one pass of a few milliseconds
 *     PROGRAM --list   the names, and how many operations are counted
 *     PROGRAM --count [NAME ...]
 *                      each row, or each named, with two numbers of operations and bench_mark() around both: run it
 *                      under callgrind --dump-before=bench_mark
 */
#ifndef BENCH_ROWS_H
#define BENCH_ROWS_H

#include <stddef.h>
#include <stdint.h>

/* The compiler must have made `value`, and knows nothing of memory afterwards. */
#define BENCH_KEEP(value) __asm__ volatile("" ::"r"(value) : "memory")

typedef struct bench_row {
    const char *name;
    void (*run)(size_t n, size_t arg); /* `n` operations */
    size_t arg;
    size_t counted; /* operations of the smaller of the two counted runs; the other does twice as many */
    void (*begin)(
        size_t arg); /* before and after a run, neither timed nor counted as part of it; may be NULL */
    void (*end)(size_t arg);
    uint64_t (*clock)(void); /* NULL: bench_cpu_ns */
} bench_row;

/* CPU time of the calling thread: what others do to the machine is mostly not in it. */
uint64_t bench_cpu_ns(void);

/* `n` letters, the same in all programs: what is searched. */
void bench_letters(uint8_t *bytes, size_t n);

/* Never among the letters, though the first of its bytes is every 26th of them. */
#define BENCH_NEEDLE "needle\r\n"

/* Serves `rows`, which end with a name of NULL. Answers the exit status. */
int bench_rows(const bench_row *rows, int argc, char **argv);

#endif
