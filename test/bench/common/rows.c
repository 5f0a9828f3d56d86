/* rows.c - finds how many operations a pass needs the first time a row is asked for, and keeps to it. */
#include "rows.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    PASS_NS = 3000000,
    ROWS_MAX = 64
};

uint64_t bench_cpu_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void bench_letters(uint8_t *bytes, size_t n) {
    uint32_t state = 1;
    for (size_t i = 0; i < n; i++) {
        state = state * 1664525u + 1013904223u;
        bytes[i] = (uint8_t)('a' + (state >> 16) % 26);
    }
}

/* Callgrind looks for its name. */
__attribute__((noinline)) void bench_mark(void);

void bench_mark(void) {
    __asm__ volatile("" ::: "memory");
}

static uint64_t time_pass(const bench_row *row, size_t n) {
    uint64_t (*clock)(void) = row->clock != NULL ? row->clock : bench_cpu_ns;
    if (row->begin != NULL) row->begin(row->arg);
    uint64_t start = clock();
    row->run(n, row->arg);
    uint64_t spent = clock() - start;
    if (row->end != NULL) row->end(row->arg);
    return spent;
}

/* The first tries are also what warms everything up. */
static size_t operations_for_a_pass(const bench_row *row) {
    size_t n = row->counted;
    while (time_pass(row, n) < PASS_NS) n *= 2;
    return n;
}

static void count_pass(const bench_row *row, size_t n) {
    if (row->begin != NULL) row->begin(row->arg);
    bench_mark();
    row->run(n, row->arg);
    bench_mark();
    if (row->end != NULL) row->end(row->arg);
}

static int serve(const bench_row *rows) {
    static size_t pass[ROWS_MAX];
    char line[128];
    while (fgets(line, sizeof line, stdin) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        size_t i = 0;
        while (rows[i].name != NULL && strcmp(rows[i].name, line) != 0) i++;
        if (rows[i].name == NULL || i >= ROWS_MAX) {
            fprintf(stderr, "no row is called %s\n", line);
            return 2;
        }
        if (pass[i] == 0) pass[i] = operations_for_a_pass(&rows[i]);
        printf("%.4f\n", (double)time_pass(&rows[i], pass[i]) / (double)pass[i]);
        fflush(stdout);
    }
    return 0;
}

static bool is_wanted(const char *name, char **wanted) {
    if (*wanted == NULL) return true;
    while (*wanted != NULL && strcmp(*wanted, name) != 0) wanted++;
    return *wanted != NULL;
}

int bench_rows(const bench_row *rows, int argc, char **argv) {
    if (argc == 1) return serve(rows);
    bool counts = strcmp(argv[1], "--count") == 0;
    for (const bench_row *row = rows; row->name != NULL; row++) {
        if (!is_wanted(row->name, argv + 2)) continue;
        printf("%s %zu\n", row->name, row->counted);
        if (!counts) continue;
        time_pass(row, row->counted);
        count_pass(row, row->counted);
        count_pass(row, row->counted * 2);
    }
    return 0;
}
