/* progress.c - drawing it. */
#include "common/progress.h"

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

void progress_start(struct progress *self, FILE *out, uint64_t now_ms) {
    *self = (struct progress){
        .out = out, .terminal = isatty(fileno(out)), .started_ms = now_ms, .shown_ms = now_ms};
}

static void draw_bar(FILE *out, double share) {
    char bar[BAR + 1] = {0};
    for (int i = 0; i < BAR; i++) bar[i] = i < share * BAR ? '#' : '.';
    fprintf(out, "\r[%s] %3.0f %%", bar, share * 100);
}

static void show_time_left(FILE *out, double seconds) {
    if (seconds >= 360000) return; /* nobody believes it */
    unsigned left = (unsigned)seconds;
    if (left >= 3600) {
        fprintf(out, "  ETA %u:%02u:%02u", left / 3600, left / 60 % 60, left % 60);
    } else {
        fprintf(out, "  ETA %u:%02u", left / 60, left % 60);
    }
}

static void show_line(const struct progress *self, const struct progress_state *state) {
    fprintf(self->out, "%zu/%zu %s: %" PRIu64, state->file, state->files, state->path, state->have);
    if (state->size != PROGRESS_UNKNOWN) fprintf(self->out, " of %" PRIu64, state->size);
    fprintf(self->out, " bytes, %.1f MB/s\n", self->rate / 1e6);
}

static void show_bar(const struct progress *self, const struct progress_state *state) {
    if (state->size == PROGRESS_UNKNOWN) {
        fprintf(self->out, "\r%" PRIu64 " bytes", state->have);
    } else {
        draw_bar(self->out, state->size == 0 ? 1 : (double)state->have / (double)state->size);
    }
    fprintf(self->out, "  %.1f MB/s", self->rate / 1e6);
    if (self->rate > 0 && state->size != PROGRESS_UNKNOWN)
        show_time_left(self->out, (double)(state->size - state->have) / self->rate);
    size_t length = strlen(state->path); /* the bar must fit into one line of a terminal */
    fprintf(self->out, "  %zu/%zu %s\033[K", state->file, state->files,
            state->path + (length > NAME ? length - NAME : 0));
}

void progress_show(struct progress *self, uint64_t now_ms, const struct progress_state *state) {
    uint64_t passed = now_ms - self->shown_ms;
    if (passed < (self->terminal ? BAR_MS : LINE_MS)) return;
    double rate = (double)(state->received - self->shown_bytes) * 1000 / (double)passed;
    self->rate = self->rate == 0 ? rate : 0.7 * self->rate + 0.3 * rate;
    self->shown_ms = now_ms;
    self->shown_bytes = state->received;
    if (!self->terminal) {
        show_line(self, state);
    } else {
        show_bar(self, state);
    }
    fflush(self->out);
}

void progress_clear(const struct progress *self) {
    if (!self->terminal) return;
    fprintf(self->out, "\r\033[K");
    fflush(self->out);
}

void progress_end(struct progress *self, uint64_t now_ms, size_t files, uint64_t received) {
    double seconds = (double)(now_ms - self->started_ms) / 1e3;
    progress_clear(self);
    fprintf(self->out, "%zu file%s, %" PRIu64 " bytes in %.2f s", files, files == 1 ? "" : "s", received,
            seconds);
    if (seconds > 0 && received > 0) fprintf(self->out, ", %.1f MB/s", (double)received / 1e6 / seconds);
    putc('\n', self->out);
}
