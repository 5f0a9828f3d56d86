/* progress.c - drawing it. */
#include "progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    BAR = 24,
    BAR_MS = 100,
    LINE_MS = 1000,
    NAME = 30,
};

void progress_start(struct progress *self, uint64_t now_ms) {
    *self = (struct progress){.terminal = isatty(STDOUT_FILENO), .started_ms = now_ms, .shown_ms = now_ms};
}

static void draw_bar(double share) {
    char bar[BAR + 1] = {0};
    for (int i = 0; i < BAR; i++) bar[i] = i < share * BAR ? '#' : '.';
    printf("\r[%s] %3.0f %%", bar, share * 100);
}

static void show_time_left(double seconds) {
    if (seconds >= 360000) return; /* nobody believes it */
    unsigned left = (unsigned)seconds;
    if (left >= 3600) {
        printf("  ETA %u:%02u:%02u", left / 3600, left / 60 % 60, left % 60);
    } else {
        printf("  ETA %u:%02u", left / 60, left % 60);
    }
}

void progress_show(struct progress *self, uint64_t now_ms, const struct progress_state *state) {
    uint64_t passed = now_ms - self->shown_ms;
    if (passed < (self->terminal ? BAR_MS : LINE_MS)) return;
    double rate = (double)(state->received - self->shown_bytes) * 1000 / (double)passed;
    self->rate = self->rate == 0 ? rate : 0.7 * self->rate + 0.3 * rate;
    self->shown_ms = now_ms;
    self->shown_bytes = state->received;
    if (!self->terminal) {
        printf("%zu/%zu %s: %" PRIu64 " of %" PRIu64 " bytes, %.1f MB/s\n", state->file, state->files,
               state->path, state->have, state->size, self->rate / 1e6);
    } else {
        draw_bar(state->size == 0 ? 1 : (double)state->have / (double)state->size);
        printf("  %.1f MB/s", self->rate / 1e6);
        if (self->rate > 0) show_time_left((double)(state->size - state->have) / self->rate);
        size_t length = strlen(state->path); /* the bar must fit into one line of a terminal */
        printf("  %zu/%zu %s\033[K", state->file, state->files,
               state->path + (length > NAME ? length - NAME : 0));
    }
    fflush(stdout);
}

void progress_clear(const struct progress *self) {
    if (!self->terminal) return;
    printf("\r\033[K");
    fflush(stdout);
}

void progress_end(struct progress *self, uint64_t now_ms, size_t files, uint64_t received) {
    double seconds = (double)(now_ms - self->started_ms) / 1e3;
    progress_clear(self);
    printf("%zu file%s, %" PRIu64 " bytes in %.2f s", files, files == 1 ? "" : "s", received, seconds);
    if (seconds > 0 && received > 0) printf(", %.1f MB/s", (double)received / 1e6 / seconds);
    putchar('\n');
}
