/* leak_site.c - backtraces, where the C library has them. */
#include "leak_site.h"

#include <dlfcn.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if __has_include(<execinfo.h>)
#include <execinfo.h>
#else
static int backtrace(void **frames, int size) {
    (void)frames;
    (void)size;
    return 0;
}
#endif

/* This function and the one that calls it say nothing about the place. */
enum {
    OWN_FRAMES = 2
};

__attribute__((noinline)) void leak_site_capture(leak_site *self) {
    void *frames[LEAK_SITE_FRAMES + OWN_FRAMES];
    int count = backtrace(frames, LEAK_SITE_FRAMES + OWN_FRAMES) - OWN_FRAMES;
    self->count = count > 0 ? count : 0;
    memcpy(self->frames, frames + OWN_FRAMES, (size_t)self->count * sizeof frames[0]);
}

static size_t distance(const void *from, const void *to) {
    return (size_t)((uintptr_t)to - (uintptr_t)from);
}

static void print_frame(void *frame, FILE *out) {
    Dl_info info;
    if (dladdr(frame, &info) == 0 || info.dli_fname == NULL) {
        fprintf(out, "    %p\n", frame);
    } else if (info.dli_sname == NULL) {
        fprintf(out, "    (%s+0x%zx)\n", info.dli_fname, distance(info.dli_fbase, frame));
    } else {
        fprintf(out, "    %s+0x%zx (%s+0x%zx)\n", info.dli_sname, distance(info.dli_saddr, frame),
                info.dli_fname, distance(info.dli_fbase, frame));
    }
}

void leak_site_print(const leak_site *self, FILE *out) {
    for (int i = 0; i < self->count; i++) print_frame(self->frames[i], out);
}
