/* common/progress.h - what a person sees while files come: a bar on a terminal, else a plain line a second. */
#ifndef EXAMPLES_PROGRESS_H
#define EXAMPLES_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct progress {
    FILE *out;
    bool terminal;
    uint64_t started_ms, shown_ms, shown_bytes;
    double rate; /* bytes a second, smoothed */
};

#define PROGRESS_UNKNOWN UINT64_MAX

/* How things stand: of the file that is coming now, and of all. */
struct progress_state {
    const char *path;
    uint64_t have, size; /* bytes of this file; size PROGRESS_UNKNOWN: nobody said */
    size_t file, files;
    uint64_t received; /* bytes of all files, this run */
};

/* On `out`, which stays open. */
void progress_start(struct progress *self, FILE *out, uint64_t now_ms);

/* Shows it, if it is time to. */
void progress_show(struct progress *self, uint64_t now_ms, const struct progress_state *state);

/* Takes the bar away, so that something else can be said. */
void progress_clear(const struct progress *self);

/* Clears the bar and says what came. */
void progress_end(struct progress *self, uint64_t now_ms, size_t files, uint64_t received);

#endif
