/* progress.h - what a person sees while files come: a bar on a terminal, else a plain line a second. */
#ifndef FILE_CLIENT_PROGRESS_H
#define FILE_CLIENT_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct progress {
    bool terminal;
    uint64_t started_ms, shown_ms, shown_bytes;
    double rate; /* bytes a second, smoothed */
};

/* How things stand: of the file that is coming now, and of all. */
struct progress_state {
    const char *path;
    uint64_t have, size; /* bytes of this file */
    size_t file, files;
    uint64_t received; /* bytes of all files, this run */
};

void progress_start(struct progress *self, uint64_t now_ms);

/* Shows it, if it is time to. */
void progress_show(struct progress *self, uint64_t now_ms, const struct progress_state *state);

/* Takes the bar away, so that something else can be said. */
void progress_clear(const struct progress *self);

/* Clears the bar and says what came. */
void progress_end(struct progress *self, uint64_t now_ms, size_t files, uint64_t received);

#endif
